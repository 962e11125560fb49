# SPDX-License-Identifier: MIT
"""The way in of each channel: frames become messages, once each, as the mode promises.

A receiver is shown what came (`take_run`, `take_piece`, `take`) and returns the
messages that are complete. What it must hold, because something before it is missing,
is bounded by the window and by bytes; a sender that goes beyond breaks the protocol.
"""

from __future__ import annotations

from gamenet.connection.config import Channel, ConnectionConfig, DeliveryMode
from gamenet.connection.frames import Piece
from gamenet.connection.lanes import LaneCounts
from gamenet.connection.reliable import PIECE_WINDOW, WINDOW
from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = ["OrderedReceiver", "Receiver", "SequencedReceiver", "UnorderedReceiver"]

_HALF = 0x8000
_PART_COST = 64  # bytes that a piece counts for beside its own: tiny ones cost, too
_MARGIN = 2  # for that cost, and for the packet with which a sender fills its window


class OrderedReceiver:
    """Put messages and pieces in order (reliable-ordered).

    Args:
        channel: the channel.
        counts: where duplicates are counted.
        limit: bytes of the largest message, as it travels.
        window: bytes that a sender may have on their way.
    """

    __slots__ = (
        "_channel",
        "_count",
        "_counts",
        "_early",
        "_early_size",
        "_limit",
        "_most_held",
        "_next",
        "_parts",
        "_parts_size",
    )

    def __init__(
        self, channel: Channel, counts: LaneCounts, limit: int, window: int
    ) -> None:
        self._channel = channel
        self._counts = counts
        self._limit = limit
        self._most_held = _MARGIN * (limit + window)
        self._next = 0
        self._early: dict[int, bytes | Piece] = {}
        self._parts: list[bytes] = []
        self._parts_size = 0
        self._count = 0
        self._early_size = 0

    @property
    def held_bytes(self) -> int:
        """Return the bytes of what waits for something before it."""
        return self._early_size + self._parts_size

    def take_run(self, first: int, payloads: list[bytes]) -> list[bytes]:
        """Take whole messages with consecutive sequences."""
        if not self._early and not self._parts:
            behind = (self._next - first) & 0xFFFF
            if behind == 0:
                self._next = (first + len(payloads)) & 0xFFFF
                return payloads
            if behind < len(payloads):
                self._counts.duplicates += behind
                self._next = (first + len(payloads)) & 0xFFFF
                return payloads[behind:]
        for i, payload in enumerate(payloads):
            self._keep((first + i) & 0xFFFF, payload, len(payload))
        return self._advance()

    def take_piece(self, sequence: int, piece: Piece) -> list[bytes]:
        """Take a piece of a large message."""
        self._keep(sequence, piece, len(piece.payload))
        return self._advance()

    def check(self, sequence: int, count: int) -> None:
        """Refuse sequences that no sender within its window could send.

        Raises:
            RemoteProtocolError: they are beyond the window.
        """
        _check(self._channel, sequence, count, self._next)

    def _keep(self, sequence: int, item: bytes | Piece, size: int) -> None:
        ahead = (sequence - self._next) & 0xFFFF
        if ahead >= _HALF or sequence in self._early:
            self._counts.duplicates += 1
            return
        self._early[sequence] = item
        self._early_size += size
        if self._early_size + self._parts_size > self._most_held:
            raise too_much(self._channel, self._most_held)

    def _advance(self) -> list[bytes]:
        messages: list[bytes] = []
        early = self._early
        while (item := early.pop(self._next, None)) is not None:
            self._next = (self._next + 1) & 0xFFFF
            if type(item) is Piece:
                self._early_size -= len(item.payload)
                self._add_piece(item, messages)
                continue
            self._early_size -= len(item)
            if self._parts:
                raise out_of_place(self._channel)
            messages.append(item)  # type: ignore[arg-type]
        return messages

    def _add_piece(self, piece: Piece, messages: list[bytes]) -> None:
        if piece.number != len(self._parts) or (
            self._parts and piece.total not in (0, self._count)
        ):
            raise out_of_place(self._channel)
        if not piece.total:
            self._parts, self._parts_size = [], 0
            return
        self._count = piece.total
        self._parts.append(piece.payload)
        self._parts_size += len(piece.payload)
        if self._parts_size > self._limit:
            raise too_large(self._channel, self._limit)
        if len(self._parts) == piece.total:
            messages.append(b"".join(self._parts))
            self._parts, self._parts_size = [], 0


class _Partial:
    """A large message of which pieces have come."""

    __slots__ = ("count", "parts", "size")

    def __init__(self, count: int) -> None:
        self.count = count
        self.parts: dict[int, bytes] = {}
        self.size = 0


class UnorderedReceiver:
    """Let each message through as soon as it is there (reliable-unordered).

    Args:
        channel: the channel.
        counts: where duplicates are counted.
        limit: bytes of the largest message, as it travels.
        window: bytes that a sender may have on their way.
    """

    __slots__ = (
        "_channel",
        "_counts",
        "_given_up",
        "_limit",
        "_most_held",
        "_next",
        "_partials",
        "_seen",
        "held_bytes",
    )

    def __init__(
        self, channel: Channel, counts: LaneCounts, limit: int, window: int
    ) -> None:
        self._channel = channel
        self._counts = counts
        self._limit = limit
        self._most_held = _MARGIN * (limit + window)
        self._next = 0
        self._seen: set[int] = set()
        self._partials: dict[int, _Partial] = {}
        # Large messages that the sender gave up: first sequence, and that of the word.
        self._given_up: dict[int, int] = {}
        self.held_bytes = 0
        """Bytes of large messages that are not complete."""

    def check(self, sequence: int, count: int) -> None:
        """Refuse sequences that no sender within its window could send.

        Raises:
            RemoteProtocolError: they are beyond the window.
        """
        _check(self._channel, sequence, count, self._next)

    def take_run(self, first: int, payloads: list[bytes]) -> list[bytes]:
        """Take whole messages with consecutive sequences."""
        if first == self._next and not self._seen:
            self._next = (first + len(payloads)) & 0xFFFF
            return payloads
        return [
            payload
            for i, payload in enumerate(payloads)
            if self._is_first((first + i) & 0xFFFF)
        ]

    def take_piece(self, sequence: int, piece: Piece) -> list[bytes]:
        """Take a piece of a large message."""
        if not self._is_first(sequence):
            return []
        first = (sequence - piece.number) & 0xFFFF
        if not piece.total:
            self._give_up(first, sequence)
            return []
        if first in self._given_up:
            return []
        partial = self._partials.get(first)
        if partial is None:
            partial = self._partials[first] = _Partial(piece.total)
        elif partial.count != piece.total:
            raise out_of_place(self._channel)
        return self._add_piece(first, partial, piece)

    def _add_piece(self, first: int, partial: _Partial, piece: Piece) -> list[bytes]:
        size = len(piece.payload)
        partial.parts[piece.number] = piece.payload
        partial.size += size
        self.held_bytes += size + _PART_COST
        if partial.size > self._limit:
            raise too_large(self._channel, self._limit)
        if self.held_bytes > self._most_held:
            raise too_much(self._channel, self._most_held)
        if len(partial.parts) < partial.count:
            return []
        self._let_go(self._partials.pop(first))
        return [b"".join(partial.parts[i] for i in range(partial.count))]

    def _give_up(self, first: int, sequence: int) -> None:
        """Forget a large message, of which pieces may still come."""
        self._let_go(self._partials.pop(first, None))
        given_up = self._given_up
        given_up[first] = sequence
        # The word of it is the last: when all up to that have come, it is settled.
        while given_up:
            oldest = next(iter(given_up))
            if (given_up[oldest] - self._next) & 0xFFFF < _HALF:
                return
            del given_up[oldest]

    def _let_go(self, partial: _Partial | None) -> None:
        if partial is not None:
            self.held_bytes -= partial.size + _PART_COST * len(partial.parts)

    def _is_first(self, sequence: int) -> bool:
        """Note a sequence; return whether it has not come before."""
        ahead = (sequence - self._next) & 0xFFFF
        if ahead >= _HALF or sequence in self._seen:
            self._counts.duplicates += 1
            return False
        self._seen.add(sequence)
        while self._next in self._seen:
            self._seen.remove(self._next)
            self._next = (self._next + 1) & 0xFFFF
        return True


class SequencedReceiver:
    """Let through only what is newer than everything before (both sequenced modes)."""

    held_bytes = 0

    __slots__ = (
        "_counts",
        "_newest",
    )

    def __init__(self, counts: LaneCounts) -> None:
        self._counts = counts
        self._newest: int | None = None

    def take(self, sequence: int, payload: bytes) -> list[bytes]:
        """Take a message."""
        if self._newest is not None:
            ahead = (sequence - self._newest) & 0xFFFF
            if not 0 < ahead < _HALF:
                self._counts.duplicates += 1
                return []
        self._newest = sequence
        return [payload]


Receiver = OrderedReceiver | UnorderedReceiver | SequencedReceiver


def new_receiver(
    channel: Channel, counts: LaneCounts, config: ConnectionConfig
) -> Receiver | None:
    """Return the receiver of a channel; None where messages go straight through."""
    # A compressed message has one byte more than what it holds.
    limit = config.limit_of(channel) + channel.compression
    match channel.mode:
        case DeliveryMode.RELIABLE_ORDERED:
            return OrderedReceiver(channel, counts, limit, config.window)
        case DeliveryMode.RELIABLE_UNORDERED:
            return UnorderedReceiver(channel, counts, limit, config.window)
        case DeliveryMode.RELIABLE_SEQUENCED | DeliveryMode.UNRELIABLE_SEQUENCED:
            return SequencedReceiver(counts)
    return None


def _check(channel: Channel, first: int, count: int, expected: int) -> None:
    ahead = (first - expected) & 0xFFFF
    if ahead < _HALF and ahead + count > WINDOW + PIECE_WINDOW:
        raise beyond(channel, first, ahead)


def beyond(channel: Channel, sequence: int, ahead: int) -> RemoteProtocolError:
    """Say that a sequence is beyond the window."""
    return RemoteProtocolError(
        f"sequence {sequence} of channel {channel.id} is {ahead} ahead: the window is "
        f"{WINDOW}"
    )


def too_large(channel: Channel, limit: int) -> RemoteProtocolError:
    """Say that a message is larger than its channel allows."""
    msg = f"a message above the limit of {limit} bytes on channel {channel.id}"
    return RemoteProtocolError(msg, CloseReason.MESSAGE_TOO_LARGE)


def too_much(channel: Channel, limit: int) -> RemoteProtocolError:
    """Say that a sender makes us hold more than its window."""
    msg = (
        f"more than {limit} bytes of channel {channel.id} wait for something missing: "
        "both sides need the same window"
    )
    return RemoteProtocolError(msg, CloseReason.MESSAGE_TOO_LARGE)


def out_of_place(channel: Channel) -> RemoteProtocolError:
    """Say that a piece does not go on where the one before it ended."""
    msg = f"a piece of channel {channel.id} does not fit the message it belongs to"
    return RemoteProtocolError(msg, CloseReason.MALFORMED)
