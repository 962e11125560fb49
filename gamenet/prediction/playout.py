# SPDX-License-Identifier: MIT
"""When to show what arrived: the view's time, behind the newest snapshot.

    y = arrival of a snapshot - time of the newest one before it

A view that is delayed by `y` has data until that snapshot comes. Jitter, loss and the
pace at which the server sends are all in it. The delay grows by what is missing and
shrinks by a four-hundredth of the time that passes; so it settles where that share of
time is without fresh data, whatever the link does. It is never below what a single lost
snapshot needs.
"""

from __future__ import annotations

from collections import deque

__all__ = ["Playout"]

STALE_SHARE = 1 / 400
MAX_CHANGE = 0.1  # of the speed
CATCH_UP = 1.0  # seconds in which an error would be made up, were it not for the limit
FAR = 0.5  # seconds: beyond this the view jumps ahead, or waits
LATEST = 0.25  # seconds: the view goes no further beyond the newest snapshot
OUTAGE = 0.5  # seconds without a snapshot that no delay should bridge
OUTAGE_PACES = 5.0
SMOOTHING = 1 / 32
N_PACES = 15


class Playout:
    """Run the view's time line.

    Args:
        tick_rate: ticks a second.
        delay: seconds after its mean arrival at which a snapshot is shown; None adapts
            it to the link.
    """

    def __init__(self, tick_rate: float, delay: float | None = None) -> None:
        self._tick_rate = tick_rate
        self._is_fixed = delay is not None
        self._paces: deque[int] = deque(maxlen=N_PACES)
        self._lag = 0.0
        self._arrived_at = 0.0
        self._n_arrived = 0
        self._view: float | None = None
        self._now = 0.0
        self.newest: int | None = None
        """The newest snapshot's tick, None before the first."""
        self.delay = delay or 0.0
        """Seconds after its mean arrival at which a snapshot is shown."""
        self.jitter = 0.0
        """Mean deviation of the arrivals from their mean, in seconds."""
        self.speed = 1.0
        """Seconds of the view in a second: 0.9 to 1.1 but for jumps and waits."""
        self.n_views = 0
        """How often `view_tick` was asked at another instant."""
        self.n_stale = 0
        """How often the view was beyond the newest snapshot then."""

    @property
    def pace(self) -> float:
        """Return the seconds between two snapshots, as the server makes them."""
        paces = sorted(self._paces)
        return (paces[len(paces) // 2] if paces else 1) / self._tick_rate

    def arrived(self, tick: int, now: float) -> None:
        """Note a snapshot; one that is older than the newest changes nothing.

        Args:
            tick: its tick.
            now: when it came, in seconds.
        """
        if self.newest is not None and tick <= self.newest:
            return
        lag = now - tick / self._tick_rate
        self._n_arrived += 1
        if self.newest is None:
            self._lag = lag
            if not self._is_fixed:
                self.delay = 2 * self.pace
        else:
            self._paces.append(tick - self.newest)
            self._follow(lag, now)
        self.newest, self._arrived_at = tick, now

    def view_tick(self, now: float) -> float:
        """Return the tick, with a fraction, at which others are drawn now.

        It never goes back. Before the first snapshot it is 0.
        """
        if self.newest is None:
            return 0.0
        target = (now - self._lag - self.delay) * self._tick_rate
        if self._view is None:
            self._view, self._now = target, now
        passed = now - self._now
        if passed > 0.0:
            self._advance(target, passed)
            self._now = now
            self.n_views += 1
            self.n_stale += self._view > self.newest
        return self._view

    def is_stale(self, now: float) -> bool:
        """Return whether the view is beyond the newest snapshot."""
        return self.newest is not None and self.view_tick(now) > self.newest

    def _advance(self, target: float, passed: float) -> None:
        """Move the view towards where it should be."""
        view = self._view or 0.0
        error = (target - view) / self._tick_rate - passed
        if error > FAR:
            self.speed, moved = 1.0, target
        else:
            change = error / CATCH_UP
            self.speed = 1.0 + min(max(change, -MAX_CHANGE), MAX_CHANGE)
            if error < -FAR:
                self.speed = 0.0
            moved = view + passed * self.speed * self._tick_rate
        # Nothing is shown so late; and if the server stood still, it had to wait.
        end = (self.newest or 0) + LATEST * self._tick_rate
        self._view = min(moved, max(view, end))

    def _follow(self, lag: float, now: float) -> None:
        """Take an arrival into mean, deviation and delay."""
        waited = now - self._arrived_at
        is_other = abs(lag - self._lag) > FAR
        if is_other:
            self._lag = lag
        if is_other or waited > max(OUTAGE, OUTAGE_PACES * self.pace):
            return
        weight = max(SMOOTHING, 1 / self._n_arrived)
        self.jitter += (abs(lag - self._lag) - self.jitter) * weight
        self._lag += (lag - self._lag) * weight
        if self._is_fixed:
            return
        newest = self.newest or 0
        needed = now - newest / self._tick_rate - self._lag
        self.delay += max(needed - self.delay, 0.0)
        self.delay -= STALE_SHARE * waited
        self.delay = max(self.delay, 2 * self.pace)
