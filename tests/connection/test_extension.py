# SPDX-License-Identifier: MIT
"""Tests of the bytes that gamenet's handshake has beyond netcode's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.extension import (
    ACCEPTED_BODY,
    JOIN_TAIL,
    STREAM_ACCEPTED,
    STREAM_TAIL,
    is_from_gamenet,
    marked_sequence,
    read_refusal,
    shortened,
    write_refusal,
)
from gamenet.connection.outcomes import Refused
from gamenet.errors import CloseReason


class SequenceTests(SynchronousTestCase):
    """A sequence says whether the server speaks gamenet."""

    def test_mark(self) -> None:
        """Bit 63, the letters GN, then a number of 40 bits."""
        self.assertEqual(marked_sequence(0x12345), 0x80474E_00_00012345)
        self.assertTrue(marked_sequence(5) >> 63)

    @given(st.integers(0, 2**64))
    def test_any_number(self, number: int) -> None:
        """Every number gives a marked sequence of 64 bits."""
        sequence = marked_sequence(number)
        self.assertTrue(is_from_gamenet(sequence))
        self.assertLess(sequence, 1 << 64)

    def test_netcode(self) -> None:
        """The sequences of other servers are not marked, nor those of connections."""
        for sequence in (0, 5, 1 << 63, (1 << 63) + 10**9, 2**64 - 1, 0x474E << 40):
            self.assertFalse(is_from_gamenet(sequence))


class RefusalTests(SynchronousTestCase):
    """Why somebody is refused."""

    @given(st.sampled_from(CloseReason), st.text(max_size=40))
    def test_round_trip(self, reason: CloseReason, detail: str) -> None:
        """What is written is read."""
        refused = Refused(reason, detail)
        self.assertEqual(read_refusal(write_refusal(refused, 1001)), refused)

    @given(st.text(), st.integers(-3, 30))
    def test_shortened(self, text: str, size: int) -> None:
        """A text is cut to the size, never inside a character."""
        cut = shortened(text, size)
        self.assertLessEqual(len(cut), max(0, size))
        self.assertTrue(text.startswith(cut.decode()))

    def test_surrogate(self) -> None:
        """What is no text is still told somehow."""
        self.assertEqual(shortened("a\ud800b"), b"a?b")

    @given(st.binary(min_size=1, max_size=1001))
    def test_any_bytes(self, body: bytes) -> None:
        """Whatever the server says is read."""
        self.assertIsInstance(read_refusal(body), Refused)

    def test_sizes(self) -> None:
        """The layouts have the sizes that the standard gives."""
        layouts = (JOIN_TAIL, ACCEPTED_BODY, STREAM_TAIL, STREAM_ACCEPTED)
        sizes = [layout.size for layout in layouts]
        self.assertEqual(sizes, [350 - 308, 44, 10, 9])
