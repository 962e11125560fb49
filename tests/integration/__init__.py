# SPDX-License-Identifier: MIT
"""Real sockets, real programs, real time: what only shows when nothing is simulated."""

from __future__ import annotations
