# SPDX-License-Identifier: MIT
"""The way out of one channel, for the modes whose messages fit a packet.

A lane keeps what waits and hands out frames. What it put into a packet it writes into
that packet's record, as entries that are told later whether the packet was delivered:

    push(payload, id, now) -> lane -> fill(parcel, now) -> packet -> settle(entry, True)

`reliable` has the lanes that resend, `outbox` chooses between lanes.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from gamenet.connection.config import Channel, DeliveryMode
from gamenet.connection.events import Event, MessageAcked, MessageLost
from gamenet.connection.frames import MESSAGE, SEQUENCED, SEQUENCED_HEAD, sized
from gamenet.ids import MessageId

__all__ = ["Lane", "LaneCounts", "LatestLane", "Parcel", "UnreliableLane"]

MAX_UNRELIABLE_WAITING = 256
_QUEUE_WEIGHT = 8
NOTHING: deque[tuple[bytes, int, float]] = deque(maxlen=0)
"""The queue of every lane that has had nothing to queue; it is never appended to."""


class Parcel:
    """One packet while it is filled.

    Args:
        room: bytes for frames.
    """

    __slots__ = ("frames", "record", "room")

    def __init__(self, room: int) -> None:
        self.frames: list[bytes] = []
        """Frames, and pieces of frames, in order."""
        self.record: list[tuple[Lane, int, int]] = []
        """What is in it: lane, sequence or id, count."""
        self.room = room
        """Bytes that are left."""


class LaneCounts:
    """What went through one channel."""

    __slots__ = (
        "bytes_received",
        "bytes_sent",
        "delivered",
        "discarded",
        "duplicates",
        "queue_time",
        "received",
        "repeated",
        "resent",
        "sent",
    )

    def __init__(self) -> None:
        self.sent = self.received = self.duplicates = 0
        self.resent = self.repeated = 0
        self.bytes_sent = self.bytes_received = self.delivered = self.discarded = 0
        self.queue_time = 0.0

    def waited(self, seconds: float) -> None:
        """Smooth how long messages wait before they leave."""
        self.queue_time += (seconds - self.queue_time) / _QUEUE_WEIGHT


class Lane(Protocol):
    """What the outbox asks of a lane."""

    channel: Channel
    counts: LaneCounts
    virtual: float
    """Bytes served, divided by the weight: the fair queue's clock."""
    resends: bool
    """Whether what is lost goes out again."""

    @property
    def queued_bytes(self) -> int:
        """Return the bytes that wait to be sent or acknowledged."""

    @property
    def has_frames(self) -> bool:
        """Return whether something may go out now."""

    def push(self, payload: bytes, message_id: int, now: float) -> None:
        """Queue a message."""

    def fill(self, parcel: Parcel, now: float) -> None:
        """Put as many frames into a parcel as fit."""

    @property
    def has_riders(self) -> bool:
        """Return whether something not acknowledged wants to be repeated."""

    def ride(self, parcel: Parcel, allowance: int) -> int:
        """Repeat what is not acknowledged; return what is left of the allowance."""

    def settle(self, first: int, count: int, *, is_acked: bool) -> None:
        """Take the fate of what was put into a packet."""

    def rewind(self) -> None:
        """Begin on a new link: what is unacknowledged goes out again."""


class UnreliableLane:
    """Messages that are sent once: unreliable, sequenced or with receipts."""

    resends = False

    __slots__ = (
        "_events",
        "_has_receipts",
        "_head",
        "_is_sequenced",
        "_next",
        "_unanswered",
        "_waiting",
        "channel",
        "counts",
        "virtual",
    )

    def __init__(self, channel: Channel, events: deque[Event]) -> None:
        self.channel = channel
        self.counts = LaneCounts()
        self.virtual = 0.0
        self._events = events
        self._waiting: deque[tuple[bytes, int, float]] = NOTHING
        self._next = 0
        self._is_sequenced = channel.mode is DeliveryMode.UNRELIABLE_SEQUENCED
        self._has_receipts = channel.mode is DeliveryMode.UNRELIABLE_RECEIPTS
        # Messages with receipts that have left, of which nothing is known yet.
        self._unanswered: dict[int, None] = {}
        self._head = bytes((channel.id | MESSAGE << 5,))
        if self._is_sequenced:
            self._head = SEQUENCED_HEAD.pack(channel.id | SEQUENCED << 5, 0)

    @property
    def queued_bytes(self) -> int:
        """Return 0: what is unreliable is dropped before it piles up."""
        return 0

    @property
    def has_frames(self) -> bool:
        """Return whether something waits."""
        return bool(self._waiting)

    def push(self, payload: bytes, message_id: int, now: float) -> None:
        """Queue a message; the oldest of too many is dropped."""
        if self._waiting is NOTHING:
            self._waiting = deque()
        elif len(self._waiting) >= MAX_UNRELIABLE_WAITING:
            self._discard()
        self._waiting.append((self._head + sized(payload), message_id, now))

    def fill(self, parcel: Parcel, now: float) -> None:
        """Put as many messages into a parcel as fit."""
        waiting = self._waiting
        while waiting:
            frame, message_id, since = waiting[0]
            if len(frame) > parcel.room:
                return
            waiting.popleft()
            if self._is_sequenced:
                frame = self._numbered(frame)
            parcel.frames.append(frame)
            parcel.room -= len(frame)
            self.counts.sent += 1
            self.counts.bytes_sent += len(frame)
            self.counts.waited(now - since)
            if self._has_receipts:
                parcel.record.append((self, message_id, 1))
                self._unanswered[message_id] = None

    def _numbered(self, frame: bytes) -> bytes:
        """Return a frame with the next number.

        What never leaves takes none: a receiver that missed half of the circle would
        take all that follows for old.
        """
        number, self._next = self._next, (self._next + 1) & 0xFFFF
        return _numbered(self.channel, number, frame)

    @property
    def has_riders(self) -> bool:
        """Return False: what is unreliable is not repeated."""
        return False

    def ride(self, parcel: Parcel, allowance: int) -> int:
        """Repeat nothing."""
        return allowance

    def settle(self, first: int, count: int, *, is_acked: bool) -> None:
        """Report a receipt."""
        del self._unanswered[first]
        if is_acked:
            self.counts.delivered += 1
            self._events.append(MessageAcked(MessageId(first)))
        else:
            self._events.append(MessageLost(MessageId(first)))

    def rewind(self) -> None:
        """Drop what waits, which is stale; nothing will be heard of what has left."""
        for message_id in self._unanswered:
            self._events.append(MessageLost(MessageId(message_id)))
        self._unanswered.clear()
        self.drop()

    def drop(self) -> int:
        """Throw away what waits; return how many messages that were."""
        n_dropped = len(self._waiting)
        while self._waiting:
            self._discard()
        return n_dropped

    def _discard(self) -> None:
        _, message_id, _ = self._waiting.popleft()
        self.counts.discarded += 1
        if self._has_receipts:
            self._events.append(MessageLost(MessageId(message_id)))


def _numbered(channel: Channel, number: int, frame: bytes) -> bytes:
    """Return a sequenced frame with another number."""
    head = SEQUENCED_HEAD.pack(channel.id | SEQUENCED << 5, number)
    return head + frame[SEQUENCED_HEAD.size :]


class LatestLane:
    """The latest value, repeated until it is acknowledged (reliable-sequenced).

    A value that is replaced is forgotten at once: nobody needs it any more.

    Args:
        channel: the lane's channel.
        events: where receipts are reported.
        redundancy: packets in which a value is repeated before its loss is known.
    """

    resends = True

    __slots__ = (
        "_copies",
        "_events",
        "_frame",
        "_has_left",
        "_is_due",
        "_message_id",
        "_redundancy",
        "_rides",
        "_sequence",
        "_since",
        "channel",
        "counts",
        "virtual",
    )

    def __init__(self, channel: Channel, events: deque[Event], redundancy: int) -> None:
        self.channel = channel
        self.counts = LaneCounts()
        self.virtual = 0.0
        self._events = events
        self._redundancy = redundancy
        self._sequence = 0xFFFF
        self._frame = b""
        self._message_id = 0
        self._since = 0.0
        self._is_due = False
        # Whether the value has left, with `_sequence`: it gets its number then.
        self._has_left = False
        self._rides = 0
        self._copies = 0

    @property
    def queued_bytes(self) -> int:
        """Return the bytes of the value that is not acknowledged."""
        return len(self._frame)

    @property
    def has_frames(self) -> bool:
        """Return whether the value is to be sent."""
        return self._is_due

    def push(self, payload: bytes, message_id: int, now: float) -> None:
        """Replace the value."""
        if self._frame:
            self.counts.discarded += 1
        self._frame = bytes(SEQUENCED_HEAD.size) + sized(payload)
        self._has_left = False
        self._message_id = message_id
        self._since = now
        self._is_due = True
        self._copies = 0

    def fill(self, parcel: Parcel, now: float) -> None:
        """Put the value into a parcel, if it is due and fits."""
        if not self._is_due or len(self._frame) > parcel.room:
            return
        if self._has_left:
            self.counts.resent += 1
        else:
            self._number()
            self.counts.sent += 1
            self.counts.waited(now - self._since)
        self._is_due = False
        self._rides = self._redundancy
        self._put(parcel)

    def _number(self) -> None:
        """Give the value the next number, as it leaves for the first time."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._frame = _numbered(self.channel, self._sequence, self._frame)
        self._has_left = True

    @property
    def has_riders(self) -> bool:
        """Return whether the value is not acknowledged, and may be repeated."""
        return bool(self._frame) and bool(self._rides) and not self._is_due

    def ride(self, parcel: Parcel, allowance: int) -> int:
        """Repeat the value while it is not acknowledged."""
        size = len(self._frame)
        if not size or self._is_due or not self._rides:
            return allowance
        if (
            size > allowance
            or size > parcel.room
            or any(lane is self for lane, _, _ in parcel.record)
        ):
            return allowance
        self._rides -= 1
        self.counts.repeated += 1
        self._put(parcel)
        return allowance - size

    def _put(self, parcel: Parcel) -> None:
        self._copies += 1
        parcel.frames.append(self._frame)
        parcel.room -= len(self._frame)
        parcel.record.append((self, self._sequence, 1))
        self.counts.bytes_sent += len(self._frame)

    def settle(self, first: int, count: int, *, is_acked: bool) -> None:
        """Forget the value if it was delivered; send it again if no copy was."""
        if first != self._sequence or not self._frame or not self._has_left:
            return
        if not is_acked:
            self._copies -= 1
            self._is_due = self._is_due or self._copies <= 0
            return
        self._frame = b""
        self._is_due = False
        self.counts.delivered += 1
        if self.channel.receipts:
            self._events.append(MessageAcked(MessageId(self._message_id)))

    def rewind(self) -> None:
        """Send the value again on the new link."""
        self._copies = 0
        self._is_due = bool(self._frame)
