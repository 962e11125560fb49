# SPDX-License-Identifier: MIT
"""Tests of the packets of a rollback match."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.prediction import ChangeKind
from gamenet.prediction.rollback_packets import MAX_PACKET, Change, RollbackPacket

NUMBERS = st.integers(0, 2**32 - 1)
CHANGES = st.builds(
    Change,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.sampled_from(ChangeKind),
    st.binary(max_size=64),
    st.booleans(),
)
LINES = st.lists(
    st.tuples(
        NUMBERS,
        st.integers(0, 2**31),
        st.lists(st.sampled_from([b"\0", b"\1\0\1\5", bytes(40)]), max_size=90),
    ),
    max_size=6,
)


class RollbackPacketTests(SynchronousTestCase):
    """A packet says what it was told to, as far as it fits."""

    @given(
        NUMBERS,
        NUMBERS,
        NUMBERS,
        st.integers(-32768, 32767),
        st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8),
        st.lists(CHANGES, max_size=2),
        st.lists(st.tuples(NUMBERS, NUMBERS), max_size=8),
        LINES,
    )
    def test_round_trip(
        self, newest, settled, agreed, advantage, acks, changes, checks, lines
    ):
        """What is read is what was written; of inputs, the oldest."""
        packet = RollbackPacket(
            newest, settled, agreed, advantage / 128, 7, acks, changes, checks
        )
        given_lines = [
            (player, [(first + n, part) for n, part in enumerate(parts)])
            for player, first, parts in lines
        ]
        data = packet.encode(given_lines)
        self.assertLessEqual(len(data), MAX_PACKET)
        read = RollbackPacket.decode(data)
        told = read.lines
        read.lines = []
        self.assertEqual(read, packet)
        wanted = iter(line for line in given_lines if line[1])
        for line in told:
            inputs = next(each for each in wanted if each[0] == line.player)[1]
            parts = [run.part for run in line.runs for _ in range(run.count)]
            self.assertEqual(line.first, inputs[0][0])
            self.assertEqual(parts, [part for _, part in inputs[: len(parts)]])

    def test_same_is_short(self) -> None:
        """Who does the same for a hundred ticks needs a few bytes."""
        inputs = [(tick, b"\1\0\1\5") for tick in range(50, 150)]
        self.assertLess(len(RollbackPacket().encode([(1, inputs)])), 35)

    def test_gap(self) -> None:
        """After a tick that is missing, nothing more is told at once."""
        data = RollbackPacket().encode([(1, [(5, b"\0"), (7, b"\0")])])
        (line,) = RollbackPacket.decode(data).lines
        self.assertEqual([run.count for run in line.runs], [1])

    def test_everybody_has_a_share(self) -> None:
        """One player with much to say leaves room for the others."""
        long = [(tick, bytes((1, tick)) * 20) for tick in range(60)]
        data = RollbackPacket().encode([(n, long) for n in range(4)])
        self.assertEqual(len(RollbackPacket.decode(data).lines), 4)

    @given(st.binary(max_size=600))
    def test_any_bytes(self, data):
        """Whatever comes is read or refused, with one kind of error."""
        with contextlib.suppress(RemoteProtocolError):
            RollbackPacket.decode(data)

    def test_malformed(self) -> None:
        """What is cut off, too long or beyond a limit is refused."""
        good = RollbackPacket(acks=[(1, 300)]).encode([(1, [(5, b"\1\0\1\5")])])
        for n in range(len(good)):
            self.assertRaises(RemoteProtocolError, RollbackPacket.decode, good[:n])
        self.assertRaises(RemoteProtocolError, RollbackPacket.decode, good + b"\0")
        head = good[:16]
        for bad in (
            b"\1\1\xff\xff\xff\xff\xff\1\0\0\0",
            b"\0\1\1\1\1\4\0\0\0",
            b"\0\1\1\1\1\0\x41" + bytes(65) + b"\0\0",
            b"\0\0\0\1\1\5\1\0\0",
        ):
            self.assertRaises(RemoteProtocolError, RollbackPacket.decode, head + bad)
