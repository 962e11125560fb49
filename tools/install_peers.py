# SPDX-License-Identifier: MIT
"""Try to install each of the peers that the benchmarks compare gamenet with.

    python tools/install_peers.py

They are the extra `peers` of setup.cfg, and a package of npm. Each is tried by itself
into the environment of the interpreter that runs this, what is npm's into its folder
`peers`, and it is said which failed and why. That is no error: the benchmarks report a
missing peer as absent.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
NPM = ("install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts")
NPM_FOLDER = Path(sys.prefix, "peers")
"""Where the benchmarks look for what comes from npm."""
NPM_PEERS = ("@colyseus/schema@5",)
PATIENCE = 120
"""Seconds that npm may take: without a network it tries for long."""


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


def install_with_npm(requirement: str) -> str:
    """Install a package for Node, and return what stood in the way."""
    npm = shutil.which("npm")
    if npm is None:
        return "there is no npm on this machine"
    NPM_FOLDER.mkdir(exist_ok=True)
    command = [npm, *NPM, "--prefix", str(NPM_FOLDER), requirement]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"npm was not done after {PATIENCE} s"
    if done.returncode == 0:
        return ""
    said = done.stderr.strip().splitlines()
    return "; ".join(said[:2]) or f"npm ended with status {done.returncode}"


def main() -> None:
    """Install what can be installed."""
    tries = [(requirement, install) for requirement in peers()]
    tries += [(requirement, install_with_npm) for requirement in NPM_PEERS]
    for requirement, installing in tries:
        obstacle = installing(requirement)
        print(f"{requirement}: {obstacle or 'installed'}")


if __name__ == "__main__":
    main()
