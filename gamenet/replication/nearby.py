# SPDX-License-Identifier: MIT
"""See by distance: the places of a world's rows, and who sees which from where.

A viewer starts to see a row within their radius, and sees it until it is beyond radius
and hysteresis. So what is at the rim does not come and go with each step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication.grid import Grid
from gamenet.replication.interest import Eye, Interest
from gamenet.world import EntityId, World, entity_row

__all__ = ["REPLACED", "Nearby"]

REPLACED = 8
"""Stands in a viewer's levels for a row that they saw while it was another's."""

Rows = NDArray[np.intp]
Levels = NDArray[np.uint8]
Found = tuple[Rows, NDArray[np.float64]]
_Foreseen = tuple[object, Found | None]
NOT_FORESEEN: _Foreseen = (None, None)


class Nearby:
    """Find what is near the viewers of a world.

    Args:
        world: the world.
        interest: what players see; it has a position.
    """

    def __init__(self, world: World, interest: Interest) -> None:
        component, *names = cast("tuple[Any, ...]", interest.position)
        columns = world.columns(component)
        self.grid = Grid(interest.cell or interest.reach / 2, len(names))
        """Where the rows are, as of the newest refresh."""
        self.rows: Rows = np.empty(0, np.intp)
        """Ascending rows that are seen by distance only."""
        self._world = world
        self._interest = interest
        self._component = component
        self._present = columns.present
        self._axes: list[NDArray[Any]] = [columns.arrays[name] for name in names]
        self._limits = _limits(interest.radius, interest.hysteresis)
        self._distances = np.zeros(world.capacity)
        self._measured: Rows = self.rows
        self._nothing = self.rows, self._distances[:0]
        # Who looks each tick is served together with the others, at the refresh.
        self._eyes: dict[int, Eye] = {}
        self._foreseen: dict[int, _Foreseen] = {}

    def refresh(self) -> None:
        """Take in where the rows are now."""
        rows = self._world.query(self._component, without=self._interest.always)
        places = [axis.take(rows).astype(np.float64, copy=False) for axis in self._axes]
        self.grid.rebuild(rows, places)
        self.rows = rows
        self._foresee()

    def see(self, eye: Eye, was: Levels, seen: Levels) -> None:
        """Write 1 for each row that a viewer sees by distance, and 0 for some others.

        Args:
            eye: what they look with.
            was: what they saw before, `REPLACED` where another entity was there.
            seen: where to write.

        Raises:
            LocalProtocolError: if the eye's coordinates or radius make no sense.
        """
        rows, squared = eye.near = self._around(eye)
        limits = self._limits
        if eye.radius is not None:
            limits = _limits(eye.radius, self._interest.hysteresis)
        is_near = squared <= limits.take(was.take(rows))
        seen[rows] = is_near.view(np.uint8)

    def distances(self, eye: Eye) -> NDArray[np.float64]:
        """Return the squared distances of the rows around a viewer."""
        rows, squared = self._nothing if eye.near is None else eye.near
        self._distances[self._measured] = 0.0
        self._distances[rows] = squared
        self._measured = rows
        return self._distances

    def _around(self, eye: Eye) -> Found:
        number = id(eye)
        self._eyes[number] = eye
        where, found = self._foreseen.get(number, NOT_FORESEEN)
        if found is not None and where is eye.where and eye.radius is None:
            return found
        point = self._point(eye.where)
        if point is None:
            return self._nothing
        return self.grid.around(point, self._reach(eye))

    def _foresee(self) -> None:
        """Find what is around all who looked since the last refresh, if they stay."""
        self._foreseen.clear()
        seers, points = [], []
        for number, eye in self._eyes.items():
            # What is wrong with coordinates or a radius, a look tells: not all others.
            if eye.radius is None and _is_plain(eye.where, len(self._axes)):
                point = self._point(eye.where)
                if point is not None:
                    seers.append((number, eye.where))
                    points.append(point)
        self._eyes.clear()
        if seers:
            found = self.grid.around_many(np.array(points), self._interest.reach)
            for (number, where), each in zip(seers, found, strict=True):
                self._foreseen[number] = where, each

    def _reach(self, eye: Eye) -> float:
        if eye.radius is None:
            return self._interest.reach
        if not eye.radius >= 0:
            msg = f"an eye cannot see {eye.radius!r} far: give a radius from 0 on"
            raise LocalProtocolError(msg)
        return eye.radius + self._interest.hysteresis

    def _point(
        self, where: EntityId | Sequence[float] | None
    ) -> Sequence[float] | None:
        if where is None:
            return None
        if isinstance(where, int | np.integer):
            if where not in self._world:
                return None
            row = entity_row(EntityId(int(where)))
            if not self._present[row]:
                return None
            return [axis.item(row) for axis in self._axes]
        try:
            point = [float(number) for number in where]
        except (TypeError, ValueError, OverflowError):
            point = []
        if len(point) != len(self._axes):
            msg = (
                f"an eye cannot be at {where!r}: give an entity, or {len(self._axes)} "
                "coordinates"
            )
            raise LocalProtocolError(msg)
        return point


def _is_plain(where: object, n_axes: int) -> bool:
    if isinstance(where, tuple):
        return len(where) == n_axes and all(isinstance(each, float) for each in where)
    return isinstance(where, int | np.integer)


def _limits(radius: float, hysteresis: float) -> NDArray[np.float64]:
    """Return the square of how far a row may be, by the level that it had before."""
    reach = radius + hysteresis
    limits = np.full(REPLACED + 1, reach * reach)
    limits[[0, REPLACED]] = radius * radius
    return limits
