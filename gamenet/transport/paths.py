# SPDX-License-Identifier: MIT
"""Carry packets through an impairment, in the time of a clock.

An `Impairment` says when packets arrive; a `Path` holds them until then. It has one
delayed call, for the next arrival, and delivers packets that arrive at the same time in
the order in which they were sent, which the delayed calls of a reactor do not promise.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from gamenet.transport.clock import monotonic_seconds
from gamenet.transport.impairment import Impairment

__all__ = ["Path"]


class Path:
    """One direction of one link.

    Args:
        clock: gives delayed calls and the time.
        impairment: what happens to the packets; its state is this path's alone.
        deliver: called with each packet that arrives.
    """

    def __init__(
        self, clock: Any, impairment: Impairment, deliver: Callable[[bytes], object]
    ) -> None:
        self._clock = clock
        self._seconds = monotonic_seconds(clock)
        self._impairment = impairment
        self._deliver = deliver
        self._travelling: list[tuple[float, int, bytes]] = []
        self._serial = count()
        self._call: Any = None

    def send(self, packet: bytes) -> None:
        """Send a packet; it arrives later, never within this call."""
        now = self._seconds()
        for time in self._impairment.admit(len(packet), now=now):
            heappush(self._travelling, (time, next(self._serial), packet))
        if self._travelling:
            self._arm(now)

    def close(self) -> None:
        """Lose what is still on its way."""
        self._travelling.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _arm(self, now: float) -> None:
        delay = max(0.0, self._travelling[0][0] - now)
        if self._call is None:
            self._call = self._clock.callLater(delay, self._arrive)
        else:
            self._call.reset(delay)

    def _arrive(self) -> None:
        self._call = None
        now = self._seconds()
        arrived = []
        while self._travelling and self._travelling[0][0] <= now + _ROUNDING:
            arrived.append(heappop(self._travelling)[2])
        if self._travelling:
            self._arm(now)
        for packet in arrived:
            self._deliver(packet)


_ROUNDING = 1e-9
"""Seconds that a delayed call may seem to fire early, because times are added."""
