# SPDX-License-Identifier: MIT
"""Build a protocol for each peer, and hold what the peers of one program share.

A `GameServerFactory` may be listened on by several transports at once: its limits, its
counters and its `flush()` go over all of them. A `GameClientFactory` builds the
protocol of each connection that `connect` makes with it.
"""

from __future__ import annotations

import random as random_module
from typing import Any

from twisted.logger import Logger

from gamenet.connection import ConnectionConfig, Gate
from gamenet.errors import CloseReason
from gamenet.transport.admission import Admission
from gamenet.transport.counters import FactoryStats
from gamenet.transport.limits import Limits
from gamenet.transport.peers import PeerSet
from gamenet.transport.protocol import GameProtocol
from gamenet.transport.shell import Peer

__all__ = ["GameClientFactory", "GameServerFactory"]

_MAX_VISITORS = 32
_MAX_VISITORS_PER_ADDRESS = 4


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
        self.config = config or ConnectionConfig()
        self.limits = limits or Limits()
        self.random = random or random_module.SystemRandom()
        self.peers = PeerSet(reactor)

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
        """Return a random number of 64 bits, for salts and tags."""
        return self.random.getrandbits(64)

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
        random: source of tags and secrets; the operating system's unless a test wants
            repeatable ones.
        protocolSummary: what we speak, in words, for peers that speak something else.

    Example:
        >>> from twisted.internet.task import Clock
        >>> factory = GameServerFactory(Clock(), b"example1")
        >>> factory.stats().accepted
        0
    """

    def __init__(
        self,
        reactor: Any,
        protocolHash: bytes,
        config: ConnectionConfig | None = None,
        limits: Limits | None = None,
        random: random_module.Random | None = None,
        protocolSummary: str = "",
    ) -> None:
        super().__init__(reactor, protocolHash, config, limits, random)
        self.admission = Admission(
            self.limits.max_connections, self.limits.max_per_address
        )
        self.visitors = Admission(_MAX_VISITORS, _MAX_VISITORS_PER_ADDRESS)
        """Streams beyond the limits, let in only to be told so."""
        self.gate = Gate(protocolHash, protocolSummary)
        """Refuses peers that speak another protocol."""
        self.secret = self.random.randbytes(32)
        """Key of the cookies in the datagram handshake."""

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
        userData: at most 256 bytes for the server, sent in the request.
        limits: what a server may cost us.
        random: source of salts; the operating system's unless a test wants repeatable
            ones.
    """

    def __init__(
        self,
        reactor: Any,
        protocolHash: bytes,
        config: ConnectionConfig | None = None,
        userData: bytes = b"",
        limits: Limits | None = None,
        random: random_module.Random | None = None,
    ) -> None:
        super().__init__(reactor, protocolHash, config, limits, random)
        self.userData = userData

    def clientConnectionFailed(self, reason: CloseReason, detail: str) -> None:
        """Override me: a connection could not be made.

        The Deferred of `connect` fails with the same reason, so there is no need to
        have both.
        """
