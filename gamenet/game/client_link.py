# SPDX-License-Identifier: MIT
"""The end of a client's connection: what the transport calls becomes the client's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gamenet.connection import ConnectionConfig
from gamenet.errors import CloseReason
from gamenet.game.protocol import UNKNOWN_HASH, game_config
from gamenet.transport import GameClientFactory, GameProtocol

if TYPE_CHECKING:
    from gamenet.game.client import GameClient

__all__ = ["ServerFactory", "ServerLink"]


class ServerLink(GameProtocol):
    """The connection to the server."""

    def __init__(self, client: GameClient) -> None:
        self._client = client

    def connectionMade(self) -> None:
        """Let the client begin."""
        self._client.link_made(self)

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Hand on what the server says."""
        self._client.hear(channel, payload)

    def connectionDropped(self, reason: CloseReason) -> None:
        """Tell the client that the link is lost."""
        self._client.link_dropped(reason)

    def connectionResumed(self) -> None:
        """Tell the client that the link is back."""
        self._client.link_resumed()

    def connectionLost(self, reason: CloseReason, detail: str) -> None:
        """Tell the client that it is over."""
        self._client.link_lost(reason, detail)


class ServerFactory(GameClientFactory):
    """Make the link of one client."""

    def __init__(
        self,
        client: GameClient,
        reactor: Any,
        config: ConnectionConfig | None,
        random: Any,
    ) -> None:
        protocol = client.match.protocol
        super().__init__(
            reactor,
            UNKNOWN_HASH if protocol is None else protocol.hash,
            game_config(config, protocol),
            random=random,
        )
        self._client = client

    def buildProtocol(self, address: str) -> ServerLink:
        """Make the link, once the handshake has succeeded."""
        return ServerLink(self._client)
