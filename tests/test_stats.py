# SPDX-License-Identifier: MIT
"""Tests of the records in which cores report."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.stats import ConnectionStats, percentile


class ConnectionStatsTests(SynchronousTestCase):
    """A record of numbers, frozen."""

    def test_empty(self) -> None:
        """Before anything happened everything is nothing."""
        stats = ConnectionStats()
        self.assertEqual((stats.loss, stats.rtt, dict(stats.dropped)), (0.0, 0.0, {}))
        self.assertRaises(FrozenInstanceError, setattr, stats, "rtt", 1.0)

    def test_loss(self) -> None:
        """Loss is the share of our packets that were lost."""
        self.assertEqual(ConnectionStats(packets_sent=8, packets_lost=2).loss, 0.25)


class PercentileTests(SynchronousTestCase):
    """The nearest rank: always one of the values."""

    def test_known(self) -> None:
        """Known values have known percentiles, in whatever order they come."""
        hundred = [float(n) for n in range(100, 0, -1)]
        for share in (0.01, 0.07, 0.29, 0.5, 0.9, 0.99, 1.0):
            self.assertEqual(percentile(hundred, share), round(share * 100), share)
        self.assertEqual(percentile(hundred, 0.0), 1.0)
        self.assertEqual(percentile(hundred, 0.991), 100.0)
        self.assertEqual(percentile([3.0, 1.0], 0.5), 1.0)
        self.assertEqual(percentile([3.0, 1.0, 2.0], 0.5), 2.0)

    def test_few(self) -> None:
        """No values give 0, and one value is every percentile."""
        self.assertEqual(percentile([], 0.5), 0.0)
        for share in (0.0, 0.5, 1.0):
            self.assertEqual(percentile(iter([7.0]), share), 7.0)

    @given(st.lists(st.floats(-1e9, 1e9), min_size=1), st.floats(0, 1))
    def test_any(self, values: list[float], share: float) -> None:
        """At least that share of the values does not exceed it, fewer did before."""
        result = percentile(values, share)
        self.assertIn(result, values)
        covered = sum(value <= result for value in values) / len(values)
        below = sum(value < result for value in values) / len(values)
        self.assertGreaterEqual(covered, share - 1e-6)
        self.assertLessEqual(below, share + 1e-6)
