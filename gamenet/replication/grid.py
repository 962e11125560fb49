# SPDX-License-Identifier: MIT
"""Find the rows near a point: a grid that is sorted anew once a tick.

Rows are sorted by the cell in which they are, so the cells of one line of the grid are
one contiguous range, and all cells around a point are a few slices. The grid is a
torus: cells repeat after `SIDE` of them. So its table has the same size whatever the
coordinates are, and a row that flew away costs nothing. What the torus folds onto the
same cell, and what lies in the corners, the exact distance tells apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["FARTHEST", "Grid", "Places"]

Places = Sequence[NDArray[np.float64]]
"""One array (n,) for each axis."""

FARTHEST = 1e15
"""Largest coordinate of a place; who is beyond, or at no number at all, is nowhere.

Squares and cell numbers cannot overflow up to here, and metres are exact to 1/8.
"""
SIDE_BITS = 7
SIDE = 1 << SIDE_BITS
SIDE_MASK = SIDE - 1
# The seam of the torus is far from the origin, around which worlds are mostly laid.
SHIFT = SIDE // 2
# Of how many places the candidates are kept until the next tick.
MAX_REMEMBERED = 128
# Who is served together with others: lines of cells, and candidates, of one point.
MAX_LINES = 6
MAX_TOGETHER = 1024
# Arrays of that many numbers are not given back to the system and zeroed again each
# time; larger ones took half as long again.
MAX_AT_ONCE = 1 << 14

# Nothing that is somewhere is farther from something else: sqrt(3) * 2 * FARTHEST.
LONGEST = 4 * FARTHEST

Found = tuple[NDArray[np.intp], NDArray[np.float64]]
Candidates = tuple[NDArray[np.intp], tuple[NDArray[np.float64], ...]]


class Grid:
    """Keep where rows are, and find those around a point.

    Cells are made of the first two axes; a third one only counts in distances.

    Args:
        cell: side of a cell; about the distance that is mostly asked for.
        n_axes: number of coordinates of a place, 2 or 3.
    """

    def __init__(self, cell: float, n_axes: int = 2) -> None:
        self._per_cell = 1.0 / cell
        # Rows and places in one array, so that a slice of it is all of some cells: a
        # float64 holds every row number exactly.
        self._sorted = np.empty((1 + n_axes, 0))
        self._start_of = np.zeros(SIDE * SIDE + 1, np.intp)
        # Indexing a memoryview gives Python numbers, twice as fast as numpy does.
        self._starts = self._start_of.data
        self._remembered: dict[tuple[int, int, int, int], Candidates] = {}

    def __len__(self) -> int:
        return self._sorted.shape[1]

    def rebuild(self, rows: NDArray[np.intp], places: Places) -> None:
        """Forget everything, and take in these rows; those that are nowhere stay out.

        Shapes:
            rows: (n,), ascending and distinct.
            places: one (n,) float64 for each axis.
        """
        if not all(_is_somewhere(axis) for axis in places):
            # A NaN compares as False, so it is left out, too.
            kept = np.logical_and.reduce([np.abs(axis) <= FARTHEST for axis in places])
            rows, places = rows[kept], [axis[kept] for axis in places]
        keys = self._lines(places[1]) << SIDE_BITS
        keys |= self._lines(places[0])
        # Sorting 16-bit numbers stably is a radix sort: rows ascend within a cell.
        order = keys.argsort(kind="stable")
        self._sorted = np.empty((1 + len(places), len(rows)))
        for line, values in zip(self._sorted, (rows, *places), strict=True):
            line[:] = values.take(order)
        starts = np.zeros(SIDE * SIDE + 1, np.intp)
        np.cumsum(np.bincount(keys, minlength=SIDE * SIDE), out=starts[1:])
        self._start_of, self._starts = starts, starts.data
        self._remembered.clear()

    def around(self, point: Sequence[float], reach: float) -> Found:
        """Return all rows that may be within reach, and their squared distances.

        It is up to the caller to compare: some of the rows are farther away. Of a point
        that is nowhere, nothing is within reach.

        Args:
            point: one number for each axis.
            reach: any distance from 0 on; `inf` takes all.

        Shapes:
            returns (n,) intp, distinct, in no order, not to be written; (n,) float64.
        """
        for number in point:
            if not -FARTHEST <= number <= FARTHEST:
                return np.empty(0, np.intp), np.empty(0)
        rows, places = self._candidates(point, min(reach, LONGEST))
        squared = places[0] - point[0]
        squared *= squared
        for i in range(1, len(places)):
            difference = places[i] - point[i]
            difference *= difference
            squared += difference
        return rows, squared

    def around_many(
        self, points: NDArray[np.float64], reach: float
    ) -> list[Found | None]:
        """Return `around` of many points, without the rows that are out of reach.

        For some, `around` is the better way: who reaches over many cells or rows or
        over the seam, or is nowhere. They get None.

        Shapes:
            points: (m, n_axes).
        """
        found: list[Found | None] = [None] * len(points)
        places = np.where(np.abs(points) <= FARTHEST, points, 0.0)
        begins, counts = self._ranges(places, min(reach, LONGEST))
        totals = counts.sum(axis=1)
        totals[(places != points).any(axis=1)] = 0
        few = np.flatnonzero((totals > 0) & (totals <= MAX_TOGETHER))
        # Some at a time: what is in between stays small, and in the cache.
        chunks = np.cumsum(totals[few]) // MAX_AT_ONCE
        for chunk in np.split(few, np.flatnonzero(np.diff(chunks)) + 1):
            each = self._measured(points[chunk], reach, begins[chunk], counts[chunk])
            for i, rows_and_squared in zip(chunk.tolist(), each, strict=True):
                found[i] = rows_and_squared
        return found

    def within(self, point: Sequence[float], radius: float) -> NDArray[np.intp]:
        """Return the ascending rows whose distance from a point is at most a radius.

        Shapes:
            returns (n,) intp.
        """
        rows, squared = self.around(point, radius)
        found = rows[squared <= radius * radius]
        found.sort()
        return found

    def _ranges(
        self, points: NDArray[np.float64], reach: float
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the ranges of the sorted rows around points, at most MAX_LINES each.

        Shapes:
            returns begins and counts, (m, MAX_LINES); all counts are 0 where that does
            not do.
        """
        ground = points[:, :2]
        wide = np.abs(ground) * 1e-15 + (reach + reach * 1e-9)
        first = np.floor((ground - wide) * self._per_cell).astype(np.int64)
        spans = np.floor((ground + wide) * self._per_cell).astype(np.int64) - first
        start = (first + SHIFT) & SIDE_MASK
        is_short = (start[:, 0] + spans[:, 0] < SIDE) & (spans[:, 1] < MAX_LINES)
        step = np.arange(MAX_LINES)
        lines = ((start[:, 1:] + step) & SIDE_MASK) << SIDE_BITS
        left = np.where(is_short, start[:, 0], 0)[:, np.newaxis]
        right = left + np.where(is_short, spans[:, 0], 0)[:, np.newaxis]
        begins = self._start_of[lines + left]
        counts = self._start_of[lines + right + 1] - begins
        counts[(step > spans[:, 1:]) | ~is_short[:, np.newaxis]] = 0
        return begins, counts

    def _measured(
        self,
        points: NDArray[np.float64],
        reach: float,
        begins: NDArray[np.intp],
        counts: NDArray[np.intp],
    ) -> list[Found]:
        """Return, for each point, the rows in some ranges that are within reach."""
        totals = counts.sum(axis=1)
        ends = np.cumsum(counts)
        places = np.repeat(begins.ravel() - ends + counts.ravel(), counts.ravel())
        places += np.arange(len(places))
        squared = np.zeros(len(places))
        for axis, numbers in zip(self._sorted[1:], points.T, strict=True):
            difference = axis.take(places)
            difference -= np.repeat(numbers, totals)
            difference *= difference
            squared += difference
        kept = (squared <= reach * reach).nonzero()[0]
        rows = self._sorted[0].take(places.take(kept)).astype(np.intp)
        squared = squared.take(kept)
        edges = [0, *np.searchsorted(kept, np.cumsum(totals)).tolist()]
        return [(rows[begin:end], squared[begin:end]) for begin, end in pairwise(edges)]

    def _lines(self, axis: NDArray[np.float64]) -> NDArray[np.uint16]:
        cells = np.floor(axis * self._per_cell).astype(np.int64).astype(np.uint16)
        cells += np.uint16(SHIFT)
        cells &= np.uint16(SIDE_MASK)
        return cells

    def _candidates(self, point: Sequence[float], reach: float) -> Candidates:
        # Many viewers stand in the same cell, and ask for the same cells around it.
        cells = *self._span(point[0], reach), *self._span(point[1], reach)
        try:
            return self._remembered[cells]
        except KeyError:
            pass
        block = np.concatenate(self._slices(*cells), axis=1)
        found = block[0].astype(np.intp), tuple(block[1:])
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[cells] = found
        return found

    def _span(self, centre: float, reach: float) -> tuple[int, int]:
        """Return the first cell along an axis, and the last; never one cell twice."""
        # A little wider than exact, for what rounding may make of either side.
        reach += reach * 1e-9 + abs(centre) * 1e-15
        first = math.floor((centre - reach) * self._per_cell)
        last = math.floor((centre + reach) * self._per_cell)
        if last - first >= SIDE_MASK:
            return 0, SIDE_MASK
        start = (first + SHIFT) & SIDE_MASK
        return start, start + last - first

    def _slices(
        self, left: int, right: int, bottom: int, top: int
    ) -> list[NDArray[np.float64]]:
        """Return the parts of the sorted rows that some cells hold."""
        if right - left == top - bottom == SIDE_MASK:
            return [self._sorted]
        # Cells from `left` to `right`, or around the seam of the torus.
        pieces = [(left, min(right, SIDE_MASK) + 1)]
        if right > SIDE_MASK:
            pieces.append((0, right - SIDE_MASK))
        ordered, starts = self._sorted, self._starts
        lines = [(line & SIDE_MASK) << SIDE_BITS for line in range(bottom, top + 1)]
        return [
            ordered[:, starts[line + begin] : starts[line + end]]
            for line in lines
            for begin, end in pieces
        ]


def _is_somewhere(axis: NDArray[np.float64]) -> bool:
    # The extremes of anything with a NaN are NaN, and no comparison with that holds.
    return not len(axis) or bool(axis.min() >= -FARTHEST and axis.max() <= FARTHEST)
