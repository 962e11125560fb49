# SPDX-License-Identifier: MIT
"""Ascending row numbers as bytes: a bitmap where they are dense, gaps where not.

Source: docs/STANDARD.md, "Snapshots".
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.wire import bitmap_size, read_bitmap, read_words

__all__ = ["MAX_ROWS", "read_rows", "write_rows"]

MAX_ROWS = 0xFFFF
"""Most rows of a list, and most bits of its bitmap."""
BITMAP, GAPS8, GAPS16 = 0, 1, 2

_HEAD = struct.Struct("<HBH")  # the first row in 24 bits, and a count

Rows = NDArray[np.intp]


def write_rows(rows: Rows) -> tuple[int, bytes]:
    """Return the mode and the bytes of a list of rows, the shortest that there are.

    Args:
        rows: ascending, at least one; gaps of at most 65,535.
    """
    first, n_rows = int(rows[0]), len(rows)
    span = int(rows[-1]) - first + 1
    low, high = first & 0xFFFF, first >> 16
    n_bytes = bitmap_size(span) if span <= MAX_ROWS else span
    if n_bytes < n_rows:
        return BITMAP, _HEAD.pack(low, high, span) + _bitmap(rows, first, span)
    gaps = rows[1:] - rows[:-1]
    gaps -= 1
    width = 1 if n_rows == 1 or gaps.max() <= 0xFF else 2
    if n_bytes <= width * (n_rows - 1):
        return BITMAP, _HEAD.pack(low, high, span) + _bitmap(rows, first, span)
    mode = GAPS8 if width == 1 else GAPS16
    packed = gaps.astype("<u1" if width == 1 else "<u2")
    return mode, _HEAD.pack(low, high, n_rows) + packed.tobytes()


def _bitmap(rows: Rows, first: int, span: int) -> bytes:
    bits = np.zeros(span, np.bool_)
    bits[rows - first] = True
    return np.packbits(bits, bitorder="little").tobytes()


def read_rows(
    data: bytes | memoryview, at: int, mode: int, capacity: int
) -> tuple[Rows, int]:
    """Read a list of rows; return it and the position after it.

    Raises:
        RemoteProtocolError: malformed, or a row beyond the capacity.
    """
    try:
        low, high, count = _HEAD.unpack_from(data, at)
    except struct.error:
        msg = f"a list of rows at byte {at} is cut short: the data end at {len(data)}"
        raise RemoteProtocolError(msg) from None
    first, at = low | high << 16, at + _HEAD.size
    if count == 0:
        msg = "a list of no rows: it has at least one"
        raise RemoteProtocolError(msg)
    if mode == BITMAP:
        bits, at = read_bitmap(data, at, count)
        if not (bits[0] and bits[-1]):
            msg = f"a bitmap of {count} rows does not begin and end with a 1"
            raise RemoteProtocolError(msg)
        rows = bits.nonzero()[0]
    else:
        gaps, at = read_words(data, at, count - 1, "u1" if mode == GAPS8 else "u2")
        rows = np.zeros(count, np.intp)
        np.cumsum(gaps, out=rows[1:])
        rows[1:] += np.arange(1, count)
    rows += first
    if rows[-1] >= capacity:
        msg = f"row {rows[-1]}: allowed are 0 to {capacity - 1}"
        raise RemoteProtocolError(msg)
    return rows, at
