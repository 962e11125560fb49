# SPDX-License-Identifier: MIT
"""Tests of how many bytes a client may get."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.replication.budget import Allotment

PLENTY = 1e9


class AllotmentTests(SynchronousTestCase):
    """The cap, tick by tick, and never more than the connection takes."""

    def setUp(self) -> None:
        self.allotment = Allotment(rate=10, cap=1000)

    def pass_ticks(self, n_ticks: int, interval: int = 1) -> None:
        """Let several ticks pass."""
        for _ in range(n_ticks):
            self.allotment.pass_tick(interval)

    def available(self) -> float:
        """Return what is granted over a connection that takes everything."""
        return self.allotment.available(PLENTY)

    def test_share(self) -> None:
        """Each tick brings its part of the cap."""
        self.assertEqual(self.allotment.share, 100)
        self.allotment.spend(200)
        self.pass_ticks(1)
        self.assertEqual(self.available(), 100)

    def test_burst(self) -> None:
        """A silence of any length is worth two ticks."""
        self.assertEqual(self.available(), 200)
        self.pass_ticks(1000)
        self.assertEqual(self.available(), 200)

    def test_interval(self) -> None:
        """Who is sent every sixth tick gets what six ticks bring, and one more."""
        self.allotment.spend(200)
        self.pass_ticks(6, interval=6)
        self.assertEqual(self.available(), 600)
        self.pass_ticks(100, interval=6)
        self.assertEqual(self.available(), 700)
        self.pass_ticks(1)
        self.assertEqual(self.available(), 200)

    def test_connection(self) -> None:
        """What the connection does not take is not granted."""
        self.assertEqual(self.allotment.available(70), 70)
        self.assertEqual(self.allotment.available(0), 0)
        self.assertEqual(self.allotment.available(-500), 0)

    def test_debt(self) -> None:
        """What was sent beyond the budget is paid for first."""
        self.allotment.spend(450)
        granted = []
        for _ in range(4):
            granted.append(self.available())
            self.pass_ticks(1)
        self.assertEqual(granted, [0, 0, 0, 50])

    def test_large_debt(self) -> None:
        """A debt of more than a second is forgiven."""
        self.allotment.spend(1e12)
        self.pass_ticks(10)
        self.assertEqual(self.available(), 0)
        self.pass_ticks(1)
        self.assertEqual(self.available(), 100)

    def test_no_cap(self) -> None:
        """Without a cap the connection alone decides."""
        self.allotment = Allotment(rate=10)
        for _ in range(3):
            self.assertEqual(self.available(), PLENTY)
            self.allotment.spend(PLENTY)
            self.pass_ticks(1, interval=3)

    def test_config(self) -> None:
        """Rates and caps that make no sense are refused."""
        for rate, cap in ((0, 1), (-1, 1), (math.inf, 1), (math.nan, 1)):
            self.assertRaises(ConfigError, Allotment, rate, cap)
        for cap in (0, -1, math.nan):
            self.assertRaises(ConfigError, Allotment, 10, cap)

    @settings(max_examples=60)
    @given(
        st.lists(
            st.tuples(
                st.integers(1, 6), st.floats(-100, 2000), st.floats(0, 1), st.booleans()
            ),
            max_size=60,
        )
    )
    def test_average(self, ticks: list[tuple[int, float, float, bool]]) -> None:
        """Over any time no more goes than the cap, a burst and one packet's excess."""
        allotment = Allotment(rate=10, cap=1000)
        spent, excess = 0.0, 0.0
        for n_ticks, (interval, connection, part, exceeds) in enumerate(ticks, 1):
            allotment.pass_tick(interval)
            available = allotment.available(connection)
            self.assertTrue(0 <= available <= max(connection, 0))
            self.assertLessEqual(available, 100 * (interval + 1))
            if available:
                over = 300.0 if exceeds else 0.0
                allotment.spend(available * part + over)
                spent += available * part + over
                excess = max(excess, over)
            self.assertLessEqual(spent, 100 * n_ticks + 200 + excess + 1e-6)
