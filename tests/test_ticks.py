# SPDX-License-Identifier: MIT
"""Tests of tick arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.ticks import seconds_of, tick_at


class TickTests(SynchronousTestCase):
    """A tick is a whole number of periods."""

    def test_known(self) -> None:
        """A tick begins at its moment and lasts a period."""
        self.assertEqual(seconds_of(45, 30), 1.5)
        for elapsed, tick in ((0.0, 0), (0.033, 0), (0.034, 1), (1.0, 30), (1.5, 45)):
            self.assertEqual(tick_at(elapsed, 30), tick)

    @given(st.integers(0, 2**32), st.sampled_from([1, 7, 20, 30, 60, 64, 128, 29.97]))
    def test_round_trip(self, tick: int, rate: float) -> None:
        """The moment at which a tick begins is in it, and just before it is not."""
        moment = seconds_of(tick, rate)
        self.assertEqual(tick_at(moment, rate), tick)
        if tick and rate < 100:
            self.assertEqual(tick_at(moment - 0.001, rate), tick - 1)

    @given(st.floats(0, 1e5), st.sampled_from([0.001, 0.01, 0.1]))
    def test_never_back(self, elapsed: float, step: float) -> None:
        """Later is never an earlier tick."""
        self.assertLessEqual(tick_at(elapsed, 30), tick_at(elapsed + step, 30))
