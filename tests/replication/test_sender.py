# SPDX-License-Identifier: MIT
"""Tests of the sender: who is told what, in which bytes."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.ids import MessageId
from gamenet.replication import Sender
from gamenet.replication.blocks import read_snapshot
from gamenet.replication.viewer import MAX_FLIGHTS
from gamenet.wire import uint64
from gamenet.world import Component, World, entity_row
from tests.replication.worlds import (
    COMPONENTS,
    EVERYONE,
    OPEN,
    OWNER,
    PRIVATE,
    TEAM,
    Client,
    Ghost,
    Hand,
    Plan,
    Position,
    Secret,
    Stamp,
    client_of,
    random_world,
    state_of,
)

CAPACITY = 64


def begin(sender: Sender) -> int:
    """Begin the next tick."""
    tick = sender.mirror.tick + 1
    sender.begin(tick)
    sender.mirror.world.tick = tick + 1
    return tick


def stir(world: World, random: Random, share: float = 0.3) -> None:
    """Change some values of a world."""
    for row in world.query().tolist():
        for kind in world.components:
            if world.columns(kind).present[row] and random.random() < share:
                world.add(world.id_of(row), kind.sample(random))


class PartTests(SynchronousTestCase):
    """What a client is told fits into messages."""

    def test_nothing(self) -> None:
        """Of an empty world a client is told the tick."""
        world = World(COMPONENTS, 10)
        sender = Sender(world, part_size=200)
        client = client_of(sender, world)
        begin(sender)
        (message,) = client.exchange()
        self.assertEqual(message.part.payload, bytes([1, 0, 0, 0, 0, 1]))
        self.assertEqual(client.receiver.tick, 1)

    @settings(max_examples=30)
    @given(st.integers(0, 2**32), st.integers(150, 700))
    def test_sizes(self, seed: int, part_size: int) -> None:
        """No message is larger than it may be, and all together tell everything."""
        random = Random(seed)
        rows = sorted(random.sample(range(1000), random.randrange(200)))
        world = random_world(random, rows, 1000, OPEN)
        sender = Sender(world, part_size=part_size)
        client = client_of(sender, world)
        for _ in range(3):
            begin(sender)
            messages = client.send()
            random.shuffle(messages)
            for message in messages:
                self.assertLessEqual(len(message.part.payload), part_size)
                client.deliver(message)
                client.acknowledge(message)
            self.assertEqual(client.wrong_bases(), [])
            stir(world, random)
            world.despawn_rows(world.query()[:: random.randint(1, 3)])
        for _ in range(3):
            begin(sender)
            for message in client.exchange():
                self.assertLessEqual(len(message.part.payload), part_size)
        self.assertEqual(state_of(client.world), state_of(world))

    def test_parts_are_told_apart(self) -> None:
        """Parts of one tick are lost one by one."""
        world = random_world(Random(1), list(range(CAPACITY)), CAPACITY)
        sender = Sender(world, part_size=200)
        client = client_of(sender, world)
        begin(sender)
        messages = client.send()
        self.assertGreater(len(messages), 5)
        for i, message in enumerate(messages):
            if i % 2:
                client.viewer.lose(message.id)
            else:
                client.deliver(message)
                client.acknowledge(message)
        self.assertEqual(client.wrong_bases(), [])
        lost = [row for message in messages[1::2] for row in message.part.rows.tolist()]
        self.assertEqual(len(client.world), CAPACITY - len(lost))
        begin(sender)
        told = [
            row for message in client.exchange() for row in message.part.rows.tolist()
        ]
        self.assertEqual(sorted(told), sorted(lost))
        self.assertEqual(state_of(client.world), state_of(world))

    def test_far_apart(self) -> None:
        """Rows that one list cannot name are told, and are gone."""
        capacity = 1 << 18
        world = World([Ghost], capacity)
        sender = Sender(world, part_size=200)
        viewer = sender.admit()
        rows = [3, 70_000, 70_001, 200_000]
        for row in rows:
            world.restore((1 << 32) + row, [Ghost])  # type: ignore[arg-type]
        begin(sender)
        for number in range(2):
            told = []
            for part in sender.parts(viewer):
                viewer.sent(part, MessageId(number))
                snapshot = read_snapshot(sender.mirror.layout, part.payload, capacity)
                told += [
                    row for block in snapshot.blocks for row in block.rows.tolist()
                ]
            self.assertEqual(told, rows)
            world.despawn_rows(rows[: len(world)])
            begin(sender)

    def test_too_large(self) -> None:
        """A row that would not fit a message is refused when the sender is made."""
        body = {f"f{i}": uint64() for i in range(40)}
        large = type(Component)("Large", (Component,), body)
        error = self.assertRaises(
            LocalProtocolError, Sender, World([large], 4), part_size=300
        )
        self.assertIn("fewer or smaller components", str(error))
        Sender(World([large], 4), part_size=500)

    def test_smallest_parts(self) -> None:
        """Whatever the sender accepts as a size, every row fits it."""
        world = random_world(Random(5), list(range(20)), 20, PRIVATE)
        size = next(size for size in range(9, 999) if self.is_accepted(world, size))
        sender = Sender(world, part_size=size)
        client = client_of(sender, world)
        begin(sender)
        client.look(list(range(20)), OWNER)
        for message in client.exchange():
            self.assertLessEqual(len(message.part.payload), size)
        self.assertEqual(state_of(client.world), state_of(world, client.viewer.level))

    @staticmethod
    def is_accepted(world: World, size: int) -> bool:
        """Return whether a sender takes a size."""
        try:
            Sender(world, part_size=size)
        except LocalProtocolError:
            return False
        return True


class BudgetTests(SynchronousTestCase):
    """What has no room waits, and nothing waits for ever."""

    def test_budget(self) -> None:
        """All is told in the end, in about so many bytes a tick."""
        world = random_world(Random(3), list(range(CAPACITY)), CAPACITY)
        sender = Sender(world, part_size=400)
        client = client_of(sender, world)
        n_ticks = 0
        while not n_ticks or client.viewer.n_left_out:
            begin(sender)
            messages = client.send(budget=150)
            self.assertLess(sum(len(m.part.payload) for m in messages), 250)
            for message in messages:
                client.priorities.sent(message.part.rows)
                client.deliver(message)
                client.acknowledge(message)
            n_ticks += 1
            self.assertEqual(client.wrong_bases(), [])
            self.assertLess(n_ticks, 40)
        self.assertGreater(n_ticks, 4)
        self.assertEqual(state_of(client.world), state_of(world))

    def test_no_budget(self) -> None:
        """Without any, the tick is told, and who is gone."""
        world = World([Ghost], 8)
        sender = Sender(world, part_size=300)
        client = client_of(sender, world)
        first = world.spawn()
        begin(sender)
        client.exchange()
        world.spawn()
        world.despawn(first)
        begin(sender)
        for message in client.send(budget=0):
            client.deliver(message)
        self.assertEqual(client.viewer.n_left_out, 1)
        self.assertEqual(len(client.world), 0)


class SharingTests(SynchronousTestCase):
    """Who is told the same is told the same bytes, which are made once."""

    def setUp(self) -> None:
        self.world = random_world(Random(9), list(range(40)), CAPACITY)
        self.sender = Sender(self.world, part_size=1136)
        self.clients = [client_of(self.sender, self.world) for _ in range(4)]
        self.random = Random(4)

    def tick(self) -> list[list[Any]]:
        """Let a tick pass in which nothing is lost; return what was sent to each."""
        stir(self.world, self.random)
        begin(self.sender)
        return [client.exchange() for client in self.clients]

    def payloads(self) -> list[bytes]:
        """Return the one payload of each client at the next tick."""
        return [message.part.payload for (message,) in self.tick()]

    def test_same_bytes(self) -> None:
        """With the same tick acknowledged, it is the same object."""
        self.tick()
        first, *others = self.payloads()
        self.assertGreater(len(first), 100)
        for other in others:
            self.assertIs(other, first)
        begin(self.sender)
        self.assertGreaterEqual(self.sender.n_blocks_shared, 3)

    def test_another_tick(self) -> None:
        """Who acknowledged another tick is told otherwise, and those alike together."""
        self.tick()
        stir(self.world, self.random)
        begin(self.sender)
        for client in self.clients[:2]:
            client.exchange()
        kept = [client.send() for client in self.clients[2:]]
        payloads = self.payloads()
        self.assertIs(payloads[0], payloads[1])
        self.assertNotEqual(payloads[1], payloads[2])
        self.assertEqual(payloads[2], payloads[3])
        for client, messages in zip(self.clients[2:], kept, strict=True):
            for message in messages:
                client.viewer.lose(message.id)
        self.tick()
        for client in self.clients:
            self.assertEqual(client.wrong_bases(), [])
            self.assertEqual(state_of(client.world), state_of(self.world))

    def test_same_view(self) -> None:
        """Who sees the same rows of a tick is told the same block, made once."""
        self.tick()
        stir(self.world, self.random)
        begin(self.sender)
        for client in self.clients[:2]:
            client.look(list(range(0, 40, 2)), 0)
        self.clients[2].look(list(range(1, 40, 2)), 0)
        for client in self.clients:
            client.exchange()
        begin(self.sender)
        n_made, n_shared = self.sender.n_blocks_made, self.sender.n_blocks_shared
        payloads = self.payloads()
        begin(self.sender)
        self.assertEqual(payloads[0], payloads[1])
        self.assertEqual(len(set(payloads)), 3)
        self.assertEqual(self.sender.n_blocks_made - n_made, 3)
        self.assertEqual(self.sender.n_blocks_shared - n_shared, 1)
        for client in self.clients:
            expected = state_of(self.world, client.viewer.level)
            self.assertEqual(state_of(client.world), expected)

    def test_begin_to_see(self) -> None:
        """Who begins to see rows that were expected is told them in the same block."""
        for client in self.clients:
            client.viewer.level.fill(0)
        begin(self.sender)
        for client in self.clients:
            client.look([], EVERYONE)
            client.exchange()
        begin(self.sender)
        rows = list(range(3, 30, 4))
        self.sender.expect(np.array([1, *rows]))
        sent = []
        for client, lost in zip(self.clients, ([], [], [3], [7]), strict=True):
            client.look([row for row in rows if row not in lost], EVERYONE)
            sent += [message.part.payload for message in client.exchange()]
        self.assertEqual(sent[0], sent[1])
        n_made, n_shared = self.sender.n_blocks_made, self.sender.n_blocks_shared
        begin(self.sender)
        self.assertEqual(self.sender.n_blocks_made - n_made, 3)
        self.assertEqual(self.sender.n_blocks_shared - n_shared, 1)
        for client in self.clients:
            expected = state_of(self.world, client.viewer.level)
            self.assertEqual(state_of(client.world), expected)
            self.assertEqual(client.wrong_bases(), [])


class AudienceTests(SynchronousTestCase):
    """Nobody is told what is not for them."""

    def setUp(self) -> None:
        self.world = World(PRIVATE, 8)
        self.sender = Sender(self.world, part_size=400)
        self.clients = [client_of(self.sender, self.world, i) for i in (1, 2, 3)]

    def tick(self, *levels: int) -> None:
        """Let a tick pass; clients see row 0 at some levels."""
        begin(self.sender)
        for client, level in zip(self.clients, levels, strict=True):
            client.look([0], level)
            client.exchange()

    def has(self, kind: type[Component]) -> list[bool]:
        """Return whether each client's copy of row 0 has a component."""
        return [
            client.world.has(client.world.id_of(0), kind) for client in self.clients
        ]

    def test_transfer(self) -> None:
        """The owner's part goes with the entity to its next owner."""
        entity = self.world.spawn(Position(), Plan(3), Hand(77), Secret(5), owner=1)
        self.tick(OWNER, TEAM, EVERYONE)
        self.assertEqual(self.has(Hand), [True, False, False])
        self.assertEqual(self.has(Plan), [True, True, False])
        self.assertEqual(self.has(Secret), [False, False, False])
        self.world.set_owner(entity, 2)
        self.tick(TEAM, OWNER, EVERYONE)
        self.assertEqual(self.has(Hand), [False, True, False])
        for client in self.clients:
            self.assertEqual(client.world.owner[0], 2)
            self.assertEqual(client.receiver.take_followed().left, [])
        self.assertEqual(self.clients[1].world[entity, Hand].card, 77)
        self.world[entity, Hand].card = 78
        self.tick(EVERYONE, OWNER, TEAM)
        self.assertEqual(self.clients[1].world[entity, Hand].card, 78)
        self.assertEqual(self.has(Plan), [False, True, True])
        history = self.clients[0].held(np.array([0]), np.array([3]))
        position = self.sender.mirror.layout.positions[3]
        self.assertFalse(history[position].any())

    @settings(max_examples=20)
    @given(st.integers(0, 2**32))
    def test_bytes_tell_nothing(self, seed: int) -> None:
        """Two worlds that differ in what is not for a client are the same bytes."""
        told = []
        for salt in (1, 2):
            hidden = Random(seed + salt)
            told.append(self.bytes_of(Random(seed), hidden))
        self.assertEqual(told[0][0], told[1][0])
        self.assertNotEqual(told[0][1], told[1][1])

    def bytes_of(self, random: Random, hidden: Random) -> tuple[list[bytes], bytes]:
        """Return all that a stranger and an owner are told of a world."""
        world = World(PRIVATE, 8)
        sender = Sender(world, part_size=400)
        stranger, owner = (client_of(sender, world) for _ in range(2))
        told: tuple[list[bytes], list[bytes]] = [], []
        world.spawn(Hand(hidden.randrange(2**32)))
        for _ in range(12):
            if random.random() < 0.5 and len(world) < 8:
                world.spawn(Position(), Hand(), Plan(), Secret())
            for row in world.query(Hand).tolist():
                for kind in (Hand, Plan, Secret, Position):
                    source = random if kind is Position else hidden
                    if random.random() < 0.5:
                        world.add(world.id_of(row), kind.sample(source))
            begin(sender)
            owner.look(list(range(8)), OWNER)
            is_lost = random.random() < 0.3
            for client, payloads in zip((stranger, owner), told, strict=True):
                for message in client.send():
                    payloads.append(message.part.payload)
                    if is_lost:
                        client.viewer.lose(message.id)
                    else:
                        client.deliver(message)
                        client.acknowledge(message)
        return told[0], b"".join(told[1])

    def test_server_only(self) -> None:
        """A change of what is the server's alone is no change at all."""
        entity = self.world.spawn(Position(), Secret(5))
        self.tick(OWNER, OWNER, OWNER)
        self.world[entity, Secret].seed = 6
        begin(self.sender)
        for client in self.clients:
            (message,) = client.exchange()
            self.assertEqual(len(message.part.payload), 6)


class MemoryTests(SynchronousTestCase):
    """What is kept for a client is bounded, whatever it does."""

    def test_never_answers(self) -> None:
        """Of a client that never answers, so many messages are kept and no more."""
        world = World([Stamp], 4)
        entity = world.spawn(Stamp())
        sender = Sender(world, part_size=200)
        client = client_of(sender, world)
        for _ in range(MAX_FLIGHTS + 50):
            world[entity, Stamp].tick = begin(sender)
            client.send()
            client.messages.clear()
        self.assertEqual(client.viewer.n_flights, MAX_FLIGHTS)
        self.assertEqual(client.viewer.acked, 0)
        begin(sender)
        self.assertEqual([m.part.ages.tolist() for m in client.exchange()], [[0]])
        self.assertEqual(state_of(client.world), state_of(world))
        self.assertEqual(entity_row(entity), 0)

    def test_nonsense(self) -> None:
        """Receipts of anything change nothing."""
        world = World([Stamp], 4)
        world.spawn(Stamp())
        sender = Sender(world, part_size=200)
        client: Client = client_of(sender, world)
        begin(sender)
        client.exchange()
        for number in range(100, 2000):
            client.viewer.acknowledge(MessageId(number))
            client.viewer.lose(MessageId(number))
        self.assertEqual(client.viewer.n_flights, 0)
        self.assertEqual(client.wrong_bases(), [])

    def test_forgotten_deltas(self) -> None:
        """What was made in a tick is not kept for the next one."""
        world = World([Stamp], 4)
        world.spawn(Stamp())
        sender = Sender(world, part_size=200)
        clients = [client_of(sender, world) for _ in range(3)]
        for _ in range(5):
            world[world.id_of(0), Stamp].tick = begin(sender) + 1
            for client in clients:
                client.exchange()
            self.assertLessEqual(len(sender._deltas), 3)
