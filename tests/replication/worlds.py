# SPDX-License-Identifier: MIT
"""Components, worlds, clients and strategies that the tests of replication share."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from hypothesis import strategies as st

from gamenet.ids import MessageId
from gamenet.replication import Part, Receiver, Sender, Viewer
from gamenet.replication.priority import Priorities
from gamenet.wire import fixed, flag, float32, nbits, quaternion, uint8, uint16, uint32
from gamenet.world import Audience, Component, EntityId, Sync, World, entity_id


class Stamp(Component):
    """One whole lane, which tests often fill with the tick."""

    tick: int = uint32()


class Position(Component):
    """Quantized on the wire."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Motion(Component):
    """Not quantized."""

    x: float = float32()
    y: float = float32()


class Condition(Component):
    """Bits that share a word, and a byte."""

    is_shielded: bool = flag()
    level: int = nbits(3)
    points: int = uint8()


class Ghost(Component):
    """No fields at all."""


class Turn(Component):
    """A rotation, told at every third tick at most."""

    sync = Sync(rate=10.0)
    rotation: tuple[float, ...] = quaternion()


class Plan(Component):
    """What the owner's team may know."""

    sync = Sync(audience=Audience.TEAM)
    goal: int = uint16()


class Hand(Component):
    """What only the owner may know."""

    sync = Sync(audience=Audience.OWNER)
    card: int = uint32()
    is_hidden: bool = flag()


class Secret(Component):
    """What only the server knows."""

    sync = Sync(audience=Audience.SERVER)
    seed: int = uint32()


COMPONENTS: list[type[Component]] = [Stamp, Position, Motion, Condition, Ghost]
OPEN: list[type[Component]] = [*COMPONENTS, Turn]
"""Whoever sees an entity may know all of it."""
PRIVATE: list[type[Component]] = [Position, Plan, Secret, Condition, Hand, Ghost, Turn]
"""Some of it is not for everybody."""
EVERYONE, TEAM, OWNER = 1, 3, 7
"""Levels of a stranger, a friend and the owner."""

numbers = st.floats(-600, 600, width=32)
instances: dict[type[Component], st.SearchStrategy[Component]] = {
    Stamp: st.builds(Stamp, st.integers(0, 2**32 - 1)),
    Position: st.builds(Position, numbers, numbers),
    Motion: st.builds(Motion, numbers, numbers),
    Condition: st.builds(
        Condition, st.booleans(), st.integers(0, 7), st.integers(0, 255)
    ),
    Ghost: st.just(Ghost()),
    Turn: st.tuples(numbers, numbers, numbers, numbers).map(Turn),
    Plan: st.builds(Plan, st.integers(0, 2**16 - 1)),
    Hand: st.builds(Hand, st.integers(0, 2**32 - 1), st.booleans()),
    Secret: st.builds(Secret, st.integers(0, 2**32 - 1)),
}

State = dict[EntityId, tuple[int, dict[str, bytes]]]


def state_of(world: World, level: Any = None) -> State:
    """Return who is there, whose, and each component's bytes on the wire.

    Two values that are the same on the wire are the same after quantization.

    Args:
        world: any.
        level: what of each row may be seen; everything but what is the server's if
            left out.
    """
    levels = np.full(world.capacity, OWNER) if level is None else level
    return {
        world.id_of(row): (
            int(world.owner[row]),
            {
                kind.__name__: encoded(world, row, kind)
                for kind in world.components
                if world.columns(kind).present[row] and levels[row] & kind.sync.audience
            },
        )
        for row in world.query().tolist()
        if levels[row]
    }


def encoded(world: World, row: int, kind: type[Component]) -> bytes:
    """Return a component of a row as bytes, the same before and after the wire.

    A rotation of two equal components may have other bytes each time that it is
    encoded. It comes to a few of them in the end, of which one stands for all.
    """
    view = world[world.id_of(row), kind]
    values = {field.name: getattr(view, field.name) for field in kind.schema_fields}
    data, seen = kind(**values).encode(), []
    while data not in seen:
        seen.append(data)
        data = kind.decode(data).encode()
    return min(seen[seen.index(data) :])


def everything_in(world: World) -> list[Any]:
    """Return a copy of every array of a world, to be compared by `same`."""
    arrays = [world.alive, world.generation, world.owner]
    for kind in world.components:
        columns = world.columns(kind)
        arrays += [columns.present, columns.changed_tick]
        arrays += [getattr(columns, field.name) for field in kind.schema_fields]
    return [array.copy() for array in arrays]


def same(before: list[Any], after: list[Any]) -> bool:
    """Return whether two copies hold the same bytes."""
    return all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for a, b in zip(before, after, strict=True)
    )


def random_world(
    random: Random, rows: list[int], capacity: int, components: Any = COMPONENTS
) -> World:
    """Return a world with random entities in exactly these rows."""
    world = World(components, capacity)
    for row in rows:
        shape = [kind for kind in components if random.random() < 0.6]
        generation = random.choice((1, 2, 0xFFFF, 0x10001, 0xFFFFFFFF))
        entity = entity_id(row, generation)
        world.restore(entity, shape, random.randrange(4))
        for kind in shape:
            world.add(entity, kind.sample(random))
    return world


@dataclass
class Message:
    """A snapshot message on its way, or what became of it."""

    id: MessageId
    part: Part
    has_arrived: bool = False


@dataclass
class Client:
    """A viewer, the copy that a client keeps, and what is on its way to it."""

    sender: Sender
    viewer: Viewer
    world: World
    receiver: Receiver = field(init=False)
    priorities: Priorities = field(init=False)
    messages: list[Message] = field(default_factory=list)
    n_sent: int = 0

    def __post_init__(self) -> None:
        self.receiver = Receiver(self.world)
        self.priorities = Priorities(self.world.capacity)
        # So that the tests can ask for the history of any row.
        self.receiver._history.make_room(self.world.capacity - 1)

    def send(self, budget: float | None = None) -> list[Message]:
        """Send what is due."""
        if budget is None:
            parts = self.sender.parts(self.viewer)
        else:
            parts = self.sender.parts(self.viewer, budget, self.priorities)
        sent = []
        for part in parts:
            self.n_sent += 1
            sent.append(Message(MessageId(self.n_sent), part))
            self.viewer.sent(part, sent[-1].id)
        self.messages += sent
        return sent

    def deliver(self, message: Message) -> None:
        """Let a message arrive."""
        message.has_arrived = True
        self.receiver.receive(message.part.payload)

    def acknowledge(self, message: Message) -> None:
        """Let the receipt of a message arrive; nothing more is heard of it."""
        self.viewer.acknowledge(message.id)

    def exchange(self) -> list[Message]:
        """Send what is due, and lose nothing."""
        sent = self.send()
        for message in sent:
            self.deliver(message)
            self.acknowledge(message)
        return sent

    def look(self, rows: list[int], level: int) -> None:
        """Let the client see so much of rows from the mirror's tick on."""
        which = np.array(rows, np.intp)
        changed = which[self.viewer.level[which] != level]
        self.viewer.level[changed] = level
        self.viewer.see(changed, self.sender.mirror.tick)

    def held(self, rows: Any, ticks: Any) -> Any:
        """Return the words that the client holds of rows, each at a tick."""
        history = self.receiver._history
        return history.at(rows, np.asarray(ticks, np.int64), history.current(rows))

    def wrong_bases(self) -> list[int]:
        """Return the rows that are not held as the server thinks: there are none."""
        mirror, viewer = self.sender.mirror, self.viewer
        rows = np.arange(mirror.n_rows)
        base = viewer.base[rows].astype(np.int64)
        known = [mirror.has(tick) for tick in base.tolist()]
        rows, base = rows[known], base[known]
        expected = mirror.words_of(rows, base)
        expected &= mirror.layout.level_masks[:, viewer.base_level[rows]]
        differs = (self.held(rows, base) != expected).any(axis=0)
        return rows[differs & (base > 0)].tolist()


def client_of(sender: Sender, world: World, player_id: int = 0) -> Client:
    """Return a new client of a sender, which sees all that everyone may."""
    replica = World(world.components, world.capacity)
    return Client(sender, sender.admit(player_id), replica)
