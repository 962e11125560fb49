# SPDX-License-Identifier: MIT
"""Tests of the round-trip estimator."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.rtt import RttEstimator


class RttTests(SynchronousTestCase):
    """Samples are smoothed; the time to resend follows from them."""

    def setUp(self) -> None:
        self.rtt = RttEstimator()

    def test_unmeasured(self) -> None:
        """Before the first sample nothing is known, and resends wait a guess."""
        self.assertEqual((self.rtt.smoothed, self.rtt.smallest), (0.0, 0.0))
        self.assertAlmostEqual(self.rtt.resend_after(), 0.225)

    def test_first_sample(self) -> None:
        """The first sample is the estimate, half of it the variation (RFC 6298)."""
        self.rtt.add(0.1)
        self.assertEqual((self.rtt.smoothed, self.rtt.variation), (0.1, 0.05))
        self.assertAlmostEqual(self.rtt.resend_after(), 0.1 + 4 * 0.05 + 0.025)

    def test_smoothing(self) -> None:
        """Further samples count an eighth, their deviation a quarter."""
        self.rtt.add(0.1)
        self.rtt.add(0.2)
        self.assertAlmostEqual(self.rtt.variation, 0.0625)
        self.assertAlmostEqual(self.rtt.smoothed, 0.1125)
        self.assertEqual(self.rtt.smallest, 0.1)
        self.rtt.add(0.01)
        self.assertEqual(self.rtt.smallest, 0.01)

    def test_backs_off(self) -> None:
        """Silence doubles the wait up to a limit; progress ends that."""
        self.rtt.add(0.1)
        usual = self.rtt.resend_after() - 0.025
        self.rtt.back_off()
        self.assertAlmostEqual(self.rtt.resend_after(), 2 * usual + 0.025)
        for _ in range(1000):
            self.rtt.back_off()
        self.assertAlmostEqual(self.rtt.resend_after(), 2.025)
        self.rtt.progress()
        self.assertAlmostEqual(self.rtt.resend_after(), usual + 0.025)

    @given(st.lists(st.floats(0, 100), max_size=50), st.integers(0, 100))
    def test_bounds(self, samples: list[float], n_silent: int) -> None:
        """Whatever is measured, the wait stays between 75 ms and 2.025 s."""
        rtt = RttEstimator()
        for sample in samples:
            rtt.add(sample)
        for _ in range(n_silent):
            rtt.back_off()
        self.assertGreaterEqual(rtt.resend_after(), 0.0749)
        self.assertLessEqual(rtt.resend_after(), 2.025)
        if any(samples):
            self.assertLessEqual(min(samples), max(samples))
            self.assertLessEqual(rtt.smoothed, max(samples) * (1 + 1e-9))
