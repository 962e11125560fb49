# SPDX-License-Identifier: MIT
"""The reliable-ordered channel: fragments out, acks in, messages in order.

A message is cut into fragments that fit a packet; each has a 16-bit sequence. What is
unacknowledged when its packet is lost, or when the resend time has passed, is sent
again. The receiver holds fragments that came too early inside a window; a fragment
beyond it breaks the protocol, so memory is bounded on both sides.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gamenet.connection.packets import FRAME_FRAGMENT, FRAME_RELIABLE
from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = ["FRAME_OVERHEAD", "WINDOW", "ReliableReceiver", "ReliableSender"]

WINDOW = 256
"""Fragments that may be on their way at once, lost ones included."""
FRAME_OVERHEAD = 5
MAX_PARTS = 65536


@dataclass(slots=True)
class _Fragment:
    sequence: int
    frame: bytes
    message_id: int
    sent_at: float = -1.0


class ReliableSender:
    """Queue messages, hand out frames, resend what is lost.

    Args:
        channel: the channel's id.
        fragment_size: largest payload of a frame, in bytes.
    """

    def __init__(self, channel: int, fragment_size: int) -> None:
        self._channel = channel
        self._fragment_size = fragment_size
        self._next = 0
        self._waiting: deque[_Fragment] = deque()
        # In the order of sequences: the first one is where the window begins.
        self._in_flight: dict[int, _Fragment] = {}
        # Of those, the ones that wait for an ack, in the order of sending ...
        self._unanswered: dict[int, _Fragment] = {}
        # ... and the ones that are to be sent again.
        self._resend: dict[int, _Fragment] = {}
        self._unacked_parts: dict[int, int] = {}
        self.queued_bytes = 0
        """Bytes of frames not yet acknowledged."""
        self.n_resent = 0
        """Frames sent again."""

    @property
    def n_queued(self) -> int:
        """Return how many fragments are not yet acknowledged."""
        return len(self._waiting) + len(self._in_flight)

    def push(self, payload: bytes, message_id: int) -> None:
        """Queue a message."""
        size = self._fragment_size
        pieces = [payload[i : i + size] for i in range(0, len(payload), size)] or [b""]
        for i, piece in enumerate(pieces):
            more = FRAME_FRAGMENT if i + 1 < len(pieces) else 0
            head = bytes((self._channel | FRAME_RELIABLE | more,))
            counts = self._next.to_bytes(2, "little") + len(piece).to_bytes(2, "little")
            fragment = _Fragment(self._next, head + counts + piece, message_id)
            self._next = (self._next + 1) & 0xFFFF
            self._waiting.append(fragment)
            self.queued_bytes += len(fragment.frame)
        self._unacked_parts[message_id] = len(pieces)

    def pop_frame(self, budget: int, *, now: float) -> tuple[int, bytes] | None:
        """Return sequence and bytes of the next frame to send, if one fits."""
        fragment = self._next_fragment()
        if fragment is None or len(fragment.frame) > budget:
            return None
        if fragment.sent_at < 0.0:
            self._waiting.popleft()
            self._in_flight[fragment.sequence] = fragment
        else:
            del self._resend[fragment.sequence]
            self.n_resent += 1
        fragment.sent_at = now
        self._unanswered[fragment.sequence] = fragment
        return fragment.sequence, fragment.frame

    def _next_fragment(self) -> _Fragment | None:
        if self._resend:
            return next(iter(self._resend.values()))
        if not self._waiting:
            return None
        fragment = self._waiting[0]
        oldest = next(iter(self._in_flight), fragment.sequence)
        is_inside = (fragment.sequence - oldest) & 0xFFFF < WINDOW
        return fragment if is_inside else None

    @property
    def has_frames(self) -> bool:
        """Return whether `pop_frame` has something for a whole packet."""
        return self._next_fragment() is not None

    def acknowledge(self, sequence: int) -> int:
        """Take an ack of a fragment; return the message id it completes, or 0."""
        fragment = self._in_flight.pop(sequence, None)
        if fragment is None:
            return 0
        self._unanswered.pop(sequence, None)
        self._resend.pop(sequence, None)
        self.queued_bytes -= len(fragment.frame)
        self._unacked_parts[fragment.message_id] -= 1
        if self._unacked_parts[fragment.message_id]:
            return 0
        del self._unacked_parts[fragment.message_id]
        return fragment.message_id

    def lose(self, sequence: int, sent_at: float) -> None:
        """Send a fragment again whose packet was lost, unless a later one has it."""
        fragment = self._unanswered.get(sequence)
        if fragment is not None and fragment.sent_at <= sent_at:
            self._resend[sequence] = self._unanswered.pop(sequence)

    def lose_overdue(self, resend_after: float, *, now: float) -> bool:
        """Send all fragments again that met with silence; return whether any did."""
        overdue = []
        for sequence, fragment in self._unanswered.items():
            # As `next_resend` adds it up: another form may round to another moment.
            if fragment.sent_at + resend_after > now:
                break
            overdue.append(sequence)
        for sequence in overdue:
            self._resend[sequence] = self._unanswered.pop(sequence)
        return bool(overdue)

    def next_resend(self, resend_after: float) -> float | None:
        """Return when the fragment that waits longest for an ack is overdue."""
        for fragment in self._unanswered.values():
            return fragment.sent_at + resend_after
        return None


class ReliableReceiver:
    """Put fragments in order and messages together.

    Args:
        max_message: largest message in bytes.
        fragment_size: largest payload of a frame, in bytes.
        window: how far ahead of the next one a fragment may be; 1 on a stream, where
            nothing can overtake.
    """

    def __init__(
        self, max_message: int, fragment_size: int, window: int = WINDOW
    ) -> None:
        self._max_message = max_message
        self._fragment_size = fragment_size
        self._window = window
        self._next = 0
        self._early: dict[int, tuple[bytes, bool]] = {}
        self._parts: list[bytes] = []
        self._parts_size = 0
        self.n_duplicates = 0
        """Fragments that had come before."""

    @property
    def held_bytes(self) -> int:
        """Return the bytes of fragments that wait for others."""
        early = sum(len(payload) for payload, _ in self._early.values())
        return early + self._parts_size

    def check(self, sequence: int, size: int) -> None:
        """Refuse a fragment that no sender within its window could send.

        Raises:
            RemoteProtocolError: it is beyond the window or larger than a packet.
        """
        ahead = (sequence - self._next) & 0xFFFF
        if self._window <= ahead < 0x8000:
            raise self._beyond(sequence, ahead)
        if size > self._fragment_size:
            msg = (
                f"a fragment of {size} bytes: the limit is {self._fragment_size}; both "
                "sides need the same packet_size"
            )
            raise RemoteProtocolError(msg)

    def receive(self, sequence: int, payload: bytes, *, is_last: bool) -> list[bytes]:
        """Take a fragment; return the messages that it completes.

        Raises:
            RemoteProtocolError: the fragment is beyond the window, or a message is
                larger than the limit.
        """
        ahead = (sequence - self._next) & 0xFFFF
        if self._window <= ahead < 0x8000:
            raise self._beyond(sequence, ahead)
        if ahead >= 0x8000 or sequence in self._early:
            self.n_duplicates += 1
            return []
        self._early[sequence] = (payload, is_last)
        messages = []
        while self._next in self._early:
            part, ends = self._early.pop(self._next)
            self._next = (self._next + 1) & 0xFFFF
            self._add_part(part)
            if ends:
                messages.append(
                    self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
                )
                self._parts, self._parts_size = [], 0
        return messages

    def _beyond(self, sequence: int, ahead: int) -> RemoteProtocolError:
        return RemoteProtocolError(
            f"fragment {sequence} is {ahead} ahead: the window is {self._window}"
        )

    def _add_part(self, part: bytes) -> None:
        self._parts.append(part)
        self._parts_size += len(part)
        if self._parts_size > self._max_message or len(self._parts) > MAX_PARTS:
            msg = f"a message above the limit of {self._max_message} bytes"
            raise RemoteProtocolError(msg, CloseReason.MESSAGE_TOO_LARGE)
