# SPDX-License-Identifier: MIT
"""Tests of serial arithmetic."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.sequence import distance16, distance32, is_newer16, is_newer32

KINDS = ((16, distance16, is_newer16), (32, distance32, is_newer32))


class SequenceTests(SynchronousTestCase):
    """Of two numbers the newer is less than half the circle ahead (RFC 1982)."""

    def test_edges(self) -> None:
        """Around the wrap and half the circle away the answers are exact."""
        for bits, distance, is_newer in KINDS:
            top, half = (1 << bits) - 1, 1 << (bits - 1)
            for newer, older, expected in (
                (0, 0, 0),
                (1, 0, 1),
                (0, 1, -1),
                (0, top, 1),
                (top, 0, -1),
                (half - 1, 0, half - 1),
                (half, 0, -half),
                (0, half, -half),
                (5, top - 4, 10),
            ):
                self.assertEqual(distance(newer, older), expected)
                self.assertEqual(is_newer(newer, older), expected > 0)

    @given(st.sampled_from(KINDS), st.integers(0), st.integers(-(2**15) + 1, 2**15 - 1))
    def test_any(self, kind, number: int, step: int) -> None:
        """A step of less than half the circle is found again, wherever it begins."""
        bits, distance, is_newer = kind
        mask = (1 << bits) - 1
        here, there = number & mask, (number + step) & mask
        self.assertEqual(distance(there, here), step)
        self.assertEqual(is_newer(there, here), step > 0)
        self.assertEqual(is_newer(here, there), step < 0)
