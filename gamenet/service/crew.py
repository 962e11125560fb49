# SPDX-License-Identifier: MIT
"""The bots that a server brings along: company for the first player of the day.

They join over a network in memory, as players do over UDP: through the same handshake,
the same snapshots, the same limits. One that is sent away or times out comes back, but
not at once, and ever later where it cannot stay.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from gamenet.game import Game, GameClient
from gamenet.service.bots import Bot, Squad, known
from gamenet.transport import MemoryNetwork

__all__ = ["Crew"]

ADDRESS = "memory:bots"
_FIRST_DELAY = 1.0
"""Seconds before a bot that is gone joins again; twice as many after each time."""
_LONGEST_DELAY = 30.0
"""Seconds that it waits at most; one that stayed longer starts anew."""


class Crew(Service):
    """Keeps a number of bots in the game.

    Args:
        reactor: gives delayed calls and the time.
        network: where the server listens at `ADDRESS`.
        n: number of bots.
        seed: of their inputs.
        game: what they play.
    """

    name = "bots"
    log = Logger(namespace="gamenet.bots")

    def __init__(
        self,
        reactor: Any,
        network: MemoryNetwork,
        n: int,
        seed: int,
        game: type[Game],
    ) -> None:
        self._reactor = reactor
        self._network = network
        self._n = n
        self._squad = Squad(reactor, known(self._join), seed, game)
        self._squad.on_gone = self._gone  # type: ignore[method-assign]
        self._has_gathered = False
        self._joining: set[Deferred[Any]] = set()
        self._delays: dict[int, float] = {}
        self._returns: dict[int, Any] = {}

    def _join(self, client: GameClient) -> Deferred[GameClient]:
        return client.connect(ADDRESS, memory=self._network)

    def startService(self) -> None:
        """Let the bots join."""
        super().startService()
        self._watch(self._squad.gather(self._n).addCallback(self._gathered))

    def _watch(self, joining: Deferred[Any]) -> None:
        """Keep what can be cancelled, until it is over."""
        self._joining.add(joining)
        joining.addErrback(self._broken)
        joining.addBoth(lambda _: self._joining.discard(joining))

    def _gathered(self, _: object) -> None:
        self._has_gathered = True
        n = self._squad.n_playing
        if n == self._n:
            self.log.info("{n} bots joined", n=n)
        else:
            why = "; ".join(self._squad.complaints)
            text = "{n} of {all} bots joined: {why}"
            self.log.warn(text, n=n, all=self._n, why=why)  # noqa: G010 - no stdlib

    def _broken(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the bots cannot join", failure)

    def _gone(self, bot: Bot, why: str) -> None:
        """Have a bot join again that could not, or that lost its connection."""
        if bot in self._squad.bots:
            # What it measured goes with it, or a long night would fill the memory.
            self._squad.bots.remove(bot)
        if self._has_gathered:
            self._squad.complaints.clear()
        if not self.running:
            return
        last = self._delays.get(bot.number)
        if last is None or bot.time > _LONGEST_DELAY:
            delay = _FIRST_DELAY
        else:
            delay = min(2 * last, _LONGEST_DELAY)
        self._delays[bot.number] = delay
        if bot.joined_at is not None:
            text = "bot {number} is out: {why}; it joins again in {delay:g} s"
            self.log.info(text, number=bot.number, why=why, delay=delay)
        again = partial(self._return, bot.number)
        self._returns[bot.number] = self._reactor.callLater(delay, again)

    def _return(self, number: int) -> None:
        del self._returns[number]
        self._watch(self._squad.add(number))

    def stopService(self) -> None:
        """Have the bots leave."""
        super().stopService()
        for call in self._returns.values():
            call.cancel()
        self._returns.clear()
        for joining in list(self._joining):
            joining.cancel()
        self._squad.leave()
