# SPDX-License-Identifier: MIT
"""A clock that stands still until a test moves it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from typing import Any

from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock as TaskClock

__all__ = ["Clock"]


class Clock(TaskClock):
    """Twisted's test clock, exact to the call.

    Twisted's own `advance` shows every call the time at which the step ends, so that a
    packet due in 5 ms would seem to take as long as the step. This one shows each call
    its own moment. It also keeps its calls in order instead of sorting them each time,
    which a long match feels.
    """

    def callLater(
        self,
        delay: float,
        callable: Callable[..., Any],  # noqa: A002 - Twisted's name
        *args: object,
        **kw: object,
    ) -> DelayedCall:
        """Arrange a call for later, as a reactor does."""
        call = DelayedCall(
            self.seconds() + delay,
            callable,
            args,
            kw,
            self.calls.remove,
            lambda _call: self._sortCalls(),
            self.seconds,
        )
        insort(self.calls, call, key=DelayedCall.getTime)
        return call

    def advance(self, amount: float) -> None:
        """Move time on, making every delayed call at its moment."""
        target = self.rightNow + amount
        while self.calls and self.calls[0].getTime() <= target:
            call = self.calls.pop(0)
            call.called = 1
            self.rightNow = max(self.rightNow, call.getTime())
            call.func(*call.args, **call.kw)
        self.rightNow = target
