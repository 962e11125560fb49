# SPDX-License-Identifier: MIT
"""Tests of the way from frames to messages."""

from __future__ import annotations

from collections import deque

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Channel,
    ConnectionConfig,
    DeliveryMode,
    Event,
    MessageReceived,
)
from gamenet.connection.compression import Compression
from gamenet.connection.frames import MESSAGE, OWN_CHANNEL, PIECE, RUN, Frame, Piece
from gamenet.connection.frames import SEQUENCED as SEQUENCED_FORM
from gamenet.connection.inbox import Inbox
from gamenet.connection.outbox import Outbox
from gamenet.errors import CloseReason, RemoteProtocolError
from tests.connection.network import (
    LATEST,
    ORDERED,
    RECEIPTS,
    SEQUENCED,
    SIX,
    UNORDERED,
    UNRELIABLE,
)


class InboxTests(SynchronousTestCase):
    """Each frame goes to its channel's receiver; what comes out is reported."""

    def setUp(self) -> None:
        self.make(*SIX)

    def make(self, *channels: Channel, **settings: int) -> None:
        """Begin with some channels."""
        config = ConnectionConfig(channels=channels, **settings)
        self.events: deque[Event] = deque()
        self.outbox = Outbox(config, deque())
        self.inbox = Inbox(config, self.outbox, self.events)

    def take(self, *frames: Frame) -> list[tuple[int, bytes]]:
        """Take the frames of a packet; return what was reported."""
        for frame in frames:
            self.inbox.check(frame)
        for frame in frames:
            self.inbox.take(frame)
        found = [(e.channel, e.payload) for e in self.events]  # type: ignore[union-attr]
        self.events.clear()
        return found

    def test_every_mode(self) -> None:
        """A message of each mode comes out as it should, the second time, too."""
        frames: list[Frame] = [
            (UNRELIABLE, MESSAGE, 0, b"a"),
            (SEQUENCED, SEQUENCED_FORM, 9, b"b"),
            (RECEIPTS, MESSAGE, 0, b"c"),
            (UNORDERED, RUN, 0, [b"d", b"e"]),
            (ORDERED, RUN, 0, [b"f"]),
            (ORDERED, PIECE, 1, Piece(0, 2, b"g")),
            (ORDERED, PIECE, 2, Piece(1, 2, b"h")),
            (LATEST, SEQUENCED_FORM, 5, b"i"),
        ]
        self.assertEqual(
            self.take(*frames),
            [
                (UNRELIABLE, b"a"),
                (SEQUENCED, b"b"),
                (RECEIPTS, b"c"),
                (UNORDERED, b"d"),
                (UNORDERED, b"e"),
                (ORDERED, b"f"),
                (ORDERED, b"gh"),
                (LATEST, b"i"),
            ],
        )
        # Packets are told apart before: only what several carry is told apart here.
        again = self.take(*frames)
        self.assertEqual(again, [(UNRELIABLE, b"a"), (RECEIPTS, b"c")])
        counts = {n: lane.counts.duplicates for n, lane in self.outbox.lanes.items()}
        self.assertEqual(counts[UNORDERED] + counts[ORDERED], 5)

    def test_counts(self) -> None:
        """Messages and bytes are counted by channel."""
        self.take((ORDERED, RUN, 0, [b"one", b"three"]), (UNRELIABLE, MESSAGE, 0, b""))
        counts = self.outbox.lanes[ORDERED].counts
        self.assertEqual((counts.received, counts.bytes_received), (2, 8))
        self.assertEqual(self.outbox.lanes[UNRELIABLE].counts.received, 1)

    def test_own_channel(self) -> None:
        """What connections say among themselves is not reported."""
        self.assertEqual(self.take((OWN_CHANNEL, RUN, 0, [b"ticket"])), [])
        self.assertEqual(list(self.inbox.own), [b"ticket"])

    def test_checks_first(self) -> None:
        """Of a packet with a sequence out of reach nothing is taken."""
        self.assertRaises(
            RemoteProtocolError,
            self.take,
            (ORDERED, RUN, 0, [b"good"]),
            (UNORDERED, RUN, 20_000, [b"bad"]),
        )
        self.assertFalse(self.events)
        self.assertEqual(self.take((ORDERED, RUN, 0, [b"good"])), [(ORDERED, b"good")])

    def test_held_bytes(self) -> None:
        """What waits on all channels is known."""
        self.take((ORDERED, RUN, 1, [bytes(10)]), (OWN_CHANNEL, RUN, 5, [bytes(7)]))
        self.assertEqual(self.inbox.held_bytes, 17)

    def test_compressed(self) -> None:
        """On a channel with compression messages are unpacked."""
        self.make(Channel(0, DeliveryMode.RELIABLE_ORDERED, compression=True))
        packed = Compression(5000).pack(bytes(5000))
        self.assertEqual(self.take((0, RUN, 0, [packed])), [(0, bytes(5000))])
        error = self.assertRaises(
            RemoteProtocolError, self.take, (0, RUN, 1, [b"\2what"])
        )
        self.assertIs(error.reason, CloseReason.MALFORMED)

    def test_bomb(self) -> None:
        """A message that inflates above its channel's limit ends the connection."""
        self.make(
            Channel(0, DeliveryMode.UNRELIABLE, compression=True, max_message=1000)
        )
        for size in (1001, 100_000):
            packed = Compression(1 << 20).pack(bytes(size))
            error = self.assertRaises(
                RemoteProtocolError, self.take, (0, MESSAGE, 0, packed)
            )
            self.assertIs(error.reason, CloseReason.MESSAGE_TOO_LARGE)

    def test_limit_below_a_packet(self) -> None:
        """A channel's limit holds also where it is below what a packet brings."""
        for mode, form in (
            (DeliveryMode.UNRELIABLE, MESSAGE),
            (DeliveryMode.RELIABLE_SEQUENCED, SEQUENCED_FORM),
            (DeliveryMode.RELIABLE_ORDERED, RUN),
            (DeliveryMode.RELIABLE_UNORDERED, RUN),
        ):
            for compression in (False, True):
                self.make(Channel(0, mode, max_message=10, compression=compression))
                pack = Compression(100).pack if compression else bytes
                for size in (10, 11):
                    payload = pack(bytes(size))
                    content = [payload] if form == RUN else payload
                    frame = (0, form, size, content)
                    if form == RUN:
                        frame = (0, form, size - 10, content)
                    if size == 10:
                        self.assertEqual(self.take(frame), [(0, bytes(10))])
                        continue
                    error = self.assertRaises(RemoteProtocolError, self.take, frame)
                    self.assertIs(error.reason, CloseReason.MESSAGE_TOO_LARGE)

    def test_events_are_messages(self) -> None:
        """What is reported is an event with channel and payload."""
        self.inbox.take((UNRELIABLE, MESSAGE, 0, b"a"))
        self.assertEqual(list(self.events), [MessageReceived(UNRELIABLE, b"a")])
