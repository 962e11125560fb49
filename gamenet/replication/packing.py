# SPDX-License-Identifier: MIT
"""Put what a client is told into blocks that fit a message, and these into messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.blocks import SNAPSHOT_HEAD, gone_block
from gamenet.replication.deltas import Delta
from gamenet.replication.mirror import Mirror
from gamenet.replication.rowlists import MAX_ROWS
from gamenet.replication.viewer import Part, Viewer

__all__ = ["BLOCK_HEAD", "Told", "gone_blocks", "packed", "row_blocks"]

MAX_PARTS = 255
BLOCK_HEAD = 16
"""What a block is expected to take beside its rows."""
ROWS_GONE = 256  # of one block
GONE_SIZE = 3  # bytes that a row takes there at most, with what is set aside for blocks

Rows = NDArray[np.intp]


@dataclass(slots=True)
class Told:
    """A block, and what it tells."""

    payload: bytes
    rows: Rows
    levels: NDArray[np.uint8]
    ages: NDArray[np.int64]
    is_gone: bool = False


def gone_blocks(mirror: Mirror, viewer: Viewer, rows: Rows, room: int) -> list[Told]:
    """Return the blocks of rows that a client sees no more."""
    told = []
    for run in _near(rows, min(ROWS_GONE, (room - BLOCK_HEAD) // GONE_SIZE)):
        some = rows[run]
        has_left = mirror.alive(mirror.tick).take(some) != 0
        has_left &= viewer.last_told(some) >= mirror.born.take(some)
        levels = np.zeros(len(some), np.uint8)
        ages = np.zeros(len(some), np.int64)
        told.append(Told(gone_block(some, has_left), some, levels, ages, is_gone=True))
    return told


def row_blocks(
    delta: Delta, picked: Rows | None, viewer: Viewer, room: int
) -> list[Told]:
    """Return blocks of a delta's rows, or of some of them, that fit a message.

    Args:
        delta: the differences.
        picked: indices of rows, ascending; None for all.
        viewer: who is told.
        room: bytes of a block.
    """
    rows, sizes, ages = delta.rows, delta.sizes, delta.ages
    if picked is not None:
        rows, sizes = rows.take(picked), sizes.take(picked)
        ages = ages.take(picked)
    levels = viewer.level.take(rows)
    if sizes.sum() + BLOCK_HEAD <= room and rows[-1] - rows[0] < MAX_ROWS:
        payload = delta.block(picked)
        if len(payload) <= room:
            return [Told(payload, rows, levels, ages)]
    told: list[Told] = []
    where = np.arange(len(rows)) if picked is None else picked
    for run in _runs(rows, sizes, room - BLOCK_HEAD):
        whole = Told(b"", rows[run], levels[run], ages[run])
        told += _fitting(delta, where[run], whole, room)
    return told


def _runs(rows: Rows, sizes: NDArray[np.float64], room: float) -> Iterator[slice]:
    """Yield runs of rows that are expected to fit, and that one list can name."""
    ends = np.cumsum(sizes)
    begin, before = 0, 0.0
    while begin < len(rows):
        end = int(ends.searchsorted(before + room, "right"))
        end = min(end, int(rows.searchsorted(rows[begin] + MAX_ROWS)))
        end = max(end, begin + 1)
        yield slice(begin, end)
        begin, before = end, float(ends[end - 1])


def _fitting(delta: Delta, picked: Rows, told: Told, room: int) -> Iterator[Told]:
    """Yield the block of rows, or those of its halves if it is larger than thought."""
    told.payload = delta.block(picked)
    if len(told.payload) <= room:
        yield told
        return
    half = len(picked) // 2
    for run in (slice(half), slice(half, None)):
        part = Told(b"", told.rows[run], told.levels[run], told.ages[run])
        yield from _fitting(delta, picked[run], part, room)


def _near(rows: Rows, most: int) -> Iterator[slice]:
    """Yield runs of so many rows at most, that a list of rows can name."""
    begin = 0
    while begin < len(rows):
        end = min(begin + most, int(rows.searchsorted(rows[begin] + MAX_ROWS)))
        yield slice(begin, end)
        begin = end


def packed(tick: int, told: list[Told], room: int) -> tuple[list[Part], int]:
    """Return messages that hold blocks, and how many rows had no place in 255 of them.

    A tick of which there is nothing to tell is a message, too.
    """
    shares: list[list[Told]] = [[]]
    left = room
    for block in told:
        if len(block.payload) > left and shares[-1]:
            shares.append([])
            left = room
        shares[-1].append(block)
        left -= len(block.payload)
    n_left_out = sum(len(t.rows) for share in shares[MAX_PARTS:] for t in share)
    del shares[MAX_PARTS:]
    parts = [_part(tick, i, len(shares), share) for i, share in enumerate(shares)]
    return parts, n_left_out


def _part(tick: int, number: int, n_parts: int, told: list[Told]) -> Part:
    head = SNAPSHOT_HEAD.pack(tick, number, n_parts)
    if len(told) == 1:
        one = told[0]
        payload = head + one.payload
        return Part(payload, tick, one.rows, one.levels, one.ages, one.is_gone)
    payload = b"".join((head, *(block.payload for block in told)))
    if not told:
        return Part(payload, tick, _NO_ROWS, _NO_LEVELS, _NO_AGES)
    return Part(
        payload,
        tick,
        np.concatenate([block.rows for block in told]),
        np.concatenate([block.levels for block in told]),
        np.concatenate([block.ages for block in told]),
        any(block.is_gone for block in told),
    )


_NO_ROWS: Rows = np.empty(0, np.intp)
_NO_LEVELS = np.empty(0, np.uint8)
_NO_AGES = np.empty(0, np.int64)
