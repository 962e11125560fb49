# SPDX-License-Identifier: MIT
"""The soak in small: `make soak` runs it at length."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.soak import soak


class SoakTests(SynchronousTestCase):
    """Over a network that loses, doubles and reorders, nothing goes wrong."""

    def test_twenty_thousand(self) -> None:
        """Each of 20,000 messages arrives once, and in order where it should."""
        report = soak(20_000, seed=7)
        self.assertTrue(report.is_clean, report)
        self.assertEqual(report.messages, 20_000)
        self.assertGreater(report.packets_lost / report.packets, 0.25, report)

    def test_same_seed(self) -> None:
        """The same seed gives the same run, to the packet."""
        first, second = (soak(1000, seed=3) for _ in range(2))
        first.seconds = second.seconds = 0.0
        self.assertEqual(first, second)

    def test_time_is_over(self) -> None:
        """When the time is over it says so, and is not clean."""
        report = soak(10**9, seed=1, limit=0.0)
        self.assertFalse(report.is_finished)
        self.assertFalse(report.is_clean)
