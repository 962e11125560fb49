# SPDX-License-Identifier: MIT
"""The few loops over rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.wire import (
    bitmap_size,
    read_bitmap,
    read_words,
    write_bitmap,
    write_words,
)


class BitmapTests(SynchronousTestCase):
    """Bools as bits."""

    @given(st.lists(st.booleans(), max_size=40), st.integers(0, 3))
    def test_round_trip(self, bits: list[bool], at: int) -> None:
        """Bits are read as they were written, and so is the position behind them."""
        buffer = bytearray(at + bitmap_size(len(bits)))
        end = write_bitmap(buffer, at, np.array(bits, np.bool_))
        self.assertEqual(end, len(buffer))
        again, after = read_bitmap(buffer, at, len(bits))
        self.assertEqual((again.tolist(), after), (bits, end))
        self.assertEqual(again.dtype, np.bool_)

    def test_lowest_first(self) -> None:
        """The first bool is the lowest bit of the first byte."""
        buffer = bytearray(2)
        write_bitmap(memoryview(buffer), 0, np.array([1, 0, 1, 0, 0, 0, 0, 0, 1], "?"))
        self.assertEqual(buffer, b"\x05\x01")

    def test_unused_bits(self) -> None:
        """A bit behind the last is refused."""
        with self.assertRaisesRegex(RemoteProtocolError, "unused bit"):
            read_bitmap(b"\x05\x02", 0, 9)
        bits, _ = read_bitmap(b"\x05\x80", 0, 16)
        self.assertEqual(np.flatnonzero(bits).tolist(), [0, 2, 15])

    def test_cut_short(self) -> None:
        """A bitmap that ends behind the bytes is refused, without a look."""
        for count in (9, 1 << 31):
            with self.assertRaisesRegex(RemoteProtocolError, f"bitmap of {count} bits"):
                read_bitmap(b"\x05", 0, count)


class WordTests(SynchronousTestCase):
    """Numbers of one width."""

    @given(st.lists(st.integers(0, 65535), max_size=20), st.integers(0, 3))
    def test_round_trip(self, numbers: list[int], at: int) -> None:
        """Words are read as they were written, little-endian."""
        words = np.array(numbers, "<u2")
        buffer = bytearray(at + words.nbytes)
        end = write_words(buffer, at, words)
        wanted = b"".join(n.to_bytes(2, "little") for n in numbers)
        self.assertEqual(bytes(buffer[at:]), wanted)
        again, after = read_words(bytes(buffer), at, len(numbers), "u2")
        self.assertEqual((again.tolist(), after, end), (numbers, end, len(buffer)))

    def test_no_copy(self) -> None:
        """What is read is a view of the bytes."""
        buffer = bytearray(8)
        words, _ = read_words(buffer, 0, 4, "u2")
        buffer[2] = 7
        self.assertEqual(words.tolist(), [0, 7, 0, 0])

    def test_cut_short(self) -> None:
        """A plane that ends behind the bytes is refused, without a look."""
        for count in (3, 1 << 40):
            with self.assertRaisesRegex(RemoteProtocolError, f"plane of {count} words"):
                read_words(bytes(5), 0, count, "u2")
