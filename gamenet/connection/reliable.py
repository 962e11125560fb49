# SPDX-License-Identifier: MIT
"""The way out of a reliable channel: every message, again until it is acknowledged.

Messages get 16-bit sequences as they leave. Small ones leave in runs; each rides along
in the next few packets until it is acknowledged, so that a lost packet costs one tick
and not a round trip. A large one leaves in pieces, with consecutive sequences. On an
unordered channel large messages wait behind small ones, on an ordered one in line; what
must not wait for a large message that is on its way has a channel of its own.

What is lost, when its last copy is, goes out again before anything new. The lane stops
when the oldest unacknowledged sequence is too far behind: so the receiver's memory is
bounded, and 16 bits suffice.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

from gamenet.connection.config import Channel, DeliveryMode
from gamenet.connection.events import Event, MessageAcked, TransferProgress
from gamenet.connection.frames import (
    CANCELLED,
    CANCELLED_HEAD,
    PIECE,
    PIECE_HEAD,
    RUN,
    RUN_HEAD,
    SIZES,
    sized,
)
from gamenet.connection.lanes import NOTHING, LaneCounts, Parcel
from gamenet.ids import MessageId

__all__ = ["PIECE_OVERHEAD", "PIECE_WINDOW", "WINDOW", "ReliableLane"]

WINDOW = 16384
"""Messages that may be on their way at once, lost ones included."""
PIECE_WINDOW = 400
"""Sequences between the oldest unacknowledged one and a new piece."""
PIECE_OVERHEAD = PIECE_HEAD.size + 2
_MAX_RUN = 255
_MAX_RIDING = 64
_LEAST_RIDE = 16  # bytes of room below which nothing rides
_PROGRESS_STEPS = 100


class _Transfer:
    """A large message on its way."""

    __slots__ = ("acked", "count", "first", "id", "next", "payload", "reported", "size")

    def __init__(self, payload: bytes, message_id: int, size: int) -> None:
        self.payload = payload
        self.id = message_id
        self.size = size
        self.count = -(-len(payload) // size)
        self.next = 0
        self.acked = 0
        self.reported = 0

    def piece(self, index: int) -> bytes:
        """Return the bytes of a piece."""
        return self.payload[index * self.size : (index + 1) * self.size]


class _Piece:
    """A frame of a transfer that is not acknowledged."""

    __slots__ = ("frame", "size", "transfer")

    def __init__(self, frame: bytes, size: int, transfer: _Transfer) -> None:
        self.frame = frame
        self.size = size
        self.transfer = transfer


class ReliableLane:
    """Messages of a reliable-ordered or reliable-unordered channel.

    Args:
        channel: the lane's channel.
        events: where receipts and progress are reported.
        largest: bytes of the largest message that leaves whole, and of a piece.
        redundancy: packets in which a small message rides again.
        window: bytes that may be unacknowledged.
    """

    resends = True

    __slots__ = (
        "_bulk",
        "_copies",
        "_events",
        "_ids",
        "_in_flight",
        "_in_flight_bytes",
        "_is_unordered",
        "_largest",
        "_lost",
        "_marks",
        "_next",
        "_redundancy",
        "_riding",
        "_sent_bytes",
        "_transfer",
        "_unsent_bytes",
        "_waiting",
        "_window",
        "channel",
        "counts",
        "virtual",
    )

    def __init__(
        self,
        channel: Channel,
        events: deque[Event],
        largest: int,
        redundancy: int,
        window: int,
    ) -> None:
        self.channel = channel
        self.counts = LaneCounts()
        self.virtual = 0.0
        self._events = events
        self._largest = largest
        self._redundancy = redundancy
        self._window = window
        self._next = 0
        self._waiting: deque[tuple[bytes, int, float]] = NOTHING
        # On an unordered channel the large ones stand in a queue of their own.
        self._is_unordered = channel.mode is DeliveryMode.RELIABLE_UNORDERED
        self._bulk: deque[tuple[bytes, int, float]] = NOTHING
        self._transfer: _Transfer | None = None
        # By sequence, oldest first: a sized payload, or a piece.
        self._in_flight: dict[int, bytes | _Piece] = {}
        self._ids: dict[int, int] = {}
        # How many packets in flight have it, where that is not one.
        self._copies: dict[int, int] = {}
        self._lost: dict[int, None] = {}
        # Small messages that go along with the next packets: how often still.
        self._riding: dict[int, int] = {}
        self._unsent_bytes = 0
        self._in_flight_bytes = 0
        self._sent_bytes = 0
        # For each run and piece its sequence, and the bytes sent before it.
        self._marks: list[tuple[int, int]] = []

    # -- what waits -----------------------------------------------------------

    @property
    def queued_bytes(self) -> int:
        """Return the bytes that are not acknowledged, sent or not."""
        return self._unsent_bytes + self._in_flight_bytes

    @property
    def n_queued(self) -> int:
        """Return how many messages and pieces are not acknowledged."""
        return len(self._waiting) + len(self._in_flight)

    @property
    def has_frames(self) -> bool:
        """Return whether something may go out now."""
        return bool(self._lost) or (
            bool(self._waiting or self._transfer or self._bulk) and self._is_open()
        )

    def push(self, payload: bytes, message_id: int, now: float) -> None:
        """Queue a message."""
        if self._waiting is NOTHING:
            self._waiting = deque()
            self._bulk = deque() if self._is_unordered else self._waiting
        self._unsent_bytes += len(payload)
        if len(payload) > self._largest:
            self._bulk.append((payload, message_id, now))
        else:
            self._waiting.append((payload, message_id, now))

    def cancel(self, message_id: int) -> bool:
        """Give a message up that has not left whole; return whether it was found."""
        transfer = self._transfer
        if transfer is not None and transfer.id == message_id:
            self._cancel_transfer(transfer)
            return True
        for queue in (self._waiting, self._bulk):
            for entry in queue:
                if entry[1] == message_id:
                    queue.remove(entry)
                    self._unsent_bytes -= len(entry[0])
                    return True
        return False

    def _cancel_transfer(self, transfer: _Transfer) -> None:
        self._transfer = None
        self._unsent_bytes -= len(transfer.payload) - transfer.next * transfer.size
        if transfer.next:
            sequence = self._take_sequence()
            head = self.channel.id | CANCELLED << 5
            frame = CANCELLED_HEAD.pack(head, sequence, transfer.next)
            self._in_flight[sequence] = _Piece(frame, 0, transfer)
            self._copies[sequence] = 0
            self._lost[sequence] = None
            self._marks.append((sequence, self._sent_bytes))
            # What is acknowledged from now on is no progress any more.
            transfer.reported = _PROGRESS_STEPS

    def _is_open(self) -> bool:
        """Return whether the window lets another message or piece out."""
        in_flight = self._in_flight
        if not in_flight:
            self._marks.clear()
            return True
        oldest = next(iter(in_flight))
        if self._bytes_since(oldest) >= self._window:
            return False
        span = (self._next - oldest) & 0xFFFF
        waiting = self._waiting
        if self._transfer is None and waiting and len(waiting[0][0]) <= self._largest:
            return span < WINDOW
        return span < PIECE_WINDOW

    def _bytes_since(self, sequence: int) -> int:
        """Return the bytes from a message on: the receiver may have to hold as many.

        Those that were acknowledged count, too: they wait there for the one before.
        """
        marks = self._marks
        while len(marks) > 1 and (sequence - marks[1][0]) & 0xFFFF < 0x8000:
            del marks[0]
        return self._sent_bytes - marks[0][1]

    def _take_sequence(self) -> int:
        sequence = self._next
        self._next = (sequence + 1) & 0xFFFF
        return sequence

    # -- into packets -----------------------------------------------------------

    def fill(self, parcel: Parcel, now: float) -> None:
        """Put what is lost into a parcel, then what is new, as far as it fits."""
        if self._lost:
            self._fill_lost(parcel)
        while parcel.room > RUN_HEAD.size + 1 and self._is_open():
            before = parcel.room
            if self._transfer is None:
                self._fill_small(parcel, now)
            if parcel.room == before:
                self._fill_piece(parcel, now)
            if parcel.room == before:
                return

    def _fill_small(self, parcel: Parcel, now: float) -> None:
        waiting = self._waiting
        if not waiting or len(waiting[0][0]) > self._largest:
            return
        self.counts.waited(now - waiting[0][2])
        first = sequence = self._next
        room = parcel.room - RUN_HEAD.size
        most = WINDOW
        if self._in_flight:
            most -= (first - next(iter(self._in_flight))) & 0xFFFF
        run = self._runs_of(waiting, room, min(most, _MAX_RUN))
        if not run:
            return
        in_flight = self._in_flight
        n_bytes = 0
        for encoded in run:
            in_flight[sequence] = encoded
            n_bytes += len(encoded)
            sequence = (sequence + 1) & 0xFFFF
        self._next = sequence
        self._in_flight_bytes += n_bytes
        self._marks.append((first, self._sent_bytes))
        self._sent_bytes += n_bytes
        self.counts.sent += len(run)
        if not waiting and self._redundancy:
            # Not in the midst of a queue: there, packets are full of new messages.
            self._let_ride(first, len(run))
        self._put_run(parcel, first, run, n_bytes)

    def _runs_of(
        self, waiting: deque[tuple[bytes, int, float]], room: int, most: int
    ) -> list[bytes]:
        """Take messages from a queue that fit into a run, and return them sized."""
        run: list[bytes] = []
        largest, has_receipts, sizes = self._largest, self.channel.receipts, SIZES
        unsent = 0
        while waiting and len(run) < most:
            payload, message_id, _ = waiting[0]
            size = len(payload)
            if size > largest:
                break
            encoded = sizes[size] + payload if size < 128 else sized(payload)
            room -= len(encoded)
            if room < 0:
                break
            waiting.popleft()
            unsent += size
            if has_receipts:
                self._ids[(self._next + len(run)) & 0xFFFF] = message_id
            run.append(encoded)
        self._unsent_bytes -= unsent
        return run

    def _put_run(
        self, parcel: Parcel, first: int, run: list[bytes], n_bytes: int
    ) -> None:
        head = RUN_HEAD.pack(self.channel.id | RUN << 5, first, len(run))
        parcel.frames.append(head)
        parcel.frames += run
        parcel.room -= RUN_HEAD.size + n_bytes
        parcel.record.append((self, first, len(run)))
        self.counts.bytes_sent += RUN_HEAD.size + n_bytes

    def _fill_piece(self, parcel: Parcel, now: float) -> None:
        transfer = self._transfer or self._begin_transfer(now)
        if transfer is None or parcel.room < self._largest + PIECE_OVERHEAD:
            return
        if not self._has_room_for_piece():
            return
        sequence, index = self._take_sequence(), transfer.next
        payload = transfer.piece(index)
        head = PIECE_HEAD.pack(
            self.channel.id | PIECE << 5, sequence, index, transfer.count
        )
        piece = _Piece(head + sized(payload), len(payload), transfer)
        self._in_flight[sequence] = piece
        self._in_flight_bytes += piece.size
        self._marks.append((sequence, self._sent_bytes))
        self._sent_bytes += piece.size
        self._unsent_bytes -= piece.size
        self._put_piece(parcel, sequence, piece)
        transfer.next += 1
        if transfer.next == transfer.count:
            self._transfer = None
            self.counts.sent += 1

    def _has_room_for_piece(self) -> bool:
        if not self._in_flight:
            return True
        return (self._next - next(iter(self._in_flight))) & 0xFFFF < PIECE_WINDOW

    def _begin_transfer(self, now: float) -> _Transfer | None:
        bulk = self._bulk
        if not bulk or len(bulk[0][0]) <= self._largest:
            return None
        payload, message_id, since = bulk.popleft()
        self.counts.waited(now - since)
        self._transfer = _Transfer(payload, message_id, self._largest)
        return self._transfer

    def _put_piece(self, parcel: Parcel, sequence: int, piece: _Piece) -> None:
        parcel.frames.append(piece.frame)
        parcel.room -= len(piece.frame)
        parcel.record.append((self, sequence, 1))
        self.counts.bytes_sent += len(piece.frame)

    def _fill_lost(self, parcel: Parcel) -> None:
        """Put what is lost into a parcel, oldest first, in runs where they adjoin."""
        again = []
        for sequence in list(islice(self._lost, _MAX_RUN)):
            entry = self._in_flight[sequence]
            is_run = type(entry) is bytes
            size = len(entry) + RUN_HEAD.size if is_run else len(entry.frame)  # type: ignore[arg-type, union-attr]
            if size > parcel.room:
                break
            del self._lost[sequence]
            self._copies[sequence] = self._copies.get(sequence, 0) + 1
            self.counts.resent += 1
            if is_run:
                again.append(sequence)
                parcel.room -= size
            else:
                self._put_piece(parcel, sequence, entry)  # type: ignore[arg-type]
        # The room was taken for a run of each: give back, and write them joined.
        for sequence in again:
            parcel.room += len(self._in_flight[sequence]) + RUN_HEAD.size  # type: ignore[arg-type]
        self._put_runs(parcel, again)

    def _put_runs(self, parcel: Parcel, sequences: list[int]) -> None:
        """Write small messages as runs, one for each stretch without a gap."""
        at = 0
        while at < len(sequences):
            first = sequences[at]
            run: list[bytes] = []
            while (
                at < len(sequences)
                and sequences[at] == (first + len(run)) & 0xFFFF
                and len(run) < _MAX_RUN
            ):
                run.append(self._in_flight[sequences[at]])  # type: ignore[arg-type]
                at += 1
            self._put_run(parcel, first, run, sum(map(len, run)))

    def _let_ride(self, first: int, count: int) -> None:
        """Have new messages ride along; the oldest of too many do not any more."""
        riding = self._riding
        for number in range(max(first, first + count - _MAX_RIDING), first + count):
            riding[number & 0xFFFF] = self._redundancy
        while len(riding) > _MAX_RIDING:
            del riding[next(iter(riding))]

    @property
    def has_riders(self) -> bool:
        """Return whether a message that is not acknowledged wants to be repeated."""
        riding, in_flight = self._riding, self._in_flight
        while riding:
            if next(iter(riding)) in in_flight:
                return True
            del riding[next(iter(riding))]
        return False

    def ride(self, parcel: Parcel, allowance: int) -> int:
        """Repeat small messages that are not acknowledged, oldest first."""
        riding = self._riding
        if not riding or parcel.room < _LEAST_RIDE:
            return allowance
        fresh = {
            (first + i) & 0xFFFF
            for lane, first, count in parcel.record
            if lane is self
            for i in range(count)
        }
        room = min(allowance, parcel.room)
        again: list[int] = []
        for sequence, n_left in list(riding.items()):
            message = self._in_flight.get(sequence)
            if type(message) is not bytes or sequence in self._lost:
                del riding[sequence]
                continue
            if sequence in fresh:
                continue
            room -= len(message) + RUN_HEAD.size
            if room < 0:
                break
            again.append(sequence)
            self._copies[sequence] = self._copies.get(sequence, 1) + 1
            if n_left > 1:
                riding[sequence] = n_left - 1
            else:
                del riding[sequence]
        if not again:
            return allowance
        self.counts.repeated += len(again)
        before = parcel.room
        self._put_runs(parcel, again)
        return allowance - (before - parcel.room)

    # -- what became of it --------------------------------------------------------

    def settle(self, first: int, count: int, *, is_acked: bool) -> None:
        """Forget what was delivered; send again what was lost with its last copy."""
        if is_acked:
            self._acked(first, count)
        else:
            self._lose(first, count)

    def _acked(self, first: int, count: int) -> None:
        take = self._in_flight.pop
        copies, lost = self._copies, self._lost
        freed = 0
        for number in range(first, first + count):
            sequence = number & 0xFFFF
            entry = take(sequence, None)
            if entry is None:
                continue
            if copies:
                copies.pop(sequence, None)
            if lost:
                lost.pop(sequence, None)
            if type(entry) is bytes:
                freed += len(entry)
                self.counts.delivered += 1
                if self.channel.receipts:
                    message_id = MessageId(self._ids.pop(sequence))
                    self._events.append(MessageAcked(message_id))
            else:
                freed += entry.size  # type: ignore[union-attr]
                self._progress(entry.transfer, entry.size)  # type: ignore[union-attr]
        self._in_flight_bytes -= freed
        if not self._in_flight and not self._waiting and not self._bulk:
            # Most lanes are idle most of the time, and an empty deque is large.
            self._waiting = self._bulk = NOTHING

    def _progress(self, transfer: _Transfer, size: int) -> None:
        transfer.acked += size
        total = len(transfer.payload)
        is_done = transfer.acked == total
        step = transfer.acked * _PROGRESS_STEPS // total
        if size and (is_done or step > transfer.reported):
            transfer.reported = step
            progress = TransferProgress(MessageId(transfer.id), transfer.acked, total)
            self._events.append(progress)
        if is_done and size:
            self.counts.delivered += 1
            if self.channel.receipts:
                self._events.append(MessageAcked(MessageId(transfer.id)))

    def _lose(self, first: int, count: int) -> None:
        in_flight, copies = self._in_flight, self._copies
        for number in range(first, first + count):
            sequence = number & 0xFFFF
            if sequence not in in_flight:
                continue
            left = copies.get(sequence, 1) - 1
            copies[sequence] = left
            if left <= 0:
                self._lost[sequence] = None

    def rewind(self) -> None:
        """Begin on a new link: everything unacknowledged goes out again."""
        self._riding.clear()
        self._copies = dict.fromkeys(self._in_flight, 0)
        self._lost = dict.fromkeys(self._in_flight)
