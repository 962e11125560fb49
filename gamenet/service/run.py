# SPDX-License-Identifier: MIT
"""Run a crowd of bots against a server, in a reactor of their own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, ensureDeferred
from twisted.internet.task import deferLater
from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)
from twisted.python.failure import Failure

from gamenet.errors import ConnectError
from gamenet.service.bots import Squad
from gamenet.service.process import install_reactor
from gamenet.service.report import Report
from gamenet.service.tickets import Crowd, Tickets

__all__ = ["Crowd", "Outcome", "play", "run_crowd", "run_to_end"]

_LOOK_EVERY = 0.25
"""Seconds between two looks at whether any bot plays still."""
_FAREWELL = 0.2
"""Seconds in which goodbyes leave, before the process ends."""


@dataclass(frozen=True)
class Outcome:
    """What became of a crowd."""

    report: Report
    """What the bots measured."""
    complaints: Mapping[str, int]
    """What went wrong, and how often."""
    is_interrupted: bool
    """Whether the bots were stopped before their time."""


async def play(reactor: Any, crowd: Crowd) -> Outcome:
    """Let a crowd of bots play; cancelling ends the play early, not the report.

    Raises:
        ConfigError: an address is malformed.
    """
    tickets = Tickets(reactor, crowd)
    try:
        await tickets.open()
    except ConnectError as error:
        return _unreached(crowd, str(error))
    except CancelledError:
        report = Report(crowd.transport, crowd.n)
        return Outcome(report, {}, is_interrupted=True)
    squad = Squad(reactor, tickets.invite, crowd.seed)
    is_interrupted = False
    try:
        await squad.gather(crowd.n)
        end = reactor.seconds() + crowd.seconds
        while squad.n_playing and (left := end - reactor.seconds()) > 0:
            await deferLater(reactor, min(left, _LOOK_EVERY))
    except CancelledError:
        is_interrupted = True
    squad.leave()
    await deferLater(reactor, _FAREWELL)
    return Outcome(squad.report(tickets.transport), squad.complaints, is_interrupted)


def _unreached(crowd: Crowd, complaint: str) -> Outcome:
    """Return the outcome where even the web address does not say where to join."""
    report = Report(crowd.transport, crowd.n, errors=crowd.n)
    return Outcome(report, {complaint: 1}, is_interrupted=False)


def run_crowd(crowd: Crowd) -> Outcome:
    """Run `play` in a reactor until it is done; Ctrl-C cancels it."""
    outcome: Outcome = run_to_end(lambda reactor: play(reactor, crowd))
    return outcome


def run_to_end(begin: Callable[[Any], Any]) -> Any:
    """Run a reactor until something has come to its end, and return its result.

    Args:
        begin: given the reactor, returns a coroutine or a Deferred; Ctrl-C and SIGTERM
            cancel it.

    Raises:
        KeyboardInterrupt: it was cancelled, and had no result.
    """
    install_reactor()
    from twisted.internet import reactor as installed  # noqa: PLC0415

    reactor: Any = installed
    _log_warnings()
    results: list[Any] = []

    def finish(result: Any) -> None:
        results.append(result)
        reactor.stop()

    def start() -> None:
        begun = begin(reactor)
        running = begun if isinstance(begun, Deferred) else ensureDeferred(begun)
        running.addBoth(finish)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reactor.callFromThread(running.cancel))

    reactor.callWhenRunning(start)
    reactor.run()
    (result,) = results
    if isinstance(result, Failure):
        if result.check(CancelledError):
            raise KeyboardInterrupt
        result.raiseException()
    return result


def _log_warnings() -> None:
    """Show warnings and errors of the log, and nothing else of it."""
    globalLogBeginner.beginLoggingTo(
        [
            FilteringLogObserver(
                textFileLogObserver(sys.stderr),
                [LogLevelFilterPredicate(LogLevel.warn)],
            )
        ],
        discardBuffer=True,
        redirectStandardIO=False,
    )
