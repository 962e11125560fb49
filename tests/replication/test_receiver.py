# SPDX-License-Identifier: MIT
"""Tests of the receiver: a copy that follows."""

from __future__ import annotations

from random import Random

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication import HISTORY, Sender
from gamenet.replication.due import MAX_AGE
from gamenet.world import World, entity_id, entity_row
from tests.replication.worlds import (
    COMPONENTS,
    Condition,
    Ghost,
    Message,
    Motion,
    Position,
    Stamp,
    client_of,
    random_world,
    state_of,
)
from tests.world.shapes import Everything

CAPACITY = 40


class ReceiverCase(SynchronousTestCase):
    """A world, and a client of it."""

    def setUp(self) -> None:
        self.world = World(COMPONENTS, CAPACITY)
        self.sender = Sender(self.world, part_size=400)
        self.client = client_of(self.sender, self.world)
        self.replica, self.receiver = self.client.world, self.client.receiver

    def begin(self, count: int = 1) -> None:
        """Begin so many ticks."""
        for _ in range(count):
            self.sender.begin(self.sender.mirror.tick + 1)
            self.world.tick = self.sender.mirror.tick + 1

    def tick(self) -> list[Message]:
        """Let a tick pass in which nothing is lost."""
        self.begin()
        return self.client.exchange()

    def send(self) -> Message:
        """Let a tick pass, of which nothing has arrived yet; return its message."""
        self.begin()
        (message,) = self.client.send()
        return message


class FollowingTests(ReceiverCase):
    """A copy has what the sender has, as exactly as the wire tells."""

    def test_spawned(self) -> None:
        """A new entity is there with its id, owner, components and values."""
        entity = self.world.spawn(Position(1.5, -2.25), Ghost(), owner=3)
        self.tick()
        self.assertIn(entity, self.replica)
        self.assertEqual(self.replica.owner[entity_row(entity)], 3)
        self.assertTrue(self.replica.has(entity, Ghost))
        self.assertFalse(self.replica.has(entity, Motion))
        self.assertEqual(self.replica[entity, Position].x, 1.5)
        followed = self.receiver.take_followed()
        self.assertEqual(followed.spawned, [entity])
        self.assertEqual(followed.despawned + followed.left + followed.reshaped, [])
        self.assertEqual(self.receiver.take_followed().spawned, [])

    def test_values_follow(self) -> None:
        """Values follow, quantized; rows are marked as changed at the tick."""
        entity = self.world.spawn(Position(0, 0), Condition())
        self.tick()
        self.receiver.take_followed()
        self.world[entity, Position].x = 3.015625 + 0.001
        self.tick()
        self.assertEqual(self.replica[entity, Position].x, 3.015625)
        self.assertEqual(self.replica.columns(Position).changed_tick[0], 2)
        self.assertEqual(self.replica.columns(Condition).changed_tick[0], 1)
        self.assertEqual((self.receiver.tick, self.replica.tick), (2, 2))
        (written,) = self.receiver.take_followed().written
        self.assertIs(written.component, Position)
        self.assertEqual(written.rows.tolist(), [0])

    def test_every_kind_of_field(self) -> None:
        """Every field that can be a column arrives as it is quantized."""
        for seed in range(10):
            world = random_world(Random(seed), list(range(10)), 10, [Everything])
            sender = Sender(world, part_size=400)
            client = client_of(sender, world)
            for tick in range(1, 4):
                sender.begin(tick)
                client.exchange()
                self.assertEqual(
                    state_of(client.world), state_of(world), f"seed {seed}"
                )
                world.tick = tick + 1
                for row in world.query(Everything).tolist():
                    world.add(world.id_of(row), Everything.sample(Random(seed + tick)))

    def test_many_components(self) -> None:
        """A world may have more components than one word has bits."""
        kinds = [
            type(Ghost)(f"Kind{i}", (Ghost if i % 3 else Stamp,), {}) for i in range(70)
        ]
        world = World(kinds, 4)
        sender = Sender(world, part_size=1000)
        client = client_of(sender, world)
        entity = world.spawn(*[kind() for kind in kinds[::2]])
        sender.begin(1)
        client.exchange()
        self.assertEqual(state_of(client.world), state_of(world))
        world.remove(entity, kinds[68])
        world.add(entity, kinds[69](5))
        sender.begin(2)
        client.exchange()
        self.assertEqual(state_of(client.world), state_of(world))
        self.assertEqual(client.receiver.take_followed().spawned, [entity])

    def test_reshaped_and_reowned(self) -> None:
        """Components come and go with their values, owners change."""
        entity = self.world.spawn(Position(1, 1), Ghost())
        self.tick()
        self.receiver.take_followed()
        self.world.remove(entity, Ghost)
        self.world.add(entity, Motion(2, 3))
        self.tick()
        self.assertEqual(self.receiver.take_followed().reshaped, [entity])
        self.assertFalse(self.replica.has(entity, Ghost))
        self.assertEqual(self.replica[entity, Motion].y, 3)
        self.assertEqual(self.replica[entity, Position].x, 1)
        self.world.set_owner(entity, 9)
        self.tick()
        followed = self.receiver.take_followed()
        self.assertEqual((followed.reowned, followed.reshaped), ([entity], []))
        self.assertEqual(self.replica.owner[0], 9)

    def test_default_again(self) -> None:
        """A component that comes again with zeros has zeros, not what it had."""
        entity = self.world.spawn(Stamp(5))
        self.tick()
        self.world.remove(entity, Stamp)
        self.tick()
        self.world.add(entity, Stamp(0))
        self.tick()
        self.assertEqual(self.replica[entity, Stamp].tick, 0)

    def test_replaced(self) -> None:
        """An entity that took over a row is another one, with values of its own."""
        old = self.world.spawn(Position(1, 1), Stamp(4))
        self.tick()
        self.receiver.take_followed()
        self.world.despawn(old)
        new = self.world.spawn(Position(1, 1))
        self.assertEqual(entity_row(new), entity_row(old))
        self.tick()
        followed = self.receiver.take_followed()
        self.assertEqual((followed.spawned, followed.despawned), ([new], [old]))
        self.assertEqual(state_of(self.replica), state_of(self.world))

    def test_ten_thousand(self) -> None:
        """Ten thousand entities follow, over parts of a packet each."""
        random = np.random.default_rng(1)
        world = World([Position, Ghost], 12_000)
        rows = world.spawn_rows(11_000, Position(), Ghost())
        world.despawn_rows(rows[random.permutation(11_000)[:1000]])
        sender = Sender(world, part_size=1180)
        client = client_of(sender, world)
        sender.begin(1)
        world.tick = 2
        for message in reversed(client.send()):
            self.assertLessEqual(len(message.part.payload), 1180)
            client.deliver(message)
            client.acknowledge(message)
        columns = world.columns(Position)
        columns.x[:] = random.uniform(-512, 512, 12_000)
        columns.y[:] = random.uniform(-512, 512, 12_000)
        columns.changed(slice(None))
        sender.begin(2)
        messages = client.exchange()
        self.assertLess(len(messages), 60)
        rows = world.query()
        self.assertEqual(client.world.query().tolist(), rows.tolist())
        for name in ("x", "y"):
            there = getattr(client.world.columns(Position), name)[rows]
            here = getattr(columns, name)[rows]
            self.assertLessEqual(np.abs(there - here).max(), 1 / 128)

    def test_show_again(self) -> None:
        """What was changed here is what the server said, when that is wanted."""
        entity = self.world.spawn(Position(1, 2))
        self.tick()
        self.replica[entity, Position].x = 50
        self.receiver.show_again(entity, Position)
        self.assertEqual(self.replica[entity, Position].x, 1)
        self.receiver.show_again(entity, Motion)
        self.receiver.show_again(entity_id(3, 1), Position)


class OrderTests(ReceiverCase):
    """Messages come in any order, twice, or too late."""

    def setUp(self) -> None:
        super().setUp()
        self.entity = self.world.spawn(Stamp(1))
        self.tick()
        self.receiver.take_followed()

    def change(self, number: int) -> Message:
        """Let a tick pass in which the number changes; return its message."""
        self.world[self.entity, Stamp].tick = number
        return self.send()

    def shown(self) -> int:
        """Return the number that the copy shows."""
        return self.replica[self.entity, Stamp].tick

    def test_overtaken(self) -> None:
        """An older message is kept, and not shown."""
        older, newer = self.change(2), self.change(3)
        self.client.deliver(newer)
        self.receiver.take_followed()
        self.client.deliver(older)
        self.assertEqual(self.shown(), 3)
        self.assertEqual(self.receiver.take_followed().written, [])
        self.client.acknowledge(older)
        self.assertEqual(self.client.wrong_bases(), [])
        self.assertEqual(self.receiver.tick, 3)

    def test_twice(self) -> None:
        """A message that comes twice says nothing new."""
        message = self.change(2)
        self.client.deliver(message)
        before = self.receiver.take_followed()
        self.client.deliver(message)
        followed = self.receiver.take_followed()
        self.assertEqual(len(before.written), 1)
        self.assertEqual((followed.written, followed.reshaped), ([], []))
        self.assertEqual(self.shown(), 2)

    def test_end_overtaken(self) -> None:
        """Who is gone does not come back with an older message."""
        older = self.change(2)
        self.world.despawn(self.entity)
        newer = self.send()
        self.client.deliver(newer)
        self.client.deliver(older)
        self.assertEqual(len(self.replica), 0)
        self.assertEqual(self.client.wrong_bases(), [])

    def test_late(self) -> None:
        """A message of 32 ticks ago or more is of no use, and counted."""
        for behind, is_late in ((HISTORY - 1, False), (HISTORY, True)):
            late = self.change(behind)
            self.begin(behind - 1)
            self.tick()
            self.assertEqual(self.receiver.tick, late.part.tick + behind)
            n_late = self.receiver.n_late
            # Told against nothing, so that no base is missing.
            self.assertEqual(self.receiver.n_baselines_missing, 0)
            if not is_late:
                late.part.payload = late.part.payload[:6]
            self.client.deliver(late)
            self.assertEqual(self.receiver.n_late - n_late, int(is_late))
            self.assertEqual(self.receiver.needs_everything, is_late)

    def test_baseline_missing(self) -> None:
        """A base that is forgotten is counted; everything is asked for."""
        message = self.change(2)
        self.assertEqual(message.part.ages.tolist(), [1])
        self.begin(HISTORY - 2)
        self.tick()
        self.assertEqual(self.receiver.tick - message.part.tick, HISTORY - 1)
        self.client.deliver(message)
        self.assertEqual(self.receiver.n_baselines_missing, 1)
        self.assertEqual(self.receiver.n_late, 0)
        self.assertTrue(self.receiver.needs_everything)
        self.assertEqual(self.shown(), 1)

    def test_everything_anew(self) -> None:
        """What was told against a dropped message is not believed; a reset heals."""
        dropped = self.change(2)
        self.begin(HISTORY - 2)
        self.tick()
        self.client.deliver(dropped)
        self.client.acknowledge(dropped)
        self.client.deliver(self.change(3))
        self.receiver.needs_everything = False
        self.client.viewer.reset()
        self.tick()
        self.assertEqual(state_of(self.replica), state_of(self.world))
        self.assertFalse(self.receiver.needs_everything)
        self.world[self.entity, Stamp].tick = 9
        (message,) = self.tick()
        self.assertEqual(message.part.ages.tolist(), [1])
        self.assertEqual(self.shown(), 9)

    def test_told_against_what_was_dropped(self) -> None:
        """What is told against a dropped message is not believed, but dropped, too."""
        self.begin(MAX_AGE - 1)
        dropped = self.change(2)
        self.assertEqual(dropped.part.ages.tolist(), [MAX_AGE])
        self.begin(HISTORY - MAX_AGE - 1)
        self.tick()
        self.client.deliver(dropped)
        self.client.acknowledge(dropped)
        self.assertEqual(self.receiver.n_baselines_missing, 1)
        for number in (3, 4):
            message = self.change(number)
            self.assertEqual(message.part.ages.tolist(), [number - 2])
            self.client.deliver(message)
            self.assertEqual(self.receiver.n_baselines_missing, number - 1)
        self.assertEqual(self.shown(), 1)
        self.client.viewer.reset()
        self.client.deliver(self.change(5))
        self.assertEqual(self.shown(), 5)

    def test_base_before_the_first_tick(self) -> None:
        """There is no tick before tick 0, and so no state of it."""
        message = self.change(2)
        payload = bytearray(message.part.payload)
        payload[:4] = bytes(4)
        fresh = client_of(self.sender, self.world)
        fresh.receiver.receive(bytes(payload))
        self.assertEqual(fresh.receiver.n_baselines_missing, 1)
        self.assertEqual(len(fresh.world), 0)

    def test_last_tick(self) -> None:
        """Ticks go up to the last that 32 bits can say."""
        world = World([Stamp], 4)
        sender = Sender(world, part_size=200)
        client = client_of(sender, world)
        entity = world.spawn(Stamp(1))
        for tick in range(2**32 - 40, 2**32):
            sender.begin(tick)
            client.exchange()
            world.tick = min(tick + 1, 2**32 - 1)
            world[entity, Stamp].tick = tick
        self.assertEqual(client.receiver.tick, 2**32 - 1)
        self.assertEqual(client.world[entity, Stamp].tick, 2**32 - 2)
