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

    def test_closed_path(self):
        """A path that was closed carries nothing any more."""
        path = self.path(latency=0.1)
        path.close()
        path.send(b"a")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_close_while_delivering(self):
        """What arrives together with what closed the path does not arrive."""
        path = Path(self.clock, Impairment(), lambda packet: self.end(path, packet))
        path.send(b"a")
        path.send(b"b")
        self.clock.advance(0)
        self.assertEqual(self.arrived, [b"a"])

    def end(self, path, packet):
        """Take a packet, and close its path."""
        self.arrived.append(packet)
        path.close()

    def test_flush(self):
        """What is on its way can be delivered at once, in its order."""
        path = self.path(latency=0.1, jitter=0.05, seed=1)
        for number in range(10):
            path.send(b"%d" % number)
        other = Path(self.clock, Impairment(latency=0.1, jitter=0.05, seed=1), list)
        for number in range(10):
            other.send(b"%d" % number)
        expected = [packet for _, _, packet in sorted(other._travelling)]
        other.close()
        path.flush()
        self.assertEqual(self.arrived, [(0.0, packet) for packet in expected])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_bound(self):
        """Packets on their way are bounded; those beyond are dropped and counted."""
        path = self.path(latency=3600)
        for _ in range(17_000):
            path.send(b"")
        self.assertEqual(len(path), 16_384)
        stats = path.impairment.stats()
        self.assertEqual((stats.offered, stats.overflowed), (17_000, 17_000 - 16_384))
        path.close()


class StreamPathTests(SynchronousTestCase):
    """A path of a stream delays, and says when it is full."""

    def setUp(self):
        self.clock = Clock()
        self.arrived = []
        self.rooms = []

    def path(self, **settings):
        """Return a path that writes down what arrives."""
        return Path(
            self.clock, Impairment(**settings), self.arrived.append, in_order=True
        )

    @given(st.integers(0, 1000))
    def test_order(self, seed):
        """Whatever happens to the packets beneath, the order is kept."""
        clock, arrived = Clock(), []
        impairment = Impairment(
            latency=0.02, jitter=0.1, loss=0.3, duplicate=0.3, reorder=0.2, seed=seed
        )
        path = Path(clock, impairment, arrived.append, in_order=True)
        for number in range(100):
            path.send(b"%d" % number)
            clock.advance(0.01)
        clock.advance(5000)
        self.assertEqual(arrived, [b"%d" % number for number in range(100)])

    def test_full(self):
        """A slow path is full beyond its queue, and calls back when it is not."""
        path = self.path(rate=1000, queue=0.25)
        path.send(bytes(200))
        self.assertFalse(path.is_full)
        path.send(bytes(200))
        self.assertTrue(path.is_full)
        path.when_room(lambda: self.rooms.append(self.clock.seconds()))
        for _ in range(60):
            self.clock.advance(0.01)
        (moment,) = self.rooms
        self.assertApproximates(moment, 0.4 - 0.125, 0.011)
        self.assertEqual(len(self.arrived), 2)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_full_again(self):
        """A path that was filled up meanwhile is looked at again."""
        path = self.path(rate=1000, queue=0.25)
        path.send(bytes(400))
        path.when_room(lambda: self.rooms.append(self.clock.seconds()))
        path.when_room(lambda: self.rooms.append("twice"))
        self.clock.advance(0.2)
        path.send(bytes(400))
        for _ in range(80):
            self.clock.advance(0.01)
        (moment,) = self.rooms
        self.assertApproximates(moment, 0.8 - 0.125, 0.011)

    def test_close_while_full(self):
        """A path that closes waits for nothing."""
        path = self.path(rate=1000, queue=0.25)
        path.send(bytes(400))
        path.when_room(lambda: self.rooms.append("never"))
        path.close()
        path.when_room(lambda: self.rooms.append("never"))
        self.assertEqual(self.clock.getDelayedCalls(), [])


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
