# SPDX-License-Identifier: MIT
"""Which sizes of cells there are, what each pair of them costs, and tables of it all.

The cells of a group are small, medium or full. The first two sizes are chosen for each
block: those that make its cells cost least. The tables for all groups that a block has
are made once and kept, because most blocks have the same few groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.replication.layout import LARGEST_CELL, RowLayout
from gamenet.wire import read_bitmap, read_words

__all__ = [
    "CLASSES",
    "N_CLASSES",
    "PAIR_BYTES",
    "SIZES",
    "SMALL_AND_MEDIUM",
    "ClassTables",
    "GroupTables",
    "sized_classes",
    "sized_groups",
]

_EACH = range(1, LARGEST_CELL + 1)
_PAIRS = [(small, medium) for small in _EACH for medium in _EACH if small <= medium]
_N_NEEDS = LARGEST_CELL + 1
_N_BITS = 33
IMPOSSIBLE = 1e6

N_CLASSES = 3
"""Small, medium and full."""

SMALL_AND_MEDIUM = np.array(_PAIRS, np.uint8).T.copy()
"""The pairs of sizes that may be chosen: (2, n_pairs)."""
PAIR_BYTES = (SMALL_AND_MEDIUM[0] - 1) | (SMALL_AND_MEDIUM[1] - 1) << 3
"""How each pair is told: (n_pairs,)."""
SIZES = np.zeros((_N_NEEDS, len(_PAIRS), _N_NEEDS), np.uint8)
"""Bytes of a cell by the full size of its group, the pair, and what it needs."""
CLASSES = np.zeros_like(SIZES)
"""The same for its class: 0 unchanged, 1 small, 2 medium, 3 full."""
_COSTS = np.full(SIZES.shape, IMPOSSIBLE, np.float32)
"""The same in bits, with those that tell the class."""


def _fill_tables() -> None:
    for full in _EACH:
        for i, (small, medium) in enumerate(_PAIRS):
            if medium > full:
                continue
            _COSTS[full, i] = 0.0
            for need in range(1, full + 1):
                size = small if need <= small else medium if need <= medium else full
                SIZES[full, i, need] = size
                CLASSES[full, i, need] = 1 + (size > small) + (size > medium)
                _COSTS[full, i, need] = 8 * size + (1 if size == small else 2)


_fill_tables()


@dataclass(frozen=True, slots=True)
class GroupTables:
    """What is the same for all blocks with the same groups.

    Indices count on from group to group, so that one `take` serves all of them.
    """

    packed: bytes
    """The bitmap that names the groups."""
    n_groups: int
    n_sizes: int
    need_at: NDArray[np.int32]
    """Where each group's line of `RowLayout.need` begins: (n_groups, 1)."""
    size_at: NDArray[np.intp]
    """Where each group's sizes begin among those of the block: (n_groups, 1)."""
    offset_at: NDArray[np.intp]
    """Where each group's sizes begin among those of the layout: (n_groups, 1)."""
    full: NDArray[np.intp]
    """Bytes of each group in full: (n_groups,)."""
    costs: NDArray[np.float32]
    """Bits of a cell by group, pair and need: (n_groups, n_pairs, 9)."""
    offsets: NDArray[np.uint8]
    """Of the layout, `RowLayout.offsets`."""


@lru_cache(maxsize=1024)
def sized_groups(layout: RowLayout, named: bytes) -> GroupTables:
    """Return the tables of some groups.

    Args:
        layout: of the rows.
        named: one byte for each group of the layout, 1 for those that are wanted.
    """
    groups = np.frombuffer(named, np.bool_).nonzero()[0]
    full = layout.full[groups]
    return GroupTables(
        packed=np.packbits(np.frombuffer(named, np.bool_), bitorder="little").tobytes(),
        n_groups=len(groups),
        n_sizes=_N_NEEDS * len(groups),
        need_at=(groups * _N_BITS).astype(np.int32)[:, None],
        size_at=np.arange(0, _N_NEEDS * len(groups), _N_NEEDS)[:, None],
        offset_at=(groups * _N_NEEDS)[:, None],
        full=full,
        costs=_COSTS[full],
        offsets=layout.offsets,
    )


@dataclass(frozen=True, slots=True)
class ClassTables:
    """What a block says of the sizes of its cells, by group and class."""

    n_groups: int
    sizes: NDArray[np.intp]
    """Bytes of a cell: (n_groups * 3,)."""
    offsets: NDArray[np.uint8]
    """Lowest bit of each lane in it: (3, n_groups * 3)."""
    masks: NDArray[np.uint64]
    """Bits of each lane in it, moved down to bit 0: (3, n_groups * 3)."""
    skipped: NDArray[np.intp]
    """How many groups of the layout are missing before each: (n_groups,)."""


@lru_cache(maxsize=4096)
def sized_classes(layout: RowLayout, named: bytes, sizes: bytes) -> ClassTables:
    """Return the tables of a block that was received.

    Args:
        layout: of the rows.
        named: the bitmap of its groups.
        sizes: a byte for each of its groups.

    Raises:
        RemoteProtocolError: they are malformed.
    """
    is_named, _ = read_bitmap(named, 0, layout.n_groups)
    groups = is_named.nonzero()[0]
    packed, _ = read_words(sizes, 0, len(groups), "u1")
    table = np.empty((len(groups), N_CLASSES), np.intp)
    table[:, 0] = (packed & 7) + 1
    table[:, 1] = (packed >> 3) + 1
    table[:, 2] = layout.full[groups]
    if (table[:, 0] > table[:, 1]).any() or (table[:, 1] > table[:, 2]).any():
        msg = f"sizes of cells {table.tolist()}: small, medium and full must not fall"
        raise RemoteProtocolError(msg)
    at = (groups * _N_NEEDS)[:, None] + table
    return ClassTables(
        n_groups=len(groups),
        sizes=table.reshape(-1),
        offsets=layout.offsets.take(at.reshape(-1), axis=1),
        masks=layout.cell_masks.take(at.reshape(-1), axis=1),
        skipped=groups - np.arange(len(groups)),
    )
