# SPDX-License-Identifier: MIT
"""Host a rollback match: pass on everybody's inputs, and play oneself or not."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed

from gamenet.connection import ConnectionConfig
from gamenet.errors import CloseReason
from gamenet.game.game import Game
from gamenet.game.player import player_name, user_data_of
from gamenet.game.protocol import CONTROL, game_config
from gamenet.game.rollback_run import MAX_REFUSED, RollbackRun, rollback_hash
from gamenet.prediction import CaughtUp, FellBehind, RollbackEvent
from gamenet.transport import GameProtocol, GameServerFactory, Limits

__all__ = ["HELLO", "RollbackHost"]

HELLO = b"\0"
"""The kind of the first message of a peer; then 1 to play, 0 to look on."""

GREETING = 5.0
"""Seconds in which a peer must have said whether it plays."""


class RollbackHost(RollbackRun):
    """The peer of a rollback match to which all others connect.

    Give `factory` to `gamenet.transport.listen`, once for each transport.

    Args:
        game: the game, as an instance or a class to make one of.
        reactor: gives delayed calls and the time.
        name: of the player here; None hosts without playing.
        seed: of the game's chance.
        input_delay: ticks from an input here to its effect.
        max_prediction: ticks that any peer may make beyond the newest confirmed one; 0
            is lockstep.
        checksum_every: ticks between two checksums that peers compare.
        patience: seconds to wait for somebody's inputs before they count as away.
        connection: settings of every connection; the channels are ours.
        limits: what a peer may cost us.
        random: source of keys; None takes the operating system's.
        admission: key, protocolId and publicHost, as `GameServerFactory` takes them.

    Example:
        host = RollbackHost(Duel, reactor, name="ada")
        listen(reactor, "udp:7777", host.factory)
        host.start()
    """

    def __init__(  # noqa: PLR0913 - each of them is a choice of its own
        self,
        game: Game | type[Game],
        reactor: Any,
        *,
        name: str | None = None,
        seed: int = 0,
        input_delay: int = 2,
        max_prediction: int = 12,
        checksum_every: int = 30,
        patience: float = 3.0,
        connection: ConnectionConfig | None = None,
        limits: Limits | None = None,
        random: Any = None,
        **admission: Any,
    ) -> None:
        super().__init__(
            game,
            reactor,
            seed,
            is_host=True,
            input_delay=input_delay,
            max_prediction=max_prediction,
            checksum_every=checksum_every,
            patience=patience,
        )
        self.factory = _HostFactory(
            self,
            reactor,
            rollback_hash(type(self.game), self.protocol),
            game_config(connection, self.protocol),
            limits,
            random,
            self.protocol.summary(),
            **admission,
        )
        """Makes the connections."""
        self._n_peers = 0
        self._n_players = 0
        self._wanted: dict[int, bytes] = {}
        self._is_stopped = False
        self._drained: list[Deferred[None]] = []
        if name is not None:
            self._n_players = 1
            self.session.add_player(1, user_data_of(name))

    def start(self) -> None:
        """Begin to make ticks."""
        self._begin()

    def stop(self, reason: CloseReason = CloseReason.SERVER_SHUTDOWN) -> Deferred[None]:
        """End the match, and tell every peer why.

        Returns:
            A Deferred that fires when the last of them is gone.
        """
        self._is_stopped = True
        self._ticks.stop()
        self.factory.closeAll(reason)
        if not self._links:
            return succeed(None)
        drained: Deferred[None] = Deferred()
        self._drained.append(drained)
        return drained

    @property
    def is_stopped(self) -> bool:
        """Return whether the match is over: nobody may join any more."""
        return self._is_stopped

    # -- the links call these ----------------------------------------------------------

    def greet(self, link: GameProtocol, is_playing: bool) -> int:
        """Take in a peer; return its number."""
        self._n_peers += 1
        peer = self._n_peers
        self._links[peer] = link
        self.session.connect(peer)
        if is_playing:
            name = player_name(link.userData, peer)
            self._wanted[peer] = user_data_of(name)
        return peer

    def heard(self, peer: int, channel: int, payload: bytes) -> None:
        """Take what a peer says; who says too much nonsense is sent away."""
        self._received(peer, channel, payload)
        known = self.session.links.get(peer)
        if known is not None and known.n_refused > MAX_REFUSED:
            self._links[peer].loseConnection(CloseReason.MALFORMED)

    def lost(self, peer: int, reason: CloseReason) -> None:
        """Let a peer go."""
        self._links.pop(peer, None)
        self._wanted.pop(peer, None)
        self.session.disconnect(peer, int(reason))
        self._pump()
        if self._is_stopped and not self._links:
            drained, self._drained = self._drained, []
            for each in drained:
                each.callback(None)

    def _hear(self, event: RollbackEvent) -> None:
        if isinstance(event, CaughtUp) and isinstance(event.peer, int):
            self._admit(event.peer)
        elif isinstance(event, FellBehind) and isinstance(event.peer, int):
            link = self._links.get(event.peer)
            if link is not None:
                link.loseConnection(CloseReason.SEND_QUEUE_OVERFLOW, event.detail)
        else:
            super()._hear(event)

    def _admit(self, peer: int) -> None:
        """Let a peer play that wanted to, if there is room; else it looks on."""
        name = self._wanted.pop(peer, None)
        roster, number = self.session.roster, self._n_players + 1
        is_room = len(roster.lines) < self.game.max_players and roster.may_come(number)
        if name is not None and is_room and peer in self.session.links:
            self._n_players = number
            self.session.add_player(self._n_players, name, peer)


class _HostLink(GameProtocol):
    """One peer's connection."""

    def __init__(self, host: RollbackHost) -> None:
        self._host = host
        self._number: int | None = None
        self._timeout: Any = None

    def connectionMade(self) -> None:
        """Wait for the peer to say what it wants, but not for ever."""
        self._timeout = self.factory.reactor.callLater(
            GREETING, self.loseConnection, CloseReason.HANDSHAKE_TIMED_OUT
        )

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Hand on what the peer says; the first says whether it plays."""
        if self._number is not None:
            self._host.heard(self._number, channel, payload)
        elif channel == CONTROL and payload in (HELLO + b"\0", HELLO + b"\1"):
            self._stop_waiting()
            self._number = self._host.greet(self, payload == HELLO + b"\1")

    def connectionLost(self, reason: CloseReason, detail: str) -> None:
        """Let the peer go."""
        self._stop_waiting()
        if self._number is not None:
            self._host.lost(self._number, reason)

    def _stop_waiting(self) -> None:
        if self._timeout is not None and self._timeout.active():
            self._timeout.cancel()


class _HostFactory(GameServerFactory):
    """Make a link for each peer."""

    def __init__(self, host: RollbackHost, *arguments: Any, **admission: Any) -> None:
        super().__init__(*arguments, **admission)
        self._host = host

    def buildProtocol(self, address: str) -> GameProtocol | None:
        """Make the link of a peer whose handshake succeeded, while there is a match."""
        return None if self._host.is_stopped else _HostLink(self._host)
