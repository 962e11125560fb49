# SPDX-License-Identifier: MIT
"""Tests of the world's promises, one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import (
    ConfigError,
    LocalProtocolError,
    SchemaError,
    StaleEntityError,
    WorldFullError,
)
from gamenet.world import Changes, World, entity_generation, entity_id, entity_row
from tests.world.shapes import Dead, Everything, Health, Position, Velocity

NOTHING = Changes([], [], [])


@dataclass
class Player:
    """Somebody who owns entities."""

    id: int


def small_world() -> World:
    """Return a world of eight rows that nobody drained yet."""
    return World([Position, Velocity, Health, Dead], capacity=8)


class ConstructionTests(SynchronousTestCase):
    """A world takes its memory once, for what it was told."""

    def test_attributes(self) -> None:
        """Components, capacity and arrays can be read; nothing lives yet."""
        world = World([Position, Dead])
        self.assertEqual(world.components, (Position, Dead))
        self.assertEqual(world.capacity, 4096)
        self.assertEqual(len(world), 0)
        for array, dtype in (
            (world.alive, np.bool_),
            (world.generation, np.uint32),
            (world.owner, np.uint32),
        ):
            self.assertEqual(array.shape, (4096,))
            self.assertEqual(array.dtype, dtype)

    def test_capacity(self) -> None:
        """A capacity that makes no sense names what is allowed."""
        for capacity in (0, -1, (1 << 24) + 1):
            error = self.assertRaises(ConfigError, World, [Position], capacity)
            self.assertIn(str(capacity), str(error))

    def test_components(self) -> None:
        """A component that is listed twice is an error."""
        self.assertRaises(SchemaError, World, [Position, Position])

    def test_arrays_stay(self) -> None:
        """References to arrays stay valid however much is spawned and despawned."""
        world = World([Position, Everything], capacity=64)
        columns = world.columns(Position)
        kept = [world.alive, world.generation, world.owner, columns.x, columns.present]
        addresses = [array.ctypes.data for array in kept]
        for _ in range(20):
            entities = [world.spawn(Position(x=3.0), owner=2) for _ in range(40)]
            world.spawn_rows(24, Position(x=4.0), Everything(), owner=2)
            for entity in entities:
                world.despawn(entity)
            world.despawn_rows(world.query(Position))
        entity = world.spawn(Position(x=7.0), owner=5)
        now = [world.alive, world.generation, world.owner, columns.x, columns.present]
        self.assertEqual([array.ctypes.data for array in now], addresses)
        alive, generation, owner, x, present = kept
        self.assertEqual((alive[0], owner[0], x[0], present[0]), (True, 5, 7.0, True))
        self.assertEqual(generation[0], entity_generation(entity))

    def test_tick(self) -> None:
        """The tick is a 32-bit number, as on the wire."""
        world = small_world()
        self.assertEqual(world.tick, 0)
        world.tick = (1 << 32) - 1
        self.assertEqual(world.tick, (1 << 32) - 1)
        for tick in (-1, 1 << 32):
            with self.assertRaises(LocalProtocolError):
                world.tick = tick


class SpawnTests(SynchronousTestCase):
    """Entities come and go, one at a time."""

    def setUp(self) -> None:
        self.world = small_world()

    def test_spawn(self) -> None:
        """A new entity is in the lowest free row, with its values, changed now."""
        self.world.tick = 3
        entity = self.world.spawn(Position(x=1.0), Health(points=2))
        self.assertEqual(entity, entity_id(0, 1))
        self.assertIn(entity, self.world)
        self.assertEqual(len(self.world), 1)
        self.assertEqual(self.world[entity, Position].x, 1.0)
        self.assertEqual(self.world[entity, Health].points, 2)
        self.assertEqual(self.world.columns(Health).changed_tick[0], 3)
        self.assertFalse(self.world.has(entity, Velocity))

    def test_owner(self) -> None:
        """An owner is anything with an id, an id, or nobody."""
        for owner, number in ((Player(7), 7), (8, 8), (None, 0), (np.uint32(9), 9)):
            entity = self.world.spawn(owner=owner)
            self.assertEqual(self.world.owner[entity_row(entity)], number)

    def test_wrong_owner(self) -> None:
        """What cannot be a player is shown, and nothing is spawned."""
        for owner in ("me", -1, 1 << 32, 1.5, Player("me")):  # type: ignore[arg-type]
            error = self.assertRaises(
                LocalProtocolError, self.world.spawn, Position(), owner=owner
            )
            self.assertIn(repr(owner), str(error))
        self.assertEqual(len(self.world), 0)

    def test_refused_spawn(self) -> None:
        """A spawn that fails leaves no trace."""
        for components in (
            (Position(), Health(points=256)),
            (Position(), Position()),
            (Everything(),),
            (Position,),
        ):
            self.assertRaises(LocalProtocolError, self.world.spawn, *components)
        self.assertEqual(len(self.world), 0)
        self.assertFalse(self.world.columns(Position).present.any())
        self.assertEqual(self.world.drain_changes(), NOTHING)
        self.assertEqual(self.world.spawn(), entity_id(0, 1))

    def test_full(self) -> None:
        """A full world refuses, and has room again after a despawn."""
        entities = [self.world.spawn() for _ in range(8)]
        self.assertRaises(WorldFullError, self.world.spawn, Position())
        self.world.despawn(entities[3])
        self.assertEqual(entity_row(self.world.spawn()), 3)

    def test_despawn(self) -> None:
        """A despawned entity is gone from everywhere."""
        entity = self.world.spawn(Position(), Dead(), owner=4)
        self.world.despawn(entity)
        self.assertNotIn(entity, self.world)
        self.assertEqual(len(self.world), 0)
        self.assertFalse(self.world.alive.any())
        self.assertEqual(self.world.owner[0], 0)
        for component in (Position, Dead):
            self.assertFalse(self.world.columns(component).present.any())

    def test_contains(self) -> None:
        """Only the id of a living entity is in the world."""
        entity = self.world.spawn()
        self.assertIn(np.uint64(entity), self.world)
        for other in (0, 1, -1, None, "x", 1.5, entity_id(8, 1), entity + (1 << 32)):
            self.assertNotIn(other, self.world)

    def test_stale_everywhere(self) -> None:
        """A stale id is an error in every operation, never another entity."""
        stale = self.world.spawn(Position(), Health())
        self.world.despawn(stale)
        heir = self.world.spawn(Position(x=6.0), Health())
        self.assertEqual(entity_row(heir), entity_row(stale))
        self.world.drain_changes()
        for operation in (
            lambda: self.world[stale, Position],
            lambda: self.world.despawn(stale),
            lambda: self.world.add(stale, Velocity()),
            lambda: self.world.remove(stale, Position),
            lambda: self.world.has(stale, Position),
            lambda: self.world.row_of(stale),
        ):
            error = self.assertRaises(StaleEntityError, operation)
            self.assertIn("generation 2", str(error))
        self.assertEqual(self.world[heir, Position].x, 6.0)
        self.assertEqual(self.world.drain_changes(), NOTHING)

    def test_no_id(self) -> None:
        """A row, 0 or None in the place of an id is an error that says so."""
        self.world.spawn(Position())
        for wrong in (0, 3, None):
            error = self.assertRaises(
                StaleEntityError, lambda wrong=wrong: self.world[wrong, Position]
            )
            self.assertIn("no entity id", str(error))

    def test_id_beyond_the_world(self) -> None:
        """An id of a larger world is stale here."""
        error = self.assertRaises(
            StaleEntityError, lambda: self.world[entity_id(99, 1), Position]
        )
        self.assertIn("rows go from 0 to 7", str(error))

    def test_rows_and_ids(self) -> None:
        """Rows and ids turn into each other, one or many."""
        entities = [self.world.spawn() for _ in range(3)]
        self.assertEqual(self.world.row_of(entities[2]), 2)
        self.assertEqual(self.world.id_of(1), entities[1])
        ids = self.world.ids_of([2, 0])
        self.assertEqual(ids.dtype, np.uint64)
        self.assertEqual(ids.tolist(), [entities[2], entities[0]])
        self.assertEqual(self.world.ids_of([]).tolist(), [])
        self.assertRaises(StaleEntityError, self.world.id_of, 3)
        self.assertRaises(StaleEntityError, self.world.ids_of, [1, 3])
        self.assertRaises(LocalProtocolError, self.world.ids_of, [-1])

    def test_numpy_ids(self) -> None:
        """Ids from `ids_of` serve as they are, and changes are plain integers."""
        self.world.spawn_rows(2, Position())
        self.world.drain_changes()
        first, second = self.world.ids_of([0, 1])
        self.world[first, Position].x = 2.0
        self.world.add(first, Dead())
        self.world.despawn(second)
        changes = self.world.drain_changes()
        self.assertIs(type(changes.reshaped[0]), int)
        self.assertIs(type(changes.despawned[0]), int)


class ShapeTests(SynchronousTestCase):
    """Entities gain and lose components."""

    def setUp(self) -> None:
        self.world = small_world()
        self.entity = self.world.spawn(Position(x=1.0, y=2.0), Health())
        self.world.drain_changes()

    def test_add(self) -> None:
        """An added component is there with its values, changed now."""
        self.world.tick = 5
        self.world.add(self.entity, Velocity(x=3.0))
        self.assertTrue(self.world.has(self.entity, Velocity))
        self.assertEqual(self.world[self.entity, Velocity].x, 3.0)
        self.assertEqual(self.world.columns(Velocity).changed_tick[0], 5)
        self.assertEqual(self.world.drain_changes(), Changes([], [], [self.entity]))

    def test_add_again(self) -> None:
        """Adding what is there gives it new values, and no new shape."""
        self.world.tick = 5
        self.world.add(self.entity, Position(x=4.0))
        view = self.world[self.entity, Position]
        self.assertEqual((view.x, view.y), (4.0, 0.0))
        self.assertEqual(self.world.columns(Position).changed_tick[0], 5)
        self.assertEqual(self.world.drain_changes(), NOTHING)

    def test_refused_add(self) -> None:
        """An add that fails changes no field, not even those that would fit."""
        for wrong in (Position(x=4.0, y="up"), Velocity(x="up"), Everything()):  # type: ignore[arg-type]
            self.assertRaises(LocalProtocolError, self.world.add, self.entity, wrong)
        view = self.world[self.entity, Position]
        self.assertEqual((view.x, view.y), (1.0, 2.0))
        self.assertFalse(self.world.has(self.entity, Velocity))
        self.assertEqual(self.world.drain_changes(), NOTHING)

    def test_remove(self) -> None:
        """A removed component is gone, the others stay."""
        self.world.remove(self.entity, Position)
        self.assertFalse(self.world.has(self.entity, Position))
        self.assertTrue(self.world.has(self.entity, Health))
        self.assertEqual(self.world.drain_changes(), Changes([], [], [self.entity]))

    def test_missing(self) -> None:
        """Reaching for a component that is not there says how to get it."""
        for operation in (
            lambda: self.world[self.entity, Velocity],
            lambda: self.world.remove(self.entity, Velocity),
        ):
            error = self.assertRaises(LocalProtocolError, operation)
            self.assertIn("has no Velocity", str(error))
            self.assertIn("world.add", str(error))

    def test_unknown(self) -> None:
        """A component that the world does not have is named, in every operation."""
        for operation in (
            lambda: self.world[self.entity, Everything],
            lambda: self.world.add(self.entity, Everything()),
            lambda: self.world.remove(self.entity, Everything),
            lambda: self.world.has(self.entity, Everything),
            lambda: self.world.columns(Everything),
            lambda: self.world.spawn_rows(2, Everything()),
        ):
            error = self.assertRaises(LocalProtocolError, operation)
            self.assertIn("Everything is no component", str(error))


class BatchTests(SynchronousTestCase):
    """Many entities come and go at a time."""

    def setUp(self) -> None:
        self.world = small_world()

    def test_spawn_rows(self) -> None:
        """The lowest free rows get the same values, and are written by columns."""
        single = self.world.spawn(Position(x=9.0))
        self.world.tick = 4
        rows = self.world.spawn_rows(3, Position(x=1.0), Dead(), owner=6)
        self.assertEqual(rows.tolist(), [1, 2, 3])
        self.assertEqual(rows.dtype, np.intp)
        columns = self.world.columns(Position)
        columns.y[rows] = [5.0, 6.0, 7.0]
        self.assertEqual(columns.x[:5].tolist(), [9.0, 1.0, 1.0, 1.0, 0.0])
        self.assertEqual(columns.changed_tick[:5].tolist(), [0, 4, 4, 4, 0])
        self.assertEqual(self.world.owner[:5].tolist(), [0, 6, 6, 6, 0])
        entities = self.world.ids_of(rows).tolist()
        self.assertEqual(self.world[entities[1], Position].y, 6.0)
        self.assertEqual(self.world.drain_changes().spawned, [single, *entities])

    def test_spawn_none(self) -> None:
        """No rows are no change."""
        self.assertEqual(self.world.spawn_rows(0, Position()).tolist(), [])
        self.assertEqual(len(self.world), 0)

    def test_spawn_too_many(self) -> None:
        """A batch that does not fit is not spawned at all."""
        self.world.spawn()
        error = self.assertRaises(WorldFullError, self.world.spawn_rows, 8, Position())
        self.assertIn("7 of 8", str(error))
        self.assertEqual(len(self.world), 1)
        self.assertRaises(LocalProtocolError, self.world.spawn_rows, -1, Position())

    def test_refused_batch(self) -> None:
        """A batch with a value that does not fit leaves no trace."""
        self.assertRaises(
            LocalProtocolError, self.world.spawn_rows, 2, Position(), Health(points=999)
        )
        self.assertEqual(len(self.world), 0)
        self.assertFalse(self.world.columns(Position).present.any())

    def test_vector_fields(self) -> None:
        """Vector fields are repeated like others."""
        world = World([Everything], capacity=4)
        rows = world.spawn_rows(2, Everything(turn=(0.0, 1.0, 0.0, 0.0)))
        self.assertEqual(
            world.columns(Everything).turn[rows].tolist(), [[0.0, 1.0, 0.0, 0.0]] * 2
        )

    def test_despawn_rows(self) -> None:
        """Rows are freed at once, by numbers in any order or by a mask."""
        entities = [self.world.spawn(Position(), Dead()) for _ in range(6)]
        self.world.drain_changes()
        self.world.despawn_rows([4, 1, 4])
        self.assertEqual(self.world.query(Position).tolist(), [0, 2, 3, 5])
        self.assertEqual(
            self.world.drain_changes().despawned, [entities[1], entities[4]]
        )
        self.world.despawn_rows(self.world.alive)
        self.assertEqual(len(self.world), 0)
        self.assertFalse(self.world.columns(Dead).present.any())
        for entity in entities:
            self.assertRaises(
                StaleEntityError, lambda entity=entity: self.world[entity, Position]
            )
        self.assertEqual(self.world.spawn(), entity_id(0, 2))

    def test_despawn_nothing(self) -> None:
        """No rows are no change."""
        self.world.despawn_rows([])
        self.world.despawn_rows(self.world.query(Position))
        self.assertEqual(self.world.drain_changes(), NOTHING)

    def test_refused_despawn(self) -> None:
        """A batch with a row where nobody lives, or none at all, removes nothing."""
        self.world.spawn()
        self.assertRaises(StaleEntityError, self.world.despawn_rows, [0, 1])
        self.assertRaises(LocalProtocolError, self.world.despawn_rows, [0, 8])
        self.assertEqual(len(self.world), 1)


class OwnerTests(SynchronousTestCase):
    """Entities can be given away."""

    def setUp(self) -> None:
        self.world = small_world()
        self.entity = self.world.spawn(Position(), owner=1)
        self.world.drain_changes()

    def test_given(self) -> None:
        """The next owner has it; that is a change, and no other one."""
        for owner, number in ((Player(7), 7), (9, 9), (None, 0)):
            self.world.set_owner(self.entity, owner)
            self.assertEqual(self.world.owner[0], number)
            expected = Changes([], [], [], [self.entity])
            self.assertEqual(self.world.drain_changes(), expected)

    def test_same_owner(self) -> None:
        """Who has it already does not get it: nothing has changed."""
        self.world.set_owner(self.entity, Player(1))
        self.assertEqual(self.world.drain_changes(), NOTHING)

    def test_refused(self) -> None:
        """Who is gone is nobody's, and what is no player owns nothing."""
        for owner in ("me", -1, 1 << 32, 1.5):
            self.assertRaises(
                LocalProtocolError, self.world.set_owner, self.entity, owner
            )
        self.assertEqual(self.world.owner[0], 1)
        self.world.despawn(self.entity)
        self.assertRaises(StaleEntityError, self.world.set_owner, self.entity, 2)
        self.assertEqual(self.world.owner[0], 0)

    def test_read_only(self) -> None:
        """Owners are read from the array, and not written to it."""
        with self.assertRaises(ValueError):
            self.world.owner[0] = 2


class RestoreTests(SynchronousTestCase):
    """A replica takes ids, shapes and owners as they are elsewhere."""

    def setUp(self) -> None:
        self.world = small_world()

    def test_exact_place(self) -> None:
        """An entity is restored in its row and generation, with default values."""
        entity = entity_id(5, 40)
        self.world.restore(entity, [Position, Health], owner=3)
        self.assertIn(entity, self.world)
        self.assertEqual(self.world.query(Position, Health).tolist(), [5])
        self.assertEqual(self.world[entity, Health].points, 5)
        self.assertEqual(self.world.owner[5], 3)
        self.assertEqual(self.world.generation[5], 40)
        self.assertEqual(self.world.drain_changes(), Changes([entity], [], []))

    def test_defaults_not_leftovers(self) -> None:
        """Values of who was in the row before do not shine through."""
        self.world.spawn(Position(x=9.0), Health(points=1))
        entity = entity_id(0, 7)
        self.world.restore(entity, [Position])
        self.assertEqual(self.world[entity, Position].x, 0.0)
        self.assertFalse(self.world.has(entity, Health))

    def test_row_in_use(self) -> None:
        """Who is in the row is despawned first."""
        before = self.world.spawn(Position(), Dead())
        self.world.drain_changes()
        entity = entity_id(0, 9)
        self.world.restore(entity, [Position])
        self.assertNotIn(before, self.world)
        self.assertEqual(self.world.query(Dead).tolist(), [])
        self.assertEqual(len(self.world), 1)
        self.assertEqual(self.world.drain_changes(), Changes([entity], [before], []))

    def test_same_entity(self) -> None:
        """A living entity changes shape and owner, and keeps the values it can."""
        entity = self.world.spawn(Position(x=4.0), Dead())
        self.world.drain_changes()
        self.world.restore(entity, [Position, Health], owner=2)
        self.assertEqual(self.world[entity, Position].x, 4.0)
        self.assertEqual(self.world[entity, Health].points, 5)
        self.assertFalse(self.world.has(entity, Dead))
        self.assertEqual(self.world.owner[0], 2)
        self.assertEqual(
            self.world.drain_changes(), Changes([], [], [entity], [entity])
        )
        self.world.restore(entity, [Health, Position], owner=2)
        self.assertEqual(self.world.drain_changes(), NOTHING)

    def test_spawn_afterwards(self) -> None:
        """A spawn goes round restored rows, and counts on from their generations."""
        entity = entity_id(0, 7)
        self.world.restore(entity, [])
        self.assertEqual(self.world.spawn(), entity_id(1, 1))
        self.world.despawn(entity)
        self.assertEqual(self.world.spawn(), entity_id(0, 8))

    def test_refused(self) -> None:
        """An id or shape that this world cannot hold changes nothing."""
        before = self.world.spawn(Position())
        self.world.drain_changes()
        for entity, components, owner in (
            (entity_id(8, 1), [Position], None),
            (entity_id(0, 0), [Position], None),
            (entity_id(0, 1 << 32), [Position], None),
            (entity_id(0, 2), [Everything], None),
            (entity_id(0, 2), [Position, Position], None),
            (entity_id(0, 2), [Position], "me"),
        ):
            self.assertRaises(
                LocalProtocolError, self.world.restore, entity, components, owner
            )
        self.assertIn(before, self.world)
        self.assertEqual(self.world.drain_changes(), NOTHING)
