# SPDX-License-Identifier: MIT
"""Call a function at a steady rate, without drift, and own up to being late.

Each tick has its moment, counted from the first one, so rounding and slow ticks never
add up. After a hold-up the missed ticks are made good, up to a limit; what is beyond it
is skipped and counted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gamenet.ticks import seconds_of, tick_at
from gamenet.transport import monotonic_seconds

__all__ = ["Ticker"]

MAX_CATCH_UP = 5
LAST_FRACTION = 1 - 2**-16  # of a tick: the last that feedback can tell


class Ticker:
    """Tick.

    Args:
        clock: gives delayed calls and the time (a reactor, or a test's clock).
        rate: ticks a second.
        on_tick: called once for each tick.
    """

    def __init__(self, clock: Any, rate: float, on_tick: Callable[[], None]) -> None:
        self._clock = clock
        self._seconds = monotonic_seconds(clock)
        self._rate = rate
        self._on_tick = on_tick
        self._call: Any = None
        self._began = 0.0
        self._last = 0.0
        self._n_due = 0
        self.n_ticks = 0
        """Ticks made."""
        self.n_late = 0
        """Ticks made after the moment of the next one."""
        self.n_skipped = 0
        """Ticks never made, because too many were missed at once."""

    @property
    def is_running(self) -> bool:
        """Return whether ticks are coming."""
        return self._call is not None

    def seconds_since_tick(self) -> float:
        """Return how long ago the last tick was, or the start before the first."""
        return self._seconds() - self._last

    def fraction(self) -> float:
        """Return how much of the present tick has passed: 0 to just below 1.

        It goes by the moments at which ticks are due, not by those at which they were
        made. So a tick that comes late changes nothing; it has not begun before it is
        made, and what was made up for lies behind. It is 0 while none is coming.
        """
        if not self.is_running:
            return 0.0
        passed = (self._seconds() - self._began) * self._rate - self._n_due
        return min(max(passed, 0.0), LAST_FRACTION)

    def start(self) -> None:
        """Begin: the first tick comes after one period."""
        self._began = self._last = self._seconds()
        self._n_due = 0
        self._arm()

    def stop(self) -> None:
        """End: no tick comes any more."""
        call, self._call = self._call, None
        if call is not None and call.active():
            call.cancel()

    def _arm(self) -> None:
        moment = self._began + seconds_of(self._n_due + 1, self._rate)
        delay = max(0.0, moment - self._seconds())
        self._call = self._clock.callLater(delay, self._wake)

    def _wake(self) -> None:
        n_now = tick_at(self._seconds() - self._began, self._rate)
        n_behind = n_now - self._n_due
        if n_behind > MAX_CATCH_UP:
            self.n_skipped += n_behind - MAX_CATCH_UP
            self._n_due = n_now - MAX_CATCH_UP
        self.n_late += max(0, min(n_behind, MAX_CATCH_UP) - 1)
        try:
            self._make(min(n_behind, MAX_CATCH_UP))
        finally:
            # What a tick raises is for the reactor to log; the next one comes anyway.
            if self._call is not None:
                self._arm()

    def _make(self, n_ticks: int) -> None:
        for _ in range(n_ticks):
            self._n_due += 1
            self.n_ticks += 1
            self._last = self._seconds()
            self._on_tick()
            if self._call is None:
                return
