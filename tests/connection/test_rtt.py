# SPDX-License-Identifier: MIT
"""Tests of the round-trip estimator."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.rtt import _ACK_DELAY as ACK_DELAY
from gamenet.connection.rtt import RttEstimator


class RttTests(SynchronousTestCase):
    """Samples are smoothed; the time to resend follows from them."""

    def setUp(self) -> None:
        self.rtt = RttEstimator()

    def test_unmeasured(self) -> None:
        """Before the first sample nothing is known, and resends wait a guess."""
        rtt = self.rtt
        known = rtt.smoothed, rtt.variation, rtt.latest, rtt.smallest, rtt.largest
        self.assertEqual(known, (0.0,) * 5)
        self.assertAlmostEqual(rtt.resend_after(), 0.2 + ACK_DELAY)

    def test_first_sample(self) -> None:
        """The first sample is the estimate, half of it the variation (RFC 6298)."""
        self.rtt.add(0.1)
        self.assertEqual((self.rtt.smoothed, self.rtt.variation), (0.1, 0.05))
        self.assertAlmostEqual(self.rtt.resend_after(), 0.1 + 4 * 0.05 + ACK_DELAY)

    def test_smoothing(self) -> None:
        """Further samples count an eighth, their deviation a quarter."""
        self.rtt.add(0.1)
        self.rtt.add(0.2)
        self.assertAlmostEqual(self.rtt.variation, 0.0625)
        self.assertAlmostEqual(self.rtt.smoothed, 0.1125)

    def test_extremes(self) -> None:
        """The newest, the smallest and the largest sample are known."""
        for sample in (0.1, 0.3, 0.01, 0.2):
            self.rtt.add(sample)
        rtt = self.rtt
        self.assertEqual((rtt.latest, rtt.smallest, rtt.largest), (0.2, 0.01, 0.3))

    def test_backs_off(self) -> None:
        """Silence doubles the wait up to a limit; progress ends that."""
        self.rtt.add(0.1)
        usual = self.rtt.resend_after() - ACK_DELAY
        self.rtt.back_off()
        self.assertAlmostEqual(self.rtt.resend_after(), 2 * usual + ACK_DELAY)
        for _ in range(1000):
            self.rtt.back_off()
        self.assertAlmostEqual(self.rtt.resend_after(), 2.0 + ACK_DELAY)
        self.rtt.progress()
        self.assertAlmostEqual(self.rtt.resend_after(), usual + ACK_DELAY)

    def test_clock_stands_still(self) -> None:
        """Round trips of no time at all leave a wait that is not nothing."""
        for _ in range(100):
            self.rtt.add(0.0)
        self.assertGreater(self.rtt.resend_after(), 0.05)

    def test_clock_jumps(self) -> None:
        """A sample of an hour is forgotten in time, and never waited for."""
        self.rtt.add(0.05)
        self.rtt.add(3600.0)
        self.assertLessEqual(self.rtt.resend_after(), 2.0 + ACK_DELAY)
        for _ in range(100):
            self.rtt.add(0.05)
        self.assertLess(self.rtt.smoothed, 0.06)

    @given(st.lists(st.floats(0, 100), max_size=50), st.integers(0, 100))
    def test_bounds(self, samples: list[float], n_silent: int) -> None:
        """Whatever is measured, the wait is bounded at both ends."""
        rtt = RttEstimator()
        for sample in samples:
            rtt.add(sample)
        for _ in range(n_silent):
            rtt.back_off()
        self.assertGreaterEqual(rtt.resend_after(), 0.0499 + ACK_DELAY)
        self.assertLessEqual(rtt.resend_after(), 2.0 + ACK_DELAY)
        if any(samples):
            self.assertLessEqual(rtt.smoothed, max(samples) * (1 + 1e-9))
