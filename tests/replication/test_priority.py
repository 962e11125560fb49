# SPDX-License-Identifier: MIT
"""Tests of who is told now."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.replication.priority import (
    MAX_WEIGHT,
    MIN_WEIGHT,
    NEARNESS_FLOOR,
    Priorities,
    Weights,
    nearness,
)
from gamenet.wire import uint8
from gamenet.world import Component, Sync, World

seeds = st.integers(0, 2**32)


class Hull(Component):
    """Of the usual priority."""

    points: int = uint8()


class Shot(Component):
    """Of a high one."""

    sync = Sync(priority=4.0)


class Dust(Component):
    """Of a low one."""

    sync = Sync(priority=0.5)


def floats(*numbers: float) -> Any:
    """Return numbers as the arrays that go in."""
    return np.array(numbers, np.float32)


def expected(gathered: Any, sizes: Any, budget: float) -> list[bool]:
    """Return who goes out, by the definition."""
    order = sorted(range(len(sizes)), key=lambda place: (-gathered[place], place))
    chosen, left = [False] * len(sizes), budget
    for rank, place in enumerate(order if budget > 0 else []):
        left -= sizes[place]
        if left < 0 and rank:
            break
        chosen[place] = True
        if left < 0:
            break
    return chosen


def longest_wait(n_rows: int, n_sent: int, ratio: float) -> int:
    """Return the bound that the module proves."""
    return int(ratio * ((n_rows - 1) // n_sent)) + 1


class ChooseTests(SynchronousTestCase):
    """The most important rows go out, as many as fit."""

    def setUp(self) -> None:
        self.priorities = Priorities(10)
        self.rows = np.array([2, 3, 5, 7])

    def choose(self, sizes: Any, budget: float) -> list[bool]:
        """Choose among the four rows."""
        return self.priorities.choose(self.rows, sizes, budget).tolist()

    def test_highest(self) -> None:
        """What gathered most goes first."""
        self.priorities.grow(self.rows, floats(1, 4, 2, 3))
        self.assertEqual(
            self.choose(floats(9, 9, 9, 9), 18), [False, True, False, True]
        )

    def test_prefix(self) -> None:
        """What does not fit is not passed over for what is less important."""
        self.priorities.grow(self.rows, floats(1, 4, 2, 3))
        chosen = self.choose(floats(1, 9, 1, 20), 20)
        self.assertEqual(chosen, [False, True, False, False])

    def test_one_always(self) -> None:
        """The most important goes out whatever its size, if there is any budget."""
        self.priorities.grow(self.rows, floats(1, 4, 2, 3))
        sizes = floats(1, 900, 1, 1)
        self.assertEqual(self.choose(sizes, 0.5), [False, True, False, False])
        # Once more, now that it is known what the last choice took.
        self.assertEqual(self.choose(sizes, 0.5), [False, True, False, False])

    def test_no_budget(self) -> None:
        """Without a budget nothing goes out."""
        self.priorities.grow(self.rows, 1.0)
        for budget in (0.0, -100.0):
            self.assertEqual(self.choose(floats(0, 0, 0, 0), budget), [False] * 4)

    def test_all_fit(self) -> None:
        """If all fit, all go, however little they have gathered."""
        self.assertEqual(self.choose(floats(5, 5, 5, 5), 20), [True] * 4)

    def test_nobody(self) -> None:
        """Of no candidates none is chosen."""
        chosen = self.priorities.choose(np.empty(0, np.intp), floats(), 100.0)
        self.assertEqual((chosen.shape, chosen.dtype), ((0,), np.bool_))

    def test_equals(self) -> None:
        """Of equals the first go first."""
        self.priorities.grow(self.rows, 1.0)
        self.assertEqual(
            self.choose(floats(9, 9, 9, 9), 20), [True, True, False, False]
        )

    def test_double_sizes(self) -> None:
        """Sizes may be of any float type."""
        self.priorities.grow(self.rows, floats(1, 4, 2, 3))
        chosen = self.choose(np.array([9.0, 9.0, 9.0, 9.0]), 18.0)
        self.assertEqual(chosen, [False, True, False, True])

    @settings(max_examples=60)
    @given(seeds, st.integers(1, 60), st.integers(1, 12))
    def test_definition(self, seed: int, n_rows: int, n_ticks: int) -> None:
        """Tick after tick the choice is the one that the definition gives."""
        random = Random(seed)
        priorities = Priorities(100)
        weights = random.choice([[1.0], [0.5, 1.0, 4.0], [1.0, 1.5, 7.25, 16.0]])
        for _ in range(n_ticks):
            n_now = random.randint(1, n_rows)
            rows = np.array(sorted(random.sample(range(100), n_now)))
            grown = floats(*random.choices(weights, k=n_now))
            gathered = priorities.grow(rows, grown)
            self.assertEqual(gathered.tolist(), priorities.gathered[rows].tolist())
            sizes = floats(*(random.randint(0, 20) for _ in rows))
            budget = random.choice([0, 1, 15, 60, 200, 2000])
            chosen = priorities.choose(rows, sizes, budget)
            self.assertEqual(chosen.tolist(), expected(gathered, sizes, budget))
            again = priorities.choose(rows, sizes, budget, gathered)
            self.assertEqual(again.tolist(), chosen.tolist())
            priorities.sent(rows[chosen])


class GatherTests(SynchronousTestCase):
    """Only what went out begins anew, and what was lost does not."""

    def test_sent(self) -> None:
        """Rows that went out begin anew, and no others."""
        priorities = Priorities(4)
        priorities.grow(np.arange(4), floats(1, 2, 3, 4))
        saved = priorities.sent(np.array([1, 3]))
        self.assertEqual(saved.tolist(), [2, 4])
        self.assertEqual(priorities.gathered.tolist(), [1, 0, 3, 0])

    def test_forgotten(self) -> None:
        """Rows that are told no more have nothing."""
        priorities = Priorities(3)
        priorities.grow(np.arange(3), 2.0)
        priorities.forget(np.array([0, 2]))
        self.assertEqual(priorities.gathered.tolist(), [0, 2, 0])

    @settings(max_examples=60)
    @given(seeds)
    def test_lost(self, seed: int) -> None:
        """A row whose packets were all lost has what it would have, never sent."""
        random = Random(seed)
        priorities, never_sent = Priorities(6), Priorities(6)
        in_flight = []
        for _ in range(20):
            rows = np.array(sorted(random.sample(range(6), 3)))
            weights = floats(*(random.randint(1, 9) for _ in rows))
            priorities.grow(rows, weights)
            never_sent.grow(rows, weights)
            in_flight.append((rows, priorities.sent(rows)))
            if random.random() < 0.5:
                priorities.lost(*in_flight.pop(random.randrange(len(in_flight))))
        for rows, saved in in_flight:
            priorities.lost(rows, saved)
        self.assertEqual(priorities.gathered.tolist(), never_sent.gathered.tolist())


class StarvationTests(SynchronousTestCase):
    """No row waits longer than floor(q * floor((N - 1) / k)) + 1 times."""

    def waits(self, n_rows: int, n_sent: int, n_times: int, weigh: Any) -> int:
        """Return the longest that any row waited, also one that waits at the end."""
        priorities = Priorities(n_rows)
        rows, sizes = np.arange(n_rows), np.ones(n_rows, np.float32)
        waited, longest = np.zeros(n_rows, int), 0
        for time in range(n_times):
            priorities.grow(rows, weigh(time))
            chosen = priorities.choose(rows, sizes, float(n_sent))
            self.assertGreaterEqual(int(chosen.sum()), min(n_sent, n_rows))
            priorities.sent(rows[chosen])
            waited += 1
            longest = max(longest, int(waited.max()))
            waited[chosen] = 0
        return longest

    def test_turns(self) -> None:
        """With equal weights rows take strict turns: the bound is reached."""
        self.assertEqual(self.waits(10, 3, 50, lambda time: 1.0), 4)
        self.assertEqual(longest_wait(10, 3, 1.0), 4)

    def test_least_against_most(self) -> None:
        """The least weight against the most waits long, and within the bound."""
        weights = np.full(40, MAX_WEIGHT, np.float32)
        weights[17] = MIN_WEIGHT
        bound = longest_wait(40, 4, MAX_WEIGHT / MIN_WEIGHT)
        longest = self.waits(40, 4, 3 * bound, lambda time: weights)
        self.assertEqual(bound, 2305)
        self.assertGreater(longest, bound // 2)
        self.assertLessEqual(longest, bound)

    @settings(max_examples=60, deadline=None)
    @given(seeds, st.integers(1, 40), st.integers(1, 6), st.sampled_from([1, 2, 8, 32]))
    def test_any_weights(self, seed: int, n_rows: int, n_sent: int, ratio: int) -> None:
        """Whatever the weights are, and however they change, the bound holds."""
        random = np.random.default_rng(seed)
        bound = longest_wait(n_rows, n_sent, ratio)
        n_times = min(3 * bound, 400)
        kind = random.integers(3)
        fixed = random.choice([1.0, ratio], n_rows).astype(np.float32)

        def weigh(time: int) -> Any:
            if kind == 0:
                return fixed
            if kind == 1:
                return random.choice([1.0, ratio], n_rows).astype(np.float32)
            # All the others at once, then this one against all the others.
            weights = np.full(n_rows, ratio, np.float32)
            weights[time // 7 % n_rows] = 1.0
            return weights

        self.assertLessEqual(self.waits(n_rows, n_sent, n_times, weigh), bound)

    @settings(max_examples=30, deadline=None)
    @given(seeds, st.integers(2, 30), st.integers(1, 4), st.sampled_from([1, 2, 8]))
    def test_losses(self, seed: int, n_rows: int, n_sent: int, ratio: int) -> None:
        """Of what goes out, other rows may be lost: only what arrives counts."""
        random = Random(seed)
        priorities = Priorities(n_rows)
        rows, sizes = np.arange(n_rows), np.ones(n_rows, np.float32)
        # One more goes out each time than has to arrive; the first row is not lost.
        bound, waited = longest_wait(n_rows, n_sent, ratio), 0
        lost: list[Any] = []
        for _ in range(min(3 * bound, 400)):
            weights = floats(*random.choices([1.0, ratio], k=n_rows))
            weights[0] = 1.0
            priorities.grow(rows, weights)
            for each in lost:
                priorities.lost(*each)
            chosen = priorities.choose(rows, sizes, n_sent + 1.0).nonzero()[0]
            saved = priorities.sent(chosen)
            waited = 0 if 0 in chosen else waited + 1
            self.assertLess(waited, bound)
            place = random.randrange(len(chosen))
            lost = [(chosen[[place]], saved[[place]])] if chosen[place] else []


class WeightTests(SynchronousTestCase):
    """How important a row is, to all and to one."""

    def setUp(self) -> None:
        self.world = World([Hull, Shot, Dust], 8)
        self.world.spawn(Hull())
        self.world.spawn(Hull(), Shot())
        self.world.spawn(Dust())
        self.world.spawn()
        self.weights = Weights(self.world, self.world.components)
        self.weights.refresh()
        self.rows = np.arange(4)

    def test_components(self) -> None:
        """The most important component counts; one without any is as usual."""
        self.assertEqual(self.weights.of(self.rows).tolist(), [1, 4, 0.5, 1])

    def test_refresh(self) -> None:
        """Components that came and went count from the next refresh on."""
        self.world.remove(self.world.id_of(1), Shot)
        self.world.add(self.world.id_of(0), Shot())
        self.weights.refresh()
        self.assertEqual(self.weights.of(self.rows).tolist(), [4, 1, 0.5, 1])

    def test_only_told(self) -> None:
        """A component that clients are not told makes nothing important."""
        weights = Weights(self.world, [Hull, Dust])
        weights.refresh()
        self.assertEqual(weights.of(self.rows).tolist(), [1, 1, 0.5, 1])

    def test_product(self) -> None:
        """The game's factor, the distance and the game's rule are multiplied in."""
        self.weights.factor[:4] = [2, 1, 1, 0.25]
        self.weights.refresh()
        asked = []

        def rule(rows: Any) -> Any:
            asked.append(rows.tolist())
            return np.array([1, 1, 3, 1])

        found = self.weights.of(self.rows, floats(1, 0.5, 1, 1), rule)
        self.assertEqual(found.tolist(), [2, 2, 1.5, 0.25])
        self.assertEqual(asked, [[0, 1, 2, 3]])
        self.assertEqual(self.weights.of(np.array([3])).tolist(), [0.25])

    def test_bounds(self) -> None:
        """However large or small, weights keep within their bounds."""
        found = self.weights.of(self.rows, floats(1e30, -5, 0, 1e-30))
        wanted = [MAX_WEIGHT, MIN_WEIGHT, MIN_WEIGHT, MIN_WEIGHT]
        self.assertEqual(found.tolist(), wanted)

    def test_not_finite(self) -> None:
        """What is not finite counts as 1, also where it only came to be so."""
        self.weights.factor[:4] = [np.nan, np.inf, 3e38, 1]
        self.weights.refresh()
        found = self.weights.of(self.rows, rule=lambda rows: np.full(4, 3e38))
        self.assertEqual(found.tolist(), [1, 1, 1, MAX_WEIGHT])
        huge = self.weights.of(self.rows[3:], rule=lambda rows: np.array([1e300]))
        self.assertEqual(huge.tolist(), [1])

    def test_wrong_rule(self) -> None:
        """A rule that does not answer for each row is told so."""
        for answer in (1.0, [1.0], [[1.0] * 4]):
            error = self.assertRaises(
                LocalProtocolError,
                self.weights.of,
                self.rows,
                rule=lambda rows, answer=answer: np.array(answer),
            )
            self.assertIn("one factor for each", str(error))

    @settings(max_examples=60)
    @given(
        st.lists(st.floats(), min_size=4, max_size=4),
        st.lists(st.floats(width=32), min_size=4, max_size=4),
    )
    def test_hostile(self, ruled: list[float], near: list[float]) -> None:
        """No number whatever makes a weight that is out of bounds."""
        rule = np.array(ruled)
        found = self.weights.of(self.rows, floats(*near), lambda rows: rule)
        self.assertTrue(((found >= MIN_WEIGHT) & (found <= MAX_WEIGHT)).all())


class NearnessTests(SynchronousTestCase):
    """What is near counts more."""

    def test_falls(self) -> None:
        """From 1 where the viewer is to the floor at the radius, and no further."""
        found = nearness(np.array([0, 1, 50, 99, 100, 101, np.inf]), 10.0)
        self.assertEqual(found.dtype, np.float32)
        self.assertEqual((np.diff(found) <= 0).tolist(), [True] * 6)
        self.assertEqual(
            found[[0, -3, -1]].tolist(), [1, NEARNESS_FLOOR, NEARNESS_FLOOR]
        )

    def test_no_radius(self) -> None:
        """Where a view has no end, everything is near."""
        found = nearness(floats(0, 1e6), float("inf"))
        self.assertEqual(found.tolist(), [1, 1])

    def test_argument_unchanged(self) -> None:
        """The distances stay what they are."""
        distances = floats(1, 4, 9)
        nearness(distances, 2.0)
        self.assertEqual(distances.tolist(), [1, 4, 9])
