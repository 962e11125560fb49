# SPDX-License-Identifier: MIT
"""The one timer of a client: when a tick of its own begins, or inputs go once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["OwnTicks"]

SOONEST = 1e-4
"""Seconds: a reactor that wakes a hair too early is not asked again at once."""


class OwnTicks:
    """Wake when something is due.

    Args:
        reactor: gives delayed calls.
        on_due: called each time; returns the seconds until the next time, or None.
    """

    def __init__(self, reactor: Any, on_due: Callable[[], float | None]) -> None:
        self._reactor = reactor
        self._on_due = on_due
        self._call: Any = None

    def wake_in(self, seconds: float) -> None:
        """Wake after some seconds, and not when was agreed before."""
        delay = max(seconds, SOONEST)
        if self._call is not None and self._call.active():
            self._call.reset(delay)
        else:
            self._call = self._reactor.callLater(delay, self._wake)

    def stop(self) -> None:
        """Wake no more."""
        call, self._call = self._call, None
        if call is not None and call.active():
            call.cancel()

    def _wake(self) -> None:
        seconds = self._on_due()
        if seconds is not None:
            self.wake_in(seconds)
