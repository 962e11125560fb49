# SPDX-License-Identifier: MIT
"""The services that a server is made of: the game, and a listener for each address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from gamenet.errors import CloseReason
from gamenet.game import GameServer
from gamenet.transport import GameServerFactory, Listening, listen, parse_listen

__all__ = ["WEB_TRANSPORTS", "GameService", "ListenService", "opened"]

WEB_TRANSPORTS = ("ws", "wss")
"""Transports whose port serves the page, too."""


class GameService(Service):
    """Ticks the game.

    Args:
        server: the game and its players.
    """

    name = "game"

    def __init__(self, server: GameServer) -> None:
        self.server = server

    def startService(self) -> None:
        """Begin to tick."""
        super().startService()
        self.server.start()

    def stopService(self) -> Deferred[None]:
        """Stop to tick, and tell the players that the server goes away."""
        super().stopService()
        return self.server.stop(CloseReason.SERVER_SHUTDOWN)


class ListenService(Service):
    """Listens at one address.

    Args:
        reactor: opens the port.
        spec: the listen string.
        factory: takes the players that come.
        web: the site, for ws and wss.
        options: further arguments of `listen`.
    """

    def __init__(
        self,
        reactor: Any,
        spec: str,
        factory: GameServerFactory,
        web: Any,
        **options: Any,
    ) -> None:
        self.spec = parse_listen(spec)
        self.setName(f"transport:{spec}")
        self.listening: Listening | None = None
        self._reactor = reactor
        self._factory = factory
        self._web = web if self.spec.transport in WEB_TRANSPORTS else None
        self._options = options

    def privilegedStartService(self) -> None:
        """Open the port, while there may be the privilege for a low one.

        Raises:
            ListenError: the port cannot be opened.
            ConfigError: a certificate cannot be used.
        """
        opening = listen(
            self._reactor, self.spec, self._factory, web=self._web, **self._options
        )
        results: list[Any] = []
        opening.addBoth(results.append)
        if isinstance(results[0], Failure):
            results[0].raiseException()
        self.listening = results[0]

    def startService(self) -> None:
        """Open the port, if that was not done before."""
        super().startService()
        if self.listening is None:
            self.privilegedStartService()

    def stopService(self) -> Any:
        """Close the port and what came in by it."""
        super().stopService()
        listening, self.listening = self.listening, None
        return listening and listening.stop(CloseReason.SERVER_SHUTDOWN)


def opened(listeners: Sequence[ListenService]) -> list[Listening]:
    """Return what is open now."""
    found = (each.listening for each in listeners)
    return [listening for listening in found if listening is not None]
