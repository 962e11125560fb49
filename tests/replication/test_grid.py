# SPDX-License-Identifier: MIT
"""Tests of the grid: it finds what brute force finds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication.grid import FARTHEST, MAX_TOGETHER, SIDE, Grid

numbers = st.one_of(
    st.integers(-40, 40).map(float),
    st.floats(-40, 40),
    # The seam of the torus of cells of 1 and 10, and far beyond.
    st.sampled_from([-640.0, -64.0, 63.999, 64.0, 639.9, 640.0, 1e6, -1e12, 3e14]),
)
nowheres = st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -2e15])
reaches = st.one_of(
    st.integers(0, 30).map(float), st.floats(0, 200), st.sampled_from([1e5, math.inf])
)
cells = st.sampled_from([0.5, 1.0, 7.3, 10.0, 1000.0])


def places(n_axes: int, coordinates: Any = numbers) -> Any:
    """Return a strategy of a list of places."""
    return st.lists(st.tuples(*[coordinates] * n_axes), max_size=30)


def built(points: list[Any], cell: float, n_axes: int) -> Grid:
    """Return a grid of points in rows 0, 3, 6, ..."""
    grid = Grid(cell, n_axes)
    axes = np.array(points, np.float64).reshape(-1, n_axes).T
    grid.rebuild(np.arange(len(points)) * 3, list(axes))
    return grid


def brute(points: list[Any], centre: Any, reach: float) -> list[int]:
    """Return the rows within reach, one by one; in the order in which the grid adds."""
    found = []
    for i, point in enumerate(points):
        total = 0.0
        for number, own in zip(point, centre, strict=True):
            difference = number - own if abs(number) <= FARTHEST else math.nan
            total += difference * difference
        if total <= reach * reach:
            found.append(i * 3)
    return found


class ExactnessTests(SynchronousTestCase):
    """What is found is what is within reach: no row more, no row less."""

    @settings(max_examples=60)
    @given(
        st.data(), st.integers(2, 3), cells, reaches, st.one_of(numbers, st.just(0.0))
    )
    def test_brute_force(
        self, data: Any, n_axes: int, cell: float, reach: float, shift: float
    ) -> None:
        """A query finds what a comparison with every row finds, at any scale."""
        points = data.draw(places(n_axes, st.one_of(numbers, nowheres)))
        centre = [
            number + shift for number in data.draw(st.tuples(*[numbers] * n_axes))
        ]
        grid = built(points, cell, n_axes)
        expected = brute(points, centre, reach)
        self.assertEqual(grid.within(centre, reach).tolist(), expected)
        rows, squared = grid.around(centre, reach)
        self.assertEqual(sorted(rows[squared <= reach * reach].tolist()), expected)
        self.assertEqual(len(set(rows.tolist())), len(rows))

    @settings(max_examples=60)
    @given(st.data(), st.integers(2, 3), cells, reaches)
    def test_many(self, data: Any, n_axes: int, cell: float, reach: float) -> None:
        """Many points together find what each finds alone, or are left to that."""
        points = data.draw(places(n_axes, st.one_of(numbers, nowheres)))
        centres = data.draw(places(n_axes, st.one_of(numbers, nowheres)))
        grid = built(points, cell, n_axes)
        asked = np.array(centres, np.float64).reshape(-1, n_axes)
        answers = grid.around_many(asked, reach)
        self.assertEqual(len(answers), len(centres))
        for centre, answer in zip(centres, answers, strict=True):
            if answer is not None:
                rows, squared = answer
                self.assertEqual(rows.dtype, np.intp)
                self.assertEqual(sorted(rows.tolist()), brute(points, centre, reach))
                near = dict(zip(*map(list, grid.around(centre, reach)), strict=True))
                pairs = zip(rows, squared, strict=True)
                self.assertTrue(all(near[row] == value for row, value in pairs))

    @settings(max_examples=40)
    @given(st.floats(-1e9, 1e9), st.floats(1e-3, 1e5), cells)
    @example(0.3, 0.1, 1.0)
    @example(0.4, 0.3, 0.1)
    @example(1e9, 66.0, 33.0)
    def test_rim(self, centre: float, reach: float, cell: float) -> None:
        """Rows at the very rim are where the comparison says, in spite of rounding."""
        rim = [centre + sign * reach for sign in (-1, 1)]
        points = [
            (math.nextafter(x, to), 0.0) for x in rim for to in (-math.inf, x, math.inf)
        ]
        grid = built(points, cell, 2)
        expected = brute(points, (centre, 0.0), reach)
        self.assertEqual(grid.within((centre, 0.0), reach).tolist(), expected)
        (answer,) = grid.around_many(np.array([[centre, 0.0]]), reach)
        if answer is not None:
            self.assertEqual(sorted(answer[0].tolist()), expected)


class TogetherTests(SynchronousTestCase):
    """Queries that are alike share their work."""

    def setUp(self) -> None:
        random = np.random.default_rng(5)
        self.points = [
            tuple(each) for each in random.uniform(-99, 99, (2000, 2)).tolist()
        ]
        self.grid = built(self.points, 5.0, 2)

    def test_most_are_served(self) -> None:
        """Of usual queries, all are answered together, in more than one chunk."""
        centres = np.array(self.points[:200])
        answers = self.grid.around_many(centres, 10.0)
        for centre, answer in zip(self.points, answers, strict=False):
            assert answer is not None
            self.assertEqual(
                sorted(answer[0].tolist()), brute(self.points, centre, 10.0)
            )

    def test_left_alone(self) -> None:
        """Who finds too many, reaches too far, or is nowhere, is left to `around`."""
        crowd = built([(1.0, 1.0)] * (MAX_TOGETHER + 1), 5.0, 2)
        self.assertEqual(crowd.around_many(np.ones((1, 2)), 1.0), [None])
        for reach in (100.0, 5000.0, math.inf):
            self.assertEqual(self.grid.around_many(np.zeros((1, 2)), reach), [None])
        self.assertEqual(
            self.grid.around_many(np.array([[0.0, math.nan]]), 9.0), [None]
        )
        self.assertEqual(self.grid.around_many(np.zeros((0, 2)), 9.0), [])

    def test_same_cells(self) -> None:
        """Two that ask for the same cells get the same candidates."""
        first, _ = self.grid.around((1.0, 1.0), 4.0)
        second, _ = self.grid.around((1.5, 1.2), 4.0)
        self.assertIs(first, second)

    def test_bounded(self) -> None:
        """Candidates are remembered of a limited number of places."""
        for i in range(500):
            self.grid.around((i % 100 * 5.0, i // 100 * 5.0), 4.0)
        self.assertLessEqual(len(self.grid._remembered), 128)

    def test_rebuilt(self) -> None:
        """Nothing of the time before is remembered when the grid was built anew."""
        self.grid.around((0.0, 0.0), 4.0)
        self.grid.rebuild(np.array([7]), [np.array([1.0]), np.array([2.0])])
        self.assertEqual(self.grid.within((0.0, 0.0), 4.0).tolist(), [7])
        self.assertEqual(len(self.grid), 1)


class EdgeTests(SynchronousTestCase):
    """A grid takes any positions, and none."""

    def test_empty(self) -> None:
        """A grid without rows finds nothing, before it was built and after."""
        grid = Grid(10.0)
        self.assertEqual(grid.within((0.0, 0.0), 5.0).tolist(), [])
        grid.rebuild(np.empty(0, np.intp), [np.empty(0), np.empty(0)])
        self.assertEqual(grid.within((0.0, 0.0), math.inf).tolist(), [])
        self.assertEqual(len(grid), 0)

    def test_nowhere(self) -> None:
        """A row that is nowhere is left out; from nowhere, nothing is seen."""
        grid = built(
            [(math.nan, 0.0), (0.0, math.inf), (1.0, 1.0), (-1e200, 0.0)], 1, 2
        )
        self.assertEqual(len(grid), 1)
        self.assertEqual(grid.within((0.0, 0.0), math.inf).tolist(), [6])
        for number in (math.nan, math.inf, -1e16):
            self.assertEqual(grid.within((0.0, number), math.inf).tolist(), [])

    def test_farthest(self) -> None:
        """Rows at the ends of the world count, with the smallest of cells."""
        grid = built([(FARTHEST, -FARTHEST), (-FARTHEST, 0.0)], 1e-3, 2)
        self.assertEqual(grid.within((FARTHEST, -FARTHEST), 0.0).tolist(), [0])
        self.assertEqual(grid.within((FARTHEST, 0.0), 3e15).tolist(), [0, 3])

    def test_memory(self) -> None:
        """The table of cells has the same size however far apart the rows are."""
        grid = built([(-1e14, -1e14), (1e14, 1e14)], 1.0, 2)
        self.assertEqual(len(grid._starts), SIDE * SIDE + 1)

    def test_height(self) -> None:
        """A third axis counts in distances."""
        grid = built([(0.0, 0.0, 0.0), (0.0, 0.0, 3.0)], 1.0, 3)
        self.assertEqual(grid.within((0.0, 0.0, 1.0), 1.5).tolist(), [0])
        self.assertEqual(grid.within((0.0, 0.0, 1.0), 2.0).tolist(), [0, 3])
