# SPDX-License-Identifier: MIT
"""Tests of sequences and acks."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.acks import (
    ACK_SPAN,
    MAX_IN_FLIGHT,
    WINDOW,
    AckTracker,
    SentPacket,
)
from tests.connection.strategies import seeds


def receive_all(tracker: AckTracker, *sequences: int) -> None:
    """Receive packets, the new ones as `is_new` has it."""
    for sequence in sequences:
        if tracker.is_new(sequence):
            tracker.receive(sequence)


def told(tracker: AckTracker) -> tuple[int, int]:
    """Return the ack that a tracker gives, and its bits."""
    return tracker.newest, tracker.ack_bits


def times(packets: list[SentPacket]) -> list[float]:
    """Return when packets were sent."""
    return [packet.time for packet in packets]


def starting_at(sequence: int, *, is_ordered: bool = False) -> AckTracker:
    """Return a tracker whose next packet has a sequence."""
    tracker = AckTracker(is_ordered=is_ordered)
    tracker._next = sequence
    return tracker


class ReceivedTests(SynchronousTestCase):
    """What was received is told in 32 bits."""

    def setUp(self) -> None:
        self.tracker = AckTracker()

    def test_nothing_yet(self) -> None:
        """Before the first packet no bit is set, whatever the ack is."""
        self.assertEqual(self.tracker.ack_bits, 0)

    def test_in_order(self) -> None:
        """Each packet moves the ack on; the lowest bit is its own."""
        receive_all(self.tracker, 0, 1, 2)
        self.assertEqual(told(self.tracker), (2, 0b111))
        self.assertEqual(self.tracker.n_missed, 0)

    def test_gap_and_late(self) -> None:
        """A gap is a zero bit and counts as missed, until the packet comes late."""
        receive_all(self.tracker, 0, 3)
        self.assertEqual(told(self.tracker), (3, 0b1001))
        self.assertEqual(self.tracker.n_missed, 2)
        receive_all(self.tracker, 2)
        self.assertEqual(told(self.tracker), (3, 0b1011))
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
        """A leap beyond the window leaves the newest bit alone."""
        receive_all(self.tracker, *range(40))
        receive_all(self.tracker, 30000)
        self.assertEqual(told(self.tracker), (30000, 1))
        self.assertFalse(self.tracker.is_new(39))

    @given(seeds, st.sampled_from([0, 65530, 65500, 32767]))
    def test_model(self, seed: int, first: int) -> None:
        """A set of all numbers ever received says the same, over many wraps."""
        random = Random(seed)
        tracker = AckTracker()
        seen: set[int] = set()
        newest = first - 1
        tracker.newest = newest & 0xFFFF
        for _ in range(300):
            leap = random.choice((1, 1, 1, 2, 5, 33, 400, 9000))
            number = newest + leap if random.random() < 0.7 else newest - leap
            number = max(number, first)
            is_new = number > newest or (
                number > newest - WINDOW and number not in seen
            )
            self.assertEqual(tracker.is_new(number & 0xFFFF), is_new)
            if is_new:
                tracker.receive(number & 0xFFFF)
                seen.add(number)
                newest = max(newest, number)
            bits = sum(1 << i for i in range(ACK_SPAN) if newest - i in seen)
            self.assertEqual(told(tracker), (newest & 0xFFFF, bits))
            self.assertEqual(tracker.n_missed, newest - first + 1 - len(seen))


class SentTests(SynchronousTestCase):
    """Acks are matched with what is in flight."""

    def sent(self, count: int, *, is_ordered: bool = False) -> AckTracker:
        """Return a tracker that sent packets 0, 1, ... at those times."""
        tracker = AckTracker(is_ordered=is_ordered)
        for n in range(count):
            self.assertEqual(tracker.next_sequence, n)
            tracker.send(SentPacket(float(n), 100, [(None, n, 1)]))
        return tracker

    def test_acked(self) -> None:
        """The ack and its bits acknowledge; the round trip is the newest packet's."""
        tracker = self.sent(5)
        acked, lost, sent_at = tracker.acknowledge(3, 0b1011, 0.0)
        self.assertEqual((times(acked), times(lost), sent_at), ([0, 2, 3], [], 3.0))
        self.assertEqual(tracker.n_in_flight, 2)

    def test_nothing_came(self) -> None:
        """An ack without its own bit says that nothing came yet."""
        tracker = self.sent(5)
        for ack, bits in ((0xFFFF, 0), (3, 0), (3, 0b110)):
            self.assertEqual(tracker.acknowledge(ack, bits, 0.0), ([], [], None))
        self.assertEqual(tracker.n_in_flight, 5)

    def test_lost(self) -> None:
        """A packet is lost when one three later was acknowledged, and not before."""
        tracker = self.sent(5)
        self.assertEqual(tracker.acknowledge(2, 0b1, 0.0)[1], [])
        _, lost, _ = tracker.acknowledge(3, 0b11, 0.0)
        self.assertEqual(times(lost), [0])
        _, lost, _ = tracker.acknowledge(4, 0b111, 0.0)
        self.assertEqual(times(lost), [1])
        self.assertEqual(tracker.n_lost, 2)

    def test_shuffled_burst(self) -> None:
        """What was sent a moment before the acked packet may yet come."""
        tracker = self.sent(9)
        _, lost, _ = tracker.acknowledge(8, 0b1, 4.5)
        self.assertEqual(times(lost), [0, 1, 2, 3])

    def test_farthest_bit(self) -> None:
        """The last of the 32 bits speaks of the packet 31 before the ack."""
        tracker = self.sent(40)
        acked, lost, _ = tracker.acknowledge(39, 1 << 31 | 1, 1e9)
        self.assertEqual(times(acked), [8, 39])
        # Nothing will ever be said of those before: they are lost at once.
        self.assertEqual(times(lost), list(range(8)))

    def test_again_and_late(self) -> None:
        """The same ack and an older one do no harm."""
        tracker = self.sent(10)
        tracker.acknowledge(9, 0x1FF, 0.0)
        for ack in (9, 5, 0):
            self.assertEqual(tracker.acknowledge(ack, 1, 0.0), ([], [], None))
        self.assertEqual(tracker.n_lost, 1)

    def test_old_ack_leaves_newer_packets(self) -> None:
        """An ack says nothing about packets sent after the acked one."""
        tracker = self.sent(10)
        _, lost, _ = tracker.acknowledge(0, 1, 0.0)
        self.assertEqual((lost, tracker.n_in_flight), ([], 9))

    def test_never_sent(self) -> None:
        """An ack of a packet that was never sent is recognized, also at the wrap."""
        for first in (0, 65530):
            tracker = starting_at(first)
            for n in range(10):
                tracker.send(SentPacket(float(n), 0, None))
            for n in range(10):
                self.assertTrue(tracker.was_sent(first + n & 0xFFFF, 1))
            for n in (10, 11, 30000, 40000, -1, -2):
                self.assertFalse(tracker.was_sent(first + n & 0xFFFF, 1), n)
        fresh = AckTracker()
        self.assertTrue(all(fresh.was_sent(ack, 0) for ack in (0, 5, 0xFFFF)))
        self.assertFalse(any(fresh.was_sent(ack, 1) for ack in (0, 5, 0xFFFF)))

    def test_wrap(self) -> None:
        """Sequences wrap without a packet being mistaken for another."""
        tracker = starting_at(65000)
        for n in range(2000):
            sequence = tracker.next_sequence
            self.assertEqual(sequence, (65000 + n) & 0xFFFF)
            tracker.send(SentPacket(float(n), 0, None))
            acked, lost, sent_at = tracker.acknowledge(sequence, 1, 0.0)
            self.assertEqual((len(acked), lost, sent_at), (1, [], n))

    def test_gives_up(self) -> None:
        """What met with silence is given up once, and may still be acknowledged."""
        tracker = self.sent(5)
        tracker.send(SentPacket(5.0, 50, None))
        self.assertEqual(times(tracker.give_up(2.0)), [0, 1, 2])
        self.assertEqual(times(tracker.give_up(9.0)), [3, 4])
        self.assertEqual(tracker.give_up(9.0), [])
        self.assertIsNone(tracker.oldest_unanswered())
        acked, _, sent_at = tracker.acknowledge(4, 0b11111, 0.0)
        self.assertEqual((times(acked), sent_at), ([0, 1, 2, 3, 4], 4.0))
        self.assertTrue(all(packet.is_given_up for packet in acked))

    def test_oldest_unanswered(self) -> None:
        """Only packets with content are waited for."""
        tracker = AckTracker()
        tracker.send(SentPacket(0.0, 0, []))
        tracker.send(SentPacket(1.0, 0, None))
        self.assertIsNone(tracker.oldest_unanswered())
        tracker.send(SentPacket(2.0, 100, [(None, 1, 1)]))
        waiting = tracker.oldest_unanswered()
        assert waiting is not None
        self.assertEqual(waiting.time, 2.0)

    def test_given_up_are_not_looked_at(self) -> None:
        """However many packets met with silence, the oldest other is found at once."""
        tracker = self.sent(3000)
        tracker.give_up(2998.0)
        self.assertEqual(len(tracker._unanswered), 1)
        tracker.acknowledge(2999, 1, 0.0)
        self.assertIsNone(tracker.oldest_unanswered())
        self.assertEqual(len(tracker._unanswered), 0)

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
        acked, lost, _ = tracker.acknowledge(80, 1, 0.0)
        self.assertEqual((times(acked), lost), (list(range(81)), []))
        self.assertEqual(tracker.n_in_flight, 19)

    def test_stream_expires_nothing(self) -> None:
        """On a stream what the oldest packets held waits for a later ack."""
        tracker = self.sent(MAX_IN_FLIGHT + 2, is_ordered=True)
        self.assertEqual(tracker.expire(), [])
        self.assertEqual((tracker.n_in_flight, tracker.n_lost), (MAX_IN_FLIGHT, 0))
        acked, _, _ = tracker.acknowledge(2, 1, 0.0)
        [packet] = acked
        self.assertEqual([n for _, n, _ in packet.record], [0, 1, 2])

    @given(seeds, st.sampled_from([0, 65500, 65535]))
    def test_each_packet_once(self, seed: int, first: int) -> None:
        """A packet is acknowledged or lost once, and acknowledged only if it came."""
        random = Random(seed)
        sender, receiver = starting_at(first), AckTracker()
        receiver.newest = (first - 1) & 0xFFFF
        arrived: set[float] = set()
        done: list[float] = []
        for n in range(200):
            sequence = sender.next_sequence
            sender.send(SentPacket(float(n), 0, None))
            if random.random() < 0.7 and receiver.is_new(sequence):
                receiver.receive(sequence)
                arrived.add(float(n))
            if random.random() < 0.3:
                self.assertTrue(sender.was_sent(*told(receiver)))
                acked, lost, _ = sender.acknowledge(*told(receiver), random.random())
                self.assertLessEqual(set(times(acked)), arrived)
                done += times(acked) + times(lost)
        self.assertEqual(len(done), len(set(done)))
        self.assertEqual(len(done) + sender.n_in_flight, 200)
