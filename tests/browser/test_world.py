# SPDX-License-Identifier: MIT
"""The browser's world is what the server tells, whatever is lost, late or overtaken."""

from __future__ import annotations

import math
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.wire import angle, enum, fixed, flag, int64, nbits, quaternion, uint8
from gamenet.wire.javascript import javascript_module
from gamenet.world import Component
from tests.browser import snapshot_bytes as wire
from tests.browser.following import Match, all_shown, shown
from tests.browser.javascript import run_program
from tests.browser.schemas import Body, Region
from tests.browser.snapshot_bytes import Entity, Layout, Told

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


class Ward(Component):
    """A component of which zero is no value."""

    region: Region = enum(Region)


COMPONENTS = [Place, Stance, Mark, Ward, Body]
LAYOUT = Layout(COMPONENTS)
PROTOCOL = javascript_module(
    protocol_hash=bytes(8),
    version=1,
    components=COMPONENTS,
    inputs=[],
    messages={},
)
TAGS = [type(Component)(f"Tag{n}", (Component,), {}) for n in range(70)]


def follow(steps: list[Any], *, codec: str = PROTOCOL, **more: Any) -> Any:
    """Return what programs/world_follow.js answers to messages, or to its own steps."""
    listed = [
        {"bytes": step.hex(), "show": True} if isinstance(step, bytes) else step
        for step in steps
    ]
    argument = {"capacity": CAPACITY, "steps": listed, **more}
    return run_program("world_follow.js", argument, protocol=codec)


def entity(*parts: Any, generation: int = 1, owner: int = 0) -> Entity:
    """Return an entity of components."""
    return Entity(generation, owner, {type(part): part for part in parts})


class Tale:
    """Messages that tell of row 7 alone, each compared with the one before."""

    def __init__(self) -> None:
        self.tick = 0
        self.base = LAYOUT.zeros
        self.messages: list[bytes] = []

    def be(self, tick: int, new: Entity) -> Tale:
        """Tell that an entity is there at a tick."""
        state = LAYOUT.state(new)
        age = tick - self.tick if any(self.base) else 0
        told = {7: Told(state, self.base, age)}
        self.messages.append(wire.message(tick, wire.states(LAYOUT, told)))
        self.tick, self.base = tick, state
        return self

    def gone(self, tick: int, *, left: bool = False) -> Tale:
        """Tell that nothing is there at a tick."""
        self.messages.append(wire.message(tick, wire.gone({7: left})))
        self.tick, self.base = tick, LAYOUT.zeros
        return self


def happened(messages: list[bytes]) -> list[Any]:
    """Return all that happens by messages."""
    answers = follow(messages)["answers"]
    return [event for answer in answers for event in answer["happened"]]


class FollowTests(SynchronousTestCase):
    """What arrives gives the server's world."""

    def check(self, match: Match, codec: str = PROTOCOL) -> None:
        """Fail unless the browser takes what the model takes, and ends as it does."""
        steps = [*match.steps[:-1], {**match.steps[-1], "show": True}]
        answers = follow(steps, codec=codec, capacity=match.capacity)["answers"]
        self.assertEqual([answer["result"] for answer in answers], match.results)
        self.assertEqual([answer["asked"] for answer in answers], match.asked)
        living = all_shown(match.after[-1])
        self.assertEqual(answers[-1]["world"], living)
        for component, rows in zip(
            match.components, answers[-1]["queries"], strict=True
        ):
            name = component.__name__
            wanted = [each["row"] for each in living if name in each["components"]]
            self.assertEqual(rows, wanted)

    def test_random_matches(self) -> None:
        """Loss, delay, spawns, despawns and flaws leave the world as it was told."""
        found = set()
        for seed in range(6):
            match = Match(COMPONENTS, CAPACITY if seed % 2 else 9, seed)
            match.run(90)
            self.check(match)
            found |= set(match.results)
        self.assertEqual(found, {"taken", "late", "missing", "refused"})

    def test_many_components(self) -> None:
        """Which components there are takes as many lanes as it needs."""
        for number in (0, 1, 32, 33, 70):
            codec = javascript_module(
                protocol_hash=bytes(8),
                version=1,
                components=[*TAGS[:number], Place],
                inputs=[],
                messages={},
            )
            match = Match([*TAGS[:number], Place], 40, seed=number)
            match.run(30)
            self.check(match, codec)

    def test_no_components(self) -> None:
        """A game without components has entities, whose rows have two lanes."""
        codec = javascript_module(
            protocol_hash=bytes(8), version=1, components=[], inputs=[], messages={}
        )
        layout = Layout([])
        told = {3: Told(layout.state(entity(owner=2)), layout.zeros, 0)}
        data = wire.message(4, wire.states(layout, told))
        (answer,) = follow([data], codec=codec)["answers"]
        self.assertEqual(answer["world"], [shown(3, entity(owner=2))])

    def test_every_tick(self) -> None:
        """After each message the world is that of the newest told of each row."""
        components = [Place, Stance, Mark]
        codec = javascript_module(
            protocol_hash=bytes(8),
            version=1,
            components=components,
            inputs=[],
            messages={},
        )
        match = Match(components, 20, seed=77)
        match.run(80)
        steps = [{**step, "show": True} for step in match.steps]
        answers = follow(steps, codec=codec)["answers"]
        for answer, rows in zip(answers, match.after, strict=True):
            self.assertEqual(answer["world"], all_shown(rows))

    def test_late(self) -> None:
        """What is older than what is shown is a baseline, and not shown."""
        told = Tale().be(10, entity(Place(x=1))).be(12, entity(Place(x=2)))
        late = wire.message(
            11,
            wire.states(
                LAYOUT, {7: Told(LAYOUT.state(entity(Place(x=9))), LAYOUT.zeros, 0)}
            ),
        )
        told.base, told.tick = LAYOUT.state(entity(Place(x=9))), 11
        told.be(13, entity(Place(x=9.5)))
        messages = [*told.messages[:2], late, told.messages[2]]
        worlds = [a["world"] for a in follow(messages)["answers"]]
        places = [rows[0]["components"]["Place"][0] for rows in worlds]
        self.assertEqual(places, [1, 2, 2, 9.5])

    def test_floor(self) -> None:
        """What was told long ago is the baseline of a row that was quiet since."""
        old, new = entity(Place(x=1)), entity(Place(x=2))
        states = LAYOUT.state(old), LAYOUT.state(new)
        far = {8: Told(states[0], LAYOUT.zeros, 0)}
        messages = Tale().be(5, old).messages
        messages += [wire.message(300, wire.states(LAYOUT, far))]
        # Tick 293 takes the slot of tick 5, which is still what 6 to 292 have.
        late = {7: Told(states[1], LAYOUT.zeros, 0)}
        messages += [wire.message(293, wire.states(LAYOUT, late))]
        back = {7: Told(states[1], states[0], 10)}
        messages += [wire.message(301, wire.states(LAYOUT, back))]
        answers = follow(messages)["answers"]
        self.assertEqual([a["result"] for a in answers], ["taken"] * 4)
        self.assertEqual(answers[-1]["world"][0], shown(7, new))

    def test_tick_zero(self) -> None:
        """Tick 0 is a tick like others, also as a baseline."""
        told = Tale().be(0, entity(Place(x=1)))
        told.be(1, entity(Place(x=2))).be(31, entity(Place(x=3)))
        zero = {
            7: Told(
                LAYOUT.state(entity(Place(x=4))), LAYOUT.state(entity(Place(x=1))), 31
            )
        }
        messages = [*told.messages[:2], wire.message(31, wire.states(LAYOUT, zero))]
        self.assertEqual(
            follow(messages)["answers"][-1]["world"], [shown(7, entity(Place(x=4)))]
        )

    def test_events(self) -> None:
        """Spawned, reshaped, given away, despawned and left are told apart."""
        told = Tale().be(1, entity(Place(), owner=3))
        told.be(2, entity(Place(), Mark(), owner=3))
        told.be(3, entity(Mark(), owner=4))
        told.be(4, entity(Mark(), generation=2, owner=4)).gone(5, left=True)
        told.be(6, entity(Mark(), generation=2)).gone(7).gone(8)
        self.assertEqual(
            happened(told.messages),
            [
                ["spawned", 7, 1, ["Place"]],
                ["reshaped", 7, ["Mark"], []],
                ["reshaped", 7, [], ["Place"]],
                ["reowned", 7, 3, 4],
                ["despawned", 7, 1, ["Mark"]],
                ["spawned", 7, 2, ["Mark"]],
                ["left", 7, 2, ["Mark"]],
                ["spawned", 7, 2, ["Mark"]],
                ["despawned", 7, 2, ["Mark"]],
            ],
        )

    def test_changes(self) -> None:
        """Who watches a field is told of its changes, and of nothing else."""
        told = Tale().be(1, entity(Place(x=1), Stance(points=1)))
        told.be(2, entity(Place(x=1), Stance(points=2)))
        told.be(3, entity(Place(x=4), Stance(points=2, alert=True)))
        told.be(4, entity(Place(x=4), Stance(points=2, alert=True)))
        told.be(5, entity(Place(x=5), Stance(points=9), generation=2))
        quarter = (0.0, 0.0, math.sqrt(0.5), math.sqrt(0.5))
        told.be(6, entity(Stance(points=9, facing=quarter), generation=2))
        watch = [["Stance", "points"], ["Place", "x"], ["Stance", "alert"]]
        watch += [["Stance", "facing"], ["Place", "heading"]]
        answers = follow(told.messages, watch=watch)["answers"]
        changes = [answer["changes"] for answer in answers]
        flags = {"$flag": True}, {"$flag": False}
        self.assertEqual(changes[:2], [[], [["Stance", "points", 7, 2, 1]]])
        self.assertEqual(
            changes[2], [["Place", "x", 7, 4, 1], ["Stance", "alert", 7, *flags]]
        )
        self.assertEqual(changes[3:5], [[], []])
        ((*where, new, old),) = changes[5]
        self.assertEqual((where, old), (["Stance", "facing", 7], [0, 0, 0, 1]))
        self.assertApproximates(new[2], quarter[2], 0.01)

    def test_changes_of_new(self) -> None:
        """What an entity brings along is no change of what was in its row before."""
        told = Tale().be(1, entity(Place(x=1), Stance(points=1)))
        told.be(2, entity(Place(x=2), Stance(points=2), generation=2))
        told.gone(3).be(4, entity(Place(x=3), Stance(points=3), generation=3))
        told.gone(5, left=True)
        told.be(6, entity(Place(x=4), Stance(points=4), generation=3))
        told.be(7, entity(Place(x=4), generation=3))
        told.be(8, entity(Place(x=4), Stance(points=5), generation=3))
        watch = [["Stance", "points"], ["Place", "x"]]
        answers = follow(told.messages, watch=watch)["answers"]
        self.assertEqual([answer["changes"] for answer in answers], [[]] * 8)


class InterpolationTests(SynchronousTestCase):
    """Between two samples there is movement."""

    def ask(self, bodies: list[Any], asked: list[float], gap: int = 1) -> list[Any]:
        """Return what an entity looks like at moments: a sample each gap from 10 on."""
        told = Tale()
        for n, body in enumerate(bodies):
            told.be(10 + n * gap, entity(body))
        name = type(bodies[0]).__name__
        questions = [{"component": name, "row": 7, "tick": tick} for tick in asked]
        answers: list[Any] = follow(told.messages, ask=questions)["interpolated"]
        return answers

    def test_linear(self) -> None:
        """Positions move evenly, and stand still before the samples."""
        places = [Place(x=0), Place(x=8), Place(x=16)]
        answers = self.ask(places, [9, 10, 10.5, 11, 11.25, 12])
        self.assertEqual([a["x"] for a in answers], [0, 0, 4, 8, 10, 16])

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

    def test_lost(self) -> None:
        """A tick that is missing is bridged."""
        answers = self.ask([Place(x=0), Place(x=8)], [10.5, 11, 12], gap=2)
        self.assertEqual([a["x"] for a in answers], [2, 4, 8])

    def test_rest(self) -> None:
        """What was left out moves from where it is drawn, not where it was told."""
        told = Tale().be(10, entity(Place(x=0)))
        quiet = [wire.message(tick) for tick in range(11, 30)]
        moved = Tale().be(10, entity(Place(x=0))).be(30, entity(Place(x=8)))
        asked = [20, 28, 28.5, 29, 30]
        answers = follow(
            [*told.messages, *quiet, moved.messages[1]],
            ask=[{"component": "Place", "row": 7, "tick": tick} for tick in asked],
            viewTick=27.5,
        )["interpolated"]
        self.assertEqual([a["x"] for a in answers], [0, 0, 2, 4, 8])

    def test_new_entity(self) -> None:
        """An entity never moves from where its row's last one was."""
        told = Tale().be(1, entity(Place(x=-100)))
        told.be(2, entity(Place(x=100), generation=2))
        question = {"component": "Place", "row": 7, "tick": 1.5}
        answer = follow(told.messages, ask=[question])["interpolated"][0]
        self.assertEqual(answer["x"], 100)

    def test_returned(self) -> None:
        """Nor does one that was out of sight move from where it was seen last."""
        told = Tale().be(1, entity(Place(x=-100))).gone(2, left=True)
        told.be(3, entity(Place(x=100)))
        question = {"component": "Place", "row": 7, "tick": 2.5}
        answer = follow(told.messages, ask=[question])["interpolated"][0]
        self.assertEqual(answer["x"], 100)
