# SPDX-License-Identifier: MIT
"""Tests of the receiver."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication import Despawned, EntityRef, Receiver, Sender, Spawned
from gamenet.world import World, entity_generation, entity_row
from tests.connection.strategies import edited, edits
from tests.replication.worlds import (
    COMPONENTS,
    Ghost,
    Motion,
    Position,
    Stamp,
    everything_in,
    random_world,
    same,
    state_of,
)
from tests.world.shapes import Everything

CAPACITY = 40
seeds = st.integers(0, 2**32)


class Pair:
    """A sender's world and a receiver's."""

    def __init__(self, world: World, part_size: int = 400) -> None:
        self.world = world
        self.sender = Sender(world, part_size=part_size)
        self.replica = World(world.components, world.capacity)
        self.receiver = Receiver(self.replica)

    def change(self, tick: int) -> None:
        """Deliver who came and went."""
        for message in self.sender.changes(tick):
            if isinstance(message, Spawned):
                self.receiver.receive_spawned(message)
            else:
                self.receiver.receive_despawned(message)

    def snap(self, tick: int) -> None:
        """Deliver a snapshot."""
        for part in self.sender.snapshot(tick):
            self.receiver.receive_snapshot(part)

    def introduce(self, tick: int = 0) -> None:
        """Deliver all there is."""
        for message in self.sender.everything(tick):
            self.receiver.receive_spawned(message)


class FollowingTests(SynchronousTestCase):
    """A replica has what the sender has, as exactly as the wire tells."""

    def setUp(self) -> None:
        self.world = World(COMPONENTS, CAPACITY)
        self.pair = Pair(self.world)
        self.replica, self.receiver = self.pair.replica, self.pair.receiver

    def test_spawned(self) -> None:
        """A new entity is there with its id, owner, components and values."""
        entity = self.world.spawn(Position(1.5, -2.25), Ghost(), owner=3)
        self.pair.change(1)
        self.assertIn(entity, self.replica)
        self.assertEqual(self.replica.owner[entity_row(entity)], 3)
        self.assertTrue(self.replica.has(entity, Ghost))
        self.assertFalse(self.replica.has(entity, Motion))
        self.assertEqual(self.replica[entity, Position].x, 1.5)
        self.assertEqual(self.replica.drain_changes().spawned, [entity])

    def test_values_follow(self) -> None:
        """Values follow by snapshots, quantized; rows are marked as changed."""
        entity = self.world.spawn(Position(0, 0))
        self.pair.change(1)
        self.replica.tick = 44
        self.world[entity, Position].x = 3.015625 + 0.001
        self.pair.snap(2)
        self.assertEqual(self.replica[entity, Position].x, 3.015625)
        self.assertEqual(self.replica.columns(Position).changed_tick[0], 44)
        self.assertEqual(self.receiver.tick, 2)

    def test_every_kind_of_field(self) -> None:
        """Every field that can be a column arrives as it is quantized."""
        for seed in range(20):
            world = random_world(Random(seed), list(range(10)), 10, [Everything])
            pair = Pair(world)
            pair.introduce()
            self.assertEqual(state_of(pair.replica), state_of(world), f"seed {seed}")
            for row in world.query(Everything).tolist():
                world.add(world.id_of(row), Everything.sample(Random(seed + row)))
            pair.snap(1)
            self.assertEqual(state_of(pair.replica), state_of(world), f"seed {seed}")

    def test_despawned(self) -> None:
        """An entity that went is gone; one that was never here does not matter."""
        entity = self.world.spawn(Ghost())
        self.pair.change(1)
        self.world.despawn(entity)
        self.pair.change(2)
        self.assertNotIn(entity, self.replica)
        refs = [EntityRef(0, 1), EntityRef(7, 3), EntityRef(2**32 - 1, 2**32 - 1)]
        self.receiver.receive_despawned(Despawned(3, refs))
        self.assertEqual(len(self.replica), 0)

    def test_reshaped(self) -> None:
        """Components that come and go do so with their values."""
        entity = self.world.spawn(Position(1, 1), Ghost())
        self.pair.change(1)
        self.world.remove(entity, Ghost)
        self.world.add(entity, Motion(2, 3))
        self.pair.change(2)
        self.assertFalse(self.replica.has(entity, Ghost))
        self.assertEqual(self.replica[entity, Motion].y, 3)
        self.assertEqual(self.replica[entity, Position].x, 1)

    def test_snapshot_overtakes_spawn(self) -> None:
        """Rows of entities that are not here yet are skipped and counted."""
        self.world.spawn(Position(5, 5))
        spawned = self.pair.sender.changes(1)
        self.pair.snap(2)
        self.assertEqual((len(self.replica), self.receiver.n_rows_unknown), (0, 1))
        self.receiver.receive_spawned(spawned[0])
        self.pair.snap(3)
        self.assertEqual(state_of(self.replica), state_of(self.world))

    def test_snapshot_overtakes_reshape(self) -> None:
        """Newer values stay when an older message brings a component."""
        entity = self.world.spawn(Position(1, 0))
        self.pair.change(1)
        self.world.add(entity, Motion(7, 7))
        reshaped = self.pair.sender.changes(2)
        self.world[entity, Position].x = 3
        self.pair.snap(3)
        self.receiver.receive_spawned(reshaped[0])
        self.assertEqual(self.replica[entity, Position].x, 3)
        self.assertEqual(self.replica[entity, Motion].x, 7)
        self.world[entity, Position].x = 2
        stale = self.pair.sender.snapshot(2)
        self.receiver.receive_snapshot(stale[0])
        self.assertEqual(self.replica[entity, Position].x, 3)
        self.assertEqual(self.receiver.n_rows_stale, 1)

    def test_row_of_another(self) -> None:
        """A late part never writes to the entity that took the row."""
        old = self.world.spawn(Position(1, 1))
        self.pair.change(1)
        late = self.pair.sender.snapshot(9)
        self.world.despawn(old)
        new = self.world.spawn(Position(2, 2))
        self.assertEqual(entity_row(new), entity_row(old))
        self.pair.change(2)
        self.receiver.receive_snapshot(late[0])
        self.assertEqual(self.replica[new, Position].x, 2)
        self.assertEqual(self.receiver.n_rows_unknown, 1)

    def test_tick_wraps(self) -> None:
        """A tick after the wrap is newer than one before it."""
        entity = self.world.spawn(Stamp(1))
        self.pair.change(2**32 - 2)
        for number, tick in ((2, 2**32 - 1), (3, 0), (4, 1)):
            self.world[entity, Stamp].tick = number
            self.pair.snap(tick)
            self.assertEqual(self.replica[entity, Stamp].tick, number)
        self.world[entity, Stamp].tick = 99
        self.pair.snap(2**32 - 1)
        self.assertEqual(self.replica[entity, Stamp].tick, 4)
        self.assertEqual(self.receiver.tick, 1)

    def test_late_joiner(self) -> None:
        """Who comes later is told everything, and follows like all others."""
        for n in range(10):
            self.world.spawn(Position(n, n), owner=n)
        self.pair.change(1)
        self.world.despawn_rows([2, 3])
        self.world.columns(Position).x[:] = 9
        self.pair.change(2)
        late = Pair(self.world)
        late.introduce(2)
        for pair in (self.pair, late):
            pair.snap(2)
            self.assertEqual(state_of(pair.replica), state_of(self.world))

    def test_ten_thousand(self) -> None:
        """Ten thousand entities follow, over parts of a packet each."""
        random = np.random.default_rng(1)
        world = World([Position, Ghost], 12_000)
        rows = world.spawn_rows(11_000, Position(), Ghost())
        world.despawn_rows(rows[random.permutation(11_000)[:1000]])
        self.assertEqual(len(world), 10_000)
        pair = Pair(world, part_size=1180)
        pair.change(1)
        columns = world.columns(Position)
        columns.x[:] = random.uniform(-512, 512, 12_000)
        columns.y[:] = random.uniform(-512, 512, 12_000)
        parts = pair.sender.snapshot(2)
        self.assertLess(len(parts), 130)
        for part in reversed(parts):
            self.assertLessEqual(len(part), 1180)
            pair.receiver.receive_snapshot(part)
        rows = world.query()
        self.assertEqual(pair.replica.query().tolist(), rows.tolist())
        for name in ("x", "y"):
            there = getattr(pair.replica.columns(Position), name)[rows]
            here = getattr(columns, name)[rows]
            self.assertLessEqual(np.abs(there - here).max(), 1 / 128)


class HostileTests(SynchronousTestCase):
    """Malformed bytes raise RemoteProtocolError, and nothing was written."""

    def pair(self, seed: int) -> Pair:
        """Return a pair with random entities, already introduced."""
        random = Random(seed)
        rows = sorted(random.sample(range(CAPACITY), 15))
        pair = Pair(random_world(random, rows, CAPACITY))
        pair.introduce()
        pair.replica.drain_changes()
        return pair

    def attack(self, pair: Pair, call: Any, *arguments: Any) -> bool:
        """Return whether it was refused, and then changed nothing."""
        before = everything_in(pair.replica)
        try:
            call(*arguments)
        except RemoteProtocolError:
            self.assertTrue(same(before, everything_in(pair.replica)))
            self.assertEqual(len(pair.replica.drain_changes().spawned), 0)
            return True
        return False

    @settings(max_examples=120)
    @given(seeds, edits, st.integers(0, 2000), st.booleans())
    def test_mutated_snapshots(
        self, seed: int, changes: Any, length: int, is_whole: bool
    ) -> None:
        """A changed or truncated part is refused whole, or taken as what it says."""
        pair = self.pair(seed % 50)
        part = pair.sender.snapshot(1)[0]
        data = edited(part, changes, len(part) if is_whole else length)
        is_refused = self.attack(pair, pair.receiver.receive_snapshot, data)
        # A head alone is a part with nothing in it.
        if len(data) != 6 and len(data) < len(part) and data == part[: len(data)]:
            self.assertTrue(is_refused)
        self.assertEqual(set(state_of(pair.replica)), set(state_of(pair.world)))

    @settings(max_examples=120)
    @given(seeds, edits, st.integers(0, 2000), st.booleans())
    def test_mutated_spawns(
        self, seed: int, changes: Any, length: int, is_whole: bool
    ) -> None:
        """A changed or truncated block of new entities is refused whole, or taken."""
        pair = self.pair(seed % 50)
        block = pair.sender.everything(1)[0].block
        data = edited(block, changes, len(block) if is_whole else length)
        self.attack(pair, pair.receiver.receive_spawned, Spawned(1, data))
        for row in pair.replica.query().tolist():
            self.assertGreater(entity_generation(pair.replica.id_of(row)) & 0xFFFF, 0)

    @given(st.binary(max_size=120))
    def test_random_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are refused, or mean something."""
        pair = self.pair(1)
        self.attack(pair, pair.receiver.receive_snapshot, data)
        self.attack(pair, pair.receiver.receive_spawned, Spawned(1, data))

    def test_heads(self) -> None:
        """A part needs a whole head, and a number below the number of parts."""
        pair = self.pair(2)
        part = pair.sender.snapshot(1)[0]
        receive = pair.receiver.receive_snapshot
        for data in (b"", part[:5], part[:7]):
            self.assertTrue(self.attack(pair, receive, data))
        for number, count in ((0, 0), (1, 1), (255, 255)):
            forged = part[:4] + bytes((number, count)) + part[6:]
            self.assertTrue(self.attack(pair, receive, forged))

    def test_generation_zero(self) -> None:
        """There is no entity of generation 0, also where only 16 bits are told."""
        for generation in (0, 0x10000):
            pair = self.pair(3)
            block = bytearray(pair.sender.everything(1)[0].block)
            span = int.from_bytes(block[4:6], "little")
            at = 6 + (span + 7) // 8
            block[at : at + 4] = generation.to_bytes(4, "little")
            spawned = Spawned(1, bytes(block))
            self.assertTrue(self.attack(pair, pair.receiver.receive_spawned, spawned))

    def test_other_capacity(self) -> None:
        """Rows that our world does not have are refused."""
        pair = self.pair(4)
        small = World(COMPONENTS, 5)
        receiver = Receiver(small)
        spawned = pair.sender.everything(1)[0]
        self.assertRaises(RemoteProtocolError, receiver.receive_spawned, spawned)
        self.assertEqual(len(small), 0)

    def test_newer_sender(self) -> None:
        """A sender with a further component is followed in what both know."""
        world = World(COMPONENTS, CAPACITY)
        entity = world.spawn(Position(4, 4), Ghost())
        replica = World(COMPONENTS[:2], CAPACITY)
        sender, receiver = Sender(world, part_size=400), Receiver(replica)
        receiver.receive_spawned(sender.everything(1)[0])
        world[entity, Position].x = 5
        receiver.receive_snapshot(sender.snapshot(2)[0])
        self.assertEqual(replica[entity, Position].x, 5)
