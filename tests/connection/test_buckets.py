# SPDX-License-Identifier: MIT
"""Tests of the token bucket."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.buckets import TokenBucket

takes = st.lists(st.tuples(st.floats(0, 5), st.integers(0, 1500)), max_size=60)


class TokenBucketTests(SynchronousTestCase):
    """A bucket grants its rate, a burst at once, and lends what is taken too much."""

    def setUp(self) -> None:
        self.bucket = TokenBucket(rate=1000.0, burst=500.0)

    def test_begins_full(self) -> None:
        """At first, whenever that is, a burst is there."""
        for now in (-100.0, 0.0, 1e9):
            self.assertEqual(TokenBucket(1000.0, 500.0).available(now), 500)

    def test_fills(self) -> None:
        """What is taken comes back with time, up to a burst."""
        self.bucket.take(500, 10.0)
        self.assertEqual(self.bucket.available(10.0), 0)
        self.assertAlmostEqual(self.bucket.available(10.2), 200)
        self.assertEqual(self.bucket.available(11.0), 500)
        self.assertEqual(self.bucket.available(1e6), 500)

    def test_debt(self) -> None:
        """More may be taken than is there: then it takes time until there is more."""
        self.bucket.take(700, 10.0)
        self.assertEqual(self.bucket.available(10.0), -200)
        self.assertAlmostEqual(self.bucket.ready_at(0, 10.0), 10.2)
        self.assertAlmostEqual(self.bucket.ready_at(100, 10.0), 10.3)
        self.assertAlmostEqual(self.bucket.available(10.3), 100)

    def test_debt_is_bounded(self) -> None:
        """What must leave in any case does not block all else for ever."""
        for _ in range(100):
            self.bucket.take(500, 10.0)
        self.assertEqual(self.bucket.available(10.0), -500)

    def test_ready(self) -> None:
        """What is there is ready now; more than a burst never waits for more."""
        self.assertEqual(self.bucket.ready_at(500, 10.0), 10.0)
        self.assertEqual(self.bucket.ready_at(9000, 10.0), 10.0)
        self.bucket.take(500, 10.0)
        self.assertAlmostEqual(self.bucket.ready_at(9000, 10.0), 10.5)

    def test_changes(self) -> None:
        """The rate and the burst may change."""
        self.bucket.take(500, 10.0)
        self.bucket.rate = 100.0
        self.assertAlmostEqual(self.bucket.available(11.0), 100)
        self.bucket.burst = 50.0
        self.assertEqual(self.bucket.available(12.0), 50)

    @given(takes, st.floats(1, 1e6), st.floats(1, 1e6))
    def test_rate_is_kept(
        self, takes: list[tuple[float, int]], rate: float, burst: float
    ) -> None:
        """One who only takes when there is something never exceeds the rate."""
        bucket, now, total = TokenBucket(rate, burst), 100.0, 0
        for step, size in takes:
            now += step
            if bucket.available(now) > 0:
                size = min(size, int(burst))  # noqa: PLW2901 - no larger than a burst
                bucket.take(size, now)
                total += size
            self.assertTrue(-burst <= bucket.available(now) <= burst)
            ready = bucket.ready_at(size, now)
            self.assertGreaterEqual(ready, now)
            self.assertLessEqual(ready, now + 2 * burst / rate * (1 + 1e-9))
        self.assertLessEqual(total, (2 * burst + rate * (now - 100)) * (1 + 1e-9))
