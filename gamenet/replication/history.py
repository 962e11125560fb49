# SPDX-License-Identifier: MIT
"""What a client received of each row in the last ticks, so that bases can be found.

A server tells a difference against a tick that the client has acknowledged. The state
of a row at that tick is the newest sample of it that is not newer. Kept are the newest
sample, and for each of the last ticks what its sample replaced: so the state at a tick
is what was replaced first after it.

Memory grows with the highest row in use, up to a limit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.replication.mirror import HISTORY

__all__ = ["MAX_HISTORY_BYTES", "History"]

MAX_HISTORY_BYTES = 1 << 30
"""No more memory than this is taken, whatever a server sends."""

SMALLEST = 64
NEVER, LATEST = -1, np.iinfo(np.int64).max

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]
Ticks = NDArray[np.int64]


class History:
    """Keep what rows were at the last ticks.

    Args:
        n_words: words of a row.
        capacity: rows of the world.
    """

    def __init__(self, n_words: int, capacity: int) -> None:
        self._n_words = n_words
        self._capacity = capacity
        self._n_rows = 0
        self._now: Words = np.zeros((n_words, 0), np.uint32)
        self._newest: Ticks = np.full(0, NEVER, np.int64)
        # Of each row and slot: the tick of the sample that came, and what it replaced.
        self._came: Ticks = np.full((HISTORY, 0), NEVER, np.int64)
        self._replaced_tick: Ticks = np.full((HISTORY, 0), NEVER, np.int64)
        self._replaced: Words = np.zeros((HISTORY, n_words, 0), np.uint32)

    def make_room(self, highest: int) -> None:
        """Provide for rows up to one.

        Raises:
            RemoteProtocolError: that would take too much memory.
        """
        if highest < self._n_rows:
            return
        n_rows = max(SMALLEST, 1 << highest.bit_length())
        n_rows = min(n_rows, self._capacity)
        n_bytes = n_rows * (HISTORY + 1) * (4 * self._n_words + 16)
        if n_bytes > MAX_HISTORY_BYTES:
            msg = (
                f"row {highest} would take {n_bytes >> 20} MiB of history: the limit "
                f"is {MAX_HISTORY_BYTES >> 20} MiB; use fewer entities or components"
            )
            raise RemoteProtocolError(msg)
        self._now = _wider(self._now, n_rows, 0)
        self._newest = _wider(self._newest, n_rows, NEVER)
        self._came = _wider(self._came, n_rows, NEVER)
        self._replaced_tick = _wider(self._replaced_tick, n_rows, NEVER)
        self._replaced = _wider(self._replaced, n_rows, 0)
        self._n_rows = n_rows

    def newest(self, rows: Rows) -> Ticks:
        """Return the tick of each row's newest sample, -1 before any: (n,)."""
        return self._newest.take(rows)

    def current(self, rows: Rows) -> Words:
        """Return the newest state of rows: (n_words, n), zeros where there is none."""
        return self._now.take(rows, axis=1)

    def at(self, rows: Rows, bases: Ticks, current: Words) -> Words:
        """Return the state of rows, each at a tick of its own.

        Args:
            rows: distinct, with room made for them.
            bases: the ticks, newer than the newest of all by -31 at most; -1 is before
                any.
            current: what `current` returned for the rows.

        Shapes:
            rows, bases: (n,); returned: (n_words, n), zeros where there was nothing.
        """
        is_later = self._newest.take(rows) > bases
        if not np.count_nonzero(is_later):
            return current
        words = current.copy()
        which = is_later.nonzero()[0]
        rows, bases = rows[which], bases[which]
        slots = self._first_after(rows, bases)
        words[:, which] = np.where(bases < 0, 0, self._replaced[slots, :, rows].T)
        return words

    def _first_after(self, rows: Rows, ticks: Ticks) -> Rows:
        """Return the slot of the first sample of each row that came after a tick.

        There must be one for each row.
        """
        came = self._came.take(rows, axis=1)
        came[came <= ticks] = LATEST
        slots: Rows = came.argmin(axis=0)
        return slots

    def store(self, tick: int, rows: Rows, words: Words, current: Words) -> None:
        """Keep a sample of each row.

        Args:
            tick: of the samples, newer than the newest of all by -31 at most.
            rows: distinct, with room made for them.
            words: the samples, (n_words, n).
            current: what `current` returned for the rows.
        """
        newest = self._newest.take(rows)
        is_new = newest < tick
        if np.count_nonzero(is_new) < len(rows):
            is_late = newest > tick
            self._insert(tick, rows[is_late], words[:, is_late])
            again = ~is_new & ~is_late
            self._now[:, rows[again]] = words[:, again]
            rows, newest = rows[is_new], newest[is_new]
            words, current = words[:, is_new], current[:, is_new]
        slot = tick % HISTORY
        self._replaced[slot][:, rows] = current
        self._replaced_tick[slot][rows] = newest
        self._came[slot][rows] = tick
        self._now[:, rows] = words
        self._newest[rows] = tick

    def _insert(self, tick: int, rows: Rows, words: Words) -> None:
        """Keep samples that are older than the newest one of their rows."""
        slots = self._first_after(rows, np.full(len(rows), tick))
        before = self._replaced_tick[slots, rows]
        is_missing = before < tick
        rows, slots, before = rows[is_missing], slots[is_missing], before[is_missing]
        slot = tick % HISTORY
        self._replaced[slot][:, rows] = self._replaced[slots, :, rows].T
        self._replaced_tick[slot][rows] = before
        self._came[slot][rows] = tick
        self._replaced[slots, :, rows] = words[:, is_missing].T
        self._replaced_tick[slots, rows] = tick


def _wider(array: NDArray[Any], width: int, filling: int) -> NDArray[Any]:
    # Memory of zeros that nobody writes to is never touched, so it costs nothing.
    wider = np.zeros((*array.shape[:-1], width), array.dtype)
    if filling:
        wider[..., array.shape[-1] :] = filling
    wider[..., : array.shape[-1]] = array
    return wider
