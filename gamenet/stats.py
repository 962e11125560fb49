# SPDX-License-Identifier: MIT
"""The frozen records in which cores report what they did.

A core never imports a metrics library: it answers `stats()` with one of these, and
whoever publishes metrics reads them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["ConnectionStats", "percentile"]


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """What one connection measured since it was made."""

    rtt: float = 0.0
    """Smoothed round trip in seconds, with the peer's ack delay; 0 until measured."""
    rtt_latest: float = 0.0
    """Newest round trip in seconds; 0 until measured."""
    rtt_min: float = 0.0
    """Smallest round trip seen, in seconds; 0 until measured."""
    rtt_variation: float = 0.0
    """Mean deviation of the round trip in seconds (RFC 6298's RTTVAR)."""
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
    messages_resent: int = 0
    """Times that a reliable fragment was sent again."""
    unreliable_dropped: int = 0
    """Unreliable messages thrown away unsent because the carrier could not keep up."""
    queued_bytes: int = 0
    """Bytes of messages that wait to be sent or acknowledged, now."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Packets received and dropped, by reason."""

    @property
    def loss(self) -> float:
        """Return the share of our packets that were lost, 0 to 1."""
        return self.packets_lost / self.packets_sent if self.packets_sent else 0.0


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
