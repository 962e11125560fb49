# SPDX-License-Identifier: MIT
"""Tests of bounds on how often."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.allowance import Allowance


class AllowanceTests(SynchronousTestCase):
    """Bursts pass, floods do not."""

    def test_burst_and_rate(self) -> None:
        """A burst passes at once, then only what the time grants."""
        allowance = Allowance(burst=5, rate=2)
        self.assertEqual([allowance.take() for _ in range(7)], [True] * 5 + [False] * 2)
        allowance.pass_time(1.0)
        self.assertEqual([allowance.take() for _ in range(3)], [True, True, False])

    @given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 20)), max_size=40))
    def test_never_more(self, steps: list[tuple[float, int]]) -> None:
        """Whatever the pattern, no more passes than burst + rate * time."""
        allowance, passed, time = Allowance(burst=5, rate=2), 0, 0.0
        for seconds, n_tries in steps:
            allowance.pass_time(seconds)
            time += seconds
            passed += sum(allowance.take() for _ in range(n_tries))
            self.assertLessEqual(passed, 5 + 2 * time + 1e-6)
