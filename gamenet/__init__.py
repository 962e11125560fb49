# SPDX-License-Identifier: MIT
"""Serve a multiplayer game written in Python to browsers, native clients and bots.

A game author starts at `gamenet.game`, a protocol author at `gamenet.transport`,
a tester at `gamenet.testing`. The packages are layered: an import only ever goes
to a lower layer, and everything below `gamenet.transport` is free of I/O.
"""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
