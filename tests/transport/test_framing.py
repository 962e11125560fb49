# SPDX-License-Identifier: MIT
"""The framing of streams is the same however the stream is cut into pieces."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason, RemoteProtocolError
from gamenet.transport.framing import FrameBuffer, frame

PACKETS = st.lists(st.binary(max_size=50), max_size=20)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """Return a stream cut at some places."""
    places = sorted(cut % (len(stream) + 1) for cut in cuts)
    starts, ends = [0, *places], [*places, len(stream)]
    return [stream[a:b] for a, b in zip(starts, ends, strict=True)]


class FrameBufferTests(SynchronousTestCase):
    """A `FrameBuffer` gives back the packets of a stream."""

    def test_bytes(self):
        """A packet follows its length, 32 bits little-endian."""
        self.assertEqual(frame([b"abc", b""]), b"\x03\0\0\0abc\0\0\0\0")

    @given(PACKETS, st.lists(st.integers(0, 10000), max_size=30))
    def test_any_pieces(self, packets, cuts):
        """However the stream is cut, the packets come out whole and in order."""
        buffer = FrameBuffer(50)
        received = []
        for piece in pieces(frame(packets), cuts):
            received += buffer.feed(piece)
        self.assertEqual(received, packets)

    @given(PACKETS)
    def test_one_byte_at_a_time(self, packets):
        """Not even a stream of single bytes loses a packet."""
        buffer = FrameBuffer(50)
        stream = frame(packets)
        received = [
            p for i in range(len(stream)) for p in buffer.feed(stream[i : i + 1])
        ]
        self.assertEqual(received, packets)

    def test_too_large(self):
        """A packet above the limit is refused by its length alone."""
        buffer = FrameBuffer(50)
        self.assertEqual(len(buffer.feed(frame([b"x" * 50]))), 1)
        with self.assertRaises(RemoteProtocolError) as caught:
            buffer.feed(b"\x33\0\0\0")
        self.assertIs(caught.exception.reason, CloseReason.MESSAGE_TOO_LARGE)
        self.assertIn("51 bytes came; the limit is 50", str(caught.exception))

    @given(st.lists(st.binary(max_size=200), max_size=20))
    def test_hostile_bytes(self, data):
        """Any bytes give packets within the limit, or the one error."""
        buffer = FrameBuffer(50)
        try:
            for piece in data:
                for packet in buffer.feed(piece):
                    self.assertLessEqual(len(packet), 50)
        except RemoteProtocolError:
            return
