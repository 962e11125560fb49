# SPDX-License-Identifier: MIT
"""Hide a correction from the eye: what it moved is shown as moving there, quickly.

The state jumps to what is right at once, and everything that is computed goes on from
there. Only what is drawn starts from where it was drawn before: the difference is kept
as an offset, which halves in equal times whatever the frame rate is. An offset too
large to be anything but a jump is not kept at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.corrections import Correction, Values
from gamenet.prediction.distances import Distance, wrapped_angle
from gamenet.prediction.rotations import (
    conjugate,
    product,
    to_quaternions,
    to_vectors,
)
from gamenet.world import Component

__all__ = ["Offsets"]

Rows = NDArray[np.intp]

HALVINGS = 20
"""After so many, a millionth is left, and is dropped."""


class Offsets:
    """Keep what corrections leave in the view.

    Args:
        components: whose fields are to slide; the others are passed over.
        capacity: number of rows of the world.
    """

    def __init__(self, components: Iterable[type[Component]], capacity: int) -> None:
        self._left = {component: _Left(component, capacity) for component in components}

    def correct(self, correction: Correction) -> None:
        """Add what a correction has moved."""
        for component in correction.before:
            before, after = correction.before[component], correction.after[component]
            self.add(component, correction.rows, before, after)

    def add(
        self, component: type[Component], rows: Rows, before: Values, after: Values
    ) -> None:
        """Go on showing rows where they were, for now.

        Rows whose offset becomes `Shown.snap` or more are shown where they are.

        Args:
            component: which of the components.
            rows: which rows, each once.
            before: what would be shown without the correction, offsets left aside.
            after: what would be shown now.

        Shapes:
            rows: (n_rows,); before, after: each column (n_rows,) or (n_rows, 4).
        """
        self._left[component].add(rows, before, after)

    def decay(self, dt: float) -> None:
        """Let all offsets become smaller by what `dt` seconds do."""
        for left in self._left.values():
            left.decay(dt)

    def apply(self, component: type[Component], rows: Rows, values: Values) -> None:
        """Move values of rows, in place, to where they are shown.

        Shapes:
            rows: (n_rows,); values: each column (n_rows,) or (n_rows, 4).
        """
        self._left[component].apply(rows, values)

    def sizes(self, component: type[Component], rows: Rows) -> NDArray[np.float64]:
        """Return how far rows are shown from where they are, in units of the values.

        Shapes:
            rows, returned: (n_rows,).
        """
        return self._left[component].sizes(rows)

    def drop(self, rows: Rows) -> None:
        """Show rows where they are: another entity lives there, or it teleported."""
        for left in self._left.values():
            left.drop(rows)


class _Left:
    """What is left in the view of one component."""

    def __init__(self, component: type[Component], capacity: int) -> None:
        self._shown = component.shown
        self._fields = Distance(component)
        self._capacity = capacity
        self._rows: Rows = np.empty(0, np.intp)
        # Allocated with the first offset: most components never have any.
        self._offsets: dict[str, NDArray[np.float64]] = {}
        self._seconds = np.empty(0)

    def add(self, rows: Rows, before: Values, after: Values) -> None:
        if not self._has_room() or not len(rows):
            return
        fields, offsets = self._fields, self._offsets
        with np.errstate(invalid="ignore", over="ignore"):
            for name in fields.linear:
                offsets[name][rows] += np.subtract(
                    before[name], after[name], dtype=np.float64
                )
            for name in fields.angles:
                turned = offsets[name][rows] + (before[name] - after[name])
                offsets[name][rows] = wrapped_angle(turned)
            for name in fields.rotations:
                was_shown = product(to_quaternions(offsets[name][rows]), before[name])
                turn = product(was_shown, conjugate(after[name]))
                offsets[name][rows] = to_vectors(turn)
            # Also what is not finite has no way to slide.
            is_far = ~(self.sizes(rows) < self._shown.snap)
        self._seconds[rows] = HALVINGS * self._shown.half_life
        self._rows = np.union1d(self._rows, rows)
        self.drop(rows[is_far])

    def decay(self, dt: float) -> None:
        if not len(self._rows):
            return
        factor = 0.5 ** (dt / self._shown.half_life)
        for offset in self._offsets.values():
            offset[self._rows] *= factor
        self._seconds[self._rows] -= dt
        self.drop(self._rows[self._seconds[self._rows] <= 0.0])

    def apply(self, rows: Rows, values: Values) -> None:
        if not len(self._rows):
            return
        for name in self._fields.linear:
            values[name] += self._offsets[name][rows].astype(values[name].dtype)
        for name in self._fields.angles:
            values[name][:] = wrapped_angle(values[name] + self._offsets[name][rows])
        for name in self._fields.rotations:
            turn = to_quaternions(self._offsets[name][rows])
            values[name][:] = product(turn, values[name])

    def sizes(self, rows: Rows) -> NDArray[np.float64]:
        squares = np.zeros(len(rows))
        for offset in self._offsets.values():
            part = offset[rows] ** 2
            squares += part if part.ndim == 1 else np.add.reduce(part, axis=1)
        return np.sqrt(squares)

    def drop(self, rows: Rows) -> None:
        if len(rows) and len(self._rows):
            for offset in self._offsets.values():
                offset[rows] = 0.0
            self._rows = np.setdiff1d(self._rows, rows)

    def _has_room(self) -> bool:
        """Return whether there are fields to keep offsets of, and time."""
        fields = self._fields
        if not self._offsets and self._shown.half_life > 0.0:
            single: Mapping[str, Any] = {
                name: np.zeros(self._capacity) for name in fields.linear + fields.angles
            }
            triple = {name: np.zeros((self._capacity, 3)) for name in fields.rotations}
            self._offsets = {**single, **triple}
            self._seconds = np.zeros(self._capacity)
        return bool(self._offsets)
