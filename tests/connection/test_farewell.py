# SPDX-License-Identifier: MIT
"""Tests of the last word of a connection."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig
from gamenet.connection.farewell import MAX_DETAIL, close_frame, reason_of
from gamenet.connection.frames import CLOSE, CONTROL, legal_heads, read_frames
from gamenet.errors import CloseReason

LEGAL = legal_heads(ConnectionConfig())


def told(reason: CloseReason, detail: str) -> tuple[CloseReason, str]:
    """Return what a peer reads of a farewell."""
    body = bytes((CONTROL << 5 | CLOSE,)) + close_frame(reason, detail)
    [(kind, form, number, text)] = read_frames(body, 0, LEGAL)
    assert (kind, form) == (CLOSE, CONTROL)
    return reason_of(number, text)


class FarewellTests(SynchronousTestCase):
    """Reason and detail arrive, whatever they are."""

    def test_reasons(self) -> None:
        """Every reason arrives as itself."""
        for reason in CloseReason:
            self.assertEqual(told(reason, "why"), (reason, "why"))

    def test_unknown_reason(self) -> None:
        """A reason that we do not know reads as a normal end."""
        self.assertEqual(reason_of(200, b"new"), (CloseReason.NORMAL, "new"))

    @given(st.text(max_size=400))
    def test_any_detail(self, detail: str) -> None:
        """A detail arrives, cut between two characters to what a packet takes."""
        _, text = told(CloseReason.KICKED, detail)
        self.assertTrue(detail.startswith(text))
        self.assertLessEqual(len(text.encode()), MAX_DETAIL)
        if len(detail.encode()) <= MAX_DETAIL:
            self.assertEqual(text, detail)

    def test_half_a_pair(self) -> None:
        """Half a surrogate pair, which no text can hold, is replaced."""
        self.assertEqual(told(CloseReason.NORMAL, "a\ud800b")[1], "a?b")

    @given(st.integers(0, 255), st.binary(max_size=2000))
    def test_any_bytes(self, number: int, text: bytes) -> None:
        """Whatever a peer says, it is a reason and a text that is not long."""
        reason, detail = reason_of(number, text)
        self.assertIsInstance(reason, CloseReason)
        self.assertLessEqual(len(detail), MAX_DETAIL)
