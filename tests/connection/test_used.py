# SPDX-License-Identifier: MIT
"""Tests of the memory of tokens that were used."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.used import Binding, UsedTokens

MAC, OTHER = b"m" * 16, b"n" * 16
HERE, THERE = "192.0.2.1:1", "192.0.2.1:2"

shows = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([HERE, THERE]),
        st.integers(0, 200),
        st.booleans(),
    ),
    max_size=60,
)
"""Which token is shown by whom at what time (the clock jumps), and is it spent."""


class UsedTokensTests(SynchronousTestCase):
    """A token is good for its first source, until it is spent."""

    def setUp(self) -> None:
        self.used = UsedTokens(2)

    def bind(self, mac=MAC, source=HERE, expires=100, moment=50) -> Binding:
        """Show a token, with something changed."""
        return self.used.bind(mac, source, expires, moment)

    def test_first_source(self) -> None:
        """The source that showed it first may show it again, and no other may."""
        self.assertFalse(self.used.is_elsewhere(MAC, THERE))
        self.assertIs(self.bind(), Binding.OURS)
        self.assertIs(self.bind(), Binding.OURS)
        self.assertIs(self.bind(source=THERE), Binding.USED)
        self.assertTrue(self.used.is_elsewhere(MAC, THERE))
        self.assertFalse(self.used.is_elsewhere(MAC, HERE))

    def test_spent(self) -> None:
        """A token that has made a connection is nobody's any more."""
        self.bind()
        self.assertTrue(self.used.spend(MAC))
        self.assertFalse(self.used.spend(MAC))
        self.assertIs(self.bind(), Binding.USED)
        self.assertTrue(self.used.is_elsewhere(MAC, HERE))

    def test_spend_unknown(self) -> None:
        """What was never shown cannot be spent."""
        self.assertFalse(self.used.spend(MAC))

    def test_bound(self) -> None:
        """At the bound new tokens are refused, and the old ones are still known."""
        self.bind()
        self.bind(OTHER)
        self.assertIs(self.bind(b"third"), Binding.CROWDED)
        self.assertIs(self.bind(), Binding.OURS)
        self.assertIs(self.bind(source=THERE), Binding.USED)
        self.assertEqual(len(self.used), 2)

    def test_forgets(self) -> None:
        """Some time after a token has expired, its place is free."""
        self.bind()
        self.bind(OTHER, expires=120)
        self.assertIs(self.bind(b"third", moment=100, expires=130), Binding.CROWDED)
        self.assertIs(self.bind(b"third", moment=115, expires=130), Binding.OURS)
        self.assertEqual(self.used.forgotten_until, 100)

    @given(shows)
    def test_single_use(self, steps: list[tuple[int, str, int, bool]]) -> None:
        """However the clock jumps, no token opens for two sources, or twice."""
        used = UsedTokens(3)
        holders: dict[int, str] = {}
        spent: set[int] = set()
        for number, source, moment, is_spent in steps:
            expires = 20 * (number + 1)
            if expires <= max(moment, used.forgotten_until):
                continue
            mac = bytes((number,)) * 16
            if used.bind(mac, source, expires, moment) is Binding.OURS:
                self.assertEqual(holders.setdefault(number, source), source)
                self.assertNotIn(number, spent)
                if is_spent:
                    self.assertTrue(used.spend(mac))
                    spent.add(number)
            self.assertLessEqual(len(used), 3)
