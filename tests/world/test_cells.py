# SPDX-License-Identifier: MIT
"""Tests of single values in columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.world.cells import Cells
from gamenet.world.memory import Layout, Memory
from tests.world.shapes import Everything, Team

CAPACITY = 3
FIELDS = {field.name: field for field in Everything.schema_fields}


def cells_of(name: str) -> Cells:
    """Return new cells of a field of `Everything`."""
    memory = Memory(Layout([Everything], CAPACITY))
    return Cells("Everything", FIELDS[name], memory.arrays[Everything, name])


values = st.one_of(
    st.tuples(st.just("tiny"), st.integers(0, 255)),
    st.tuples(st.just("signed"), st.integers(-(1 << 15), (1 << 15) - 1)),
    st.tuples(st.just("huge"), st.integers(0, (1 << 64) - 1)),
    st.tuples(st.just("half"), st.floats(width=16, allow_nan=False)),
    st.tuples(st.just("single"), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just("bounded"), st.floats(-1, 1)),
    st.tuples(st.just("heading"), st.floats(-10, 10)),
    st.tuples(st.just("is_on"), st.booleans()),
    st.tuples(st.just("level"), st.integers(0, 7)),
    st.tuples(st.just("team"), st.sampled_from(Team)),
    st.tuples(st.just("turn"), st.tuples(*[st.floats(-1, 1)] * 4)),
)


class CellsTests(SynchronousTestCase):
    """What is written into a row is read from it, as plain Python."""

    @given(values)
    def test_round_trip(self, pair: tuple[str, Any]) -> None:
        """Every kind of field gives back the value, in the type it was given."""
        name, value = pair
        cells = cells_of(name)
        before = cells.array.copy()
        cells.write(1, value)
        self.assertEqual(cells.read(1), value)
        self.assertIs(type(cells.read(1)), type(value))
        self.assertTrue((cells.array[[0, 2]] == before[[0, 2]]).all())

    def test_shapes(self) -> None:
        """A scalar field has one number per row, a vector field k."""
        self.assertEqual(cells_of("tiny").array.shape, (CAPACITY,))
        self.assertEqual(cells_of("turn").array.shape, (CAPACITY, 4))

    def test_numpy_numbers(self) -> None:
        """Numbers that come from other columns are taken."""
        for name, value in (
            ("tiny", np.int64(9)),
            ("single", np.float64(0.5)),
            ("half", np.float32(0.5)),
            ("level", np.uint8(3)),
            ("turn", np.array([0.0, 0.0, 0.0, 1.0])),
        ):
            cells = cells_of(name)
            cells.write(0, value)
            self.assertEqual(np.asarray(cells.read(0)).tolist(), value.tolist())

    def test_enum_by_number(self) -> None:
        """A member's number stands for the member."""
        cells = cells_of("team")
        cells.write(0, 7)
        self.assertIs(cells.read(0), Team.BLUE)

    def test_no_member_in_the_column(self) -> None:
        """A number that a column write put there and that is no member is named."""
        cells = cells_of("team")
        cells.array[2] = 9
        error = self.assertRaises(LocalProtocolError, cells.read, 2)
        self.assertIn("row 2 holds 9", str(error))
        self.assertIn("Team", str(error))

    def test_not_a_number_is_a_float(self) -> None:
        """A float column holds NaN, as numpy's do."""
        cells = cells_of("single")
        cells.write(0, math.nan)
        self.assertTrue(math.isnan(cells.read(0)))


class RefusalTests(SynchronousTestCase):
    """What a column cannot hold is refused, and never wrapped or cut."""

    def assert_refused(self, name: str, value: object, limit: str) -> None:
        """Check that the error names all, and that the column is unchanged."""
        cells = cells_of(name)
        before = cells.array.copy()
        error = self.assertRaises(LocalProtocolError, cells.write, 1, value)
        for part in (f"Everything.{name}", repr(value), limit):
            self.assertIn(part, str(error))
        self.assertTrue((cells.array == before).all())

    def test_integers(self) -> None:
        """An integer outside the dtype, or none at all, names the limits."""
        for value in (256, -1, 1 << 80, 1.5, math.nan, None, "1"):
            self.assert_refused("tiny", value, "from 0 to 255")
        self.assert_refused("signed", 1 << 15, "from -32768 to 32767")
        self.assert_refused("huge", 1 << 64, f"from 0 to {(1 << 64) - 1}")

    def test_bits(self) -> None:
        """A bit field has the limits of its bits, not of its column."""
        for value in (8, -1, 1.5, math.nan, None):
            self.assert_refused("level", value, "from 0 to 7")

    def test_floats(self) -> None:
        """Text and None are no floats."""
        for name in ("half", "single", "bounded", "heading"):
            for value in (None, "1"):
                self.assert_refused(name, value, "a float")

    def test_enums(self) -> None:
        """Only members are members."""
        for value in (2, "RED", None, []):
            self.assert_refused("team", value, "a member of Team")

    def test_vectors(self) -> None:
        """A vector has exactly its number of floats."""
        for value in ((1, 2, 3), (1, 2, 3, 4, 5), 1.0, None, "abcd", (0, 0, 0, None)):
            self.assert_refused("turn", value, "4 floats")
