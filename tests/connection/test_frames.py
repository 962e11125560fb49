# SPDX-License-Identifier: MIT
"""Tests of the frames in a packet."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig
from gamenet.connection.frames import (
    ACK_DELAY,
    CANCELLED_HEAD,
    CLOSE,
    CONTROL,
    LARGEST_SIZE,
    MESSAGE,
    PATH_CHALLENGE,
    PATH_RESPONSE,
    PIECE,
    PIECE_HEAD,
    PING,
    RUN,
    RUN_HEAD,
    SEQUENCED,
    SEQUENCED_HEAD,
    Frame,
    Piece,
    legal_heads,
    read_frames,
    sized,
)
from gamenet.errors import RemoteProtocolError
from tests.connection.network import LATEST, ORDERED, SIX, UNORDERED, UNRELIABLE
from tests.connection.network import SEQUENCED as SEQUENCED_CHANNEL

LEGAL = legal_heads(ConnectionConfig(channels=SIX))
_SIZES = {PATH_CHALLENGE: 8, PATH_RESPONSE: 8, ACK_DELAY: 2, PING: 0}


def with_size(payload: bytes) -> bytes:
    """Return a payload behind its size, as docs/STANDARD.md has it."""
    size = len(payload)
    if size < 128:
        return bytes((size,)) + payload
    return bytes((size & 127 | 128, size >> 7)) + payload


def frame_bytes(frame: Frame) -> bytes:
    """Return a frame as docs/STANDARD.md has it."""
    channel, form, sequence, content = frame
    head = bytes((channel | form << 5,))
    number = sequence.to_bytes(2, "little")
    if form == MESSAGE:
        return head + with_size(content)
    if form == SEQUENCED:
        return head + number + with_size(content)
    if form == RUN:
        runs = b"".join(map(with_size, content))
        return head + number + bytes((len(content),)) + runs
    if form == PIECE and content.total:
        place = content.number.to_bytes(2, "little") + content.total.to_bytes(
            2, "little"
        )
        return head + number + place + with_size(content.payload)
    if form == PIECE:
        return (
            bytes((channel | 4 << 5,)) + number + content.number.to_bytes(2, "little")
        )
    if channel == CLOSE:
        return head + bytes((sequence,)) + with_size(content)
    return head + content


words = st.integers(0, 0xFFFF)
payloads = st.one_of(st.binary(max_size=20), st.binary(min_size=120, max_size=300))
places = st.integers(2, 0xFFFF).flatmap(
    lambda total: st.tuples(st.integers(0, total - 1), st.just(total))
)
streamed = st.sampled_from([ORDERED, UNORDERED, 31])
frames = st.lists(
    st.one_of(
        st.tuples(st.just(UNRELIABLE), st.just(MESSAGE), st.just(0), payloads),
        st.tuples(
            st.sampled_from([SEQUENCED_CHANNEL, LATEST]),
            st.just(SEQUENCED),
            words,
            payloads,
        ),
        st.tuples(
            streamed, st.just(RUN), words, st.lists(payloads, min_size=1, max_size=5)
        ),
        st.tuples(
            streamed,
            st.just(PIECE),
            words,
            st.builds(
                lambda place, part: Piece(*place, part),
                places,
                st.binary(min_size=1, max_size=300),
            ),
        ),
        st.tuples(
            streamed,
            st.just(PIECE),
            words,
            st.builds(lambda number: Piece(number, 0, b""), words),
        ),
        st.tuples(st.just(CLOSE), st.just(CONTROL), st.integers(0, 255), payloads),
        st.sampled_from(list(_SIZES.items())).flatmap(
            lambda item: st.tuples(
                st.just(item[0]),
                st.just(CONTROL),
                st.just(0),
                st.binary(min_size=item[1], max_size=item[1]),
            )
        ),
    ),
    max_size=6,
)


class FrameTests(SynchronousTestCase):
    """Frames are read whole or the packet is refused."""

    def refused(self, data: bytes) -> str:
        """Return why a body is refused."""
        return str(self.assertRaises(RemoteProtocolError, read_frames, data, 0, LEGAL))

    @given(frames, st.binary(max_size=20))
    def test_round_trip(self, written: list[Frame], head: bytes) -> None:
        """What was written is read, from any position, empty payloads included."""
        data = head + b"".join(map(frame_bytes, written))
        self.assertEqual(read_frames(data, len(head), LEGAL), written)

    @given(frames, st.data())
    def test_truncated(self, written: list[Frame], data: Any) -> None:
        """A packet cut inside a frame is refused; cut between frames it is shorter."""
        whole = b"".join(map(frame_bytes, written))
        length = data.draw(st.integers(0, len(whole)))
        ends = [len(b"".join(map(frame_bytes, written[:n]))) for n in range(7)]
        if length in ends:
            expected = written[: ends.index(length)]
            self.assertEqual(read_frames(whole[:length], 0, LEGAL), expected)
        else:
            self.refused(whole[:length])

    @given(st.binary(max_size=100))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are frames that write the same bytes, or are refused."""
        try:
            read = read_frames(data, 0, LEGAL)
        except RemoteProtocolError:
            return
        written = b"".join(map(frame_bytes, read))
        # Padding is no frame: it is one byte, and zeros to the end.
        padding = data[len(written) :]
        self.assertEqual(data, written + padding)
        self.assertIn(padding.rstrip(b"\0"), (b"", b"\xe0"))

    def test_legal_heads(self) -> None:
        """Of 256 first bytes exactly those are legal that fit a channel's mode."""
        forms = {0: [0], 1: [1], 2: [0], 3: [2, 3, 4], 4: [2, 3, 4], 5: [1]}
        forms[31] = [2, 3, 4]
        legal = {number | form << 5 for number in forms for form in forms[number]}
        legal |= {7 << 5 | kind for kind in range(6)}
        self.assertEqual(LEGAL, legal)
        for head in set(range(256)) - legal:
            self.assertIn(f"{head:#04x}", self.refused(bytes((head, 0, 0, 0, 0))))

    def test_sizes(self) -> None:
        """A size takes one byte below 128 and two bytes up to 32,767."""
        for size in (0, 1, 127, 128, 129, 2047, 2048, 32767):
            payload = bytes(size)
            self.assertEqual(sized(payload), with_size(payload))
            frame = (UNRELIABLE, MESSAGE, 0, payload)
            data = bytes((UNRELIABLE,)) + sized(payload)
            self.assertEqual(read_frames(data, 0, LEGAL), [frame])
            if size:
                self.assertIn("cut short", self.refused(data[:-1]))
        self.assertEqual(LARGEST_SIZE, 32767)

    def test_one_encoding(self) -> None:
        """A small size in two bytes is refused: each body is written in one way."""
        for size in (0, 5, 127):
            data = bytes((UNRELIABLE, size | 0x80, 0)) + bytes(size)
            self.assertIn("two bytes", self.refused(data))

    def test_heads(self) -> None:
        """The heads that lanes write are those of the standard."""
        part = b"part"
        for head, tail, frame in (
            (SEQUENCED_HEAD.pack(5 | 1 << 5, 513), sized(part), (5, 1, 513, part)),
            (RUN_HEAD.pack(4 | 2 << 5, 7, 1), sized(part), (4, 2, 7, [part])),
            (
                PIECE_HEAD.pack(4 | 3 << 5, 7, 2, 65535),
                sized(part),
                (4, 3, 7, Piece(2, 65535, part)),
            ),
            (CANCELLED_HEAD.pack(4 | 4 << 5, 9, 3), b"", (4, 3, 9, Piece(3, 0, b""))),
        ):
            self.assertEqual(frame_bytes(frame), head + tail)
            self.assertEqual(read_frames(head + tail, 0, LEGAL), [frame])

    def test_empty_run(self) -> None:
        """A run of no messages is refused."""
        self.assertIn("no messages", self.refused(bytes((4 | 2 << 5, 0, 0, 0))))

    def test_longest_run(self) -> None:
        """A run of 255 empty messages is 259 bytes."""
        data = bytes((4 | 2 << 5, 255, 255, 255)) + bytes(255)
        self.assertEqual(read_frames(data, 0, LEGAL), [(4, RUN, 0xFFFF, [b""] * 255)])

    def test_impossible_pieces(self) -> None:
        """A piece is one of at least two, within its count, and not empty."""
        for number, total in ((0, 0), (0, 1), (2, 2), (65535, 65535)):
            data = PIECE_HEAD.pack(4 | 3 << 5, 0, number, total) + sized(b"x")
            self.assertIn(f"piece {number} of {total}", self.refused(data))
        data = PIECE_HEAD.pack(4 | 3 << 5, 0, 0, 2) + sized(b"")
        self.assertIn("empty piece", self.refused(data))

    def test_padding(self) -> None:
        """Padding is zeros to the end of the packet, and no frame."""
        message = frame_bytes((UNRELIABLE, MESSAGE, 0, b"hi"))
        for n in (0, 1, 1000):
            data = message + b"\xe0" + bytes(n)
            self.assertEqual(read_frames(data, 0, LEGAL), [(0, MESSAGE, 0, b"hi")])
        for bad in (b"\xe0\1", b"\xe0" + bytes(50) + b"\x01" + bytes(50)):
            self.assertIn("padding", self.refused(message + bad))
