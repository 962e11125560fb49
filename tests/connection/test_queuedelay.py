# SPDX-License-Identifier: MIT
"""Tests of the measurement of queues."""

from __future__ import annotations

import math

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.queuedelay import QueueDelay

LARGE, SMALL = 1200, 60


class QueueDelayTests(SynchronousTestCase):
    """Round trips are compared with the shortest."""

    def setUp(self) -> None:
        self.queue = QueueDelay()

    def round(self, *trips: float, size: int = LARGE, now: float = 10.0) -> float:
        """Take the samples of a round, and return the standing queue."""
        for trip in trips:
            self.queue.add(trip, size, now)
        self.queue.end_round(0.0, now)
        return self.queue.delay

    def test_unknown(self) -> None:
        """At first nothing is known, and a round without samples changes nothing."""
        self.assertEqual(self.queue.shortest, math.inf)
        self.assertFalse(self.queue.is_sampled)
        self.assertEqual(self.round(), 0.0)
        self.assertEqual(self.queue.noise, 0.012)

    def test_standing_queue(self) -> None:
        """The luckiest packet of a round tells how long the queue stands."""
        self.assertEqual(self.round(0.05, 0.09), 0.0)
        self.assertAlmostEqual(self.round(0.09, 0.07, 0.2), 0.02)
        self.assertEqual(self.queue.n_samples, 3)
        self.assertEqual(self.round(0.04), 0.0)
        self.assertEqual(self.queue.shortest, 0.04)

    def test_sizes(self) -> None:
        """Large packets are compared with large ones, small ones with small ones."""
        self.round(0.04, size=SMALL)
        self.assertEqual(self.queue.add(0.08, LARGE, 10.0), 0.0)
        self.assertAlmostEqual(self.queue.add(0.05, SMALL, 10.0), 0.01)
        self.assertEqual(self.queue.shortest, 0.04)

    def test_stale(self) -> None:
        """What was not seen for five seconds is stale; seeing it again renews it."""
        self.round(0.05)
        self.assertFalse(self.queue.is_stale(0.05, 14.9))
        self.assertTrue(self.queue.is_stale(0.05, 15.1))
        self.assertFalse(self.queue.is_stale(1.0, 25.0))
        self.round(0.08, now=15.0)
        self.assertTrue(self.queue.is_stale(0.05, 15.1))
        self.round(0.054, now=15.0)
        self.assertFalse(self.queue.is_stale(0.05, 19.9))

    def test_all_see_a_gap(self) -> None:
        """A clearly shorter round trip renews it at once."""
        self.round(0.05)
        self.queue.add(0.04, LARGE, 14.0)
        self.assertFalse(self.queue.is_stale(0.05, 18.0))

    def test_doubt_and_believe(self) -> None:
        """What a round shows can be taken for the path, of either size."""
        self.round(0.04, size=SMALL)
        self.round(0.07)
        self.queue.doubt()
        self.assertTrue(self.queue.is_stale(0.05, 10.0))
        self.queue.add(0.17, LARGE, 10.0)
        self.queue.add(0.19, LARGE, 10.0)
        self.queue.believe(10.0)
        self.assertFalse(self.queue.is_stale(0.05, 10.0))
        self.queue.end_round(0.0, 10.0)
        self.assertEqual(self.queue.delay, 0.0)
        self.assertAlmostEqual(self.queue.shortest, 0.14)
        self.assertAlmostEqual(self.queue.add(0.18, LARGE, 10.0), 0.01)

    def test_believe_nothing(self) -> None:
        """Without a sample there is nothing to believe."""
        self.round(0.05)
        self.queue.believe(20.0)
        self.assertEqual(self.queue.shortest, 0.05)

    def test_noise(self) -> None:
        """Long round trips, and those that vary much, may mean less."""
        self.round(1.6)
        self.assertAlmostEqual(self.queue.noise, 0.1)
        self.queue = QueueDelay()
        for _ in range(100):
            self.round(0.05, 0.06, 0.07)
        self.assertAlmostEqual(self.queue.noise, 0.025)
        for _ in range(100):
            self.round(0.05, 0.5)
        self.assertAlmostEqual(self.queue.noise, 0.05)
