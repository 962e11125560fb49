# SPDX-License-Identifier: MIT
"""How far apart two values of a component are, in the units of its fields.

Fields that can slide make one number: the length of the difference over all numbers
with a fraction and all angles, which are taken the short way round. Other fields, such
as a count or a flag, are the same or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.world import Component

__all__ = ["Distance", "wrapped_angle"]

LINEAR = frozenset({"fixed", "float16", "float32", "float64"})
TAU = 2.0 * np.pi

Values = Mapping[str, NDArray[Any]]


class Distance:
    """Measure the distance of two values of one component, for many rows at once."""

    def __init__(self, component: type[Component]) -> None:
        kinds = {field.name: field.kind for field in component.schema_fields}
        self.linear = [name for name, kind in kinds.items() if kind in LINEAR]
        """Fields that are numbers with a fraction."""
        self.angles = [name for name, kind in kinds.items() if kind == "angle"]
        """Fields that are angles."""
        self.rotations = [name for name, kind in kinds.items() if kind == "quaternion"]
        """Fields that are unit quaternions."""
        sliding = {*self.linear, *self.angles, *self.rotations}
        self.steps = [name for name in kinds if name not in sliding]
        """Fields that cannot slide."""

    def between(self, one: Values, other: Values) -> NDArray[np.float64]:
        """Return the distance over the fields that can slide.

        Shapes:
            one, other: each column (n_rows,) or (n_rows, 4); returned: (n_rows,).
        """
        squares: Any = 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            for name in self.linear:
                squares = squares + (np.float64(1.0) * one[name] - other[name]) ** 2
            for name in self.angles:
                squares = squares + wrapped_angle(one[name] - other[name]) ** 2
            for name in self.rotations:
                squares = squares + _turn(one[name], other[name]) ** 2
        n_rows = len(next(iter(one.values()), ()))
        distances: NDArray[np.float64] = np.sqrt(np.broadcast_to(squares, (n_rows,)))
        return distances

    def is_same(self, one: Values, other: Values) -> NDArray[np.bool_]:
        """Return where all fields that cannot slide are the same.

        Shapes:
            one, other: each column (n_rows,); returned: (n_rows,).
        """
        same = np.ones(len(next(iter(one.values()), ())), np.bool_)
        for name in self.steps:
            same &= one[name] == other[name]
        return same


def wrapped_angle(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles as those from -pi up to pi."""
    wrapped: NDArray[np.float64] = np.remainder(angles + np.pi, TAU) - np.pi
    return wrapped


def _turn(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle of the turn from one rotation to another."""
    # By the chord: the angle of a small turn is lost in the cosine. A quaternion and
    # its negative are the same rotation.
    near = np.sqrt(np.add.reduce((one - other) ** 2, axis=1))
    far = np.sqrt(np.add.reduce((one + other) ** 2, axis=1))
    chord = np.minimum(np.minimum(near, far) * 0.5, 1.0)
    angle: NDArray[np.float64] = 4.0 * np.arcsin(chord)
    return angle
