# SPDX-License-Identifier: MIT
"""Tests of sequences and acks."""

from __future__ import annotations

from random import Random

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.acks import MAX_IN_FLIGHT, WINDOW, AckTracker
from tests.connection.strategies import seeds


def receive_all(tracker: AckTracker, *sequences: int) -> None:
    """Receive packets, the new ones as `is_new` has it."""
    for sequence in sequences:
        if tracker.is_new(sequence):
            tracker.receive(sequence)


def times(packets: list) -> list[float]:
    """Return when packets were sent."""
    return [packet.time for packet in packets]


class ReceivedTests(SynchronousTestCase):
    """What was received is told in 33 bits."""

    def setUp(self) -> None:
        self.tracker = AckTracker()

    def test_nothing_yet(self) -> None:
        """Before the first packet the ack is 65535, and no bit is set."""
        self.assertEqual((self.tracker.newest, self.tracker.ack_bits), (0xFFFF, 0))

    def test_in_order(self) -> None:
        """Each packet moves the ack on, and those before it are bits."""
        receive_all(self.tracker, 0, 1, 2)
        self.assertEqual((self.tracker.newest, self.tracker.ack_bits), (2, 0b11))
        self.assertEqual(self.tracker.n_missed, 0)

    def test_gap_and_late(self) -> None:
        """A gap is a zero bit and counts as missed, until the packet comes late."""
        receive_all(self.tracker, 0, 3)
        self.assertEqual((self.tracker.newest, self.tracker.ack_bits), (3, 0b100))
        self.assertEqual(self.tracker.n_missed, 2)
        receive_all(self.tracker, 2)
        self.assertEqual((self.tracker.newest, self.tracker.ack_bits), (3, 0b101))
        self.assertEqual(self.tracker.n_missed, 1)

    def test_first_packets_lost(self) -> None:
        """Packets lost before the first that came count as missed."""
        receive_all(self.tracker, 5)
        self.assertEqual(self.tracker.n_missed, 5)
        receive_all(self.tracker, 0)
        self.assertEqual(self.tracker.n_missed, 4)

    def test_duplicates(self) -> None:
        """No packet is new twice, also at the edge of the window."""
        receive_all(self.tracker, *range(WINDOW + 10))
        newest = WINDOW + 9
        self.assertFalse(any(self.tracker.is_new(n) for n in range(newest + 1)))
        self.assertFalse(self.tracker.is_new(newest - WINDOW))
        self.assertTrue(self.tracker.is_new(newest + 1))

    def test_too_old(self) -> None:
        """A packet too old to tell is not new, though it never came."""
        receive_all(self.tracker, WINDOW)
        self.assertFalse(self.tracker.is_new(0))
        self.assertTrue(self.tracker.is_new(1))

    def test_half_the_circle(self) -> None:
        """A packet exactly half the circle away is old."""
        receive_all(self.tracker, 0)
        self.assertFalse(self.tracker.is_new(0x8000))
        self.assertTrue(self.tracker.is_new(0x7FFF))

    def test_big_leap(self) -> None:
        """A leap beyond the window leaves no bit behind."""
        receive_all(self.tracker, *range(40))
        receive_all(self.tracker, 30000)
        self.assertEqual((self.tracker.newest, self.tracker.ack_bits), (30000, 0))
        self.assertFalse(self.tracker.is_new(39))

    @given(seeds)
    def test_model(self, seed: int) -> None:
        """A set of all numbers ever received says the same, over many wraps."""
        random = Random(seed)
        tracker, seen, newest = AckTracker(), set(), -1
        for _ in range(300):
            leap = random.choice((1, 1, 1, 2, 5, 33, 400, 9000))
            number = newest + leap if random.random() < 0.7 else newest - leap
            number = max(number, 0)
            is_new = number > newest or (
                number > newest - WINDOW and number not in seen
            )
            self.assertEqual(tracker.is_new(number & 0xFFFF), is_new)
            if is_new:
                tracker.receive(number & 0xFFFF)
                seen.add(number)
                newest = max(newest, number)
            bits = sum(1 << i for i in range(32) if newest - 1 - i in seen)
            self.assertEqual(
                (tracker.newest, tracker.ack_bits), (newest & 0xFFFF, bits)
            )
            self.assertEqual(tracker.n_missed, newest + 1 - len(seen))


class SentTests(SynchronousTestCase):
    """Acks are matched with what is in flight."""

    def sent(self, count: int, *, is_ordered: bool = False) -> AckTracker:
        """Return a tracker that sent packets 0, 1, ... at those times."""
        tracker = AckTracker(is_ordered=is_ordered)
        for n in range(count):
            self.assertEqual(tracker.send([(0, n)], now=float(n)), n)
        return tracker

    def test_acked(self) -> None:
        """The ack and its bits acknowledge; the round trip is the newest packet's."""
        tracker = self.sent(5)
        acked, lost, sent_at = tracker.acknowledge(3, 0b101)
        self.assertEqual((times(acked), times(lost), sent_at), ([0, 2, 3], [], 3.0))
        self.assertEqual(tracker.n_in_flight, 2)

    def test_lost(self) -> None:
        """A packet is lost when one three later was acknowledged, and not before."""
        tracker = self.sent(5)
        self.assertEqual(tracker.acknowledge(2, 0)[1], [])
        _, lost, _ = tracker.acknowledge(3, 0b1)
        self.assertEqual(times(lost), [0])
        _, lost, _ = tracker.acknowledge(4, 0b11)
        self.assertEqual(times(lost), [1])
        self.assertEqual(tracker.n_lost, 2)

    def test_farthest_bit(self) -> None:
        """The last of the 32 bits speaks of the packet 32 before the ack."""
        tracker = self.sent(40)
        acked, lost, _ = tracker.acknowledge(39, 1 << 31)
        self.assertEqual(times(acked), [7, 39])
        self.assertNotIn(7, times(lost))
        self.assertIn(6, times(lost))

    def test_again_and_late(self) -> None:
        """The same ack and an older one do no harm."""
        tracker = self.sent(10)
        tracker.acknowledge(9, 0xFF)
        for ack in (9, 5, 0):
            self.assertEqual(tracker.acknowledge(ack, 0), ([], [], None))
        self.assertEqual(tracker.n_lost, 1)

    def test_old_ack_leaves_newer_packets(self) -> None:
        """An ack says nothing about packets sent after the acked one."""
        tracker = self.sent(10)
        _, lost, _ = tracker.acknowledge(0, 0)
        self.assertEqual((lost, tracker.n_in_flight), ([], 9))

    def test_never_sent(self) -> None:
        """An ack of a packet that was never sent is recognized, also at the wrap."""
        tracker = self.sent(10)
        self.assertTrue(all(tracker.was_sent(ack) for ack in (0, 9, 0xFFFF)))
        self.assertFalse(any(tracker.was_sent(ack) for ack in (10, 11, 30000)))
        fresh = AckTracker()
        self.assertTrue(fresh.was_sent(0xFFFF))
        self.assertFalse(fresh.was_sent(0))

    def test_wrap(self) -> None:
        """Sequences wrap without a packet being mistaken for another."""
        tracker = AckTracker()
        for n in range(70000):
            sequence = tracker.send(None, now=float(n))
            self.assertEqual(sequence, n & 0xFFFF)
            acked, lost, sent_at = tracker.acknowledge(sequence, 0)
            self.assertEqual((len(acked), lost, sent_at), (1, [], n))

    def test_expires(self) -> None:
        """Too many packets in flight make the oldest count as lost."""
        tracker = self.sent(MAX_IN_FLIGHT + 2)
        self.assertEqual(times(tracker.expire()), [0, 1])
        self.assertEqual(tracker.n_lost, 2)
        self.assertEqual(tracker.n_in_flight, MAX_IN_FLIGHT)
        self.assertEqual(tracker.expire(), [])

    def test_stream_ack_is_of_all(self) -> None:
        """On a stream an ack is one of every packet before it, and nothing is lost."""
        tracker = self.sent(100, is_ordered=True)
        acked, lost, _ = tracker.acknowledge(80, 0)
        self.assertEqual((times(acked), lost), (list(range(81)), []))
        self.assertEqual(tracker.n_in_flight, 19)

    def test_stream_expires_nothing(self) -> None:
        """On a stream the fragments of the oldest packets wait for a later ack."""
        tracker = self.sent(MAX_IN_FLIGHT, is_ordered=True)
        tracker.send(None, now=0.0)
        tracker.send([(3, 4)], now=0.0)
        self.assertEqual(tracker.expire(), [])
        self.assertEqual((tracker.n_in_flight, tracker.n_lost), (MAX_IN_FLIGHT, 0))
        acked, _, _ = tracker.acknowledge(2, 0)
        self.assertEqual([p.fragments for p in acked], [[(0, 0), (0, 1), (0, 2)]])

    @given(seeds)
    def test_each_packet_once(self, seed: int) -> None:
        """A packet is acknowledged or lost once, and acknowledged only if it came."""
        random = Random(seed)
        sender, receiver = AckTracker(), AckTracker()
        arrived, done = set(), []
        for n in range(200):
            sequence = sender.send(None, now=float(n))
            if random.random() < 0.7 and receiver.is_new(sequence):
                receiver.receive(sequence)
                arrived.add(n)
            if random.random() < 0.3:
                acked, lost, _ = sender.acknowledge(receiver.newest, receiver.ack_bits)
                self.assertLessEqual(set(times(acked)), arrived)
                done += times(acked) + times(lost)
        self.assertEqual(len(done), len(set(done)))
        self.assertEqual(len(done) + sender.n_in_flight, 200)
