# SPDX-License-Identifier: MIT
"""Tests of the bytes of input packets."""

from __future__ import annotations

import math
import struct
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.prediction import Frame, Input, InputCodec, Sight
from tests.connection.strategies import edited, edits
from tests.prediction.pilots import INPUTS, Aim, Fire, Paint, Steer, Stranger

numbers = st.integers(0, 2**32 - 1)
inputs = st.tuples(
    st.lists(st.builds(Steer, numbers), max_size=1),
    st.lists(st.builds(Fire, numbers), max_size=1),
    st.lists(st.builds(Aim, st.just(0.5), st.just([0.25])), max_size=1),
).map(lambda parts: tuple(item for part in parts for item in part))


@st.composite
def sights(draw: st.DrawFn, tick: int) -> Sight | None:
    """Return a view that the wire can say exactly."""
    if draw(st.booleans()):
        return None
    view = tick - draw(st.integers(0, 0xFFFE)) / 128
    n_ticks = draw(st.integers(0, 15))
    if n_ticks == 0:
        return Sight(view)
    older = math.floor(view) - draw(st.integers(0, n_ticks))
    return Sight(view, older, older + n_ticks)


@st.composite
def frame_lists(draw: st.DrawFn) -> list[Frame]:
    """Return frames, newest first."""
    tick = draw(st.integers(10_000, 2**32 - 1))
    frames = []
    for _ in range(draw(st.integers(0, 20))):
        frames.append(Frame(tick, draw(inputs), draw(sights(tick))))
        tick -= draw(st.integers(1, 63))
    return frames


def packet(*frames: bytes, newest: int = 9, count: int | None = None) -> bytes:
    """Return a packet made by hand."""
    n = len(frames) if count is None else count
    return struct.pack("<IIBB", newest, 5, 1, n) + b"".join(frames)


def frame(head: int, *inputs: tuple[int, bytes], span: int = 0) -> bytes:
    """Return a frame made by hand."""
    entries = b"".join(bytes((n, len(body))) + body for n, body in inputs)
    return struct.pack("<BHBB", head, 256, span, len(inputs)) + entries


STEER = (0, bytes(4))


class CodecTests(SynchronousTestCase):
    """What is written is read."""

    def setUp(self) -> None:
        self.codec = InputCodec(INPUTS)

    @given(frame_lists(), numbers, st.booleans())
    def test_round_trip(self, frames: list[Frame], clock: int, is_steady: bool) -> None:
        """The newest frames that fit come back, with all that belongs to them."""
        data = InputCodec(INPUTS).encode(frames, clock, is_steady=is_steady)
        self.assertLessEqual(len(data), 512)
        read = InputCodec(INPUTS).decode(data)
        self.assertEqual((read.clock, read.is_steady), (clock, is_steady))
        self.assertEqual(read.frames, frames[: len(read.frames)])
        self.assertEqual(read.newest, frames[0].tick if frames else 0)
        if len(read.frames) < len(frames):
            more = frames[: len(read.frames) + 1]
            parts = sum(4 + len(self.codec.part(each.inputs)) for each in more)
            self.assertGreater(10 + parts, 512)

    @given(st.floats(0, 600), st.integers(-3, 20), st.integers(-3, 20))
    def test_any_sight(self, lag: float, before: int, span: int) -> None:
        """Any view is told to a 128th of a tick, or told to be unknown."""
        tick = 1000
        older = math.floor(tick - lag) - before
        said = Sight(tick - lag, older, older + span)
        data = self.codec.encode([Frame(tick, (), said)], 0)
        sight = self.codec.decode(data).frames[0].sight
        if sight is None:
            self.assertGreater(lag, 511.98)
            return
        self.assertLessEqual(abs(sight.tick - said.tick), 1 / 255)
        if sight.newer:
            self.assertEqual((sight.older, sight.newer), (older, older + span))
            self.assertTrue(older <= sight.tick < sight.newer + 1)
        elif 0.01 < lag % 1 < 0.99:
            self.assertFalse(0 < span <= 15 and 0 <= before < span)

    def test_same(self) -> None:
        """Who does the same in each tick pays four bytes for a repeated frame."""
        frames = [Frame(tick, (Steer(7),)) for tick in range(90, 26, -1)]
        data = self.codec.encode(frames, 0)
        self.assertEqual(len(data), 10 + 4 + 7 + 63 * 4)
        self.assertEqual(self.codec.decode(data).frames, frames)

    def test_bytes(self) -> None:
        """The bytes are those of the standard."""
        frames = [Frame(9, (Steer(1),), Sight(5.5, 4, 6)), Frame(7, (Steer(1),))]
        data = self.codec.encode(frames, 258, is_steady=True)
        self.assertEqual(
            data.hex(),
            "0900000002010000010200c001120100040100000042ffff00",
        )

    def test_refuses_to_write(self) -> None:
        """What no reader would take is not written, and the message says why."""
        for items, words in (
            ((Stranger(1),), "Stranger is no input of this game: it has Steer"),
            ((Steer(1), Steer(2)), "two Steer"),
            ((Aim(math.nan),), "not finite"),
            ((Aim(0.0, [math.inf]),), "not finite"),
            ((Aim(0.0, [], -math.inf),), "not finite"),
            ((Paint(bytes(500)),), "the limit is 498"),
        ):
            error = self.assertRaises(LocalProtocolError, self.codec.part, items)
            self.assertIn(words, str(error))
        error = self.assertRaises(
            LocalProtocolError, self.codec.encode, [Frame(1), Frame(2)], 0
        )
        self.assertIn("newest first", str(error))
        error = self.assertRaises(LocalProtocolError, InputCodec([]).part, [Steer(1)])
        self.assertIn("it has none", str(error))

    def test_many_classes(self) -> None:
        """A game has at most 255 classes."""
        kinds = [type(f"Kind{i}", (Input,), {}) for i in range(256)]
        InputCodec(kinds[:255])
        self.assertRaises(SchemaError, InputCodec, kinds)

    def test_known_parts(self) -> None:
        """A codec that has read a packet reads the next as a new one does."""
        random = Random(1)
        for n in range(200):
            frames = [
                Frame(tick, (Steer(random.randrange(3)),) * random.randrange(2))
                for tick in range(n + 20, n, -1)
            ]
            data = InputCodec(INPUTS).encode(frames, n)
            self.assertEqual(self.codec.decode(data).frames, frames)


class HostileTests(SynchronousTestCase):
    """Malformed packets are refused as a whole."""

    def refused(self, data: bytes) -> str:
        """Return why a packet is refused."""
        error = self.assertRaises(RemoteProtocolError, InputCodec(INPUTS).decode, data)
        return str(error)

    def test_truncated(self) -> None:
        """A packet cut short anywhere, or with bytes after it, is refused."""
        whole = packet(frame(0, STEER), frame(1, (1, bytes(4)), STEER), b"\x41\0\0\0")
        self.assertEqual(len(InputCodec(INPUTS).decode(whole).frames), 3)
        for length in range(len(whole)):
            self.refused(whole[:length])
        self.assertIn("1 bytes after", self.refused(whole + b"\0"))

    def test_counts(self) -> None:
        """At most 64 frames in 512 bytes; a tick without a frame says nothing."""
        full = packet(frame(0, STEER), *[b"\x41\0\0\0"] * 63, newest=99)
        InputCodec(INPUTS).decode(full)
        self.assertIn(
            "64", self.refused(full[:9] + b"\x41" + full[10:] + b"\x41\0\0\0")
        )
        self.assertIn("512", self.refused(bytes(513)))
        self.refused(packet(newest=1))
        self.assertEqual(InputCodec(INPUTS).decode(packet(newest=0)).frames, [])

    def test_heads(self) -> None:
        """Only the first frame is no distance from one before, and none is odd."""
        good = frame(0, STEER)
        for bad in (
            packet(frame(1, STEER)),
            packet(b"\x40\0\0\0"),
            packet(good, frame(0, STEER)),
            packet(good, frame(0x80 | 1, STEER)),
        ):
            self.assertIn("head", self.refused(bad))

    def test_spans(self) -> None:
        """A view is between its two snapshots."""
        for span in (0x10, 0x21, 0xFE):
            self.assertIn("view", self.refused(packet(frame(0, STEER, span=span))))
        InputCodec(INPUTS).decode(packet(frame(0, STEER, span=0x11)))

    def test_classes(self) -> None:
        """A class is known, and in a frame once."""
        for number in (4, 255):
            self.assertIn("there are 4", self.refused(packet(frame(0, (number, b"")))))
        self.assertIn("once", self.refused(packet(frame(0, STEER, STEER))))

    def test_bodies(self) -> None:
        """One bad body makes the whole packet bad, also among old frames."""
        for body in (b"", bytes(3), bytes(5)):
            self.refused(packet(frame(0, STEER), frame(1, (0, body))))

    def test_not_finite(self) -> None:
        """A float that is not finite is refused, wherever it is."""
        for value in (math.nan, math.inf, -math.inf):
            bad = struct.pack("<f", value)
            zero = bytes(4)
            for body in (
                bad + b"\0\0",
                zero + b"\1" + bad + b"\0",
                zero + b"\0\1" + bad,
            ):
                self.assertIn("not finite", self.refused(packet(frame(0, (2, body)))))

    @given(st.binary(max_size=90), st.integers(0, 4))
    def test_random_bytes(self, data: bytes, count: int) -> None:
        """Arbitrary bytes are frames or a RemoteProtocolError."""
        for head in (b"", packet(count=count), packet(frame(0, STEER), count=count)):
            try:
                read = InputCodec(INPUTS).decode(head + data)
            except RemoteProtocolError:
                continue
            self.assertLessEqual(len(read.frames), 64)

    @given(frame_lists(), edits, st.integers(0, 600))
    def test_edited(
        self, frames: list[Frame], changes: list[tuple[int, int]], length: int
    ) -> None:
        """A packet with errors is frames or a RemoteProtocolError."""
        data = edited(InputCodec(INPUTS).encode(frames, 1), changes, length)
        try:
            read = InputCodec(INPUTS).decode(data)
        except RemoteProtocolError:
            return
        self.assertEqual(len({each.tick for each in read.frames}), len(read.frames))
