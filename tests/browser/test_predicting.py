# SPDX-License-Identifier: MIT
"""The browser runs its own entities ahead, and comes back to what is confirmed."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.protocol import Protocol
from gamenet.prediction import Input
from gamenet.prediction.rounding import Rounding
from gamenet.replication import Event, EventCodec
from gamenet.wire import angle, fixed, float32, int8, quaternion, uint8
from gamenet.wire.javascript import javascript_module
from gamenet.world import Component, Shown, World
from tests.browser.javascript import run_program
from tests.browser.test_client import (
    EVENTS,
    PROTOCOL,
    WELCOME,
    Health,
    Position,
    Step,
    control,
    kinds,
    snapshot,
    step,
    telling,
)
from tests.browser.test_client import Shot as Noise
from tests.browser.test_client import play as play_client
from tests.browser.test_ticks import feedback, frames, ticks_of

SEED = 7
TICK_RATE = 20


class Ship(Component):
    """Everything that a predicted step may move; quantized in every way there is."""

    shown = Shown(snap=20.0, half_life=0.05)
    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)
    vx: float = float32()
    heading: float = angle()
    facing: tuple[float, ...] = quaternion(8)
    shots: int = uint8()
    wanted: int = int8()
    stun: int = uint8()


class Pilot(Component):
    """What an entity must have to be predicted."""


class Steer(Input):
    """Turn; a negative number shoots, too."""

    turn: int = int8()


class Shot(Event):
    """A shot was fired."""

    n: int = uint8()


def protocol(tolerance: float = 0.0) -> str:
    """Return the generated codec, with a tolerance of the ship."""
    components = [Ship, Pilot]
    shown = Protocol("fly", components, [], []).browser_shown()
    shown["Ship"]["tolerance"] = tolerance
    return javascript_module(
        protocol_hash=bytes(8),
        version=1,
        components=components,
        inputs=[Steer],
        messages={},
        events=[Shot],
        shown=shown,
    )


def play(*, n_ticks: int = 120, tolerance: float = 0.0, **more: Any) -> Any:
    """Return what programs/predict_play.js answers to random inputs."""
    random = Random(SEED)
    turns = [random.choice((-1, 0, 1, 2)) for _ in range(n_ticks)]
    argument = {"wanted": turns, "ahead": 6, **more}
    return run_program("predict_play.js", argument, protocol=protocol(tolerance))


class PredictionTests(SynchronousTestCase):
    """A ship that is predicted."""

    def test_no_correction(self) -> None:
        """What both sides compute alike is never corrected, and is the same."""
        for ahead in (0, 1, 6, 100):
            answer = play(ahead=ahead, n_ticks=130, lost=[9, 10, 30])
            self.assertEqual(answer["log"], [])
            self.assertEqual(answer["stats"]["corrections"], 0, ahead)
            for ours, theirs in answer["ticks"]:
                self.assertEqual(ours, theirs, (SEED, ahead))
            self.assertGreater(answer["stats"]["confirmed"], 25)

    def test_correction(self) -> None:
        """What the server did besides is taken up, computed again, and counted."""
        answer = play(pushes={"40": 2.0, "80": -3.0})
        counts = answer["stats"]
        self.assertEqual(counts["corrections"], 2)
        self.assertEqual(counts["resimulated"], 12)
        self.assertEqual([each["tick"] for each in answer["log"]], [40, 80])
        self.assertEqual([each["mispredicted"] for each in answer["log"]], [[5], [5]])
        self.assertAlmostEqual(answer["log"][0]["sizes"]["Ship"], 2.0, 1)
        self.assertAlmostEqual(counts["correctionSize"], 3.0, 1)
        for n, (ours, theirs) in enumerate(answer["ticks"]):
            is_ahead = n + 1 in range(40, 46) or n + 1 in range(80, 86)
            self.assertEqual(ours != theirs, is_ahead, (SEED, n + 1))

    def test_lost(self) -> None:
        """A correction that was lost is made by the next that comes."""
        answer = play(pushes={"40": 2.0}, lost=list(range(38, 47)))
        self.assertEqual([each["tick"] for each in answer["log"]], [47])
        self.assertEqual(*answer["ticks"][-1])

    def test_tolerance(self) -> None:
        """A difference that is tolerated stays, and does no harm."""
        answer = play(pushes={"40": 0.5}, tolerance=1.0)
        self.assertEqual(answer["stats"]["corrections"], 0)
        self.assertNotEqual(*answer["ticks"][-1])
        self.assertEqual(play(pushes={"40": 1.5}, tolerance=1.0)["log"][0]["tick"], 40)

    def test_smooth(self) -> None:
        """A correction jumps in the state, and glides in what is drawn."""
        answer = play(pushes={"40": 2.0}, frames=[0.0, 0.25, 0.5, 0.75])
        drawn = [pair[0] for pair in answer["drawn"]]
        state = [pair[1] for pair in answer["drawn"]]
        leaps = [abs(b - a) for a, b in pairwise(state)]
        steps = [abs(b - a) for a, b in pairwise(drawn)]
        usual = max(steps[:150])
        self.assertGreater(max(leaps), 1.5)
        # It halves in 0.05 s, which is four frames.
        self.assertLess(max(steps), usual + 2.1 * (1 - 0.5**0.25))
        late = 4 * 45 + 16  # frames: 0.2 s after the correction
        behind = abs(drawn[late] - state[late])
        self.assertLess(behind, 0.2 + usual * 4)

    def test_far(self) -> None:
        """A correction that is far enough jumps in what is drawn, too."""
        answer = play(pushes={"40": 30.0}, frames=[0.0])
        drawn = [pair[0] for pair in answer["drawn"]]
        steps = [abs(b - a) for a, b in pairwise(drawn)]
        self.assertGreater(max(steps), 28)

    def test_ghost(self) -> None:
        """What the server said last can be drawn beside what is predicted."""
        answer = play(ahead=10)
        x = answer["ticks"][-1 - 10][1][0] / 64 - 512
        self.assertAlmostEqual(answer["ghost"], x, 9)


class Coarse(Component):
    """A rotation of few bits."""

    facing: tuple[float, ...] = quaternion(8)


class RoundingTests(SynchronousTestCase):
    """Rounding, after each step."""

    def test_agreement(self) -> None:
        """Rotations come to rest where Python's do, also with parts nearly alike."""
        rng = np.random.default_rng(SEED)
        near = rng.choice([-0.5, 0.5], (600, 4)) + rng.normal(0, 0.01, (600, 4))
        near[::3, 2:] *= 0.01
        world = World([Coarse], len(near))
        for _ in near:
            world.spawn(Coarse())
        world.columns(Coarse).facing[:] = near
        wanted = Rounding(world, [Coarse]).round(np.arange(len(near)))[1:].T
        codec = javascript_module(
            protocol_hash=bytes(8),
            version=1,
            components=[Coarse],
            inputs=[],
            messages={},
        )
        argument = {"rotations": near.ravel().tolist()}
        answer = run_program("rounded_rows.js", argument, protocol=codec)
        self.assertEqual(answer, wanted.tolist(), SEED)


class EffectTests(SynchronousTestCase):
    """What happens in a predicted tick."""

    def test_once(self) -> None:
        """A shot is heard in its own tick, and once, whatever is computed again."""
        answer = play(pushes={"40": 2.0, "50": 1.0}, lost=[51])
        wanted = [["event", n, tick] for n, tick in answer["shots"]]
        self.assertGreater(len(wanted), 10)
        self.assertEqual(answer["heard"], wanted)

    def test_cancelled(self) -> None:
        """Those that did not happen after all are cancelled, and no others."""
        answer = play(stuns={"40": 8, "60": 8, "80": 8})
        played = [(n, tick) for what, n, tick in answer["heard"] if what == "event"]
        gone = [(n, tick) for what, n, tick in answer["heard"] if what == "cancelled"]
        self.assertTrue(gone, SEED)
        late = {at + n for at in (40, 60, 80) for n in range(1, 7)}
        self.assertLessEqual({tick for _, tick in gone}, late)
        left = [each for each in played if each not in gone]
        self.assertEqual(left, [tuple(shot) for shot in answer["shots"]])
        self.assertNotIn("told", [what for what, *_ in answer["heard"]])

    def test_end(self) -> None:
        """Where the own entity ends, what it did later is cancelled, and no more.

        What it did in its last tick is told by the server after its end: still it is
        not played again.
        """
        last = play()["shots"][10][1]
        for end in ("gone", "owner", "component"):
            answer = play(last=last, end=end)
            shots = [tuple(shot) for shot in answer["shots"]]
            self.assertEqual(shots[-1][1], last)
            heard = answer["heard"]
            played = [(n, tick) for what, n, tick in heard if what == "event"]
            gone = [(n, tick) for what, n, tick in heard if what == "cancelled"]
            self.assertEqual(played[: len(shots)], shots, end)
            self.assertTrue(gone, end)
            self.assertEqual(gone, played[len(shots) :], end)
            self.assertNotIn("told", [what for what, *_ in heard], end)

    def test_back(self) -> None:
        """Where the own time goes back, what is made once more is played once."""
        answer = play(ahead=10, back={"50": 4, "80": 5})
        heard = answer["heard"]
        self.assertEqual({what for what, *_ in heard}, {"event", "cancelled"})
        standing: Counter[int] = Counter()
        for what, _, tick in heard:
            standing[tick] += 1 if what == "event" else -1
            self.assertIn(standing[tick], (0, 1), (SEED, what, tick))
        newest = len(answer["ticks"]) - 9
        shots = {tick for _, tick in answer["shots"] if tick <= newest}
        self.assertEqual(set(+standing), shots)
        self.assertEqual(*answer["ticks"][-1])


PREDICT = step("predict", 0.0, components=["Position"], having=["Health"])
STEER = step("steer", 0.0, name="Steer", values=[{"x": 1}])


def noise(tick: int, now: float, origin: int) -> Step:
    """Return the step in which the server says that an entity made a noise."""
    data = tick.to_bytes(4, "little")
    data += EventCodec(PROTOCOL.events).encode(Noise(x=5), origin)
    return step("receive", now, channel=EVENTS, bytes=data.hex())


class ClientTests(SynchronousTestCase):
    """A whole client that predicts."""

    def own(self, tick: int, x: float, now: float) -> Step:
        """Return the snapshot that tells of the own ship, and another one."""
        ships = [
            telling(row, Position(x=x), Health(), owner=owner)
            for row, owner in ((7, 2), (8, 3))
        ]
        return snapshot(tick, *ships, now=now)

    def drawn(self, now: float) -> Step:
        """Return the step that asks where the own ship is."""
        return step("drawn", now, component="Position", row=7)

    def test_ahead(self) -> None:
        """The own ship answers in the tick of the input, and others wait for theirs."""
        script = [control(WELCOME), self.own(100, 10, 0.0), PREDICT, STEER]
        script += [*frames(0, 1.01), self.drawn(1.01)]
        script.append(step("drawn", 1.01, component="Position", row=8))
        answer = play_client(*script)
        n_ticks = len(ticks_of(answer))
        self.assertGreater(n_ticks, 15)
        seen, ahead, _, confirmed = answer["values"][-2]
        self.assertEqual((ahead, confirmed), (10 + n_ticks, 10))
        self.assertGreater(seen, ahead - 1.001)
        self.assertLessEqual(seen, ahead)
        self.assertEqual(answer["values"][-1][:2], [10, 10])
        self.assertEqual(answer["stats"]["predictedRows"], 1)

    def test_confirmed(self) -> None:
        """What is confirmed is left, what is not is corrected."""
        script = [control(WELCOME), self.own(100, 0, 0.0), PREDICT, STEER]
        script += frames(0, 0.5)
        first = ticks_of(play_client(*script))[0]
        for tick in (106, 107):
            script.append(self.own(tick, tick - first + 1, 0.5))
        right = play_client(*script, self.drawn(0.5))
        self.assertEqual(right["stats"]["corrections"], 0)
        self.assertEqual(right["stats"]["confirmed"], 2)
        wrong = self.own(108, 108 - first + 6, 0.5)
        answer = play_client(*script, wrong, self.drawn(0.5), self.drawn(0.51))
        self.assertEqual(answer["stats"]["corrections"], 1)
        self.assertEqual(answer["stats"]["correctionSize"], 5)
        n_ticks = len(ticks_of(answer))
        _, ahead, ghost, _ = answer["values"][-1]
        self.assertEqual((ahead, ghost), (n_ticks + 5, 108 - first + 6))
        # A frame after the last one, what the correction left has begun to fade.
        faded = 5 * (1 - 0.5 ** (1 / 60 / 0.04))
        self.assertLess(answer["values"][-2][0], n_ticks + faded + 1e-6)

    def test_overtaken(self) -> None:
        """A snapshot that others overtook is computed on from, with its inputs."""
        script = [control(WELCOME), self.own(100, 0, 0.0), PREDICT, STEER]
        script += frames(0, 0.5)
        first, *_, newest = ticks_of(play_client(*script))
        other = telling(8, Position(x=0), Health(), owner=3)
        script.append(snapshot(newest - 1, other, now=0.5))
        script.append(feedback(0.5, newest - 1.0, acked=newest))
        late = self.own(first + 1, 50, 0.5)
        answer = play_client(*script, late, self.drawn(0.5))
        self.assertEqual(answer["stats"]["corrections"], 1)
        self.assertEqual(ticks_of(answer)[-1], newest)
        self.assertEqual(answer["values"][-1][1], 50 + newest - first - 1)

    def test_event(self) -> None:
        """A predicted event is told in its tick; what the server says of it is not."""
        script = [control(WELCOME), self.own(100, 0, 0.0), PREDICT]
        script += [step("steer", 0.0, name="Jump", values=[{}]), *frames(0, 0.2)]
        ticks = ticks_of(play_client(*script))
        told = [noise(tick, 0.2, 7) for tick in (ticks[0], ticks[0], ticks[1])]
        told += [noise(ticks[0], 0.2, 8), self.own(ticks[-1], 0, 0.2)]
        heard = kinds(play_client(*script, *told), "event")
        wanted = [["event", "Shot", {"x": 5}, tick] for tick in ticks]
        again = ["event", "Shot", {"x": 5}, ticks[0]]
        self.assertEqual(heard, [*wanted, again, again])
