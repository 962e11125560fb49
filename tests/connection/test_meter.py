# SPDX-License-Identifier: MIT
"""Tests of the history of a connection."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.meter import HISTORY, Meter
from gamenet.stats import Sample
from tests.connection.traffics import End

Totals = tuple[int, int, int, int, int, int]


class MeterTests(SynchronousTestCase):
    """Totals become rates, once a second, for two minutes."""

    def setUp(self) -> None:
        self.meter = Meter(100.0)
        self.end = End()

    def take(self, now: float, *totals: int) -> None:
        """Take a sample."""
        padded = (*totals, *[0] * (6 - len(totals)))
        self.meter.take(now, padded, self.end.traffic)

    def test_nothing_yet(self) -> None:
        """Before the first sample there is no history, and the newest says nothing."""
        self.assertEqual((self.meter.history(), self.meter.recent()), ([], Sample()))
        self.assertEqual(self.meter.next_at, 101.0)

    def test_rates(self) -> None:
        """A sample has what was counted since the one before it."""
        self.take(101.0, 100, 10, 90, 10, 5000, 700)
        self.take(103.0, 150, 10, 180, 10, 9000, 700)
        first, second = self.meter.history()
        self.assertEqual((first.time, second.time), (101.0, 103.0))
        self.assertEqual((first.bytes_out, first.bytes_in), (5000.0, 700.0))
        self.assertEqual((second.bytes_out, second.bytes_in), (2000.0, 0.0))
        self.assertAlmostEqual(first.loss_out, 0.1)
        self.assertAlmostEqual(first.loss_in, 0.1)
        self.assertEqual((second.loss_out, second.loss_in), (0.0, 0.0))
        self.assertEqual(self.meter.next_at, 104.0)

    def test_losses_of_the_last_seconds(self) -> None:
        """The newest sample says the losses of the last five."""
        for n in range(10):
            self.take(101.0 + n, 100 * (n + 1), 10 * (n + 1) if n < 7 else 70)
        recent = self.meter.recent()
        self.assertEqual(recent.time, 110.0)
        self.assertAlmostEqual(recent.loss_out, 0.04)

    def test_bounded(self) -> None:
        """After two minutes the oldest samples make room, and the order stays."""
        for n in range(HISTORY + 50):
            self.take(101.0 + n, n)
        times = [sample.time for sample in self.meter.history()]
        self.assertEqual(times, [151.0 + n for n in range(HISTORY)])

    def test_counts_that_shrink(self) -> None:
        """A packet that came late after all makes no rate negative."""
        self.take(101.0, 10, 5, 10, 5)
        self.take(102.0, 10, 3, 10, 2)
        newest = self.meter.history()[-1]
        self.assertEqual((newest.loss_out, newest.loss_in), (0.0, 0.0))

    def test_clock(self) -> None:
        """A clock that stands still or jumps by hours gives finite numbers."""
        for now in (100.0, 100.0, 50_000.0, 50_000.0):
            self.take(now, 10, 0, 10, 0, 1000, 1000)
        self.assertTrue(all(s.bytes_out < 1e9 for s in self.meter.history()))

    def test_late_in_the_life_of_a_computer(self) -> None:
        """Times are right to the hundredth, however long the computer has run."""
        self.meter = Meter(3e7)
        for n in range(1, 200):
            self.take(3e7 + 1.25 * n)
        newest = self.meter.history()[-1].time
        self.assertAlmostEqual(newest, 3e7 + 1.25 * 199, places=2)

    def test_queue_and_window(self) -> None:
        """What waits and what may be on its way is noted, too."""
        self.end.send(0, bytes(3000))
        self.take(101.0)
        [sample] = self.meter.history()
        self.assertEqual(sample.queued, 3000.0)
        self.assertEqual(sample.window, self.end.link.congestion.window)
