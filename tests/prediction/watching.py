# SPDX-License-Identifier: MIT
"""A client's world that is told of by hand, and the view of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from gamenet.prediction import View
from gamenet.replication import Teleported
from gamenet.wire import angle, enum, fixed, float32, quaternion, uint8
from gamenet.world import Component, Show, Shown, World
from tests.world.shapes import Team

TICK_RATE = 30.0


class Place(Component):
    """What slides straight; it may be guessed for three ticks."""

    x: float = fixed(-1000, 1000, step=1 / 64)
    y: float = float32()


class Heading(Component):
    """An angle, and a colour beside it."""

    shown = Shown(extrapolate=0.0)
    angle: float = angle(16)
    team: Team = enum(Team)


class Turn(Component):
    """A rotation."""

    turn: tuple[float, ...] = quaternion(16)


class Health(Component):
    """What steps."""

    points: int = uint8()


class Door(Component):
    """A float that does not slide."""

    shown = Shown(others=Show.SNAPPED)
    gap: float = float32()


class Leaper(Component):
    """What jumps if it goes more than 5."""

    shown = Shown(snap=5.0)
    x: float = float32()


COMPONENTS = [Place, Heading, Turn, Health, Door, Leaper, Teleported]


class Watching:
    """A world, its view, and words for what a snapshot does to the first."""

    def __init__(self, capacity: int = 8, slots: int = 32) -> None:
        self.world = World(COMPONENTS, capacity)
        self.view = View(self.world, TICK_RATE, slots=slots)

    def tell(self, tick: int, *values: tuple[int, Component]) -> None:
        """Let a snapshot say that rows have these values, and nothing of others."""
        told: dict[type[Component], list[int]] = {}
        for row, component in values:
            kind = type(component)
            columns = self.world.columns(kind)
            if not columns.present[row]:
                self.world.add(self.world.id_of(row), component)
                continue
            for name, array in columns.arrays.items():
                value = getattr(component, name)
                array[row] = getattr(value, "value", value)
            told.setdefault(kind, []).append(row)
        pairs = [(kind, np.array(rows, np.intp)) for kind, rows in told.items()]
        self.view.arrived(tick, pairs)

    def shown(self, component: type[Component], field: str, row: int = 0) -> Any:
        """Return what the view shows."""
        return self.view.columns(component).arrays[field][row]

    def xs(self, *ticks: float) -> list[float]:
        """Return where row 0 is drawn at some moments, one after another."""
        drawn = []
        for tick in ticks:
            self.view.update(tick)
            drawn.append(float(self.shown(Place, "x")))
        return drawn
