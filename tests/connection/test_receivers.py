# SPDX-License-Identifier: MIT
"""Tests of the way in of each channel, and of what hostile senders may do there."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, ConnectionConfig, DeliveryMode
from gamenet.connection.frames import Piece
from gamenet.connection.lanes import LaneCounts
from gamenet.connection.receivers import (
    OrderedReceiver,
    UnorderedReceiver,
    new_receiver,
)
from gamenet.connection.reliable import PIECE_WINDOW, WINDOW
from gamenet.errors import CloseReason, RemoteProtocolError
from tests.connection.pipes import Pipe, latest
from tests.connection.strategies import seeds

ORDERED, UNORDERED = DeliveryMode.RELIABLE_ORDERED, DeliveryMode.RELIABLE_UNORDERED
BOTH = (ORDERED, UNORDERED)
LIMIT, FLOW = 5000, 16384


class Hole:
    """The receiver of a reliable channel, at a sequence.

    Args:
        mode: reliable-ordered or reliable-unordered.
        first: sequence that it waits for.
    """

    def __init__(self, mode: DeliveryMode, first: int = 0) -> None:
        self.counts = LaneCounts()
        config = ConnectionConfig(
            channels=(Channel(2, mode),), max_message=LIMIT, window=FLOW
        )
        receiver = new_receiver(config.channels[0], self.counts, config)
        assert isinstance(receiver, OrderedReceiver | UnorderedReceiver)
        receiver._next = first
        self.receiver = receiver
        self.first = first

    def run(self, ahead: int, *payloads: bytes) -> list[bytes]:
        """Take a run that begins so far ahead of the first sequence."""
        sequence = (self.first + ahead) & 0xFFFF
        self.receiver.check(sequence, len(payloads))
        return self.receiver.take_run(sequence, list(payloads))

    def piece(self, ahead: int, number: int, total: int, part: bytes) -> list[bytes]:
        """Take a piece."""
        sequence = (self.first + ahead) & 0xFFFF
        self.receiver.check(sequence, 1)
        return self.receiver.take_piece(sequence, Piece(number, total, part))

    def give_up(self, ahead: int, number: int) -> list[bytes]:
        """Take word that no more of a large message comes."""
        return self.piece(ahead, number, 0, b"")


class OrderTests(SynchronousTestCase):
    """Messages come out once, and in order where that was promised."""

    def test_ordered(self) -> None:
        """What comes early waits for what was sent before it."""
        hole = Hole(ORDERED, 65534)
        self.assertEqual(hole.run(1, b"b", b"c"), [])
        self.assertEqual(hole.receiver.held_bytes, 2)
        self.assertEqual(hole.run(0, b"a"), [b"a", b"b", b"c"])
        self.assertEqual(hole.receiver.held_bytes, 0)
        self.assertEqual(hole.run(3, b"d"), [b"d"])

    def test_unordered(self) -> None:
        """What comes early comes out at once, and never again."""
        hole = Hole(UNORDERED, 65534)
        self.assertEqual(hole.run(1, b"b", b"c"), [b"b", b"c"])
        self.assertEqual(hole.run(0, b"a", b"b"), [b"a"])
        self.assertEqual(hole.run(3, b"d"), [b"d"])
        self.assertEqual(hole.counts.duplicates, 1)

    def test_duplicates(self) -> None:
        """Runs that overlap bring only what is new, before and behind a gap."""
        for mode in BOTH:
            hole = Hole(mode, 65533)
            received = hole.run(0, b"a", b"b")
            received += hole.run(0, b"a", b"b", b"c")
            received += hole.run(1, b"b", b"c")
            received += hole.run(5, b"f", b"g")
            received += hole.run(4, b"e", b"f")
            received += hole.run(3, b"d")
            received += hole.run(0, *[b"%c" % (97 + n) for n in range(7)])
            self.assertEqual(sorted(received), [b"%c" % (97 + n) for n in range(7)])
            self.assertEqual(hole.counts.duplicates, 2 + 2 + 1 + 7)
            if mode is ORDERED:
                self.assertEqual(received, sorted(received))

    @given(st.sampled_from(BOTH), st.sampled_from([0, 65500, 32767]), seeds)
    def test_any_order(self, mode: DeliveryMode, first: int, seed: int) -> None:
        """Whatever runs come, in whatever order, everything comes out once."""
        random = Random(seed)
        hole = Hole(mode, first)
        sent = [b"%d" % n for n in range(100)]
        begins = list(range(100)) * 2
        random.shuffle(begins)
        received: list[bytes] = []
        for begin in begins:
            received += hole.run(begin, *sent[begin : begin + random.randrange(1, 9)])
        self.assertEqual(sorted(received), sorted(sent))
        if mode is ORDERED:
            self.assertEqual(received, sent)
        self.assertEqual(hole.receiver.held_bytes, 0)

    def test_pieces_any_order(self) -> None:
        """Pieces in any order make one message, over the wrap."""
        for seed in range(20):
            for mode in BOTH:
                hole = Hole(mode, 65533)
                order = list(range(6)) * 2
                Random(seed).shuffle(order)
                received: list[bytes] = []
                for n in order:
                    received += hole.piece(n, n, 6, b"%d" % n)
                self.assertEqual(received, [b"012345"], f"seed {seed}")
                self.assertEqual(hole.receiver.held_bytes, 0, f"seed {seed}")

    def test_sequenced(self) -> None:
        """Only what is newer comes out; half the circle away is older."""
        for mode in (
            DeliveryMode.RELIABLE_SEQUENCED,
            DeliveryMode.UNRELIABLE_SEQUENCED,
        ):
            receiver = latest(mode, 65534)
            came = (65534, 65533, 0, 65535, 1, 1, 0, 32769, 40000, 32768, 32767, 5000)
            taken = [n for n in came if receiver.take(n, b"x")]
            self.assertEqual(taken, [0, 1, 32768])


class HostileTests(SynchronousTestCase):
    """What no honest sender does is refused, and costs a bounded amount of memory."""

    def refused(self, call: object, *arguments: object) -> CloseReason:
        """Return the reason for which something is refused."""
        error = self.assertRaises(RemoteProtocolError, call, *arguments)
        return error.reason

    def test_beyond_the_window(self) -> None:
        """A sequence that no sender within its window could use is refused."""
        reach = WINDOW + PIECE_WINDOW
        for mode in BOTH:
            for first in (0, 60_000):
                hole = Hole(mode, first)
                for ahead, count in (
                    (reach, 1),
                    (reach - 10, 11),
                    (0x7FFF, 1),
                    (0x7FFF, 255),
                    (0x7FF0, 200),
                ):
                    reason = self.refused(hole.run, ahead, *[b""] * count)
                    self.assertIs(reason, CloseReason.MALFORMED)
                self.assertEqual(hole.receiver.held_bytes, 0)
                hole.run(reach - 10, *[b""] * 10)
                # Half the circle away it may be old: then it is a duplicate.
                hole.run(0x8000, b"old")
                self.assertEqual(hole.counts.duplicates, 1)

    def test_held_messages(self) -> None:
        """What is held for something missing is bounded by bytes."""
        hole = Hole(ORDERED)
        reason = self.refused(
            lambda: [hole.run(n, bytes(1000)) for n in range(1, WINDOW)]
        )
        self.assertIs(reason, CloseReason.MESSAGE_TOO_LARGE)
        self.assertLess(hole.receiver.held_bytes, 2 * (LIMIT + FLOW) + 1001)

    def test_empty_messages(self) -> None:
        """Messages of no bytes are bounded by the window, and do no harm."""
        for mode in BOTH:
            hole = Hole(mode)
            received: list[bytes] = []
            for n in range(1, WINDOW):
                received += hole.run(n, b"")
            received += hole.run(0, b"")
            self.assertEqual(len(received), WINDOW)
            held = getattr(hole.receiver, "_early", ()) or getattr(
                hole.receiver, "_seen", ()
            )
            self.assertEqual(len(held), 0)

    def test_unfinished_pieces(self) -> None:
        """Messages that never become whole are bounded by bytes, tiny pieces, too."""
        hole = Hole(UNORDERED)
        reason = self.refused(
            lambda: [hole.piece(3 * n + 1, 0, 2, b"x") for n in range(5000)]
        )
        self.assertIs(reason, CloseReason.MESSAGE_TOO_LARGE)
        self.assertLess(len(hole.receiver._partials), 1000)

    def test_many_pieces(self) -> None:
        """A message that claims 65,535 pieces ends at the limit of its bytes."""
        for mode in BOTH:
            for size in (1, 1000):
                hole = Hole(mode)
                count = 0

                def feed(hole: Hole = hole, size: int = size) -> None:
                    nonlocal count
                    for n in range(65535):
                        hole.piece(n, n, 65535, bytes(size))
                        count += size

                reason = self.refused(feed)
                self.assertIs(reason, CloseReason.MESSAGE_TOO_LARGE)
                self.assertLessEqual(count, LIMIT)

    def test_last_piece_first(self) -> None:
        """The last of 65,535 pieces may come first; it is one piece, and no more."""
        for mode in BOTH:
            hole = Hole(mode)
            self.assertEqual(hole.piece(5, 65534, 65535, b"end"), [])
            self.assertLess(hole.receiver.held_bytes, 100)

    def test_pieces_that_contradict(self) -> None:
        """Pieces of one message agree on their count and follow each other."""
        for mode, pieces in (
            (ORDERED, [(0, 0, 3), (1, 1, 4)]),
            (ORDERED, [(0, 1, 3)]),
            (ORDERED, [(0, 0, 3), (1, 2, 3)]),
            (ORDERED, [(0, 0, 3), (1, 0, 3)]),
            (UNORDERED, [(0, 0, 3), (1, 1, 4)]),
        ):
            hole = Hole(mode)
            for ahead, number, total in pieces[:-1]:
                hole.piece(ahead, number, total, b"x")
            reason = self.refused(hole.piece, *pieces[-1], b"x")
            self.assertIs(reason, CloseReason.MALFORMED)

    def test_message_between_pieces(self) -> None:
        """A message in the midst of another one's pieces is refused, in order."""
        hole = Hole(ORDERED)
        hole.piece(0, 0, 3, b"x")
        self.assertIs(self.refused(hole.run, 1, b"y"), CloseReason.MALFORMED)

    def test_overlapping_pieces(self) -> None:
        """A sequence that has come does not come again with another content."""
        for mode in BOTH:
            hole = Hole(mode)
            hole.piece(1, 1, 3, b"one")
            self.assertEqual(hole.piece(1, 1, 3, b"other"), [])
            self.assertEqual(hole.run(1, b"whole"), [])
            hole.piece(0, 0, 3, b"zero ")
            self.assertEqual(hole.piece(2, 2, 3, b" two"), [b"zero one two"])
            self.assertEqual(hole.counts.duplicates, 2)

    def test_late_pieces_of_what_was_given_up(self) -> None:
        """Pieces that come after the word that no more come are not kept for ever."""
        hole = Hole(UNORDERED)
        for n in range(5000):
            begin = 4 * n
            hole.piece(begin, 0, 9, bytes(1000))
            hole.give_up(begin + 3, 3)
            hole.piece(begin + 2, 2, 9, bytes(1000))
            hole.piece(begin + 1, 1, 9, bytes(1000))
            self.assertEqual(hole.receiver.held_bytes, 0)
            self.assertLess(len(hole.receiver._given_up), 3)

    def test_giving_up_at_will(self) -> None:
        """Word of messages given up, as much as the window has, is little to keep."""
        hole = Hole(UNORDERED)
        for n in range(1, WINDOW):
            hole.give_up(n, n * 7 & 0xFFFF)
        self.assertLess(len(hole.receiver._given_up), WINDOW)
        hole.run(0, b"")
        hole.give_up(WINDOW, 0)
        self.assertEqual(len(hole.receiver._given_up), 0)

    @given(
        st.sampled_from(BOTH),
        st.lists(
            st.tuples(
                st.integers(0, 0xFFFF),
                st.integers(0, 0xFFFF),
                st.integers(0, 0xFFFF),
                st.binary(max_size=300),
            ),
            max_size=60,
        ),
    )
    def test_anything(
        self, mode: DeliveryMode, items: list[tuple[int, int, int, bytes]]
    ) -> None:
        """Whatever is sent, it is taken within the bounds, or refused."""
        hole = Hole(mode)
        for ahead, number, total, part in items:
            try:
                if total % 3 == 0:
                    hole.run(ahead % 300, part)
                elif total % 3 == 1:
                    hole.piece(ahead % 300, number % 4, 4, part or b"x")
                else:
                    hole.give_up(ahead % 300, number % 300)
            except RemoteProtocolError:
                return
            self.assertLessEqual(hole.receiver.held_bytes, 2 * (LIMIT + FLOW))


class HonestTests(SynchronousTestCase):
    """No honest sender is ever refused."""

    def test_full_window_behind_a_large_message(self) -> None:
        """A whole window may wait for the last byte of the largest message."""
        size = 60 * 1136 + 1
        pipe = Pipe(max_message=size, window=FLOW)
        pipe.push(bytes(size), *[bytes(1136)] * 100)
        last = None
        while packets := pipe.packets():
            for packet in packets:
                if packet.body.endswith(b"\x01\0") and len(packet.body) < 20:
                    last = packet
                    continue
                pipe.deliver(packet)
                packet.settle(is_acked=True)
        assert last is not None
        self.assertGreater(pipe.receiver.held_bytes, size + FLOW - 2000)
        pipe.deliver(last)
        last.settle(is_acked=True)
        pipe.carry()
        self.assertEqual(len(pipe.received), 101)
