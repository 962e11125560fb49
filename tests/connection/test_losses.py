# SPDX-License-Identifier: MIT
"""Tests of the judgement of losses."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.losses import LossShare


class LossShareTests(SynchronousTestCase):
    """Too much is what exceeds the usual share."""

    def setUp(self) -> None:
        self.losses = LossShare()

    def judge(self, n_lost: int) -> float:
        """Count a hundred packets of which some are lost."""
        self.losses.n_lost += n_lost
        share = self.losses.judge(100 - n_lost)
        if share:
            self.assertEqual(self.losses.judge(1), 0.0)
        return share

    def test_few(self) -> None:
        """A share up to a tenth is not too much."""
        for n_lost in (0, 5, 10, 10):
            self.assertEqual(self.judge(n_lost), 0.0)
        self.assertFalse(self.losses.is_careful)

    def test_counts_up(self) -> None:
        """A judgement is made of a hundred packets."""
        self.losses.n_lost = 30
        self.assertEqual(self.losses.judge(40), 0.0)
        self.assertAlmostEqual(self.losses.judge(30), 0.3)
        self.assertEqual(self.losses.n_lost, 0)

    def test_settles(self) -> None:
        """What is reported next after too much was sent before, and does not count."""
        self.losses.n_lost = 18
        self.assertEqual(self.losses.judge(82), 0.18)
        self.losses.n_lost = 50
        self.assertEqual(self.losses.judge(3), 0.0)
        self.assertEqual(self.judge(2), 0.0)
        self.assertEqual(self.judge(18), 0.18)

    def test_usual(self) -> None:
        """What is lost even when we have slowed down is usual."""
        self.assertEqual(self.judge(18), 0.18)
        self.assertEqual(self.judge(17), 0.0)
        self.assertEqual(self.judge(26), 0.0)
        self.assertEqual(self.judge(28), 0.28)

    def test_usual_falls(self) -> None:
        """When less is lost that is the usual share."""
        self.judge(18)
        self.judge(17)
        self.judge(2)
        self.assertEqual(self.judge(18), 0.18)

    def test_flood(self) -> None:
        """Much loss never becomes usual."""
        for _ in range(5):
            self.assertEqual(self.judge(50), 0.5)

    def test_careful(self) -> None:
        """After too much loss one is careful for a while."""
        self.judge(50)
        for _ in range(3):
            self.assertTrue(self.losses.is_careful)
            self.judge(0)
        self.assertFalse(self.losses.is_careful)
