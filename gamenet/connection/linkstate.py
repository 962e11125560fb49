# SPDX-License-Identifier: MIT
"""What belongs to one link, and begins anew with the next one.

Sequences, acknowledgements, round trip, congestion, packet size and the moments at
which something is due. Channels are not here: they go on from link to link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gamenet.connection.acks import ACK_SPAN, AckTracker, SentPacket
from gamenet.connection.config import ConnectionConfig, Link
from gamenet.connection.congestion import CongestionControl
from gamenet.connection.frames import ACK_DELAY, CONTROL, PADDING, PING
from gamenet.connection.headers import MAX_HEADER, write_header
from gamenet.connection.probing import PacketSizeProbe
from gamenet.connection.rtt import RttEstimator

if TYPE_CHECKING:
    from gamenet.connection.envelopes import Envelope
    from gamenet.connection.lanes import Lane

__all__ = ["DELAY_UNIT", "LinkState"]

ACK_WAIT = 0.035
"""Seconds that an acknowledgement may wait for a packet to go along with: a tick of a
game that runs at 30 Hz. The peer is told how long it was."""
LONG_ACK_WAIT = 0.11
"""The same if nobody resends what came: a tick of a game that runs at 10 Hz."""
SHORT_ACK_WAIT = 0.01
"""The same when packets come faster than ours leave."""
MANY_PACKETS = 4
BEAT_GRACE = 0.01
"""Seconds by which a heartbeat is later after a packet that said something: a game
that runs at 10 Hz is about to say more."""
DELAY_UNIT = 1 / 16000
"""Seconds in one step of what an ack-delay frame says."""
_SEQUENCE_GROWS = 4  # bytes by which a packet may be longer than its probe was
_UNTIMED = 0x10000  # more packets than there can be between two of ours
_SHORTEST_DELAY = 0.001
_DELAY_SIZE = 3
_LONGEST_DELAY = 0xFFFF
_DELAY_HEAD = bytes((CONTROL << 5 | ACK_DELAY,))
_PING = bytes((CONTROL << 5 | PING,))
_PADDING = bytes((CONTROL << 5 | PADDING,))


class LinkState:
    """The packet level of a connection over one link.

    Args:
        config: what both ends agreed on.
        envelope: what is around the bodies of packets.
        link: what carries them.
        now: monotonic seconds.
        timeout: seconds of silence after which the link counts as lost; the
            configuration's if left out.
    """

    __slots__ = (
        "_ack_due",
        "_config",
        "_grace",
        "_may_probe",
        "_n_unacked",
        "_newest_at",
        "_overhead",
        "_prompt_after",
        "_room",
        "_seal",
        "_told",
        "acks",
        "congestion",
        "farewell",
        "is_broken",
        "is_newest",
        "is_probing",
        "is_stream",
        "last_received",
        "last_sent",
        "must_send",
        "path_response",
        "probe",
        "quiet_until",
        "ride_at",
        "rtt",
        "timeout",
    )

    def __init__(
        self,
        config: ConnectionConfig,
        envelope: Envelope,
        link: Link,
        now: float,
        timeout: float | None = None,
    ) -> None:
        self.timeout = config.timeout if timeout is None else timeout
        """Seconds of silence after which the link counts as lost."""
        self.is_stream = is_stream = link is Link.STREAM
        self.acks = AckTracker(is_ordered=is_stream)
        self.rtt = RttEstimator()
        self.congestion = CongestionControl(packet_size=config.packet_size)
        base, largest = config.packet_size, config.packet_size
        if envelope.is_extended and not is_stream:
            largest = config.largest_packet
        self.probe = PacketSizeProbe(base, largest)
        self._may_probe = self.is_probing = largest > base
        self.ride_at: float | None = None
        """When messages ride along though no other packet is due."""
        self.path_response = b""
        """What came back of the newest path challenge."""
        self.farewell: tuple[int, bytes] | None = None
        """Reason and detail of a close that the peer has sent."""
        self.is_newest = True
        """Whether the packet received last is newer than every other."""
        self.is_broken = False
        """Whether a packet was taken in part: the connection cannot go on."""
        self.must_send = True
        """Whether a packet is due even if there is nothing to say."""
        self.quiet_until = 0.0
        """Until when a limit has no bytes for a heartbeat."""
        self.last_sent = now
        """When a packet left last."""
        self.last_received = now
        """When the peer was heard last."""
        self._config = config
        self._overhead = envelope.overhead
        self._seal = envelope.seal
        self._room = -envelope.overhead - MAX_HEADER - _DELAY_SIZE
        self._prompt_after = _UNTIMED if is_stream else ACK_SPAN - 1
        self._told = self.acks.newest
        self._newest_at = now
        self._ack_due: float | None = None
        self._n_unacked = 0
        self._grace = 0.0

    # -- making packets -------------------------------------------------------

    @property
    def room(self) -> int:
        """Return the bytes for frames in a packet."""
        size = self.probe.size
        if size > self._config.packet_size:
            size -= _SEQUENCE_GROWS
        return size + self._room

    def packet(
        self, frames: bytes, record: list[tuple[Lane, int, int]], now: float
    ) -> bytes:
        """Return the next packet, and remember what is in it.

        Args:
            frames: its body behind the header.
            record: what of the lanes is in it.
            now: monotonic seconds.
        """
        data = self._seal(self._head(now) + frames)
        size = len(data) if frames else 0
        self._remember(SentPacket(now, size, record), now)
        self._grace = BEAT_GRACE if frames else 0.0
        if size and not self.is_stream:
            self.congestion.sent(size, now)
            if size > self._config.packet_size:
                self.probe.used(size, now)
        return data

    def probe_packet(self, size: int, now: float) -> bytes:
        """Return a packet of a size that is probed, of padding only."""
        sent = SentPacket(now, 0, None)
        sent.is_probe = size
        self.probe.probe_sent(size, now)
        return self._padded(size, sent, now)

    def padded_packet(self, now: float) -> bytes:
        """Return a packet of padding: bytes to be answered with, on a new path."""
        return self._padded(self._config.packet_size, SentPacket(now, 0, None), now)

    def _padded(self, size: int, sent: SentPacket, now: float) -> bytes:
        acks = self.acks
        head = write_header(acks.next_sequence, acks.newest, acks.ack_bits)
        body = head + _PING + _PADDING
        data = self._seal(body + bytes(size - self._overhead - len(body)))
        self._remember(sent, now)
        return data

    @property
    def smallest(self) -> int:
        """Return the bytes that a packet without frames takes at most."""
        return -self._room

    def leave_path(self) -> None:
        """Send what fits every path: it is another now, and not proved."""
        self.is_probing = False
        self.probe.reset()
        # An answer to a probe of the old path says nothing of the new one.
        for packet in self.acks.in_flight():
            packet.is_probe = 0

    def trust_path(self) -> None:
        """Find out how large packets may be: where the peer is has been proved."""
        self.leave_path()
        self.is_probing = self._may_probe

    def _head(self, now: float) -> bytes:
        """Return header and, if it says something new, how long its ack has waited."""
        acks = self.acks
        head = write_header(acks.next_sequence, acks.newest, acks.ack_bits)
        if self._told != acks.newest:
            delay = now - self._newest_at
            if delay >= _SHORTEST_DELAY:
                units = min(int(delay / DELAY_UNIT), _LONGEST_DELAY)
                head += _DELAY_HEAD + units.to_bytes(2, "little")
        return head

    def _remember(self, sent: SentPacket, now: float) -> None:
        acks = self.acks
        acks.send(sent)
        self.must_send = False
        self._ack_due = None
        self._n_unacked = 0
        self._told = acks.newest
        self.last_sent = now

    # -- receiving ------------------------------------------------------------

    def receive(self, sequence: int, now: float) -> None:
        """Note that a packet was received that is new."""
        acks = self.acks
        self.last_received = now
        acks.receive(sequence)
        self.is_newest = acks.newest == sequence
        if self.is_newest:
            self._newest_at = now

    def want_ack(self, now: float, *, is_awaited: bool = True) -> None:
        """Acknowledge what was received, soon.

        Args:
            now: monotonic seconds.
            is_awaited: whether the peer resends what is not acknowledged, or tells.
        """
        self._n_unacked += 1
        wait = ACK_WAIT if is_awaited else LONG_ACK_WAIT
        if self._n_unacked == MANY_PACKETS:
            wait = SHORT_ACK_WAIT
        if self._ack_due is None or now + wait < self._ack_due:
            self._ack_due = now + wait

    @property
    def is_hurried(self) -> bool:
        """Return whether more has come than may wait for a packet to go along with."""
        return self._n_unacked >= MANY_PACKETS

    def must_acknowledge(self) -> bool:
        """Return whether one packet more, and an ack could not tell all.

        Whoever sends a burst would otherwise have to take the packets that the ack
        does not reach back to for lost.
        """
        return (self.acks.newest - self._told) & 0xFFFF >= self._prompt_after

    def acknowledge(
        self, ack: int, bits: int, waited: float, now: float
    ) -> tuple[list[SentPacket], list[SentPacket]]:
        """Match an ack with what was sent.

        Args:
            ack: newest sequence that the peer has received.
            bits: which came, from it on backwards.
            waited: seconds that the ack waited at the peer.
            now: monotonic seconds.

        Returns:
            The packets newly acknowledged, and those newly lost.
        """
        acked, lost, sent_at = self.acks.acknowledge(ack, bits, self.rtt.smoothed / 8)
        if not acked:
            return acked, lost
        rtt = None
        if sent_at is not None:
            rtt = max(now - sent_at - waited, 0.0)
            self.rtt.add(rtt)
            self.rtt.progress()
        newest = acked[-1]
        for packet in acked:
            if packet.size and not self.is_stream:
                # One sample for an ack: a burst was sent in one moment.
                sample = rtt if packet is newest else None
                # What was given up is out of the count; that it came says how long.
                size = 0 if packet.is_given_up else packet.size
                self.congestion.acked(size, packet.time, sample, now)
            if packet.is_probe:
                self.probe.probe_acked(packet.is_probe)
            elif packet.size > self._config.packet_size:
                self.probe.confirmed(packet.size)
        return acked, lost

    def give_up(self, packet: SentPacket, now: float) -> None:
        """Count a packet as lost whose content is sent again."""
        if packet.size and not self.is_stream:
            self.congestion.lost(packet.size, packet.time, now)

    # -- time -----------------------------------------------------------------

    @property
    def _beat_at(self) -> float:
        """Return when a heartbeat is due; a limit makes them rare, but not too rare."""
        due = self.last_sent + self._config.heartbeat + self._grace
        if due >= self.quiet_until:
            return due
        return max(due, min(self.quiet_until, self.last_sent + self.timeout / 4))

    def next_timeout(self) -> float:
        """Return when `handle_timeout` is due."""
        due = self.last_received + self.timeout
        if not self.must_send:
            due = min(due, self._beat_at)
            if self._ack_due is not None and self._ack_due < due:
                due = self._ack_due
        if self.is_stream:
            return due
        if self.ride_at is not None and self.ride_at < due:
            due = self.ride_at
        waiting = self.acks.oldest_unanswered()
        if waiting is not None:
            overdue = waiting.time + self.rtt.resend_after()
            due = min(due, overdue)
        if self.is_probing:
            probing = self.probe.next_timeout()
            if probing is not None and probing < due:
                due = probing
        return due

    def handle_timeout(self, *, now: float) -> list[SentPacket]:
        """Mark what is due; return the packets whose content is to be sent again."""
        beat_due = now >= self._beat_at
        ack_due = self._ack_due is not None and now >= self._ack_due
        self.must_send = self.must_send or beat_due or ack_due
        if self.is_stream:
            return []
        # As `next_timeout` adds it up: another form may round to another moment.
        resend_after = self.rtt.resend_after()
        waiting = self.acks.oldest_unanswered()
        if waiting is None or waiting.time + resend_after > now:
            return []
        self.rtt.back_off()
        return self.acks.give_up(max(now - resend_after, waiting.time))

    # -- what was measured ----------------------------------------------------

    def figures(self) -> dict[str, Any]:
        """Return what is known of the link now, as fields of the stats."""
        rtt, congestion = self.rtt, self.congestion
        figures = {
            "rtt": rtt.smoothed,
            "rtt_latest": rtt.latest,
            "rtt_min": rtt.smallest,
            "rtt_max": rtt.largest,
            "rtt_variation": rtt.variation,
        }
        if self.is_stream:
            return figures
        return figures | {
            "window": congestion.window,
            "in_flight": congestion.in_flight,
            "queue_delay": congestion.queue_delay,
            "packet_size": self.probe.size,
        }
