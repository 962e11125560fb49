# SPDX-License-Identifier: MIT
"""Tests of what the server tells a player about their inputs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.prediction import Feedback, wire_clock

SIZE = 23


class FeedbackTests(SynchronousTestCase):
    """Feedback survives the wire within its steps, and saturates."""

    @given(st.binary(min_size=SIZE, max_size=SIZE))
    def test_round_trip(self, data: bytes) -> None:
        """All bytes of the right length are a feedback, and come back the same."""
        self.assertEqual(Feedback.decode(data).encode(), data)

    @given(st.binary(max_size=40).filter(lambda data: len(data) != SIZE))
    def test_malformed(self, data: bytes) -> None:
        """Any other length is refused."""
        self.assertRaises(RemoteProtocolError, Feedback.decode, data)

    def test_saturates(self) -> None:
        """What does not fit is the nearest that does."""
        wide = Feedback(1, 99.0, 7.0, 3, slack=-1e6, wanted=1e6, late=257, depth=999)
        read = Feedback.decode(wide.encode())
        self.assertIsNone(read.held)
        self.assertEqual((read.slack, read.late, read.depth), (-256.0, 1, 255))
        self.assertEqual(read.wanted, 65535 / 128)
        wide.slack, wide.held = 1e6, None
        read = Feedback.decode(wide.encode())
        self.assertIsNone(read.held)
        self.assertEqual(read.slack, 32767 / 128)

    @given(st.floats(0, 1e7), st.floats(0, 4000))
    def test_sent_at(self, now: float, passed: float) -> None:
        """The echo says when its packet was sent, for more than an hour."""
        feedback = Feedback(wire_clock(now), 0.0, 0.0, 0, 0.0, 0.0)
        self.assertLess(abs(feedback.sent_at(now + passed) - now), 1e-5)
