# SPDX-License-Identifier: MIT
"""Try to install each of the peers that the benchmarks compare gamenet with.

    python tools/install_peers.py

They are the extra `peers` of setup.cfg. Each is tried by itself into the environment of
the interpreter that runs this, and it is said which failed and why. That is no error:
the benchmarks report a missing peer as absent.
"""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")


def peers() -> list[str]:
    """Return the requirements of the extra."""
    setup = ConfigParser()
    setup.read(Path(__file__).parent.parent / "setup.cfg", encoding="utf-8")
    extra = setup["options.extras_require"]["peers"]
    return [line for line in extra.splitlines() if line]


def install(requirement: str) -> str:
    """Install one, and return what stood in the way; empty if nothing did."""
    done = subprocess.run(
        [sys.executable, *PIP, requirement], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    return said[-1].strip() if said else f"pip ended with status {done.returncode}"


def main() -> None:
    """Install what can be installed."""
    for requirement in peers():
        obstacle = install(requirement)
        print(f"{requirement}: {obstacle or 'installed'}")


if __name__ == "__main__":
    main()
