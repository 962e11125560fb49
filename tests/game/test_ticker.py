# SPDX-License-Identifier: MIT
"""Tests of the steady rate."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Ticker
from gamenet.testing import Clock


class TickerTests(SynchronousTestCase):
    """Ticks come at their moments, or are counted."""

    def setUp(self) -> None:
        """Tick thirty times a second."""
        self.clock = Clock()
        self.moments: list[float] = []
        self.ticker = Ticker(
            self.clock, 30, lambda: self.moments.append(self.clock.seconds())
        )

    def test_no_drift(self) -> None:
        """After an hour each tick still has its own moment."""
        self.ticker.start()
        self.clock.advance(3600)
        self.assertEqual(len(self.moments), 108_000)
        for i in (0, 1, 999, 107_999):
            self.assertAlmostEqual(self.moments[i], (i + 1) / 30, places=6)
        self.assertEqual((self.ticker.n_late, self.ticker.n_skipped), (0, 0))

    def test_catches_up(self) -> None:
        """A short hold-up is made good at once, and counted."""
        self.ticker.start()
        self.clock.rightNow += 0.11
        self.clock.advance(0)
        self.assertEqual(len(self.moments), 3)
        self.assertEqual((self.ticker.n_late, self.ticker.n_skipped), (2, 0))

    def test_skips_and_counts(self) -> None:
        """A long hold-up does not start a storm: what is too much is counted."""
        self.ticker.start()
        self.clock.rightNow += 10.0
        self.clock.advance(0)
        self.assertEqual(len(self.moments), 5)
        self.assertEqual(self.ticker.n_skipped, 295)
        self.clock.advance(1.0)
        self.assertEqual(len(self.moments), 35)

    def test_stop(self) -> None:
        """After stop no tick comes, also if a tick itself stops the ticker."""
        self.ticker.start()
        self.clock.advance(0.1)
        self.ticker.stop()
        self.assertFalse(self.ticker.is_running)
        self.clock.advance(1)
        self.assertEqual(len(self.moments), 3)
        self.ticker = Ticker(self.clock, 30, self.stop_ticker)
        self.ticker.start()
        self.clock.advance(1)
        self.assertEqual(self.ticker.n_ticks, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_tick_that_raises(self) -> None:
        """An error in a tick is not swallowed, and does not end the ticking."""
        broken = [True]

        def on_tick() -> None:
            if broken:
                broken.clear()
                msg = "once"
                raise RuntimeError(msg)

        ticker = Ticker(self.clock, 30, on_tick)
        ticker.start()
        self.assertRaises(RuntimeError, self.clock.advance, 0.05)
        self.clock.advance(1.0)
        self.assertEqual(ticker.n_ticks, 31)

    def stop_ticker(self) -> None:
        """Stop from within a tick."""
        self.ticker.stop()

    @given(st.lists(st.floats(0, 0.4), max_size=30))
    def test_every_tick_is_accounted_for(self, steps: list[float]) -> None:
        """Whatever the hold-ups, ticks made and skipped add up to the time."""
        clock = Clock()
        ticker = Ticker(clock, 30, lambda: None)
        ticker.start()
        for step in steps:
            clock.rightNow += step
            clock.advance(0)
        clock.advance(1 / 30)
        expected = int(clock.seconds() * 30 + 1e-6)
        self.assertEqual(ticker.n_ticks + ticker.n_skipped, expected)
