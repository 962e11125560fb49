# SPDX-License-Identifier: MIT
"""Tests of how often a client is sent something."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.replication.budget import Allotment
from gamenet.replication.pace import HOLD, LONGEST_HOLD, MAX_INTERVAL, Pace

RATE = 10
SHARE = 100.0
"""Bytes that a tick brings."""
amounts = st.floats(0, 2000, allow_nan=False)


class Link:
    """A client whose ticks bring SHARE bytes, and what it was sent."""

    def __init__(self, share: float = SHARE, full: float = math.inf) -> None:
        self.pace = Pace(RATE, full)
        self.allotment = Allotment(RATE, share * RATE)
        self.intervals: list[int] = []
        self.sizes: list[float] = []

    def run(self, seconds: float, wanted: Callable[[int], float]) -> None:
        """Let time pass; `wanted` tells from the interval what is unsent."""
        for _ in range(int(seconds * RATE)):
            self.allotment.pass_tick(self.pace.interval)
            available = self.allotment.available(connection=1e9)
            needed = wanted(self.pace.interval)
            if self.pace.is_due(needed, available):
                self.sizes.append(min(needed, available))
                self.allotment.spend(self.sizes[-1])
            self.intervals.append(self.pace.interval)

    def turns(self) -> list[int]:
        """Return in which ticks the interval changed."""
        pairs = enumerate(pairwise(self.intervals), 1)
        return [tick for tick, (one, other) in pairs if one != other]


class SettledTests(SynchronousTestCase):
    """The pace is what the bytes allow."""

    def test_enough(self) -> None:
        """When all fits, every tick is sent."""
        link = Link()
        link.run(20, lambda interval: SHARE)
        self.assertEqual(set(link.intervals), {1})
        self.assertEqual(len(link.sizes), 20 * RATE)

    def test_too_little(self) -> None:
        """When it does not, so many ticks are waited that their bytes are enough."""
        for shares, interval in ((1.7, 2), (2.5, 3), (4.0, 4), (5.5, 6), (20.0, 6)):
            link = Link()
            link.run(3, lambda interval, shares=shares: shares * SHARE)
            self.assertEqual(link.intervals[-1], interval)

    def test_larger_packets(self) -> None:
        """What a rarer packet carries is larger by as much."""
        link = Link()
        link.run(4, lambda interval: 3.0 * SHARE)
        self.assertEqual(link.pace.interval, 3)
        self.assertEqual(link.sizes[-3:], [300.0, 300.0, 300.0])

    def test_no_slower(self) -> None:
        """However much is unsent, every sixth tick is sent."""
        link = Link()
        link.run(60, lambda interval: 1e9)
        self.assertEqual(max(link.intervals), MAX_INTERVAL)
        del link.sizes[:]
        link.run(60, lambda interval: 1e9)
        self.assertEqual(len(link.sizes), 60 * RATE / MAX_INTERVAL)

    def test_full_packet(self) -> None:
        """A tick that fills a packet is not waited with, whatever is unsent."""
        link = Link(full=SHARE)
        link.run(20, lambda interval: 50.0 * SHARE)
        self.assertEqual(set(link.intervals), {1})

    def test_nothing_to_tell(self) -> None:
        """Nothing unsent is due every tick: the tick itself is news."""
        link = Link()
        link.run(5, lambda interval: 0.0)
        self.assertEqual(len(link.sizes), 5 * RATE)

    def test_no_budget(self) -> None:
        """Without a budget nothing is due; with the first byte it is."""
        pace = Pace(RATE)
        self.assertEqual([pace.is_due(50.0, 0.0) for _ in range(30)], [False] * 30)
        self.assertFalse(pace.is_due(50.0, -3.0))
        self.assertTrue(pace.is_due(50.0, 1e-300))

    def test_config(self) -> None:
        """A rate or a size that makes no sense is refused."""
        for rate, full in ((0, 1), (-1, 1), (math.inf, 1), (math.nan, 1), (1, 0)):
            self.assertRaises(ConfigError, Pace, rate, full)


class HysteresisTests(SynchronousTestCase):
    """The pace changes seldom, and for a reason."""

    def test_short_dip(self) -> None:
        """What lasts less than a second changes nothing."""
        link = Link()
        for _ in range(10):
            link.run(HOLD * 0.9, lambda interval: 3.0 * SHARE)
            link.run(HOLD, lambda interval: 0.5 * SHARE)
        self.assertEqual(set(link.intervals), {1})

    def test_short_relief(self) -> None:
        """Nor does room for less than a second."""
        link = Link()
        link.run(4, lambda interval: 3.0 * SHARE)
        self.assertEqual(link.pace.interval, 3)
        del link.intervals[:]
        for _ in range(10):
            link.run(HOLD * 0.6, lambda interval: 0.5 * SHARE)
            link.run(HOLD * 0.6, lambda interval: 2.9 * SHARE)
        self.assertEqual(set(link.intervals), {3})

    def test_just_enough(self) -> None:
        """What only just fits gives no reason to try more."""
        link = Link()
        link.run(4, lambda interval: 3.0 * SHARE)
        del link.intervals[:]
        link.run(60, lambda interval: 2.5 * SHARE)
        self.assertEqual(set(link.intervals), {3})

    def test_back(self) -> None:
        """When all fits again, it takes a second for each step, at first."""
        link = Link()
        link.run(4, lambda interval: 20.0 * SHARE)
        self.assertEqual(link.pace.interval, MAX_INTERVAL)
        link.run(6 * HOLD + 2, lambda interval: 0.5 * SHARE)
        self.assertEqual(link.pace.interval, 1)

    def test_changes_add_up(self) -> None:
        """What grows with the interval is sent every tick as soon as it would fit."""
        link = Link()
        link.run(8, lambda interval: 1.5 * interval * SHARE)
        self.assertEqual(link.pace.interval, MAX_INTERVAL)
        link.run(60, lambda interval: 0.7 * interval * SHARE)
        self.assertEqual(link.pace.interval, 1)

    def test_vain_trials(self) -> None:
        """Trials that fail are made more and more seldom."""
        link = Link()
        link.run(300, lambda interval: 2.2 * SHARE)
        trials = [t for t in link.turns() if link.intervals[t - 1 : t + 1] == [3, 2]]
        gaps = [late - early for early, late in pairwise(trials)]
        self.assertEqual(gaps, sorted(gaps))
        self.assertGreater(gaps[-1], LONGEST_HOLD * RATE)
        self.assertLess(link.intervals.count(2), 0.12 * len(link.intervals))

    def test_forgiven(self) -> None:
        """A trial that goes well makes up for those that failed."""
        link = Link()
        link.run(60, lambda interval: 2.2 * SHARE)
        link.run(LONGEST_HOLD + 2 * HOLD + 1, lambda interval: 0.5 * SHARE)
        self.assertEqual(link.pace.interval, 1)
        link.run(3, lambda interval: 4.0 * SHARE)
        self.assertEqual(link.pace.interval, 4)
        link.run(5 * HOLD, lambda interval: 0.5 * SHARE)
        self.assertEqual(link.pace.interval, 1)

    @settings(max_examples=60)
    @given(st.lists(st.tuples(amounts, amounts), max_size=120))
    def test_any_history(self, asked: list[tuple[float, float]]) -> None:
        """Changes lie a second apart, sendings six ticks, and nothing is random."""
        pace, twin = Pace(RATE), Pace(RATE)
        interval, changed, sent = 1, 0, 0
        for tick, (wanted, budget) in enumerate(asked, 1):
            is_due = pace.is_due(wanted, budget)
            self.assertEqual(is_due, twin.is_due(wanted, budget))
            if pace.interval != interval:
                self.assertTrue(is_due)
                self.assertGreaterEqual(tick - changed, HOLD * RATE)
                interval, changed = pace.interval, tick
            self.assertTrue(1 <= interval <= MAX_INTERVAL)
            if budget > 0:
                self.assertTrue(is_due or tick - sent < MAX_INTERVAL)
            else:
                self.assertFalse(is_due)
            sent = tick if is_due else sent

    @settings(max_examples=30)
    @given(st.lists(st.tuples(amounts, amounts), max_size=200))
    def test_returns(self, asked: list[tuple[float, float]]) -> None:
        """Whatever was before, when all fits every tick is sent again."""
        pace = Pace(RATE)
        for wanted, budget in asked:
            pace.is_due(wanted, budget)
        for _ in range(int((LONGEST_HOLD + 6 * HOLD) * RATE) + 6 * MAX_INTERVAL):
            pace.is_due(SHARE, 2 * SHARE)
        self.assertEqual(pace.interval, 1)
