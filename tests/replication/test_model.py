# SPDX-License-Identifier: MIT
"""Drive a sender and clients through any history, over a network that does its worst.

Messages are lost, doubled, reordered and kept back at will, and so are receipts. What
was reported as lost may still arrive, even after what was sent in its place. Clients
see rows come and go, at any level.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
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
from gamenet.replication import Sender
from gamenet.world import Component, EntityId, World, entity_row
from tests.replication.worlds import (
    EVERYONE,
    OPEN,
    OWNER,
    PRIVATE,
    TEAM,
    Client,
    Message,
    Position,
    instances,
    numbers,
    state_of,
)

CAPACITY = 8
PART_SIZE = 200
QUIET = 4
"""Ticks after which even what is told at every third tick only is told."""

FATES = ("kept", "arrived", "acked", "lost", "acked")
"""What becomes of the messages of a tick; what is kept may arrive at any time."""

picks = st.integers(0, 1000)
levels = st.sampled_from((0, EVERYONE, TEAM, OWNER))


@dataclass
class Look:
    """What clients begin to see with a tick."""

    clients: list[Watched]
    rows: list[int]
    level: int
    is_expected: bool


class Watched(Client):
    """A client, with what it must have been told."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.told: dict[int, set[int]] = defaultdict(set)
        """Generations in each row that the client may have heard of."""
        self.unclear: set[tuple[int, int]] = set()
        """Rows and ticks of an end that may be that of several entities."""
        self.alive: dict[int, set[EntityId]] = {}

    def send(self, budget: float | None = None) -> list[Message]:
        """Send what is due, and note of whom."""
        mirror = self.sender.mirror
        tick = mirror.tick
        generations = mirror.alive(tick)
        self.alive[tick] = {
            EntityId(int(generations[row]) << 32 | row) for row in range(mirror.n_rows)
        }
        sent = super().send(budget)
        for message in sent:
            part = message.part
            for row, level in zip(part.rows.tolist(), part.levels, strict=True):
                if level:
                    self.told[row].add(int(generations[row]))
                elif len(self.told[row]) > 1:
                    self.unclear.add((row, tick))
        return sent

    def deliver(self, message: Message) -> None:
        """Let a message arrive; see who came and went."""
        before = set(state_of(self.world))
        tick = message.part.tick
        super().deliver(message)
        followed = self.receiver.take_followed()
        now = set(state_of(self.world))
        assert set(followed.spawned) == now - before
        assert set(followed.despawned) | set(followed.left) == before - now
        for entity in followed.spawned:
            assert entity in self.alive[tick]
        for entity in followed.despawned + followed.left:
            if (entity_row(entity), tick) not in self.unclear:
                assert (entity in followed.left) == (entity in self.alive[tick])

    def acknowledge(self, message: Message) -> None:
        """Let a receipt arrive."""
        super().acknowledge(message)
        for row in message.part.rows[message.part.levels == 0].tolist():
            if not self.viewer.held[row]:
                self.told[row].clear()

    def resync(self) -> None:
        """Let the client ask for everything, and the server hear it."""
        self.receiver.needs_everything = False
        self.viewer.reset()


class ReplicationMachine(RuleBasedStateMachine):
    """Commands of a game, moves of a network, and what must hold."""

    components: list[type[Component]]
    has_levels: bool

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.components, CAPACITY)
        self.world.tick = 1
        self.sender = Sender(self.world, part_size=PART_SIZE)
        self.kinds = self.components
        self.clients: list[Watched] = []
        self.old: list[tuple[EntityId, Component]] = []
        self.join()

    @initialize(shapes=st.lists(st.sets(st.integers(0, 20)), max_size=6))
    def begin(self, shapes: Any) -> None:
        """Begin with some entities that the first client knows."""
        for shape in shapes:
            kinds = {self.kinds[number % len(self.kinds)] for number in shape}
            self.world.spawn(*[kind() for kind in kinds])
        self.tick(1, None, "acked")

    def pick(self, number: int) -> EntityId:
        """Return one of the living entities."""
        rows = self.world.query()
        return self.world.id_of(int(rows[number % len(rows)]))

    def client(self, number: int) -> Watched:
        """Return one of the clients."""
        return self.clients[number % len(self.clients)]

    @precondition(lambda self: len(self.clients) < 3)
    @rule()
    def join(self) -> None:
        """Let a client join."""
        replica = World(self.components, CAPACITY)
        viewer = self.sender.admit(len(self.clients))
        self.clients.append(Watched(self.sender, viewer, replica))

    # What a game does.

    @rule(numbers=st.sets(picks, max_size=5), owner=st.integers(0, 3), data=st.data())
    def spawn(self, numbers: Any, owner: int, data: Any) -> None:
        """Spawn an entity."""
        kinds = {self.kinds[number % len(self.kinds)] for number in numbers}
        components = [
            data.draw(instances[kind]) for kind in self.kinds if kind in kinds
        ]
        try:
            self.world.spawn(*components, owner=owner)
        except WorldFullError:
            assert len(self.world) == CAPACITY

    @precondition(lambda self: len(self.world))
    @rule(number=picks, is_replaced=st.booleans())
    def despawn(self, number: int, is_replaced: bool) -> None:
        """Despawn an entity; another one may take the row in the same tick."""
        self.world.despawn(self.pick(number))
        if is_replaced:
            self.world.spawn(Position(1, 2))

    @precondition(lambda self: len(self.world))
    @rule(number=picks, kind=picks, data=st.data())
    def add(self, number: int, kind: int, data: Any) -> None:
        """Give an entity a component, or new values for one."""
        component = data.draw(instances[self.kinds[kind % len(self.kinds)]])
        entity = self.pick(number)
        self.world.add(entity, component)
        self.old.append((entity, component))

    @precondition(lambda self: self.old)
    @rule(number=picks)
    def add_again(self, number: int) -> None:
        """Give an entity values that it had before."""
        entity, component = self.old[number % len(self.old)]
        if entity in self.world:
            self.world.add(entity, component)

    @precondition(lambda self: len(self.world))
    @rule(number=picks, kind=picks)
    def remove(self, number: int, kind: int) -> None:
        """Take a component away."""
        entity, component = self.pick(number), self.kinds[kind % len(self.kinds)]
        if self.world.has(entity, component):
            self.world.remove(entity, component)

    @precondition(lambda self: len(self.world))
    @rule(number=picks, owner=st.integers(0, 3))
    def give(self, number: int, owner: int) -> None:
        """Give an entity to somebody."""
        self.world.set_owner(self.pick(number), owner)

    @rule(x=st.one_of(st.none(), numbers))
    def write(self, x: float | None) -> None:
        """Write to columns, or only mark them as changed."""
        rows = self.world.query(Position)
        if x is not None:
            self.world.columns(Position).x[rows] = x
        self.world.columns(Position).changed(rows)

    @precondition(lambda self: self.has_levels)
    @rule(
        which=st.lists(picks, min_size=1, max_size=2),
        rows=st.sets(st.integers(0, CAPACITY - 1)),
        level=levels,
        is_expected=st.booleans(),
        fate=st.sampled_from(FATES),
    )
    def look(
        self, which: list[int], rows: Any, level: int, is_expected: bool, fate: str
    ) -> None:
        """Let clients see more or less of some rows."""
        clients = [self.client(number) for number in which]
        self.tick(1, None, fate, Look(clients, sorted(rows), level, is_expected))

    @rule(
        count=st.sampled_from((1, 1, 1, 2, 9, 24)),
        budget=st.sampled_from((None, None, 0, 12, 60)),
        fate=st.sampled_from(FATES),
        look=st.none(),
    )
    def tick(
        self, count: int, budget: Any, fate: str, look: Look | None = None
    ) -> None:
        """Make some ticks: what is said goes on its way."""
        for _ in range(count):
            tick = self.sender.mirror.tick + 1
            self.sender.begin(tick)
            # What is written from now on is of the tick to come.
            self.world.tick = tick + 1
            if look is not None:
                if look.is_expected:
                    self.sender.expect(np.array(look.rows, np.intp))
                for client in look.clients:
                    client.look(look.rows, look.level)
            for client in self.clients:
                for message in client.send(budget):
                    assert len(message.part.payload) <= PART_SIZE
                    self.meet(client, message, fate)

    def meet(self, client: Watched, message: Message, fate: str) -> None:
        """Let a message meet its fate."""
        if fate in ("arrived", "acked"):
            client.deliver(message)
        if fate == "acked":
            client.acknowledge(message)
        elif fate == "lost":
            client.viewer.lose(message.id)

    # What a network does.

    @rule(which=picks, number=picks)
    def deliver(self, which: int, number: int) -> None:
        """Deliver any message, perhaps once more."""
        client = self.client(which)
        if client.messages:
            client.deliver(client.messages[-1 - number % min(40, len(client.messages))])

    @rule(which=picks, number=picks)
    def acknowledge(self, which: int, number: int) -> None:
        """Deliver the receipt of a message that arrived, perhaps once more."""
        client = self.client(which)
        arrived = [message for message in client.messages if message.has_arrived]
        if arrived:
            client.acknowledge(arrived[-1 - number % min(40, len(arrived))])

    @rule(which=picks, number=picks)
    def lose(self, which: int, number: int) -> None:
        """Report a message as lost, whether or not it arrived or will."""
        client = self.client(which)
        if client.messages:
            message = client.messages[-1 - number % min(40, len(client.messages))]
            client.viewer.lose(message.id)

    @rule(which=picks)
    def forget(self, which: int) -> None:
        """Let all that is on its way be lost for good."""
        client = self.client(which)
        for message in client.messages:
            client.viewer.lose(message.id)
        client.messages.clear()

    @rule(which=picks, is_needed=st.booleans())
    def resync(self, which: int, is_needed: bool) -> None:
        """Let a client ask for everything, often for no reason."""
        client = self.client(which)
        if client.receiver.needs_everything or not is_needed:
            client.resync()

    # What must hold.

    @invariant()
    def bases_are_held(self) -> None:
        """What a client is thought to hold it holds, or knows that it does not."""
        for client in self.clients:
            for row in client.wrong_bases():
                assert client.receiver._doubted[row] >= 0

    def teardown(self) -> None:
        """When everything has come at last, clients have what they may see."""
        for client in self.clients:
            for message in client.messages:
                client.viewer.lose(message.id)
        for _ in range(QUIET):
            for client in self.clients:
                if client.receiver.needs_everything:
                    client.resync()
            self.tick(1, None, "acked")
        tick = self.sender.mirror.tick
        for client in self.clients:
            assert state_of(client.world) == state_of(self.world, client.viewer.level)
            assert sum(len(part.rows) for part in self.sender.parts(client.viewer)) == 0
            assert self.sender.is_held(client.viewer, tick)
            for message in client.messages[-40:]:
                client.deliver(message)
            assert state_of(client.world) == state_of(self.world, client.viewer.level)


class OpenMachine(ReplicationMachine):
    """Everybody sees everything."""

    components = OPEN
    has_levels = False


class InterestMachine(ReplicationMachine):
    """Clients see some of the rows, and all of those."""

    components = OPEN
    has_levels = True


class PrivateMachine(ReplicationMachine):
    """Clients see some of the rows, and more or less of those."""

    components = PRIVATE
    has_levels = True


class ModelTests(SynchronousTestCase):
    """A client follows, whatever happens, and the server knows what it holds."""

    def run_machine(self, machine: Any) -> None:
        """Run a machine."""
        run_state_machine_as_test(
            machine, settings=settings(max_examples=50, stateful_step_count=40)
        )

    def test_open(self) -> None:
        """Everything is for everybody."""
        self.run_machine(OpenMachine)

    def test_interest(self) -> None:
        """Rows come into view and leave it."""
        self.run_machine(InterestMachine)

    def test_private(self) -> None:
        """Some components are for some clients only."""
        self.run_machine(PrivateMachine)
