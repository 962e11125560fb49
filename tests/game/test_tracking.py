# SPDX-License-Identifier: MIT
"""Plain objects as entities, and entities as plain objects."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, StaleEntityError, WorldFullError
from gamenet.game import Component, World, fixed, uint8, uint16
from gamenet.game.tracking import Tracker


class Position(Component):
    """Where something is."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Health(Component):
    """How well it is."""

    points: int = uint8(9)
    most: int = uint8(10)


class Score(Component):
    """How often it has won."""

    wins: int = uint16()


class Other(Component):
    """Fields of the same names as another component has."""

    wins: int = uint16()


@dataclass
class Ship:
    """A class that knows no network, and that cannot be hashed."""

    x: float = 0.0
    y: float = 0.0
    points: int = 9
    wins: int = 0


class Slotted:
    """A class without weak references."""

    __slots__ = ("x", "y")

    def __init__(self) -> None:
        self.x = self.y = 1.0


class TrackerTests(SynchronousTestCase):
    """Objects that become entities."""

    def setUp(self) -> None:
        self.world = World([Position, Health, Score], 8)
        self.tracker = Tracker(self.world)

    def refused(self, *arguments: Any, **named: Any) -> str:
        """Return why `track` refuses something, which changes nothing."""
        before = len(self.world)
        error = self.assertRaises(
            LocalProtocolError, self.tracker.track, *arguments, **named
        )
        self.assertEqual(len(self.world), before)
        return str(error)

    def test_track(self) -> None:
        """An object's attributes are its entity's columns after each pull."""
        ship = Ship(3, 4)
        entity = self.tracker.track(ship, "x", "y", owner=7)
        shown = self.world[entity, Position]
        self.assertEqual((shown.x, shown.y), (3, 4))
        self.assertEqual(self.world.owner[self.world.row_of(entity)], 7)
        self.assertEqual(self.tracker.entity_of(ship), entity)
        self.assertIs(self.tracker.object_of(entity), ship)
        self.assertEqual(len(self.tracker), 1)
        ship.x = 5
        self.assertEqual(shown.x, 3)
        self.tracker.pull()
        self.assertEqual(shown.x, 5)

    def test_push(self) -> None:
        """What the game writes into columns reaches the object."""
        ship = Ship()
        entity = self.tracker.track(ship, "x", "y")
        self.world[entity, Position].y = 2.5
        self.tracker.push()
        self.assertEqual(ship, Ship(0, 2.5))

    def test_several_components(self) -> None:
        """An object that is tracked already gets more components and an owner."""
        ship = Ship(points=4)
        entity = self.tracker.track(ship, "y", "x")
        self.assertEqual(self.tracker.track(ship, "wins", owner=3), entity)
        self.assertEqual(self.tracker.track(ship, "points", component=Health), entity)
        self.assertEqual(self.world.owner[self.world.row_of(entity)], 3)
        self.assertEqual(self.world[entity, Health].points, 4)
        self.assertEqual(self.world[entity, Health].most, 10)
        ship.x, ship.wins, ship.points = 1, 2, 3
        self.tracker.pull()
        self.assertEqual(self.world[entity, Position].x, 1)
        self.assertEqual(self.world[entity, Score].wins, 2)
        self.assertEqual(self.world[entity, Health].points, 3)

    def test_whole_component(self) -> None:
        """A component without names means all its fields."""
        entity = self.tracker.track(Slotted(), component=Position)
        self.assertEqual(self.world[entity, Position].x, 1)

    def test_refusals(self) -> None:
        """What cannot be tracked is refused with a reason."""
        ship = Ship()
        self.assertIn("needs the names", self.refused(ship))
        self.assertIn("Position(x, y); Health(most, points)", self.refused(ship, "x"))
        self.assertIn("no field 'z'", self.refused(ship, "z", component=Position))
        self.assertIn("Other is no component", self.refused(ship, component=Other))
        self.assertIn("no attribute 'most'", self.refused(ship, component=Health))
        ship.x = "here"
        self.assertIn("Position.x cannot be 'here'", self.refused(ship, "x", "y"))
        ship.x = 0
        self.tracker.track(ship, "x", "y")
        self.assertIn("tracked as Position already", self.refused(ship, "x", "y"))
        twins = Tracker(World([Score, Other], 4))
        error = self.assertRaises(LocalProtocolError, twins.track, ship, "wins")
        self.assertIn("Score, Other all have the fields wins", str(error))
        empty = Tracker(World([], 4))
        error = self.assertRaises(LocalProtocolError, empty.track, ship, "wins")
        self.assertIn("there are none", str(error))

    def test_full_world(self) -> None:
        """A world without room refuses another object."""
        ships = [Ship() for _ in range(9)]
        for ship in ships[:8]:
            self.tracker.track(ship, "wins")
        self.assertRaises(WorldFullError, self.tracker.track, ships[8], "wins")
        self.assertIsNone(self.tracker.entity_of(ships[8]))

    def test_untrack(self) -> None:
        """An object that is tracked no more has no entity, and can be tracked anew."""
        ship = Ship()
        entity = self.tracker.track(ship, "x", "y")
        self.tracker.untrack(ship)
        self.assertNotIn(entity, self.world)
        self.assertIsNone(self.tracker.entity_of(ship))
        self.assertIsNone(self.tracker.object_of(entity))
        error = self.assertRaises(LocalProtocolError, self.tracker.untrack, ship)
        self.assertIn("this Ship is not tracked", str(error))
        self.assertNotEqual(self.tracker.track(ship, "x", "y"), entity)

    def test_forgotten(self) -> None:
        """An object that nobody holds takes its entity with it."""
        ship = Ship()
        entity = self.tracker.track(ship, "x", "y")
        self.tracker.track(ship, "wins")
        del ship
        gc.collect()
        self.tracker.pull()
        self.assertNotIn(entity, self.world)
        self.assertEqual(len(self.tracker), 0)

    def test_forgotten_makes_room(self) -> None:
        """The rows of forgotten objects are free for those that come next."""
        for _ in range(20):
            self.tracker.track(Ship(), "wins")
            gc.collect()
        self.assertLess(len(self.world), 3)

    def test_forgotten_and_gone(self) -> None:
        """An object may be forgotten whose entity is gone already."""
        ship = Ship()
        self.world.despawn(self.tracker.track(ship, "wins"))
        del ship
        gc.collect()
        later = Ship()
        entity = self.tracker.track(later, "wins")
        self.assertEqual(self.tracker.entity_of(later), entity)
        self.assertEqual(len(self.tracker), 1)

    def test_held(self) -> None:
        """An object that cannot be held weakly stays."""
        entity = self.tracker.track(Slotted(), "x", "y")
        gc.collect()
        self.tracker.pull()
        self.assertIn(entity, self.world)
        self.tracker.untrack(self.tracker.object_of(entity))
        self.assertNotIn(entity, self.world)

    def test_forgotten_while_read(self) -> None:
        """Objects may die while others are collected: nothing is read of the dead."""
        ships = [Ship(), Ship()]
        first = self.tracker.track(ships[0], "x", "y")
        second = self.tracker.track(ships[1], "x", "y")
        group = self.tracker._known(ships[0]).groups[0]
        reference = group.held[first]

        def collected() -> Ship:
            ships[1:] = []
            gc.collect()
            return reference()

        group.held[first] = collected
        self.tracker.pull()
        self.assertIn(first, self.world)
        self.assertNotIn(second, self.world)

    def test_entity_gone(self) -> None:
        """An object whose entity the game has despawned is not tracked any more."""
        ship = Ship()
        self.world.despawn(self.tracker.track(ship, "x", "y"))
        self.assertIsNone(self.tracker.entity_of(ship))
        again = self.tracker.track(ship, "x", "y")
        self.tracker.pull()
        self.assertEqual(self.tracker.entity_of(ship), again)
        self.assertEqual(len(self.tracker), 1)
        self.tracker.push()
        self.assertIn(again, self.world)

    def test_component_gone(self) -> None:
        """A component that the game has removed is left alone."""
        ship = Ship()
        entity = self.tracker.track(ship, "x", "y")
        self.tracker.track(ship, "wins")
        self.world.remove(entity, Score)
        ship.wins, ship.x = 3, 4
        self.tracker.pull()
        self.assertEqual(self.world[entity, Position].x, 4)
        self.assertFalse(self.world.has(entity, Score))
        self.tracker.track(ship, "wins")
        self.assertEqual(self.world[entity, Score].wins, 3)

    def test_all_components_gone(self) -> None:
        """An entity without any of its object's components is the game's alone."""
        ship = Ship()
        entity = self.tracker.track(ship, "x", "y")
        self.world.remove(entity, Position)
        self.tracker.pull()
        self.assertIsNone(self.tracker.entity_of(ship))
        del ship
        gc.collect()
        self.tracker.pull()
        self.assertIn(entity, self.world)

    def test_wrong_value(self) -> None:
        """A value that does not fit is named, and then nothing is written."""
        good, bad = Ship(), Ship()
        entities = [self.tracker.track(each, "x", "y") for each in (good, bad)]
        self.tracker.track(bad, "points", component=Health)
        good.x, bad.points = 5, 256
        error = self.assertRaises(LocalProtocolError, self.tracker.pull)
        self.assertIn("the Ship of row 1: Health.points cannot be 256", str(error))
        self.assertEqual(self.world[entities[0], Position].x, 0)
        bad.points = 255
        self.tracker.pull()
        self.assertEqual(self.world[entities[0], Position].x, 5)


class BindTests(SynchronousTestCase):
    """Entities that become objects."""

    def setUp(self) -> None:
        self.world = World([Position, Health, Score], 8)
        self.tracker = Tracker(self.world)
        self.ships: dict[int, Ship] = {}
        self.dropped: list[Ship] = []
        self.tracker.bind(Position, self.make, Score, dropped=self.dropped.append)

    def make(self, entity: int) -> Ship:
        """Make the object of an entity."""
        self.ships[entity] = Ship()
        return self.ships[entity]

    def test_life(self) -> None:
        """An object is made with its entity, follows it, and goes with it."""
        entity = self.world.spawn(Position(1, 2))
        self.world.spawn(Score(5))
        self.assertIsNone(self.tracker.object_of(entity))
        self.tracker.push()
        self.assertEqual(list(self.ships), [entity])
        ship = self.ships[entity]
        self.assertEqual(ship, Ship(1, 2))
        self.assertIs(self.tracker.object_of(entity), ship)
        self.world[entity, Position].x = 3
        self.tracker.push()
        self.assertEqual(ship, Ship(3, 2))
        self.world.despawn(entity)
        self.tracker.push()
        self.assertEqual(self.dropped, [ship])
        self.assertIsNone(self.tracker.object_of(entity))

    def test_same_row(self) -> None:
        """Another entity in the same row has another object."""
        first = self.world.spawn(Position(), Score(1))
        self.tracker.push()
        self.world.despawn(first)
        second = self.world.spawn(Position(7, 0))
        self.tracker.push()
        self.assertEqual(self.dropped, [self.ships[first]])
        self.assertEqual(self.ships[second], Ship(7, 0, wins=0))

    def test_others(self) -> None:
        """Fields of other components are attributes while the entity has them."""
        entity = self.world.spawn(Position())
        self.tracker.push()
        self.world.add(entity, Score(4))
        self.tracker.push()
        self.assertEqual(self.ships[entity].wins, 4)
        self.world[entity, Score].wins = 5
        self.tracker.push()
        self.assertEqual(self.ships[entity].wins, 5)
        self.world.remove(entity, Score)
        self.tracker.push()
        self.world.add(entity, Score(6))
        self.world.remove(entity, Position)
        self.tracker.push()
        self.assertEqual(self.dropped[0].wins, 5)

    def test_one_way(self) -> None:
        """What somebody sets in a bound object stays there."""
        entity = self.world.spawn(Position())
        self.tracker.push()
        self.ships[entity].x = 3
        self.tracker.pull()
        self.tracker.push()
        self.assertEqual(self.world[entity, Position].x, 0)
        self.assertEqual(self.ships[entity].x, 3)

    def test_tracked(self) -> None:
        """A tracked object's entity needs no other object."""
        ship = Ship()
        self.tracker.track(ship, "x", "y")
        self.tracker.push()
        self.assertEqual(self.ships, {})

    def test_silent(self) -> None:
        """Nobody needs to be told of objects that go."""
        tracker = Tracker(self.world)
        tracker.bind(Score, self.make)
        entity = self.world.spawn(Score())
        tracker.push()
        self.world.despawn(entity)
        tracker.push()
        self.assertIsNone(tracker.object_of(entity))

    def test_refusals(self) -> None:
        """A component is bound once, and is one of the world."""
        error = self.assertRaises(
            LocalProtocolError, self.tracker.bind, Position, self.make
        )
        self.assertIn("Position is bound already", str(error))
        self.assertRaises(LocalProtocolError, self.tracker.bind, Other, self.make)


numbers = st.integers(-500, 500).map(float)
picks = st.integers(0, 1000)


class TrackerMachine(RuleBasedStateMachine):
    """Objects and a world on one side, a dictionary and a following tracker beside."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World([Position, Health, Score], 6)
        self.tracker = Tracker(self.world)
        self.ships: dict[int, Ship] = {}
        self.has_score: set[int] = set()
        self.copies = Tracker(self.world)
        self.copies.bind(Position, lambda entity: Ship(), Score)

    def pick(self, number: int) -> int:
        """Return one of the entities of the model."""
        return list(self.ships)[number % len(self.ships)]

    @precondition(lambda self: len(self.ships) < 6)
    @rule(x=numbers, y=numbers)
    def track(self, x: float, y: float) -> None:
        """Track a new object."""
        ship = Ship(x, y)
        self.ships[self.tracker.track(ship, "x", "y")] = ship

    @precondition(lambda self: self.ships)
    @rule(number=picks, x=numbers, wins=st.integers(0, 99))
    def move(self, number: int, x: float, wins: int) -> None:
        """Change an object."""
        ship = self.ships[self.pick(number)]
        ship.x, ship.wins = x, wins

    @precondition(lambda self: self.ships)
    @rule(number=picks, y=numbers)
    def write(self, number: int, y: float) -> None:
        """Change a column, which an untouched attribute follows."""
        entity = self.pick(number)
        self.tracker.pull()
        self.world[entity, Position].y = y
        self.tracker.push()
        assert self.ships[entity].y == y

    @precondition(lambda self: len(self.has_score) < len(self.ships))
    @rule(number=picks)
    def track_more(self, number: int) -> None:
        """Track more of an object."""
        entity = min(self.ships.keys() - self.has_score)
        assert self.tracker.track(self.ships[entity], "wins") == entity
        self.has_score.add(entity)

    @precondition(lambda self: self.ships)
    @rule(number=picks, way=st.sampled_from(["untrack", "forget", "despawn"]))
    def lose(self, number: int, way: str) -> None:
        """Lose an object, in each of the ways that there are."""
        entity = self.pick(number)
        ship = self.ships.pop(entity)
        self.has_score.discard(entity)
        if way == "untrack":
            self.tracker.untrack(ship)
        elif way == "despawn":
            self.world.despawn(entity)

    @precondition(lambda self: self.has_score)
    @rule(number=picks)
    def remove(self, number: int) -> None:
        """Remove a component behind the tracker's back."""
        entity = sorted(self.has_score)[number % len(self.has_score)]
        self.world.remove(entity, Score)
        self.has_score.discard(entity)
        self.tracker.pull()

    @rule()
    def advance(self) -> None:
        """Begin the next tick."""
        self.world.tick += 1

    @invariant()
    def same(self) -> None:
        """After a pull the world is what the objects are; copies are equal to them."""
        self.tracker.pull()
        self.copies.push()
        assert set(self.world.ids_of(self.world.query()).tolist()) == set(self.ships)
        assert len(self.tracker) == len(self.ships)
        for entity, ship in self.ships.items():
            shown, copy = self.world[entity, Position], self.copies.object_of(entity)
            assert (shown.x, shown.y) == (ship.x, ship.y) == (copy.x, copy.y)
            assert self.world.has(entity, Score) == (entity in self.has_score)
            if entity in self.has_score:
                assert self.world[entity, Score].wins == ship.wins == copy.wins


class ModelTests(SynchronousTestCase):
    """Objects and entities stay in step."""

    def test_same_as_objects(self) -> None:
        """No sequence of operations parts the world from the objects."""
        run_state_machine_as_test(
            TrackerMachine,
            settings=settings(max_examples=40, stateful_step_count=25),
        )

    def test_stale(self) -> None:
        """An id of an untracked object is stale."""
        world = World([Position], 4)
        tracker = Tracker(world)
        ship = Ship()
        entity = tracker.track(ship, "x", "y")
        tracker.untrack(ship)
        self.assertRaises(StaleEntityError, world.row_of, entity)
