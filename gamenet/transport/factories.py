# SPDX-License-Identifier: MIT
"""Build a protocol for each peer, and hold what the peers of one program share.

A `GameServerFactory` may be listened on by several transports at once: its limits, its
counters and its `flush()` go over all of them. A `GameClientFactory` builds the
protocol of each connection that `connect` makes with it.
"""

from __future__ import annotations

import math
import random as random_module
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from twisted.logger import Logger

from gamenet.connection import (
    Admitted,
    Connection,
    ConnectionConfig,
    ConnectToken,
    DatagramServerHandshake,
    Door,
    Link,
    Pass,
    ServerAddress,
    TokenBucket,
)
from gamenet.errors import CloseReason, ConfigError
from gamenet.transport.admission import Admission
from gamenet.transport.counters import FactoryStats
from gamenet.transport.limits import Limits
from gamenet.transport.peers import PeerSet
from gamenet.transport.protocol import GameProtocol
from gamenet.transport.shell import Peer
from gamenet.transport.slots import Slots

__all__ = ["GameClientFactory", "GameServerFactory"]

_DEFAULT_CHANNELS = ConnectionConfig().channels
_MAX_VISITORS = 32
_MAX_VISITORS_PER_ADDRESS = 4
_MAX_ENDINGS = 256
_TOKEN_LIFE = 30
_UNLIMITED = 1e12
_ANYWHERE = ("", "0.0.0.0", "::")
_HERE = "127.0.0.1"


class _Factory:
    """What servers and clients have in common."""

    protocol: type[GameProtocol] = GameProtocol
    """What `buildProtocol` makes."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        protocolHash: bytes,
        config: ConnectionConfig | None,
        limits: Limits | None,
        random: random_module.Random | None,
    ) -> None:
        self.reactor = reactor
        self.protocolHash = protocolHash
        self._config = self._given = config or ConnectionConfig()
        self.limits = limits or Limits()
        self.random = random or random_module.SystemRandom()
        self.peers = PeerSet(reactor)
        self.sharedLimit: TokenBucket | None = None
        """Limit on the bytes a second of all connections together, if any."""
        if self.limits.bandwidth < _UNLIMITED:
            rate = self.limits.bandwidth
            burst = max(rate / 20, 2.0 * self.config.largest_packet)
            self.sharedLimit = TokenBucket(rate, burst)

    @property
    def config(self) -> ConnectionConfig:
        """Return the settings of every connection.

        The channels are those that the protocol's class declares, unless the settings
        that we were given have channels of their own.
        """
        channels = tuple(self.protocol.channels)
        if not channels or self._given.channels != _DEFAULT_CHANNELS:
            return self._given
        if self._config.channels != channels:
            self._config = replace(self._given, channels=channels)
        return self._config

    @config.setter
    def config(self, config: ConnectionConfig) -> None:
        self._config = self._given = config

    @property
    def connections(self) -> list[GameProtocol]:
        """Return the protocols that are connected now, in the order they came."""
        return [peer.protocol for peer in self.peers if peer.protocol is not None]

    def buildProtocol(self, address: str) -> GameProtocol | None:
        """Make the protocol of a peer whose handshake succeeded.

        Override it to give protocols arguments; return None to refuse the peer.

        Args:
            address: of the peer, for people.
        """
        return self.protocol()

    def flush(self) -> None:
        """Send every queued message of every peer, in one pass."""
        self.peers.flush()

    def closeAll(
        self, reason: CloseReason = CloseReason.NORMAL, detail: str = ""
    ) -> None:
        """End every connection and tell each peer why."""
        for peer in self.peers:
            peer.close(reason, detail)
        self.flush()

    def seconds(self) -> float:
        """Return the time that the connections live in: monotonic seconds."""
        return self.peers.seconds()

    def stats(self) -> FactoryStats:
        """Return what the transports of this factory did so far."""
        return self.peers.stats()

    def newNumber(self) -> int:
        """Return a random number of 64 bits."""
        return self.random.getrandbits(64)

    def newSecret(self) -> bytes:
        """Return 32 random bytes, for one exchange of keys."""
        return self.random.randbytes(32)

    def protocolFor(self, peer: Peer) -> GameProtocol | None:
        """Build the protocol of an accepted peer; the shell calls it."""
        protocol = self.buildProtocol(peer.address)
        if protocol is not None:
            protocol.factory = self
        return protocol


class GameServerFactory(_Factory):
    """Serve peers that connect to us.

    Args:
        reactor: gives delayed calls and the time.
        protocolHash: eight bytes that tell incompatible games apart.
        config: of every connection.
        limits: what a peer may cost us.
        random: source of keys; the operating system's unless a test wants repeatable
            ones.
        protocolSummary: what we speak, in words, for peers that speak something else.
        key: 32 bytes shared with whoever issues tokens; a random one if left out, so
            that only `issueToken` can.
        protocolId: which game this is, as tokens name it.
        publicHost: numeric host that tokens name where we listen on every interface.
        unixTime: tells the time that tokens expire by.

    Raises:
        ConfigError: the key has another size.

    Example:
        >>> from twisted.internet.task import Clock
        >>> factory = GameServerFactory(Clock(), b"example1")
        >>> factory.stats().accepted
        0
    """

    def __init__(  # noqa: PLR0913 - each of them is a choice of its own
        self,
        reactor: Any,
        protocolHash: bytes,
        config: ConnectionConfig | None = None,
        limits: Limits | None = None,
        random: random_module.Random | None = None,
        protocolSummary: str = "",
        *,
        key: bytes | None = None,
        protocolId: int = 1,
        publicHost: str = "",
        unixTime: Any = time.time,
    ) -> None:
        super().__init__(reactor, protocolHash, config, limits, random)
        self.admission = Admission(
            self.limits.max_connections, self.limits.max_per_address
        )
        self.visitors = Admission(_MAX_VISITORS, _MAX_VISITORS_PER_ADDRESS)
        """Streams beyond the limits, let in only to be told so, or to resume."""
        self.key = self.random.randbytes(32) if key is None else key
        """What tokens are sealed with."""
        if len(self.key) != 32:
            msg = f"a key of {len(self.key)} bytes: it has 32"
            raise ConfigError(msg)
        self.publicHost = publicHost
        self.addresses: list[ServerAddress] = []
        """Where we listen."""
        self.slots = Slots()
        """Numbers of the peers."""
        self.places: dict[Peer, Any] = {}
        """By which listener each peer is reached now."""
        self.sessions: dict[bytes, Peer] = {}
        """Peers by the sessions that they can resume."""
        self.endings: OrderedDict[bytes, CloseReason] = OrderedDict()
        """Why the last of those were sent away who may have been away already."""
        self.door = Door(
            key=self.key,
            protocol_id=protocolId,
            protocol_hash=protocolHash,
            summary=protocolSummary,
            addresses=self.publicAddresses,
            unix_time=unixTime,
            random_bytes=self.random.randbytes,
            max_clients=self.limits.max_connections,
        )
        """Checks tokens."""

    def publicAddresses(self) -> list[ServerAddress]:
        """Return where we are reached, as tokens may name it."""
        return [
            ServerAddress(self.publicHost, each.port)
            if self.publicHost and each.host in _ANYWHERE
            else each
            for each in self.addresses
        ]

    def issueToken(
        self,
        *,
        client_id: int | None = None,
        user_data: bytes = b"",
        expires_in: int = _TOKEN_LIFE,
        timeout: int | None = None,
        addresses: Sequence[ServerAddress] | None = None,
    ) -> ConnectToken:
        """Return a token that lets a client in, once.

        Args:
            client_id: who it is, a number of yours; a random one if left out.
            user_data: up to 256 bytes that the server will know of the client.
            expires_in: seconds for which the token is good.
            timeout: seconds of silence after which a plain netcode peer is lost; the
                configuration's if left out.
            addresses: servers that the client may try; those that this one listens on
                if left out.

        Raises:
            LocalProtocolError: something is out of range, or we listen nowhere.
        """
        return self.door.issue(
            client_id=self.newNumber() if client_id is None else client_id,
            user_data=user_data,
            timeout=math.ceil(self.config.timeout) if timeout is None else timeout,
            expires_in=expires_in,
            addresses=addresses or self._addresses_to_try(),
        )

    def _addresses_to_try(self) -> list[ServerAddress]:
        return [
            ServerAddress(_HERE, each.port) if each.host in _ANYWHERE else each
            for each in self.publicAddresses()
        ][:32]

    def newConnection(
        self,
        admitted: Admitted,
        link: Link,
        now: float,
        handshake: DatagramServerHandshake | None = None,
        path: Any = None,
    ) -> Connection:
        """Return the connection of a client whose handshake has succeeded."""
        pass_ = admitted.pass_
        assert pass_ is not None
        return Connection.accepted(
            self.config,
            admitted,
            link=link,
            now=now,
            handshake=handshake,
            path=path,
            random_bytes=self.random.randbytes,
            issue=partial(self._issue_resume, pass_),
            shared=self.sharedLimit,
        )

    def _issue_resume(
        self, pass_: Pass, session: bytes, generation: int
    ) -> ConnectToken:
        return self.door.issue_resume(session, generation, pass_)

    def reasonAgainst(self, pass_: Pass) -> CloseReason | None:
        """Return why a client with a good token may not come in, None if it may.

        Override it to ban clients, or to let each in once. It is asked, too, of those
        who come back to the place that they have: they have a `pass_.session`.
        """
        return None

    def endSession(self, session: bytes, reason: CloseReason) -> None:
        """Forget a session that is over, but not at once why its player was kicked."""
        if session not in self.sessions:
            return
        del self.sessions[session]
        if reason is CloseReason.KICKED:
            self.endings[session] = reason
        if len(self.endings) > _MAX_ENDINGS:
            self.endings.popitem(last=False)

    def closeAll(
        self, reason: CloseReason = CloseReason.SERVER_SHUTDOWN, detail: str = ""
    ) -> None:
        """End every connection and tell each peer why."""
        super().closeAll(reason, detail)

    def protocolFor(self, peer: Peer) -> GameProtocol | None:
        """Build the protocol of an accepted peer; the shell calls it."""
        protocol = super().protocolFor(peer)
        if protocol is not None:
            self.peers.tally.accepted += 1
        return protocol


class GameClientFactory(_Factory):
    """Connect to servers.

    Args:
        reactor: gives delayed calls and the time.
        protocolHash: eight bytes that the server must have too; eight zero bytes ask
            the server to describe its protocol.
        config: of every connection.
        limits: what a server may cost us.
        random: source of keys; the operating system's unless a test wants repeatable
            ones.
        token: lets us in, once; only a network in memory gives one by itself.
        isPlain: speak netcode 1.02 and no more, whatever the server can.

    Raises:
        RemoteProtocolError: the bytes of the token are none.
    """

    def __init__(
        self,
        reactor: Any,
        protocolHash: bytes,
        config: ConnectionConfig | None = None,
        limits: Limits | None = None,
        random: random_module.Random | None = None,
        *,
        token: ConnectToken | bytes | None = None,
        isPlain: bool = False,
    ) -> None:
        super().__init__(reactor, protocolHash, config, limits, random)
        if isinstance(token, bytes):
            token = ConnectToken.decode(token)
        self.token = token
        self.isPlain = isPlain

    def clientConnectionFailed(self, reason: CloseReason, detail: str) -> None:
        """Override me: a connection could not be made.

        The Deferred of `connect` fails with the same reason, so there is no need to
        have both.
        """
