# SPDX-License-Identifier: MIT
"""How rows differ now from ticks before, as blocks of a snapshot.

Clients that acknowledged the same tick are told the same differences, whichever of the
rows they see: these are worked out once. Who is told exactly the same rows is told the
same bytes, too.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.blocks import row_block
from gamenet.replication.cells import Cells, differences
from gamenet.replication.due import EVERYONE, MAX_AGE
from gamenet.replication.layout import LANES
from gamenet.replication.mirror import Mirror
from gamenet.replication.viewer import Part, Viewer

__all__ = ["Delta", "OwnDelta", "SharedDelta"]

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]


class Delta(Protocol):
    """The differences of some rows."""

    rows: Rows
    """Ascending."""
    sizes: NDArray[np.float64]
    """Bytes that each row is expected to take: (n_rows,)."""
    ages: NDArray[np.int64]
    """How many ticks ago the base of each row was; 0 for none: (n_rows,)."""

    def block(self, picked: Rows | None) -> bytes:
        """Return the block of all rows, or of those at some indices."""


class SharedDelta:
    """Rows as everybody may see them, against one tick or against nothing.

    Args:
        mirror: where the states are.
        rows: ascending; those that are not alive are left out.
        base: the tick that clients acknowledged, in the mirror's ring; None for none.
    """

    def __init__(self, mirror: Mirror, rows: Rows, base: int | None) -> None:
        is_here = mirror.alive(mirror.tick).take(rows) != 0
        self.is_whole = np.count_nonzero(is_here) == len(rows)
        """Whether all of the rows are alive."""
        if not self.is_whole:
            rows = rows[is_here]
        self.rows: Rows = rows
        self.changed_before = (
            None if base is None else mirror.changed_at(base).take(rows)
        )
        """When each row had last changed, as of the base."""
        self._age = 0 if base is None else mirror.tick - base
        layout = mirror.layout
        with mirror.scratch.words(2 * layout.n_words, len(rows)) as both:
            new, old = both[: layout.n_words], both[layout.n_words :]
            mirror.copy_words(mirror.tick, rows, new)
            if base is None:
                old.fill(0)
            else:
                mirror.copy_words(base, rows, old)
            if layout.is_restricted:
                mask = layout.level_masks[:, EVERYONE, None]
                new &= mask
                old &= mask
            self._cells = _cells_between(mirror, new, old)
        self.sizes = self._cells.row_sizes()
        self.size = float(self.sizes.sum())
        """Bytes that all rows are expected to take."""
        self.ages = np.full(len(self.rows), self._age)
        self._blocks: dict[bytes, bytes] = {}
        self.parts: list[Part] | None = None
        """The messages of all rows, once made."""
        self.n_shared = 0
        """How often bytes were used again that had been made for another client."""

    @property
    def n_made(self) -> int:
        """Return how often bytes had to be made."""
        return len(self._blocks)

    def block(self, picked: Rows | None) -> bytes:
        """Return a block; the same bytes for whoever is told the same."""
        key = b"" if picked is None else picked.tobytes()
        block = self._blocks.get(key)
        if block is None:
            rows = self.rows if picked is None else self.rows[picked]
            block = row_block(rows, self._age, self._cells.write(picked))
            self._blocks[key] = block
        else:
            self.n_shared += 1
        return block


class OwnDelta:
    """Rows of one client, each against the tick that it holds of that row.

    Args:
        mirror: where the states are.
        viewer: the client.
        rows: ascending.
    """

    def __init__(self, mirror: Mirror, viewer: Viewer, rows: Rows) -> None:
        self.rows = rows
        layout, tick = mirror.layout, mirror.tick
        base = viewer.base.take(rows).astype(np.int64)
        base_level = viewer.base_level.take(rows)
        ages = tick - base
        ages[(base == 0) | (base_level == 0) | (ages > MAX_AGE)] = 0
        self.ages = ages
        with mirror.scratch.words(layout.n_words, len(rows)) as new:
            mirror.copy_words(tick, rows, new)
            old = mirror.words_of(rows, tick - ages)
            old[:, ages == 0] = 0
            if layout.is_restricted:
                levels = viewer.level.take(rows)
                np.bitwise_and(new, layout.level_masks.take(levels, axis=1), out=new)
                old &= layout.level_masks.take(base_level, axis=1)
            self._cells = _cells_between(mirror, new, old)
        self.sizes = self._cells.row_sizes()
        self.sizes += 1.0  # its age

    def block(self, picked: Rows | None) -> bytes:
        """Return a block."""
        rows = self.rows if picked is None else self.rows[picked]
        ages = self.ages if picked is None else self.ages[picked]
        cells = self._cells.write(picked)
        first = int(ages[0])
        if (ages == first).all():
            return row_block(rows, first, cells)
        return row_block(rows, ages.astype(np.uint8), cells)


def _cells_between(mirror: Mirror, new: Words, old: Words) -> Cells:
    """Return the cells of rows that have some words now, and had others before.

    Shapes:
        new, old: (n_words, n_rows); new is overwritten.
    """
    shape = (LANES, mirror.layout.n_groups, new.shape[1])
    new = new.reshape(shape)
    return Cells(
        mirror.layout, differences(mirror.layout, new, old.reshape(shape), new)
    )
