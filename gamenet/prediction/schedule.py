# SPDX-License-Identifier: MIT
"""Calls that are to be made at a tick."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gamenet.errors import LocalProtocolError

__all__ = ["Schedule", "Scheduled"]

MAX_WAITING = 65_536


@dataclass(order=True, slots=True)
class Scheduled:
    """A call that waits for its tick; calling it makes it, unless it was cancelled."""

    tick: int
    """The tick at which it is made."""
    number: int
    """Which of all that were scheduled it is."""
    function: Callable[..., Any] = field(compare=False)
    """What is called."""
    args: tuple[Any, ...] = field(compare=False)
    """What it is called with."""
    is_cancelled: bool = field(compare=False, default=False)
    """Whether it will never be made."""

    def cancel(self) -> None:
        """Never make this call; without effect if it was made."""
        self.is_cancelled = True

    def __call__(self) -> Any:
        """Make the call; of a cancelled one nothing comes.

        It may be cancelled in its own tick, by a call that is made before it.
        """
        return None if self.is_cancelled else self.function(*self.args)


class Schedule:
    """Keep calls until their tick, in the order of ticks, then of scheduling."""

    def __init__(self) -> None:
        self._waiting: list[Scheduled] = []
        self._n_scheduled = 0

    def __len__(self) -> int:
        """Return how many calls wait."""
        return sum(not call.is_cancelled for call in self._waiting)

    def at(self, tick: int, function: Callable[..., Any], *args: Any) -> Scheduled:
        """Schedule a call for a tick; one that is over is due at once.

        Args:
            tick: when.
            function: what to call.
            *args: what to call it with.

        Returns:
            The call, which may be cancelled.

        Raises:
            LocalProtocolError: 65,536 calls wait already.
        """
        if len(self._waiting) >= MAX_WAITING:
            self._waiting = [call for call in self._waiting if not call.is_cancelled]
            heapq.heapify(self._waiting)
        if len(self._waiting) >= MAX_WAITING:
            msg = (
                f"{len(self._waiting)} calls are scheduled, the limit is {MAX_WAITING}:"
                " cancel some, or let one call do the work of many"
            )
            raise LocalProtocolError(msg)
        self._n_scheduled += 1
        call = Scheduled(tick, self._n_scheduled, function, args)
        heapq.heappush(self._waiting, call)
        return call

    def due(self, tick: int) -> list[Scheduled]:
        """Return the calls of all ticks up to one; they wait no more.

        One that is scheduled while these are made is due the next time, even if its
        tick is over; so no call can keep a tick from ending.
        """
        calls = []
        while self._waiting and self._waiting[0].tick <= tick:
            call = heapq.heappop(self._waiting)
            if not call.is_cancelled:
                calls.append(call)
        return calls
