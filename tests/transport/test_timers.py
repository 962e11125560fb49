# SPDX-License-Identifier: MIT
"""Many sleepers, one delayed call: each is woken at its time, or soon after."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.transport.timers import RESOLUTION, TimerSet


class Sleeper:
    """Write down when it was woken, and sleep on for a given time."""

    def __init__(self, timers: TimerSet, timeouts: list[float]) -> None:
        self.alarm = math.inf
        self.timeouts = timeouts
        self.woken: list[float] = []
        self.settled = 0
        self._timers = timers

    def next_timeout(self) -> float | None:
        return self.timeouts[0] if self.timeouts else None

    def wake(self, *, now: float) -> None:
        self.woken.append(now)
        while self.timeouts and self.timeouts[0] <= now:
            del self.timeouts[0]
        self._timers.schedule(self)

    def settle(self) -> None:
        self.settled += 1
        self._timers.schedule(self)


class TimerSetTests(SynchronousTestCase):
    """A `TimerSet` wakes sleepers."""

    def setUp(self):
        self.clock = Clock()
        self.timers = TimerSet(self.clock, self.clock.seconds)

    def sleeper(self, *timeouts: float) -> Sleeper:
        sleeper = Sleeper(self.timers, list(timeouts))
        self.timers.schedule(sleeper)
        return sleeper

    @given(st.lists(st.lists(st.floats(0, 2), max_size=5), max_size=10))
    def test_every_timeout_is_met(self, timeouts):
        """Nobody is woken before a timeout, nor much later than the resolution."""
        clock = Clock()
        timers = TimerSet(clock, clock.seconds)
        sleepers = [Sleeper(timers, sorted(each)) for each in timeouts]
        for sleeper in sleepers:
            timers.schedule(sleeper)
        for _ in range(2200):
            due = [s.timeouts[0] if s.timeouts else math.inf for s in sleepers]
            clock.advance(0.001)
            late = clock.seconds() - RESOLUTION - 0.002
            for sleeper, time in zip(sleepers, due, strict=True):
                if sleeper.timeouts and sleeper.timeouts[0] == time:
                    self.assertGreater(time, late)
        self.assertTrue(all(not s.timeouts for s in sleepers))
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_one_call(self):
        """A hundred sleepers have one delayed call between them."""
        for i in range(100):
            self.sleeper(1 + i / 100)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_an_earlier_timeout(self):
        """A timeout that moves to an earlier time rings then, and once."""
        sleeper = self.sleeper(5.0)
        sleeper.timeouts[:] = [1.0]
        self.timers.schedule(sleeper)
        self.clock.advance(1.0)
        self.clock.advance(5.0)
        self.assertEqual(sleeper.woken, [1.0])

    def test_a_later_timeout(self):
        """A timeout that moves to a later time costs one early ring, no more."""
        sleeper = self.sleeper(1.0)
        sleeper.timeouts[:] = [5.0]
        for _ in range(10):
            self.timers.schedule(sleeper)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(1.0)
        self.clock.advance(4.0)
        self.assertEqual(sleeper.woken, [1.0, 5.0])

    def test_resolution(self):
        """Timeouts close together ring together: the call is made at most so often."""
        sleepers = [self.sleeper(1 + i / 1000) for i in range(20)]
        rung = []
        for _ in range(60):
            self.clock.advance(0.001)
        for _ in range(1000):
            before = sum(len(s.woken) for s in sleepers)
            self.clock.advance(0.001)
            if sum(len(s.woken) for s in sleepers) != before:
                rung.append(self.clock.seconds())
        self.assertEqual(len(rung), 3)

    def test_a_timeout_that_is_never_met(self):
        """A sleeper that stays overdue is asked again, and does not hold the loop."""
        sleeper = self.sleeper(1.0)
        sleeper.wake = lambda *, now: (
            sleeper.woken.append(now),
            self.timers.schedule(sleeper),
        )
        self.clock.advance(1.0)
        self.assertEqual(len(sleeper.woken), 1)
        for _ in range(100):
            self.clock.advance(0.001)
        self.assertLessEqual(len(sleeper.woken), 12)

    def test_touch(self):
        """A touched sleeper is settled soon, once however often it was touched."""
        sleeper = self.sleeper()
        self.timers.touch(sleeper)
        self.clock.advance(0)
        self.assertEqual(sleeper.settled, 1)
        self.timers.touch(sleeper)
        self.clock.advance(RESOLUTION / 2)
        self.assertEqual(sleeper.settled, 1)
        self.clock.advance(RESOLUTION / 2)
        self.assertEqual(sleeper.settled, 2)

    def test_forget(self):
        """A forgotten sleeper is not woken."""
        sleeper, other = self.sleeper(1.0), self.sleeper(1.0)
        self.timers.forget(sleeper)
        self.clock.advance(2.0)
        self.assertEqual((sleeper.woken, other.woken), ([], [2.0]))

    def test_forgotten_are_let_go(self):
        """Those who come and go do not pile up until they would have been woken."""
        stays = self.sleeper(50.0)
        for _ in range(1000):
            self.timers.forget(self.sleeper(100.0))
        self.assertLess(len(self.timers._heap), 40)
        self.clock.advance(60.0)
        self.assertEqual(stays.woken, [60.0])

    def test_earlier_alarms_are_let_go(self):
        """Nor do the alarms that a sleeper has left behind."""
        many = [self.sleeper(1000.0) for _ in range(50)]
        for sleeper in many:
            for timeout in range(900, 100, -100):
                sleeper.timeouts[:] = [float(timeout)]
                self.timers.schedule(sleeper)
        for sleeper in many[:-1]:
            self.timers.forget(sleeper)
        self.assertLess(len(self.timers._heap), 500)
        self.clock.advance(200.0)
        self.assertEqual(many[-1].woken, [200.0])

    def test_stop(self):
        """A stopped set leaves nothing behind, and can be used again."""
        sleeper = self.sleeper(1.0)
        self.timers.touch(sleeper)
        self.timers.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.timers.stop()
        later = self.sleeper(2.0)
        self.clock.advance(3.0)
        self.assertEqual((sleeper.woken, later.woken), ([], [3.0]))
