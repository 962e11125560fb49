# SPDX-License-Identifier: MIT
"""Tests of rows that each snapshot for their owner tells, changed or not."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication import Sender
from tests.replication.worlds import (
    EVERYONE,
    OPEN,
    OWNER,
    PRIVATE,
    Client,
    Hand,
    Position,
    client_of,
    random_world,
    state_of,
)

CAPACITY = 64


def begin(sender: Sender, insisted: Any) -> None:
    """Begin the next tick."""
    tick = sender.mirror.tick + 1
    sender.begin(tick, np.array(insisted, np.intp))
    sender.mirror.world.tick = tick + 1


def told(messages: list[Any]) -> set[int]:
    """Return the rows that messages tell."""
    return {row for message in messages for row in message.part.rows.tolist()}


def own_rows(sender: Sender, client: Client) -> list[int]:
    """Return the rows that a client's player owns."""
    world = sender.mirror.world
    rows = world.query()
    return rows[world.owner[rows] == client.viewer.player_id].tolist()


class InsistedTests(SynchronousTestCase):
    """An owner can tell what an entity was at the tick of any snapshot."""

    def test_unchanged_rows_are_told(self) -> None:
        """In a world at rest each snapshot tells the rows that are insisted on."""
        world = random_world(Random(3), list(range(20)), CAPACITY)
        sender = Sender(world, part_size=1000)
        client = client_of(sender, world, player_id=2)
        rows = own_rows(sender, client)
        self.assertGreater(len(rows), 1)
        begin(sender, rows)
        client.exchange()
        for _ in range(40):
            begin(sender, rows)
            self.assertEqual(told(client.exchange()), set(rows))
        self.assertEqual(state_of(client.world), state_of(world))
        self.assertEqual(client.wrong_bases(), [])

    def test_they_cost_little(self) -> None:
        """A row that is told unchanged takes few bytes, and all share them."""
        world = random_world(Random(3), list(range(20)), CAPACITY)
        sender = Sender(world, part_size=1000)
        clients = [client_of(sender, world, player_id=i) for i in (1, 2, 3)]
        for _ in range(2):
            begin(sender, range(20))
            sent = [client.exchange() for client in clients]
        payloads = {message.part.payload for each in sent for message in each}
        self.assertEqual(len(payloads), 1)
        self.assertLess(len(payloads.pop()), 20)

    def test_only_owners_are_told_where_not_all_is_public(self) -> None:
        """Where owners know more than others, a row is told again to them alone."""
        world = random_world(Random(4), list(range(20)), CAPACITY, PRIVATE)
        world.set_owner(world.id_of(4), 1)
        world.add(world.id_of(4), Hand(card=5))
        sender = Sender(world, part_size=1000)
        owner, other = (client_of(sender, world, player_id=i) for i in (1, 2))
        owner.viewer.level[4] = OWNER
        for _ in range(2):
            begin(sender, [4])
            owner.exchange(), other.exchange()
        begin(sender, [4])
        self.assertEqual(told(owner.exchange()), {4})
        self.assertEqual(told(other.exchange()), set())

    def test_rows_out_of_sight_are_not_told(self) -> None:
        """Nobody is told of what they do not see, whoever insists."""
        world = random_world(Random(4), list(range(20)), CAPACITY)
        sender = Sender(world, part_size=1000)
        client = client_of(sender, world)
        begin(sender, [5])
        client.look([5], 0)
        begin(sender, [5])
        client.exchange()
        begin(sender, [5])
        self.assertEqual(told(client.exchange()), set())

    def test_they_go_first(self) -> None:
        """However little may be told, an owner's rows are in each snapshot."""
        random = Random(5)
        world = random_world(random, list(range(60)), CAPACITY)
        world.set_owner(world.id_of(40), 9)
        sender = Sender(world, part_size=1000)
        client = client_of(sender, world, player_id=9)
        for _ in range(60):
            for row in world.query().tolist():
                if world.columns(Position).present[row]:
                    world.add(world.id_of(row), Position.sample(random))
            begin(sender, [40])
            sent = client.send(budget=60.0)
            self.assertIn(40, told(sent))
            self.assertLess(len(told(sent)), 20)
            for message in sent:
                if random.random() < 0.8:
                    client.deliver(message)
                    client.acknowledge(message)
                else:
                    client.viewer.lose(message.id)

    @settings(max_examples=30)
    @given(st.integers(0, 2**32))
    def test_nothing_else_changes(self, seed: int) -> None:
        """Through losses, deaths and births all clients come to the same world."""
        random = Random(seed)
        world = random_world(random, list(range(30)), CAPACITY, OPEN)
        sender = Sender(world, part_size=300)
        clients = [client_of(sender, world, player_id=i) for i in range(1, 4)]
        for tick in range(40):
            rows = world.query()
            if tick < 30 and random.random() < 0.3:
                world.despawn_rows(rows[:: random.randint(3, 9)])
                world.spawn(Position.sample(random), owner=random.randrange(4))
            rows = world.query()
            begin(sender, rows[world.owner[rows] != 0])
            for client in clients:
                sent = client.send()
                self.assertLessEqual(set(own_rows(sender, client)), told(sent))
                for message in sent:
                    if tick >= 30 or random.random() < 0.7:
                        client.deliver(message)
                        client.acknowledge(message)
                    else:
                        client.viewer.lose(message.id)
        for client in clients:
            self.assertEqual(client.wrong_bases(), [], f"seed {seed}")
            self.assertEqual(state_of(client.world), state_of(world), f"seed {seed}")
        self.assertTrue((clients[0].viewer.level[world.query()] == EVERYONE).all())
