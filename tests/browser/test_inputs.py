# SPDX-License-Identifier: MIT
"""The browser packs inputs byte for byte as Python does, and reads its feedback."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.prediction import Feedback, Input, InputBuffer, Sight, wire_clock
from gamenet.wire import (
    angle,
    fixed,
    flag,
    float16,
    float32,
    int8,
    javascript_module,
    text,
)
from tests.browser.javascript import marked, run_program

N_SCRIPTS = 40
N_STEPS = 120
ADVICE = "send what is large as a message"


class Steer(Input):
    """Which way to go."""

    x: float = fixed(-1, 1, step=1 / 64)
    y: int = int8()
    heading: float = angle()


class Fire(Input):
    """A button."""

    is_held: bool = flag()
    charge: float = float16()


class Say(Input):
    """What may be too long for a packet."""

    words: str = text(600)
    pitch: float = float32()


INPUTS = [Steer, Fire, Say]
CODEC = javascript_module(
    protocol_hash=bytes(8), version=1, components=[], inputs=INPUTS, messages={}
)


class Script:
    """Random things that a client does with its inputs, and what Python makes of them.

    Args:
        seed: of all that happens.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.buffer = InputBuffer(INPUTS)
        self.tick = self.random.choice((1, 100, 2**32 - 500))
        self.steps: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        is_steady = self.random.random() < 0.7
        actions = [self.hold] * 6 + [self.packet] * 3 + [self.at, self.hear]
        actions += [self.close] * 6 if is_steady else [self.skip] * 6
        for _ in range(N_STEPS):
            self.random.choice(actions)()
        self.restart()
        for _ in range(9):
            self.random.choice(actions)()

    def note(self, step: dict[str, Any], answer: Any = None) -> None:
        """Keep a step and its answer."""
        self.steps.append(step)
        self.answers.append(answer)

    def item(self) -> Input:
        """Return a random input."""
        random = self.random
        kind = random.choice([Steer, Steer, Fire, Fire, Say])
        if kind is Steer:
            return Steer(random.uniform(-1, 1), random.randrange(-4, 4), 1.0)
        if kind is Fire:
            charge = random.choice((0.0, 0.1, 9.75, float("inf")))
            return Fire(random.random() < 0.5, charge)
        return Say("x" * random.choice((0, 9, 100, 300, 493, 494, 600)))

    def hold(self) -> None:
        """Hold an input for about the present tick."""
        item, tick = self.item(), self.tick + self.random.choice((0, 1, 1, 1, 2))
        name = type(item).__name__
        step = {"do": "hold", "name": name, "values": marked(item), "tick": tick}
        try:
            self.note(step, self.buffer.hold(item, tick))
        except LocalProtocolError:
            self.note(step, LocalProtocolError)

    def close(self) -> None:
        """Close the next frame."""
        self.tick += 1 + 70 * (self.random.random() < 0.02)
        sight = None
        if self.random.random() < 0.9:
            back = self.random.choice((0.5, 3.25, 7.0, 20.1, 600.0))
            view = self.tick - back - self.random.random()
            older = int(view) - self.random.randrange(4)
            newer = older + self.random.choice((0, 1, 2, 5, 15, 16))
            sight = Sight(view, older, newer)
        told = sight and {
            "tick": sight.tick,
            "older": sight.older,
            "newer": sight.newer,
        }
        step = {"do": "close", "tick": self.tick, "sight": told}
        self.buffer.close(self.tick, sight)
        self.note(step)

    def skip(self) -> None:
        """Let a tick pass."""
        self.tick += 1

    def packet(self) -> None:
        """Send what waits."""
        clock = self.random.randrange(2**32)
        step = {"do": "packet", "clock": clock}
        self.note(step, marked(self.buffer.packet(clock)))

    def hear(self) -> None:
        """Hear of what has arrived; some of it is of no time that there was."""
        tick = self.tick - self.random.choice((0, 1, 3, 9, -9))
        self.buffer.acked(tick)
        self.note({"do": "acked", "tick": tick % 2**32})
        before = tick - self.random.randrange(9)
        self.buffer.forget(before)
        self.note({"do": "forget", "tick": before})

    def at(self) -> None:
        """Ask for what was done in a tick."""
        tick = self.tick - self.random.randrange(-2, 9)
        held = [[type(item).__name__, marked(item)] for item in self.buffer.at(tick)]
        self.note({"do": "at", "tick": tick}, held)

    def restart(self) -> None:
        """Jump to another time."""
        self.tick = 5000
        self.buffer.restart()
        self.note({"do": "restart"})


class InputTests(SynchronousTestCase):
    """What leaves a page is what would leave a client in Python."""

    def test_packets(self) -> None:
        """Whatever is held and closed, the packets have the same bytes."""
        scripts = [Script(seed) for seed in range(N_SCRIPTS)]
        argument = {"scripts": [script.steps for script in scripts]}
        answer = run_program("input_play.js", argument, protocol=CODEC)
        n_frames = 0
        for seed, (script, played) in enumerate(
            zip(scripts, answer["played"], strict=True)
        ):
            for step, mine, its in zip(
                script.steps, script.answers, played["answers"], strict=True
            ):
                if mine is LocalProtocolError:
                    self.assertIn("thrown", its, (seed, step))
                else:
                    self.assertEqual(its, mine, (seed, step))
                if step["do"] == "packet":
                    n_frames += bytes.fromhex(its["$bytes"])[9]
            self.assertEqual(played["replaced"], script.buffer.n_replaced, seed)
            self.assertEqual(played["unacked"], script.buffer.n_unacked, seed)
        self.assertGreater(n_frames, 1000)

    def test_strange(self) -> None:
        """What is no input of the game is named, and nothing is held."""
        script = [
            {"do": "hold", "name": "Jump", "values": {}, "tick": 5},
            {"do": "hold", "name": "Steer", "values": {"z": 1}, "tick": 5},
            {"do": "hold", "name": "Say", "values": {"words": "x" * 600}, "tick": 5},
            {
                "do": "hold",
                "name": "Fire",
                "values": {"charge": {"$float": "nan"}},
                "tick": 5,
            },
            {"do": "packet", "clock": 7},
        ]
        (played,) = run_program("input_play.js", {"scripts": [script]}, protocol=CODEC)[
            "played"
        ]
        *refused, packet = played["answers"]
        self.assertEqual(
            [each["thrown"] for each in refused],
            [
                "no input Jump: this game has Steer, Fire, Say",
                "Steer has no field z",
                f"the inputs of a tick take 610 bytes, the limit is 498: {ADVICE}",
                "Fire has a float that is not finite: send numbers only",
            ],
        )
        self.assertEqual(packet, marked(InputBuffer(INPUTS).packet(7)))

    def test_feedback(self) -> None:
        """A feedback says in the browser what it says in Python."""
        random = Random(8)
        told = []
        for _ in range(200):
            now = random.uniform(0, 20_000)
            sent = now - random.uniform(0, 900)
            held = random.choice((None, random.uniform(0, 0.6)))
            feedback = Feedback(
                echo=wire_clock(sent),
                held=held,
                server_tick=random.uniform(0, 2**31),
                acked=random.randrange(2**32),
                slack=random.uniform(-300, 300),
                wanted=random.uniform(0, 20),
                late=random.randrange(256),
                missing=random.randrange(256),
                depth=random.randrange(300),
            )
            told.append((now, sent, feedback.encode()))
        asked = [{"now": now, "bytes": data.hex()} for now, _, data in told]
        heard = run_program("input_play.js", {"feedback": asked}, protocol=CODEC)
        for its, (now, sent, data) in zip(heard["heard"], told, strict=True):
            mine = Feedback.decode(data)
            self.assertEqual(its["echo"], mine.echo)
            self.assertEqual(its["held"], mine.held)
            self.assertEqual(its["serverTick"], mine.server_tick)
            counts = [its[name] for name in ("acked", "late", "missing", "depth")]
            self.assertEqual(counts, [mine.acked, mine.late, mine.missing, mine.depth])
            self.assertEqual([its["slack"], its["wanted"]], [mine.slack, mine.wanted])
            self.assertApproximates(its["sent"], sent, 2e-6)
            self.assertApproximates(its["sent"], mine.sent_at(now), 2e-6)
