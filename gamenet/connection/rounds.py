# SPDX-License-Identifier: MIT
"""What the congestion control counts between two of its decisions."""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["Phase", "Round"]


class Phase(Enum):
    """What a round is for; `gamenet.connection.congestion` explains it."""

    STARTING = auto()
    GROWING = auto()
    SETTLING = auto()
    MEASURING = auto()


class Round:
    """What happened since the last decision.

    Args:
        now: when it begins.
        in_flight: bytes under way at that time.
        was_limited: whether the sender had too little to send in the round before.
    """

    __slots__ = (
        "began_at",
        "is_limited",
        "most_in_flight",
        "n_acked",
        "n_lost",
        "size_acked",
        "total_trip",
        "was_limited",
    )

    def __init__(self, now: float, in_flight: int, *, was_limited: bool) -> None:
        self.began_at = now
        """When it began."""
        self.was_limited = was_limited
        """Whether the sender had too little to send in the round before."""
        self.is_limited = False
        """Whether it had too little in this one."""
        self.most_in_flight = in_flight
        """Most bytes under way so far."""
        self.n_acked = self.size_acked = 0
        """Packets that arrived, and their bytes."""
        self.n_lost = 0
        """Packets of this round that are lost."""
        self.total_trip = 0.0
        """Seconds from sending to ack of all of them together."""

    @property
    def trip(self) -> float:
        """Return the mean time from sending to ack, in seconds."""
        return self.total_trip / self.n_acked

    def rate(self, now: float) -> float:
        """Return the bytes a second that arrived."""
        return self.size_acked / (now - self.began_at)

    def fills(self, size: float) -> bool:
        """Return whether the sender used this much, or wanted more than it got."""
        return self.most_in_flight >= size or not (self.is_limited or self.was_limited)
