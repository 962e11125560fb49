# SPDX-License-Identifier: MIT
"""Tests of a client's timer."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.own_ticks import OwnTicks
from gamenet.testing import Clock


class OwnTicksTests(SynchronousTestCase):
    """It wakes when it was asked to, and has one delayed call at most."""

    def setUp(self) -> None:
        """Wake at most three times in steps of half a second."""
        self.clock = Clock()
        self.woken: list[float] = []
        self.timer = OwnTicks(self.clock, self.on_due)

    def on_due(self) -> float | None:
        """Note the time."""
        self.woken.append(round(self.clock.seconds(), 6))
        return 0.5 if len(self.woken) < 3 else None

    def test_again_until_none(self) -> None:
        """It wakes as often as the function wants, then no more."""
        self.timer.wake_in(1.0)
        self.clock.advance(10.0)
        self.assertEqual(self.woken, [1.0, 1.5, 2.0])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_instead(self) -> None:
        """Another time takes the place of the one before."""
        self.timer.wake_in(5.0)
        self.timer.wake_in(1.0)
        self.timer.wake_in(2.0)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.advance(2.0)
        self.assertEqual(self.woken, [2.0])

    def test_at_once(self) -> None:
        """What is due now comes a hair later: no loop can hang in it."""
        self.timer.wake_in(-3.0)
        self.assertEqual(self.woken, [])
        self.clock.advance(0.001)
        self.assertEqual(len(self.woken), 1)

    def test_stop(self) -> None:
        """After `stop` nothing comes, and it can begin again."""
        self.timer.stop()
        self.timer.wake_in(1.0)
        self.timer.stop()
        self.clock.advance(5.0)
        self.assertEqual(self.woken, [])
        self.timer.wake_in(1.0)
        self.clock.advance(1.0)
        self.assertEqual(self.woken, [6.0])
