# SPDX-License-Identifier: MIT
"""Keep a log readable whatever the peers do.

A peer that comes and goes without end, or makes a callback raise again and again, must
not fill a disk. So what peers can cause is written a few times at once, and once a
second on the whole; the next line that is written says how many were held back.
"""

from __future__ import annotations

from collections.abc import Callable

from gamenet.connection import TokenBucket

__all__ = ["Throttle", "printable"]

_AT_ONCE = 10
_LONGEST = 200


class Throttle:
    """Let lines into the log, one a second on the whole.

    Args:
        seconds: tells the time.
        burst: how many lines may be written at once.

    Example:
        >>> throttle = Throttle(lambda: 0.0, burst=2)
        >>> [throttle.more() for _ in range(3)]
        ['', '', None]
    """

    def __init__(self, seconds: Callable[[], float], burst: int = _AT_ONCE) -> None:
        self.n_held = 0
        """Lines that were held back since the last one that was written."""
        self._seconds = seconds
        self._bucket = TokenBucket(rate=1.0, burst=burst)

    def more(self) -> str | None:
        """Return what to write behind a line, or None if it is not to be written."""
        now = self._seconds()
        if self._bucket.available(now) < 1:
            self.n_held += 1
            return None
        self._bucket.take(1, now)
        n_held, self.n_held = self.n_held, 0
        return f" (held back before this: {n_held})" if n_held else ""


def printable(text: str) -> str:
    """Return what a peer said, fit for a log: one short line, no control characters."""
    shown = "".join(each if each.isprintable() else " " for each in text[:_LONGEST])
    return " ".join(shown.split())
