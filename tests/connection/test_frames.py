# SPDX-License-Identifier: MIT
"""Tests of frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import DeliveryMode
from gamenet.connection.frames import Frame, legal_flags, read_frames
from gamenet.errors import RemoteProtocolError

MODES = {
    0: DeliveryMode.RELIABLE_ORDERED,
    1: DeliveryMode.UNRELIABLE,
    31: DeliveryMode.RELIABLE_ORDERED,
}
LEGAL = legal_flags(MODES)


def frame_bytes(frame: Frame) -> bytes:
    """Return a frame as docs/STANDARD.md has it."""
    channel, payload, sequence, is_last = frame
    flags = channel | (0x20 if sequence is not None else 0) | (0 if is_last else 0x40)
    middle = b"" if sequence is None else sequence.to_bytes(2, "little")
    return bytes((flags,)) + middle + len(payload).to_bytes(2, "little") + payload


unreliable = st.tuples(st.just(1), st.binary(), st.none(), st.just(True))
reliable = st.tuples(
    st.sampled_from([0, 31]), st.binary(), st.integers(0, 0xFFFF), st.booleans()
)
frames = st.lists(st.one_of(unreliable, reliable), max_size=6)


class FrameTests(SynchronousTestCase):
    """Frames are read whole or the packet is refused."""

    @given(frames, st.binary(max_size=20))
    def test_round_trip(self, written: list[Frame], head: bytes) -> None:
        """What was written is read, from any position, empty payloads included."""
        data = head + b"".join(map(frame_bytes, written))
        self.assertEqual(read_frames(data, len(head), LEGAL), written)

    @given(frames, st.data())
    def test_truncated(self, written: list[Frame], data) -> None:
        """A packet cut inside a frame is refused; cut between frames it is shorter."""
        whole = b"".join(map(frame_bytes, written))
        length = data.draw(st.integers(0, len(whole)))
        ends = [len(b"".join(map(frame_bytes, written[:n]))) for n in range(7)]
        if length in ends:
            expected = written[: ends.index(length)]
            self.assertEqual(read_frames(whole[:length], 0, LEGAL), expected)
        else:
            self.assertRaises(
                RemoteProtocolError, read_frames, whole[:length], 0, LEGAL
            )

    def test_legal_flags(self) -> None:
        """Of 256 flags bytes exactly those are legal that fit a channel's mode."""
        legal = [1, 0x20, 0x60, 31 | 0x20, 31 | 0x60]
        for flags in range(256):
            data = bytes((flags, 0, 0, 0, 0))
            if flags in legal:
                self.assertIn(flags, LEGAL)
                continue
            error = self.assertRaises(RemoteProtocolError, read_frames, data, 0, LEGAL)
            self.assertIn(f"{flags:#04x}", str(error))

    def test_longest(self) -> None:
        """A frame may have 65,535 bytes, and one byte less than it says is refused."""
        frame = (1, bytes(0xFFFF), None, True)
        data = frame_bytes(frame)
        self.assertEqual(read_frames(data, 0, LEGAL), [frame])
        self.assertRaises(RemoteProtocolError, read_frames, data[:-1], 0, LEGAL)

    @given(st.binary(max_size=100))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are frames that write the same bytes, or are refused."""
        try:
            read = read_frames(data, 0, LEGAL)
        except RemoteProtocolError:
            return
        self.assertEqual(b"".join(map(frame_bytes, read)), data)
