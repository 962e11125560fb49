# SPDX-License-Identifier: MIT
"""Differences of rows as bytes: which cells changed, how large each is, and the cells.

A cell is written in one of three sizes. Which two sizes beside the full one suit a
group best is chosen for each block from the cells themselves. All groups are worked on
at once: the number of numpy calls does not grow with rows or components.

Source: docs/STANDARD.md, "Cells".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.replication.layout import LANES, LARGEST_CELL, RowLayout
from gamenet.replication.sizes import (
    CLASSES,
    N_CLASSES,
    PAIR_BYTES,
    SIZES,
    sized_classes,
    sized_groups,
)
from gamenet.wire import bitmap_size, read_bitmap

__all__ = ["Cells", "add_differences", "differences", "read_cells"]

Words = NDArray[np.uint32]
Rows = NDArray[np.intp]

_N_NEEDS = LARGEST_CELL + 1
_BYTES = np.arange(LARGEST_CELL) < np.arange(_N_NEEDS)[:, None]
"""Which bytes of a 64-bit word a cell of each size takes: (9, 8)."""


def differences(
    layout: RowLayout, new: Words, old: Words, out: Words | None = None
) -> Words:
    """Return the folded differences of words, one unsigned number for each lane.

    Args:
        layout: of the rows.
        new: words as they are.
        old: words as they were.
        out: where the differences are written; a new array if left out.

    Shapes:
        new, old, returned: (3, n_groups, n_rows).
    """
    shifts = layout.shifts[:, :, None]
    moved = np.subtract(new, old, out=out)
    moved <<= shifts
    signs = (moved.view(np.int32) >> 31).view(np.uint32)
    moved <<= np.uint32(1)
    moved ^= signs
    moved >>= shifts
    return moved


def add_differences(layout: RowLayout, old: Words, folded: Words) -> Words:
    """Return the words that differ so from others; `differences` undone.

    Shapes:
        old, folded, returned: (3, n_groups, n_rows).
    """
    signs = np.zeros_like(folded)
    np.subtract(signs, folded & np.uint32(1), out=signs)
    moved = folded >> np.uint32(1)
    moved ^= signs
    moved += old
    moved &= layout.masks[:, :, None]
    return moved


class Cells:
    """The changed cells of some rows, ready to be written for all or some of them.

    Args:
        layout: of the rows.
        folded: their differences: (3, n_groups, n_rows).
    """

    __slots__ = (
        "_classes",
        "_merged",
        "_named",
        "_pairs",
        "_sizes",
        "_tables",
    )

    def __init__(self, layout: RowLayout, folded: Words) -> None:
        longest = folded[0] | folded[1]
        longest |= folded[2]
        self._named = named = np.logical_or.reduce(longest, axis=1)
        self._tables = tables = sized_groups(layout, named.tobytes())
        if tables.n_groups < layout.n_groups:
            longest = longest[named]
            folded = folded[:, named]
        keys = np.frexp(longest)[1]
        keys += tables.need_at
        keys = tables.size_at + layout.need.take(keys)
        self._choose(keys)
        self._merge(folded)

    def _choose(self, keys: NDArray[np.intp]) -> None:
        """Choose the two sizes of each group that cost least, and size the cells.

        Args:
            keys: of each cell, the bytes that it needs, counted on by group.
        """
        tables = self._tables
        counts = np.bincount(keys.reshape(-1), minlength=tables.n_sizes)
        by_need = counts.reshape(-1, _N_NEEDS, 1)
        best = np.matmul(tables.costs, by_need)[:, :, 0].argmin(axis=1)
        self._pairs = PAIR_BYTES.take(best)
        self._sizes = SIZES[tables.full, best].take(keys)
        self._classes = CLASSES[tables.full, best].take(keys)

    def _merge(self, folded: Words) -> None:
        """Put the lanes of each cell into one word."""
        at = self._tables.offset_at + self._sizes
        offsets = self._tables.offsets
        merged = folded[0].astype(np.uint64)
        for k in range(1, LANES):
            merged |= np.left_shift(folded[k], offsets[k].take(at), dtype=np.uint64)
        self._merged = merged

    def row_sizes(self) -> NDArray[np.float64]:
        """Return the bytes that each row takes, its share of the bits included.

        Shapes:
            returned: (n_rows,).
        """
        sizes: NDArray[np.float64] = self._sizes.sum(axis=0, dtype=np.float64)
        sizes += 0.35 * self._tables.n_groups + 1.0
        return sizes

    def write(self, picked: Rows | None = None) -> bytes:
        """Return the cells of all rows, or of some.

        Args:
            picked: indices of rows, ascending.
        """
        named, classes, sizes = self._named, self._classes, self._sizes
        merged, pairs, packed = self._merged, self._pairs, self._tables.packed
        if picked is not None:
            classes, sizes = classes.take(picked, axis=1), sizes.take(picked, axis=1)
            merged = merged.take(picked, axis=1)
            live = np.logical_or.reduce(classes, axis=1)
            if np.count_nonzero(live) < len(live):
                named = named.copy()
                named[named] = live
                packed = _packed(named)
                classes, sizes, merged = classes[live], sizes[live], merged[live]
                pairs = pairs[live]
        flat = classes.reshape(-1)
        at = flat.nonzero()[0]
        taken = flat.take(at)
        is_large = taken > 1
        # The lowest bytes of each little-endian word, one after the other.
        words = merged.reshape(-1).take(at).astype("<u8", copy=False)
        which = _BYTES.take(sizes.reshape(-1).take(at), 0)
        payload = words.view(np.uint8).reshape(-1, LARGEST_CELL)[which]
        return b"".join(
            (
                packed,
                pairs.tobytes(),
                _packed(flat != 0),
                _packed(is_large),
                _packed(taken[is_large] > 2),
                payload.tobytes(),
            )
        )


def _packed(bits: NDArray[np.bool_]) -> bytes:
    return np.packbits(bits, bitorder="little").tobytes()


def read_cells(
    layout: RowLayout, data: bytes | memoryview, at: int, n_rows: int
) -> tuple[Words, int]:
    """Read the cells of rows; return their differences and the position after them.

    Shapes:
        returned: (3, n_groups, n_rows).

    Raises:
        RemoteProtocolError: they are malformed, or the data end before them.
    """
    end = at + bitmap_size(layout.n_groups)
    named = bytes(data[at:end])
    at = end + int.from_bytes(named, "little").bit_count()
    classes = sized_classes(layout, named, bytes(data[end:at]))
    changed, at = read_bitmap(data, at, classes.n_groups * n_rows)
    cells = changed.nonzero()[0]
    large, at = read_bitmap(data, at, len(cells))
    full, at = read_bitmap(data, at, int(np.count_nonzero(large)))
    of_group = cells // n_rows
    keys = of_group * N_CLASSES
    keys += large
    keys[large] += full
    sizes = classes.sizes.take(keys)
    end = at + int(sizes.sum())
    if end > len(data):
        msg = f"the cells of {n_rows} rows end at byte {end}, the data at {len(data)}"
        raise RemoteProtocolError(msg)
    raw = np.zeros((len(cells), LARGEST_CELL), np.uint8)
    raw[_BYTES.take(sizes, 0)] = np.frombuffer(data, np.uint8, end - at, at)
    lanes = raw.view("<u8").reshape(-1) >> classes.offsets.take(keys, axis=1)
    lanes &= classes.masks.take(keys, axis=1)
    folded = np.zeros((LANES, layout.n_groups * n_rows), np.uint32)
    cells += (classes.skipped * n_rows).take(of_group)
    folded[:, cells] = lanes
    return folded.reshape(LANES, layout.n_groups, n_rows), end
