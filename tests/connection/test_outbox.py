# SPDX-License-Identifier: MIT
"""Tests of the choice between lanes: priorities, weights, budgets and bounds."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Channel,
    ConnectionConfig,
    DeliveryMode,
    Event,
    MessageAcked,
    MessageLost,
)
from gamenet.connection.frames import Piece, legal_heads, read_frames
from gamenet.connection.lanes import Parcel
from gamenet.connection.outbox import OWN, Outbox
from gamenet.errors import LocalProtocolError
from tests.connection.network import (
    LATEST,
    ORDERED,
    RECEIPTS,
    SEQUENCED,
    SIX,
    UNORDERED,
    UNRELIABLE,
)
from tests.connection.pipes import Packet, ids

ROOM = 1159
MODE = DeliveryMode.RELIABLE_ORDERED


class Box:
    """An outbox, and the packets that were made of it."""

    def __init__(self, *channels: Channel, **settings_: float) -> None:
        self.events: deque[Event] = deque()
        self.config = ConnectionConfig(channels=channels or SIX, **settings_)
        self.outbox = Outbox(self.config, self.events)
        self._n_pushed = 0
        self._legal = legal_heads(self.config)

    def push(self, channel: int, *payloads: bytes, now: float = 0.0) -> list[int]:
        """Queue messages; return their ids."""
        begin = self._n_pushed + 1
        for payload in payloads:
            self._n_pushed += 1
            self.outbox.push(channel, payload, self._n_pushed, now)
        return list(range(begin, self._n_pushed + 1))

    def packet(self, *, rides: bool = False, room: int = ROOM) -> Packet:
        """Return the next packet."""
        parcel = Parcel(room)
        self.outbox.fill(parcel, 0.0)
        if rides:
            self.outbox.ride(parcel)
        assert parcel.room >= 0
        return Packet(parcel)

    def shares(self, packet: Packet) -> Counter[int]:
        """Return how many bytes of messages each channel has in a packet."""
        shares: Counter[int] = Counter()
        for channel, _, _, content in read_frames(packet.body, 0, self._legal):
            if isinstance(content, Piece):
                shares[channel] += len(content.payload)
            elif isinstance(content, list):
                shares[channel] += sum(map(len, content))
            else:
                shares[channel] += len(content)
        return shares


class PushTests(SynchronousTestCase):
    """What cannot be sent is refused, with what can be."""

    def test_unknown_channel(self) -> None:
        """A channel that is not configured is refused, with those that are."""
        error = self.assertRaises(LocalProtocolError, Box().push, 7, b"")
        self.assertIn("channel 7 is not configured: use one of [0, 1, 2", str(error))

    def test_too_large(self) -> None:
        """A message that its channel cannot carry is refused, with the limit."""
        box = Box(max_message=3000)
        for channel, limit in ((UNRELIABLE, 1136), (LATEST, 1136), (ORDERED, 3000)):
            self.assertEqual(box.outbox.limit_of(channel), limit)
            box.push(channel, bytes(limit))
            error = self.assertRaises(
                LocalProtocolError, box.push, channel, bytes(limit + 1)
            )
            self.assertIn(
                f"{limit + 1} bytes on channel {channel}: the limit is {limit}",
                str(error),
            )

    def test_limit_of_a_channel(self) -> None:
        """A channel's own limit holds, where it is below what a packet takes, too."""
        box = Box(
            Channel(0, DeliveryMode.UNRELIABLE, max_message=10),
            Channel(1, MODE, max_message=100_000),
        )
        self.assertEqual([box.outbox.limit_of(n) for n in (0, 1)], [10, 100_000])

    def test_compressed(self) -> None:
        """With compression what travels is smaller; the limit is the message's."""
        box = Box(
            Channel(0, DeliveryMode.UNRELIABLE, compression=True),
            Channel(1, MODE, compression=True),
        )
        self.assertEqual(box.outbox.limit_of(0), 1135)
        box.push(0, bytes(1135))
        box.push(1, bytes(20_000))
        self.assertLess(len(box.packet().body), 100)

    def test_overfull(self) -> None:
        """The queue is full by its bytes or, for tiny messages, by their number."""
        box = Box(max_queue=2000)
        box.push(ORDERED, bytes(1990))
        self.assertFalse(box.outbox.is_overfull)
        box.push(ORDERED, bytes(20))
        self.assertTrue(box.outbox.is_overfull)
        box = Box(max_queue=6400)
        box.push(UNORDERED, *[b""] * 100)
        self.assertFalse(box.outbox.is_overfull)
        box.push(UNORDERED, b"")
        self.assertTrue(box.outbox.is_overfull)

    def test_not_overfull_by_what_went(self) -> None:
        """What was acknowledged, replaced or thrown away does not fill the queue."""
        box = Box(max_queue=4000)
        for n in range(2000):
            box.push(ORDERED, b"%d" % n)
            box.push(LATEST, bytes(100))
            box.push(UNRELIABLE, bytes(100))
            box.packet().settle(is_acked=True)
            self.assertFalse(box.outbox.is_overfull)
        self.assertEqual(box.outbox.queued_bytes, 0)


class PriorityTests(SynchronousTestCase):
    """Lanes of a higher priority are emptied first, strictly."""

    @settings(max_examples=40)
    @given(
        st.lists(st.integers(-2, 2), min_size=2, max_size=6),
        st.lists(
            st.tuples(st.integers(0, 5), st.integers(1, 600)), min_size=1, max_size=60
        ),
    )
    def test_strict(self, priorities: list[int], plan: list[tuple[int, int]]) -> None:
        """What has a lower priority gets only the room that the others cannot use."""
        channels = [Channel(n, MODE, priority=p) for n, p in enumerate(priorities)]
        box = Box(*channels)
        left: Counter[int] = Counter()
        for number, size in plan:
            channel = number % len(channels)
            box.push(channel, bytes(size))
            left[channel] += size
        while box.outbox.has_frames:
            shares = box.shares(box.packet())
            for channel in shares:
                for other in channels:
                    if other.priority > channels[channel].priority:
                        # It has nothing left, or what is next of it did not fit.
                        remaining = left[other.id] - shares[other.id]
                        fits = sum(shares.values()) < ROOM - 700
                        self.assertFalse(remaining and fits)
            left -= shares
        self.assertEqual(left.total(), 0)

    def test_bulk_does_not_delay(self) -> None:
        """A megabyte on its way never delays what has a higher priority."""
        box = Box(
            Channel(0, MODE, "bulk", max_message=1 << 20),
            Channel(1, MODE, "urgent", priority=1),
            Channel(2, DeliveryMode.UNRELIABLE, "state", priority=1),
            max_queue=1 << 22,
        )
        box.push(0, bytes(1_000_000))
        for n in range(1000):
            urgent, state = b"urgent %d" % n, b"state %d" % n
            box.push(1, urgent)
            box.push(2, state)
            packet = box.packet()
            self.assertIn(urgent, packet.body)
            self.assertIn(state, packet.body)
            packet.settle(is_acked=True)
            box.packet().settle(is_acked=True)
        self.assertEqual(box.outbox.queued_bytes, 0)

    def test_own_channel_first(self) -> None:
        """What connections say among themselves goes before what games say."""
        box = Box(Channel(0, MODE, priority=1000))
        box.push(0, bytes(1000))
        box.push(OWN.id, bytes(1000))
        self.assertEqual(list(box.shares(box.packet())), [OWN.id])


class WeightTests(SynchronousTestCase):
    """Lanes of one priority share the bytes by their weights."""

    def shares(self, box: Box, n_packets: int) -> Counter[int]:
        """Return what each channel has had after some packets."""
        shares: Counter[int] = Counter()
        for _ in range(n_packets):
            packet = box.packet()
            shares += box.shares(packet)
            packet.settle(is_acked=True)
        return shares

    def assert_near(self, share: float, fair: float) -> None:
        """Check that a share is fair within a tenth."""
        self.assertLess(abs(share - fair), 0.1 * fair)

    @settings(max_examples=15)
    @given(
        st.lists(
            st.tuples(st.integers(1, 5), st.sampled_from([60, 1100, 20_000])),
            min_size=2,
            max_size=4,
        )
    )
    def test_within_a_tenth(self, lanes: list[tuple[int, int]]) -> None:
        """Each gets its share within a tenth, whatever the sizes of its messages."""
        box = Box(
            *[Channel(n, MODE, weight=w) for n, (w, _) in enumerate(lanes)],
            max_queue=1 << 30,
        )
        shares: Counter[int] = Counter()
        for _ in range(40):
            for channel, (_, size) in enumerate(lanes):
                waiting = box.outbox.lanes[channel].queued_bytes
                lacking = max(0, 40_000 - waiting)
                box.push(channel, *[bytes(size)] * (lacking // size))
            shares += self.shares(box, 10)
        total, weights = shares.total(), sum(weight for weight, _ in lanes)
        for channel, (weight, _) in enumerate(lanes):
            self.assert_near(shares[channel] / total, weight / weights)

    def test_unreliable_shares_too(self) -> None:
        """The mode does not matter for the share."""
        box = Box(
            Channel(0, MODE, weight=3),
            Channel(1, DeliveryMode.UNRELIABLE, weight=1),
        )
        shares: Counter[int] = Counter()
        box.push(0, *[bytes(1000)] * 500)
        for _ in range(400):
            box.push(1, bytes(1000))
            shares += self.shares(box, 1)
        self.assert_near(shares[0] / shares[1], 3.0)

    def test_idle_lanes_save_nothing(self) -> None:
        """Who was silent for a megabyte gets its share from now on, and no more."""
        box = Box(
            Channel(0, MODE), Channel(1, MODE), Channel(2, MODE), max_queue=1 << 30
        )
        box.push(0, *[bytes(1000)] * 3000)
        self.shares(box, 1000)
        box.push(1, *[bytes(1000)] * 2000)
        shares = self.shares(box, 200)
        self.assert_near(shares[0] / shares[1], 1.0)
        box.push(2, *[bytes(1000)] * 2000)
        shares = self.shares(box, 300)
        for channel in range(3):
            self.assert_near(shares[channel] / shares.total(), 1 / 3)

    def test_who_was_busy_loses_nothing(self) -> None:
        """Who has had much while others were silent is not made to wait for it."""
        box = Box(Channel(0, MODE), Channel(1, MODE), max_queue=1 << 30)
        box.push(0, *[bytes(1000)] * 500)
        self.shares(box, 500)
        box.push(1, *[bytes(1000)] * 500)
        self.shares(box, 100)
        box.push(0, *[bytes(1000)] * 500)
        shares = self.shares(box, 100)
        self.assert_near(shares[0] / shares[1], 1.0)


class RideTests(SynchronousTestCase):
    """Repetitions of all lanes share one budget."""

    def test_budget(self) -> None:
        """All lanes together repeat no more bytes than the packet has for it."""
        box = Box(ride_along=200)
        for channel in (ORDERED, UNORDERED, LATEST):
            box.push(channel, bytes(90))
        box.packet()
        self.assertTrue(90 < len(box.packet(rides=True).body) <= 200)

    def test_room(self) -> None:
        """Repetitions never make a packet larger than it may be."""
        box = Box()
        for n in range(12):
            box.push(ORDERED, bytes(90))
            box.packet()
            box.push(UNRELIABLE, bytes(95 * n))
            self.assertLessEqual(len(box.packet(rides=True).body), ROOM)

    def test_unreliable_never(self) -> None:
        """What is unreliable is never repeated."""
        box = Box()
        for channel in (UNRELIABLE, SEQUENCED, RECEIPTS):
            box.push(channel, b"once")
        self.assertEqual(box.packet(rides=True).body.count(b"once"), 3)
        self.assertEqual(box.packet(rides=True).body, b"")


class RestTests(SynchronousTestCase):
    """Throwing away, giving up, and beginning on another link."""

    def test_drop_unreliable(self) -> None:
        """Unreliable messages can be thrown away unsent, reliable ones cannot."""
        box = Box()
        [number] = box.push(RECEIPTS, b"a")
        box.push(UNRELIABLE, b"b", b"c")
        box.push(SEQUENCED, b"d")
        box.push(ORDERED, b"e")
        self.assertEqual(box.outbox.drop_unreliable(), 4)
        self.assertEqual(ids(box.events, MessageLost), [number])
        self.assertEqual(list(box.shares(box.packet())), [ORDERED])

    def test_cancel(self) -> None:
        """A reliable message is found on whichever channel it waits."""
        box = Box()
        numbers = [*box.push(ORDERED, bytes(5000)), *box.push(UNORDERED, bytes(5000))]
        other = [*box.push(LATEST, b"x"), *box.push(RECEIPTS, b"x"), 999]
        self.assertEqual([box.outbox.cancel(n) for n in numbers], [True, True])
        self.assertEqual([box.outbox.cancel(n) for n in other], [False] * 3)

    def test_rewind(self) -> None:
        """On another link the reliable goes again; of the unreliable each is lost."""
        box = Box()
        for channel in range(6):
            box.push(channel, b"%d" % channel)
        box.packet()
        self.assertFalse(box.outbox.has_frames)
        box.outbox.rewind()
        self.assertEqual(ids(box.events, MessageLost), [RECEIPTS + 1])
        packet = box.packet()
        self.assertEqual(set(box.shares(packet)), {UNORDERED, ORDERED, LATEST})
        packet.settle(is_acked=True)
        acked = {UNORDERED + 1, ORDERED + 1, LATEST + 1}
        self.assertEqual(set(ids(box.events, MessageAcked)), acked)

    def test_wakes(self) -> None:
        """What is lost wakes a lane that had nothing to send."""
        box = Box()
        box.push(ORDERED, b"x")
        packet = box.packet()
        self.assertFalse(box.outbox.has_frames)
        packet.settle(is_acked=False)
        box.outbox.wake()
        self.assertTrue(box.outbox.has_frames)
