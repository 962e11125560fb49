# SPDX-License-Identifier: MIT
"""Tests of lists of rows as bytes."""

from __future__ import annotations

import struct
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication.rowlists import read_rows, write_rows

CAPACITY = 1 << 24
BITMAP, GAPS8, GAPS16 = 0, 1, 2

gaps = st.one_of(
    st.lists(st.integers(1, 3), max_size=60),
    st.lists(st.integers(1, 256), max_size=30),
    st.lists(st.integers(1, 65536), max_size=30),
)


def expected(rows: list[int], mode: int) -> bytes:
    """Return the bytes of rows in a mode, as the standard says."""
    first = rows[0].to_bytes(3, "little")
    if mode == BITMAP:
        span = rows[-1] - rows[0] + 1
        bits = sum(1 << row - rows[0] for row in rows)
        return (
            first + struct.pack("<H", span) + bits.to_bytes((span + 7) // 8, "little")
        )
    size = 1 if mode == GAPS8 else 2
    between = [b - a - 1 for a, b in pairwise(rows)]
    return (
        first
        + struct.pack("<H", len(rows))
        + b"".join(gap.to_bytes(size, "little") for gap in between)
    )


class RoundTripTests(SynchronousTestCase):
    """Rows are read as they were written."""

    @given(st.integers(0, 1000), gaps)
    def test_shortest(self, first: int, steps: list[int]) -> None:
        """The mode is the one of fewest bytes, and its bytes are the standard's."""
        rows = np.cumsum([first, *steps])
        mode, data = write_rows(rows)
        listed = rows.tolist()
        self.assertEqual(data, expected(listed, mode))
        others = [GAPS16]
        if max(steps, default=0) <= 256:
            others.append(GAPS8)
        if listed[-1] - listed[0] < 65535:
            others.append(BITMAP)
        shortest = min(len(expected(listed, other)) for other in others)
        self.assertEqual(len(data), shortest)
        for other in others:
            again, at = read_rows(
                b"??" + expected(listed, other) + b"!", 2, other, CAPACITY
            )
            self.assertEqual(again.tolist(), listed)
            self.assertEqual(at, 2 + len(expected(listed, other)))

    def test_largest(self) -> None:
        """The highest row there can be, the widest span, the longest list."""
        for rows in (
            [CAPACITY - 1],
            [0, 65534],
            [0, 65536],
            list(range(0, 2 * 65535, 2)),
            list(range(65535)),
        ):
            mode, data = write_rows(np.array(rows, np.intp))
            again, at = read_rows(data, 0, mode, CAPACITY)
            self.assertEqual((again.tolist(), at), (rows, len(data)))


class MalformedTests(SynchronousTestCase):
    """A list that is not as the standard says is refused."""

    def refused(self, data: bytes, mode: int, capacity: int = CAPACITY) -> str:
        """Return why a list is refused."""
        error = self.assertRaises(
            RemoteProtocolError, read_rows, data, 0, mode, capacity
        )
        return str(error)

    def test_cut(self) -> None:
        """A list that is cut short at any byte is refused."""
        rows = [3, 5, 9, 300]
        for mode in (BITMAP, GAPS16):
            data = expected(rows, mode)
            for length in range(len(data)):
                self.refused(data[:length], mode)

    def test_empty(self) -> None:
        """A list has at least one row."""
        for mode in (BITMAP, GAPS8, GAPS16):
            self.assertIn("at least one", self.refused(bytes(9), mode))

    def test_beyond_capacity(self) -> None:
        """Every row is one that the world has."""
        for mode in (BITMAP, GAPS8, GAPS16):
            data = expected([7, 9], mode)
            rows, _at = read_rows(data, 0, mode, 10)
            self.assertEqual(rows.tolist(), [7, 9])
            self.assertIn("row 9: allowed are 0 to 8", self.refused(data, mode, 9))

    def test_bitmap_edges(self) -> None:
        """A bitmap begins and ends with a row, and has nothing behind that."""
        head = bytes([0, 0, 0, 3, 0])
        for bits in (0b110, 0b011, 0b000, 0b1101):
            self.refused(head + bytes([bits]), BITMAP)
        rows, _at = read_rows(head + bytes([0b101]), 0, BITMAP, 9)
        self.assertEqual(rows.tolist(), [0, 2])
