# SPDX-License-Identifier: MIT
"""Find the module of a peer, or tell why it is absent."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

__all__ = ["Absent", "find"]


@dataclass(frozen=True)
class Absent:
    """A peer that cannot be measured here."""

    reason: str

    def figures(self) -> dict[str, str]:
        """Return what stands in the results instead of figures."""
        return {"absent": self.reason}


def find(name: str) -> ModuleType | Absent:
    """Return the module of a peer: "enet", "quic" or "websocket"."""
    try:
        return import_module(f"benchmarks.peers.{name}")
    except ImportError as error:
        return Absent(f"{error}: `make peers` tries to install it")
