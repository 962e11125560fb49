# SPDX-License-Identifier: MIT
"""Bound how many bytes may leave a second, with room for bursts.

A bucket holds up to `burst` bytes and fills with `rate` bytes a second. What leaves is
taken out of it, also when it holds too little: then it is in debt, and nothing more
should leave until time has paid for it. So a packet need not be split to fit what is
left, and yet the average never exceeds the rate.

Source: the token bucket of RFC 2475, section 2.3.3.
"""

from __future__ import annotations

import math

__all__ = ["TokenBucket"]


class TokenBucket:
    """Grant `rate` bytes a second, and up to `burst` at once; it begins full.

    Args:
        rate: bytes a second, more than 0.
        burst: bytes that a full bucket holds, more than 0; also the largest debt.

    Example:
        >>> bucket = TokenBucket(rate=1000.0, burst=500.0)
        >>> bucket.take(600, now=5.0)
        >>> bucket.available(now=5.0)
        -100.0
        >>> bucket.ready_at(0, now=5.0)
        5.1
    """

    __slots__ = ("_filled_at", "_level", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        """Bytes a second; may be changed, and counts from the next call on."""
        self.burst = burst
        """Bytes that a full bucket holds; may be changed."""
        self._level = burst
        self._filled_at = -math.inf

    def available(self, now: float) -> float:
        """Return how many bytes may leave now; less than 0 is a debt."""
        if now > self._filled_at:
            level = self._level + (now - self._filled_at) * self.rate
            # Not min and max, here and below: they cost more than all the rest.
            self._level = level if level < self.burst else self.burst  # noqa: FURB136
            self._filled_at = now
        return self._level

    def take(self, n: float, now: float) -> None:
        """Take bytes out, whether or not they are there."""
        level = self.available(now) - n
        # The debt is bounded: what must leave in any case does not block for ever.
        self._level = level if level > -self.burst else -self.burst  # noqa: FURB136

    def ready_at(self, n: float, now: float) -> float:
        """Return when `n` bytes, or a full bucket if that is less, are available."""
        missing = min(n, self.burst) - self.available(now)
        return now + missing / self.rate if missing > 0 else now
