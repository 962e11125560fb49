# SPDX-License-Identifier: MIT
"""The browser's world follows a sender as Python's receiver does."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication import Despawned, Receiver, Sender, Spawned
from gamenet.wire import angle, fixed, flag, int64, nbits, quaternion, uint8
from gamenet.wire.javascript import javascript_module
from gamenet.world import Component, World
from tests.browser.javascript import marked, run_program

CAPACITY = 300


class Place(Component):
    """Where something is, and where it looks."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)
    heading: float = angle()


class Stance(Component):
    """What is not interpolated, and a rotation."""

    points: int = uint8()
    alert: bool = flag()
    level: int = nbits(3)
    score: int = int64()
    facing: tuple[float, ...] = quaternion()


class Mark(Component):
    """A component without fields."""


class Later(Component):
    """A component that the browser's codec does not know."""

    a: int = uint8()


COMPONENTS = [Place, Stance, Mark]
PROTOCOL = javascript_module(
    protocol_hash=bytes(8),
    version=1,
    components=COMPONENTS,
    inputs=[],
    messages={4: Spawned, 5: Despawned},
)

Step = dict[str, Any]


def follow(steps: list[Step], **more: Any) -> Any:
    """Return what programs/world_follow.js answers."""
    argument = {"capacity": CAPACITY, "steps": steps, **more}
    return run_program("world_follow.js", argument, protocol=PROTOCOL)


class Match:
    """A sender's world that random things happen in, and a receiver's copy."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.world = World(COMPONENTS, CAPACITY)
        self.copy = World(COMPONENTS, CAPACITY)
        self.sender = Sender(self.world, part_size=400)
        self.receiver = Receiver(self.copy)
        self.entities: list[Any] = []
        self.late: list[bytes] = []
        self.held: list[Any] = []
        self.steps: list[Step] = []
        self.wanted: list[Any] = []

    def tick(self, number: int) -> None:
        """Let things happen; send, lose and delay what tells of them."""
        self.world.tick = number
        for _ in range(self.random.randrange(4)):
            self.happen()
        self.held += self.sender.changes(number)
        if self.random.random() < 0.7:  # else a snapshot overtakes them
            for message in self.held:
                self.deliver(type(message).__name__, message.encode(), message)
            self.held = []
        parts = self.late + self.sender.snapshot(number)
        self.late = [p for p in parts if self.random.random() < 0.2]
        for part in parts:
            if self.random.random() < 0.7:
                self.deliver("Snapshot", part)
        self.steps[-1:] = [{**step, "show": True} for step in self.steps[-1:]]
        self.wanted.append((len(self.steps) - 1, shown(self.copy)))

    def tick_only(self, number: int) -> None:
        """Send and deliver a tick in which nothing happens by itself."""
        self.world.tick = number
        for message in self.sender.changes(number):
            self.deliver(type(message).__name__, message.encode(), message)
        for part in self.sender.snapshot(number):
            self.deliver("Snapshot", part)

    def happen(self) -> None:
        """Spawn, despawn, reshape or change something."""
        choice = self.random.randrange(7) if self.entities else 0
        if choice <= 1 and len(self.entities) < CAPACITY - 1:
            parts = [Place.sample(self.random), Stance.sample(self.random), Mark()]
            kept = [part for part in parts if self.random.random() < 0.7]
            owner = self.random.randrange(5)
            self.entities.append(self.world.spawn(*kept, owner=owner or None))
            return
        entity = self.random.choice(self.entities)
        if choice == 2:
            self.entities.remove(entity)
            self.world.despawn(entity)
        elif choice == 3 and not self.world.has(entity, Place):
            self.world.add(entity, Place.sample(self.random))
        elif choice == 4 and self.world.has(entity, Stance):
            self.world.remove(entity, Stance)
        elif self.world.has(entity, Place):
            place = self.world[entity, Place]
            place.x = self.random.uniform(-512, 512)
            place.heading = self.random.uniform(-9, 9)

    def deliver(self, kind: str, data: bytes, message: Any = None) -> None:
        """Give something to the receiver, and note it for the browser."""
        self.steps.append({"kind": kind, "bytes": data.hex()})
        if kind == "Snapshot":
            self.receiver.receive_snapshot(data)
        elif kind == "Spawned":
            self.receiver.receive_spawned(message)
        else:
            self.receiver.receive_despawned(message)


def shown(world: World) -> list[dict[str, Any]]:
    """Return everything that can be seen of the living rows, as the program does."""
    rows = []
    for row in world.query().tolist():
        components = {}
        for component in COMPONENTS:
            columns = world.columns(component)
            if columns.present[row]:
                names = [field.name for field in component.schema_fields]
                values = [getattr(columns, name)[row].tolist() for name in names]
                components[component.__name__] = marked(values)
        generation, owner = world.generation[row], world.owner[row]
        rows.append(
            {
                "row": row,
                "generation": int(generation),
                "owner": int(owner),
                "components": components,
            }
        )
    return rows


def refuses(receiver: Receiver, kind: str, data: bytes) -> bool:
    """Tell whether Python refuses a message."""
    try:
        if kind == "Snapshot":
            receiver.receive_snapshot(data)
        else:
            receiver.receive_spawned(Spawned.decode(data))
    except RemoteProtocolError:
        return True
    return False


class FollowTests(SynchronousTestCase):
    """What arrives, late or not, gives the same world on both sides."""

    def test_random_matches(self) -> None:
        """Loss, delay, spawns, despawns and reshapes leave both worlds equal."""
        for seed in range(3):
            match = Match(seed)
            for number in range(120):
                match.tick(number)
            answers = follow(match.steps)["answers"]
            self.assertFalse(any(answer["refused"] for answer in answers))
            for step, wanted in match.wanted:
                if step >= 0:
                    self.assertEqual(answers[step]["world"], wanted, (seed, step))

    def test_tick_wraps(self) -> None:
        """After tick 2**32 - 1 comes tick 0, and it is newer."""
        match = Match(5)
        for number in range(2**32 - 20, 2**32 + 20):
            match.tick(number & 0xFFFFFFFF)
        answers = follow(match.steps)["answers"]
        step, wanted = match.wanted[-1]
        self.assertEqual(answers[step]["world"], wanted)

    def test_events(self) -> None:
        """Spawned, replaced and despawned entities are told apart."""
        match = Match(0)
        first = match.world.spawn(Place(), owner=3)
        match.tick_only(1)
        match.world.add(first, Mark())
        match.tick_only(2)
        match.world.despawn(first)
        match.tick_only(3)
        answers = follow(match.steps)["answers"]
        happened = [event for answer in answers for event in answer["happened"]]
        self.assertEqual(
            happened,
            [
                ["spawned", 0, ["Place"]],
                ["replaced", 0, ["Place", "Mark"]],
                ["despawned", 0, ["Place", "Mark"]],
            ],
        )

    def test_lost_despawn(self) -> None:
        """A row that is taken over by another entity first lets go of the old one."""
        match = Match(0)
        first = match.world.spawn(Place(x=1))
        match.tick_only(1)
        match.world.despawn(first)
        match.world.spawn(Place(x=2))
        messages = match.sender.changes(2)
        match.deliver("Spawned", messages[-1].encode(), messages[-1])
        answers = follow(match.steps)["answers"]
        self.assertEqual(
            answers[-1]["happened"],
            [["despawned", 0, ["Place"]], ["spawned", 0, ["Place"]]],
        )

    def overtaken(self) -> Match:
        """Return a match in which a Spawned of tick 2 comes after the snapshot of 5.

        It gives Mark to an entity and takes its Place. The snapshot of 3 is late.
        """
        match = Match(0)
        entity = match.world.spawn(Place(x=1), Stance(points=1))
        match.tick_only(1)
        match.world.remove(entity, Place)
        match.world.add(entity, Mark())
        (message,) = match.sender.changes(2)
        for number in (3, 5):
            match.world[entity, Stance].points = number
            match.late += match.sender.snapshot(number)
        match.deliver("Snapshot", match.late.pop())
        match.deliver("Spawned", message.encode(), message)
        return match

    def last_row(self, match: Match) -> Any:
        """Return the only row of the browser's world, which is as Python's."""
        steps = [*match.steps[:-1], {**match.steps[-1], "show": True}]
        (row,) = follow(steps)["answers"][-1]["world"]
        self.assertEqual([row], shown(match.copy))
        return row

    def test_overtaken_values(self) -> None:
        """Values of a newer snapshot stay; what the entity gains and loses is taken."""
        row = self.last_row(self.overtaken())
        self.assertEqual(list(row["components"]), ["Stance", "Mark"])
        self.assertEqual(row["components"]["Stance"][0], 5)

    def test_overtaken_tick(self) -> None:
        """After a late Spawned a row still refuses what is older than it has."""
        match = self.overtaken()
        match.deliver("Snapshot", match.late.pop())
        self.assertEqual(self.last_row(match)["components"]["Stance"][0], 5)

    def test_generation_zero(self) -> None:
        """No entity has a generation whose low 16 bits are 0."""
        match = Match(0)
        match.world.spawn(Place())
        (message,) = match.sender.everything(1)
        block = bytearray(message.block)
        block[7:11] = b"\0\0\1\0"  # after first row, span and bitmap
        steps = [
            {"kind": "Spawned", "bytes": Spawned(1, bytes(data)).encode().hex()}
            for data in (message.block, block)
        ]
        answers = follow(steps)["answers"]
        self.assertEqual([answer["refused"] for answer in answers], [False, True])

    def test_empty_snapshot(self) -> None:
        """Where nothing lives, a snapshot is its head."""
        head = {"kind": "Snapshot", "bytes": "070000000001"}
        bad = {"kind": "Snapshot", "bytes": "070000000101"}
        answers = follow([head, bad, {**head, "show": True}])["answers"]
        self.assertEqual([one["refused"] for one in answers], [False, True, False])
        self.assertEqual(answers[-1]["world"], [])

    def test_unknown_component(self) -> None:
        """A component of a newer server is skipped."""
        other = World([Place, Stance, Mark, Later], CAPACITY)
        other.spawn(Place(x=5), Later(a=1))
        (message,) = Sender(other, part_size=900).everything(1)
        steps = [{"kind": "Spawned", "bytes": message.encode().hex(), "show": True}]
        answer = follow(steps)["answers"][0]
        self.assertFalse(answer["refused"])
        self.assertEqual(list(answer["world"][0]["components"]), ["Place"])

    def test_malformed(self) -> None:
        """What Python refuses, the browser refuses; it never throws anything else."""
        random = Random(1)
        match = Match(1)
        for number in range(40):
            match.tick(number)
        good = [bytes.fromhex(step["bytes"]) for step in match.steps]
        for kind in ("Snapshot", "Spawned"):
            steps, verdicts = [], []
            for _ in range(400):
                data = bytearray(random.choice(good))
                if random.random() < 0.8:
                    data[random.randrange(len(data))] = random.randrange(256)
                if random.random() < 0.3:
                    del data[random.randrange(len(data)) :]
                verdicts.append(refuses(match.receiver, kind, bytes(data)))
                steps.append({"kind": kind, "bytes": data.hex()})
            answers = follow(steps)["answers"]
            for step, answer, verdict in zip(steps, answers, verdicts, strict=True):
                self.assertEqual(answer["refused"], verdict, step)


class InterpolationTests(SynchronousTestCase):
    """Between two samples there is movement."""

    def ask(self, bodies: list[Any], asked: list[float], row: int = 0) -> list[Any]:
        """Return what an entity looks like at moments, one sample a tick from 10 on."""
        match = Match(0)
        entity = match.world.spawn(bodies[0])
        component = type(bodies[0])
        match.tick_only(10)
        for number, body in enumerate(bodies[1:], start=11):
            view = match.world[entity, component]
            for field in component.schema_fields:
                setattr(view, field.name, getattr(body, field.name))
            match.tick_only(number)
        name = component.__name__
        questions = [{"component": name, "row": row, "tick": tick} for tick in asked]
        answers: list[Any] = follow(match.steps, ask=questions)["interpolated"]
        return answers

    def test_linear(self) -> None:
        """Positions move evenly, and stand still before and after the samples."""
        places = [Place(x=0), Place(x=8), Place(x=16)]
        answers = self.ask(places, [9, 10, 10.5, 11, 11.25, 12, 15])
        self.assertEqual([a["x"] for a in answers], [0, 0, 4, 8, 10, 16, 16])

    def test_angle(self) -> None:
        """An angle takes the short way round."""
        places = [Place(heading=3.0), Place(heading=-3.0)]
        half = self.ask(places, [10.5])[0]["heading"]
        self.assertAlmostEqual(math.cos(half), -1.0, 6)

    def test_steps(self) -> None:
        """A count or a flag does not move: it changes."""
        stances = [Stance(points=1), Stance(points=9, alert=True)]
        answers = self.ask(stances, [10.9, 11])
        self.assertEqual([a["points"] for a in answers], [1, 9])
        self.assertEqual([a["alert"] for a in answers], [0, 1])

    def test_rotation(self) -> None:
        """A rotation stays one: its quaternion has the length 1."""
        quarter = (0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5))
        stances = [Stance(), Stance(facing=quarter)]
        facing = self.ask(stances, [10.5])[0]["facing"]
        self.assertAlmostEqual(math.hypot(*facing), 1.0)
        self.assertAlmostEqual(2 * math.asin(facing[2]), math.pi / 4, 2)

    def test_single_sample(self) -> None:
        """An entity that has just come is where it came."""
        self.assertEqual(self.ask([Place(x=5)], [3.0])[0]["x"], 5)

    def test_many_samples(self) -> None:
        """Of many samples the last four are kept."""
        places = [Place(x=n) for n in range(20)]
        answers = self.ask(places, [10, 26.5, 28.25, 40])
        self.assertEqual([a["x"] for a in answers], [16, 16.5, 18.25, 19])

    def test_overtaken(self) -> None:
        """A late Spawned leaves the movement of what an entity keeps."""
        match = Match(0)
        entity = match.world.spawn(Place(x=0))
        match.tick_only(1)
        match.world.add(entity, Mark())
        (message,) = match.sender.changes(2)
        for number in (3, 5):
            match.world[entity, Place].x = number
            match.deliver("Snapshot", match.sender.snapshot(number)[0])
        match.deliver("Spawned", message.encode(), message)
        question = {"component": "Place", "row": 0, "tick": 4}
        answer = follow(match.steps, ask=[question])["interpolated"][0]
        self.assertEqual(answer["x"], 4)

    def test_new_entity(self) -> None:
        """An entity never moves from where its row's last one was."""
        match = Match(0)
        first = match.world.spawn(Place(x=-100))
        match.tick_only(1)
        match.world.despawn(first)
        match.world.spawn(Place(x=100))
        match.tick_only(2)
        question = {"component": "Place", "row": 0, "tick": 1.5}
        answer = follow(match.steps, ask=[question])["interpolated"][0]
        self.assertEqual(answer["x"], 100)
