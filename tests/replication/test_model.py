# SPDX-License-Identifier: MIT
"""Drive a sender and receivers through any history, over a network that does its worst.

Snapshots are lost, doubled and reordered at will; reliable messages come in order, but
as late as they like. Every entity carries the tick of its newest snapshot, so that a
row that goes back in time is seen at once.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import WorldFullError
from gamenet.replication import Despawned, Receiver, Sender, Spawned
from gamenet.world import EntityId, World
from tests.replication.worlds import (
    COMPONENTS,
    Position,
    Stamp,
    instances,
    numbers,
    state_of,
)

CAPACITY = 12
PART_SIZE = 120
FIRST_TICK = 2**32 - 20  # so that the tick on the wire wraps early

picks = st.integers(0, 1000)
kinds = st.sampled_from(COMPONENTS[1:])


class Replica:
    """A receiver, and what is on its way to it."""

    def __init__(self) -> None:
        self.world = World(COMPONENTS, CAPACITY)
        self.receiver = Receiver(self.world)
        self.messages: deque[Despawned | Spawned] = deque()
        self.parts: list[bytes] = []
        self.has_joined = False
        self.stamps: dict[EntityId, int] = {}

    def receive_message(self) -> None:
        """Receive the next reliable message."""
        message = self.messages.popleft()
        again = type(message).decode(message.encode())
        if isinstance(again, Spawned):
            self.receiver.receive_spawned(again)
        else:
            self.receiver.receive_despawned(again)


class ReplicationMachine(RuleBasedStateMachine):
    """Commands of a game, moves of a network, and what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(COMPONENTS, CAPACITY)
        self.sender = Sender(self.world, part_size=PART_SIZE)
        self.tick_number = FIRST_TICK
        self.replicas = [Replica()]

    @initialize(shapes=st.lists(st.sets(kinds), max_size=6))
    def begin(self, shapes: Any) -> None:
        """Begin with some entities that the first replica knows."""
        for shape in shapes:
            self.world.spawn(Stamp(0), *[kind() for kind in shape])
        self.tick()
        self.deliver_messages(0, CAPACITY)

    def pick(self, number: int) -> EntityId:
        """Return one of the living entities."""
        rows = self.world.query()
        return self.world.id_of(int(rows[number % len(rows)]))

    @rule(shape=st.sets(kinds), owner=st.integers(0, 3), data=st.data())
    def spawn(self, shape: Any, owner: int, data: Any) -> None:
        """Spawn an entity."""
        components = [data.draw(instances[kind]) for kind in shape]
        try:
            self.world.spawn(Stamp(self.stamp), *components, owner=owner)
        except WorldFullError:
            assert len(self.world) == CAPACITY

    @precondition(lambda self: len(self.world))
    @rule(number=picks)
    def despawn(self, number: int) -> None:
        """Despawn an entity."""
        self.world.despawn(self.pick(number))

    @precondition(lambda self: len(self.world))
    @rule(number=picks, component=kinds.flatmap(lambda kind: instances[kind]))
    def add(self, number: int, component: Any) -> None:
        """Give an entity a component, or new values for one."""
        self.world.add(self.pick(number), component)

    @precondition(lambda self: len(self.world))
    @rule(number=picks, kind=kinds)
    def remove(self, number: int, kind: Any) -> None:
        """Take a component away."""
        entity = self.pick(number)
        if self.world.has(entity, kind):
            self.world.remove(entity, kind)

    @rule(x=numbers)
    def write(self, x: float) -> None:
        """Write to columns."""
        rows = self.world.query(Position)
        self.world.columns(Position).x[rows] = x

    @property
    def stamp(self) -> int:
        """Return the tick as it is stamped: it never wraps."""
        return self.tick_number - FIRST_TICK

    @rule()
    def tick(self) -> None:
        """Make a tick: what is said goes on its way."""
        self.tick_number += 1
        self.world.columns(Stamp).tick[self.world.query(Stamp)] = self.stamp
        changes = self.sender.changes(self.tick_number)
        everything = self.sender.everything(self.tick_number)
        parts = self.sender.snapshot(self.tick_number)
        assert all(len(part) <= PART_SIZE for part in parts)
        for replica in self.replicas:
            replica.messages += changes if replica.has_joined else everything
            replica.has_joined = True
            replica.parts += parts

    @precondition(lambda self: len(self.replicas) < 3)
    @rule()
    def join(self) -> None:
        """Let a further client join: it is told at the next tick."""
        self.replicas.append(Replica())

    @rule(which=picks, count=st.integers(1, 4))
    def deliver_messages(self, which: int, count: int) -> None:
        """Deliver reliable messages."""
        replica = self.replicas[which % len(self.replicas)]
        for _ in range(min(count, len(replica.messages))):
            replica.receive_message()

    @rule(which=picks, number=picks, is_kept=st.booleans())
    def deliver_part(self, which: int, number: int, is_kept: bool) -> None:
        """Deliver any part that was ever sent, perhaps not for the last time."""
        replica = self.replicas[which % len(self.replicas)]
        if replica.parts:
            at = number % len(replica.parts)
            part = replica.parts[at] if is_kept else replica.parts.pop(at)
            replica.receiver.receive_snapshot(part)

    @rule(which=picks)
    def overtake(self, which: int) -> None:
        """Deliver the newest snapshot, however late the messages are."""
        self.tick()
        replica = self.replicas[which % len(self.replicas)]
        for part in self.sender.snapshot(self.tick_number):
            replica.receiver.receive_snapshot(part)

    @rule(which=picks)
    def lose(self, which: int) -> None:
        """Lose all parts that are on their way."""
        self.replicas[which % len(self.replicas)].parts.clear()

    @invariant()
    def never_go_back(self) -> None:
        """No entity of a replica goes back in time, and none is invented."""
        for replica in self.replicas:
            for row in replica.world.query(Stamp).tolist():
                entity = replica.world.id_of(row)
                stamp = replica.world[entity, Stamp].tick
                assert stamp >= replica.stamps.get(entity, 0)
                assert stamp <= self.stamp
                replica.stamps[entity] = stamp

    def teardown(self) -> None:
        """When everything has come at last, every replica is the sender's world."""
        self.tick()
        expected = state_of(self.world)
        for replica in self.replicas:
            while replica.messages:
                replica.receive_message()
            for part in self.sender.snapshot(self.tick_number):
                replica.receiver.receive_snapshot(part)
            assert state_of(replica.world) == expected
            for part in replica.parts:
                replica.receiver.receive_snapshot(part)
            assert state_of(replica.world) == expected


class ModelTests(SynchronousTestCase):
    """A replica follows, whatever happens."""

    def test_any_history(self) -> None:
        """After any history a quiet replica equals the sender's quantized world."""
        run_state_machine_as_test(
            ReplicationMachine,
            settings=settings(max_examples=80, stateful_step_count=50),
        )
