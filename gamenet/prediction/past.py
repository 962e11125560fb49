# SPDX-License-Identifier: MIT
"""The values of one component at each of the last ticks, in dense lines.

Fields that slide in the same way lie together: a line is (fields, rows), so that one
numpy call works on all of them, and no row is looked up. Rows that nobody lived in hold
left-overs, as those of a world do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.blend import Kind, along, blend, kind_of, way
from gamenet.world import Columns

__all__ = ["Past"]

BLANK = 1
"""Stands where nobody has lived: a quaternion of it has a length."""
MOST_WAYS = 16
"""Pairs of lines whose ways are kept: the shots of a tick are from few moments."""

Values = NDArray[Any]
Rows = NDArray[np.intp]


class Past:
    """Keep lines of a component's values, and show them in its columns.

    Args:
        columns: of the component, in the world that lives now.
        n_lines: how many ticks are kept.
    """

    def __init__(self, columns: Columns, n_lines: int) -> None:
        self.columns = columns
        self._strands = list(_strands(columns, n_lines))
        self._targets = [each for strand in self._strands for each in strand.targets]
        self._straight: _Strand | None = None
        """The only one there is, if it is the table of the columns."""
        if len(self._targets) == 1 and self._targets[0].column is columns.table:
            self._straight = self._strands[0]

    def begin(self, line: int, n_rows: int, before: int | None) -> None:
        """Begin a line of so many rows as a copy of another, which has no more."""
        self.forget_ways()
        for strand in self._strands:
            new = strand.lines[line]
            if new.shape[1] != n_rows:
                new = np.zeros((len(new), n_rows), new.dtype)
                strand.lines[line] = new
            old = new[:, :0] if before is None else strand.lines[before]
            new[:, : old.shape[1]] = old
            new[:, old.shape[1] :] = BLANK

    def forget_ways(self) -> None:
        """Forget what leads from line to line: they are for the shots of one tick."""
        for strand in self._strands:
            strand.ways.clear()

    def put(self, line: int, rows: Rows, values: Mapping[str, Values]) -> None:
        """Write the values of rows, by field, to a line."""
        for strand in self._strands:
            for name, where in strand.places.items():
                strand.lines[line][where, rows] = values[name].T

    def keep(self, n_rows: int) -> None:
        """Remember what the columns hold, of rows from the first."""
        for target in self._targets:
            target.kept = target.column[:, :n_rows].copy()

    def put_back(self, rows: Rows | slice) -> None:
        """Write to rows of the columns again what `keep` has remembered."""
        for target in self._targets:
            target.column[:, rows] = target.kept[:, rows]

    def show(self, older: int, newer: int, share: float) -> None:
        """Write what lies between two lines into the columns.

        Args:
            older: the line before; its rows are written.
            newer: the line after.
            share: how far it is from the one to the other, 0 to 1.
        """
        for strand in self._strands:
            shown = strand.between(older, newer, share)
            for target in strand.targets:
                target.column[:, : shown.shape[1]] = shown[target.where]

    def table(self, older: int, newer: int, share: float) -> Values | None:
        """Return what `show` would write to the columns, as one table, if it is one.

        Returns:
            An array that the next call overwrites; None unless all fields go straight
            and lie in the component's `Columns.table`.

        Shapes:
            returned: (n_fields, n_rows), of rows from the first.
        """
        strand, table = self._straight, self.columns.table
        if strand is None or table is None:
            return None
        shown = strand.between(older, newer, share)
        if share and shown.dtype == table.dtype:
            return shown
        kept = strand.scratch(table.dtype, shown.shape)
        kept[...] = shown
        return kept

    def between(
        self, older: int, newer: int, share: float, rows: Rows
    ) -> dict[str, Values]:
        """Return what `show` would write to rows, by field, and leave the columns."""
        found = {}
        for strand in self._strands:
            shown = strand.lines[older].take(rows, axis=1)
            if share:
                other = strand.lines[newer].take(rows, axis=1)
                shown = blend(strand.kind, shown, other, share)
            for name, where in strand.places.items():
                dtype = self.columns.arrays[name].dtype
                found[name] = shown[where].T.astype(dtype)
        return found


class _Target:
    """Columns that lie together in memory, and what they held."""

    def __init__(self, column: Values, first: int) -> None:
        self.column = column
        self.kept = column[:, :0]
        self.where = slice(first, first + len(column))
        """Their places in a line."""


class _Strand:
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
        self.targets: list[_Target] = []
        n_fields = 0
        for column in columns:
            self.targets.append(_Target(column, n_fields))
            n_fields += len(column)
        dtype = columns[0].dtype if kind is Kind.STEP else np.dtype(np.float64)
        self.lines = [np.zeros((n_fields, 0), dtype)] * n_lines
        """Of each tick, (fields, n_rows)."""
        self.ways: dict[tuple[int, int], Values] = {}
        """What leads from one line to another, for the shots of one tick."""
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
            # Lines of one length lie in one piece, which is twice as fast.
            other = self.lines[newer][:, : shown.shape[1]]
            if self.kind is Kind.STEP:
                return blend(self.kind, shown, other, share)
            if len(self.ways) >= MOST_WAYS:
                self.ways.clear()
            lead = self.ways[older, newer] = way(self.kind, shown, other)
        out = self.scratch(shown.dtype, shown.shape)
        if self._is_straight:
            np.multiply(lead, share, out=out)
            np.add(out, shown, out=out)
            return out
        return along(self.kind, shown, lead, share, out)


def _strands(columns: Columns, n_lines: int) -> Iterator[_Strand]:
    """Yield the strands of a component: all that goes straight, and each field else."""
    straight: list[str] = []
    for field in columns.component.schema_fields:
        kind, array = kind_of(field), columns.arrays[field.name]
        if kind is Kind.LINEAR:
            straight.append(field.name)
        elif kind is Kind.QUATERNION:
            yield _Strand(kind, [array.T], {field.name: slice(0, 4)}, n_lines)
        else:
            yield _Strand(kind, [array[None]], {field.name: 0}, n_lines)
    if straight:
        together = [columns.arrays[name][None] for name in straight]
        if columns.table is not None and len(straight) == len(columns.table):
            together = [columns.table]
        places: dict[str, int | slice] = {name: i for i, name in enumerate(straight)}
        yield _Strand(Kind.LINEAR, together, places, n_lines)
