# SPDX-License-Identifier: MIT
"""Estimate the round trip, and say when to resend.

Source: RFC 6298, sections 2 (smoothing) and 5.5 (doubling while nothing comes back);
RFC 9002, section 6.2 (timeouts).
"""

from __future__ import annotations

__all__ = ["RttEstimator"]

_FIRST = 0.2
_SHORTEST = 0.05
_LONGEST = 2.0
_ACK_DELAY = 0.045  # what an ack may wait at the peer, and its timer
_MAX_DOUBLINGS = 6


class RttEstimator:
    """Smooth round-trip samples, and say when to resend."""

    __slots__ = (
        "_n_doublings",
        "largest",
        "latest",
        "smallest",
        "smoothed",
        "variation",
    )

    def __init__(self) -> None:
        self.smoothed = 0.0
        """Smoothed round trip in seconds; 0 until the first sample."""
        self.variation = 0.0
        """Mean deviation in seconds."""
        self.latest = 0.0
        """Newest sample in seconds; 0 until the first."""
        self.smallest = 0.0
        """Smallest sample in seconds; 0 until the first sample."""
        self.largest = 0.0
        """Largest sample in seconds; 0 until the first sample."""
        self._n_doublings = 0

    def add(self, sample: float) -> None:
        """Take one sample, in seconds."""
        self.latest = sample
        self.largest = max(self.largest, sample)
        if not self.smoothed:
            self.smoothed, self.variation, self.smallest = sample, sample / 2, sample
            return
        self.variation += (abs(sample - self.smoothed) - self.variation) / 4
        self.smoothed += (sample - self.smoothed) / 8
        self.smallest = min(self.smallest, sample)

    def back_off(self) -> None:
        """Wait twice as long from now on: what was sent has met with silence."""
        self._n_doublings = min(self._n_doublings + 1, _MAX_DOUBLINGS)

    def progress(self) -> None:
        """Stop backing off: something was acknowledged."""
        self._n_doublings = 0

    def resend_after(self) -> float:
        """Return after how many seconds an unacknowledged packet counts as lost."""
        usual = _FIRST
        if self.smoothed:
            usual = max(self.smoothed + 4 * self.variation, _SHORTEST)
        return min(usual * (1 << self._n_doublings), _LONGEST) + _ACK_DELAY
