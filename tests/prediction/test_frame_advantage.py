# SPDX-License-Identifier: MIT
"""Tests of keeping peers in step."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction.frame_advantage import MAX_DUE, FrameAdvantage, RollbackPace


class FrameAdvantageTests(SynchronousTestCase):
    """Who is ahead knows by how much, whatever the way takes."""

    def test_way_cancels(self) -> None:
        """With 7 ticks of latency both ways and 4 ticks ahead, 4 is found."""
        one, other = FrameAdvantage(), FrameAdvantage()
        for tick in range(200, 400):
            one.heard(tick, tick - 4 - 7, other.local)
            other.heard(tick - 4, tick - 7, one.local)
        self.assertAlmostEqual(one.ticks, 4.0, places=1)
        self.assertAlmostEqual(other.ticks, -4.0, places=1)

    def test_not_at_once(self) -> None:
        """A few packets say nothing yet."""
        one = FrameAdvantage()
        one.heard(50, 10, -40.0)
        self.assertEqual(one.ticks, 0.0)


class RollbackPaceTests(SynchronousTestCase):
    """Ticks come at their rate, at a speed."""

    def ticks(self, pace: RollbackPace, seconds: float, speed: float) -> int:
        return sum(pace.due(n / 1000, speed) for n in range(round(seconds * 1000) + 1))

    def test_speed(self) -> None:
        """As many come as the speed says."""
        self.assertEqual(self.ticks(RollbackPace(60), 10, 1.0), 600)
        self.assertEqual(self.ticks(RollbackPace(60), 10, 0.9), 540)

    def test_hold_up(self) -> None:
        """After a hold-up a few are made good, and no more."""
        pace = RollbackPace(60)
        pace.due(0.0, 1.0)
        self.assertEqual(pace.due(10.0, 1.0), MAX_DUE)
        self.assertLessEqual(pace.due(10.0, 1.0), 1)

    def test_given_back(self) -> None:
        """A tick that could not be made stays due, without a rush to ask for it."""
        pace = RollbackPace(50)
        pace.due(0.0, 1.0)
        self.assertEqual(pace.due(0.02, 1.0), 1)
        pace.give_back()
        self.assertAlmostEqual(pace.wait(1.0), 0.02)
        self.assertEqual(pace.due(0.021, 1.0), 1)
