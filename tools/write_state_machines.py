# SPDX-License-Identifier: MIT
"""Write docs/STATE-MACHINES.md and its pictures: behaviour over time, from the code.

`python tools/write_state_machines.py` writes them; a test holds them equal.
"""

from __future__ import annotations

import re
from pathlib import Path

from gamenet.connection import ConnectionConfig, answering, backoff, path, pending
from gamenet.transport import connecting
from tools.handshake_machines import client_handshake, server_door
from tools.state_diagrams import mermaid, picture, table
from tools.state_machines import Machine, lifecycle, peer_address

__all__ = ["TARGET", "files"]

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "tools" / "state_machines_template.md"
TARGET = ROOT / "docs" / "STATE-MACHINES.md"
PICTURES = ROOT / "docs" / "state-machines"


def files() -> dict[Path, str]:
    """Return every file with its content."""
    machines = [lifecycle(), client_handshake(), server_door(), peer_address()]
    parts = _numbers() | {machine.name: _shown(machine) for machine in machines}
    template = TEMPLATE.read_text(encoding="utf-8")
    page = re.sub(r"\{\{([\w-]+)\}\}", lambda found: parts[found.group(1)], template)
    pictures = {PICTURES / f"{each.name}.svg": picture(each) for each in machines}
    return {TARGET: page, **pictures}


def _shown(machine: Machine) -> str:
    image = f"![{machine.name}](state-machines/{machine.name}.svg)"
    return f"{image}\n\n{mermaid(machine)}\n\n{table(machine)}"


def _numbers() -> dict[str, str]:
    config = ConnectionConfig()
    numbers = {
        "timeout": config.timeout,
        "handshake_timeout": config.handshake_timeout,
        "resume_window": config.resume_window,
        "resend": answering.RESEND_INTERVAL,
        "pending_time": pending.LONGEST,
        "backoff": backoff.FIRST,
        "longest_backoff": backoff.LONGEST,
        # They are what the page is about, and nobody else's.
        "patience": connecting._PATIENCE,  # noqa: SLF001
        "path_tries": path._N_TRIES,  # noqa: SLF001
        "path_shortest": path._SHORTEST,  # noqa: SLF001
        "path_longest": path._LONGEST,  # noqa: SLF001
    }
    return {name: f"{number:g}" for name, number in numbers.items()}


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for target, content in files().items():
        target.write_text(content, encoding="utf-8")
