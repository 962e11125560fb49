# SPDX-License-Identifier: MIT
"""Tests of the tokens with which a session is resumed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectToken
from gamenet.connection.tickets import OUTSTANDING, RESUME, TicketIssuer, Tickets
from gamenet.errors import RemoteProtocolError
from tests.connection.doors import Entrance

KEY = bytes(range(32))


class TicketTests(SynchronousTestCase):
    """Two tickets are out at any time, and each is good once."""

    def setUp(self) -> None:
        self.entrance = Entrance()
        self.issued: list[ConnectToken] = []
        self.issuer = TicketIssuer(KEY, self.issue)
        self.tickets = Tickets(KEY)

    def issue(self, generation: int) -> ConnectToken:
        """Make the token of a generation."""
        self.issued.append(self.entrance.token(generation))
        return self.issued[-1]

    def hand_over(self) -> None:
        """Give the client what it lacks."""
        for message in self.issuer.messages():
            self.tickets.receive(message)

    def test_handed_over(self) -> None:
        """The client gets two, as they were made, and no more until one is used."""
        self.hand_over()
        self.assertEqual(len(self.tickets), OUTSTANDING)
        kept = [self.tickets.next() for _ in range(OUTSTANDING)]
        self.assertEqual(kept, self.issued[::-1])
        self.assertEqual(self.issuer.messages(), [])

    def test_used(self) -> None:
        """A used one is good no more, and is replaced by another generation."""
        self.hand_over()
        self.assertTrue(self.issuer.has(1))
        self.issuer.use(1)
        self.issuer.use(1)
        self.assertFalse(self.issuer.has(1))
        [message] = self.issuer.messages()
        self.assertEqual(message[:5].hex(), "0103000000")
        self.assertTrue(self.issuer.has(2))
        self.assertTrue(self.issuer.has(3))

    def test_never_issued(self) -> None:
        """A generation that was never issued is not good."""
        self.assertFalse(any(self.issuer.has(n) for n in (0, 1, 2, 1 << 32)))

    def test_turns(self) -> None:
        """Each attempt tries another one; those that were used are forgotten."""
        self.hand_over()
        first, second = self.tickets.next(), self.tickets.next()
        self.assertNotEqual(first, second)
        self.assertEqual(self.tickets.next(), first)
        assert first is not None
        self.tickets.discard(first)
        self.tickets.discard(first)
        self.assertEqual([self.tickets.next() for _ in range(2)], [second] * 2)

    def test_newest_first(self) -> None:
        """What has just come is tried before what was left over."""
        self.hand_over()
        used = self.tickets.next()
        assert used is not None
        self.tickets.discard(used)
        self.issuer.use(self.issued.index(used) + 1)
        self.hand_over()
        tried = [self.tickets.next() for _ in range(3)]
        self.assertEqual(tried, [self.issued[n] for n in (2, 0, 2)])

    def test_none_left(self) -> None:
        """Without a ticket there is none to try."""
        self.assertIsNone(self.tickets.next())
        self.assertFalse(self.tickets)

    def test_bounded(self) -> None:
        """A server that sends tickets without end fills no memory; the newest stay."""
        for _ in range(50):
            self.hand_over()
            for generation in range(100):
                self.issuer.use(generation)
        self.assertLess(len(self.tickets), 10)
        self.assertIn(self.issued[-1], [self.tickets.next() for _ in range(8)])

    def test_secret(self) -> None:
        """What travels does not show the token, whatever the link is."""
        message = self.issuer.messages()[0]
        token = self.issued[0]
        for secret in (token.client_to_server, token.server_to_client, token.private):
            self.assertNotIn(secret[:16], message)

    def test_other_session(self) -> None:
        """A ticket sealed for somebody else is refused."""
        message = self.issuer.messages()[0]
        stranger = Tickets(bytes(32))
        error = self.assertRaises(RemoteProtocolError, stranger.receive, message)
        self.assertIn("not sealed for us", str(error))

    def test_another_generation(self) -> None:
        """The generation in clear is the one in the box, or nothing."""
        message = bytearray(self.issuer.messages()[0])
        message[1] ^= 1
        self.assertRaises(RemoteProtocolError, self.tickets.receive, bytes(message))

    @given(st.one_of(st.binary(max_size=40), st.binary(min_size=800, max_size=1100)))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are refused."""
        for message in (data, bytes((RESUME,)) + data):
            self.assertRaises(RemoteProtocolError, self.tickets.receive, message)
        self.assertEqual(len(self.tickets), 0)
