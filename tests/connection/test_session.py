# SPDX-License-Identifier: MIT
"""Tests of what of a connection outlives its links."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig, ConnectToken
from gamenet.connection.session import RENEW_AFTER, Session
from gamenet.errors import CloseReason, RemoteProtocolError
from tests.connection.doors import Entrance

KEY = bytes(range(32))


class SessionTests(SynchronousTestCase):
    """A session waits for another link for a while, and knows who may bring it."""

    def setUp(self) -> None:
        self.entrance = Entrance()
        self.server = Session(ConnectionConfig(resume_window=10.0))
        self.server.issue_tickets(b"session of 16 by", KEY, self.issue)
        self.client = Session(ConnectionConfig(resume_window=20.0))
        self.client.keep_tickets(KEY)

    def issue(self, session: bytes, generation: int) -> ConnectToken:
        """Make a token of the session."""
        self.assertEqual(session, b"session of 16 by")
        return self.entrance.token(generation)

    def test_either_side(self) -> None:
        """The server can wait from the start, the client when it has a ticket."""
        self.assertTrue(self.server.can_resume)
        self.assertFalse(self.client.can_resume)
        for message in self.server.messages(now=0.0):
            self.client.receive(message)
        self.assertTrue(self.client.can_resume)
        self.assertTrue(self.client.has_tickets)
        self.assertEqual(self.server.id, b"session of 16 by")

    def test_cannot_wait(self) -> None:
        """Without a window, and without tickets, a session ends with its link."""
        never = Session(ConnectionConfig(resume_window=0.0))
        never.issue_tickets(bytes(16), KEY, self.issue)
        self.assertFalse(never.can_resume)
        self.assertFalse(Session(ConnectionConfig()).can_resume)

    def test_waits(self) -> None:
        """It is given up after the window, unless a link is found before."""
        self.assertIsNone(self.server.next_timeout())
        self.server.lose_link(CloseReason.TIMED_OUT, 5.0)
        self.assertEqual(self.server.next_timeout(), 15.0)
        self.assertIs(self.server.reason, CloseReason.TIMED_OUT)
        self.assertFalse(self.server.is_given_up(14.9))
        self.assertTrue(self.server.is_given_up(15.0))
        self.server.find_link()
        self.assertFalse(self.server.is_given_up(1e9))
        self.assertIsNone(self.server.next_timeout())

    def test_attempt(self) -> None:
        """An attempt to resume has a time of its own."""
        self.client.lose_link(CloseReason.LINK_LOST, 0.0)
        self.client.attempt_until = 5.0
        self.assertEqual(self.client.next_timeout(), 5.0)
        self.client.find_link()
        self.assertIsNone(self.client.attempt_until)

    def test_tickets_are_spent(self) -> None:
        """A ticket is good until it is spent, and only to the server that issued it."""
        self.server.messages(now=0.0)
        self.assertTrue(self.server.has_ticket(1))
        self.server.spend(1)
        self.assertFalse(self.server.has_ticket(1))
        self.assertFalse(self.client.has_ticket(2))
        self.client.spend(2)

    def test_tickets_are_renewed(self) -> None:
        """A link that holds for long has tickets that have not expired."""
        self.assertEqual(len(self.server.messages(now=0.0)), 2)
        self.assertFalse(self.server.must_renew(RENEW_AFTER - 1.0))
        self.assertTrue(self.server.must_renew(RENEW_AFTER))
        self.assertEqual(len(self.server.messages(now=RENEW_AFTER)), 2)
        self.assertEqual(
            [self.server.has_ticket(n) for n in (1, 2, 3, 4)], [0, 0, 1, 1]
        )
        self.assertFalse(self.server.must_renew(RENEW_AFTER))

    def test_a_client_says_nothing(self) -> None:
        """A server takes no message on gamenet's own channel."""
        self.assertRaises(RemoteProtocolError, self.server.receive, b"\1anything")

    def test_a_client_has_nothing_to_issue(self) -> None:
        """A client sends no tickets, and a server has none to try."""
        self.assertEqual(self.client.messages(now=0.0), [])
        self.assertIsNone(self.server.next_ticket())
        self.server.discard(self.entrance.token())
