# SPDX-License-Identifier: MIT
"""The browser's client runs its own ticks, and keeps time with the server."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.protocol import INPUTS
from gamenet.prediction import Feedback, InputCodec, InputPacket, wire_clock
from tests.browser.test_client import (
    PROTOCOL,
    WELCOME,
    Jump,
    Position,
    Steer,
    Step,
    control,
    kinds,
    part,
    play,
    sent_on,
    snapshot,
    step,
    telling,
)

FRAME = 1 / 60
STEER = step("steer", name="Steer", values=[{"x": 9}])


def packets(answer: Any) -> list[InputPacket]:
    """Return the input packets that the client sent."""
    codec = InputCodec(PROTOCOL.inputs)
    return [codec.decode(data) for data in sent_on(answer, INPUTS)]


def frames(begin: float, end: float, action: str = "advance") -> list[Step]:
    """Return what a page does in its frames between two moments."""
    numbers = range(math.ceil(begin / FRAME), math.ceil(end / FRAME))
    return [step(action, number * FRAME) for number in numbers]


def feedback(
    now: float, tick: float, acked: int = 0, slack: float = 0.0, **more: Any
) -> Step:
    """Return the step in which the server answers; it took 20 ms each way."""
    told = Feedback(
        echo=wire_clock(now - 0.05),
        held=0.01,
        server_tick=tick - 0.4,
        acked=acked,
        slack=slack,
        wanted=more.pop("wanted", 1.0),
        **more,
    )
    return step("receive", now, channel=INPUTS, bytes=told.encode().hex())


def ticks_of(answer: Any) -> list[int]:
    """Return the own ticks that were told."""
    return [tick for _, tick in kinds(answer, "tick")]


class OwnTickTests(SynchronousTestCase):
    """A page samples its inputs in own ticks."""

    def test_every_tick(self) -> None:
        """Each own tick is told once, and one packet is sent for it."""
        answer = play(control(WELCOME), STEER, *frames(0, 2))
        ticks = ticks_of(answer)
        self.assertEqual(ticks, list(range(ticks[0], ticks[0] + len(ticks))))
        self.assertIn(len(ticks), range(38, 43))
        sent = [packet for packet in packets(answer) if packet.frames]
        self.assertEqual([packet.newest for packet in sent], ticks)
        for packet in sent:
            self.assertTrue(packet.is_steady)
            for frame in packet.frames:
                self.assertEqual(frame.inputs, (Steer(x=9),))
                self.assertIsNotNone(frame.sight)

    def test_anyone(self) -> None:
        """Frames and a timer may both ask for ticks: each is told once nevertheless."""
        both = sorted(
            [*frames(0, 1), *frames(0, 1, "keep"), *frames(0, 1)],
            key=lambda each: each["now"],
        )
        answer, alone = (
            play(control(WELCOME), STEER, *steps) for steps in (both, frames(0, 1))
        )
        self.assertEqual(ticks_of(answer), ticks_of(alone))
        self.assertEqual(sent_on(answer, INPUTS), sent_on(alone, INPUTS))

    def test_own_frame(self) -> None:
        """An input within a tick is of it; a second of its class of the next one."""
        twice = step("steer", name="Steer", values=[{"x": 1}, {"x": 2}])
        steps = [twice, *frames(0, 0.01), step("unwatch"), *frames(0.02, 0.3)]
        answer = play(control(WELCOME), *steps)
        (first,) = ticks_of(answer)
        newest = packets(answer)[-1]
        self.assertGreater(newest.newest, first + 2)
        inputs = {frame.tick: frame.inputs for frame in newest.frames}
        self.assertEqual(inputs[first], (Steer(x=1),))
        self.assertEqual(inputs[first + 1], (Steer(x=2),))
        self.assertEqual(inputs[first + 2], ())

    def test_between(self) -> None:
        """An input between two ticks goes with the next frame."""
        nothing = step("steer", name="Steer", values=[])
        jump = step("input", 0.17, name="Jump", values={})
        steps = [nothing, *frames(0, 0.16), jump, *frames(0.18, 0.4)]
        answer = play(control(WELCOME), *steps)
        n_sent = len(packets(play(control(WELCOME), *steps[:-14])))
        self.assertLess(n_sent, len(packets(answer)))
        with_jump = [
            frame.tick
            for frame in packets(answer)[-1].frames
            if frame.inputs == (Jump(),)
        ]
        self.assertEqual(len(with_jump), 1)
        self.assertIn(with_jump[0], ticks_of(answer))

    def test_acknowledged(self) -> None:
        """What the server has is not repeated."""
        script = [control(WELCOME), STEER, *frames(0, 1)]
        newest = ticks_of(play(*script))[-1]
        heard = feedback(1.0, 120, acked=newest - 2, slack=2.0)
        answer = play(*script, heard, *frames(1.01, 1.08))
        last = packets(answer)[-1]
        self.assertEqual(min(frame.tick for frame in last.frames), newest - 1)

    def test_stall(self) -> None:
        """After a page stood still it goes on from now, and does not make up for it."""
        answer = play(control(WELCOME), STEER, *frames(0, 1), *frames(60, 61))
        ticks = ticks_of(answer)
        jumps = [b - a for a, b in pairwise(ticks) if b - a != 1]
        self.assertEqual(len(jumps), 1)
        self.assertGreater(jumps[0], 1100)
        self.assertLess(len(ticks), 45)
        self.assertEqual(answer["stats"]["resyncs"], 1)
        after = [packet for packet in packets(answer) if packet.newest > 1000]
        oldest = min(frame.tick for packet in after for frame in packet.frames)
        self.assertGreater(oldest, 1000)


class ServerTimeTests(SynchronousTestCase):
    """The server's time is measured."""

    def test_probes(self) -> None:
        """The server is asked often at first, then once in a second of silence."""
        answer = play(control(WELCOME), *frames(0, 5))
        clocks = [packet.clock / 1e6 for packet in packets(answer)]
        self.assertEqual(sum(clock < 0.3 for clock in clocks), 5)
        self.assertEqual(sum(clock >= 0.3 for clock in clocks), 4)
        self.assertEqual({packet.newest for packet in packets(answer)}, {0})

    def test_feedback(self) -> None:
        """Some answers suffice to know the time; a wrong welcome is mended."""
        heard = [feedback(n / 10, 100.7 + 2 * n) for n in range(1, 30)]
        answer = play(control(WELCOME), *heard, step("wait", 4.0))
        self.assertApproximates(answer["serverTick"], 180.7, 0.05)
        self.assertLess(answer["stats"]["clockError"], 0.01)

    def test_counts(self) -> None:
        """What the server counts modulo 256 is counted on."""
        heard = [
            feedback(n, 100 + 20 * n, late=100 * n % 256, missing=n, depth=n)
            for n in range(1, 9)
        ]
        stats = play(control(WELCOME), *heard)["stats"]
        self.assertEqual([stats["late"], stats["missing"], stats["depth"]], [800, 8, 8])
        self.assertEqual(stats["wanted"], 1)

    def test_ahead(self) -> None:
        """The own time goes where the server wants it, by its speed."""
        script: list[Step] = [control(WELCOME), STEER]
        for n in range(1, 100):
            now = n / 10
            script += frames(now - 0.1, now)
            # Of a server to which all that we send takes a tick and a half.
            tick = 100 + 20 * now
            acked = math.floor(tick - 1)
            script.append(feedback(now, tick, acked=acked, slack=-1.5, wanted=2.0))
        stats = play(*script)["stats"]
        self.assertEqual(stats["resyncs"], 0)
        self.assertGreater(stats["ahead"], 3)

    def test_malformed(self) -> None:
        """Feedback that cannot be, or that comes too soon, ends the connection."""
        short = step("receive", channel=INPUTS, bytes="0102")
        for script in ([control(WELCOME), short], [feedback(1.0, 100.0)]):
            self.assertEqual(play(*script)["closed"][0][0], "MALFORMED")

    def test_at(self) -> None:
        """Calls are made at their tick of the server's, in order, if they still are."""
        script = [
            control(WELCOME),
            step("schedule", ticks=[110, 105, 90, 106], seconds=[108 / 20]),
            step("unschedule", n=3),
            *frames(0, 1),
        ]
        told = kinds(play(*script), "at")
        self.assertEqual([tick for _, tick, _ in told], [90, 105, -108 / 20, 110])
        for _, moment, at in told[1:]:
            tick = moment if moment > 0 else 108
            self.assertTrue(tick <= at < tick + 0.4, (tick, at))


class ViewTimeTests(SynchronousTestCase):
    """The view lags by what the link needs, or by what the page wants."""

    def script(self) -> list[Step]:
        """Return snapshots, some lost and the next one late, and frames."""
        script = [control(WELCOME)]
        for n in range(100):
            now = n / 20 + (0.04 if n % 5 == 0 else 0.0)
            if n % 5 != 4:
                script += [snapshot(100 + n, telling(3, Position(x=n)), now=now)]
            script += [step("advance", n / 20 + 0.045), step("times", n / 20 + 0.045)]
        return script

    def test_measured(self) -> None:
        """It lags more where snapshots are late, goes evenly, and has samples."""
        answer = play(*self.script())
        times = [value for value in answer["values"] if isinstance(value, list)]
        views = [view for _, _, view, _ in times[20:]]
        self.assertEqual(views, sorted(views))
        steps = [b - a for a, b in pairwise(views)]
        self.assertTrue(all(0.9 <= each <= 1.1 for each in steps), steps)
        self.assertGreater(times[-1][3], 0.1)
        self.assertLess(times[-1][3], 0.2)
        # Stale at first, until it is known how late they may be.
        early = play(*self.script()[:61])["stats"]["stale"]
        self.assertEqual(answer["stats"]["stale"], early)
        self.assertEqual(answer["stats"]["delay"], times[-1][3])

    def test_fixed(self) -> None:
        """A delay that the page gives is kept."""
        answer = play(*self.script(), interpolationDelay=0.25)
        self.assertEqual(answer["delay"], 0.25)
        *_, view, _ = [v for v in answer["values"] if isinstance(v, list)][-1]
        self.assertApproximates(view, 100 + 20 * (99 / 20 + 0.045 - 0.25), 0.5)

    def test_before(self) -> None:
        """Before a snapshot nothing is seen, and frames say so."""
        answer = play(control(WELCOME), STEER, *frames(0, 0.3))
        sights = [frame.sight for frame in packets(answer)[-1].frames]
        self.assertEqual({(s.older, s.newer) for s in sights if s}, {(0, 0)})
        seen = play(
            control(WELCOME), STEER, *[part(100 + n, 0, 1) for n in range(1, 8)],
            *frames(0.3, 0.5),
        )  # fmt: skip
        self.assertIsNotNone(packets(seen)[-1].frames[0].sight)
