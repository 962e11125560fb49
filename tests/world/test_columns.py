# SPDX-License-Identifier: MIT
"""Tests of columns."""

from __future__ import annotations

import copy

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.world import Columns, World
from tests.world.shapes import Dead, Everything, Position


class ColumnsTests(SynchronousTestCase):
    """Columns are arrays over all rows, and stay the same arrays."""

    def setUp(self) -> None:
        self.world = World([Position, Everything, Dead], capacity=8)
        self.columns = self.world.columns(Position)

    def test_arrays(self) -> None:
        """Each field is an attribute: an array over the full capacity."""
        self.assertEqual(self.columns.x.shape, (8,))
        self.assertEqual(self.columns.x.dtype, np.float64)
        self.assertEqual(self.world.columns(Everything).turn.shape, (8, 4))
        self.assertEqual(list(self.columns.arrays), ["x", "y"])
        self.assertIs(self.columns.arrays["x"], self.columns.x)
        self.assertIs(self.columns.component, Position)

    def test_same_object(self) -> None:
        """Asking again gives the same columns."""
        self.assertIs(self.world.columns(Position), self.columns)

    def test_defaults_everywhere(self) -> None:
        """Rows that never had the component hold legal values: its defaults."""
        columns = self.world.columns(Everything)
        self.assertEqual(columns.turn.tolist(), [[0.0, 0.0, 0.0, 1.0]] * 8)
        self.assertEqual(columns.team.tolist(), [1] * 8)
        self.assertEqual(columns.level.tolist(), [2] * 8)

    def test_tag(self) -> None:
        """A tag has no arrays but its presence."""
        columns = self.world.columns(Dead)
        self.assertEqual(columns.arrays, {})
        self.assertEqual(columns.present.tolist(), [False] * 8)

    def test_changed(self) -> None:
        """Rows are marked with the tick of the world: a list, a mask, a slice, one."""
        for tick, rows in enumerate(
            ([1, 2], np.arange(8) == 3, slice(4, 6), 6), start=1
        ):
            self.world.tick = tick
            self.columns.changed(rows)
        self.assertEqual(self.columns.changed_tick.tolist(), [0, 1, 1, 2, 3, 3, 4, 0])
        self.assertEqual(self.columns.changed_tick.dtype, np.uint32)

    def test_present_is_read_only(self) -> None:
        """Presence changes through the world alone."""
        with self.assertRaises(ValueError):
            self.columns.present[0] = True

    def test_work_in_place(self) -> None:
        """Augmented assignment to a field works on the array."""
        array = self.columns.x
        self.columns.x += 2.0
        self.columns.x[3] *= 2.0
        self.assertIs(self.columns.x, array)
        self.assertEqual(array.tolist(), [2.0, 2.0, 2.0, 4.0, 2.0, 2.0, 2.0, 2.0])

    def test_arrays_cannot_be_replaced(self) -> None:
        """Assigning another array is refused: the world would not see it."""
        with self.assertRaises(AttributeError) as caught:
            self.columns.x = self.columns.x + 1.0
        self.assertIn("x[rows] = ...", str(caught.exception))

    def test_unknown_field(self) -> None:
        """A field that is not there is named, with those that are."""
        with self.assertRaises(AttributeError) as caught:
            self.columns.z  # noqa: B018 - the access is the test
        self.assertIn("'z'", str(caught.exception))
        self.assertIn("x, y", str(caught.exception))
        with self.assertRaises(AttributeError) as caught:
            self.world.columns(Dead).z  # noqa: B018 - the access is the test
        self.assertIn("none", str(caught.exception))

    def test_repr(self) -> None:
        """The representation names the component and its fields."""
        self.assertEqual(repr(self.columns), "<Columns of Position: x, y>")
        self.assertIn("no fields", repr(self.world.columns(Dead)))

    def test_unfinished_object(self) -> None:
        """Asking an object that is not set up yet, as copy does, does not recurse."""
        self.assertFalse(hasattr(Columns.__new__(Columns), "x"))
        self.assertEqual(copy.copy(self.columns).x.tolist(), self.columns.x.tolist())
