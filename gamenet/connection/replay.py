# SPDX-License-Identifier: MIT
"""Which 64-bit sequences were received, so that no packet counts twice.

An attacker can record a packet and send it again; its seal is good each time. So a
receiver remembers the newest sequence and which of those just before it never came:
older ones are refused, and the others are accepted once.

Source: netcode 1.02, "Replay Protection". Sequences are compared by subtraction, where
adding to one near 2**64 would overflow in other languages; here nothing does.
"""

from __future__ import annotations

__all__ = ["ReplayWindow"]


class ReplayWindow:
    """Remember the newest sequences.

    What is kept are those missed, not those received: while nothing is lost that is
    the number 0, and an advance costs one addition.

    Args:
        size: how far behind the newest a packet may come.
    """

    __slots__ = ("_mask", "_missed", "_size", "newest")

    def __init__(self, size: int = 256) -> None:
        self.newest = -1
        """Newest sequence received; -1 before the first."""
        self._size = size
        self._mask = (1 << size) - 1
        self._missed = 0

    def is_new(self, sequence: int) -> bool:
        """Return whether a packet is neither a duplicate nor too old to tell."""
        behind = self.newest - sequence
        if behind < 0:
            return True
        return behind < self._size and bool(self._missed >> behind & 1)

    def advance(self, sequence: int) -> None:
        """Note that an authentic packet came; ask `is_new` first."""
        ahead = sequence - self.newest
        if ahead == 1:
            self.newest = sequence
            if self._missed:
                self._missed = (self._missed << 1) & self._mask
        elif ahead > 1:
            self._leap(ahead)
        elif -ahead < self._size:
            self._missed &= ~(1 << -ahead)

    def _leap(self, ahead: int) -> None:
        self.newest += ahead
        shift = min(ahead, self._size)
        passed_over = (1 << shift) - 2
        self._missed = (self._missed << shift | passed_over) & self._mask
