# SPDX-License-Identifier: MIT
"""Join a rollback match that somebody hosts, to play or to look on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from gamenet.connection import ConnectionConfig, ConnectToken
from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.game.dialing import TRANSPORT_ORDER, Dialing
from gamenet.game.game import Game
from gamenet.game.joining import Joining
from gamenet.game.protocol import CONTROL, game_config
from gamenet.game.rollback_host import HELLO
from gamenet.game.rollback_run import MAX_REFUSED, RollbackRun, rollback_hash
from gamenet.prediction import HOST, CaughtUp, ChangeKind, PlayerChanged, RollbackEvent
from gamenet.transport import (
    AnyImpairment,
    GameClientFactory,
    GameProtocol,
    MemoryNetwork,
)

__all__ = ["RollbackPeer"]

PATIENCE = 30.0
"""Seconds in which the match must have come."""


class RollbackPeer(RollbackRun):
    """One peer of a rollback match, in a Twisted reactor.

    Args:
        reactor: opens sockets, gives delayed calls and the time.
        game: the game's class, the same that the host has.
        name: as the player wishes to be called.
        is_playing: whether to play; else to look on.
        input_delay: ticks from an input here to its effect.
        connection: settings of the connection; the channels are ours.
        random: source of keys; None takes the operating system's.

    Example:
        peer = RollbackPeer(reactor, Duel, name="bob")
        joined = peer.connect("udp:127.0.0.1:7777", token=token)
    """

    def __init__(
        self,
        reactor: Any,
        game: Game | type[Game],
        name: str = "",
        *,
        is_playing: bool = True,
        input_delay: int = 2,
        connection: ConnectionConfig | None = None,
        random: Any = None,
    ) -> None:
        super().__init__(game, reactor, 0, input_delay=input_delay)
        self._name = name
        self.is_playing = is_playing
        """Whether we want to play."""
        self._factory = _PeerFactory(
            reactor,
            rollback_hash(type(self.game), self.protocol),
            game_config(connection, self.protocol),
            random=random,
        )
        self._factory.peer = self
        self._joining: Joining[RollbackPeer] | None = None
        self._connecting: Deferred[Any] | None = None
        self._closing: list[Deferred[None]] = []

    def connect(
        self,
        address: str,
        *,
        token: ConnectToken | bytes | None = None,
        transports: Sequence[str] = TRANSPORT_ORDER,
        tls_trust: str | Path | None = None,
        memory: MemoryNetwork | None = None,
        impairment: AnyImpairment | None = None,
        secret: str = "",
    ) -> Deferred[RollbackPeer]:
        """Join the match of a host; the arguments are those of `GameClient.connect`.

        Returns:
            A Deferred of this peer that fires when it plays, or when it has caught up
            if it looks on; cancel it to give up. It fails with `ConnectError` or
            `ConfigError`.

        Raises:
            LocalProtocolError: this peer has connected before; make a new one.
        """
        if self._joining is not None:
            msg = "connect() was called before: make a new RollbackPeer for each match"
            raise LocalProtocolError(msg)
        self._joining = Joining(self, self._reactor, self._give_up)
        dialing = Dialing(token, transports, tls_trust, memory, impairment, secret)
        # All that it wants of a match is that its protocol is known, which ours is.
        match, factory = cast("Any", self), cast("Any", self._factory)
        self._connecting = dialing.dial(
            self._reactor, address, self._name, match, factory
        )
        self._connecting.addErrback(self._failed)
        return self._joining.deferred

    def close(self) -> Deferred[None]:
        """Leave.

        Returns:
            A Deferred that fires when the host was told and the connection is over.
        """
        link = self._links.get(HOST)
        if link is None:
            self._give_up()
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closing.append(closed)
        link.loseConnection()
        return closed

    @property
    def is_connected(self) -> bool:
        """Return whether the connection is up."""
        return HOST in self._links

    def on_closed(self, reason: CloseReason, detail: str) -> None:
        """Override me: it is over."""

    # -- the link calls these ----------------------------------------------------------

    def made(self, link: GameProtocol) -> None:
        """Say what we want."""
        self._links[HOST] = link
        self.session.connect(HOST)
        link.sendMessage(CONTROL, HELLO + bytes((self.is_playing,)))
        if self._joining is not None:
            self._joining.await_welcome(PATIENCE, link)
        self._begin()

    def heard(self, channel: int, payload: bytes) -> None:
        """Take what the host says; one that says too much nonsense is left."""
        self._received(HOST, channel, payload)
        known = self.session.links.get(HOST)
        if known is not None and known.n_refused > MAX_REFUSED:
            self._links[HOST].loseConnection(CloseReason.MALFORMED)

    def lost(self, reason: CloseReason, detail: str) -> None:
        """Stop: without the host there is no match."""
        self._links.clear()
        self._ticks.stop()
        self.session.disconnect(HOST)
        if self._joining is not None:
            self._joining.end(reason, detail)
        self.hooks.run("on_closed", self.on_closed, reason, detail)
        closing, self._closing = self._closing, []
        for each in closing:
            each.callback(None)

    def _hear(self, event: RollbackEvent) -> None:
        is_in = isinstance(event, CaughtUp) and not self.is_playing
        if isinstance(event, PlayerChanged) and event.is_ours:
            is_in = event.kind == ChangeKind.JOINS
        if is_in and self._joining is not None:
            self._joining.succeed()
        super()._hear(event)

    def _give_up(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()
        for link in list(self._links.values()):
            link.loseConnection()

    def _failed(self, failure: Failure) -> None:
        if self._joining is not None:
            self._joining.fail(failure, self.protocol)


class _PeerLink(GameProtocol):
    """The connection to the host."""

    def __init__(self, peer: RollbackPeer) -> None:
        self._peer_here = peer

    def connectionMade(self) -> None:
        """Let the peer begin."""
        self._peer_here.made(self)

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Hand on what the host says."""
        self._peer_here.heard(channel, payload)

    def connectionLost(self, reason: CloseReason, detail: str) -> None:
        """Tell the peer that it is over."""
        self._peer_here.lost(reason, detail)


class _PeerFactory(GameClientFactory):
    """Make the link of one peer."""

    peer: RollbackPeer

    def buildProtocol(self, address: str) -> GameProtocol:
        """Make the link, once the handshake has succeeded."""
        return _PeerLink(self.peer)
