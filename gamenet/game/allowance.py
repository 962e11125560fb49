# SPDX-License-Identifier: MIT
"""Bound how often something may happen, with room for bursts.

Source: the token bucket of RFC 2475, section 2.3.3.
"""

from __future__ import annotations

__all__ = ["Allowance"]


class Allowance:
    """Grant `rate` things a second, and up to `burst` at once.

    Args:
        burst: how many may come at once.
        rate: how many a second are granted anew.
    """

    def __init__(self, burst: float, rate: float) -> None:
        self._burst = burst
        self._rate = rate
        self._left = burst

    def pass_time(self, seconds: float) -> None:
        """Grant what the time brings."""
        if self._left < self._burst:
            self._left = min(self._burst, self._left + self._rate * seconds)

    def grant_absence(self, seconds: float) -> None:
        """Grant what an absence would have brought, beyond the burst.

        What somebody could not send in that time comes all at once.
        """
        self._left += self._rate * seconds

    def take(self) -> bool:
        """Use one up; return False when there is none left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True
