# SPDX-License-Identifier: MIT
"""Tests of pacing."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.pacing import Pacer


class PacerTests(SynchronousTestCase):
    """A window is spread over a round trip."""

    def follow(self, window: int, round_trip: float) -> float:
        """Have a pacer follow a window."""
        self.pacer = Pacer(window, 1200)
        return self.pacer.follow(window, round_trip, 1200, is_starting=False)

    def test_rate(self) -> None:
        """The rate is the window's; what is granted is a bit more."""
        self.assertEqual(self.follow(50_000, 0.1), 500_000)
        self.assertEqual(self.pacer.rate, 625_000)
        self.pacer.follow(50_000, 0.1, 1200, is_starting=True)
        self.assertEqual(self.pacer.rate, 1_000_000)

    def test_unmeasured_and_short(self) -> None:
        """Without a round trip a tenth of a second is assumed; 10 ms are the least."""
        self.assertEqual(self.follow(50_000, 0.0), 500_000)
        self.assertEqual(self.follow(50_000, 0.001), 5_000_000)

    def test_bursts(self) -> None:
        """Two packets may leave at once on any path, four if many are under way."""
        for window, burst in ((1200, 2400), (12_000, 3000), (50_000, 4800)):
            self.follow(window, 0.2)
            self.assertEqual(self.pacer.available(10.0), burst)
        self.follow(1_000_000, 0.1)
        self.assertEqual(self.pacer.available(10.0), 1_000_000 / 0.1 * 1.25 * 0.005)

    def test_late_timer(self) -> None:
        """One who waits for a timer gets what it came late."""
        self.follow(1_000_000, 0.1)
        self.pacer.take(62_500, 10.0)
        due = self.pacer.wait(1200, 10.0)
        self.assertAlmostEqual(due, 10.0 + 1200 / 12.5e6)
        self.assertAlmostEqual(self.pacer.available(10.015), 187_500, places=3)

    def test_pause(self) -> None:
        """One who does not wait does not save up."""
        self.follow(1_000_000, 0.1)
        self.pacer.take(62_500, 10.0)
        self.pacer.wait(1200, 10.0)
        self.pacer.pause()
        self.assertEqual(self.pacer.available(10.015), 62_500)
