# SPDX-License-Identifier: MIT
"""Keep account of numbered messages: which never came, which came twice, and when."""

from __future__ import annotations

import time
from itertools import pairwise

__all__ = ["Ledger"]


class Ledger:
    """What one end received of the messages 0, 1, 2, ... of the other."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._times: list[float] = []

    def note(self, number: int) -> None:
        """Take a message that came just now."""
        self._numbers.append(number)
        self._times.append(time.monotonic())

    def lost(self, n_sent: int) -> int:
        """Return how many of so many messages never came."""
        return n_sent - len(set(self._numbers))

    @property
    def n_duplicated(self) -> int:
        """Return how many came that had come before."""
        return len(self._numbers) - len(set(self._numbers))

    @property
    def n_misordered(self) -> int:
        """Return how many came after one with a higher number."""
        return sum(one > other for one, other in pairwise(self._numbers))

    def gap(self, begin: float, end: float) -> float:
        """Return the longest time between two messages that touches an interval."""
        times = [time for time in self._times if time <= end]
        pairs = pairwise([*times, end])
        return max(later - earlier for earlier, later in pairs if later >= begin)
