# SPDX-License-Identifier: MIT
"""Tests of the lanes whose messages fit a packet."""

from __future__ import annotations

from collections import deque
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, DeliveryMode, Event, MessageAcked, MessageLost
from gamenet.connection.lanes import (
    MAX_UNRELIABLE_WAITING,
    LaneCounts,
    LatestLane,
    UnreliableLane,
)
from tests.connection.pipes import filled, ids, latest
from tests.connection.strategies import seeds


class UnreliableTests(SynchronousTestCase):
    """Each message leaves once, or is thrown away unsent."""

    def setUp(self) -> None:
        self.events: deque[Event] = deque()
        self.lane = self.make(DeliveryMode.UNRELIABLE)

    def make(self, mode: DeliveryMode) -> UnreliableLane:
        """Return a lane of channel 3."""
        return UnreliableLane(Channel(3, mode), self.events)

    def test_bytes(self) -> None:
        """A message is its channel, its size and itself."""
        self.lane.push(b"hi", 1, 0.0)
        self.lane.push(b"", 2, 0.0)
        packet = filled(self.lane)
        self.assertEqual((packet.body.hex(), packet.record), ("030268690300", []))
        self.assertFalse(self.lane.has_frames)
        self.assertEqual(self.lane.counts.sent, 2)

    def test_sequenced_bytes(self) -> None:
        """A sequenced message has a number, which goes around."""
        lane = self.make(DeliveryMode.UNRELIABLE_SEQUENCED)
        lane._next = 0xFFFF
        for number in range(2):
            lane.push(b"%d" % number, number, 0.0)
        self.assertEqual(filled(lane).body.hex(), "23ffff01302300000131")

    def test_numbered_as_they_leave(self) -> None:
        """What is thrown away takes no number: the receiver would lose its place."""
        lane = self.make(DeliveryMode.UNRELIABLE_SEQUENCED)
        for number in range(0x9000):
            lane.push(b"", number, 0.0)
        lane.drop()
        lane.push(b"hi", 1, 0.0)
        self.assertEqual(filled(lane).body.hex(), "230000026869")

    def test_packet_is_full(self) -> None:
        """What does not fit waits for the next packet."""
        for number in range(3):
            self.lane.push(bytes(500), number, 0.0)
        sizes = [len(filled(self.lane).body) for _ in range(3)]
        self.assertEqual(sizes, [1006, 503, 0])

    def test_oldest_make_room(self) -> None:
        """Of too many messages the oldest are thrown away and counted."""
        for number in range(MAX_UNRELIABLE_WAITING + 3):
            self.lane.push(b"%d" % number, number, 0.0)
        self.assertEqual(self.lane.counts.discarded, 3)
        self.assertTrue(filled(self.lane, 100_000).body.startswith(b"\x03\x013"))

    def test_queue_time(self) -> None:
        """How long messages wait is smoothed."""
        counts = LaneCounts()
        for _ in range(100):
            counts.waited(0.5)
        self.assertAlmostEqual(counts.queue_time, 0.5, places=4)

    def test_never_counts_as_queued(self) -> None:
        """What is unreliable is no reason to close a connection."""
        self.lane.push(bytes(1000), 1, 0.0)
        self.assertEqual(self.lane.queued_bytes, 0)

    @given(seeds)
    def test_one_receipt_each(self, seed: int) -> None:
        """Of each message exactly one receipt is given, whatever becomes of it."""
        random = Random(seed)
        events: deque[Event] = deque()
        lane = UnreliableLane(Channel(3, DeliveryMode.UNRELIABLE_RECEIPTS), events)
        packets, acked = [], []
        for number in range(600):
            lane.push(b"x" * random.randrange(300), number, 0.0)
            if random.random() < 0.2:
                packets.append(filled(lane))
            if packets and random.random() < 0.2:
                packet = packets.pop(random.randrange(len(packets)))
                is_acked = random.random() < 0.7
                packet.settle(is_acked=is_acked)
                acked += [n for _, n, _ in packet.record if is_acked]
            if random.random() < 0.005:
                lane.drop()
            if random.random() < 0.005:
                # Another link: nothing more is heard of the packets of the old one.
                lane.rewind()
                packets.clear()
        lane.rewind()
        lost = ids(events, MessageLost)
        self.assertEqual(ids(events, MessageAcked), acked)
        self.assertEqual(sorted(acked + lost), list(range(600)))
        self.assertEqual(lane.counts.delivered, len(acked))
        self.assertEqual(lane.counts.sent + lane.counts.discarded, 600)


class LatestTests(SynchronousTestCase):
    """The latest value is repeated until it is acknowledged; older ones are not."""

    def setUp(self) -> None:
        self.events: deque[Event] = deque()
        channel = Channel(5, DeliveryMode.RELIABLE_SEQUENCED, receipts=True)
        self.lane = LatestLane(channel, self.events, redundancy=2)

    def test_bytes(self) -> None:
        """A value has its channel, a number from 0 on, and its size."""
        self.lane.push(b"hi", 1, 0.0)
        self.assertEqual(filled(self.lane).body.hex(), "250000026869")

    def test_replaced_before_it_left(self) -> None:
        """Only the newest value leaves."""
        for number in range(5):
            self.lane.push(b"%d" % number, number, 0.0)
        self.assertEqual(filled(self.lane).body.hex(), "2500000134")
        self.assertEqual(self.lane.counts.discarded, 4)
        self.assertEqual(self.lane.counts.sent, 1)

    def test_long_blocked(self) -> None:
        """After more values than numbers, none of which left, the next one arrives."""
        lanes = (
            self.lane,
            UnreliableLane(Channel(5, DeliveryMode.UNRELIABLE_SEQUENCED), deque()),
        )
        for lane in lanes:
            receiver = latest(lane.channel.mode, 0xFFFF)
            for number in range(40_000):
                lane.push(b"%d" % number, number, 0.0)
            body = filled(lane).body
            number = int.from_bytes(body[1:3], "little")
            self.assertTrue(receiver.take(number, body[4:]))

    def test_fate_before_it_left(self) -> None:
        """An older value has the newest number; its ack is not the new value's."""
        for is_acked in (True, False):
            self.lane.push(b"old", 1, 0.0)
            packet = filled(self.lane)
            self.lane.push(b"new", 2, 0.0)
            packet.settle(is_acked=is_acked)
            self.assertTrue(self.lane.has_frames)
            newer = filled(self.lane)
            self.assertTrue(newer.body.endswith(b"new"))
            newer.settle(is_acked=True)
        self.assertEqual(ids(self.events, MessageAcked), [2, 2])

    def test_rides(self) -> None:
        """A value rides in the next packets, as often as it may."""
        self.lane.push(b"hi", 1, 0.0)
        sizes = [len(filled(self.lane, ride_along=512).body) for _ in range(5)]
        self.assertEqual(sizes, [6, 6, 6, 0, 0])
        self.assertEqual((self.lane.counts.resent, self.lane.counts.repeated), (0, 2))

    def test_ride_has_a_budget(self) -> None:
        """A value larger than the budget does not ride."""
        self.lane.push(bytes(600), 1, 0.0)
        self.assertEqual(len(filled(self.lane).body), 605)
        self.assertEqual(filled(self.lane, ride_along=512).body, b"")

    def test_acknowledged(self) -> None:
        """An acknowledged value is forgotten, and its receipt given once."""
        self.lane.push(b"hi", 7, 0.0)
        packets = [filled(self.lane), filled(self.lane, ride_along=512)]
        for packet in packets:
            packet.settle(is_acked=True)
        self.assertEqual(ids(self.events, MessageAcked), [7])
        self.assertEqual(self.lane.queued_bytes, 0)
        self.assertEqual(filled(self.lane, ride_along=512).body, b"")

    def test_lost(self) -> None:
        """A value goes again when its last copy is lost, not before."""
        self.lane.push(b"hi", 1, 0.0)
        packets = [filled(self.lane), filled(self.lane, ride_along=512)]
        packets[1].settle(is_acked=False)
        self.assertFalse(self.lane.has_frames)
        packets[0].settle(is_acked=False)
        self.assertTrue(self.lane.has_frames)
        self.assertEqual(filled(self.lane).body, packets[0].body)

    def test_fate_of_an_older_value(self) -> None:
        """What becomes of a value that was replaced does not matter."""
        for is_acked in (True, False):
            self.lane.push(b"old", 1, 0.0)
            packet = filled(self.lane)
            self.lane.push(b"new", 2, 0.0)
            newer = filled(self.lane)
            packet.settle(is_acked=is_acked)
            self.assertFalse(self.lane.has_frames)
            self.assertEqual(self.lane.queued_bytes, 7)
            newer.settle(is_acked=True)
        self.assertEqual(ids(self.events, MessageAcked), [2, 2])

    def test_rewind(self) -> None:
        """On a new link a value goes again, unless it was acknowledged."""
        self.lane.push(b"hi", 1, 0.0)
        packet = filled(self.lane)
        self.lane.rewind()
        self.assertTrue(self.lane.has_frames)
        filled(self.lane).settle(is_acked=True)
        self.lane.rewind()
        self.assertFalse(self.lane.has_frames)
        self.assertTrue(packet.body)

    @given(seeds, st.sampled_from([0xFFFF, 65500, 10]))
    def test_the_last_arrives(self, seed: int, before: int) -> None:
        """However packets are lost, the last value arrives, over the wrap."""
        random = Random(seed)
        lane = LatestLane(self.lane.channel, self.events, redundancy=2)
        lane._sequence = before
        arrived: list[bytes] = []
        packets = []
        for number in range(100):
            lane.push(b"%d" % number, number, 0.0)
            packets.append(filled(lane, ride_along=512))
            if random.random() < 0.5:
                packet = packets.pop(random.randrange(len(packets)))
                packet.settle(is_acked=False)
        while lane.queued_bytes or packets:
            packet = filled(lane) if lane.has_frames else packets.pop()
            is_acked = random.random() < 0.3
            if is_acked:
                arrived.append(packet.body)
            packet.settle(is_acked=is_acked)
        self.assertIn(b"99", [body[4:] for body in arrived])
