# SPDX-License-Identifier: MIT
"""Tests of the table of clients that were challenged."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.netcode import PacketOpener, PacketSealer
from gamenet.connection.outcomes import Pass
from gamenet.connection.pending import Pending, PendingTable
from tests.connection.doors import AWAY, HOME

KEY = bytes(32)


def pending_of(number: int, now: float = 0.0, timeout: int = 5) -> Pending:
    """Return a client with the token of a number."""
    pass_ = Pass(
        client_id=number,
        user_data=b"",
        timeout=timeout,
        addresses=(),
        client_to_server=KEY,
        server_to_client=KEY,
        mac=mac_of(number),
        expires=0,
        protocol_id=0,
    )
    sealer, opener = PacketSealer(KEY, 0), PacketOpener(KEY, 0)
    pending = Pending(pass_, sealer, opener, b"answer", b"challenge")
    pending.renew(now)
    return pending


def mac_of(number: int) -> bytes:
    """Return what tells a token from others."""
    return number.to_bytes(16, "little")


class PendingTests(SynchronousTestCase):
    """A client has some seconds to answer."""

    def test_time(self) -> None:
        """As its token says, but no more than ten; ten if that says never."""
        for timeout, until in ((5, 5.0), (10, 10.0), (60, 10.0), (-1, 10.0), (0, 10.0)):
            self.assertEqual(pending_of(1, 0.0, timeout).until, until)


class PendingTableTests(SynchronousTestCase):
    """The table finds clients by address and token, and has a bound."""

    def setUp(self) -> None:
        self.table = PendingTable(6)

    def add(self, number: int, source: str = HOME, now: float = 0.0) -> Pending:
        """Keep a client."""
        pending = pending_of(number, now)
        self.table.add(source, pending)
        return pending

    def test_find(self) -> None:
        """A client is found at its address only."""
        pending = self.add(1)
        self.assertIs(self.table.find(HOME, mac_of(1)), pending)
        self.assertIsNone(self.table.find(HOME, mac_of(2)))
        self.assertIsNone(self.table.find(AWAY, mac_of(1)))

    def test_at(self) -> None:
        """Those at an address are told in order, while they have time."""
        first, second = self.add(1, now=0.0), self.add(2, now=1.0)
        self.assertEqual(self.table.at(HOME, now=4.9), [first, second])
        self.assertEqual(self.table.at(HOME, now=5.0), [second])
        self.assertEqual(self.table.at(AWAY, now=0.0), [])

    def test_connected(self) -> None:
        """When one is connected, those before it are stale, and those after not."""
        self.add(1)
        second, third = self.add(2), self.add(3)
        self.table.connected(HOME, second)
        self.assertEqual(self.table.at(HOME, now=0.0), [third])
        self.table.connected(HOME, third)
        self.assertEqual((self.table.at(HOME, now=0.0), len(self.table)), ([], 0))

    def test_most_of_one(self) -> None:
        """An address takes no more than four places: its oldest gives way."""
        for number in range(6):
            self.add(number)
        self.assertEqual(len(self.table), 4)
        self.assertIsNone(self.table.find(HOME, mac_of(1)))
        self.assertIsNotNone(self.table.find(HOME, mac_of(2)))

    def test_one_token_everywhere(self) -> None:
        """A token shown from address after address takes a few places, no more."""
        sources = [f"192.0.2.{n}:1" for n in range(50)]
        for source in sources:
            self.assertTrue(self.table.has_room(now=0.0))
            self.add(1, source)
        self.assertEqual(len(self.table), 4)
        found = [each for each in sources if self.table.find(each, mac_of(1))]
        self.assertEqual(found, sources[-4:])
        kept = self.table.find(sources[-1], mac_of(1))
        assert kept is not None
        self.table.connected(sources[-1], kept)
        self.assertEqual(len(self.table), 3)

    def test_room(self) -> None:
        """At the bound there is room again when somebody's time is over."""
        for number in range(6):
            self.assertTrue(self.table.has_room(now=0.0))
            self.add(number, f"a:{number}", now=number / 2)
        for now in (4.0, 4.9):
            self.assertFalse(self.table.has_room(now=now))
        self.assertEqual(len(self.table), 6)
        self.assertTrue(self.table.has_room(now=5.6))
        self.assertEqual(len(self.table), 4)
        self.assertIsNotNone(self.table.find("a:2", mac_of(2)))

    def test_renewed_meanwhile(self) -> None:
        """Whose time was given anew is not swept out."""
        held = [self.add(number, f"a:{number}") for number in range(6)]
        held[3].renew(4.0)
        self.assertTrue(self.table.has_room(now=6.0))
        self.assertEqual(self.table.at("a:3", now=6.0), [held[3]])
        self.assertEqual(len(self.table), 1)

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 9),
                st.sampled_from([HOME, AWAY, "a:1"]),
                st.floats(0.0, 3.0),
                st.booleans(),
            ),
            max_size=60,
        )
    )
    def test_bound(self, steps: list[tuple[int, str, float, bool]]) -> None:
        """Whatever comes, the count is right and within the bound."""
        table, now = PendingTable(6), 0.0
        for number, source, wait, is_answer in steps:
            now += wait
            held = table.at(source, now=now)
            if is_answer and held:
                table.connected(source, held[number % len(held)])
            elif table.find(source, mac_of(number)) is None and table.has_room(now=now):
                table.add(source, pending_of(number, now))
            kept = sum(len(table.at(at, now=-1.0)) for at in (HOME, AWAY, "a:1"))
            self.assertEqual(len(table), kept)
            self.assertLessEqual(kept, 6)
