# SPDX-License-Identifier: MIT
"""Remember the words of a few rows for a good while: one ring of blocks, by tick.

Only what a client predicts itself is in here, so a thousand ticks of it are some
hundred kilobytes. Each row knows since when its words are remembered, because rows
come and go while the ring goes on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SavedWords"]

Words = NDArray[np.uint32]
Places = NDArray[np.intp]


class SavedWords:
    """Keep the words of rows for the newest `depth` ticks.

    Args:
        n_lines: lines of a block.
        depth: how many ticks are kept.
    """

    def __init__(self, n_lines: int, depth: int) -> None:
        self._n_lines = n_lines
        self.depth = depth
        self._blocks = np.zeros((depth, n_lines, 0), np.uint32)
        self.newest = 0
        """Newest tick that is kept."""
        self.since = np.zeros(0, np.int64)
        """Oldest tick of which each row's words are kept: (n_rows,)."""

    def begin(self, tick: int, words: Words) -> None:
        """Forget all, and keep the words of one tick.

        Shapes:
            words: (n_lines, n_rows), as everywhere here.
        """
        self.newest = tick
        self.since[:] = tick
        self._blocks[tick % self.depth] = words

    def append(self, words: Words) -> None:
        """Keep the words of the next tick; those of the oldest may be lost."""
        self.newest += 1
        self._blocks[self.newest % self.depth] = words
        np.maximum(self.since, self.newest - self.depth + 1, out=self.since)

    def at(self, tick: int) -> Words:
        """Return the words of a tick, to be read or written.

        They mean something for rows that have them since that tick or before.
        """
        words: Words = self._blocks[tick % self.depth]
        return words

    def reaches(self, tick: int) -> bool:
        """Return whether a tick is within the ring."""
        return self.newest - self.depth < tick <= self.newest

    def rearrange(self, places: Places) -> None:
        """Change which rows there are.

        Args:
            places: for each row there will be its place now, or -1 if it is new: its
                words are kept from the newest tick on, and have to be written.

        Shapes:
            places: (n_rows,).
        """
        blocks = np.zeros((self.depth, self._n_lines, len(places)), np.uint32)
        is_kept = places >= 0
        blocks[:, :, is_kept] = self._blocks[:, :, places[is_kept]]
        since = np.full(len(places), self.newest, np.int64)
        since[is_kept] = self.since[places[is_kept]]
        self._blocks, self.since = blocks, since
