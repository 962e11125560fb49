# SPDX-License-Identifier: MIT
"""Carry packets through an impairment, in the time of a clock.

An `Impairment` says when packets arrive; a `Path` holds them until then. It has one
delayed call, for the next arrival, and delivers packets that arrive at the same time in
the order in which they were sent, which the delayed calls of a reactor do not promise.

A path of datagrams drops what is too much; one of a stream never does, but says when it
is full, so that its sender waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from gamenet.transport.clock import monotonic_seconds
from gamenet.transport.impairment import Impairment

__all__ = ["Path"]

_MOST_TRAVELLING = 16_384
"""Packets on their way at once: 80 ms of 2 Gbit/s. Beyond it a hostile sender would
fill our memory."""
_ROUNDING = 1e-9
"""Seconds that a delayed call may seem to fire early, because times are added."""
_SHORTEST_WAIT = 0.001
"""Seconds between two looks at whether a full path has room again."""


class Path:
    """One direction of one link.

    Args:
        clock: gives delayed calls and the time.
        impairment: what happens to the packets; its state is this path's alone.
        deliver: called with each packet that arrives.
        in_order: whether this is a stream, which loses nothing and keeps the order.
    """

    def __init__(
        self,
        clock: Any,
        impairment: Impairment,
        deliver: Callable[[bytes], object],
        *,
        in_order: bool = False,
    ) -> None:
        self.impairment = impairment
        self._clock = clock
        self._seconds = monotonic_seconds(clock)
        self._deliver = deliver
        self._in_order = in_order
        self._travelling: list[tuple[float, int, bytes]] = []
        self._serial = count()
        self._call: Any = None
        self._room_call: Any = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._travelling)

    @property
    def is_full(self) -> bool:
        """Return whether a sender that can wait should."""
        if len(self._travelling) >= _MOST_TRAVELLING:
            return True
        impairment = self.impairment
        return impairment.backlog(now=self._seconds()) > impairment.queue

    def send(self, packet: bytes) -> None:
        """Send a packet; it arrives later, never within this call."""
        if self._is_closed:
            return
        now = self._seconds()
        for time in self._arrivals(len(packet), now):
            heappush(self._travelling, (time, next(self._serial), packet))
        if self._travelling:
            self._arm(now)

    def when_room(self, call: Callable[[], object]) -> None:
        """Call back once, as soon as a path that is full has room again."""
        if self._room_call is None and not self._is_closed:
            self._wait_for_room(call)

    def flush(self) -> None:
        """Deliver everything now that is still on its way, in its order."""
        arriving = sorted(self._travelling)
        self._travelling.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._arrive(packet for _, _, packet in arriving)

    def close(self) -> None:
        """Lose what is still on its way, and carry nothing any more."""
        self._is_closed = True
        self._travelling.clear()
        for call in (self._call, self._room_call):
            if call is not None:
                call.cancel()
        self._call = self._room_call = None

    def _arrivals(self, size: int, now: float) -> list[float]:
        if self._in_order:
            return [self.impairment.carry(size, now=now)]
        if len(self._travelling) >= _MOST_TRAVELLING:
            self.impairment.refuse()
            return []
        return self.impairment.admit(size, now=now)

    def _arm(self, now: float) -> None:
        delay = max(0.0, self._travelling[0][0] - now)
        if self._call is None:
            self._call = self._clock.callLater(delay, self._wake)
        else:
            self._call.reset(delay)

    def _wake(self) -> None:
        self._call = None
        now = self._seconds()
        arrived = []
        while self._travelling and self._travelling[0][0] <= now + _ROUNDING:
            arrived.append(heappop(self._travelling)[2])
        if self._travelling:
            self._arm(now)
        self._arrive(arrived)

    def _arrive(self, packets: Iterable[bytes]) -> None:
        for packet in packets:
            # The packet before may have ended the connection, and closed this path.
            if self._is_closed:
                return
            self._deliver(packet)

    def _wait_for_room(self, call: Callable[[], object]) -> None:
        wait = self.impairment.backlog(now=self._seconds()) - self.impairment.queue / 2
        self._room_call = self._clock.callLater(
            max(wait, _SHORTEST_WAIT), self._look_for_room, call
        )

    def _look_for_room(self, call: Callable[[], object]) -> None:
        self._room_call = None
        if self.is_full:
            self._wait_for_room(call)
        else:
            call()
