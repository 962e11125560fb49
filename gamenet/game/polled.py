# SPDX-License-Identifier: MIT
"""Join a game without a reactor: `poll()` once a frame, as in a pygame loop."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    ConnectToken,
    Dropped,
    Link,
    MessageReceived,
    Resumed,
)
from gamenet.errors import (
    CloseReason,
    ConnectError,
    LocalProtocolError,
    RemoteProtocolError,
)
from gamenet.game.game import Game
from gamenet.game.match_events import MatchEvent
from gamenet.game.match_view import MatchView
from gamenet.game.messages import Message
from gamenet.game.protocol import (
    CONTROL,
    EVENTS,
    INPUTS,
    UNKNOWN_HASH,
    channels_of,
    game_config,
)
from gamenet.prediction import Input, Scheduled, View
from gamenet.stats import ConnectionStats
from gamenet.transport import (
    ConnectSpec,
    PolledTransport,
    ask_invitation,
    is_web,
    parse_connect,
)
from gamenet.world import Component, EntityId

__all__ = ["PolledClient"]

_OPEN = ("Connected", "Dropped")
RESYNC_INTERVAL = 1.0
"""Seconds between two requests to be told everything."""
_PATIENCE = 2.0
"""Seconds for a handshake if there is another way to try."""
_ELSEWHERE = frozenset(
    {
        CloseReason.UNREACHABLE,
        CloseReason.HANDSHAKE_TIMED_OUT,
        CloseReason.LINK_LOST,
    }
)
"""Failures after which another way may be better."""


class PolledClient(MatchView):
    """One player, driven by a loop of its own, over UDP or TCP.

    Args:
        game: the game's class; None learns what the server speaks from the server.
        name: as the player wishes to be called.
        connection: settings of the connection; the game's channels replace its own.
        seconds: tells the time in monotonic seconds.
        predict: whether the game's predicted functions run here for what is our own.
        delay: seconds that others are shown late; None follows what is measured.

    Example:
        client = PolledClient(Drift, name="ada")
        client.connect("http://127.0.0.1:8080")
        while not client.is_closed:
            for event in client.poll():
                ...
            for tick in client.ticks():
                client.send_input(Steer(x=127))
    """

    def __init__(
        self,
        game: type[Game] | None = None,
        name: str = "",
        *,
        connection: ConnectionConfig | None = None,
        seconds: Callable[[], float] = time.monotonic,
        predict: bool = True,
        delay: float | None = None,
    ) -> None:
        super().__init__(game, predict=predict, delay=delay)
        self.errors = 0
        """Messages of the server that could not be understood."""
        self._name = name
        self._config = game_config(connection, self.match.protocol)
        self._seconds = seconds
        self._transport: PolledTransport | None = None
        self._ways: list[ConnectSpec] = []
        self._n_tried = 0
        self._token: ConnectToken | None = None
        self._found: dict[str, Any] = {}
        self._has_connected = False
        self._closed: Closed | None = None
        self._resynced_at = -math.inf
        self._inputs_sent_at = -math.inf
        self._is_ticking = False

    def connect(
        self,
        address: str,
        *,
        token: ConnectToken | bytes | None = None,
        transports: Sequence[str] = ("udp", "tcp"),
        secret: str = "",
    ) -> None:
        """Begin to join the game of a server.

        A web address, as "http://127.0.0.1:8080", is asked for a token first, which
        blocks for as long as the answer takes. With a token of your own the address is
        a connect string, as "udp:127.0.0.1:7777". The events of `poll` tell how it
        goes: `Joined`, or `Closed` with a reason.

        Args:
            address: a web address or a connect string.
            token: lets us in, once; asked for at a web address if left out.
            transports: which to try, the best first, where the server offers them;
                in turn, now and whenever the link is lost.
            secret: what a server with a key of its own wants of those who ask for
                tokens.

        Raises:
            ConfigError: the address is malformed, or neither udp nor tcp.
            ConnectError: its host is unknown, there is no token, or none was given.
            LocalProtocolError: this client has connected before; make a new one.
        """
        if self._transport is not None:
            msg = "connect() was called before: make a new PolledClient for each match"
            raise LocalProtocolError(msg)
        if is_web(address):
            invitation = ask_invitation(address, name=self._name, secret=secret)
            self._ways, token = invitation.ordered(transports), invitation.token
            if self.match.protocol is None:
                channels = channels_of(invitation.raw)
                self._config = replace(self._config, channels=channels)
                self.match.channels = channels
        else:
            self._ways = [parse_connect(address)]
        if token is None:
            reason = CloseReason.NO_TOKEN
            msg = (
                f"cannot connect to {self._ways[0]}: there is no token. {reason.advice}"
            )
            raise ConnectError(msg, reason)
        if isinstance(token, bytes):
            token = ConnectToken.decode(token)
        self._token = token
        self._dial()

    def _dial(self) -> None:
        """Try the next way; the others are for when the link is lost."""
        n = self._n_tried
        ways = self._ways[n:] + self._ways[:n]
        core = self._core(ways[0], is_last=n + 1 == len(self._ways))
        self._transport = PolledTransport(ways, core, found=self._found)
        self._n_tried += 1

    def _core(self, way: ConnectSpec, *, is_last: bool) -> Connection:
        protocol, config = self.match.protocol, self._config
        if not is_last:
            patience = min(_PATIENCE, config.handshake_timeout)
            config = replace(config, handshake_timeout=patience)
        assert self._token is not None
        return Connection.client(
            config,
            token=self._token,
            protocol_hash=UNKNOWN_HASH if protocol is None else protocol.hash,
            secret=secrets.token_bytes(32),
            link=Link.STREAM if way.transport == "tcp" else Link.DATAGRAM,
            attempt=self._n_tried,
        )

    def _tries_another_way(self, closed: Closed) -> bool:
        """Dial again if that may help; return whether it was done."""
        if (
            self._has_connected
            or closed.reason not in _ELSEWHERE
            or self._n_tried == len(self._ways)
        ):
            return False
        if self._transport is not None:
            self._transport.close()
        self._dial()
        return True

    def poll(self) -> list[MatchEvent | Dropped | Resumed | Closed]:
        """Receive, send, and return what happened since the last call."""
        if self._transport is None:
            return []
        events: list[MatchEvent | Dropped | Resumed | Closed] = []
        for event in self._transport.poll(now=self._seconds()):
            if isinstance(event, MessageReceived):
                self._hear(event)
            elif isinstance(event, Connected):
                self._has_connected = True
            elif isinstance(event, Closed):
                self._closed = None if self._tries_another_way(event) else event
            elif isinstance(event, Dropped | Resumed):
                events.append(event)
        self._act()
        while self.match.events:
            events.append(self.match.events.popleft())
        if self._closed is not None and self._transport is not None:
            events.append(self._closed)
            self._transport = None
        return events

    def ticks(self) -> Iterator[int]:
        """Yield each tick of our own that begins now, for `send_input` to fill.

        They run ahead of the server's, at its pace. Call this as often as you draw, and
        every time from the first on; what the game predicts is predicted here. An
        exception of a predicted function passes on to you.

        Raises:
            LocalProtocolError: not joined yet.
        """
        now = self._seconds()
        self._is_ticking = True
        n_ticks = 0
        try:
            for tick in self.foresight.ticks(now):
                n_ticks += 1
                yield tick
        finally:
            if n_ticks:
                self._send_inputs(now)

    def send_input(self, item: Input) -> None:
        """Do something, in the tick that `ticks` is at or in the next.

        It leaves at the end of the ticks; where there are none, with the next `poll`.

        Raises:
            LocalProtocolError: not joined, or not an input of this game.
        """
        now = self._seconds()
        self.foresight.hold(item, now)
        if not self._is_ticking:
            self._send_inputs(now)

    def look(self) -> View:
        """Bring the view up to date, and return it: what is to be drawn now."""
        return self.foresight.look(self._seconds())

    def at(self, tick: int, function: Callable[..., Any], *args: Any) -> Scheduled:
        """Call a function in the first `poll` after the server has made a tick.

        Raises:
            LocalProtocolError: not joined, or too much waits already.
        """
        return self.foresight.lines.at(tick, function, *args)

    def at_time(
        self, seconds: float, function: Callable[..., Any], *args: Any
    ) -> Scheduled:
        """Call a function in the first `poll` after a moment of the server's time.

        Args:
            seconds: since the match began: tick 0.
            function: what is called.
            args: what it is called with.

        Raises:
            LocalProtocolError: as in `at`.
        """
        return self.foresight.lines.at_time(seconds, function, *args)

    def _act(self) -> None:
        """Call what is due, and send once more what the server may lack."""
        if self.match.foresight is None:
            return
        now, lines = self._seconds(), self.foresight.lines
        for call in lines.due(now):
            call()
        is_overdue = now - self._inputs_sent_at > lines.patience
        if not self._is_ticking and is_overdue and lines.inputs.n_unacked:
            self._send_inputs(now)
        for packet in self.match.network_packets(now):
            self._send(CONTROL, packet)
        self.match.tell_foreseen()

    def _send_inputs(self, now: float) -> None:
        self._inputs_sent_at = now
        self._send(INPUTS, self.foresight.lines.packet(now))

    def send(self, message: Message) -> None:
        """Send a message on the channel of its class; it leaves with the next `poll`.

        Raises:
            LocalProtocolError: not joined, or not a message of this game.
        """
        self._send(*self.match.message_packet(message))

    def write(self, entity: EntityId, component: Component) -> None:
        """Write a component of an entity that we own; see `GameClient.write`.

        Raises:
            StaleEntityError: the entity is gone.
            LocalProtocolError: not joined, it does not have the component, we may not
                write it, or a value does not fit.
        """
        packet = self.match.write_packet(entity, component, now=self._seconds())
        self._send(CONTROL, packet)

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
        if self._transport is not None and self._transport.connection.state in _OPEN:
            self._transport.connection.send(channel, packet, now=self._seconds())

    def _ask_again(self) -> None:
        """Ask to be told everything, if a base was missing; once a second at most."""
        now = self._seconds()
        if now - self._resynced_at >= RESYNC_INTERVAL:
            packet = self.match.resync_packet()
            if packet is not None:
                self._resynced_at = now
                self._send(CONTROL, packet)

    def _hear(self, event: MessageReceived) -> None:
        try:
            transport, now = self._transport, self._seconds()
            rtt = 0.0 if transport is None else transport.connection.rtt_latest
            self.match.receive(event.channel, event.payload, now=now, rtt=rtt)
        except RemoteProtocolError as error:
            self.errors += 1
            if event.channel in (CONTROL, EVENTS) and self._transport is not None:
                self._transport.connection.close(
                    CloseReason.MALFORMED, str(error)[:200], now=self._seconds()
                )
        self._ask_again()
        self.match.take_followed()
