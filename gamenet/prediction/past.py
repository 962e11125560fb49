# SPDX-License-Identifier: MIT
"""The values of one component at each of the last ticks, in dense lines.

Fields that slide in the same way lie together: a line is (fields, rows), so that one
numpy call works on all of them, and no row is looked up. Rows that nobody lived in hold
left-overs, as those of a world do.

It is shown as a client's `View` draws it: what is snapped steps, and a row that was
teleported, or is further away than `Shown.snap`, is where it was until it is there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.blend import Kind, distance
from gamenet.prediction.strands import MOST_WAYS, Strand, measured, strands_of
from gamenet.world import Columns

__all__ = ["Past"]

BLANK = 1
"""Stands where nobody has lived: a quaternion of it has a length."""

Values = NDArray[Any]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]


class Past:
    """Keep lines of a component's values, and show them in its columns.

    Args:
        columns: of the component, in the world that lives now.
        n_lines: how many ticks are kept.
        teleports: of each line, what `Teleported.count` of each row is, below 0 where
            there is none; None where nobody ever has one. Its owner writes it.

    Shapes:
        teleports: (n_lines, capacity).
    """

    def __init__(
        self,
        columns: Columns,
        n_lines: int,
        teleports: Values | None = None,
    ) -> None:
        self.columns = columns
        self._snap = columns.component.shown.snap
        self._teleports = teleports
        self._held: dict[tuple[int, int], Mask] = {}
        self._strands = list(strands_of(columns, n_lines))
        self._targets = [each for strand in self._strands for each in strand.targets]
        self._straight: Strand | None = None
        """The only one there is, if it is the table of the columns."""
        if len(self._targets) == 1 and self._targets[0].column is columns.table:
            self._straight = self._strands[0]
        self._measured = measured(self._strands)
        if self._measured and (self._snap < math.inf or teleports is not None):
            for strand in self._strands:
                if strand.kind is not Kind.STEP:
                    strand.held = self.held

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
        self._held.clear()
        for strand in self._strands:
            strand.ways.clear()

    def put(self, line: int, rows: Rows, values: Mapping[str, Values]) -> None:
        """Write the values of rows, by field, to a line."""
        for strand in self._strands:
            for name, where in strand.places.items():
                strand.lines[line][where, rows] = values[name].T

    def held(self, older: int, newer: int) -> Mask:
        """Return which rows do not slide from a line to another, as in a `View`.

        Shapes:
            returned: (n_rows,), of the rows that the older line has.
        """
        held = self._held.get((older, newer))
        if held is None:
            if len(self._held) >= MOST_WAYS:
                self._held.clear()
            held = self._held[older, newer] = self._jumped(older, newer)
        return held

    def _jumped(self, older: int, newer: int) -> Mask:
        n_rows = self._measured[0].lines[older].shape[1]
        jumped = np.zeros(n_rows, np.bool_)
        if self._snap < math.inf:
            one, other = (
                np.concatenate(
                    [each.lines[line][:, :n_rows] for each in self._measured]
                )
                for line in (older, newer)
            )
            with np.errstate(invalid="ignore", over="ignore"):
                apart = distance(self._measured[0].kind, one, other)
            jumped |= apart > self._snap
        if self._teleports is not None:
            before, after = self._teleports[[older, newer], :n_rows]
            jumped |= (after != before) & (after >= 0)
        return jumped

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
                if strand.held is not None:
                    is_held = strand.held(older, newer)[rows]
                    other = np.where(is_held, shown, other)
                shown = strand.blend(shown, other, share, strand.span(older, newer))
            for name, where in strand.places.items():
                dtype = self.columns.arrays[name].dtype
                found[name] = shown[where].T.astype(dtype)
        return found
