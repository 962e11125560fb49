# SPDX-License-Identifier: MIT
"""Tests of the cookies by which a client proves its address."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.cookie import CookieJar

SECRET = bytes(range(32))
ADDRESS = "192.0.2.1:7777"


class CookieTests(SynchronousTestCase):
    """A cookie is good for one address and salt, for a while, at one server."""

    def setUp(self) -> None:
        self.jar = CookieJar(SECRET, lifetime=5.0)
        self.cookie = self.jar.bake(ADDRESS, 42, now=100.0)

    def is_good(self, cookie=None, address=ADDRESS, salt=42, now=100.1) -> bool:
        """Ask about the cookie, with something changed."""
        return self.jar.is_good(cookie or self.cookie, address, salt, now=now)

    def test_good(self) -> None:
        """The cookie that was baked is good, again and again."""
        self.assertTrue(self.is_good())
        self.assertTrue(self.is_good())

    def test_bound_to_address_and_salt(self) -> None:
        """Another address or salt cannot use it."""
        self.assertFalse(self.is_good(address="192.0.2.1:7778"))
        self.assertFalse(self.is_good(salt=43))

    def test_expires(self) -> None:
        """It is good from the moment of baking for its lifetime, and no longer."""
        self.assertTrue(self.is_good(now=100.0))
        self.assertTrue(self.is_good(now=104.9))
        self.assertFalse(self.is_good(now=105.1))
        self.assertFalse(self.is_good(now=99.9))

    def test_other_server(self) -> None:
        """Another secret bakes other cookies."""
        other = CookieJar(bytes(32), lifetime=5.0)
        self.assertFalse(other.is_good(self.cookie, ADDRESS, 42, now=100.1))

    @given(st.tuples(*[st.integers(0, 2**64 - 1)] * 3))
    def test_forged(self, cookie: tuple[int, int, int]) -> None:
        """A guess is no cookie."""
        jar = CookieJar(SECRET, lifetime=5.0)
        self.assertFalse(jar.is_good(cookie, ADDRESS, 42, now=100.0))

    @given(st.integers(0, 2), st.integers(0, 63))
    def test_one_bit(self, part: int, bit: int) -> None:
        """One changed bit makes it bad, also in its time."""
        jar = CookieJar(SECRET, lifetime=5.0)
        cookie = list(jar.bake(ADDRESS, 42, now=100.0))
        cookie[part] ^= 1 << bit
        forged = (cookie[0], cookie[1], cookie[2])
        self.assertFalse(jar.is_good(forged, ADDRESS, 42, now=100.5))
