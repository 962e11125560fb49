# SPDX-License-Identifier: MIT
"""Tests of read-only views and row indices."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.world.arrays import as_rows, read_only


class ReadOnlyTests(SynchronousTestCase):
    """A read-only view shows changes and makes none."""

    def test_shows_changes(self) -> None:
        """The view has the memory of the array."""
        array = np.zeros(3)
        view = read_only(array)
        array[1] = 2.0
        self.assertEqual(view.tolist(), [0.0, 2.0, 0.0])

    def test_refuses_writes(self) -> None:
        """Writing through the view raises, and the array stays writable."""
        array = np.zeros(3)
        view = read_only(array)
        with self.assertRaises(ValueError):
            view[0] = 1.0
        self.assertTrue(array.flags.writeable)


class AsRowsTests(SynchronousTestCase):
    """Rows are taken in any clear form, and nothing else."""

    def test_integers(self) -> None:
        """Lists and integer arrays of any width become index arrays."""
        for rows in ([3, 1], np.array([3, 1], np.uint8), np.array([3, 1], np.uint64)):
            indices = as_rows(rows, 4)
            self.assertEqual(indices.dtype, np.intp)
            self.assertEqual(indices.tolist(), [3, 1])

    def test_mask(self) -> None:
        """A bool for each row of the world selects rows."""
        self.assertEqual(as_rows(np.array([False, True, True]), 3).tolist(), [1, 2])

    def test_nothing(self) -> None:
        """No rows are no rows, although numpy makes floats of an empty list."""
        self.assertEqual(as_rows([], 4).tolist(), [])

    def test_out_of_range(self) -> None:
        """A row beyond the world, or a negative one, is an error that names it."""
        for rows, wrong in (([0, 4], 4), ([-1, 2], -1)):
            error = self.assertRaises(LocalProtocolError, as_rows, rows, 4)
            self.assertIn(f"no row {wrong}", str(error))

    def test_not_rows(self) -> None:
        """Floats, short masks and tables are no rows."""
        for rows in ([0.5], np.array([True]), [[1, 2]]):
            self.assertRaises(LocalProtocolError, as_rows, rows, 4)
