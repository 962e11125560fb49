# SPDX-License-Identifier: MIT
"""Tests of the mirror: the quantized state of the last ticks."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.replication import HISTORY, Mirror, replicated
from gamenet.replication.sync_settings import SyncSettings
from gamenet.wire import uint8
from gamenet.world import Component, Sync, World, entity_row
from tests.replication.worlds import (
    OPEN,
    PRIVATE,
    Condition,
    Ghost,
    Motion,
    Position,
    Secret,
    Stamp,
    Turn,
)

CAPACITY = 10
STEADY = [kind for kind in OPEN if kind is not Turn]


class Rare(Component):
    """Told at every third tick at most."""

    sync = Sync(rate=10)
    number: int = uint8()


def words_of(mirror: Mirror, row: int) -> list[int]:
    """Return the words of a row of the world, worked out one by one."""
    world, layout = mirror.world, mirror.layout
    words = [0] * layout.n_words
    if not world.alive[row]:
        return words
    words[layout.generation_position] = int(world.generation[row])
    words[layout.owner_position] = int(world.owner[row])
    for i, kind in enumerate(mirror.components):
        columns = world.columns(kind)
        if columns.present[row]:
            words[layout.shape_positions[i // 32]] |= 1 << i % 32
            lanes = layout.lanes[i].to_lanes(columns, np.array([row]))[:, 0]
            for place, word in zip(layout.positions[i], lanes, strict=True):
                words[place] = int(word)
    return words


def step(world: World, random: Random) -> None:
    """Do something to a world."""
    rows = world.query()
    action = random.randrange(7)
    if action == 0 and len(world) < CAPACITY:
        kinds = [kind for kind in STEADY if random.random() < 0.5]
        world.spawn(*[kind.sample(random) for kind in kinds], owner=random.randrange(3))
    if not len(rows):
        return
    entity = world.id_of(int(random.choice(rows.tolist())))
    kind = random.choice(STEADY)
    if action == 1:
        world.despawn(entity)
        if random.random() < 0.5:
            world.spawn(Position(1, 1))
    elif action == 2:
        world.add(entity, kind.sample(random))
    elif action == 3 and world.has(entity, kind):
        world.remove(entity, kind)
    elif action == 4:
        world.set_owner(entity, random.randrange(3))
    elif action == 5:
        where = world.query(Motion)
        world.columns(Motion).x[where] = random.random()
        world.columns(Motion).changed(where)
    elif action == 6:
        world.columns(Position).changed(world.query(Position))


class MirrorTests(SynchronousTestCase):
    """The mirror is the world as the wire tells it, tick by tick."""

    @settings(max_examples=40)
    @given(st.integers(0, 2**32))
    def test_follows(self, seed: int) -> None:
        """At each tick of the ring it is what the world was then."""
        random = Random(seed)
        world = World(STEADY, CAPACITY)
        mirror = Mirror(world)
        past: dict[int, Any] = {}
        changed = np.zeros(CAPACITY, np.int64)
        tick = 0
        for _ in range(50):
            tick += random.choice((1, 1, 1, 1, 2, 40))
            world.tick = tick
            for _ in range(random.randrange(4)):
                step(world, random)
            before = mirror.words(mirror.tick).copy()
            mirror.update(tick)
            now = np.array([words_of(mirror, row) for row in range(CAPACITY)]).T
            self.assertEqual(mirror.words(tick).tolist(), now.tolist())
            differs = (now != before).any(axis=0)
            self.assertEqual(
                mirror.changed_rows.tolist(), differs.nonzero()[0].tolist()
            )
            changed[differs] = tick
            self.assertEqual(mirror.changed_at(tick).tolist(), changed.tolist())
            past[tick] = now, changed.copy()
            for then, (words, changed_then) in past.items():
                self.assertEqual(mirror.has(then), self.is_kept(past, then, tick))
                if mirror.has(then):
                    self.assertTrue((mirror.words(then) == words).all())
                    self.assertTrue((mirror.changed_at(then) == changed_then).all())
                    since = (changed > then).nonzero()[0].tolist()
                    self.assertEqual(mirror.changed_since(then).tolist(), since)

    @staticmethod
    def is_kept(ticks: Any, then: int, _now: int) -> bool:
        """Return whether no later tick took the line of one."""
        return not any(t > then and (t - then) % HISTORY == 0 for t in ticks)

    def test_words(self) -> None:
        """Words can be asked for, and for each row at a tick of its own."""
        world = World([Stamp], CAPACITY)
        mirror = Mirror(world)
        for tick in range(1, 4):
            world.tick = tick
            world.spawn(Stamp(0))
            world.columns(Stamp).tick[:] = tick
            world.columns(Stamp).changed(world.query(Stamp))
            mirror.update(tick)
        self.assertEqual(mirror.n_rows, 3)
        self.assertEqual(mirror.words(3)[2, :3].tolist(), [3, 3, 3])
        self.assertEqual(mirror.words(1)[:3, :3].tolist(), [[1, 0, 0]] * 3)
        words = mirror.words_of(np.array([0, 0, 1, 2]), np.array([1, 2, 3, 2]))
        self.assertEqual(words[2].tolist(), [1, 2, 3, 0])

    def test_born(self) -> None:
        """It is known since when the entity of a row lives there."""
        world = World([Ghost], CAPACITY)
        mirror = Mirror(world)
        one, two = world.spawn(), world.spawn()
        mirror.update(3)
        world.add(one, Ghost())
        world.set_owner(one, 4)
        world.despawn(two)
        world.spawn()
        mirror.update(5)
        self.assertEqual(mirror.born[:2].tolist(), [3, 5])
        world.despawn(one)
        mirror.update(6)
        world.spawn()
        mirror.update(9)
        self.assertEqual(mirror.born[:3].tolist(), [9, 5, 0])

    def test_unmarked(self) -> None:
        """What is written without being marked as changed is not told."""
        world = World([Stamp], CAPACITY)
        mirror = Mirror(world)
        world.spawn(Stamp(1))
        mirror.update(1)
        world.tick = 2
        world.columns(Stamp).tick[0] = 9
        mirror.update(2)
        self.assertEqual(len(mirror.changed_rows), 0)

    def test_changed_values(self) -> None:
        """It is known which bits of a component the newest tick has changed."""
        world = World([Stamp, Condition], CAPACITY)
        mirror = Mirror(world)
        world.spawn(Stamp(1), Condition())
        world.spawn(Stamp(1), Condition())
        mirror.update(1)
        world.tick = 2
        for row, number in ((0, 1), (1, 5)):
            world[world.id_of(row), Stamp].tick = number
        mirror.update(2)
        rows, flipped = mirror.changed_values(Stamp)
        self.assertEqual((rows.tolist(), flipped.tolist()), ([1], [[4]]))
        rows, _flipped = mirror.changed_values(Condition)
        self.assertEqual(rows.tolist(), [])

    def test_ticks_rise(self) -> None:
        """A tick that is not newer is refused."""
        mirror = Mirror(World([Stamp], CAPACITY))
        mirror.update(5)
        for tick in (5, 4, 0):
            error = self.assertRaises(LocalProtocolError, mirror.update, tick)
            self.assertIn(f"tick {tick} comes after tick 5", str(error))

    def test_large_ticks(self) -> None:
        """A tick may be as large as its 32 bits."""
        world = World([Stamp], CAPACITY)
        mirror = Mirror(world)
        world.spawn(Stamp(1))
        mirror.update(2**32 - 2)
        world.tick = 2**32 - 1
        world[world.id_of(0), Stamp].tick = 2
        mirror.update(2**32 - 1)
        self.assertEqual(mirror.changed_rows.tolist(), [0])
        self.assertEqual(mirror.changed_at(2**32 - 1)[0], 2**32 - 1)


class RateTests(SynchronousTestCase):
    """A component with a rate is taken at its own ticks."""

    def test_rate(self) -> None:
        """Rows take turns, and none is told more often than the rate says."""
        world = World([Rare], CAPACITY)
        mirror = Mirror(world, tick_rate=30)
        world.spawn_rows(6, Rare(0))
        mirror.update(1)
        told: dict[int, list[int]] = {row: [] for row in range(6)}
        for tick in range(2, 20):
            world.tick = tick
            world.columns(Rare).number[:6] = tick
            world.columns(Rare).changed(slice(6))
            mirror.update(tick)
            for row in mirror.changed_rows.tolist():
                told[row].append(tick)
                self.assertEqual(
                    words_of(mirror, row), mirror.words(tick)[:, row].tolist()
                )
        for ticks in told.values():
            self.assertEqual(np.diff(ticks).tolist(), [3] * 5)
        self.assertEqual({ticks[0] for ticks in told.values()}, {2, 3, 4})

    def test_last_value(self) -> None:
        """The last change is told, however short before or after the row's turn."""
        for last in range(2, 9):
            world = World([Rare], CAPACITY)
            mirror = Mirror(world, tick_rate=30)
            entity = world.spawn(Rare(0))
            mirror.update(1)
            for tick in range(2, 13):
                world.tick = tick
                if tick == last:
                    world[entity, Rare].number = tick
                mirror.update(tick)
                if tick >= last + 2:
                    words = mirror.words(tick)[:, 0].tolist()
                    self.assertEqual(words, words_of(mirror, 0))

    def test_more_often(self) -> None:
        """What waits for its turn is told when the entity's turns come more often."""
        world = World([Stamp, SyncSettings], CAPACITY)
        mirror = Mirror(world, tick_rate=30)
        entity = world.spawn(Stamp(1), SyncSettings(frequency=1))
        mirror.update(1)
        world.tick = 2
        world[entity, Stamp].tick = 2
        for tick in range(2, 12):
            world.tick = tick
            mirror.update(tick)
        self.assertNotEqual(mirror.words(11)[:, 0].tolist(), words_of(mirror, 0))
        world[entity, SyncSettings].frequency = 10
        for tick in range(12, 50):
            world.tick = tick
            mirror.update(tick)
        self.assertEqual(mirror.words(49)[:, 0].tolist(), words_of(mirror, 0))

    def test_new(self) -> None:
        """A new entity, or one that is reshaped, is told whole at once."""
        world = World([Rare, Ghost], CAPACITY)
        mirror = Mirror(world, tick_rate=30)
        for tick in range(1, 8):
            world.tick = tick
            entity = world.spawn(Rare(tick))
            mirror.update(tick)
            row = entity_row(entity)
            self.assertEqual(mirror.words(tick)[:, row].tolist(), words_of(mirror, row))


class AlwaysTests(SynchronousTestCase):
    """What players predict is taken in each tick."""

    def setUp(self) -> None:
        """Make two entities that are told of seldom, one with what is predicted."""
        self.world = World([Rare, Stamp, SyncSettings], CAPACITY)
        for _ in range(2):
            self.world.spawn(Rare(0), Stamp(0), SyncSettings(frequency=2))

    def lag(self, mirror: Mirror) -> dict[int, set[str]]:
        """Return of each row which components were ever told late."""
        late: dict[int, set[str]] = {0: set(), 1: set()}
        mirror.update(1)
        for tick in range(2, 40):
            self.world.tick = tick
            for kind, name in ((Rare, "number"), (Stamp, "tick")):
                columns = self.world.columns(kind)
                columns.arrays[name][:2] = tick
                columns.changed(slice(2))
            mirror.update(tick, np.array([1]))
            for row, found in late.items():
                expected = words_of(mirror, row)
                for i, kind in enumerate(mirror.components):
                    places = mirror.layout.positions[i].tolist()
                    told = mirror.words(tick)[places, row].tolist()
                    if told != [expected[place] for place in places]:
                        found.add(kind.__name__)
        return late

    def test_settings(self) -> None:
        """`SyncSettings` do not hold such an entity back, only a component's rate."""
        late = self.lag(Mirror(self.world, tick_rate=30))
        self.assertEqual(late, {0: {"Rare", "Stamp"}, 1: {"Rare"}})

    def test_rate(self) -> None:
        """Nor does the rate of a predicted component."""
        late = self.lag(Mirror(self.world, tick_rate=30, predicted=[Stamp, Rare]))
        self.assertEqual(late, {0: {"Rare", "Stamp"}, 1: set()})


class ReplicatedTests(SynchronousTestCase):
    """What is the server's alone is no part of it."""

    def test_server_only(self) -> None:
        """Such a component has no number."""
        expected = [kind for kind in PRIVATE if kind is not Secret]
        self.assertEqual(replicated(PRIVATE), expected)
        mirror = Mirror(World(PRIVATE, CAPACITY))
        self.assertEqual(mirror.components, expected)
