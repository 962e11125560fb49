# SPDX-License-Identifier: MIT
"""The browser's clock, own time and view go as Python's do, over every link."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction import (
    ClockSync,
    Feedback,
    Input,
    InputBuffer,
    InputQueue,
    Lead,
    Playout,
    Schedule,
    wire_clock,
)
from tests.browser.javascript import run_program

TICK_RATE = 60
SECONDS = 30
SETTLED = 10  # seconds, after which the measures count
DRIFT = 100e-6
#: round trip, mean extra delay each way, loss, a stall of ours
LINKS = [
    (0.0, 0.0, 0.0, False),
    (0.05, 0.005, 0.0, False),
    (0.1, 0.02, 0.05, False),
    (0.2, 0.02, 0.1, True),
    (1.0, 0.05, 0.1, False),
    (5.0, 0.05, 0.1, False),
]
#: The same, of games whose ticks are long.
SLOW = [
    (rate, (rtt, jitter, 0.0, has_stall))
    for rate in (1.0, 1.9, 3.0)
    for rtt, jitter, has_stall in ((0.05, 0.005, False), (0.2, 0.02, rate == 1.0))
]


class Press(Input):
    """Nothing much."""


class Link:
    """A client in Python on a link, and a script of what it was told.

    Args:
        seed: of delays and losses.
        rtt: seconds there and back, at least.
        jitter: seconds of delay each way besides, on average.
        loss: share of packets.
        has_stall: whether the client stands still for two seconds.
        tick_rate: ticks a second.
    """

    def __init__(
        self,
        seed: int,
        rtt: float,
        jitter: float,
        loss: float,
        has_stall: bool,
        tick_rate: float = TICK_RATE,
    ) -> None:
        self.tick_rate = tick_rate
        self.random = Random(seed)
        self.rtt, self.jitter, self.loss = rtt, jitter, loss
        self.clock, self.lead = ClockSync(tick_rate), Lead(tick_rate)
        self.playout, self.buffer = Playout(tick_rate), InputBuffer([Press])
        self.queue = InputQueue([Press], tick_rate)
        self.up: list[tuple[float, bytes]] = []
        self.down: list[tuple[float, Any]] = []
        self.script: list[list[Any]] = []
        self.answers: list[Any] = []
        self.errors: list[float] = []
        self.n_missing = [0, 0]
        self.n_stale = [0, 0]
        self.tick = math.floor(self.tick_at(0.0))
        self.answered = 0.0
        self.do("seed", self.tick_at(0.0), 0.0, 0.0)
        for step in range(1, 1 + SECONDS * 240):
            now = step / 240
            self.serve(now)
            if has_stall and 5 <= now < 7:
                continue
            self.hear(now)
            if step % 3 == 0:
                self.act(now)
            if abs(now - SETTLED) < 1e-9:
                self.n_missing[0] = self.queue.n_missing
                self.n_stale[0] = self.playout.n_stale
        self.n_missing[1] = self.queue.n_missing
        self.n_stale[1] = self.playout.n_stale

    def tick_at(self, now: float) -> float:
        """Return the server's true time, in ticks."""
        return (now * (1 + DRIFT) + 7.3) * self.tick_rate

    def arrival(self, now: float) -> float | None:
        """Return when something arrives that is sent now; None if it is lost."""
        if self.random.random() < self.loss:
            return None
        extra = self.random.expovariate(1 / self.jitter) if self.jitter else 0.0
        return now + self.rtt / 2 + extra

    def serve(self, now: float) -> None:
        """Let the server hear, step, and answer."""
        at = self.tick_at(now)
        for when, data in [each for each in self.up if each[0] <= now]:
            self.up.remove((when, data))
            self.queue.receive(data, tick=self.tick, at=self.tick_at(when))
        while self.tick < math.floor(at):
            self.tick += 1
            self.queue.take(self.tick)
            self.tell(now, self.tick)
        if now - self.answered >= 0.1:
            feedback = self.queue.feedback(at)
            if feedback is not None:
                self.answered = now
                self.tell(now, feedback.encode())

    def tell(self, now: float, what: Any) -> None:
        """Send something down."""
        when = self.arrival(now)
        if when is not None:
            self.down.append((when, what))

    def hear(self, now: float) -> None:
        """Take what has arrived."""
        for each in sorted((e for e in self.down if e[0] <= now), key=lambda e: e[0]):
            self.down.remove(each)
            when, what = each
            if isinstance(what, int):
                self.do("arrived", what, max(when, now - 0.01))
                continue
            feedback = Feedback.decode(what)
            self.buffer.acked(feedback.acked)
            sent = feedback.sent_at(now)
            self.do("sample", sent, now, feedback.server_tick, feedback.held)
            self.do("hear", feedback.acked, feedback.slack, feedback.wanted)

    def act(self, now: float) -> None:
        """Begin own ticks and look."""
        ticks = self.do("advance", now)[0]
        if self.lead.resynced:
            self.buffer.restart()
        for tick in ticks:
            self.buffer.hold(Press(), tick)
            self.buffer.close(tick)
        if ticks:
            when = self.arrival(now)
            data = self.buffer.packet(wire_clock(now))
            if when is not None:
                self.up.append((when, data))
        self.do("view", now)
        if now >= SETTLED:
            error = self.clock.server_tick(now) - self.tick_at(now)
            self.errors.append(abs(error) / self.tick_rate)

    def do(self, step: str, *values: Any) -> Any:
        """Do a step in Python, and note it for the browser."""
        clock, lead, playout = self.clock, self.lead, self.playout
        answer: Any = None
        if step == "seed":
            clock.seed(*values)
        elif step == "sample":
            clock.sample(*values)
        elif step == "hear":
            acked, slack, wanted = values
            lead.hear(Feedback(0, None, 0.0, acked, slack, wanted))
        elif step == "arrived":
            playout.arrived(*values)
        elif step == "advance":
            (now,) = values
            ticks = list(lead.advance(now, clock))
            answer = [ticks, lead.resynced, lead.position(now), lead.ahead, lead.speed]
            answer += [lead.next_at(now), clock.server_tick(now)]
        else:
            (now,) = values
            answer = [playout.view_tick(now), playout.is_stale(now), playout.delay]
            answer += [playout.jitter, playout.speed]
        self.script.append([step, *values])
        self.answers.append(answer)
        return answer

    @property
    def counts(self) -> list[int]:
        """Return what own time and view have counted."""
        lead, playout = self.lead, self.playout
        return [lead.tick, lead.n_resyncs, playout.n_views, playout.n_stale]

    @property
    def clock_state(self) -> list[float]:
        """Return what the clock knows."""
        clock = self.clock
        state = [clock.rtt, clock.jitter, clock.drift, clock.error]
        return [*state, clock.n_samples, clock.n_resyncs]


class TimeLineTests(SynchronousTestCase):
    """Own ticks, server's time and view, in the browser and in Python."""

    def assert_same(self, its: Any, mine: Any, what: Any) -> None:
        """Compare numbers that were reckoned in the same order, but for a last bit."""
        if isinstance(mine, list):
            self.assertEqual(len(its), len(mine), what)
            for one, other in zip(its, mine, strict=True):
                self.assert_same(one, other, what)
        elif isinstance(mine, float):
            self.assertTrue(math.isclose(its, mine, rel_tol=1e-9, abs_tol=1e-9), what)
        else:
            self.assertEqual(its, mine, what)

    def test_same(self) -> None:
        """Told the same at the same moments, all three are at the same place."""
        links = [Link(seed, *link) for seed, link in enumerate(LINKS)]
        links += [Link(seed, *link, rate) for seed, (rate, link) in enumerate(SLOW)]
        argument = [
            {"tickRate": link.tick_rate, "delay": None, "script": link.script}
            for link in links
        ]
        played = run_program("timelines.js", {"links": argument})["played"]
        for number, (link, its) in enumerate(zip(links, played, strict=True)):
            self.assertEqual(len(its["answers"]), len(link.answers))
            for step, one, other in zip(
                link.script, its["answers"], link.answers, strict=True
            ):
                self.assert_same(one, other, (number, step, one, other))
            self.assert_same(its["clock"], link.clock_state, number)
            self.assertEqual(its["counts"], link.counts, number)

    def test_good(self) -> None:
        """The time is right, frames come in time, the view has samples.

        What Python's reach, the browser's reach, as they go the same: the estimate is
        wrong by a fraction of the jitter, one frame of forty is late at most, one look
        of two hundred without fresh data.
        """
        for seed, link in enumerate(LINKS):
            ran = Link(seed, *link)
            error = sorted(ran.errors)[len(ran.errors) // 2]
            self.assertLess(error, max(0.005, ran.jitter / 4), link)
            n_missing = ran.n_missing[1] - ran.n_missing[0]
            self.assertLess(n_missing / (SECONDS - SETTLED) / TICK_RATE, 0.025, link)
            n_stale, n_views = ran.n_stale[1] - ran.n_stale[0], 80 * SECONDS
            self.assertLess(n_stale / n_views, 0.005, link)

    def test_slow(self) -> None:
        """Where ticks are long, a part of one is neither a stall nor far off."""
        for seed, (rate, link) in enumerate(SLOW):
            ran = Link(seed, *link, rate)
            self.assertEqual(ran.lead.n_resyncs, 0, (rate, link))
            self.assertGreater(ran.queue.n_taken, rate * SECONDS / 2)

    def test_fixed(self) -> None:
        """A delay that is given stays."""
        script = [
            ["arrived", tick, tick / TICK_RATE + tick % 7 / 90] for tick in range(200)
        ]
        script += [["view", 200 / TICK_RATE]]
        link = {"tickRate": TICK_RATE, "delay": 0.2, "script": script}
        (its,) = run_program("timelines.js", {"links": [link]})["played"]
        self.assertEqual(its["answers"][-1][2], 0.2)

    def test_schedule(self) -> None:
        """Calls are made by tick, then in order; those that are cancelled never."""
        random = Random(3)
        moments = sorted(random.randrange(50) for _ in range(300))
        calls = [[random.randrange(60), at] for at in moments]
        schedule, now = Schedule(), 0
        made: list[int] = []
        for n, (tick, at) in enumerate(calls):
            for each in range(now, at):
                for call in schedule.due(each):
                    call()
            now = at
            call = schedule.at(tick, made.append, n)
            if n % 3 == 2:
                call.cancel()
        for call in schedule.due(1 << 40):
            call()
        its = run_program("timelines.js", {"calls": calls})["scheduled"]
        self.assertEqual(its, {"made": made, "left": 0})
