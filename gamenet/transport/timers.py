# SPDX-License-Identifier: MIT
"""Wake many connections with one delayed call.

Every connection has a next timeout, which moves with each packet. To cancel and make a
delayed call for each would cost more than the packet. Here a factory has one delayed
call, armed for the earliest timeout, and fired at most every `RESOLUTION` seconds.

A sleeper keeps at most one live alarm in a heap. A timeout that moves to a later time
leaves the alarm where it is: it rings too early, finds nothing to do, and is set anew.
Only a timeout that moves to an earlier time costs another entry, and the old one is
recognised as stale when it comes up. So a packet that is received costs no heap
operation; its connection is put on a list and looked at when the call next fires.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, Protocol

__all__ = ["RESOLUTION", "Sleeper", "TimerSet"]

RESOLUTION = 0.01
"""Least number of seconds between two firings: less than half of the 25 ms in which a
connection must acknowledge."""

_FEW = 16
"""So many sleepers that are gone may stay in the heap, however small it is."""

_ROUNDING = 1e-6
"""Seconds that a delayed call may seem to fire early, because times are added."""


class Sleeper(Protocol):
    """What can be woken."""

    alarm: float
    """Time of its live alarm; kept by the timer set, infinite at first."""

    def next_timeout(self) -> float | None:
        """Return when to be woken next."""

    def wake(self, *, now: float) -> None:
        """Do what is due, if anything, and schedule again."""

    def settle(self) -> None:
        """Look at what arrived since the last firing, and schedule again."""


class TimerSet:
    """Wake sleepers at their timeouts.

    Args:
        clock: what delayed calls are made on.
        seconds: tells the time.
    """

    def __init__(self, clock: Any, seconds: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._heap: list[tuple[float, int, Sleeper]] = []
        self._n_forgotten = 0
        self._touched: list[Sleeper] = []
        self._serial = count()
        self._call: Any = None
        self._armed_for = math.inf
        self._last_fired = -math.inf

    def schedule(self, sleeper: Sleeper) -> None:
        """Make sure that a sleeper is woken at its next timeout or before."""
        deadline = sleeper.next_timeout()
        if deadline is None or deadline >= sleeper.alarm:
            return
        sleeper.alarm = deadline
        heappush(self._heap, (deadline, next(self._serial), sleeper))
        self._arm(deadline)

    def touch(self, sleeper: Sleeper) -> None:
        """Have a sleeper settled at the next firing, which comes within RESOLUTION."""
        self._touched.append(sleeper)
        self._arm(-math.inf)

    def forget(self, sleeper: Sleeper) -> None:
        """Never wake a sleeper again, and let go of it before long."""
        sleeper.alarm = -math.inf
        self._n_forgotten += 1
        if self._n_forgotten > max(_FEW, len(self._heap) / 2):
            self._compact()

    def stop(self) -> None:
        """Forget every sleeper and leave no delayed call behind."""
        self._heap.clear()
        self._n_forgotten = 0
        self._touched.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._armed_for = math.inf

    def _compact(self) -> None:
        """Drop the alarms that are stale; else they stay until they would ring."""
        self._heap = [each for each in self._heap if each[0] == each[2].alarm]
        heapify(self._heap)
        self._n_forgotten = 0

    def _arm(self, deadline: float) -> None:
        """Fire at a deadline, or as soon after it as the resolution allows."""
        when = max(deadline, self._last_fired + RESOLUTION)
        if when >= self._armed_for:
            return
        self._armed_for = when
        delay = max(0.0, when - self._seconds())
        if self._call is None:
            self._call = self._clock.callLater(delay, self._fire)
        else:
            self._call.reset(delay)

    def _fire(self) -> None:
        self._call = None
        self._armed_for = math.inf
        now = self._last_fired = self._seconds()
        touched, self._touched = self._touched, []
        for sleeper in touched:
            sleeper.settle()
        for deadline, sleeper in self._take_due(now + _ROUNDING):
            sleeper.wake(now=max(now, deadline))
        if self._heap:
            self._arm(self._heap[0][0])

    def _take_due(self, limit: float) -> list[tuple[float, Sleeper]]:
        """Remove what is due before anything is woken, so that nothing rings twice."""
        due = []
        while self._heap and self._heap[0][0] <= limit:
            deadline, _, sleeper = heappop(self._heap)
            if deadline == sleeper.alarm:
                sleeper.alarm = math.inf
                due.append((deadline, sleeper))
        return due
