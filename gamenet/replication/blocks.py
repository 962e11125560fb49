# SPDX-License-Identifier: MIT
"""Snapshot messages: a head, then blocks of rows that are told in one way.

A block tells rows against one base tick, against a base tick of each row's own, or that
they are gone. Reading one needs nothing but the message; what it is a difference to is
found by the receiver.

Source: docs/STANDARD.md, "Snapshots".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.replication.cells import read_cells
from gamenet.replication.layout import RowLayout
from gamenet.replication.mirror import HISTORY
from gamenet.replication.rowlists import GAPS16, read_rows, write_rows
from gamenet.wire import read_bitmap, read_words

__all__ = [
    "SNAPSHOT_HEAD",
    "Block",
    "Snapshot",
    "gone_block",
    "read_snapshot",
    "row_block",
]

SNAPSHOT_HEAD = struct.Struct("<IBB")
"""Tick, part, number of parts."""
UNIFORM, MIXED, GONE = 0, 1, 2

Rows = NDArray[np.intp]
Ages = NDArray[np.uint8]


def row_block(rows: Rows, ages: int | Ages, cells: bytes) -> bytes:
    """Return a block that tells the state of rows.

    Args:
        rows: ascending.
        ages: how many ticks ago each row's base was, 0 for none; or one number for all.
        cells: of the rows.
    """
    mode, listed = write_rows(rows)
    if isinstance(ages, int):
        return bytes((mode | UNIFORM << 2,)) + listed + bytes((ages,)) + cells
    return bytes((mode | MIXED << 2,)) + listed + ages.tobytes() + cells


def gone_block(rows: Rows, has_left: NDArray[np.bool_]) -> bytes:
    """Return a block that tells which rows are there no more.

    Args:
        rows: ascending.
        has_left: of each row, whether it only left view, and was not despawned.
    """
    mode, listed = write_rows(rows)
    packed = np.packbits(has_left, bitorder="little").tobytes()
    return bytes((mode | GONE << 2,)) + listed + packed


@dataclass(slots=True)
class Block:
    """A block that was read."""

    rows: Rows
    """Ascending."""
    ages: NDArray[np.int64] | None
    """How many ticks ago each row's base was, 0 for none; None if the rows are gone."""
    oldest: int
    """The largest of these ages; 0 if the rows are gone."""
    folded: NDArray[np.uint32] | None
    """Their differences, (3, n_groups, n_rows); None if the rows are gone."""
    has_left: NDArray[np.bool_] | None
    """Of rows that are gone, whether they only left view; else None."""


@dataclass(slots=True)
class Snapshot:
    """A snapshot message that was read."""

    tick: int
    part: int
    n_parts: int
    blocks: list[Block]


def read_snapshot(
    layout: RowLayout, data: bytes | memoryview, capacity: int
) -> Snapshot:
    """Read a snapshot message.

    Raises:
        RemoteProtocolError: it is malformed.
    """
    try:
        tick, part, n_parts = SNAPSHOT_HEAD.unpack_from(data)
    except struct.error:
        msg = f"a snapshot of {len(data)} bytes: it has at least {SNAPSHOT_HEAD.size}"
        raise RemoteProtocolError(msg) from None
    if part >= n_parts:
        msg = f"part {part} of a snapshot of {n_parts} parts"
        raise RemoteProtocolError(msg)
    blocks = []
    at = SNAPSHOT_HEAD.size
    while at < len(data):
        block, at = _read_block(layout, data, at, capacity)
        blocks.append(block)
    return Snapshot(tick, part, n_parts, blocks)


def _read_block(
    layout: RowLayout, data: bytes | memoryview, at: int, capacity: int
) -> tuple[Block, int]:
    flags = data[at]
    mode, kind = flags & 3, flags >> 2
    if mode > GAPS16 or kind > GONE:
        msg = f"a block with flags {flags:#x} at byte {at}: there is no such kind"
        raise RemoteProtocolError(msg)
    rows, at = read_rows(data, at + 1, mode, capacity)
    if kind == GONE:
        has_left, at = read_bitmap(data, at, len(rows))
        return Block(rows, None, 0, None, has_left), at
    ages, oldest, at = _read_ages(data, at, kind, len(rows))
    folded, at = read_cells(layout, data, at, len(rows))
    return Block(rows, ages, oldest, folded, None), at


def _read_ages(
    data: bytes | memoryview, at: int, kind: int, n_rows: int
) -> tuple[NDArray[np.int64], int, int]:
    """Return the age of each row's base, the largest, and the position after them."""
    told, at = read_words(data, at, n_rows if kind == MIXED else 1, "u1")
    oldest = int(told.max())
    if oldest >= HISTORY:
        msg = f"a base {oldest} ticks ago: allowed are 0 to {HISTORY - 1}"
        raise RemoteProtocolError(msg)
    ages: NDArray[np.int64] = np.empty(n_rows, np.int64)
    ages[:] = told
    return ages, oldest, at
