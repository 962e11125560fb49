# SPDX-License-Identifier: MIT
"""Keep state to what the wire can say, so that both sides go on from the same numbers.

The server's columns hold more than a snapshot tells: a fixed-point field is a float64
there. A client that goes on from what it was told would drift from the server at once.
So after each step both turn predicted components into lanes and back. What is left is
said exactly, and a confirmed tick can be compared bit for bit.

A block of words holds all of some rows: first a line for each component, 1 where a row
has it, then the lanes of each component, those of its defaults where a row has it not.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.wire import Lanes
from gamenet.world import Columns, Component, World

__all__ = ["Rounding"]

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]

PATIENCE = 3
"""Roundings after which a rotation that does not come to rest is helped."""
SQRT2 = 2.0**0.5


class Rounding:
    """Turn components of rows into words and back, in place.

    Args:
        world: whose columns.
        components: which of them; each must have its number in `world`.

    Raises:
        LocalProtocolError: if the world does not have one of them.
    """

    def __init__(self, world: World, components: Sequence[type[Component]]) -> None:
        self.components = tuple(components)
        self.columns = [world.columns(component) for component in components]
        self.lanes = [Lanes(component) for component in components]
        self.parts: list[slice] = []
        """The lanes of each component in a block of words."""
        at = len(self.components)
        for lanes in self.lanes:
            self.parts.append(slice(at, at + len(lanes.widths)))
            at = self.parts[-1].stop
        self.n_lines = at
        """Lines of a block."""
        self._rotations = [_rotations(component) for component in components]
        self._blank = np.zeros((at, 1), np.uint32)
        for part, lanes in zip(self.parts, self.lanes, strict=True):
            self._blank[part] = _default_words(lanes)

    def round(self, rows: Rows) -> Words:
        """Round the components of rows, where they have them.

        Returns:
            The words of the rows, which say the columns exactly.

        Shapes:
            rows: (n_rows,); returned: (n_lines, n_rows).
        """
        block = self.blank(len(rows))
        for i in range(len(self.components)):
            present, which = self._having(i, rows)
            block[i] = present
            if which is None:
                block[self.parts[i]] = self._settle(i, rows)
            elif len(which):
                block[self.parts[i], which] = self._settle(i, rows[which])
        return block

    def words(self, rows: Rows) -> Words:
        """Return the words of rows as they are; nothing is rounded.

        Shapes:
            rows: (n_rows,); returned: (n_lines, n_rows).
        """
        block = self.blank(len(rows))
        for i, lanes in enumerate(self.lanes):
            present, which = self._having(i, rows)
            block[i] = present
            if which is None:
                block[self.parts[i]] = lanes.to_lanes(self.columns[i], rows)
            elif len(which):
                words = lanes.to_lanes(self.columns[i], rows[which])
                block[self.parts[i], which] = words
        return block

    def put(self, rows: Rows, words: Words) -> None:
        """Write words into the columns, where both the rows and the words have them.

        Raises:
            RemoteProtocolError: a word that no value has.

        Shapes:
            rows: (n_rows,); words: (n_lines, n_rows).
        """
        for i, lanes in enumerate(self.lanes):
            has = self.columns[i].present[rows] & (words[i] != 0)
            part = words[self.parts[i]]
            if np.count_nonzero(has) == len(rows):
                _write(self.columns[i], rows, lanes.from_lanes(part))
            elif has.any():
                _write(self.columns[i], rows[has], lanes.from_lanes(part[:, has]))

    def blank(self, n_rows: int) -> Words:
        """Return a block of rows that have nothing.

        Shapes:
            returned: (n_lines, n_rows).
        """
        return self._blank.repeat(n_rows, axis=1)

    def joined(
        self,
        words: Sequence[Words],
        present: Sequence[NDArray[np.bool_]] | None,
        rows: Rows,
    ) -> Words:
        """Make a block of what is known of each component.

        Args:
            words: of each component.
            present: of each component, which rows have it; None: those that do now.
            rows: which rows.

        Shapes:
            words: each (n_lanes, n_rows); present: each (n_rows,); rows: (n_rows,);
            returned: (n_lines, n_rows).
        """
        block = np.empty((self.n_lines, len(rows)), np.uint32)
        for i, lanes in enumerate(words):
            has = self.columns[i].present[rows] if present is None else present[i]
            block[i] = has
            part = self.parts[i]
            block[part] = np.where(has, lanes, self._blank[part])
        return block

    def values(self, i: int, words: Words) -> dict[str, NDArray[Any]]:
        """Return the columns of component `i` that a block of words says.

        Shapes:
            words: (n_lines, n_rows).
        """
        return self.lanes[i].from_lanes(words[self.parts[i]])

    def all_values(
        self, words: Words
    ) -> dict[type[Component], dict[str, NDArray[Any]]]:
        """Return the columns of every component that a block of words says.

        Shapes:
            words: (n_lines, n_rows).
        """
        return {
            component: self.values(i, words)
            for i, component in enumerate(self.components)
        }

    def _having(self, i: int, rows: Rows) -> tuple[NDArray[np.bool_], Rows | None]:
        """Return which rows have a component; and their places, None for all."""
        present = self.columns[i].present[rows]
        if np.count_nonzero(present) == len(rows):
            return present, None
        return present, present.nonzero()[0]

    def _settle(self, i: int, rows: Rows) -> Words:
        """Round one component of rows until rounding changes nothing more."""
        columns, lanes = self.columns[i], self.lanes[i]
        words = lanes.to_lanes(columns, rows)
        _write(columns, rows, lanes.from_lanes(words))
        if self._rotations[i]:
            self._settle_rotations(i, rows, words)
        return words

    def _settle_rotations(self, i: int, rows: Rows, words: Words) -> None:
        # Where two components of a quaternion are nearly the same, rounding one can
        # make the other the largest, which is then the one that is left out; and so
        # on for ever. All other fields are at rest once they are rounded.
        columns, lanes = self.columns[i], self.lanes[i]
        which = np.arange(len(rows))
        n_rounds = 0
        while True:
            again = lanes.to_lanes(columns, rows[which])
            has_moved = (again != words[:, which]).any(axis=0)
            if not has_moved.any():
                return
            which, again = which[has_moved], again[:, has_moved]
            n_rounds += 1
            if n_rounds > PATIENCE:
                for name, step in self._rotations[i]:
                    _part_largest(columns.arrays[name], rows[which], step)
                again = lanes.to_lanes(columns, rows[which])
            words[:, which] = again
            _write(columns, rows[which], lanes.from_lanes(again))


def _rotations(component: type[Component]) -> list[tuple[str, float]]:
    """Return the quaternions of a component, each with its distance of two steps."""
    fields: Sequence[Any] = component.schema_fields
    return [
        (field.name, SQRT2 / field.quantizer.top)
        for field in fields
        if field.kind == "quaternion"
    ]


def _default_words(lanes: Lanes) -> Words:
    """Return the lanes of a component's defaults: (n_lanes, 1)."""
    defaults = lanes.schema()
    fields: Sequence[Any] = lanes.schema.schema_fields
    columns = SimpleNamespace()
    for field in fields:
        value = getattr(defaults, field.name)
        number = getattr(value, "value", value)
        column = np.array([number], np.dtype(field.column_dtype).newbyteorder("="))
        setattr(columns, field.name, column)
    return lanes.to_lanes(columns, np.zeros(1, np.intp))


def _part_largest(column: NDArray[Any], rows: Rows, step: float) -> None:
    """Lower the second largest component of rotations by a step.

    The largest makes up for it, so that it is the largest without doubt.
    """
    second = np.abs(column[rows]).argsort(axis=1)[:, 2]
    values = column[rows, second]
    column[rows, second] = np.sign(values) * np.maximum(np.abs(values) - step, 0.0)


def _write(columns: Columns, rows: Rows, values: dict[str, NDArray[Any]]) -> None:
    for name, column in values.items():
        columns.arrays[name][rows] = column
