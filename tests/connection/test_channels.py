# SPDX-License-Identifier: MIT
"""Tests of the reliable-ordered channel alone."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import DeliveryMode
from gamenet.connection.channels import WINDOW, ReliableReceiver, ReliableSender
from gamenet.connection.frames import legal_flags, read_frames
from gamenet.errors import CloseReason, RemoteProtocolError
from tests.connection.strategies import seeds

CHANNEL = 3
SIZE = 100
ROOM = SIZE + 5
LEGAL = legal_flags({CHANNEL: DeliveryMode.RELIABLE_ORDERED})


def pop_all(sender: ReliableSender, *, now: float = 0.0) -> list[tuple[int, bytes]]:
    """Return everything that a sender wants to send now."""
    popped = []
    while (frame := sender.pop_frame(ROOM, now=now)) is not None:
        popped.append(frame)
    return popped


def deliver(receiver: ReliableReceiver, frame: bytes) -> list[bytes]:
    """Give a frame to a receiver."""
    [(_, payload, sequence, is_last)] = read_frames(frame, 0, LEGAL)
    assert sequence is not None
    receiver.check(sequence, len(payload))
    return receiver.receive(sequence, payload, is_last=is_last)


class SenderTests(SynchronousTestCase):
    """Fragments go out once, and again when they are lost, until acknowledged."""

    def setUp(self) -> None:
        self.sender = ReliableSender(CHANNEL, SIZE)

    def sequences(self, *, now: float = 0.0) -> list[int]:
        """Return the sequences of what is sent now."""
        return [sequence for sequence, _ in pop_all(self.sender, now=now)]

    def test_fragments(self) -> None:
        """A message is cut into as few fragments as hold it; an empty one has one."""
        for size, count in ((0, 1), (1, 1), (100, 1), (101, 2), (300, 3), (301, 4)):
            sender = ReliableSender(CHANNEL, SIZE)
            sender.push(bytes(size), 1)
            frames = [frame for _, frame in pop_all(sender)]
            self.assertEqual(len(frames), count)
            read = read_frames(b"".join(frames), 0, LEGAL)
            self.assertEqual(
                b"".join(payload for _, payload, _, _ in read), bytes(size)
            )
            ends = [is_last for _, _, _, is_last in read]
            self.assertEqual(ends, [False] * (count - 1) + [True])

    def test_budget(self) -> None:
        """A frame waits for a packet with enough room, and is not overtaken."""
        self.sender.push(bytes(50), 1)
        self.sender.push(b"", 2)
        self.assertIsNone(self.sender.pop_frame(54, now=0.0))
        self.assertTrue(self.sender.has_frames)
        popped = self.sender.pop_frame(55, now=0.0)
        assert popped is not None
        self.assertEqual((popped[0], len(popped[1])), (0, 55))

    def test_resent_frame_needs_room(self) -> None:
        """A lost frame waits for room, too."""
        self.sender.push(bytes(50), 1)
        self.sequences()
        self.sender.lose(0, 0.0)
        self.assertIsNone(self.sender.pop_frame(54, now=1.0))
        self.assertEqual(self.sequences(now=1.0), [0])

    def test_window(self) -> None:
        """No more than a window is on its way; the oldest unacknowledged holds it."""
        for n in range(WINDOW + 50):
            self.sender.push(b"x", n + 1)
        self.assertEqual(self.sequences(), list(range(WINDOW)))
        self.assertFalse(self.sender.has_frames)
        self.assertEqual(self.sender.acknowledge(1), 2)
        self.assertEqual(self.sequences(), [])
        self.assertEqual(self.sender.acknowledge(0), 1)
        self.assertEqual(self.sequences(), [WINDOW, WINDOW + 1])

    def test_acknowledged_with_last_part(self) -> None:
        """A message is acknowledged when all its parts are, in whatever order."""
        self.sender.push(bytes(250), 7)
        self.sequences()
        answers = [self.sender.acknowledge(n) for n in (2, 0, 0, 9, 1, 1)]
        self.assertEqual(answers, [0, 0, 0, 0, 7, 0])
        self.assertEqual((self.sender.queued_bytes, self.sender.n_queued), (0, 0))

    def test_resends_lost(self) -> None:
        """A lost fragment goes before what waits, once per loss."""
        for n in range(3):
            self.sender.push(b"x", n + 1)
        self.sequences()
        self.sender.push(b"y", 4)
        for _ in range(2):
            self.sender.lose(1, 0.0)
        self.assertEqual(self.sequences(now=1.0), [1, 3])
        self.assertEqual(self.sender.n_resent, 1)

    def test_later_copy_counts(self) -> None:
        """The loss of a packet is no reason to resend what a later packet carries."""
        self.sender.push(b"x", 1)
        self.sequences(now=1.0)
        self.sender.lose(0, 1.0)
        self.assertEqual(self.sequences(now=2.0), [0])
        self.sender.lose(0, 1.0)
        self.assertEqual(self.sequences(now=2.0), [])
        self.sender.lose(0, 2.0)
        self.assertEqual(self.sequences(now=3.0), [0])

    def test_lost_but_acknowledged(self) -> None:
        """What is acknowledged before it was sent again is not sent again."""
        self.sender.push(b"x", 1)
        self.sequences()
        self.sender.lose(0, 0.0)
        self.assertEqual(self.sender.acknowledge(0), 1)
        self.assertFalse(self.sender.has_frames)
        self.assertEqual(self.sequences(), [])

    def test_overdue(self) -> None:
        """What met with silence is sent again, exactly at the moment that was told."""
        self.assertIsNone(self.sender.next_resend(0.2))
        for n in range(3):
            self.sender.push(b"x", n + 1)
            self.sequences(now=0.1 * n)
        for wait in (0.1, 0.2, 0.225, 0.3, 1 / 3):
            due = self.sender.next_resend(wait)
            assert due is not None
            self.assertFalse(self.sender.lose_overdue(wait, now=due - 1e-9))
            self.assertTrue(self.sender.lose_overdue(wait, now=due))
            after = self.sender.next_resend(wait)
            self.assertTrue(after is None or after > due)
            self.sequences(now=due)

    def test_queue_is_counted(self) -> None:
        """Bytes and fragments count until they are acknowledged."""
        self.sender.push(bytes(150), 1)
        self.assertEqual((self.sender.queued_bytes, self.sender.n_queued), (160, 2))
        self.sequences()
        self.assertEqual((self.sender.queued_bytes, self.sender.n_queued), (160, 2))
        self.sender.acknowledge(0)
        self.assertEqual((self.sender.queued_bytes, self.sender.n_queued), (55, 1))


class ReceiverTests(SynchronousTestCase):
    """Messages come whole and in order, or not at all."""

    def setUp(self) -> None:
        self.receiver = ReliableReceiver(1000, SIZE)

    def test_order(self) -> None:
        """What comes early waits for what is before it."""
        receive = self.receiver.receive
        self.assertEqual(receive(1, b"b", is_last=True), [])
        self.assertEqual(receive(3, b"d", is_last=True), [])
        self.assertEqual(self.receiver.held_bytes, 2)
        self.assertEqual(receive(0, b"a", is_last=True), [b"a", b"b"])
        self.assertEqual(receive(2, b"", is_last=True), [b"", b"d"])
        self.assertEqual(self.receiver.held_bytes, 0)

    def test_duplicates(self) -> None:
        """What came before is counted and dropped, whether delivered or waiting."""
        receive = self.receiver.receive
        receive(0, b"a", is_last=True)
        receive(2, b"c", is_last=True)
        for sequence in (0, 2, 0xFFFF):
            self.assertEqual(receive(sequence, b"?", is_last=True), [])
        self.assertEqual(self.receiver.n_duplicates, 3)
        self.assertEqual(receive(1, b"b", is_last=True), [b"b", b"c"])

    def test_window_edge(self) -> None:
        """The last fragment of the window is held, the one after it refused."""
        self.receiver.check(WINDOW - 1, 1)
        self.assertEqual(self.receiver.receive(WINDOW - 1, b"x", is_last=True), [])
        for sequence in (WINDOW, 0x7FFF):
            self.assertRaises(RemoteProtocolError, self.receiver.check, sequence, 1)
            self.assertRaises(
                RemoteProtocolError,
                self.receiver.receive,
                sequence,
                b"",
                is_last=True,
            )
        self.receiver.check(0x8000, 1)

    def test_fragment_size(self) -> None:
        """A fragment that no packet of ours could carry is refused."""
        self.receiver.check(0, SIZE)
        error = self.assertRaises(RemoteProtocolError, self.receiver.check, 0, SIZE + 1)
        self.assertIn("packet_size", str(error))

    def test_stream(self) -> None:
        """On a stream nothing overtakes: a gap is refused, and nothing is held."""
        receiver = ReliableReceiver(1000, SIZE, window=1)
        self.assertEqual(receiver.receive(0, b"a", is_last=True), [b"a"])
        self.assertRaises(RemoteProtocolError, receiver.receive, 2, b"c", is_last=True)
        self.assertEqual(receiver.held_bytes, 0)

    def test_message_limit(self) -> None:
        """A message of the limit is taken; one byte more ends the connection."""
        for sequence in range(9):
            self.receiver.receive(sequence, bytes(100), is_last=False)
        whole = self.receiver.receive(9, bytes(100), is_last=True)
        self.assertEqual(whole, [bytes(1000)])
        for sequence in range(10, 20):
            self.receiver.receive(sequence, bytes(100), is_last=False)
        error = self.assertRaises(
            RemoteProtocolError, self.receiver.receive, 20, b"x", is_last=True
        )
        self.assertIs(error.reason, CloseReason.MESSAGE_TOO_LARGE)

    def test_endless_message_of_nothing(self) -> None:
        """Empty fragments without end are a message too large at last."""
        with self.assertRaises(RemoteProtocolError):
            for n in range(70000):
                self.receiver.receive(n & 0xFFFF, b"", is_last=False)
        self.assertGreater(n, 65000)

    @given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=SIZE))))
    def test_hostile(self, fragments: list[tuple[int, bytes]]) -> None:
        """Whatever fragments come, little is held and only our error is raised."""
        receiver = ReliableReceiver(1000, SIZE)
        for sequence, payload in fragments:
            try:
                receiver.check(sequence, len(payload))
                receiver.receive(sequence, payload, is_last=sequence % 7 == 0)
            except RemoteProtocolError:
                pass
            self.assertLessEqual(receiver.held_bytes, WINDOW * SIZE + 1100)


class TogetherTests(SynchronousTestCase):
    """A sender and a receiver, with the frames and acks between them lost at will."""

    @given(st.lists(st.integers(0, 350), max_size=30), st.floats(0, 0.6), seeds)
    def test_exactly_once(self, sizes: list[int], loss: float, seed: int) -> None:
        """Every message comes once, in order, unchanged."""
        random = Random(seed)
        sender, receiver = ReliableSender(CHANNEL, SIZE), ReliableReceiver(400, SIZE)
        sent = [random.randbytes(size) for size in sizes]
        for number, message in enumerate(sent):
            sender.push(message, number + 1)
        received, acked = [], []
        for now in range(1000):
            frames = pop_all(sender, now=now)
            random.shuffle(frames)
            for sequence, frame in frames:
                for _ in range(random.choice((1, 1, 2))):
                    if random.random() >= loss:
                        received += deliver(receiver, frame)
                        if random.random() >= loss:
                            acked.append(sender.acknowledge(sequence))
            sender.lose_overdue(1.0, now=now + 1)
            if not sender.n_queued:
                break
        self.assertEqual(received, sent)
        numbers = sorted(n for n in acked if n)
        self.assertEqual(numbers, list(range(1, len(sent) + 1)))

    def test_wrap(self) -> None:
        """Seventy thousand messages pass the wrap of the sequence."""
        sender, receiver = ReliableSender(CHANNEL, SIZE), ReliableReceiver(400, SIZE)
        received = 0
        for n in range(0, 70000, 100):
            for i in range(n, n + 100):
                sender.push(b"%d" % i, i + 1)
            for sequence, frame in reversed(pop_all(sender)):
                for message in deliver(receiver, frame):
                    self.assertEqual(message, b"%d" % received)
                    received += 1
                sender.acknowledge(sequence)
        self.assertEqual((received, sender.n_queued), (70000, 0))
