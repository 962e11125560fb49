# SPDX-License-Identifier: MIT
"""Tests of the waits between attempts."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Backoff
from gamenet.connection.backoff import FIRST, LONGEST
from tests.connection.strategies import seeds


class BackoffTests(SynchronousTestCase):
    """The bound doubles, the wait is drawn below it, and success begins anew."""

    def test_doubles(self) -> None:
        """The bound of the waits doubles up to a limit."""
        backoff = Backoff(lambda: 1.0)
        waits = [backoff.wait() for _ in range(8)]
        self.assertEqual(waits, [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0])
        self.assertEqual(backoff.n_attempts, 8)

    def test_success(self) -> None:
        """After a success the first bound holds again."""
        backoff = Backoff(lambda: 1.0, first=1.0, longest=100.0)
        self.assertEqual([backoff.wait(), backoff.wait()], [1.0, 2.0])
        backoff.succeed()
        self.assertEqual((backoff.n_attempts, backoff.wait()), (0, 1.0))

    def test_long_outage(self) -> None:
        """A server that is away for a year does not make the numbers overflow."""
        backoff = Backoff(lambda: 1.0)
        backoff.n_attempts = 10**9
        self.assertEqual(backoff.wait(), LONGEST)

    @given(seeds, st.integers(1, 40))
    def test_spread(self, seed: int, n_waits: int) -> None:
        """Every wait is between nothing and its bound."""
        backoff = Backoff(Random(seed).random)
        for attempt in range(n_waits):
            self.assertTrue(0 <= backoff.wait() < min(FIRST * 2**attempt, LONGEST))

    def test_a_crowd_spreads(self) -> None:
        """A thousand clients that lost one server come back over the whole bound."""
        random = Random(1)
        waits = [Backoff(random.random, first=1.0).wait() for _ in range(1000)]
        tenths = [sum(n / 10 <= w < (n + 1) / 10 for w in waits) for n in range(10)]
        self.assertGreater(min(tenths), 70)
