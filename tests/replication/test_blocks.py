# SPDX-License-Identifier: MIT
"""Tests of snapshot messages as bytes."""

from __future__ import annotations

import struct
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication.blocks import (
    SNAPSHOT_HEAD,
    gone_block,
    read_snapshot,
    row_block,
)
from gamenet.replication.cells import Cells, differences
from gamenet.replication.layout import RowLayout
from gamenet.wire import uint8
from gamenet.world import Component
from tests.replication.test_cells import reference, words
from tests.replication.worlds import PRIVATE

CAPACITY = 400
LAYOUT = RowLayout(PRIVATE)


class Points(Component):
    """One byte."""

    points: int = uint8()


SMALL = RowLayout([Points])
HEAD = SNAPSHOT_HEAD.pack(9, 0, 1)
CELLS = bytes([0b101, 0, 0, 0b11, 0b0, 2, 10])
"""Of one row: generation 1, 5 points."""

row_sets = st.sets(st.integers(0, CAPACITY - 1), min_size=1, max_size=20).map(sorted)


class RoundTripTests(SynchronousTestCase):
    """What is written is read."""

    @settings(max_examples=40)
    @given(st.lists(st.tuples(row_sets, st.integers(0, 2)), max_size=4), st.data())
    def test_blocks(self, drawn: Any, data: Any) -> None:
        """Any blocks of any kinds stand in one message."""
        random = Random(data.draw(st.integers(0, 2**32)))
        expected, message = [], SNAPSHOT_HEAD.pack(2**32 - 1, 254, 255)
        for listed, kind in drawn:
            rows = np.array(listed, np.intp)
            bits = np.array([random.random() < 0.5 for _ in listed])
            old, new = words(LAYOUT, random, len(rows))
            folded = differences(LAYOUT, new, old)
            cells = Cells(LAYOUT, folded).write()
            ages: Any = random.randrange(32)
            if kind == 1:
                ages = np.array([random.randrange(32) for _ in listed], np.uint8)
            message += (
                gone_block(rows, bits) if kind == 2 else row_block(rows, ages, cells)
            )
            expected.append(
                (kind, listed, bits, np.broadcast_to(ages, len(rows)), folded)
            )
        snapshot = read_snapshot(LAYOUT, message, CAPACITY)
        self.assertEqual((snapshot.tick, snapshot.part), (2**32 - 1, 254))
        self.assertEqual((snapshot.n_parts, len(snapshot.blocks)), (255, len(drawn)))
        for block, (kind, listed, bits, ages, folded) in zip(
            snapshot.blocks, expected, strict=True
        ):
            self.assertEqual(block.rows.tolist(), listed)
            if kind == 2:
                assert block.has_left is not None
                self.assertEqual(block.has_left.tolist(), bits.tolist())
                self.assertEqual((block.ages, block.folded), (None, None))
                continue
            assert block.ages is not None
            assert block.folded is not None
            self.assertEqual(block.ages.tolist(), ages.tolist())
            self.assertEqual(block.folded.tolist(), folded.tolist())
            self.assertIsNone(block.has_left)

    def test_bytes(self) -> None:
        """The bytes are those of the standard."""
        rows = np.array([3], np.intp)
        one = bytes([3, 0, 0, 1, 0])
        self.assertEqual(row_block(rows, 7, CELLS), b"\x01" + one + b"\x07" + CELLS)
        ages = np.array([7], np.uint8)
        self.assertEqual(row_block(rows, ages, CELLS), b"\x05" + one + b"\x07" + CELLS)
        self.assertEqual(gone_block(rows, np.array([True])), b"\x09" + one + b"\x01")
        dense = np.arange(3, 9)
        listed = bytes([3, 0, 0, 6, 0, 0b111111])
        left = np.array([1, 0, 0, 1, 0, 0], np.bool_)
        self.assertEqual(gone_block(dense, left), b"\x08" + listed + b"\x09")
        sparse = np.array([3, 4, 5000], np.intp)
        listed = struct.pack("<BBBHHH", 3, 0, 0, 3, 0, 4995)
        self.assertEqual(
            row_block(sparse, 0, b"cells"), b"\x02" + listed + b"\x00" + b"cells"
        )
        old = np.zeros((3, SMALL.n_groups, 1), np.uint32)
        new = old.copy()
        new[0, 0], new[0, 2] = 1, 5
        self.assertEqual(reference(SMALL, old, new, lambda *_: (1, 1)), CELLS)


class MalformedTests(SynchronousTestCase):
    """A message that is not as the standard says is refused."""

    def refused(self, data: bytes) -> str:
        """Return why a message is refused."""
        error = self.assertRaises(
            RemoteProtocolError, read_snapshot, SMALL, data, CAPACITY
        )
        return str(error)

    def good(self, flags: int = 1, ages: bytes = b"\x07") -> bytes:
        """Return a message of one block of row 3."""
        return HEAD + bytes([flags, 3, 0, 0, 1, 0]) + ages + CELLS

    def test_good(self) -> None:
        """The message that the others here are made of is read."""
        for flags in (1, 5):
            snapshot = read_snapshot(SMALL, self.good(flags), CAPACITY)
            self.assertEqual(snapshot.blocks[0].rows.tolist(), [3])
        self.assertEqual(read_snapshot(SMALL, HEAD, CAPACITY).blocks, [])

    def test_cut(self) -> None:
        """A message that is cut short is refused, but for its head alone."""
        good = self.good()
        for length in range(len(good)):
            if length != len(HEAD):
                self.refused(good[:length])

    def test_parts(self) -> None:
        """A part has a number below the number of parts."""
        for part, n_parts in ((0, 0), (1, 1), (255, 255)):
            self.assertIn("part", self.refused(SNAPSHOT_HEAD.pack(9, part, n_parts)))

    def test_flags(self) -> None:
        """There are three modes, three kinds, and no other flags."""
        for flags in (3, 1 | 3 << 2, 1 | 1 << 4, 1 | 1 << 7):
            self.assertIn("flags", self.refused(self.good(flags)))

    def test_ages(self) -> None:
        """A base lies at most 31 ticks back."""
        for flags in (1, 5):
            read_snapshot(SMALL, self.good(flags, b"\x1f"), CAPACITY)
            self.assertIn("0 to 31", self.refused(self.good(flags, b"\x20")))

    def test_rows(self) -> None:
        """Rows are those of the world."""
        data = HEAD + bytes([1]) + CAPACITY.to_bytes(3, "little") + b"\x01\0\0" + CELLS
        self.assertIn(f"row {CAPACITY}", self.refused(data))

    @given(st.binary(max_size=80))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are a message or a RemoteProtocolError."""
        for start in (b"", HEAD, HEAD + bytes([1, 3, 0, 0, 1, 0])):
            try:
                read_snapshot(SMALL, start + data, CAPACITY)
            except RemoteProtocolError:
                continue
