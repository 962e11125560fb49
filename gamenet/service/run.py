# SPDX-License-Identifier: MIT
"""Run a crowd of bots against a server, in a reactor of their own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
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
from gamenet.game import GameClient
from gamenet.service.bots import Squad
from gamenet.service.invitation import address_of, fetch_invitation
from gamenet.service.process import install_reactor
from gamenet.service.report import Report
from gamenet.transport import ConnectSpec, parse_connect

__all__ = ["Crowd", "Outcome", "play", "run_crowd"]

_LOOK_EVERY = 0.25
"""Seconds between two looks at whether any bot plays still."""
_FAREWELL = 0.2
"""Seconds in which goodbyes leave, before the process ends."""


@dataclass(frozen=True)
class Crowd:
    """How many bots play where, and for how long."""

    n: int
    """Number of bots."""
    seconds: float
    """Time to play after the last one has joined."""
    seed: int = 0
    """Seed of all inputs."""
    server: str = ""
    """Web address of the server; empty if `connect` says where to."""
    connect: str = ""
    """Connect string of one listener."""
    transport: str = "udp"
    """Which of the server's transports to join by."""
    trust: str = ""
    """PEM file of certificates to trust; empty for the system's."""


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
    try:
        spec = await _find(reactor, crowd)
    except ConnectError as error:
        return _unreached(crowd, str(error))
    except CancelledError:
        report = Report(crowd.transport, crowd.n)
        return Outcome(report, {}, is_interrupted=True)

    def join(client: GameClient) -> Deferred[GameClient]:
        return client.connect(str(spec), tls_trust=crowd.trust or None)

    squad = Squad(reactor, join, crowd.seed)
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
    return Outcome(squad.report(spec.transport), squad.complaints, is_interrupted)


async def _find(reactor: Any, crowd: Crowd) -> ConnectSpec:
    if crowd.connect:
        return parse_connect(crowd.connect)
    invitation = await fetch_invitation(reactor, crowd.server, crowd.trust)
    return address_of(invitation, crowd.transport)


def _unreached(crowd: Crowd, complaint: str) -> Outcome:
    """Return the outcome where even the web address does not say where to join."""
    report = Report(crowd.transport, crowd.n, errors=crowd.n)
    return Outcome(report, {complaint: 1}, is_interrupted=False)


def run_crowd(crowd: Crowd) -> Outcome:
    """Run `play` in a reactor until it is done; Ctrl-C cancels it."""
    install_reactor()
    from twisted.internet import reactor as installed  # noqa: PLC0415

    reactor: Any = installed
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
    results: list[Any] = []

    def finish(result: Any) -> None:
        results.append(result)
        reactor.stop()

    def begin() -> None:
        playing = ensureDeferred(play(reactor, crowd))
        playing.addBoth(finish)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: reactor.callFromThread(playing.cancel))

    reactor.callWhenRunning(begin)
    reactor.run()
    (result,) = results
    if isinstance(result, Failure):
        if result.check(CancelledError):
            raise KeyboardInterrupt
        result.raiseException()
    return result
