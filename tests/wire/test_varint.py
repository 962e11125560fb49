# SPDX-License-Identifier: MIT
"""Variable-length integers."""

from __future__ import annotations

import construct as cs
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.wire.varint import read_varint, unzigzag, varint_bytes, zigzag_of

UNSIGNED = st.integers(0, (1 << 64) - 1)
SIGNED = st.integers(-(1 << 63), (1 << 63) - 1)
EDGES = {
    0: "00",
    1: "01",
    127: "7f",
    128: "8001",
    300: "ac02",
    16383: "ff7f",
    16384: "808001",
    (1 << 64) - 1: "ffffffffffffffffff01",
}


class VarintTests(SynchronousTestCase):
    """Numbers from 0 to 2**64 - 1."""

    @given(UNSIGNED, st.binary(max_size=3))
    def test_round_trip(self, number: int, rest: bytes) -> None:
        """A number is read back, whatever follows it, and the position after it."""
        encoded = varint_bytes(number)
        self.assertEqual(read_varint(encoded + rest, 0), (number, len(encoded)))
        self.assertEqual(
            read_varint(memoryview(b"x" + encoded + rest), 1),
            (number, 1 + len(encoded)),
        )

    @given(UNSIGNED)
    def test_construct(self, number: int) -> None:
        """The bytes are those of construct's VarInt."""
        self.assertEqual(varint_bytes(number), cs.VarInt.build(number))

    def test_edges(self) -> None:
        """Seven bits a byte, lowest first, the high bit on all but the last."""
        for number, encoded in EDGES.items():
            self.assertEqual(varint_bytes(number).hex(), encoded)

    def test_out_of_range(self) -> None:
        """A number that is negative or above 64 bits is refused, with its value."""
        for number in (-1, 1 << 64, 1 << 200):
            error = self.assertRaises(LocalProtocolError, varint_bytes, number)
            self.assertIn(str(number), str(error))

    def test_only_the_shortest(self) -> None:
        """An encoding with a byte to spare is refused: equal numbers, equal bytes."""
        for encoded in ("8000", "ff00", "808000", "ffffffffffffffffff8100"):
            with self.assertRaises(RemoteProtocolError):
                read_varint(bytes.fromhex(encoded), 0)

    def test_above_64_bits(self) -> None:
        """Ten bytes that mean more than 64 bits are refused, and so are eleven."""
        for encoded in ("ffffffffffffffffff02", "ff" * 10 + "01", "80" * 1000):
            with self.assertRaises(RemoteProtocolError):
                read_varint(bytes.fromhex(encoded), 0)

    @given(UNSIGNED)
    def test_cut_short(self, number: int) -> None:
        """Bytes that end within the number raise IndexError, for the codec to catch."""
        encoded = varint_bytes(number)
        for end in range(len(encoded)):
            with self.assertRaises(IndexError):
                read_varint(encoded[:end], 0)

    def test_numpy(self) -> None:
        """Narrow integers of numpy mean the number that they show."""
        for number in (np.uint8(200), np.int16(32767), np.uint64((1 << 64) - 1)):
            self.assertEqual(varint_bytes(number), varint_bytes(int(number)))


class ZigzagTests(SynchronousTestCase):
    """Signed numbers, small magnitudes first."""

    def test_order(self) -> None:
        """0, -1, 1, -2, 2 become 0 to 4."""
        self.assertEqual([zigzag_of(n) for n in (0, -1, 1, -2, 2)], [0, 1, 2, 3, 4])

    @given(SIGNED)
    def test_inverse(self, number: int) -> None:
        """Each signed 64-bit number has one unsigned 64-bit number."""
        mapped = zigzag_of(number)
        self.assertTrue(0 <= mapped < 1 << 64)
        self.assertEqual(unzigzag(mapped), number)
        self.assertEqual(varint_bytes(mapped), cs.ZigZag.build(number))

    def test_out_of_range(self) -> None:
        """A number beyond 64 bits is refused, with its value."""
        for number in (1 << 63, -(1 << 63) - 1):
            error = self.assertRaises(LocalProtocolError, zigzag_of, number)
            self.assertIn(str(number), str(error))

    def test_numpy(self) -> None:
        """Narrow integers of numpy mean the number that they show."""
        for number in (np.int8(-128), np.int8(100), np.int64(-(1 << 63))):
            self.assertEqual(zigzag_of(number), zigzag_of(int(number)))
