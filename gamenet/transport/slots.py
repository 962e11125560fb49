# SPDX-License-Identifier: MIT
"""Number the players of a server: the lowest number that is free."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heappop, heappush
from typing import Any

__all__ = ["Slots"]


class Slots:
    """Give out places by number, and take them back."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._n_made = 0
        self._by_holder: dict[Hashable, int] = {}

    def preview(self, _: Any = None) -> int:
        """Return the place that the next one gets."""
        return self._free[0] if self._free else self._n_made

    def take(self, holder: Hashable) -> int:
        """Give a place to a holder."""
        if self._free:
            slot = heappop(self._free)
        else:
            slot = self._n_made
            self._n_made += 1
        self._by_holder[holder] = slot
        return slot

    def give_back(self, holder: Hashable) -> None:
        """Free the place of a holder, if it has one."""
        slot = self._by_holder.pop(holder, None)
        if slot is not None:
            heappush(self._free, slot)
