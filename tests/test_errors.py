# SPDX-License-Identifier: MIT
"""Tests of errors and close reasons."""

from __future__ import annotations

import inspect

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet import errors
from gamenet.errors import (
    CloseReason,
    ConnectError,
    GamenetError,
    LocalProtocolError,
    RemoteProtocolError,
    StaleEntityError,
    WorldFullError,
)


class CloseReasonTests(SynchronousTestCase):
    """A reason is one byte on the wire and one advice for the user."""

    def test_one_byte(self) -> None:
        """Every reason fits one byte; the numbers are settled for good."""
        numbers = {reason.name: reason.value for reason in CloseReason}
        self.assertEqual(
            numbers,
            {
                "NORMAL": 0,
                "SERVER_SHUTDOWN": 1,
                "KICKED": 2,
                "SERVER_FULL": 16,
                "TOO_MANY_FROM_ADDRESS": 17,
                "VERSION_MISMATCH": 18,
                "PROTOCOL_MISMATCH": 19,
                "HANDSHAKE_TIMED_OUT": 20,
                "UNREACHABLE": 21,
                "TOKEN_INVALID": 22,
                "TOKEN_EXPIRED": 23,
                "TOKEN_USED": 24,
                "TOKEN_FOREIGN": 25,
                "SESSION_GONE": 26,
                "NO_TOKEN": 27,
                "TIMED_OUT": 32,
                "LINK_LOST": 33,
                "MALFORMED": 48,
                "MESSAGE_TOO_LARGE": 49,
                "SEND_QUEUE_OVERFLOW": 50,
                "RATE_LIMITED": 51,
                "INTERNAL_ERROR": 64,
            },
        )

    def test_advice(self) -> None:
        """Every reason has an advice of its own: whole sentences, no jargon."""
        advices = [reason.advice for reason in CloseReason]
        self.assertEqual(len(set(advices)), len(advices))
        for advice in advices:
            self.assertTrue(advice[0].isupper(), advice)
            self.assertTrue(advice.endswith("."), advice)
            self.assertNotIn("_", advice)

    @given(st.integers(0, 255))
    def test_from_wire(self, number: int) -> None:
        """Any byte of a peer is a reason; those that we do not know are normal."""
        known = {reason.value for reason in CloseReason}
        reason = CloseReason.from_wire(number)
        self.assertEqual(reason, number if number in known else CloseReason.NORMAL)


class ErrorTests(SynchronousTestCase):
    """Every error of ours can be caught as one."""

    def test_tree(self) -> None:
        """The errors form the tree that is drawn in the module."""
        for name in errors.__all__:
            kind = getattr(errors, name)
            if issubclass(kind, Exception):
                self.assertTrue(issubclass(kind, GamenetError), name)
                self.assertIn(name, errors.__doc__ or "")
        self.assertTrue(issubclass(StaleEntityError, LocalProtocolError))
        self.assertTrue(issubclass(WorldFullError, LocalProtocolError))

    def test_complete(self) -> None:
        """Everything that the module defines is offered."""
        defined = [
            name
            for name, kind in inspect.getmembers(errors, inspect.isclass)
            if kind.__module__ == errors.__name__
        ]
        self.assertEqual(sorted(defined), errors.__all__)

    def test_remote(self) -> None:
        """An error of the peer has the reason that it will be told."""
        self.assertIs(RemoteProtocolError("bad").reason, CloseReason.MALFORMED)
        error = RemoteProtocolError("big", CloseReason.MESSAGE_TOO_LARGE)
        self.assertIs(error.reason, CloseReason.MESSAGE_TOO_LARGE)
        self.assertEqual(str(error), "big")

    def test_connect(self) -> None:
        """A failed attempt has what happened, the reason and the server's words."""
        error = ConnectError("cannot connect", CloseReason.SERVER_FULL, "64 players")
        self.assertEqual(str(error), "cannot connect")
        self.assertEqual((error.reason, error.detail), (16, "64 players"))
        self.assertEqual(ConnectError("no", CloseReason.UNREACHABLE).detail, "")
