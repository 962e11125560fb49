# SPDX-License-Identifier: MIT
"""Say how long to wait before the next attempt, so that a crowd does not come at once.

Each wait is drawn evenly between nothing and a bound that doubles ("full jitter").

Source: Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog 2015.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Backoff"]

FIRST = 0.25
LONGEST = 8.0


class Backoff:
    """Wait longer with each attempt that fails.

    Args:
        draw: returns a number from 0 to 1.
        first: bound of the first wait, in seconds.
        longest: bound of every wait, in seconds.
    """

    def __init__(
        self,
        draw: Callable[[], float],
        first: float = FIRST,
        longest: float = LONGEST,
    ) -> None:
        self._draw = draw
        self._first = first
        self._longest = longest
        self.n_attempts = 0
        """Attempts since the last success."""

    def wait(self) -> float:
        """Return how many seconds to wait before the next attempt."""
        bound = min(self._first * 2.0 ** min(self.n_attempts, 30), self._longest)
        self.n_attempts += 1
        return bound * self._draw()

    def succeed(self) -> None:
        """Begin anew: an attempt has succeeded."""
        self.n_attempts = 0
