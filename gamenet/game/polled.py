# SPDX-License-Identifier: MIT
"""Join a game without a reactor: `poll()` once a frame, as in a pygame loop."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from gamenet.connection import (
    Closed,
    Connection,
    ConnectionConfig,
    Link,
    MessageReceived,
)
from gamenet.errors import CloseReason, LocalProtocolError, RemoteProtocolError
from gamenet.game.game import Game
from gamenet.game.match import MatchEvent, MatchView
from gamenet.game.messages import Message
from gamenet.game.player import user_data_of
from gamenet.game.protocol import CONTROL, INPUTS, UNKNOWN_HASH, Protocol, game_config
from gamenet.prediction import Input
from gamenet.stats import ConnectionStats
from gamenet.transport import PolledTransport, parse_connect

__all__ = ["PolledClient"]


class PolledClient(MatchView):
    """One player, driven by a loop of its own, over UDP or TCP.

    Args:
        game: the game's class; None learns what the server speaks from the server.
        name: as the player wishes to be called.
        connection: settings of the connection; the game's channels replace its own.
        seconds: tells the time in monotonic seconds.

    Example:
        client = PolledClient(Drift, name="ada")
        client.connect("udp:127.0.0.1:7777")
        while not client.is_closed:
            for event in client.poll():
                ...
    """

    def __init__(
        self,
        game: type[Game] | None = None,
        name: str = "",
        *,
        connection: ConnectionConfig | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(None if game is None else Protocol.of(game))
        self.errors = 0
        """Messages of the server that could not be understood."""
        self._name = name
        self._config = game_config(connection)
        self._seconds = seconds
        self._transport: PolledTransport | None = None
        self._closed: Closed | None = None

    def connect(self, address: str) -> None:
        """Begin to join the game at an address such as "udp:127.0.0.1:7777".

        The events of `poll` tell how it goes: `Joined`, or `Closed` with a reason.

        Raises:
            ConfigError: the address is malformed, or neither udp nor tcp.
            ConnectError: its host is unknown.
            LocalProtocolError: this client has connected before; make a new one.
        """
        if self._transport is not None:
            msg = "connect() was called before: make a new PolledClient for each match"
            raise LocalProtocolError(msg)
        spec = parse_connect(address)
        protocol = self.match.protocol
        core = Connection.client(
            self._config,
            protocol_hash=UNKNOWN_HASH if protocol is None else protocol.hash,
            salt=secrets.randbits(64),
            link=Link.STREAM if spec.transport == "tcp" else Link.DATAGRAM,
            user_data=user_data_of(self._name),
        )
        self._transport = PolledTransport(spec, core)

    def poll(self) -> list[MatchEvent | Closed]:
        """Receive, send, and return what happened since the last call."""
        if self._transport is None:
            return []
        events: list[MatchEvent | Closed] = []
        for event in self._transport.poll(now=self._seconds()):
            if isinstance(event, MessageReceived):
                self._hear(event)
            elif isinstance(event, Closed):
                self._closed = event
        while self.match.events:
            events.append(self.match.events.popleft())
        if self._closed is not None and self._transport is not None:
            events.append(self._closed)
            self._transport = None
        return events

    def send_input(self, item: Input) -> None:
        """Send what the player does; it leaves with the next `poll`.

        Raises:
            LocalProtocolError: not joined, or not an input of this game.
        """
        self._send(INPUTS, self.match.input_packet(item))

    def send(self, message: Message) -> None:
        """Send a message, reliably and in order; it leaves with the next `poll`.

        Raises:
            LocalProtocolError: not joined, or not a message of this game.
        """
        self._send(CONTROL, self.match.message_packet(message))

    def close(self) -> None:
        """Leave; the server is told at once, the next `poll` returns `Closed`."""
        if self._transport is not None:
            now = self._seconds()
            self._transport.connection.close(CloseReason.NORMAL, now=now)
            self._transport.flush(now=now)

    @property
    def is_joined(self) -> bool:
        """Return whether the match was joined."""
        return self.match.world is not None

    @property
    def is_closed(self) -> bool:
        """Return whether the connection has ended."""
        return self._closed is not None

    def stats(self) -> ConnectionStats:
        """Return what the connection measured; all zero when there is none."""
        transport = self._transport
        return ConnectionStats() if transport is None else transport.connection.stats()

    def _send(self, channel: int, packet: bytes) -> None:
        if self._transport is not None and not self._transport.connection.is_closed:
            self._transport.connection.send(channel, packet, now=self._seconds())

    def _hear(self, event: MessageReceived) -> None:
        try:
            self.match.receive(event.channel, event.payload)
        except RemoteProtocolError as error:
            self.errors += 1
            if event.channel == CONTROL and self._transport is not None:
                self._transport.connection.close(
                    CloseReason.MALFORMED, str(error)[:200], now=self._seconds()
                )
