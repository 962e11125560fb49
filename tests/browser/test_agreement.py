# SPDX-License-Identifier: MIT
"""A sender's snapshots make the same world in the browser as in Python."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication import Receiver, Sender
from gamenet.wire import angle, enum, fixed, flag, float32, int64, nbits, quaternion
from gamenet.wire.javascript import javascript_module
from gamenet.world import Component, World
from tests.browser import snapshot_bytes as wire
from tests.browser.javascript import marked, run_program
from tests.browser.schemas import Region
from tests.browser.snapshot_bytes import Entity, Layout, Told

CAPACITY = 200
REGION = 12  # the lane, after generation, owner, shape, and nine of Place and Stance
SEEN = 7  # of a row: what is for everyone, its team and its owner


class Place(Component):
    """Where something is, and how it is turned."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)
    heading: float = angle()
    facing: tuple[float, ...] = quaternion()


class Stance(Component):
    """What is no movement."""

    alert: bool = flag()
    level: int = nbits(3)
    score: int = int64()
    region: Region = enum(Region)
    warmth: float = float32()


class Mark(Component):
    """A component without fields."""


COMPONENTS = [Place, Stance, Mark]
PROTOCOL = javascript_module(
    protocol_hash=bytes(8), version=1, components=COMPONENTS, inputs=[], messages={}
)


class Match:
    """A sender's world that random things happen in, and a receiver's copy.

    Args:
        seed: of all that happens.
        share: of the components that an entity has.
    """

    def __init__(self, seed: int, share: float = 0.7) -> None:
        self.share = share
        self.random = Random(seed)
        self.world = World(COMPONENTS, CAPACITY)
        self.copy = World(COMPONENTS, CAPACITY)
        self.sender = Sender(self.world, part_size=400)
        self.viewer = self.sender.admit(1)
        self.receiver = Receiver(self.copy)
        self.entities: list[Any] = []
        self.waiting: list[tuple[int, int, bytes]] = []
        self.n_sent = 0
        self.steps: list[dict[str, Any]] = []
        self.results: list[str] = []
        self.asked: list[bool] = []
        """Whether each message made the receiver ask for everything."""
        self.is_asked = False
        self.worlds: list[Any] = []

    def tick(self, number: int) -> None:
        """Let things happen; send, lose and delay what tells of them."""
        self.world.tick = number
        for _ in range(self.random.randrange(8)):
            self.happen()
        if self.random.random() < 0.3:
            row = self.random.randrange(CAPACITY)
            self.viewer.level[row] = SEEN - self.viewer.level[row]
            self.viewer.touched[row] = number
            self.viewer.has_touched = self.viewer.has_backlog = True
        self.sender.begin(number)
        for part in self.sender.parts(self.viewer):
            self.n_sent += 1
            self.viewer.sent(part, self.n_sent)
            delay = self.random.choice((0, 0, 0, 1, 2, 5, 30, 40))
            self.waiting.append((number + delay, self.n_sent, bytes(part.payload)))
        due = [sent for sent in self.waiting if sent[0] <= number]
        self.waiting = [sent for sent in self.waiting if sent[0] > number]
        for _, message_id, payload in due:
            if self.random.random() < 0.2:
                self.viewer.lose(message_id)
                continue
            self.deliver(payload)
            self.viewer.acknowledge(message_id)
        if self.is_asked:
            self.is_asked = False
            self.viewer.reset()

    def happen(self) -> None:
        """Spawn, despawn, reshape, give away or change something."""
        random, world = self.random, self.world
        choice = random.randrange(8) if self.entities else 0
        if choice <= 1 and len(self.entities) < CAPACITY - 1:
            parts = [Place.sample(random), Stance.sample(random), Mark()]
            kept = [part for part in parts if random.random() < self.share]
            self.entities.append(world.spawn(*kept, owner=random.randrange(5) or None))
            return
        entity = random.choice(self.entities)
        if choice == 2:
            self.entities.remove(entity)
            world.despawn(entity)
        elif choice == 3 and not world.has(entity, Place):
            world.add(entity, Place.sample(random))
        elif choice == 4 and world.has(entity, Stance) and self.share < 1:
            world.remove(entity, Stance)
        elif choice == 5:
            world.set_owner(entity, random.randrange(5) or None)
        elif world.has(entity, Place):
            place = world[entity, Place]
            place.x = random.uniform(-512, 512)
            place.heading = random.uniform(-9, 9)

    def deliver(self, payload: bytes) -> None:
        """Give a message to the receiver, and note it for the browser."""
        self.steps.append({"bytes": payload.hex(), "show": True})
        self.results.append(result_of(self.receiver, payload))
        self.worlds.append(shown(self.copy))
        self.asked.append(self.receiver.needs_everything)
        self.is_asked |= self.receiver.needs_everything
        self.receiver.needs_everything = False


def result_of(receiver: Receiver, payload: bytes) -> str:
    """Return what becomes of a message, in the words of the program."""
    before = receiver.n_late, receiver.n_baselines_missing
    try:
        receiver.receive(payload)
    except RemoteProtocolError:
        return "refused"
    if before == (receiver.n_late, receiver.n_baselines_missing):
        return "taken"
    return "late" if receiver.n_late > before[0] else "missing"


def shown(world: World) -> list[dict[str, Any]]:
    """Return everything that can be seen of the living rows, as the program does."""
    rows = []
    for row in world.query().tolist():
        components = {}
        for component in COMPONENTS:
            columns = world.columns(component)
            if columns.present[row]:
                names = [field.name for field in component.schema_fields]
                values = [columns.arrays[name][row].tolist() for name in names]
                components[component.__name__] = marked(values)
        rows.append(
            {
                "row": row,
                "generation": int(world.generation[row]),
                "owner": int(world.owner[row]),
                "components": components,
            }
        )
    return rows


def follow(steps: list[dict[str, Any]]) -> list[Any]:
    """Return what programs/world_follow.js answers."""
    argument = {"capacity": CAPACITY, "steps": steps}
    answers: list[Any] = run_program("world_follow.js", argument, protocol=PROTOCOL)[
        "answers"
    ]
    return answers


class AgreementTests(SynchronousTestCase):
    """Both sides take the same of what arrives, and refuse the same."""

    def compare(self, match: Match) -> None:
        """Fail unless the browser agrees after each message."""
        answers = follow(match.steps)
        for n, answer in enumerate(answers):
            self.assertEqual(answer["result"], match.results[n], n)
            self.assertEqual(answer["asked"], match.asked[n], n)
            self.assertEqual(answer["world"], match.worlds[n], n)

    def test_random_matches(self) -> None:
        """Loss, delay, spawns, despawns, reshapes and interest make equal worlds."""
        for seed in range(4):
            match = Match(seed)
            for number in range(1, 90):
                match.tick(number)
            self.compare(match)
            self.assertEqual(set(match.results), {"taken", "late", "missing"})

    def test_doubts(self) -> None:
        """Rows of dropped messages are doubted alike, and are alike not any more."""
        random = Random(3)
        found: list[str] = []
        for seed in range(3):
            match = Match(seed)
            parts: list[bytes] = []
            for number in range(1, 60):
                match.world.tick = number
                for _ in range(6):
                    match.happen()
                match.sender.begin(number)
                for part in match.sender.parts(match.viewer):
                    match.n_sent += 1
                    match.viewer.sent(part, match.n_sent)
                    match.viewer.acknowledge(match.n_sent)
                    parts.append(bytes(part.payload))
                if number % 20 == 0:
                    match.viewer.reset()
            # Some come when they should, and some much too late, twice or never.
            for n, payload in enumerate(parts):
                if random.random() < 0.9:
                    match.deliver(payload)
                if random.random() < 0.2:
                    match.deliver(parts[max(0, n - random.randrange(99))])
            self.compare(match)
            found += match.results
        self.assertEqual(set(found), {"taken", "late", "missing", "refused"})
        self.assertGreater(min(found.count(each) for each in set(found)), 4, found)

    def test_twice(self) -> None:
        """A message that tells a row twice is refused, unless it is too late anyway."""
        block = wire.gone({3: False})
        match = Match(0)
        for tick, count in ((100, 1), (101, 2), (60, 2), (99, 2), (102, 1)):
            match.deliver(wire.message(tick, *[block] * count))
        wanted = ["taken", "refused", "late", "refused", "taken"]
        self.assertEqual(match.results, wanted)
        self.compare(match)

    def test_refused(self) -> None:
        """Rows of a message that says what cannot be are doubted; others are not."""
        layout = Layout(COMPONENTS)
        here = layout.state(Entity(1, 2, {Stance: Stance()}))
        illegal = [*here[:REGION], 2, *here[REGION + 1 :]]

        def whole(row: int, state: list[int] = here) -> bytes:
            return wire.states(layout, {row: Told(state, layout.zeros, 0)})

        def same(row: int) -> bytes:
            return wire.states(layout, {row: Told(here, here, 1)})

        match = Match(0)
        flaws = [
            [whole(4), wire.gone({4: False})],
            [whole(4), whole(6, layout.zeros)],
            [whole(6, illegal), whole(4)],
        ]
        for tick, flaw in zip((100, 110, 120), flaws, strict=True):
            match.deliver(wire.message(tick, whole(4), whole(5)))
            match.deliver(wire.message(tick + 1, *flaw))
            match.deliver(wire.message(tick + 2, same(5)))
            match.deliver(wire.message(tick + 3, same(4)))
            match.deliver(wire.message(tick + 4, whole(4)))
            match.deliver(wire.message(tick + 5, same(4)))
        for unreadable in (wire.message(126, whole(4), b"\xff"), b"\0"):
            match.deliver(unreadable)
            match.deliver(wire.message(127, same(4)))
        refused = ["taken", "refused", "taken", "missing", "taken", "taken"]
        wanted = refused * 3 + ["refused", "taken"] * 2
        self.assertEqual(match.results, wanted)
        self.assertEqual(match.asked, [result != "taken" for result in wanted])
        self.compare(match)

    def test_damaged(self) -> None:
        """What Python refuses the browser refuses; of the rest both make the same."""
        random = Random(2)
        match = Match(9, share=1.0)
        for number in range(1, 40):
            match.tick(number)
        good = [bytes.fromhex(step["bytes"]) for step in match.steps]
        whole = [part.payload for part in match.sender.parts(match.sender.admit(2))]
        rows = match.world.query().tolist()
        whole.append(
            wire.message(
                0, wire.gone(dict.fromkeys(set(range(CAPACITY)) - set(rows), False))
            )
        )
        for tick in range(100, 640, 3):
            for (
                payload
            ) in whole:  # so that what one message broke is whole for the next
                match.deliver(at_tick(tick, payload))
            data = bytearray(at_tick(tick + 2, random.choice(good)))
            data[random.randrange(4, len(data))] = random.randrange(256)
            if random.random() < 0.1:
                del data[random.randrange(len(data)) :]
            match.deliver(bytes(data))
        self.compare(match)
        self.assertGreater(match.results.count("refused"), 30)


def at_tick(tick: int, payload: bytes) -> bytes:
    """Return a message with another tick."""
    return tick.to_bytes(4, "little") + payload[4:]
