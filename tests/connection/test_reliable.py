# SPDX-License-Identifier: MIT
"""Tests of the lanes that resend everything."""

from __future__ import annotations

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import DeliveryMode, MessageAcked
from gamenet.connection.frames import CANCELLED, PIECE, RUN
from gamenet.connection.reliable import PIECE_WINDOW, WINDOW
from tests.connection.pipes import LARGEST, Packet, Pipe, ids, progress, storm
from tests.connection.strategies import payload, seeds, sizes

ORDERED, UNORDERED = DeliveryMode.RELIABLE_ORDERED, DeliveryMode.RELIABLE_UNORDERED
firsts = st.sampled_from([0, 1, 32760, 65300, 65534, 65535])
"""Sequences to begin with, most of them near a wrap."""


def form(packet: Packet) -> int:
    """Return the form of the first frame of a packet."""
    return packet.body[0] >> 5


class SmallTests(SynchronousTestCase):
    """Small messages leave in runs, and again while they are not acknowledged."""

    def test_bytes(self) -> None:
        """A run is a head and its messages, each behind its size."""
        pipe = Pipe(first=0x1234)
        pipe.push(b"yes", b"", b"no")
        self.assertEqual(pipe.packet().body.hex(), "42341203" + "0379657300026e6f")

    def test_share_a_packet(self) -> None:
        """As many messages as fit go into one packet, and no run has above 255."""
        pipe = Pipe()
        pipe.push(*[b"x"] * 1000)
        counts = [[n for _, _, n in packet.record] for packet in pipe.packets()]
        self.assertEqual(counts, [[255, 255, 59], [255, 176]])

    def test_acknowledged(self) -> None:
        """What is acknowledged is forgotten, and its receipt given once."""
        pipe = Pipe()
        numbers = pipe.push(b"a", b"b", b"c")
        packet = pipe.packet()
        self.assertEqual(pipe.lane.queued_bytes, 6)
        packet.settle(is_acked=True)
        packet.settle(is_acked=True)
        self.assertEqual(ids(pipe.events, MessageAcked), numbers)
        self.assertEqual((pipe.lane.queued_bytes, pipe.lane.n_queued), (0, 0))
        self.assertEqual(pipe.lane.counts.delivered, 3)
        self.assertFalse(pipe.lane.has_frames)

    def test_lost(self) -> None:
        """What is lost goes out again before anything new, in one run."""
        pipe = Pipe()
        pipe.push(b"a", b"b", b"c")
        packet = pipe.packet()
        pipe.push(b"d")
        packet.settle(is_acked=False)
        again = pipe.packet()
        self.assertEqual(again.record, [(pipe.lane, 0, 3), (pipe.lane, 3, 1)])
        pipe.deliver(again)
        self.assertEqual(pipe.received, [b"a", b"b", b"c", b"d"])
        self.assertEqual(pipe.lane.counts.resent, 3)

    def test_lost_and_found(self) -> None:
        """What counted as lost and is acknowledged after all does not go again."""
        pipe = Pipe()
        pipe.push(b"a")
        packet = pipe.packet()
        packet.settle(is_acked=False)
        packet.settle(is_acked=True)
        self.assertFalse(pipe.lane.has_frames)

    def test_rides(self) -> None:
        """A message rides in the next packets, as often as it may, until acked."""
        pipe = Pipe(redundancy=2)
        pipe.push(b"first")
        rides = [pipe.packet(ride_along=512)]
        pipe.push(b"second")
        rides += [pipe.packet(ride_along=512) for _ in range(4)]
        found = (
            [b"first" in p.body for p in rides],
            [b"second" in p.body for p in rides],
        )
        self.assertEqual(found[0], [True, True, True, False, False])
        self.assertEqual(found[1], [False, True, True, True, False])

    def test_rides_until_acked(self) -> None:
        """What is acknowledged rides no more."""
        pipe = Pipe()
        pipe.push(b"first")
        pipe.packet().settle(is_acked=True)
        self.assertEqual(pipe.packet(ride_along=512).body, b"")

    def test_no_redundancy(self) -> None:
        """Without redundancy nothing rides."""
        pipe = Pipe(redundancy=0)
        pipe.push(b"first")
        pipe.packet()
        self.assertEqual(pipe.packet(ride_along=512).body, b"")

    def test_last_copy(self) -> None:
        """A message goes again when its last copy is lost, not before."""
        pipe = Pipe(redundancy=1)
        pipe.push(b"first")
        packets = [pipe.packet(), pipe.packet(ride_along=512)]
        self.assertTrue(packets[1].body)
        packets[0].settle(is_acked=False)
        self.assertFalse(pipe.lane.has_frames)
        packets[1].settle(is_acked=False)
        self.assertTrue(pipe.lane.has_frames)

    @given(st.integers(0, 600), st.integers(0, 40), seeds)
    def test_budget(self, ride_along: int, count: int, seed: int) -> None:
        """Repetitions take no more than their bytes, and none comes twice."""
        random = Random(seed)
        pipe = Pipe()
        for _ in range(count):
            pipe.push(random.randbytes(random.randrange(100)))
            pipe.packet()
        packet = pipe.packet(ride_along=ride_along)
        self.assertLessEqual(len(packet.body), ride_along)
        ridden = [
            (first + i) & 0xFFFF for _, first, n in packet.record for i in range(n)
        ]
        self.assertEqual(len(ridden), len(set(ridden)))

    def test_rewind(self) -> None:
        """On a new link everything unacknowledged goes again, in its order."""
        pipe = Pipe(first=65534)
        pipe.push(b"a", b"b")
        pipe.packet()
        pipe.push(b"c", bytes(3000), b"d")
        packets = pipe.packets()
        packets[1].settle(is_acked=True)
        pipe.lane.rewind()
        pipe.push(b"e")
        for packet in pipe.packets():
            pipe.deliver(packet)
        pipe.deliver(packets[1])
        expected = [b"a", b"b", b"c", bytes(3000), b"d", b"e"]
        self.assertEqual(pipe.received, expected)


class WindowTests(SynchronousTestCase):
    """How far a lane goes ahead is bounded, so that the receiver's memory is, too."""

    def test_sequences(self) -> None:
        """No more messages are on their way than the window has."""
        pipe = Pipe(window=1 << 26)
        pipe.push(*[b""] * (WINDOW + 10))
        packets = pipe.packets()
        self.assertEqual(sum(n for p in packets for _, _, n in p.record), WINDOW)
        for packet in packets[1:]:
            packet.settle(is_acked=True)
        self.assertFalse(pipe.lane.has_frames)
        packets[0].settle(is_acked=True)
        self.assertTrue(pipe.lane.has_frames)

    def test_bytes(self) -> None:
        """No more bytes are on their way than the window has, but for one packet."""
        pipe = Pipe(window=20_000)
        pipe.push(*[bytes(100)] * 1000)
        total = sum(len(packet.body) for packet in pipe.packets())
        self.assertTrue(20_000 <= total < 22_000, total)

    def test_bytes_behind_a_gap(self) -> None:
        """What waits at the receiver for something lost counts, though it is acked."""
        for size in (100, 1000, 5000):
            for mode in (ORDERED, UNORDERED):
                pipe = Pipe(mode, window=65536)
                pipe.push(b"lost", *[bytes(size)] * (400_000 // size))
                lost, *others = pipe.packets(1) + pipe.packets()
                n_bytes = 0
                while others:
                    for packet in others:
                        n_bytes += len(packet.body)
                        pipe.deliver(packet)
                        packet.settle(is_acked=True)
                    others = pipe.packets()
                self.assertLess(n_bytes, 68_000)
                pipe.deliver(lost)
                lost.settle(is_acked=True)
                pipe.carry()
                self.assertEqual(len(pipe.received), 1 + 400_000 // size)

    def test_pieces(self) -> None:
        """Pieces go less far ahead than small messages."""
        pipe = Pipe()
        pipe.push(bytes(600 * LARGEST))
        packets = pipe.packets()
        self.assertEqual(len(packets), PIECE_WINDOW)
        packets[0].settle(is_acked=True)
        self.assertEqual(len(pipe.packets()), 1)


class LargeTests(SynchronousTestCase):
    """A large message leaves in pieces, can be followed, and given up."""

    def test_bytes(self) -> None:
        """A piece says which it is, of how many; the last one may be smaller."""
        pipe = Pipe(first=65535)
        pipe.push(bytes(LARGEST) + b"end")
        heads = [p.body[:9].hex() for p in pipe.packets()]
        self.assertEqual(heads, ["62ffff00000200f008"[:18], "620000010002000365"])

    def test_progress(self) -> None:
        """Progress is reported by the hundredth at most, the last is all of it."""
        pipe = Pipe()
        [number] = pipe.push(bytes(LARGEST * 300))
        for packet in pipe.packets():
            packet.settle(is_acked=True)
        reports = progress(pipe.events)
        self.assertEqual(reports[-1], (number, LARGEST * 300, LARGEST * 300))
        self.assertEqual(len(reports), 100)
        self.assertEqual([r[1] for r in reports], sorted({r[1] for r in reports}))
        self.assertEqual(ids(pipe.events, MessageAcked), [number])

    def test_edges(self) -> None:
        """A message is cut exactly when it does not fit a packet."""
        for size, forms in (
            (LARGEST, [RUN]),
            (LARGEST + 1, [PIECE] * 2),
            (2 * LARGEST, [PIECE] * 2),
            (2 * LARGEST + 1, [PIECE] * 3),
        ):
            pipe = Pipe()
            pipe.push(payload(1, size))
            packets = pipe.packets()
            self.assertEqual([form(p) for p in packets], forms)
            for packet in packets:
                pipe.deliver(packet)
            self.assertEqual(pipe.received, [payload(1, size)])

    def test_small_first(self) -> None:
        """On an unordered channel small messages go before large ones that wait."""
        pipe = Pipe(UNORDERED)
        pipe.push(bytes(5000), b"small")
        self.assertEqual(form(pipe.packet()), RUN)
        pipe = Pipe(ORDERED)
        pipe.push(bytes(5000), b"small")
        self.assertEqual(form(pipe.packet()), PIECE)

    def test_cancel_queued(self) -> None:
        """A message that has not begun to leave is taken back, as if never sent."""
        for mode in (ORDERED, UNORDERED):
            pipe = Pipe(mode)
            first, large, last = pipe.push(b"first", bytes(9000), b"last")
            self.assertTrue(pipe.lane.cancel(large))
            self.assertTrue(pipe.lane.cancel(first))
            self.assertFalse(pipe.lane.cancel(large))
            self.assertEqual(pipe.lane.queued_bytes, 4)
            pipe.carry()
            self.assertEqual(pipe.received, [b"last"])
            self.assertEqual(ids(pipe.events, MessageAcked), [last])

    def test_cancel_under_way(self) -> None:
        """Of a message that is leaving no more leaves, and nothing is delivered."""
        for mode in (ORDERED, UNORDERED):
            pipe = Pipe(mode, first=65533)
            large, after = pipe.push(bytes(9000), b"after")
            begun = pipe.packets(3)
            self.assertTrue(pipe.lane.cancel(large))
            self.assertFalse(pipe.lane.cancel(large))
            rest = pipe.packets()
            self.assertEqual(rest[0].body[0] >> 5, CANCELLED)
            for packet in (*rest, *begun):
                pipe.deliver(packet)
                packet.settle(is_acked=True)
            self.assertEqual(pipe.received, [b"after"])
            self.assertEqual(progress(pipe.events), [])
            self.assertEqual(ids(pipe.events, MessageAcked), [after])
            self.assertEqual((pipe.lane.queued_bytes, pipe.lane.n_queued), (0, 0))
            self.assertEqual(pipe.receiver.held_bytes, 0)

    def test_cancel_when_all_so_far_is_acked(self) -> None:
        """The word that no more comes goes out although nothing else is on its way."""
        pipe = Pipe()
        [large] = pipe.push(bytes(9000))
        for packet in pipe.packets(3):
            pipe.deliver(packet)
            packet.settle(is_acked=True)
        self.assertTrue(pipe.lane.has_frames)
        self.assertTrue(pipe.lane.cancel(large))
        pipe.push(b"after", bytes(5000))
        pipe.carry()
        self.assertEqual(pipe.received, [b"after", bytes(5000)])

    def test_cancel_sent(self) -> None:
        """A message that has left whole is not given up, and arrives."""
        pipe = Pipe()
        small, large = pipe.push(b"small", bytes(5000))
        packets = pipe.packets()
        self.assertFalse(pipe.lane.cancel(small))
        self.assertFalse(pipe.lane.cancel(large))
        for packet in packets:
            pipe.deliver(packet)
        self.assertEqual(pipe.received, [b"small", bytes(5000)])

    def test_cancel_lost(self) -> None:
        """The word that no more comes is itself sent until it is acknowledged."""
        pipe = Pipe()
        [large] = pipe.push(bytes(9000))
        begun = pipe.packets(2)
        pipe.lane.cancel(large)
        [word] = pipe.packets()
        word.settle(is_acked=False)
        begun[1].settle(is_acked=False)
        begun[0].settle(is_acked=True)
        pipe.deliver(begun[0])
        pipe.push(b"after")
        pipe.carry()
        self.assertEqual(pipe.received, [b"after"])
        self.assertEqual(pipe.receiver.held_bytes, 0)


class StormTests(SynchronousTestCase):
    """Whatever the network does, each message arrives once."""

    @settings(max_examples=60)
    @given(
        st.sampled_from([ORDERED, UNORDERED]),
        firsts,
        st.lists(sizes, max_size=30),
        st.sampled_from([0.0, 0.3, 0.6]),
        seeds,
    )
    @example(ORDERED, 65500, [0] * 10 + [20_000] * 4 + [9] * 90, 0.5, 1)
    def test_exactly_once(
        self, mode: DeliveryMode, first: int, lengths: list[int], loss: float, seed: int
    ) -> None:
        """Messages of all sizes arrive exactly once, over the wrap of sequences."""
        pipe = Pipe(mode, first)
        sent = [payload(n, size) for n, size in enumerate(lengths)]
        numbers = pipe.push(*sent)
        storm(pipe, Random(seed), loss)
        if mode is UNORDERED:
            pipe.received.sort()
            sent.sort()
        self.assertEqual(pipe.received, sent)
        self.assertEqual(sorted(ids(pipe.events, MessageAcked)), numbers)
        self.assert_quiet(pipe)

    @settings(max_examples=40)
    @given(
        st.sampled_from([ORDERED, UNORDERED]),
        firsts,
        st.lists(st.tuples(sizes, st.integers(0, 12)), min_size=1, max_size=15),
        seeds,
    )
    def test_cancelled(
        self, mode: DeliveryMode, first: int, plan: list[tuple[int, int]], seed: int
    ) -> None:
        """What is given up at any stage never arrives; all else does."""
        random = Random(seed)
        pipe = Pipe(mode, first)
        expected, under_way = [], []
        for n, (size, n_packets) in enumerate(plan):
            [number] = pipe.push(payload(n, size))
            under_way += [pipe.packet() for _ in range(n_packets)]
            if not (n % 2 and pipe.lane.cancel(number)):
                expected.append(payload(n, size))
        for packet in under_way:
            if random.random() < 0.5:
                pipe.deliver(packet)
                packet.settle(is_acked=True)
            else:
                packet.settle(is_acked=False)
        storm(pipe, random, 0.4)
        if mode is UNORDERED:
            pipe.received.sort()
            expected.sort()
        self.assertEqual(pipe.received, expected)
        self.assert_quiet(pipe)

    def test_many_wraps(self) -> None:
        """Two hundred thousand messages go three times around the circle."""
        for mode in (ORDERED, UNORDERED):
            pipe = Pipe(mode, first=65000)
            random = Random(5)
            n_received = 0
            for _ in range(20):
                pipe.push(*[b"%d" % n for n in range(10_000)])
                storm(pipe, random, 0.02)
                n_received += len(pipe.received)
                if mode is ORDERED:
                    expected = [b"%d" % n for n in range(10_000)]
                    self.assertEqual(pipe.received, expected)
                self.assertEqual(len(set(pipe.received)), 10_000)
                pipe.received.clear()
            self.assertEqual(n_received, 200_000)
            self.assert_quiet(pipe)

    def assert_quiet(self, pipe: Pipe) -> None:
        """Check that nothing is kept when everything was said."""
        lane, receiver = pipe.lane, pipe.receiver
        self.assertEqual((lane.queued_bytes, lane.n_queued), (0, 0))
        self.assertFalse(lane._copies or lane._lost or lane._ids or lane._in_flight)
        self.assertEqual(receiver.held_bytes, 0)
        self.assertEqual(lane._next, receiver._next)
