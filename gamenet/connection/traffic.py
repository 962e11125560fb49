# SPDX-License-Identifier: MIT
"""The payload packets of one connection: messages into packets, packets into messages.

    send(channel)  -> outbox, lanes   -> packets()   -> envelope -> the carrier
    receive(body)  -> frames, inbox   -> events

Each packet has a sequence and says which of the peer's arrived; that tells what to send
again, measures the round trip and feeds congestion control. All of that belongs to one
link and is in `linkstate`; `begin` puts a new one in the place of the old.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from gamenet.connection.acks import MAX_IN_FLIGHT, SentPacket
from gamenet.connection.buckets import TokenBucket
from gamenet.connection.config import ConnectionConfig, DeliveryMode, Link
from gamenet.connection.events import Event
from gamenet.connection.frames import (
    ACK_DELAY,
    CONTROL,
    PATH_CHALLENGE,
    PATH_RESPONSE,
    PING,
    Frame,
    legal_heads,
    read_frames,
)
from gamenet.connection.headers import read_header
from gamenet.connection.inbox import Inbox
from gamenet.connection.lanes import Parcel
from gamenet.connection.linkstate import DELAY_UNIT, LinkState
from gamenet.connection.outbox import Outbox
from gamenet.errors import RemoteProtocolError

if TYPE_CHECKING:
    from gamenet.connection.envelopes import Envelope

__all__ = ["Traffic"]

MAX_PACKETS_PER_FLUSH = 256
FLUSH_INTERVAL = 0.01  # when one flush did not suffice
MAX_CONTROLS = 8
_UNLIMITED = 1 << 30
_LEAST_WAIT = 0.001
_UNAWAITED = (DeliveryMode.UNRELIABLE, DeliveryMode.UNRELIABLE_SEQUENCED)


class Traffic:
    """Send and receive the messages of one connection, over one link after another.

    Args:
        config: what both ends agreed on.
        events: where messages and acknowledgements are reported.
        shared: limit on the bytes a second of all connections together, if any.
    """

    __slots__ = (
        "_blocked_until",
        "_config",
        "_controls",
        "_has_more",
        "_hold_until",
        "_legal",
        "_limits",
        "_n_lost_before",
        "_n_missed_before",
        "_ready",
        "_ride_interval",
        "_unawaited",
        "inbox",
        "link",
        "n_messages_sent",
        "n_packets_received",
        "outbox",
    )

    def __init__(
        self,
        config: ConnectionConfig,
        events: deque[Event],
        shared: TokenBucket | None = None,
    ) -> None:
        self._config = config
        self._ride_interval = config.ride_interval
        self._legal = legal_heads(config)
        # Channels whose sender does nothing with an ack but measure.
        self._unawaited = frozenset(
            number for number, mode in config.modes.items() if mode in _UNAWAITED
        )
        self.outbox = Outbox(config, events)
        self.inbox = Inbox(config, self.outbox, events)
        self._limits = [] if shared is None else [shared]
        if config.bandwidth:
            burst = max(config.bandwidth / 20, 2 * config.largest_packet)
            self._limits.append(TokenBucket(config.bandwidth, burst))
        self.n_packets_received = 0
        """Packets accepted, over all links."""
        self.n_messages_sent = 0
        """Messages queued; also the newest message id."""
        self._n_lost_before = self._n_missed_before = 0
        self.link: LinkState | None = None
        """What belongs to the link; None before the first."""
        # Packets that are made already: acknowledgements that could not wait.
        self._ready: list[bytes] = []
        self._controls: list[bytes] = []
        self._hold_until = 0.0
        self._has_more = False
        self._blocked_until: float | None = None

    def begin(
        self,
        envelope: Envelope,
        link: Link,
        *,
        now: float,
        timeout: float | None = None,
    ) -> None:
        """Begin on a link, the first or another: all that was the old one's is gone."""
        if self.link is not None:
            # What is on its way now is lost: nothing will be heard of it.
            self._n_lost_before += self.link.acks.n_lost + self.link.acks.n_in_flight
            self._n_missed_before += self.link.acks.n_missed
            self.outbox.rewind()
        self.link = LinkState(self._config, envelope, link, now, timeout)
        self._ready = []
        self._controls = []
        self._hold_until = 0.0
        self._has_more = False
        self._blocked_until = None

    @property
    def n_lost(self) -> int:
        """Return how many packets of ours count as lost, over all links."""
        return self._n_lost_before + (self.link.acks.n_lost if self.link else 0)

    @property
    def n_missed(self) -> int:
        """Return how many of the peer's packets never came, over all links."""
        return self._n_missed_before + (self.link.acks.n_missed if self.link else 0)

    # -- sending --------------------------------------------------------------

    def send(self, channel: int, payload: bytes, now: float) -> int:
        """Queue a message; return its id.

        Raises:
            LocalProtocolError: no such channel, or too large.
        """
        message_id = self.n_messages_sent + 1
        self.outbox.push(channel, payload, message_id, now)
        self.n_messages_sent = message_id
        if self._config.nagle and not self._hold_until:
            self._hold_until = now + self._config.nagle
        return message_id

    def flush(self) -> None:
        """Wait no longer for company of what is queued."""
        self._hold_until = 0.0

    def control(self, kind: int, body: bytes) -> None:
        """Have a control frame go along with the next packet, which is due now."""
        if self.link is not None and len(self._controls) < MAX_CONTROLS:
            self._controls.append(bytes((CONTROL << 5 | kind,)) + body)
            self.link.must_send = True

    @property
    def has_news(self) -> bool:
        """Return whether there is something to send."""
        link = self.link
        return link is not None and (
            bool(self._ready) or link.must_send or self.outbox.has_frames
        )

    @property
    def is_hurried(self) -> bool:
        """Return whether something is held back, or to be acknowledged soon."""
        link = self.link
        return (
            self._has_more
            or bool(self._hold_until)
            or self._blocked_until is not None
            or (link is not None and link.is_hurried)
        )

    def budget(self, now: float) -> float:
        """Return the bytes that congestion and limits let out now."""
        link = self.link
        if link is None:
            return 0.0
        allowed: float = _stream_budget(link)
        if not link.is_stream:
            allowed = link.congestion.budget(now)
        for bucket in self._limits:
            allowed = min(allowed, bucket.available(now))
        return allowed

    def packets(self, *, now: float) -> list[bytes]:
        """Return the packets that are to go out now."""
        link = self.link
        packets, self._ready = self._ready, []
        if link is None:
            return packets
        has_frames = self.outbox.has_frames
        if has_frames and not (self._hold_until and self._is_held(now)):
            self._fill_packets(link, packets, now)
        else:
            self._has_more = False
            self._blocked_until = None
            if not has_frames:
                self._hold_until = 0.0
        if link.must_send:
            packets = [*packets, self._packet(link, now, is_full=False)]
        if link.is_probing:
            size = link.probe.next_probe(now)
            if size is not None:
                packets = [*packets, link.probe_packet(size, now)]
                self._charge(link, size, now)
        return packets

    def _fill_packets(self, link: LinkState, packets: list[bytes], now: float) -> None:
        has_more = True
        self._blocked_until = None
        allowed = self.budget(now)
        while allowed > 0.0 and has_more and len(packets) < MAX_PACKETS_PER_FLUSH:
            packet = self._packet(link, now)
            packets.append(packet)
            allowed -= len(packet)
            has_more = self.outbox.has_frames
        if has_more and allowed <= 0.0 and self._has_reserve(link, now):
            packets.append(self._packet(link, now, is_urgent=True))
        self._has_more = has_more and allowed > 0.0
        if has_more and allowed <= 0.0:
            self._block(link, now)
        elif not has_more:
            self._hold_until = 0.0
            if not link.is_stream:
                link.congestion.limited(now)

    def _has_reserve(self, link: LinkState, now: float) -> bool:
        """Return whether what is urgent may leave though the window is full.

        A packet's worth under way is kept for it: else it would wait until enough of a
        large message is acknowledged, which was to go behind it.
        """
        if link.is_stream or any(b.available(now) <= 0 for b in self._limits):
            return False
        congestion = link.congestion
        has_room = congestion.in_flight < congestion.window + congestion.packet_size
        return has_room and self.outbox.has_urgent

    def packets_within(self, credit: int, *, now: float) -> list[bytes]:
        """Return packets for a place where the peer may not be: so many bytes at most.

        Args:
            credit: bytes of all of them.
            now: monotonic seconds.
        """
        packets: list[bytes] = []
        link = self.link
        self._hold_until = 0.0
        self._has_more = False
        self._blocked_until = None
        if link is None:
            return packets
        while credit >= link.probe.size and (
            link.must_send or (self.outbox.has_frames and self.budget(now) > 0.0)
        ):
            packets.append(self._packet(link, now))
            credit -= len(packets[-1])
        if link.must_send and credit >= link.smallest + sum(map(len, self._controls)):
            packets.append(self._packet(link, now, is_full=False, is_bare=True))
        return packets

    def _block(self, link: LinkState, now: float) -> None:
        """Find when what waits may go on, unless an acknowledgement must come first."""
        times = [bucket.ready_at(1, now) for bucket in self._limits]
        due = max(times, default=now)
        if link.is_stream and _stream_budget(link) <= 0:
            return
        if not link.is_stream and link.congestion.budget(now) <= 0:
            granted = link.congestion.next_send(now)
            if granted is None:
                return
            due = max(due, granted)
        self._blocked_until = max(due, now + _LEAST_WAIT)

    def _is_held(self, now: float) -> bool:
        """Return whether what waits should wait for company (Nagle)."""
        if now >= self._hold_until:
            self._hold_until = 0.0
            return False
        if self.outbox.queued_bytes >= self.outbox.largest:
            return False
        return self.link is not None and not self.link.must_send

    def _packet(
        self,
        link: LinkState,
        now: float,
        *,
        is_full: bool = True,
        is_bare: bool = False,
        is_urgent: bool = False,
    ) -> bytes:
        parcel = Parcel(link.room)
        if self._controls:
            self._add_controls(parcel)
        if is_urgent:
            self.outbox.fill_urgent(parcel, now)
        elif is_full:
            self.outbox.fill(parcel, now)
        if not (link.is_stream or is_bare):
            self.outbox.ride(parcel)
            link.ride_at = now + self._ride_interval if self.outbox.has_riders else None
        data = link.packet(b"".join(parcel.frames), parcel.record, now)
        if self._limits:
            self._charge(link, len(data), now)
        if link.acks.n_in_flight & 0xFF == 0xFF:
            self._lose(link.acks.expire(), now)
        return data

    def _charge(self, link: LinkState, size: int, now: float) -> None:
        """Count bytes against the limits; heartbeats wait until these are paid for."""
        for bucket in self._limits:
            bucket.take(size, now)
            link.quiet_until = max(link.quiet_until, bucket.ready_at(1, now))

    def _add_controls(self, parcel: Parcel) -> None:
        for frame in self._controls:
            parcel.frames.append(frame)
            parcel.room -= len(frame)
        self._controls.clear()

    def last_packets(self, *, now: float) -> list[bytes]:
        """Return the packets before a farewell: on a stream, all that is allowed."""
        packets = self.packets(now=now)
        while self._has_more and self.link is not None and self.link.is_stream:
            packets += self.packets(now=now)
        return packets

    def move(self, n_padded: int, now: float) -> None:
        """Go on from, or to, another address: what is on its way may be lost.

        Args:
            n_padded: packets of padding to send first.
            now: monotonic seconds.
        """
        link = self.link
        if link is None or link.is_stream:
            return
        for _ in range(n_padded):
            self._ready.append(link.padded_packet(now))
            self._charge(link, len(self._ready[-1]), now)
        for packet in link.acks.give_up(now):
            link.congestion.abandoned(packet.size)
            for lane, first, count in packet.record or ():
                if lane.resends:
                    lane.settle(first, count, is_acked=False)
        self.outbox.wake()

    # -- receiving ------------------------------------------------------------

    def receive(self, body: bytes, *, now: float) -> str:
        """Take the body of a payload; return why it was dropped, "" if it was not.

        Raises:
            RemoteProtocolError: malformed; nothing of it was taken unless the link
                says that it is broken.
        """
        link = self.link
        if link is None:
            return "early"
        acks = link.acks
        sequence, ack, bits, at = read_header(body)
        if not acks.is_new(sequence):
            return "duplicate"
        frames = read_frames(body, at, self._legal)
        has_acks = (ack, bits) != acks.last_ack
        if has_acks and not acks.was_sent(ack, bits):
            msg = f"an ack of packet {ack}, which was never sent"
            raise RemoteProtocolError(msg)
        for frame in frames:
            if frame[1] != CONTROL:
                self.inbox.check(frame)
        self.n_packets_received += 1
        link.receive(sequence, now)
        waited = self._take(link, frames, now) if frames else 0.0
        if has_acks:
            self._take_acks(link, ack, bits, waited, now)
        if link.must_acknowledge() and len(self._ready) < MAX_PACKETS_PER_FLUSH:
            self._ready.append(self._packet(link, now, is_full=False))
        return ""

    def _take(self, link: LinkState, frames: list[Frame], now: float) -> float:
        """Take frames in; return how long the packet's ack has waited."""
        waited = 0.0
        take = self.inbox.take
        wants_ack = is_awaited = False
        try:
            for frame in frames:
                if frame[1] != CONTROL:
                    wants_ack = True
                    is_awaited = is_awaited or frame[0] not in self._unawaited
                    take(frame)
                elif frame[0] == ACK_DELAY:
                    waited = int.from_bytes(frame[3], "little") * DELAY_UNIT
                else:
                    wants_ack = is_awaited = True
                    self._take_control(link, frame)
        except RemoteProtocolError:
            link.is_broken = True
            raise
        if wants_ack:
            link.want_ack(now, is_awaited=is_awaited)
        return waited

    def _take_control(self, link: LinkState, frame: Frame) -> None:
        kind, _, reason, content = frame
        if kind == PATH_CHALLENGE:
            self.control(PATH_RESPONSE, content)
        elif kind == PATH_RESPONSE:
            link.path_response = content
        elif kind != PING:
            link.farewell = (reason, content)

    def _take_acks(
        self, link: LinkState, ack: int, bits: int, waited: float, now: float
    ) -> None:
        acked, lost = link.acknowledge(ack, bits, waited, now)
        if not acked and not lost:
            return
        for packet in acked:
            for lane, first, count in packet.record or ():
                lane.settle(first, count, is_acked=True)
        self._lose(lost, now)

    def _lose(self, packets: list[SentPacket], now: float) -> None:
        for packet in packets:
            if packet.is_probe and self.link is not None:
                self.link.probe.probe_lost(packet.is_probe)
            elif not packet.is_given_up:
                self._send_again(packet, now)
            else:
                for lane, first, count in packet.record or ():
                    if not lane.resends:
                        lane.settle(first, count, is_acked=False)
        self.outbox.wake()

    def _send_again(self, packet: SentPacket, now: float) -> None:
        """Have what is in a packet go again; one that is given up may yet arrive."""
        if self.link is not None:
            self.link.give_up(packet, now)
        for lane, first, count in packet.record or ():
            if lane.resends or not packet.is_given_up:
                lane.settle(first, count, is_acked=False)

    # -- time -----------------------------------------------------------------

    def next_timeout(self) -> float | None:
        """Return when `handle_timeout` is due, or the next packets are."""
        if self.link is None:
            return None
        due = self.link.next_timeout()
        if self._has_more or self._hold_until or self._blocked_until is not None:
            due = min(due, self._when_more(self.link))
        return due

    def _when_more(self, link: LinkState) -> float:
        """Return when what is held back may go."""
        times = []
        if self._has_more:
            times.append(link.last_sent + FLUSH_INTERVAL)
        if self._hold_until:
            times.append(self._hold_until)
        if self._blocked_until is not None:
            times.append(self._blocked_until)
        return min(times)

    def handle_timeout(self, *, now: float) -> None:
        """Mark what is due: a heartbeat, an ack, what is to be sent again."""
        link = self.link
        if link is not None:
            if link.ride_at is not None and now >= link.ride_at:
                # The last of many messages has no successor to ride along with.
                link.ride_at = None
                link.must_send = link.must_send or self.outbox.has_riders
            overdue = link.handle_timeout(now=now)
            for packet in overdue:
                self._send_again(packet, now)
            if overdue:
                self.outbox.wake()


def _stream_budget(link: LinkState) -> int:
    """Return what a stream lets out: anything, unless the peer acknowledges nothing.

    What leaves is remembered until it is acknowledged, and that has to be bounded.
    Reliable messages then wait until their queue is overfull, which ends the
    connection; unreliable ones are dropped.
    """
    return _UNLIMITED if link.acks.n_in_flight < MAX_IN_FLIGHT else 0
