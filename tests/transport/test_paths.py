# SPDX-License-Identifier: MIT
"""Packets travel as their impairment says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.transport import Impairment, Path, monotonic_seconds


class PathTests(SynchronousTestCase):
    """A `Path` delivers packets later."""

    def setUp(self):
        self.clock = Clock()
        self.arrived = []

    def path(self, **settings):
        """Return a path that writes down when packets arrive."""
        return Path(
            self.clock,
            Impairment(**settings),
            lambda packet: self.arrived.append(
                (round(self.clock.seconds(), 6), packet)
            ),
        )

    def test_latency(self):
        """A packet arrives when the latency has passed, never at once."""
        path = self.path(latency=0.125)
        path.send(b"a")
        self.clock.advance(0.0625)
        path.send(b"b")
        self.assertEqual(self.arrived, [])
        for _ in range(20):
            self.clock.advance(0.015625)
        self.assertEqual(self.arrived, [(0.125, b"a"), (0.1875, b"b")])

    def test_no_latency(self):
        """Even without latency a packet arrives in a later turn."""
        self.path().send(b"a")
        self.assertEqual(self.arrived, [])
        self.clock.advance(0)
        self.assertEqual(self.arrived, [(0.0, b"a")])

    @given(st.lists(st.floats(0, 0.05), max_size=30))
    def test_order(self, gaps):
        """Packets sent at one time arrive in their order."""
        clock, arrived = Clock(), []
        path = Path(clock, Impairment(latency=0.1), arrived.append)
        sent = []
        for i, gap in enumerate(gaps):
            clock.advance(gap)
            sent += [b"%d" % i, b"+%d" % i]
            path.send(sent[-2])
            path.send(sent[-1])
        clock.advance(1)
        self.assertEqual(arrived, sent)
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_one_delayed_call(self):
        """However many packets travel, one delayed call waits for the next."""
        path = self.path(latency=0.1, jitter=0.1)
        for _ in range(100):
            path.send(b"x")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_loss(self):
        """A lost packet leaves nothing behind."""
        self.path(loss=1).send(b"a")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close(self):
        """What travels on a path that closes is lost."""
        path = self.path(latency=0.1)
        path.send(b"a")
        path.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.clock.advance(1)
        self.assertEqual(self.arrived, [])
        path.close()


class ClockTests(SynchronousTestCase):
    """The time of connections does not jump when somebody sets the clock."""

    def test_a_clock_is_believed(self):
        """Any clock but the time of day tells the time itself."""
        clock = Clock()
        clock.advance(5)
        self.assertEqual(monotonic_seconds(clock)(), 5)

    def test_the_time_of_day_is_not(self):
        """A reactor, which tells the time of day, is replaced by a monotonic clock."""

        class Reactor:
            seconds = ReactorBase.seconds

        seconds = monotonic_seconds(Reactor())
        self.assertIsNot(seconds, Reactor.seconds)
        self.assertLessEqual(seconds(), seconds())
