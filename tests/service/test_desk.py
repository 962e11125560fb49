# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.desk."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.desk import Allowances, TokenDesk
from gamenet.testing import Clock

SECRET = "correct-horse-battery"
FAR = "192.0.2.7"


class AllowancesTests(SynchronousTestCase):
    """Each address has so many at once, and then at a rate."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.allowances = Allowances(60, self.clock.seconds)

    def n_taken(self, address: str, n: int = 1000) -> int:
        """Return how many of some attempts were granted."""
        return sum(self.allowances.take(address) == 0 for _ in range(n))

    def test_burst(self) -> None:
        """The first ones are granted at once; further ones are told when."""
        self.assertEqual(self.n_taken(FAR), 60)
        self.assertAlmostEqual(self.allowances.take(FAR), 0.5)

    def test_rate(self) -> None:
        """Afterwards they come at a rate, and never more than the burst."""
        self.n_taken(FAR)
        self.clock.advance(5)
        self.assertEqual(self.n_taken(FAR), 10)
        self.clock.advance(3600)
        self.assertEqual(self.n_taken(FAR), 60)

    def test_addresses(self) -> None:
        """Each address has its own; of IPv6, each network of a caller."""
        for n, address in (
            (60, FAR),
            (60, "192.0.2.8"),
            (0, f"::ffff:{FAR}"),
            (60, "2001:db8:0:1::1"),
            (0, "2001:db8:0:1:2:3:4:5"),
            (60, "2001:db8:0:2::1"),
            (60, "a socket"),
        ):
            self.assertEqual(self.n_taken(address), n, address)

    def test_memory(self) -> None:
        """Very many addresses are not told apart, and those known before still are."""
        self.assertEqual(self.n_taken(FAR, 30), 30)
        for number in range(10_000):
            self.allowances.take(f"10.1.{number // 256}.{number % 256}")
        self.assertLessEqual(len(self.allowances), 4097)
        self.assertEqual(self.n_taken("10.2.0.1"), 0)
        self.assertEqual(self.n_taken(FAR), 30)

    def test_forgotten(self) -> None:
        """Those that have regained everything make room for others."""
        for number in range(10_000):
            self.allowances.take(f"10.1.{number // 256}.{number % 256}")
        self.clock.advance(31)
        self.assertEqual(self.n_taken("10.2.0.1"), 60)
        self.assertLess(len(self.allowances), 10)

    @given(st.integers(1, 50), st.lists(st.floats(0, 40), max_size=200))
    def test_bound(self, burst: int, pauses: list[float]) -> None:
        """In no span of time are more granted than the burst and what it regains."""
        clock = Clock()
        allowances = Allowances(burst, clock.seconds)
        granted = []
        for pause in pauses:
            clock.advance(pause)
            if allowances.take(FAR) == 0:
                granted.append(clock.seconds())
        for first in range(0, len(granted), 7):
            for last in range(first, len(granted)):
                span = granted[last] - granted[first]
                self.assertLessEqual(last - first, burst + burst * span / 30 + 1e-6)


class TokenDeskTests(SynchronousTestCase):
    """Who gets a token."""

    def setUp(self) -> None:
        self.clock = Clock()

    def desk(self, is_open: bool = False, secret: str = "") -> TokenDesk:
        """Return a desk where an address may have three at once."""
        return TokenDesk(
            is_open=is_open, secret=secret, burst=3, seconds=self.clock.seconds
        )

    def codes(self, desk: TokenDesk, *callers: tuple[str, str]) -> list[int]:
        """Return the status that each caller's answer has."""
        found = [desk.objection(who, shown.encode()) for who, shown in callers]
        return [200 if each is None else each.code for each in found]

    def test_open(self) -> None:
        """An open server gives everybody a token, whatever they show, at a rate."""
        desk = self.desk(is_open=True)
        self.assertEqual(desk.mode, "open")
        self.assertEqual(self.codes(desk, (FAR, ""), (FAR, "Bearer x")), [200, 200])
        self.assertEqual(self.codes(desk, (FAR, ""), (FAR, "")), [200, 429])
        self.assertEqual(self.codes(desk, ("192.0.2.8", "")), [200])
        self.clock.advance(10)
        self.assertEqual(self.codes(desk, (FAR, ""), (FAR, "")), [200, 429])

    def test_loopback(self) -> None:
        """Callers on the machine of an open server are held to no rate."""
        desk = self.desk(is_open=True)
        for address in ("127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"):
            self.assertEqual(self.codes(desk, *[(address, "")] * 9), [200] * 9)

    def test_secret(self) -> None:
        """Who shows the secret gets tokens, at any rate; others get none."""
        desk = self.desk(secret=SECRET)
        self.assertEqual(desk.mode, "secret")
        shown = f"Bearer {SECRET}"
        self.assertEqual(self.codes(desk, *[(FAR, shown)] * 9), [200] * 9)
        self.assertEqual(self.codes(desk, (FAR, shown.replace("B", "b"))), [200])
        for wrong in ("", "Bearer", "Bearer ", f"Basic {SECRET}", SECRET, shown + "x"):
            self.clock.advance(30)
            self.assertEqual(self.codes(desk, (FAR, wrong)), [401], wrong)

    def test_guessing(self) -> None:
        """Who guesses the secret is held to a rate, also on this machine."""
        for address in (FAR, "127.0.0.1"):
            desk = self.desk(secret=SECRET)
            codes = self.codes(desk, *[(address, "Bearer guess")] * 5)
            self.assertEqual(codes, [401, 401, 401, 429, 429])
            self.assertEqual(self.codes(desk, (address, f"Bearer {SECRET}")), [200])

    def test_closed(self) -> None:
        """A server with a key alone gives no tokens, and says what to configure."""
        desk = self.desk()
        self.assertEqual(desk.mode, "closed")
        for shown in ("", "Bearer", "Bearer "):
            objection = desk.objection(FAR, shown.encode())
            self.assertEqual(objection.code, 403)
            self.assertIn("connect_secret", objection.text)
        self.assertEqual(self.codes(desk, (FAR, "")), [429])

    def test_headers(self) -> None:
        """An answer says what to show, or when to come again."""
        desk = self.desk(secret=SECRET)
        found = [desk.objection(FAR, b"").headers for _ in range(4)]
        self.assertEqual(found[0], ((b"www-authenticate", b'Bearer realm="gamenet"'),))
        self.assertEqual(found[3], ((b"retry-after", b"10"),))

    def test_stats(self) -> None:
        """Everything is counted, by reason."""
        desk = self.desk(secret=SECRET)
        self.codes(desk, *[(FAR, "")] * 5)
        desk.issued()
        desk.refused("malformed")
        self.assertEqual(
            desk.stats(),
            {
                "mode": "secret",
                "issued": 1,
                "refused": {"wrong_secret": 3, "too_many": 2, "malformed": 1},
            },
        )
