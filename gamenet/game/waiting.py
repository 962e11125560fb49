# SPDX-License-Identifier: MIT
"""Wait once for something that ticks bring: Deferreds at the edge of a match.

A condition is a function that returns None until it holds. It is asked when the wait
begins, and then once a tick; nothing is made for those who do not wait. Each wait ends
in one of four ways: the condition holds, the author cancels, time is up, or the player
or the connection that it hangs on is gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet import defer
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from gamenet.errors import LocalProtocolError
from gamenet.world import Component, EntityId, World

__all__ = ["Waiting", "first_entity"]

T = TypeVar("T")

MAX_WAITS = 1024


class Waiting:
    """The waits of one player, or of one client.

    Args:
        reactor: gives delayed calls, for timeouts.
        limit: how many may wait at once.
    """

    def __init__(self, reactor: Any, limit: int = MAX_WAITS) -> None:
        self._reactor = reactor
        self._limit = limit
        self._waits: dict[Deferred[Any], Callable[[], Any]] = {}
        self._ended: Exception | None = None

    def __len__(self) -> int:
        return len(self._waits)

    def wait(
        self,
        condition: Callable[[], T | None],
        what: str,
        timeout: float | None = None,
    ) -> Deferred[T]:
        """Wait until a condition holds.

        Args:
            condition: returns None until it holds, and then what the Deferred gives.
            what: is waited for, in words for an error message.
            timeout: seconds; None waits for as long as it takes.

        Returns:
            A Deferred; cancel it to give up. It fails with Twisted's `TimeoutError`
            when time is up, with what the condition raises, and with the error given to
            `end`.

        Raises:
            LocalProtocolError: the timeout is negative or no number, or too many wait.
        """
        if timeout is not None and not 0 <= timeout < math.inf:
            msg = f"{what}: timeout = {timeout}: give seconds, or None to wait on"
            raise LocalProtocolError(msg)
        value = condition() if self._ended is None else None
        # Asked only now: the condition itself may have ended it all.
        if self._ended is not None:
            return fail(self._ended)
        if value is not None:
            return succeed(value)
        if len(self._waits) >= self._limit:
            msg = f"{what}: {self._limit} waits at once are the limit: cancel some"
            raise LocalProtocolError(msg)
        deferred: Deferred[T] = Deferred(self._forget)
        self._waits[deferred] = condition
        if timeout is not None:
            deferred.addTimeout(timeout, self._reactor, _TimedOut(what))
        return deferred

    def check(self) -> None:
        """Ask every condition, in the order in which the waits began.

        What is waited for meanwhile was asked just then, and is asked again next time.
        """
        for deferred, condition in list(self._waits.items()):
            # An earlier one's callback may have cancelled this one, or ended all.
            if deferred in self._waits:
                try:
                    value = condition()
                except Exception:  # noqa: BLE001 - it is for whoever waits
                    value = Failure()
                if value is not None and self._waits.pop(deferred, None) is not None:
                    # Given a Failure, a Deferred calls errbacks.
                    deferred.callback(value)

    def end(self, error: Exception) -> None:
        """Fail all that wait, and whoever will, because what they hang on is gone."""
        if self._ended is None:
            self._ended = error
        waits, self._waits = self._waits, {}
        for deferred in waits:
            if not deferred.called:
                deferred.errback(Failure(self._ended))

    def _forget(self, deferred: Deferred[Any]) -> None:
        self._waits.pop(deferred, None)


class _TimedOut:
    """Say what did not happen in time, in place of Twisted's own words."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __call__(self, _cancelled: Any, timeout: float) -> Any:
        msg = f"{self._what}: it did not happen within {timeout:g} s"
        raise defer.TimeoutError(msg)


def first_entity(world: World | None, component: type[Component]) -> EntityId | None:
    """Return the entity with a component that lives in the lowest row, if any does.

    Raises:
        LocalProtocolError: the world has no such component.
    """
    if world is None:
        return None
    rows = world.query(component)
    return world.id_of(int(rows[0])) if len(rows) else None
