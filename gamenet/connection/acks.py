# SPDX-License-Identifier: MIT
"""Which packets arrived, in both directions.

Every packet has a 16-bit sequence and carries the newest sequence that its sender has
received (ack) with a bit for it and each of the 31 before it. So each ack is said 32
times, and the loss of some packets loses no ack. No bit at all: nothing came so far.

A packet counts as lost when an ack names one sent well after it, three packets or more
(RFC 9002, section 6.1.1) and a fraction of a round trip later (section 6.1.2): a burst
that the network shuffles is not a loss.

On a stream nothing is lost and nothing overtakes, so there an ack is also one of every
packet before it, however many they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gamenet.connection.lanes import Lane

__all__ = ["ACK_SPAN", "MAX_IN_FLIGHT", "AckTracker", "SentPacket"]

ACK_SPAN = 32
"""Packets that one ack can speak of: the newest, and 31 before it."""
WINDOW = 256
_WINDOW_MASK = (1 << WINDOW) - 1
_REORDER_THRESHOLD = 3
MAX_IN_FLIGHT = 4096
"""Packets of which we wait to hear; on a stream no content leaves beyond that."""


class SentPacket:
    """What we need to know of a packet until it is acknowledged or lost."""

    __slots__ = ("is_given_up", "is_probe", "is_settled", "record", "size", "time")

    def __init__(
        self, time: float, size: int, record: list[tuple[Lane, int, int]] | None
    ) -> None:
        self.time = time
        """When it was sent."""
        self.size = size
        """Bytes that congestion control counts; 0 if it does not."""
        self.record = record
        """What of the lanes is in it."""
        self.is_given_up = False
        """Whether its content was sent again because it met with silence."""
        self.is_settled = False
        """Whether it was acknowledged, or counts as lost."""
        self.is_probe = 0
        """The packet size that it probes, 0 if it is none."""


class AckTracker:
    """Remember what was sent and received, and match acks with packets.

    Args:
        is_ordered: whether the link delivers every packet, in order.
    """

    __slots__ = (
        "_is_ordered",
        "_n_sent",
        "_next",
        "_received",
        "_sent",
        "_unanswered",
        "last_ack",
        "n_lost",
        "n_missed",
        "newest",
    )

    def __init__(self, *, is_ordered: bool = False) -> None:
        self.newest = 0xFFFF
        """Newest sequence received."""
        self.last_ack = (0, 0)
        """The ack and its bits that were matched last."""
        self.n_missed = 0
        """Gaps in the peer's sequence, less those that came late."""
        self.n_lost = 0
        """Packets of ours that count as lost."""
        self._is_ordered = is_ordered
        self._received = 0
        self._next = 0
        self._sent: dict[int, SentPacket] = {}
        # Those with content, oldest first; what is settled goes once it is in front.
        self._unanswered: deque[SentPacket] = deque()
        self._n_sent = 0

    @property
    def ack_bits(self) -> int:
        """Return the 32 bits that go with `newest`, the lowest of them its own."""
        return self._received & 0xFFFFFFFF

    @property
    def n_in_flight(self) -> int:
        """Return how many packets of ours may still be acknowledged."""
        return len(self._sent)

    def in_flight(self) -> Iterable[SentPacket]:
        """Return the packets that may still be acknowledged, oldest first."""
        return self._sent.values()

    @property
    def next_sequence(self) -> int:
        """Return the sequence of the packet that is sent next."""
        return self._next

    def is_new(self, sequence: int) -> bool:
        """Return whether a packet is neither a duplicate nor too old to tell."""
        ahead = (sequence - self.newest) & 0xFFFF
        if 0 < ahead < 0x8000:
            return True
        behind = 0x10000 - ahead if ahead else 0
        return behind < WINDOW and not self._received >> behind & 1

    def receive(self, sequence: int) -> None:
        """Note that a new packet was received; ask `is_new` first."""
        ahead = (sequence - self.newest) & 0xFFFF
        if ahead == 1:
            self._received = (self._received << 1 | 1) & _WINDOW_MASK
            self.newest = sequence
        elif 0 < ahead < 0x8000:
            shift = min(ahead, WINDOW)
            self._received = (self._received << shift | 1) & _WINDOW_MASK
            self.n_missed += ahead - 1
            self.newest = sequence
        else:
            self._received |= 1 << ((0x10000 - ahead) & 0xFFFF)
            self.n_missed = max(0, self.n_missed - 1)

    def send(self, packet: SentPacket) -> None:
        """Note that a packet is sent, with `next_sequence`."""
        sequence = self._next
        self._next = (sequence + 1) & 0xFFFF
        self._sent[sequence] = packet
        if packet.record and not self._is_ordered:
            self._unanswered.append(packet)
        self._n_sent = min(self._n_sent + 1, 0x8000)

    def was_sent(self, ack: int, bits: int) -> bool:
        """Return whether an ack can mean a packet of ours, or says that none came."""
        return not bits or (self._next - 1 - ack) & 0xFFFF < self._n_sent

    def acknowledge(
        self, ack: int, bits: int, reorder: float
    ) -> tuple[list[SentPacket], list[SentPacket], float | None]:
        """Match an ack with the packets in flight; ask `was_sent` first.

        Args:
            ack: newest sequence that the peer has received.
            bits: which came, from it on backwards.
            reorder: seconds by which packets may overtake one another.

        Returns:
            The packets newly acknowledged, those newly lost, and the time at which
            the acked packet was sent if this is the first ack of it.
        """
        self.last_ack = (ack, bits)
        acked: list[SentPacket] = []
        lost: list[SentPacket] = []
        done: list[int] = []
        if not bits & 1:
            return acked, lost, None
        newest = self._sent.get(ack)
        settled = -1.0 if newest is None else newest.time - reorder
        for sequence, packet in self._sent.items():
            behind = (ack - sequence) & 0xFFFF
            if behind >= 0x8000:
                break
            if self._is_ordered or (behind < ACK_SPAN and bits >> behind & 1):
                acked.append(packet)
            elif behind >= ACK_SPAN or (
                behind >= _REORDER_THRESHOLD and packet.time <= settled
            ):
                lost.append(packet)
            else:
                continue
            done.append(sequence)
        for sequence in done:
            self._sent.pop(sequence).is_settled = True
        self.n_lost += len(lost)
        return acked, lost, None if newest is None else newest.time

    def oldest_unanswered(self) -> SentPacket | None:
        """Return the packet that has waited longest and was not given up."""
        unanswered = self._unanswered
        while unanswered and unanswered[0].is_settled:
            unanswered.popleft()
        return unanswered[0] if unanswered else None

    def give_up(self, before: float) -> list[SentPacket]:
        """Mark packets with content that were sent before a time, and return them.

        They may still be acknowledged: that measures the round trip at least.
        """
        overdue = []
        while (packet := self.oldest_unanswered()) and packet.time <= before:
            self._unanswered.popleft()
            packet.is_given_up = True
            overdue.append(packet)
        return overdue

    def expire(self) -> list[SentPacket]:
        """Give up the oldest packets when too many are in flight; return those lost.

        On a stream they are not lost: the ack of the next packet stands for them.
        """
        lost = []
        while len(self._sent) > MAX_IN_FLIGHT:
            oldest = self._sent.pop(next(iter(self._sent)))
            oldest.is_settled = True
            if self._is_ordered:
                heir = next(iter(self._sent.values()))
                heir.record = [*(oldest.record or ()), *(heir.record or ())]
            else:
                lost.append(oldest)
        self.n_lost += len(lost)
        return lost
