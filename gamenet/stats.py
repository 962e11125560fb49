# SPDX-License-Identifier: MIT
"""The frozen records in which cores report what they did.

A core never imports a metrics library: it answers `stats()` with one of these, and
whoever publishes metrics reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["ConnectionStats", "LaneStats", "Sample", "percentile"]


@dataclass(frozen=True, slots=True)
class LaneStats:
    """What went through one channel of a connection."""

    channel: int = 0
    """Number of the channel."""
    name: str = ""
    """Its name, for people."""
    mode: str = ""
    """Its delivery mode."""
    messages_sent: int = 0
    """Messages that left, each counted once."""
    messages_received: int = 0
    """Messages delivered as events."""
    messages_delivered: int = 0
    """Messages that the peer has acknowledged, where it is asked to."""
    messages_resent: int = 0
    """Times that a message or a piece was sent again because it was lost."""
    messages_repeated: int = 0
    """Times that a message rode along before its loss was known."""
    messages_discarded: int = 0
    """Messages that were stale before they could leave."""
    duplicates: int = 0
    """Messages and pieces received that had come before."""
    bytes_sent: int = 0
    """Bytes of frames, repetitions included."""
    bytes_received: int = 0
    """Bytes of messages."""
    queued_bytes: int = 0
    """Bytes that wait to be sent or acknowledged, now."""
    queue_time: float = 0.0
    """Smoothed time in seconds that messages wait before they leave."""
    compression: float = 1.0
    """Bytes of messages before compression for each byte after it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a connection did in one second of its history."""

    time: float = 0.0
    """Monotonic seconds at the end of it."""
    rtt: float = 0.0
    """Smoothed round trip in seconds."""
    jitter: float = 0.0
    """Mean deviation of the round trip in seconds."""
    loss_out: float = 0.0
    """Share of our packets lost, 0 to 1."""
    loss_in: float = 0.0
    """Share of the peer's packets that never came, 0 to 1."""
    bytes_out: float = 0.0
    """Bytes sent in a second."""
    bytes_in: float = 0.0
    """Bytes received in a second."""
    queued: float = 0.0
    """Bytes that waited."""
    window: float = 0.0
    """Bytes that congestion control let be on their way."""


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """What one connection measured since it was made."""

    rtt: float = 0.0
    """Smoothed round trip in seconds, less the peer's waiting; 0 until measured."""
    rtt_latest: float = 0.0
    """Newest round trip in seconds; 0 until measured."""
    rtt_min: float = 0.0
    """Smallest round trip on this link, in seconds; 0 until measured."""
    rtt_max: float = 0.0
    """Largest round trip on this link, in seconds; 0 until measured."""
    rtt_variation: float = 0.0
    """Jitter: mean deviation of the round trip in seconds (RFC 6298's RTTVAR)."""
    packets_sent: int = 0
    """Packets handed to the carrier, handshake included."""
    packets_received: int = 0
    """Packets accepted from the peer, duplicates and malformed ones not included."""
    packets_lost: int = 0
    """Packets sent that the peer did not acknowledge, but later ones it did."""
    packets_missed: int = 0
    """Packets of the peer that never came: gaps in its sequence, less the late ones."""
    bytes_sent: int = 0
    """Bytes handed to the carrier, without the carrier's own headers."""
    bytes_received: int = 0
    """Bytes received from the carrier, dropped packets included."""
    messages_sent: int = 0
    """Messages accepted by `send`."""
    messages_received: int = 0
    """Messages delivered as events."""
    messages_delivered: int = 0
    """Messages that the peer has acknowledged, where it is asked to."""
    messages_resent: int = 0
    """Times that a reliable message or piece was sent again because it was lost."""
    messages_repeated: int = 0
    """Times that a reliable message rode along before its loss was known."""
    duplicates: int = 0
    """Messages and pieces received that had come before."""
    unreliable_dropped: int = 0
    """Messages thrown away unsent because the carrier could not keep up."""
    queued_bytes: int = 0
    """Bytes of messages that wait to be sent or acknowledged, now."""
    queue_time: float = 0.0
    """Longest smoothed wait of any channel's messages before they leave, in seconds."""
    loss_out: float = 0.0
    """Share of our packets lost in the last seconds, 0 to 1."""
    loss_in: float = 0.0
    """Share of the peer's packets that never came in the last seconds, 0 to 1."""
    bandwidth_out: float = 0.0
    """Bytes sent in the last second."""
    bandwidth_in: float = 0.0
    """Bytes received in the last second."""
    window: int = 0
    """Bytes that congestion control lets be on their way; 0 on a stream."""
    in_flight: int = 0
    """Bytes that are on their way; 0 on a stream."""
    queue_delay: float = 0.0
    """Seconds that our packets seem to wait in the network; 0 on a stream."""
    packet_size: int = 0
    """Bytes of the largest packet that is known to pass."""
    resumes: int = 0
    """Times that the session went on over a new link."""
    migrations: int = 0
    """Times that the peer's address changed."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Packets received and dropped, by reason."""
    lanes: tuple[LaneStats, ...] = ()
    """Each channel by itself."""

    @property
    def loss(self) -> float:
        """Return the share of our packets that were lost, 0 to 1."""
        return self.packets_lost / self.packets_sent if self.packets_sent else 0.0

    @property
    def delivery_ratio(self) -> float:
        """Return the share of our packets that arrived, 0 to 1; 1 before any."""
        return 1.0 - self.loss


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that a share of the values does not exceed.

    This is the nearest rank: always one of the values, never something between two.

    Args:
        values: in any order; none of them gives 0.
        share: 0 to 1, 0.5 for the median.
    """
    ordered = sorted(values)
    if not ordered:
        return 0.0
    # A billionth is forgiven: 0.07 * 100 is a little more than 7.
    rank = math.ceil(share * len(ordered) - 1e-9)
    return ordered[min(max(rank, 1), len(ordered)) - 1]
