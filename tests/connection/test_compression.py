# SPDX-License-Identifier: MIT
"""Tests of deflated messages."""

from __future__ import annotations

import tracemalloc
import zlib
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.compression import Compression
from gamenet.errors import CloseReason, RemoteProtocolError

LIMIT = 10_000


def deflated(payload: bytes) -> bytes:
    """Return a message deflated, whatever it gains."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b"\1" + deflate.compress(payload) + deflate.flush()


class CompressionTests(SynchronousTestCase):
    """What was packed is unpacked; what nobody packed is refused."""

    def setUp(self) -> None:
        self.compression = Compression(LIMIT)

    def refused(self, packed: bytes) -> CloseReason:
        """Return the reason for which a message is refused."""
        error = self.assertRaises(RemoteProtocolError, self.compression.unpack, packed)
        return error.reason

    @given(
        st.one_of(
            st.binary(max_size=500),
            st.builds(
                lambda part, n: (part * n)[:LIMIT],
                st.binary(min_size=1, max_size=40),
                st.integers(0, 1000),
            ),
        )
    )
    @example(b"")
    @example(bytes(LIMIT))
    @example(Random(1).randbytes(LIMIT))
    @example(bytes(range(250)) * 40)
    def test_round_trip(self, payload: bytes) -> None:
        """Every message up to the limit comes out as it went in."""
        packed = self.compression.pack(payload)
        self.assertEqual(self.compression.unpack(packed), payload)
        self.assertLessEqual(len(packed), len(payload) + 1)

    def test_gain(self) -> None:
        """What can be made smaller is; what cannot costs one byte."""
        text = b"the quick brown fox " * 50
        noise = Random(2).randbytes(1000)
        self.assertLess(len(self.compression.pack(text)), 60)
        self.assertEqual(self.compression.pack(noise), b"\0" + noise)
        self.assertEqual(self.compression.pack(b"a" * 10), b"\0" + b"a" * 10)
        self.assertEqual(self.compression.bytes_plain, 2010)
        self.assertLess(self.compression.bytes_packed, 1080)

    def test_exactly_the_limit(self) -> None:
        """The largest message passes, one byte more does not."""
        self.assertEqual(self.compression.unpack(deflated(bytes(LIMIT))), bytes(LIMIT))
        for size in (LIMIT + 1, 2 * LIMIT):
            reason = self.refused(deflated(bytes(size)))
            self.assertIs(reason, CloseReason.MESSAGE_TOO_LARGE)

    def test_bomb(self) -> None:
        """A bomb is never inflated beyond the limit, however large it would become."""
        bomb = deflated(bytes(1 << 26))
        self.assertLess(len(bomb), 70_000)
        tracemalloc.start()
        try:
            self.assertIs(self.refused(bomb), CloseReason.MESSAGE_TOO_LARGE)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        self.assertLess(peak, 300_000)

    def test_malformed(self) -> None:
        """What is neither plain nor one whole DEFLATE stream is malformed."""
        good = deflated(b"hello " * 30)
        for bad in (
            b"",
            b"\1",
            b"\2hello",
            b"\xff" + good[1:],
            good[:-1],
            good[:10],
            good + b"\0",
            good + good[1:],
            b"\1" + b"\xff" * 20,
        ):
            self.assertIs(self.refused(bad), CloseReason.MALFORMED, bad)

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are a message within the limit, or refused."""
        try:
            payload = self.compression.unpack(data)
        except RemoteProtocolError:
            return
        self.assertLessEqual(len(payload), LIMIT)
