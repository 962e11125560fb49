# SPDX-License-Identifier: MIT
"""Tests of the client's own time, together with clock, queue and feedback."""

from __future__ import annotations

from statistics import fmean

from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction import ClockSync, Feedback, Lead
from tests.prediction.loops import Link, Loop


def played(
    rtt: float, loss: float, rate: float, seed: int = 1, jitter: float = 0.02
) -> Loop:
    """Return a match that has settled for ten seconds."""
    ways = [Link(rtt / 2, jitter if loss else 0.0, "normal", loss) for _ in range(2)]
    loop = Loop(ways[0], ways[1], rate, seed)
    loop.run(10 + rtt)
    loop.aheads.clear()
    return loop


class LoopTests(SynchronousTestCase):
    """Frames come in time at any latency, and no earlier than the link needs."""

    def test_clean_links(self) -> None:
        """Without jitter and loss a tick or two more than half the round trip."""
        for rate in (10.0, 30.0, 60.0):
            for rtt in (0.0, 0.05, 0.2, 1.0, 5.0):
                loop = played(rtt, 0.0, rate)
                late = loop.queue.n_late
                loop.run(20.0)
                ahead = [ahead - rtt / 2 * rate for _, ahead in loop.aheads]
                self.assertEqual(loop.queue.n_late, late, (rate, rtt))
                # A picture takes a sixtieth, and an input leaves with one.
                self.assertLess(fmean(ahead), 1.7 + rate / 48, (rate, rtt))
                self.assertGreater(min(ahead), 0.9, (rate, rtt))
                self.assertLess(max(ahead) - min(ahead), 1.0 + rate / 60, (rate, rtt))
                self.assertEqual(loop.lead.n_resyncs, 0)

    def test_bad_links(self) -> None:
        """With 20 ms of jitter and 5 % loss practically no frame is late."""
        n_late = 0
        for rate in (10.0, 30.0, 60.0):
            for rtt in (0.05, 0.2, 1.0, 5.0):
                loop = played(rtt, 0.05, rate)
                before = loop.queue.n_late, loop.queue.n_missing
                loop.run(60.0)
                late = loop.queue.n_late - before[0]
                n_late += late
                self.assertLessEqual(late, 2, (rate, rtt))
                ahead = [ahead - rtt / 2 * rate for _, ahead in loop.aheads]
                self.assertLess(fmean(ahead), 3.5 + rate * 0.04, (rate, rtt))
                self.assertLess(loop.queue.n_missing - before[1], 3, (rate, rtt))
                self.assertEqual(loop.lead.n_resyncs, 0, (rate, rtt))
                self.assertEqual(loop.queue.n_early, 0, (rate, rtt))
        self.assertLessEqual(n_late, 4)

    def test_frames_are_those_of_their_tick(self) -> None:
        """What the client did in a tick is what the server does in it."""
        loop = played(0.2, 0.05, 30.0)
        loop.taken.clear()
        loop.run(20.0)
        self.assertGreater(len(loop.taken), 590)
        right = sum(tick == meant for tick, meant in loop.taken)
        self.assertGreaterEqual(right, len(loop.taken) - 2)

    def test_asymmetric(self) -> None:
        """Which way is the long one does not matter."""
        for up, down in ((0.18, 0.02), (0.02, 0.18)):
            loop = Loop(Link(up, 0.005), Link(down, 0.005), 30.0, 1)
            loop.run(10.0)
            late = loop.queue.n_late
            loop.aheads.clear()
            loop.run(20.0)
            self.assertEqual(loop.queue.n_late, late)
            ahead = fmean(ahead for _, ahead in loop.aheads)
            self.assertTrue(1.0 < ahead - up * 30 < 3.5, ahead)

    def test_another_way(self) -> None:
        """A link that gets 100 ms longer costs some frames, then none."""
        loop = played(0.05, 0.05, 30.0)
        loop.up.delay += 0.05
        loop.down.delay += 0.05
        loop.run(5.0)
        late = loop.queue.n_late
        loop.run(20.0)
        self.assertLessEqual(loop.queue.n_late - late, 1)

    def test_stall(self) -> None:
        """A program that stood still for three seconds jumps, and says so."""
        loop = played(0.1, 0.05, 30.0)
        loop.stalled_until = loop.now + 3.0
        loop.run(6.0)
        self.assertTrue(1 <= loop.lead.n_resyncs <= 2)
        late = loop.queue.n_late
        loop.run(20.0)
        self.assertLessEqual(loop.queue.n_late - late, 4)
        self.assertTrue(1 <= loop.lead.n_resyncs <= 2)

    def test_server_skips(self) -> None:
        """A server that left out two seconds is followed by a jump."""
        for seconds in (2.0, -2.0):
            loop = played(0.1, 0.05, 30.0)
            loop.skipped += seconds * 30
            loop.run(5.0)
            self.assertTrue(1 <= loop.lead.n_resyncs <= 3, loop.lead.n_resyncs)
            before = loop.lead.n_resyncs, loop.queue.n_missing
            loop.run(20.0)
            self.assertEqual(loop.lead.n_resyncs, before[0])
            self.assertLess(loop.queue.n_missing - before[1], 60)

    def test_wrong_welcome(self) -> None:
        """A round trip that was measured wrong is made up for by a jump."""
        loop = Loop(Link(0.5), Link(0.5), 30.0, 1, known_rtt=0.1)
        loop.run(5.0)
        self.assertTrue(1 <= loop.lead.n_resyncs <= 2)
        late = loop.queue.n_late
        loop.run(10.0)
        self.assertEqual(loop.queue.n_late, late)


class LeadTests(SynchronousTestCase):
    """The own time changes its speed, gives each tick once, and jumps aloud."""

    def setUp(self) -> None:
        self.clock, self.lead = ClockSync(30.0), Lead(30.0)

    def test_before_the_clock(self) -> None:
        """Nothing begins before anything is known of the server's time."""
        self.assertEqual(list(self.lead.advance(1.0, self.clock)), [])
        self.assertFalse(self.lead.is_running)

    def test_each_tick_once(self) -> None:
        """Ticks begin one after the other, whatever the steps of time."""
        self.clock.seed(100.0, 0.0, 0.0)
        ticks: list[int] = []
        now = 0.0
        for n in range(500):
            ticks += self.lead.advance(now, self.clock)
            self.assertEqual(self.lead.tick, ticks[-1])
            now += (n * 7919 % 13) / 100
        self.assertEqual(ticks, list(range(ticks[0], ticks[0] + len(ticks))))
        self.assertEqual(self.lead.n_resyncs, 0)
        self.assertGreaterEqual(self.lead.ahead, 1.0)

    def test_speed(self) -> None:
        """An error is made up by a tenth of the speed at most."""
        self.clock.seed(100.0, 0.0, 0.0)
        self.lead.advance(0.0, self.clock)
        tick = self.lead.tick
        for n in range(1, 60):
            self.lead.advance(n / 60, self.clock)
            # The first answer is that the beginning was right.
            slack = -4.0 if n > 2 else 1.0
            feedback = Feedback(0, None, 0.0, tick, slack=slack, wanted=1.0)
            self.lead.hear(feedback)
            self.assertTrue(0.9 <= self.lead.speed <= 1.1)
        self.assertEqual(self.lead.speed, 1.1)
        self.assertEqual(self.lead.n_resyncs, 0)

    def test_first_answer(self) -> None:
        """The beginning is a guess: the first answer may set it anew, aloud."""
        self.clock.seed(100.0, 0.0, 0.0)
        self.lead.advance(0.0, self.clock)
        self.lead.hear(Feedback(0, None, 0.0, self.lead.tick, slack=-4.0, wanted=1.0))
        self.lead.advance(0.02, self.clock)
        self.assertTrue(self.lead.resynced)
        self.assertLess(abs(self.lead.ahead - 7.0), 1e-6)
        self.assertEqual(self.lead.n_resyncs, 0)

    def test_slow_ticks(self) -> None:
        """To wait for a tick is no stall, however long a tick is."""
        for rate in (0.5, 1.0, 1.9):
            clock, lead = ClockSync(rate), Lead(rate)
            clock.seed(100.0, 0.0, 0.0)
            ticks = list(lead.advance(0.0, clock))
            now = 0.0
            for _ in range(20):
                now += max(lead.next_at(now), 1e-4)
                ticks += lead.advance(now, clock)
            self.assertEqual(lead.n_resyncs, 0)
            self.assertEqual(ticks, list(range(ticks[0], ticks[0] + len(ticks))))

    def test_next(self) -> None:
        """It says when the next tick begins."""
        self.clock.seed(100.0, 0.0, 0.0)
        self.lead.advance(0.0, self.clock)
        for _ in range(20):
            now = (self.lead._now or 0.0) + self.lead.next_at(self.lead._now or 0.0)
            tick = self.lead.tick
            self.assertLess(abs(self.lead.position(now) - tick - 1), 1e-6)
            self.assertEqual(list(self.lead.advance(now - 1e-6, self.clock)), [])
            self.assertEqual(
                list(self.lead.advance(now + 1e-6, self.clock)), [tick + 1]
            )
        self.assertEqual(self.lead.next_at(now + 9.0), 0.0)

    def test_jump(self) -> None:
        """After a gap it says that it jumped, once."""
        self.clock.seed(100.0, 0.0, 0.0)
        self.lead.advance(0.0, self.clock)
        self.assertFalse(self.lead.resynced)
        ticks = list(self.lead.advance(2.0, self.clock))
        self.assertEqual(ticks, [self.lead.tick])
        self.assertTrue(self.lead.resynced)
        self.assertGreaterEqual(ticks[0], 161)
        self.lead.advance(2.01, self.clock)
        self.assertEqual((self.lead.resynced, self.lead.n_resyncs), (False, 1))

    def test_time_stands(self) -> None:
        """Asked again at the same instant, nothing begins."""
        self.clock.seed(100.0, 0.0, 0.0)
        self.assertEqual(len(self.lead.advance(1.0, self.clock)), 1)
        self.assertEqual(list(self.lead.advance(1.0, self.clock)), [])
        self.assertEqual(list(self.lead.advance(0.5, self.clock)), [])

    def test_bounded(self) -> None:
        """No feedback leads it more than ten seconds ahead."""
        self.clock.seed(100.0, 0.0, 0.0)
        for n in range(2000):
            self.lead.advance(n / 60, self.clock)
            self.lead.hear(Feedback(0, None, 0.0, self.lead.tick, -256.0, 511.0))
        self.assertLessEqual(self.lead.ahead, 301.0)
        self.assertLessEqual(len(self.lead._begun), 2048)
