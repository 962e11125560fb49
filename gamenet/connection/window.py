# SPDX-License-Identifier: MIT
"""Size the window: how many bytes may be under way.

It grows by a step and shrinks by a share. Of two flows on one link both take the same
steps, but the larger gives up more when both shrink, so that they become equal (Chiu
and Jain, "Analysis of the increase and decrease algorithms", 1989). If the path stays
empty for some rounds it has become faster, and the steps double until it is full again.
"""

from __future__ import annotations

__all__ = ["Window"]

PACKETS_AT_FIRST = 10  # RFC 6928
STEP, CAREFUL_STEP = 1 / 6, 1 / 12
"""Packets by which the window grows each round, at first."""
PATIENCE, CAREFUL_PATIENCE = 4, 64
"""Rounds on an empty path after which the steps double with each second round."""
STEEPEST = 1 / 8
"""Largest share by which it grows in one round."""
MOST_DOUBLINGS = 20


class Window:
    """Grow and shrink.

    Args:
        packet_size: bytes of a full packet.
    """

    __slots__ = ("_n_empty", "_usual", "packet_size", "size")

    def __init__(self, packet_size: int) -> None:
        self.packet_size = packet_size
        """Bytes of a full packet."""
        self.size = PACKETS_AT_FIRST * packet_size
        """Bytes that may be under way."""
        self._usual = self._n_empty = 0

    def grow(self, *, is_empty: bool, is_careful: bool) -> None:
        """Grow for one round.

        Args:
            is_empty: whether the path was empty in this round.
            is_careful: whether too much was lost not long ago.
        """
        self._n_empty = self._n_empty + 1 if is_empty else 0
        patience = CAREFUL_PATIENCE if is_careful else PATIENCE
        n_doublings = min((self._n_empty - patience) // 2, MOST_DOUBLINGS)
        step = (CAREFUL_STEP if is_careful else STEP) * self.packet_size
        steepest = max(step, self.size * STEEPEST)
        self.size += int(min(step * (1 << max(n_doublings, 0)), steepest))

    def shrink(self, kept: float, least: float) -> None:
        """Keep a share of the window, and `least` bytes in any case."""
        self._n_empty = 0
        self.size = int(max(self.size * kept, least))

    def narrow(self) -> None:
        """Let a single packet be under way, until `widen` is called."""
        self._usual = self.size
        self.size = self.packet_size

    def widen(self) -> None:
        """Return to the size before `narrow`."""
        self.size = max(self.size, self._usual)
