# SPDX-License-Identifier: MIT
"""Put a bad network before any UDP server: a proxy that passes datagrams on, badly.

    client -- [up] --> proxy, one socket a client --> server
    client <-- [down] -- proxy <------------------------ server

It knows nothing of what it carries, so it serves games of any kind. The server sees a
port of the proxy for each client, as behind a router that translates addresses; like
such a router it forgets clients that were silent for a minute, and takes no more than
its table holds.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.abstract import isIPv6Address
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import CannotListenError

from gamenet.errors import ListenError, LocalProtocolError
from gamenet.transport.addresses import show_address
from gamenet.transport.clock import monotonic_seconds
from gamenet.transport.datagrams import Address
from gamenet.transport.impairment import Impairment, ImpairmentStats
from gamenet.transport.impairments import Impairments
from gamenet.transport.paths import Path
from gamenet.transport.proxy_sockets import ClientSocket, FrontSocket

__all__ = ["ProxyStats", "UdpProxy"]

_MOST_CLIENTS = 1024
"""Clients at once: each costs a socket."""
_LONGEST_SILENCE = 60.0
"""Seconds after which a silent client is forgotten. RFC 4787 (REQ-5) wants routers to
wait two minutes at least; games are never silent for that long."""
_DATAGRAM_LIMIT = 65_535


@dataclass(frozen=True, slots=True)
class ProxyStats:
    """What a proxy did so far."""

    clients: int = 0
    """Clients that have a socket now."""
    clients_seen: int = 0
    """Clients that ever had one; one that comes back after a silence counts again."""
    refused: int = 0
    """Datagrams of further clients, for which there was no socket."""
    unreachable: int = 0
    """Datagrams for which nothing listened at the server's address."""
    write_failed: int = 0
    """Datagrams that the kernel would not send."""
    bytes_down: int = 0
    """Bytes that came from the server."""
    bytes_up: int = 0
    """Bytes that came from clients."""
    down: ImpairmentStats = field(default_factory=ImpairmentStats)
    """What happened to the datagrams of the server."""
    up: ImpairmentStats = field(default_factory=ImpairmentStats)
    """What happened to the datagrams of the clients."""


class UdpProxy:
    """Pass datagrams between clients and a server through an impairment each way.

    Args:
        reactor: opens sockets; gives delayed calls and the time.
        listen: numeric address and port that clients send to; port 0 takes a free one.
        target: numeric address and port of the server.
        down: what happens to datagrams from the server.
        up: what happens to datagrams from the clients.
    """

    def __init__(
        self,
        reactor: Any,
        listen: Address,
        target: Address,
        down: Impairment,
        up: Impairment,
    ) -> None:
        self._reactor = reactor
        self._seconds = monotonic_seconds(reactor)
        self._listen = listen
        self._target = target
        self._impairments = Impairments(down, up)
        self._front = FrontSocket(self)
        self._port: Any = None
        # The client that was heard of last is the last one.
        self._clients: OrderedDict[Address, ClientSocket] = OrderedDict()
        self._sweep: Any = None
        self._counts: Counter[str] = Counter()
        self._past_down = ImpairmentStats()
        self._past_up = ImpairmentStats()

    @property
    def address(self) -> Address:
        """Return the address and port that clients send to.

        Raises:
            LocalProtocolError: the proxy was not started, or it was stopped.
        """
        if self._port is None:
            raise LocalProtocolError("a proxy has no address: call start() first")
        bound = self._port.getHost()
        return bound.host, bound.port

    def start(self) -> None:
        """Open the socket for the clients.

        Raises:
            ListenError: that is not possible; the message says why.
        """
        host, port = self._listen
        try:
            self._port = self._reactor.listenUDP(
                port, self._front, interface=host, maxPacketSize=_DATAGRAM_LIMIT
            )
        except (CannotListenError, OSError) as error:
            problem = getattr(error, "socketError", error)
            why = getattr(problem, "strerror", None) or str(problem)
            where = show_address(host or "*", port)
            raise ListenError(f"cannot listen on UDP {where}: {why}") from None

    def stop(self) -> Deferred[Any]:
        """Close every socket; what is still on its way is lost.

        Returns:
            A Deferred that fires when they are closed.
        """
        closed = [self._forget(source) for source in tuple(self._clients)]
        if self._port is not None:
            closed.append(maybeDeferred(self._port.stopListening))
            self._port = None
        return gatherResults(closed)

    def stats(self) -> ProxyStats:
        """Return what happened so far."""
        down, up = self._past_down, self._past_up
        for client in self._clients.values():
            down += client.down.impairment.stats()
            up += client.up.impairment.stats()
        return ProxyStats(clients=len(self._clients), down=down, up=up, **self._counts)

    def count(self, name: str, n: int = 1) -> None:
        """Count what one of the sockets saw."""
        self._counts[name] += n

    def heard(self, source: Address, size: int, counter: str) -> None:
        """Note that a client, or the server for it, was heard of."""
        self._counts[counter] += size
        client = self._clients.get(source)
        if client is not None:
            client.heard_at = self._seconds()
            self._clients.move_to_end(source)

    def send_up(self, datagram: bytes, source: Address) -> None:
        """Take a datagram of a client in."""
        client = self._clients.get(source) or self._new_client(source)
        if client is None:
            self._counts["refused"] += 1
            return
        self.heard(source, len(datagram), "bytes_up")
        client.up.send(datagram)

    def ended(self, source: Address) -> None:
        """Note that a client's socket is closed; if not by us, then by an error.

        Twisted closes a socket when the kernel tells that nothing listens at its other
        end before a write finds out. The next datagram of the client opens another.
        """
        if source in self._clients:
            self._counts["unreachable"] += 1
            self._retire(source)

    def _new_client(self, source: Address) -> ClientSocket | None:
        """Open a socket for a client, if there is room for it."""
        if len(self._clients) >= _MOST_CLIENTS or self._port is None:
            return None
        link = self._impairments.link(self._counts["clients_seen"] + 1)
        client = ClientSocket(self, source, self._target, self._front.write)
        client.down = Path(self._reactor, link.down, client.arrive_down)
        client.up = Path(self._reactor, link.up, client.arrive_up)
        interface = "::" if isIPv6Address(self._target[0]) else ""
        try:
            client.port = self._reactor.listenUDP(
                0, client, interface=interface, maxPacketSize=_DATAGRAM_LIMIT
            )
        except (CannotListenError, OSError):
            return None
        self._counts["clients_seen"] += 1
        self._clients[source] = client
        if self._sweep is None:
            self._sweep = self._reactor.callLater(_LONGEST_SILENCE, self._forget_idle)
        return client

    def _forget_idle(self) -> None:
        """Close the sockets of silent clients; look again when the next one may be."""
        self._sweep = None
        now = self._seconds()
        for source, client in tuple(self._clients.items()):
            left = client.heard_at + _LONGEST_SILENCE - now
            if left > 0:
                self._sweep = self._reactor.callLater(left, self._forget_idle)
                return
            self._forget(source)

    def _forget(self, source: Address) -> Deferred[Any]:
        """Close a client's socket."""
        return maybeDeferred(self._retire(source).port.stopListening)

    def _retire(self, source: Address) -> ClientSocket:
        """Return a client that is no more in the table, but in the counts."""
        client = self._clients.pop(source)
        self._past_down += client.down.impairment.stats()
        self._past_up += client.up.impairment.stats()
        client.down.close()
        client.up.close()
        if not self._clients and self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        return client
