# SPDX-License-Identifier: MIT
"""The ends of players' connections: what the transport calls becomes the game's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gamenet.connection import ConnectionConfig
from gamenet.errors import CloseReason
from gamenet.ids import MessageId
from gamenet.transport import GameProtocol, GameServerFactory, Limits

if TYPE_CHECKING:
    from gamenet.game.player import Player
    from gamenet.game.server import GameServer

__all__ = ["PlayerFactory", "PlayerLink"]


class PlayerLink(GameProtocol):
    """One player's connection.

    Args:
        server: whose player it is.
    """

    def __init__(self, server: GameServer) -> None:
        self._server = server
        self._player: Player | None = None

    def connectionMade(self) -> None:
        """Let the player in."""
        self._player = self._server.join(self)

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Hand on what the player says."""
        if self._player is not None:
            self._server.hearing.hear(self._player, channel, payload)

    def messageAcked(self, messageId: MessageId) -> None:
        """Learn that a snapshot has arrived."""
        if self._player is not None:
            self._server.replication.acked(self._player, messageId)

    def messageLost(self, messageId: MessageId) -> None:
        """Learn that a snapshot was lost."""
        if self._player is not None:
            self._server.replication.lost(self._player, messageId)

    def connectionDropped(self, reason: CloseReason) -> None:
        """Tell the game that the player is away."""
        if self._player is not None:
            self._server.drop(self._player, reason)

    def connectionResumed(self) -> None:
        """Tell the game that the player is back."""
        if self._player is not None:
            self._server.resume(self._player)

    def connectionLost(self, reason: CloseReason, detail: str) -> None:
        """Let the player go."""
        if self._player is not None:
            self._server.leave(self._player, reason, detail)


class PlayerFactory(GameServerFactory):
    """Make a link for each peer of a game server.

    Args:
        server: whose players they are.
        reactor: gives delayed calls and the time.
        config: of every connection.
        limits: what a peer may cost us.
        random: source of keys.
        settings: key, protocolId and publicHost, as `GameServerFactory` takes them.
    """

    def __init__(
        self,
        server: GameServer,
        reactor: Any,
        config: ConnectionConfig,
        limits: Limits,
        random: Any,
        **settings: Any,
    ) -> None:
        super().__init__(
            reactor,
            server.protocol.hash,
            config,
            limits,
            random,
            server.protocol.summary(),
            **settings,
        )
        self._server = server

    def buildProtocol(self, address: str) -> PlayerLink | None:
        """Make the link of a peer whose handshake succeeded, while there is a match."""
        return None if self._server.is_stopped else PlayerLink(self._server)
