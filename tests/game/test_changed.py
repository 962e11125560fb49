# SPDX-License-Identifier: MIT
"""Tests of watching values from methods."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.game import Game
from gamenet.game.changed import on_changed, watch_methods, watching_methods
from gamenet.replication import Watches
from gamenet.world import World
from tests.game.games import Marker, Place


class Field(Game):
    """Watches one of everything."""

    components = [Place, Marker]

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    @on_changed(Marker.number)
    def number_changed(self, entity: int, number: int) -> None:
        self.calls.append(("number", entity, number))

    @on_changed(Place.x)
    @on_changed(Place.y)
    def moved(self, entity: int, value: float) -> None:
        self.calls.append(("moved", entity, value))

    @on_changed(Place)
    @staticmethod
    def place_changed(entity: int) -> None:
        """Do without an instance."""


class Louder(Field):
    """Overrides a method, which goes on watching."""

    def number_changed(self, entity: int, number: int) -> None:
        self.calls.append(("louder", entity, number))


class Other(Field):
    """Watches something else by a method, and nothing by another."""

    moved = None

    @on_changed(Place.x)
    def number_changed(self, entity: int, x: float) -> None:
        self.calls.append(("x", entity, x))


def straight(name: str, function: Any, *arguments: Any) -> None:
    """Call without any care."""
    function(*arguments)


class OnChangedTests(SynchronousTestCase):
    """Decorated methods are found, once each, and called on their instance."""

    def play(self, game: Any) -> list[tuple[Any, ...]]:
        """Return what a game hears of a marker and a place that have changed."""
        world = World(game.components, 4)
        entity = world.spawn(Place(x=2.0, y=3.0), Marker(number=7))
        self.assertEqual(entity, world.id_of(0))
        watches = Watches(world.components)
        watch_methods(game, watches)
        rows, yes = np.array([0]), np.array([True])
        changed = {
            Marker: (rows, {"number": yes}),
            Place: (rows, {"x": yes, "y": yes}),
        }
        watches.dispatch(world, changed, straight)
        return [(call[0], call[2]) for call in game.calls]

    def test_found(self) -> None:
        """Several decorators watch several things, the uppermost first."""
        found = watching_methods(Field)
        self.assertEqual(
            {name: [str(each) for each in marks] for name, marks in found.items()},
            {
                "number_changed": ["Marker.number"],
                "moved": ["Place.x", "Place.y"],
                "place_changed": ["Place"],
            },
        )
        self.assertEqual(watching_methods(Game), {})

    def test_called(self) -> None:
        """The methods are called with what has changed."""
        heard = self.play(Field())
        self.assertEqual(sorted(heard), [("moved", 2), ("moved", 3), ("number", 7)])

    def test_overridden(self) -> None:
        """A method that is overridden is called once, in place of the first."""
        heard = self.play(Louder())
        self.assertEqual(sorted(heard), [("louder", 7), ("moved", 2), ("moved", 3)])

    def test_decorated_again(self) -> None:
        """A decorator of an override replaces those before; None switches off."""
        self.assertEqual(self.play(Other()), [("x", 2)])

    def test_not_told_of(self) -> None:
        """A method that watches what is not there is refused when it is bound."""
        with self.assertRaisesRegex(ConfigError, "Field.number_changed: Marker is not"):
            watch_methods(Field(), Watches([Place]))

    def test_nonsense(self) -> None:
        """What cannot be watched is refused where the class is written."""
        with self.assertRaisesRegex(ConfigError, "'points' cannot be watched"):
            on_changed("points")
        self.assertRaises(ConfigError, on_changed, lambda self: None)
