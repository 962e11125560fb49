# SPDX-License-Identifier: MIT
"""Tests of how early inputs should come."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction.margin import Margin

RATE = 30


class MarginTests(SynchronousTestCase):
    """What is wanted follows the delays of the last 40 seconds."""

    def hear(self, margin: Margin, tick: int, delay: float) -> None:
        """Let the frame of a tick come so much later than it could."""
        margin.heard(tick, tick * 1_000_000 // RATE & 0xFFFFFFFF)
        margin.arrived(tick, tick - 10 + delay)

    def test_a_long_delay(self) -> None:
        """One long delay counts for 40 seconds, and is forgotten then."""
        margin = Margin(RATE)
        wanted = []
        for tick in range(100, 100 + 60 * RATE):
            self.hear(margin, tick, 3.0 if tick == 100 + 5 * RATE else 0.0)
            wanted.append(margin.wanted)
        self.assertLess(max(wanted[: 5 * RATE]), 1.1)
        self.assertGreater(min(wanted[5 * RATE : 43 * RATE]), 4.0)
        self.assertLess(max(wanted[47 * RATE :]), 1.1)

    def test_of_all(self) -> None:
        """The longest and the mean are those of all frames of that time."""
        random, margin = Random(5), Margin(RATE)
        delays = [random.random() * 2 for _ in range(90 * RATE)]
        for n, delay in enumerate(delays):
            self.hear(margin, 1000 + n, delay)
            if n > 50 * RATE:
                of_late = delays[n - 39 * RATE : n + 1]
                mean = sum(of_late) / len(of_late)
                expected = (max(of_late) - mean) * 1.1 + 1.0
                self.assertLess(abs(margin.wanted - expected), 0.1)

    def test_restart(self) -> None:
        """A clock that begins anew is no jitter."""
        margin = Margin(RATE)
        for tick in range(100, 400):
            self.hear(margin, tick, 0.0)
        margin.restart()
        for tick in range(400, 500):
            margin.heard(tick, tick * 1_000_000 // RATE + 77_777_777)
            margin.arrived(tick, tick - 10.0)
            self.assertLess(margin.wanted, 1.1)
