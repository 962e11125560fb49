# SPDX-License-Identifier: MIT
"""The fields of a component that slide in the same way, at each of the last ticks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.blend import Kind, along, blend, kind_of, way
from gamenet.world import Columns, Show

__all__ = ["MOST_WAYS", "Strand", "measured", "strands_of"]

MOST_WAYS = 16
"""Pairs of lines whose ways are kept: the shots of a tick are from few moments."""

Values = NDArray[Any]
Mask = NDArray[np.bool_]


class Target:
    """Columns that lie together in memory, and what they held."""

    def __init__(self, column: Values, first: int) -> None:
        self.column = column
        self.kept = column[:, :0]
        self.where = slice(first, first + len(column))
        """Their places in a line."""


class Strand:
    """Fields of a component that go from one value to the next in the same way.

    Args:
        kind: the way.
        columns: what holds the fields, (fields, capacity) each.
        places: where each field is then; a quaternion has four places.
        n_lines: how many lines to keep.
    """

    def __init__(
        self,
        kind: Kind,
        columns: list[Values],
        places: dict[str, int | slice],
        n_lines: int,
    ) -> None:
        self.kind = kind
        self._is_straight = kind is Kind.LINEAR
        self.places = places
        self.targets: list[Target] = []
        n_fields = 0
        for column in columns:
            self.targets.append(Target(column, n_fields))
            n_fields += len(column)
        dtype = np.dtype(np.float64)
        if kind is Kind.STEP:
            dtype = np.result_type(*columns)
        self.lines = [np.zeros((n_fields, 0), dtype)] * n_lines
        """Of each tick, (fields, n_rows)."""
        self._n_lines = n_lines
        self.ways: dict[tuple[int, int], Values] = {}
        """What leads from one line to another, for the shots of one tick."""
        self.held: Callable[[int, int], Mask] | None = None
        """Which rows do not slide between two lines; None: all slide, or all step."""
        self._scratch: dict[np.dtype[Any], Values] = {}

    def scratch(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Values:
        """Return an array that the next moment is written to again."""
        array = self._scratch.get(dtype)
        if array is None or array.shape != shape:
            array = self._scratch[dtype] = np.empty(shape, dtype)
        return array

    def between(self, older: int, newer: int, share: float) -> Values:
        """Return what lies between two lines, for the rows that the older one has.

        Returns:
            A line, or an array that the next call overwrites: do not write to it.
        """
        shown = self.lines[older]
        if not share:
            return shown
        lead = self.ways.get((older, newer))
        if lead is None:
            if self.kind is Kind.STEP:
                return shown.copy()
            # Lines of one length lie in one piece, which is twice as fast.
            other = self.lines[newer][:, : shown.shape[1]]
            if len(self.ways) >= MOST_WAYS:
                self.ways.clear()
            lead = self.ways[older, newer] = way(self.kind, shown, other)
            if self.held is not None:
                lead[:, self.held(older, newer)] = 0.0
        out = self.scratch(shown.dtype, shown.shape)
        if self._is_straight:
            np.multiply(lead, share, out=out)
            np.add(out, shown, out=out)
            return out
        span = self.span(older, newer)
        return _go(self.kind, shown, lead, share, span, out)

    def span(self, older: int, newer: int) -> int:
        """Return in how many ticks it goes from a line to another."""
        return (newer - older) % self._n_lines

    def blend(self, older: Values, newer: Values, share: float, span: int) -> Values:
        """Return what lies between the values that some rows have at two lines."""
        if self.kind is Kind.STEP:
            return older
        lead = way(self.kind, older, newer)
        return _go(self.kind, older, lead, share, span)


def _go(
    kind: Kind,
    start: Values,
    lead: Values,
    share: float,
    span: int,
    out: Values | None = None,
) -> Values:
    """Return where values are on a way that takes some ticks, as a `View` has them.

    It goes straight from tick to tick, and only rotations are then elsewhere.
    """
    if kind is not Kind.QUATERNION or span == 1:
        return along(kind, start, lead, share, out)
    line, part = divmod(share * span, 1.0)
    one = along(kind, start, lead, line / span)
    other = along(kind, start, lead, (line + 1.0) / span)
    return blend(kind, one, other, part, out)


def strands_of(columns: Columns, n_lines: int) -> Iterator[Strand]:
    """Yield the strands of a component: all that goes straight, and each field else."""
    straight: list[str] = []
    is_snapped = columns.component.shown.others is Show.SNAPPED
    for field in columns.component.schema_fields:
        kind, array = kind_of(field), columns.arrays[field.name]
        shown_as = Kind.STEP if is_snapped else kind
        if kind is Kind.LINEAR:
            straight.append(field.name)
        elif kind is Kind.QUATERNION:
            yield Strand(shown_as, [array.T], {field.name: slice(0, 4)}, n_lines)
        else:
            yield Strand(shown_as, [array[None]], {field.name: 0}, n_lines)
    if straight:
        together = [columns.arrays[name][None] for name in straight]
        if columns.table is not None and len(straight) == len(columns.table):
            together = [columns.table]
        places: dict[str, int | slice] = {name: i for i, name in enumerate(straight)}
        shown_as = Kind.STEP if is_snapped else Kind.LINEAR
        yield Strand(shown_as, together, places, n_lines)


def measured(strands: Sequence[Strand]) -> list[Strand]:
    """Return what a view measures distances of: none where nothing slides.

    All that goes straight is one vector; else all angles are; else it is one rotation.
    """
    for kind in (Kind.LINEAR, Kind.ANGLE):
        found = [strand for strand in strands if strand.kind is kind]
        if found:
            return found
    return [strand for strand in strands if strand.kind is Kind.QUATERNION][:1]
