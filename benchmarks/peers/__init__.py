# SPDX-License-Identifier: MIT
"""Other stacks, measured in the same run as gamenet.

Each is one module with the roles that the benchmarks give it, and each is optional: a
peer that is not installed is reported as absent with its reason. `make peers` tries to
install them all.
"""

from __future__ import annotations

from benchmarks.peers.finding import Absent, find

__all__ = ["Absent", "find"]
