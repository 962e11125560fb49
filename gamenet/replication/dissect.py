# SPDX-License-Identifier: MIT
"""Take a snapshot message apart: which row and which component took how many bits.

A snapshot says differences, and how large each one is written stands in the message
itself. So its bytes can be accounted for without the state that it is a difference
against: by whoever holds the bytes, in a running server or in a recording, with the
list of components and nothing else. Every bit belongs to a cell, to a row, to a group
of lanes or to the headers, and the sum is the length of the message.

Source: docs/STANDARD.md, "Snapshots".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.replication.cells import read_cells
from gamenet.replication.celltable import CellTable, cell_table
from gamenet.replication.layout import GENERATION
from gamenet.replication.rowlists import read_rows
from gamenet.wire import read_bitmap, read_words
from gamenet.world import Component

__all__ = [
    "BEHIND",
    "DELTA",
    "DESPAWNED",
    "ENTERED",
    "LEFT",
    "OVERHEAD",
    "REASONS",
    "Dissection",
    "SnapshotBlock",
    "dissect",
]

REASONS = ("entered", "delta", "behind", "left", "despawned", "overhead")
"""Why bits were sent: an entity that the client had nothing of, one whose base is that
of many, one with a base of its own, one that left the view or is no more; and what no
row is to blame for."""
ENTERED, DELTA, BEHIND, LEFT, DESPAWNED, OVERHEAD = range(len(REASONS))

_HEAD = struct.Struct("<IBB")
_BITMAP, _SHORT_GAPS = 0, 2
_UNIFORM, _MIXED, _GONE = 0, 1, 2
MAX_AGE = 31

Bits = NDArray[np.int64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotBlock:
    """One block of a message: some rows, and what each of them took.

    Shapes:
        rows, ages, reasons, row_bits: (n_rows,); groups: (n_groups,);
        sizes, cell_bits: (n_groups, n_rows).
    """

    rows: Rows
    """Ascending rows."""
    ages: NDArray[np.uint8]
    """Ticks from the base to this one; 0 is against nothing."""
    reasons: NDArray[np.uint8]
    """Why each row is here: an index into `REASONS`."""
    row_bits: Bits
    """Bits that name the row, its age, or how it went."""
    groups: Rows
    """The groups of lanes in which any row changed."""
    sizes: NDArray[np.uint8]
    """Payload bytes of each cell; 0 for one that did not change."""
    cell_bits: Bits
    """Bits of each cell: of its payload, and its own in the bitmaps."""
    group_bits: int
    """Bits that each of the groups takes, whatever the rows."""
    overhead: int
    """Bits of headers and unused bits."""
    body_at: int
    """Where the cells begin in the message; 0 where there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class Dissection:
    """A message, taken apart."""

    tick: int
    """Whose state it tells."""
    part: int
    """Which part of the tick's snapshot it is, from 0."""
    n_parts: int
    """In how many parts the tick was sent."""
    size: int
    """Bytes of the message."""
    blocks: tuple[SnapshotBlock, ...]
    """In the order of the message."""
    table: CellTable
    """What the groups mean."""

    @property
    def overhead(self) -> int:
        """Return the bits that belong neither to rows nor to groups."""
        return 8 * _HEAD.size + sum(block.overhead for block in self.blocks)

    @property
    def rows(self) -> Rows:
        """Return the rows of all blocks, in the order of the message."""
        return np.concatenate([np.zeros(0, np.intp), *(b.rows for b in self.blocks)])


def dissect(
    payload: bytes, components: Sequence[type[Component]], capacity: int
) -> Dissection:
    """Take a snapshot message apart.

    Args:
        payload: the whole message.
        components: those that are replicated, in the order of their numbers.
        capacity: rows of the world.

    Raises:
        RemoteProtocolError: the message is malformed.
    """
    try:
        tick, part, n_parts = _HEAD.unpack_from(payload)
        if part >= n_parts:
            msg = f"part {part} of a snapshot of {n_parts} parts: they count from 0"
            raise RemoteProtocolError(msg)
        cut = _Cut(payload, cell_table(tuple(components)), capacity)
        blocks = []
        while cut.at < len(payload):
            blocks.append(cut.block())
    except (struct.error, IndexError) as error:
        msg = f"a snapshot of {len(payload)} bytes is cut short: {error}"
        raise RemoteProtocolError(msg) from error
    return Dissection(tick, part, n_parts, len(payload), tuple(blocks), cut.table)


class _Cut:
    """A position in a message, and what reads on from there."""

    def __init__(self, data: bytes, table: CellTable, capacity: int) -> None:
        self.at = _HEAD.size
        self.table = table
        self._data = data
        self._capacity = capacity
        self._overhead = 0

    def block(self) -> SnapshotBlock:
        flags = self._data[self.at]
        mode, kind = flags & 3, flags >> 2
        if mode > _SHORT_GAPS or kind > _GONE:
            msg = f"a block with the flags {flags:#04x}: there is none such"
            raise RemoteProtocolError(msg)
        self.at += 1
        self._overhead = 8
        rows, row_bits = self._rows(mode)
        n_rows = len(rows)
        if kind == _GONE:
            has_left = self._bitmap(n_rows)
            reasons = np.where(has_left, np.uint8(LEFT), np.uint8(DESPAWNED))
            ages = np.zeros(n_rows, np.uint8)
            nothing = np.zeros((0, n_rows), np.uint8)
            cells = np.zeros(0, np.intp), nothing, nothing.astype(np.int64)
            return SnapshotBlock(
                rows, ages, reasons, row_bits + 1, *cells, 0, self._overhead, 0
            )
        ages = self._ages(kind, n_rows)
        reasons = np.full(n_rows, BEHIND if kind == _MIXED else DELTA, np.uint8)
        reasons[ages == 0] = ENTERED
        row_bits += 8 * (kind == _MIXED)
        body_at = self.at
        cells = self._cells(n_rows)
        reasons[self._is_new(body_at, n_rows, cells)] = ENTERED
        # Each group has its bit among the groups, and its byte of sizes.
        return SnapshotBlock(
            rows, ages, reasons, row_bits, *cells, 1 + 8, self._overhead, body_at
        )

    def _rows(self, mode: int) -> tuple[Rows, Bits]:
        """Return a block's rows, and the bits that name each."""
        begin = self.at
        rows, self.at = read_rows(self._data, begin, mode, self._capacity)
        n_rows = len(rows)
        if mode == _BITMAP:
            row_bits = np.ones(n_rows, np.int64)
        else:
            row_bits = np.full(n_rows, 8 * mode, np.int64)  # gaps of as many bytes
            row_bits[0] = 0  # the head names it
        self._overhead += 8 * (self.at - begin) - int(row_bits.sum())
        return rows, row_bits

    def _ages(self, kind: int, n_rows: int) -> NDArray[np.uint8]:
        if kind == _UNIFORM:
            self._overhead += 8
        given = self._words(1 if kind == _UNIFORM else n_rows, "u1")
        if given.max() > MAX_AGE:
            msg = f"a base of {given.max()} ticks before: the limit is {MAX_AGE}"
            raise RemoteProtocolError(msg)
        return given.repeat(n_rows) if kind == _UNIFORM else given

    def _cells(self, n_rows: int) -> tuple[Rows, NDArray[np.uint8], Bits]:
        """Return the groups with changes, and size and bits of each of their cells."""
        full = self.table.layout.full
        groups = self._bitmap(len(full)).nonzero()[0]
        self._overhead += len(full) - len(groups)
        full = full[groups]
        codes = self._words(len(groups), "u1")
        small, medium = (codes & 7) + 1, (codes >> 3) + 1
        if (small > medium).any() or (medium > full).any():
            msg = f"cells of {small} and {medium} bytes, where all of one is {full}"
            raise RemoteProtocolError(msg)
        changed = self._bitmap(len(groups) * n_rows).reshape(len(groups), n_rows)
        of_group = changed.nonzero()[0]
        is_large = self._bitmap(len(of_group))
        large = of_group[is_large]
        is_full = self._bitmap(len(large))
        taken = small[of_group]
        taken[is_large] = np.where(is_full, full[large], medium[large])
        sizes = np.zeros(changed.shape, np.uint8)
        sizes[changed] = taken
        bits = np.ones(changed.shape, np.int64)
        bits[changed] += 1 + is_large + 8 * taken.astype(np.int64)
        self._words(int(taken.sum(dtype=np.int64)), "u1")
        return groups, sizes, bits

    def _is_new(
        self, body_at: int, n_rows: int, cells: tuple[Rows, NDArray[np.uint8], Bits]
    ) -> NDArray[np.bool_]:
        """Return of which rows the client had another entity, or none."""
        groups, sizes, _ = cells
        if not (len(groups) and groups[0] == 0 and sizes[0].any()):
            return np.zeros(n_rows, np.bool_)
        folded, _ = read_cells(self.table.layout, self._data, body_at, n_rows)
        is_new: NDArray[np.bool_] = folded[GENERATION, 0] != 0
        return is_new

    def _bitmap(self, count: int) -> NDArray[np.bool_]:
        bits, self.at = read_bitmap(self._data, self.at, count)
        self._overhead += -count % 8
        return bits

    def _words(self, count: int, dtype: str) -> NDArray[Any]:
        words, self.at = read_words(self._data, self.at, count, dtype)
        return words
