# SPDX-License-Identifier: MIT
"""The bots that a server brings along: company for the first player of the day.

They join over a network in memory, as players do over UDP: through the same handshake,
the same snapshots, the same limits.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from gamenet.game import GameClient
from gamenet.service.bots import Squad
from gamenet.transport import MemoryNetwork

__all__ = ["Crew"]

ADDRESS = "memory:bots"


class Crew(Service):
    """Keeps a number of bots in the game.

    Args:
        reactor: gives delayed calls and the time.
        network: where the server listens at `ADDRESS`.
        n: number of bots.
        seed: of their inputs.
    """

    name = "bots"
    log = Logger(namespace="gamenet.bots")

    def __init__(self, reactor: Any, network: MemoryNetwork, n: int, seed: int) -> None:
        self._network = network
        self._n = n
        self._squad = Squad(reactor, self._join, seed)
        self._gathering: Deferred[Any] | None = None

    def _join(self, client: GameClient) -> Deferred[GameClient]:
        return client.connect(ADDRESS, memory=self._network)

    def startService(self) -> None:
        """Let the bots join."""
        super().startService()
        self._gathering = self._squad.gather(self._n)
        self._gathering.addCallback(self._gathered)
        self._gathering.addErrback(self._not_gathered)

    def _gathered(self, _: object) -> None:
        n = len(self._squad.bots)
        if n == self._n:
            self.log.info("{n} bots joined", n=n)
        else:
            why = "; ".join(self._squad.complaints)
            text = "{n} of {all} bots joined: {why}"
            self.log.warn(text, n=n, all=self._n, why=why)  # noqa: G010 - no stdlib

    def _not_gathered(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the bots cannot join", failure)

    def stopService(self) -> None:
        """Have the bots leave."""
        super().stopService()
        if self._gathering is not None:
            self._gathering.cancel()
        self._squad.leave()
