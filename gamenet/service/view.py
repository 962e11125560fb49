# SPDX-License-Identifier: MIT
"""What a running server shows of itself: how to join, whether it is well, its figures.

It reads the parts of a server and changes none of them, so that whatever asks, a page
or a monitor, can do no harm by asking.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gamenet.connection import EXTENSION_VERSION
from gamenet.game import GameServer
from gamenet.service.figures import (
    history_figures,
    player_figures,
    total_figures,
)
from gamenet.transport import Listening
from gamenet.wire import javascript_module

__all__ = ["BrowserCodec", "ServerView"]

_PATIENCE = 2.0
"""Seconds without a tick after which a game is called stalled; three ticks of a game
that is slower than that."""
_LONGEST_NAME = 64
"""Bytes of a player's name."""
_EVERYWHERE = ("0.0.0.0", "::", "")
_WEB = ("ws", "wss")


@dataclass(frozen=True)
class BrowserCodec:
    """The codec that browsers load, named by what is in it."""

    hash: str
    """Hexadecimal digest of the text."""
    text: str
    """JavaScript module."""

    @property
    def path(self) -> str:
        """Return the address of the module on the server."""
        return f"/gamenet/protocol-{self.hash}.js"

    @classmethod
    def of(cls, server: GameServer) -> BrowserCodec:
        """Generate the codec of a game."""
        protocol = server.protocol
        text = javascript_module(
            protocol_hash=protocol.hash,
            version=EXTENSION_VERSION,
            components=protocol.components,
            inputs=protocol.inputs,
            messages=dict(protocol.registry),
            events=protocol.events,
            **protocol.browser_channels(),
            shown=protocol.browser_shown(),
        )
        return cls(hashlib.blake2s(text.encode(), digest_size=8).hexdigest(), text)


class ServerView:
    """Answer for a server.

    Args:
        server: the game and its players.
        listenings: the open listeners, read anew each time.
        codec: what browsers load.
        name: of the server.
        public_host: host to name to players; empty for the one they asked.
        seconds: monotonic time.
    """

    def __init__(
        self,
        server: GameServer,
        listenings: Callable[[], Sequence[Listening]],
        codec: BrowserCodec,
        name: str,
        public_host: str,
        seconds: Callable[[], float],
    ) -> None:
        self.is_draining = False
        """Whether the server is shutting down."""
        self._server = server
        self._listenings = listenings
        self._codec = codec
        self._name = name
        self._public_host = public_host
        self._seconds = seconds
        self._began = seconds()

    def invitation(self, host: str, name: str) -> dict[str, Any]:
        """Return what a client needs to join, with a token that is its own.

        Args:
            host: under which the client reached the web address.
            name: as the player wishes to be called.
        """
        client_id = secrets.randbits(64)
        token = self._server.factory.issueToken(
            client_id=client_id, user_data=_shortened(name)
        )
        return {
            **self.description(host),
            "token": b64encode(token.encode()).decode(),
            "client_id": str(client_id),
            "expires_in": token.expires - token.created,
        }

    def description(self, host: str) -> dict[str, Any]:
        """Return what a client needs to join, but for a token.

        Args:
            host: under which the client reached the web address.
        """
        game, protocol = self._server.game, self._server.protocol
        return {
            "game": protocol.name,
            "title": game.game_title(),
            "name": self._name,
            "version": EXTENSION_VERSION,
            "protocol_hash": protocol.hash.hex(),
            "tick_rate": game.tick_rate,
            "players": len(self._server.players),
            "max_players": game.max_players,
            "transports": [
                _address(listening, self._public_host or _host_of(listening, host))
                for listening in self._listenings()
                if listening.transport != "memory"
            ],
            "codec": self._codec.path,
            "channels": protocol.browser_channels()["channels"],
            "resume": self._server.config.resume_window,
        }

    def health(self) -> dict[str, Any]:
        """Return whether the game ticks.

        The "status" is "ok", "stalled" or "draining".
        """
        silence = self._server.ticker.seconds_since_tick()
        status = "ok"
        if self.is_draining:
            status = "draining"
        elif silence > max(_PATIENCE, 3 / self._server.game.tick_rate):
            status = "stalled"
        return {
            "status": status,
            "tick": self._server.game.tick,
            "players": len(self._server.players),
            "uptime_s": round(self._seconds() - self._began, 3),
        }

    def stats(self) -> dict[str, Any]:
        """Return everything that is counted, ready for JSON."""
        players = [player_figures(each) for each in self._server.players.values()]
        return {
            "server": {"name": self._name, **self.health(), **self._server.stats()},
            "listening": [
                {"transport": each.transport, "host": each.host, "port": each.port}
                for each in self._listenings()
            ],
            "transports": asdict(self._server.factory.stats()),
            "totals": total_figures(players),
            "players": players,
        }

    def history(self, player_id: int) -> dict[str, Any] | None:
        """Return what a player's connection did in the last minute.

        Returns:
            None if there is no such player.
        """
        player = self._server.players.get(player_id)
        if player is None:
            return None
        now = self._server.factory.seconds()
        return {"player": player_id, **history_figures(player.history(), now)}


def _host_of(listening: Listening, asked: str) -> str:
    """Return the host that reaches a listener, given one that reached the site."""
    bound = listening.host
    is_asked = bound in _EVERYWHERE or bound.startswith(("127.", "::1"))
    return asked if is_asked else bound


def _address(listening: Listening, host: str) -> dict[str, Any]:
    if listening.transport in _WEB:
        shown = f"[{host}]" if ":" in host else host
        url = f"{listening.transport}://{shown}:{listening.port}/ws"
        return {"transport": listening.transport, "url": url}
    return {"transport": listening.transport, "host": host, "port": listening.port}


def _shortened(name: str) -> bytes:
    """Return a name as a token holds it: cut between two characters."""
    data = name.encode("utf-8", "replace")[:_LONGEST_NAME]
    return data.decode("utf-8", "ignore").encode()
