# SPDX-License-Identifier: MIT
"""Where the values of a world's components stand in the samples of its past.

Whatever slides is one float64 plane for each number of a row, of all components and in
the order of kinds: one operation then moves all positions of a world, another one all
rotations. What steps stands in blocks of its own dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.blend import Kind, kind_of, settle, way
from gamenet.world import Columns, Component

__all__ = ["Part", "Planes", "StepPart"]

SLIDING = (Kind.LINEAR, Kind.ANGLE, Kind.QUATERNION)


@dataclass(frozen=True, slots=True)
class Part:
    """The planes of one component's fields of one kind."""

    kind: Kind
    start: int
    stop: int
    names: tuple[str, ...]

    @property
    def planes(self) -> slice:
        """Return which planes of the block."""
        return slice(self.start, self.stop)

    @property
    def spans(self) -> list[slice]:
        """Return the planes that slide together, counted from the first one."""
        width = 4 if self.kind is Kind.QUATERNION else self.stop - self.start
        n_planes = self.stop - self.start
        return [slice(at, at + width) for at in range(0, n_planes, width)]

    def places(self) -> list[tuple[str, slice]]:
        """Return the fields, and the planes of each."""
        width = 4 if self.kind is Kind.QUATERNION else 1
        firsts = range(self.start, self.stop, width)
        return [
            (name, slice(first, first + width))
            for name, first in zip(self.names, firsts, strict=True)
        ]

    def read(self, columns: Columns, rows: NDArray[np.intp] | slice) -> NDArray[Any]:
        """Return what a world's columns hold now.

        Shapes:
            returned: (n_planes, n_rows) float64.
        """
        arrays = columns.arrays
        if self.kind is Kind.QUATERNION:
            return np.concatenate([arrays[name][rows].T for name in self.names])
        return np.array([arrays[name][rows] for name in self.names], np.float64)


@dataclass(frozen=True, slots=True)
class StepPart:
    """The place of one field that steps."""

    block: int
    plane: int
    name: str


class Planes:
    """Give each field of some components its place.

    Args:
        components: the components of a world.
    """

    def __init__(self, components: Sequence[type[Component]]) -> None:
        self.parts: list[list[Part]] = [[] for _ in components]
        """Of each component, the planes of what slides."""
        self.step_parts: list[list[StepPart]] = [[] for _ in components]
        """Of each component, the places of what steps."""
        self.spans: list[tuple[Kind, slice]] = []
        """The planes of each kind that occurs, of quaternions those of each."""
        self.dtypes: list[np.dtype[Any]] = []
        """Of the blocks of what steps."""
        self.n_stepped: list[int] = []
        """Planes of each of these blocks."""
        self.n_planes = 0
        """Planes of what slides."""
        for kind in SLIDING:
            start = self.n_planes
            for i, component in enumerate(components):
                self._place(i, kind, component)
            width = 4 if kind is Kind.QUATERNION else max(self.n_planes - start, 1)
            for first in range(start, self.n_planes, width):
                self.spans.append((kind, slice(first, first + width)))
        for i, component in enumerate(components):
            self._place_steps(i, component)

    def way(self, older: NDArray[Any], newer: NDArray[Any], out: NDArray[Any]) -> None:
        """Write what has to be added to samples to come to the next.

        Shapes:
            older, newer, out: (n_planes, n).
        """
        for kind, planes in self.spans:
            way(kind, older[planes], newer[planes], out[planes])

    def along(
        self, older: NDArray[Any], to_newer: NDArray[Any], share: Any, out: NDArray[Any]
    ) -> None:
        """Write where values are that have gone a share of their way.

        Shapes:
            older, to_newer, out: (n_planes, n); share: whatever multiplies that.
        """
        np.multiply(to_newer, share, out=out)
        out += older
        for kind, planes in self.spans:
            settle(kind, out[planes])

    def _place(self, index: int, kind: Kind, component: type[Component]) -> None:
        fields = [each for each in component.schema_fields if kind_of(each) is kind]
        names = tuple(field.name for field in fields)
        width = 4 if kind is Kind.QUATERNION else 1
        stop = self.n_planes + width * len(names)
        if names:
            self.parts[index].append(Part(kind, self.n_planes, stop, names))
        self.n_planes = stop

    def _place_steps(self, index: int, component: type[Component]) -> None:
        for field in component.schema_fields:
            if kind_of(field) is not Kind.STEP:
                continue
            dtype = np.dtype(field.column_dtype).newbyteorder("=")  # type: ignore[attr-defined]
            if dtype not in self.dtypes:
                self.dtypes.append(dtype)
                self.n_stepped.append(0)
            block = self.dtypes.index(dtype)
            place = StepPart(block, self.n_stepped[block], field.name)
            self.step_parts[index].append(place)
            self.n_stepped[block] += 1
