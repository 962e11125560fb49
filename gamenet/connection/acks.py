# SPDX-License-Identifier: MIT
"""Which packets arrived, in both directions.

Every packet has a 16-bit sequence and carries the newest sequence that its sender has
received (ack) with a bit for each of the 32 before it. So each ack is said 33 times,
and the loss of some packets loses no ack.

On a stream nothing is lost and nothing overtakes, so there an ack is also one of every
packet before it, however many they are.

Source: Glenn Fiedler, "Reliability and Congestion Avoidance over UDP"; the threshold
of three packets for loss is RFC 9002's, section 6.1.1.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ACK_SPAN", "AckTracker", "SentPacket"]

ACK_SPAN = 33
"""Packets that one ack can speak of: the newest, and one for each bit."""
WINDOW = 256
_WINDOW_MASK = (1 << WINDOW) - 1
_REORDER_THRESHOLD = 3
MAX_IN_FLIGHT = 1024


@dataclass(slots=True)
class SentPacket:
    """What we need to know of a packet until it is acknowledged or lost."""

    time: float
    """When it was sent."""
    fragments: list[tuple[int, int]] | None
    """Channel and sequence of the reliable fragments in it."""


class AckTracker:
    """Remember what was sent and received, and match acks with packets.

    Args:
        is_ordered: whether the link delivers every packet, in order.
    """

    def __init__(self, *, is_ordered: bool = False) -> None:
        self.newest = 0xFFFF
        """Newest sequence received."""
        self.last_ack = (0xFFFF, 0)
        """The ack and its bits that were matched last."""
        self.n_missed = 0
        """Gaps in the peer's sequence, less those that came late."""
        self.n_lost = 0
        """Packets of ours that count as lost."""
        self._is_ordered = is_ordered
        self._received = 0
        self._next = 0
        self._sent: dict[int, SentPacket] = {}

    @property
    def ack_bits(self) -> int:
        """Return the 32 bits that go with `newest`."""
        return (self._received >> 1) & 0xFFFFFFFF

    @property
    def n_in_flight(self) -> int:
        """Return how many packets of ours may still be acknowledged."""
        return len(self._sent)

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
        if 0 < ahead < 0x8000:
            shift = min(ahead, WINDOW)
            self._received = (self._received << shift | 1) & _WINDOW_MASK
            self.n_missed += ahead - 1
            self.newest = sequence
        else:
            self._received |= 1 << ((0x10000 - ahead) & 0xFFFF)
            self.n_missed = max(0, self.n_missed - 1)

    def send(self, fragments: list[tuple[int, int]] | None, *, now: float) -> int:
        """Note that a packet is sent; return its sequence."""
        sequence = self._next
        self._next = (sequence + 1) & 0xFFFF
        self._sent[sequence] = SentPacket(now, fragments)
        return sequence

    def was_sent(self, ack: int) -> bool:
        """Return whether an ack can mean a packet of ours, or none so far."""
        return (self._next - 1 - ack) & 0xFFFF < 0x8000

    def acknowledge(
        self, ack: int, bits: int
    ) -> tuple[list[SentPacket], list[SentPacket], float | None]:
        """Match an ack with the packets in flight; ask `was_sent` first.

        Returns:
            The packets newly acknowledged, those newly lost, and the time at which
            the acked packet was sent if this is the first ack of it.
        """
        self.last_ack = (ack, bits)
        acked: list[SentPacket] = []
        lost: list[SentPacket] = []
        done: list[int] = []
        newest_time = self._sent[ack].time if ack in self._sent else None
        for sequence, packet in self._sent.items():
            behind = (ack - sequence) & 0xFFFF
            if behind >= 0x8000:
                break
            if self._is_acked(behind, bits):
                acked.append(packet)
            elif behind >= _REORDER_THRESHOLD:
                lost.append(packet)
            else:
                continue
            done.append(sequence)
        for sequence in done:
            del self._sent[sequence]
        self.n_lost += len(lost)
        return acked, lost, newest_time

    def _is_acked(self, behind: int, bits: int) -> bool:
        if self._is_ordered or behind == 0:
            return True
        return behind < ACK_SPAN and bool(bits >> (behind - 1) & 1)

    def expire(self) -> list[SentPacket]:
        """Give up the oldest packets when too many are in flight; return those lost.

        On a stream they are not lost: the ack of the next packet stands for them.
        """
        lost = []
        while len(self._sent) > MAX_IN_FLIGHT:
            oldest = self._sent.pop(next(iter(self._sent)))
            if self._is_ordered:
                heir = next(iter(self._sent.values()))
                heir.fragments = [*(oldest.fragments or ()), *(heir.fragments or ())]
            else:
                lost.append(oldest)
        self.n_lost += len(lost)
        return lost
