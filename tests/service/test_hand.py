# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.hand."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.hand import Hand
from tests.service.games import Jump, Steer


def held(seed: int, ticks: int = 300) -> list[object]:
    """Return what a hand holds in each of a number of ticks, 30 a second."""
    hand = Hand([Steer, Jump], Random(seed))
    return [hand.input_at(tick / 30) for tick in range(ticks)]


class HandTests(SynchronousTestCase):
    """A hand holds legal inputs, each for a while."""

    def test_holds(self) -> None:
        """An input is held for many ticks, and then there is another."""
        inputs = held(1)
        changes = sum(a is not b for a, b in pairwise(inputs))
        self.assertTrue(7 <= changes <= 70, changes)

    def test_variety(self) -> None:
        """Every kind of input has its turn."""
        self.assertEqual({type(item) for item in held(1)}, {Steer, Jump})

    def test_seed(self) -> None:
        """One seed plays one way, another one another way."""
        self.assertEqual(held(1), held(1))
        self.assertNotEqual(held(1), held(2))

    def test_nothing(self) -> None:
        """A game without inputs is watched."""
        self.assertIsNone(Hand([], Random(1)).input_at(0.0))

    @given(st.integers())
    def test_legal(self, seed: int) -> None:
        """Whatever the seed, what is held can be sent."""
        for item in held(seed, 60):
            self.assertEqual(type(item).decode(item.encode()), item)
