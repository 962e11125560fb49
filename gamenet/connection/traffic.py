# SPDX-License-Identifier: MIT
"""The payload packets of one connection: messages into packets, packets into messages.

    send(channel)  -> reliable senders, unreliable queue -> packets()
    receive(data)  -> frames, reliable receivers         -> events

Each packet has a sequence and says which of the peer's arrived; that tells which
fragments to send again, and measures the round trip.
"""

from __future__ import annotations

import struct
from collections import deque

from gamenet.connection.acks import ACK_SPAN, AckTracker, SentPacket
from gamenet.connection.channels import (
    FRAME_OVERHEAD,
    WINDOW,
    ReliableReceiver,
    ReliableSender,
)
from gamenet.connection.config import ConnectionConfig, DeliveryMode, Link
from gamenet.connection.events import Event, MessageAcked, MessageReceived
from gamenet.connection.frames import Frame, legal_flags, read_frames
from gamenet.connection.packets import HEADER, PAYLOAD
from gamenet.connection.rtt import RttEstimator
from gamenet.errors import LocalProtocolError, RemoteProtocolError

__all__ = ["Traffic"]

ACK_DELAY = 0.025
MAX_PACKETS_PER_FLUSH = 64
FLUSH_INTERVAL = 0.01  # when one flush did not suffice
UNRELIABLE_OVERHEAD = 3
MAX_UNRELIABLE_WAITING = 256
FRAGMENT_COST = 64  # least bytes of queue that a fragment counts for, however small
_UNTIMED = 0x10000  # more packets than there can be between two of ours

_read_header = HEADER.unpack_from


class Traffic:
    """Send and receive the messages of one connection.

    Args:
        config: what both ends agreed on.
        link: what carries the packets.
        events: where messages and acknowledgements are reported.
    """

    def __init__(
        self, config: ConnectionConfig, link: Link, events: deque[Event]
    ) -> None:
        self._config = config
        self._is_stream = link is Link.STREAM
        self._events = events
        self._legal = legal_flags(config.modes)
        self._acks = AckTracker(is_ordered=self._is_stream)
        self._rtt = RttEstimator()
        size = config.packet_size - HEADER.size - FRAME_OVERHEAD
        window = 1 if self._is_stream else WINDOW
        reliable = [
            channel
            for channel, mode in config.modes.items()
            if mode is DeliveryMode.RELIABLE_ORDERED
        ]
        self._senders = {n: ReliableSender(n, size) for n in reliable}
        self._receivers = {
            n: ReliableReceiver(config.max_message, size, window) for n in reliable
        }
        self._unreliable: deque[bytes] = deque()
        # Packets that are made already: acknowledgements that could not wait.
        self._ready: list[bytes] = []
        self._prompt_after = _UNTIMED if self._is_stream else ACK_SPAN - 1
        self._tag = 0
        self._told = self._acks.newest
        self._last_sent = 0.0
        self._last_received = 0.0
        self._ack_due: float | None = None
        self._must_send = False
        self._has_more = False
        self.is_overfull = False
        """Whether more reliable messages wait than the configuration allows."""
        self.n_packets_received = 0
        """Packets accepted."""
        self.n_messages_sent = 0
        """Messages queued; also the newest message id."""
        self.n_messages_received = 0
        """Messages reported."""
        self.n_unreliable_dropped = 0
        """Unreliable messages thrown away unsent."""

    def begin(self, tag: int, *, now: float) -> None:
        """Begin: from now on packets with this tag go both ways, the first at once."""
        self._tag = tag
        self._last_sent = self._last_received = now
        self._must_send = True

    # -- sending --------------------------------------------------------------

    def send(self, channel: int, payload: bytes) -> int:
        """Queue a message; return its id.

        Raises:
            LocalProtocolError: no such channel, or too large.
        """
        sender = self._senders.get(channel)
        if sender is None:
            self._send_unreliable(channel, payload)
        elif len(payload) > self._config.max_message:
            raise _too_large(channel, payload, self._config.max_message)
        self.n_messages_sent += 1
        if sender is not None:
            sender.push(payload, self.n_messages_sent)
            self._measure_queue()
        return self.n_messages_sent

    def _measure_queue(self) -> None:
        n_fragments = sum(sender.n_queued for sender in self._senders.values())
        size = max(self.queued_bytes, n_fragments * FRAGMENT_COST)
        self.is_overfull = size > self._config.max_queue

    def _send_unreliable(self, channel: int, payload: bytes) -> None:
        modes = self._config.modes
        if channel not in modes:
            msg = f"channel {channel} is not configured: use one of {list(modes)}"
            raise LocalProtocolError(msg)
        limit = self._config.packet_size - HEADER.size - UNRELIABLE_OVERHEAD
        if len(payload) > limit:
            raise _too_large(channel, payload, limit)
        if len(self._unreliable) >= MAX_UNRELIABLE_WAITING:
            self._unreliable.popleft()
            self.n_unreliable_dropped += 1
        head = bytes((channel,)) + len(payload).to_bytes(2, "little")
        self._unreliable.append(head + payload)

    def drop_unreliable(self) -> int:
        """Throw away the unreliable messages that wait; return how many."""
        n_dropped = len(self._unreliable)
        self._unreliable.clear()
        self.n_unreliable_dropped += n_dropped
        return n_dropped

    @property
    def queued_bytes(self) -> int:
        """Return the bytes of reliable messages that are not acknowledged."""
        return sum(sender.queued_bytes for sender in self._senders.values())

    @property
    def has_news(self) -> bool:
        """Return whether there is something to send."""
        if self._ready or self._unreliable or self._must_send:
            return True
        # A loop: `any` would make a generator for each packet.
        for sender in self._senders.values():  # noqa: SIM110
            if sender.has_frames:
                return True
        return False

    def packets(self, *, now: float) -> list[bytes]:
        """Return the packets that are to go out now."""
        packets, self._ready = self._ready, []
        while (has_news := self.has_news) and len(packets) < MAX_PACKETS_PER_FLUSH:
            packets.append(self._packet(*self._fill(now), now))
        self._has_more = has_news
        return packets

    def last_packets(self, *, now: float) -> list[bytes]:
        """Return the packets before a farewell: on a stream, all that is allowed."""
        packets = self.packets(now=now)
        while self._is_stream and self._has_more:
            packets += self.packets(now=now)
        return packets

    def _packet(
        self, frames: list[bytes], fragments: list[tuple[int, int]] | None, now: float
    ) -> bytes:
        acks = self._acks
        self._must_send = False
        self._ack_due = None
        self._told = acks.newest
        self._last_sent = now
        sequence = acks.send(fragments, now=now)
        self._lose(acks.expire())
        head = HEADER.pack(PAYLOAD, self._tag, sequence, acks.newest, acks.ack_bits)
        return head + b"".join(frames)

    def _fill(self, now: float) -> tuple[list[bytes], list[tuple[int, int]] | None]:
        """Return frames for one packet, and which reliable fragments are in it."""
        budget = self._config.packet_size - HEADER.size
        frames: list[bytes] = []
        fragments: list[tuple[int, int]] | None = None
        for channel, sender in self._senders.items():
            while (popped := sender.pop_frame(budget, now=now)) is not None:
                sequence, frame = popped
                frames.append(frame)
                budget -= len(frame)
                if fragments is None:
                    fragments = []
                fragments.append((channel, sequence))
        while self._unreliable and len(self._unreliable[0]) <= budget:
            frame = self._unreliable.popleft()
            frames.append(frame)
            budget -= len(frame)
        return frames, fragments

    # -- receiving ------------------------------------------------------------

    def receive(self, data: bytes, *, now: float) -> str:
        """Take a payload packet; return why it was dropped, "" if it was not.

        Raises:
            RemoteProtocolError: malformed; nothing of it was taken unless this is a
                stream or a message became too large, which both end the connection.
        """
        try:
            _, tag, sequence, ack, ack_bits = _read_header(data)
        except struct.error:
            msg = f"a payload packet of {len(data)} bytes: it has at least 17"
            raise RemoteProtocolError(msg) from None
        if tag != self._tag:
            return "foreign_tag"
        acks = self._acks
        if not acks.is_new(sequence):
            return "duplicate"
        frames = read_frames(data, HEADER.size, self._legal)
        has_acks = (ack, ack_bits) != acks.last_ack
        self._check(frames, ack if has_acks else None)
        self._last_received = now
        self.n_packets_received += 1
        acks.receive(sequence)
        if has_acks:
            self._take_acks(ack, ack_bits, now)
        if frames:
            if self._ack_due is None:
                self._ack_due = now + ACK_DELAY
            self._deliver(frames)
        if (acks.newest - self._told) & 0xFFFF >= self._prompt_after:
            self._acknowledge_promptly(now)
        return ""

    def _check(self, frames: list[Frame], ack: int | None) -> None:
        """Refuse what would harm, before anything is taken."""
        if ack is not None and not self._acks.was_sent(ack):
            msg = f"an ack of packet {ack}, which was never sent"
            raise RemoteProtocolError(msg)
        for channel, payload, sequence, _ in frames:
            if sequence is not None and not self._is_stream:
                self._receivers[channel].check(sequence, len(payload))

    def _deliver(self, frames: list[Frame]) -> None:
        report = self._events.append
        for channel, payload, sequence, is_last in frames:
            if sequence is None:
                self.n_messages_received += 1
                report(MessageReceived(channel, payload))
                continue
            receiver = self._receivers[channel]
            for message in receiver.receive(sequence, payload, is_last=is_last):
                self.n_messages_received += 1
                report(MessageReceived(channel, message))

    def _take_acks(self, ack: int, ack_bits: int, now: float) -> None:
        acked, lost, sent_at = self._acks.acknowledge(ack, ack_bits)
        if sent_at is not None:
            self._rtt.add(now - sent_at)
        if acked:
            self._rtt.progress()
        for packet in acked:
            for channel, sequence in packet.fragments or ():
                message_id = self._senders[channel].acknowledge(sequence)
                if message_id:
                    self._events.append(MessageAcked(message_id))
        self._lose(lost)

    def _lose(self, packets: list[SentPacket]) -> None:
        for packet in packets:
            for channel, sequence in packet.fragments or ():
                self._senders[channel].lose(sequence, packet.time)

    def _acknowledge_promptly(self, now: float) -> None:
        """Make an acknowledgement at once: one more packet, and it could not tell all.

        Whoever sends a burst would otherwise have to take the packets that the ack
        does not reach back to for lost.
        """
        if len(self._ready) < MAX_PACKETS_PER_FLUSH:
            self._ready.append(self._packet([], None, now))

    # -- time -----------------------------------------------------------------

    def next_timeout(self) -> float:
        """Return when `handle_timeout` is due, or the next packets are."""
        due = self._last_received + self._config.timeout
        if self._has_more:
            due = min(due, self._last_sent + FLUSH_INTERVAL)
        if not self._must_send:
            due = min(due, self._last_sent + self._config.heartbeat)
            if self._ack_due is not None:
                due = min(due, self._ack_due)
        if not self._is_stream:
            resend_after = self._rtt.resend_after()
            for sender in self._senders.values():
                overdue = sender.next_resend(resend_after)
                if overdue is not None and overdue < due:
                    due = overdue
        return due

    def is_silent(self, *, now: float) -> bool:
        """Return whether the peer has been silent for too long."""
        return now >= self._last_received + self._config.timeout

    def handle_timeout(self, *, now: float) -> None:
        """Mark what is due: a heartbeat, an ack, fragments to send again."""
        beat_due = now >= self._last_sent + self._config.heartbeat
        ack_due = self._ack_due is not None and now >= self._ack_due
        self._must_send = self._must_send or beat_due or ack_due
        if self._is_stream:
            return
        resend_after = self._rtt.resend_after()
        overdue = [
            sender.lose_overdue(resend_after, now=now)
            for sender in self._senders.values()
        ]
        if any(overdue):
            self._rtt.back_off()

    # -- what was measured ----------------------------------------------------

    @property
    def acks(self) -> AckTracker:
        """Return what is known of packets."""
        return self._acks

    @property
    def rtt(self) -> RttEstimator:
        """Return what is known of the round trip."""
        return self._rtt

    @property
    def n_resent(self) -> int:
        """Return how often a reliable fragment was sent again."""
        return sum(sender.n_resent for sender in self._senders.values())


def _too_large(channel: int, payload: bytes, limit: int) -> LocalProtocolError:
    return LocalProtocolError(
        f"a message of {len(payload)} bytes on channel {channel}: the limit is "
        f"{limit}; split it, or send it on a reliable channel"
    )
