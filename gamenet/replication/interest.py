# SPDX-License-Identifier: MIT
"""Declare who may see what: once for a game, and once for each viewer."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError
from gamenet.world import Component, EntityId

__all__ = ["Eye", "Interest"]

SMALLEST_CELL = 1e-3
"""A grid counts its cells in 64 bits, out to its farthest place."""
LARGEST_RADIUS = 1e15


@dataclass(frozen=True, slots=True)
class Interest:
    """What players see of a world; a game writes one.

    An entity is seen by a player if it is near, if it has no place at all, or if it has
    one of the components `always`. Rooms and a rule of the game may take it away again,
    save from its owner.

    Raises:
        ConfigError: if something is no component, a field is no number, or a length
            makes no sense.

    Example:
        class Arena(Game):
            components = [Position, Health, Score]
            interest = Interest((Position, "x", "y"), radius=60, hysteresis=6)
    """

    position: tuple[Any, ...] | None = None
    """Component and two or three of its fields; the first two span the ground."""
    radius: float = 0.0
    """How far a viewer sees."""
    hysteresis: float = 0.0
    """How much farther they keep seeing what they see; about a tenth of the radius
    spares them what would come and go at the rim."""
    always: Sequence[type[Component]] = ()
    """Components whose entities are seen wherever they are."""
    owned: bool = True
    """Whether players see what they own wherever it is, whatever else is said."""
    teams: bool = False
    """Whether players see what their team's players own wherever it is."""
    cell: float | None = None
    """Side of the grid's cells; None takes half of radius and hysteresis together."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "always", tuple(self.always))
        for component in self.always:
            _check_component(component, "always")
        if self.position is None:
            if self.radius or self.hysteresis or self.cell is not None:
                msg = (
                    f"Interest(radius={self.radius}) without a position: say which "
                    'component has it, position=(Position, "x", "y")'
                )
                raise ConfigError(msg)
            return
        object.__setattr__(self, "position", tuple(self.position))
        _check_position(self.position)
        self._check_lengths()

    @property
    def reach(self) -> float:
        """How far somebody can be who is still seen."""
        return self.radius + self.hysteresis

    def _check_lengths(self) -> None:
        for name, least in (("radius", SMALLEST_CELL), ("hysteresis", 0.0)):
            _check_length(name, getattr(self, name), least)
        if self.cell is not None:
            _check_length("cell", self.cell, SMALLEST_CELL)


@dataclass(slots=True)
class Eye:
    """What one viewer looks with; keep one for each, and change it as they move."""

    player: int
    """Player id; 0 is somebody who owns nothing."""
    team: int | None = None
    """The team they see with, 0 = none; None asks the game's teams."""
    where: EntityId | Sequence[float] | None = None
    """An entity to look from, or coordinates; None, or an entity that is gone or has no
    place, sees nothing by distance."""
    radius: float | None = None
    """How far they see, from 0 to `inf`; None takes the one declared."""
    rooms: Collection[Hashable] = frozenset()
    """The rooms they are in."""
    looked: int = field(default=-1, repr=False, compare=False)
    """Tick of their newest look."""
    looked_as: Hashable = field(default=None, repr=False, compare=False)
    """What mattered at it, where distances do not."""
    near: tuple[NDArray[np.intp], NDArray[np.float64]] | None = field(
        default=None, repr=False, compare=False
    )
    """The rows around them at it, and their squared distances."""


def _check_component(component: object, name: str) -> None:
    if not (isinstance(component, type) and issubclass(component, Component)):
        msg = f"Interest({name}=...) has {component!r}: give component classes"
        raise ConfigError(msg)


def _check_position(position: tuple[Any, ...]) -> None:
    if len(position) not in (3, 4):
        msg = (
            f"Interest(position=...) has {len(position)} parts: give a component and "
            'two or three of its fields, (Position, "x", "y")'
        )
        raise ConfigError(msg)
    component, *names = position
    _check_component(component, "position")
    numbers = [each.name for each in component.schema_fields if _is_number(each)]
    for name in names:
        if name not in numbers or names.count(name) > 1:
            msg = (
                f"Interest(position=...) cannot measure {component.__name__}.{name}: "
                f"give different fields that are numbers; it has {numbers}"
            )
            raise ConfigError(msg)


def _is_number(declared: Any) -> bool:
    return (
        not declared.column_shape
        and declared.kind not in ("enum", "flag")
        and np.dtype(declared.column_dtype).kind in "fiu"
    )


def _check_length(name: str, value: object, least: float) -> None:
    is_number = isinstance(value, int | float) and math.isfinite(value)
    if not is_number or not least <= value <= LARGEST_RADIUS:  # type: ignore[operator]
        msg = (
            f"Interest({name}={value!r}): give a length from {least:g} to "
            f"{LARGEST_RADIUS:g}, in the unit of the positions"
        )
        raise ConfigError(msg)
