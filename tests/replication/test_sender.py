# SPDX-License-Identifier: MIT
"""Tests of the sender."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.replication import Receiver, Sender, Spawned
from gamenet.replication.messages import MAX_BLOCK, MAX_DESPAWNED
from gamenet.replication.sender import SNAPSHOT_HEAD
from gamenet.wire import uint64
from gamenet.world import Component, World, entity_id
from tests.replication.worlds import (
    COMPONENTS,
    Ghost,
    Motion,
    Position,
    Stamp,
    random_world,
    state_of,
)

seeds = st.integers(0, 2**32)


class SnapshotTests(SynchronousTestCase):
    """The state of a tick is cut into parts that stand alone."""

    def test_empty(self) -> None:
        """A world without entities tells its tick, and nothing else."""
        world = World(COMPONENTS, 10)
        sender = Sender(world, part_size=200)
        self.assertEqual(sender.snapshot(7), [SNAPSHOT_HEAD.pack(7, 0, 1)])
        receiver = Receiver(World(COMPONENTS, 10))
        self.assertEqual(receiver.receive_snapshot(sender.snapshot(7)[0]), (7, 1))
        self.assertEqual(receiver.tick, 7)
        self.assertEqual(sender.changes(1), [])
        self.assertEqual(sender.everything(1), [])

    def test_heads(self) -> None:
        """Each part has the tick, its number and how many there are."""
        world = World([Stamp], 100)
        world.spawn_rows(60, Stamp())
        parts = Sender(world, part_size=100).snapshot(2**32 + 7)
        self.assertGreater(len(parts), 3)
        heads = [SNAPSHOT_HEAD.unpack_from(part) for part in parts]
        self.assertEqual(heads, [(7, i, len(parts)) for i in range(len(parts))])

    @settings(max_examples=60)
    @given(
        seeds,
        st.integers(1, 150),
        st.sampled_from([0.01, 0.1, 0.5, 1.0]),
        st.integers(80, 300),
    )
    def test_part_size(
        self, seed: int, n_rows: int, density: float, part_size: int
    ) -> None:
        """No part is larger than allowed, and together they bring every row once."""
        random = Random(seed)
        capacity = int(n_rows / density) + 1
        rows = sorted(random.sample(range(capacity), min(n_rows, capacity)))
        world = random_world(random, rows, capacity)
        sender = Sender(world, part_size=part_size)
        parts = sender.snapshot(1)
        self.assertLessEqual(max(map(len, parts)), part_size)
        replica = World(COMPONENTS, capacity)
        receiver = Receiver(replica)
        for message in sender.everything(0):
            receiver.receive_spawned(message)
        for kind in COMPONENTS:
            for field in kind.schema_fields:
                getattr(replica.columns(kind), field.name)[:] = 0
        for part in parts:
            receiver.receive_snapshot(part)
        self.assertEqual(state_of(replica), state_of(world))
        self.assertEqual((receiver.n_rows_stale, receiver.n_rows_unknown), (0, 0))

    def test_far_rows(self) -> None:
        """Rows farther apart than a block can span, and than a part has bits for."""
        capacity = 200_000
        world = World([Ghost], capacity)
        rows = [0, 1, 65_534, 65_535, 65_536, 131_070, 131_071, capacity - 1]
        for row in rows:
            world.restore(entity_id(row, 1), [Ghost], 0)
        world.drain_changes()
        for part_size in (100, 1180, 20_000):
            sender = Sender(world, part_size=part_size)
            parts = sender.snapshot(1)
            self.assertLessEqual(max(map(len, parts)), part_size)
            replica = World([Ghost], capacity)
            receiver = Receiver(replica)
            for message in sender.everything(0):
                receiver.receive_spawned(message)
            for part in parts:
                receiver.receive_snapshot(part)
            self.assertEqual(replica.query().tolist(), rows)
            self.assertEqual((receiver.n_rows_stale, receiver.n_rows_unknown), (0, 0))

    def test_full_parts(self) -> None:
        """Parts are filled: fewer would not have held the rows."""
        world = World([Position], 3000)
        world.spawn_rows(3000, Position())
        parts = Sender(world, part_size=1180).snapshot(1)
        self.assertGreater(min(map(len, parts[:-1])), 1150)

    def test_too_small_a_part(self) -> None:
        """A part that could not hold one entity is refused at once."""
        world = World(COMPONENTS, 10)
        error = self.assertRaises(LocalProtocolError, Sender, world, part_size=60)
        needed = int(str(error).split("up to ")[1].split(" bytes")[0])
        Sender(world, part_size=needed)
        self.assertRaises(LocalProtocolError, Sender, world, part_size=needed - 1)

    def test_too_large_an_entity(self) -> None:
        """An entity that no message could introduce is refused at once."""
        fields = {f"n{i}": uint64() for i in range(2100)}
        huge = type("Huge", (Component,), fields)
        world = World([huge], 2)
        error = self.assertRaises(LocalProtocolError, Sender, world, part_size=60_000)
        self.assertIn("fewer or smaller components", str(error))

    def test_too_many_parts(self) -> None:
        """Of more than 255 parts the rest is left out and counted, every tick."""
        world = World([Motion], 3000)
        world.spawn_rows(3000, Motion())
        sender = Sender(world, part_size=100)
        parts = sender.snapshot(1)
        self.assertEqual([SNAPSHOT_HEAD.unpack_from(p)[2] for p in parts], [255] * 255)
        left_out = sender.n_rows_left_out
        self.assertGreater(left_out, 0)
        copy = World([Motion], 3000)
        receiver = Receiver(copy)
        for message in sender.everything(1):
            receiver.receive_spawned(message)
        for part in parts:
            receiver.receive_snapshot(part)
        self.assertEqual((len(copy), receiver.n_rows_unknown), (3000, 0))
        sender.snapshot(2)
        self.assertEqual(sender.n_rows_left_out, 2 * left_out)

    def test_buffers_are_reused(self) -> None:
        """A snapshot takes its buffers from a pool."""
        world = World([Stamp], 100)
        world.spawn_rows(60, Stamp())
        sender = Sender(world, part_size=100)
        for tick in range(10):
            sender.snapshot(tick)
        self.assertEqual(sender.pools[0].n_made, 1)
        self.assertGreater(sender.pools[0].reuse, 0.9)


class ChangesTests(SynchronousTestCase):
    """Who came and who went is told once, in the order in which it is to be taken."""

    def setUp(self) -> None:
        self.world = World(COMPONENTS, 3000)
        self.sender = Sender(self.world, part_size=200)

    def names(self) -> list[str]:
        """Return the kinds of the messages of the changes."""
        return [type(message).__name__ for message in self.sender.changes(1)]

    def test_once(self) -> None:
        """A change is told once."""
        entity = self.world.spawn(Stamp())
        self.assertEqual(self.names(), ["Spawned"])
        self.assertEqual(self.names(), [])
        self.world.add(entity, Ghost())
        self.assertEqual(self.names(), ["Spawned"])
        self.world.despawn(entity)
        self.assertEqual(self.names(), ["Despawned"])

    def test_row_used_again(self) -> None:
        """An entity that took the row of another comes after the other went."""
        old = self.world.spawn(Stamp())
        self.sender.changes(1)
        self.world.despawn(old)
        self.world.spawn(Ghost())
        self.assertEqual(self.names(), ["Despawned", "Spawned"])

    def test_came_and_went(self) -> None:
        """Who came and went between two ticks was never there."""
        self.world.despawn(self.world.spawn(Stamp()))
        self.assertEqual(self.names(), [])

    def test_many(self) -> None:
        """Many changes are cut into messages of their limits."""
        rows = self.world.spawn_rows(3000, Stamp(), Position(), Motion())
        spawned = self.sender.changes(5)
        self.assertGreater(len(spawned), 3)
        for message in spawned:
            assert isinstance(message, Spawned)
            self.assertLessEqual(len(message.block), MAX_BLOCK)
            self.assertEqual(message.tick, 5)
        self.assertEqual(spawned, self.sender.everything(5))
        self.world.despawn_rows(rows)
        counts = [len(message.entities) for message in self.sender.changes(6)]
        self.assertEqual(counts, [MAX_DESPAWNED, MAX_DESPAWNED, 3000 - 2048])

    def test_everything_changes_nothing(self) -> None:
        """A late joiner's view does not use up what others are to be told."""
        self.world.spawn(Stamp())
        self.sender.everything(1)
        self.sender.snapshot(1)
        self.assertEqual(self.names(), ["Spawned"])
