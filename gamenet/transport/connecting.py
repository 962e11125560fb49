# SPDX-License-Identifier: MIT
"""Connect to a server: one call for every transport.

`connect` returns a Deferred of the `GameProtocol`, which fires after its
`connectionMade`. What goes wrong before is a `ConnectError` with a close reason, whose
`advice` is for the user, and a detail, which is for whoever reads the log.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, fail
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import (
    ConnectError as TwistedConnectError,
)
from twisted.internet.error import (
    DNSLookupError,
)
from twisted.internet.error import (
    TimeoutError as TwistedTimeoutError,
)
from twisted.internet.interfaces import IHostResolution, IResolutionReceiver
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from zope.interface import implementer

from gamenet.connection import Connection, Link
from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport.addresses import ConnectSpec, parse_connect, show_address
from gamenet.transport.certificates import client_context
from gamenet.transport.factories import GameClientFactory
from gamenet.transport.memory import MemoryNetwork, required
from gamenet.transport.protocol import GameProtocol
from gamenet.transport.shell import Carrier, Peer
from gamenet.transport.tcp import StreamProtocol
from gamenet.transport.udp import DATAGRAM_LIMIT, UdpClient
from gamenet.transport.websocket import ClientSocketFactory

__all__ = ["connect"]


def connect(
    reactor: Any,
    spec: ConnectSpec | str,
    factory: GameClientFactory,
    *,
    tls_trust: str | Path | None = None,
    memory: MemoryNetwork | None = None,
) -> Deferred[Any]:
    """Connect to a server.

    Args:
        reactor: opens the socket.
        spec: a connect string such as "udp:127.0.0.1:7777", a WebSocket's URL, or what
            `parse_connect` made of one.
        factory: builds the protocol.
        tls_trust: on tls and wss, PEM file with the certificates to trust instead of
            the system's; it goes before `trust=` in the string.
        memory: the network of "memory:NAME".

    Returns:
        A Deferred of the protocol. Cancel it to give up; the socket is closed then. It
        fails with `ConnectError`, or with `ConfigError` if the string or the file is
        wrong.
    """
    try:
        parsed = parse_connect(spec) if isinstance(spec, str) else spec
        attempt = _Attempt(reactor, parsed, factory)
        _OPENERS[parsed.transport](attempt, str(tls_trust or parsed.trust), memory)
    except (ConfigError, ConnectError):
        return fail()
    return attempt.result


class _Attempt:
    """One call of `connect`: from nothing to a peer that was accepted.

    Afterwards it stays the owner of the peer, on the factory's behalf.
    """

    def __init__(
        self, reactor: Any, spec: ConnectSpec, factory: GameClientFactory
    ) -> None:
        self.reactor = reactor
        self.spec = spec
        self.factory = factory
        self.peers = factory.peers
        self.result: Deferred[GameProtocol] = Deferred(self._cancel)
        self.opening: Deferred[Any] | None = None
        self.is_over = False
        """Whether the result is known."""
        self._peer: Peer | None = None

    def make_peer(self, carrier: Carrier) -> Peer:
        """Make the peer of a carrier that is open, and begin the handshake."""
        factory, spec = self.factory, self.spec
        is_datagram = spec.transport in ("udp", "memory")
        connection = Connection.client(
            factory.config,
            protocol_hash=factory.protocolHash,
            salt=factory.newNumber(),
            link=Link.DATAGRAM if is_datagram else Link.STREAM,
            user_data=factory.userData,
        )
        self._peer = Peer(
            self,
            connection,
            carrier,
            transport_name=spec.transport,
            host=spec.host,
            address=show_address(spec.host, spec.port) if spec.port else spec.host,
        )
        connection.connect(now=self.peers.seconds())
        self.peers.mark(self._peer)
        return self._peer

    def fail(self, reason: CloseReason, detail: str) -> None:
        """Fail, if the result is not known yet."""
        if self.is_over:
            return
        self.is_over = True
        try:
            self.factory.clientConnectionFailed(reason, detail)
        except Exception:  # noqa: BLE001 - an author's code raises anything
            self.factory.log.failure("clientConnectionFailed raised an exception")
        because = f" ({detail})" if detail else ""
        self.result.errback(
            ConnectError(
                f"cannot connect to {self.spec}: {reason.name}{because}. "
                f"{reason.advice}",
                reason,
                detail,
            )
        )

    def fail_opening(self, failure: Failure) -> None:
        """Fail because the carrier could not be opened."""
        self.fail(*explain(failure))

    # ---------------------------------------------------------- asked by the peer

    def protocolFor(self, peer: Peer) -> GameProtocol | None:
        """Return the protocol: the server has accepted us."""
        return self.factory.protocolFor(peer)

    def peerBegan(self, peer: Peer) -> None:
        """Succeed: the protocol knows that it is connected."""
        if not self.is_over and peer.protocol is not None:
            self.is_over = True
            self.peers.tally.accepted += 1
            self.result.callback(peer.protocol)

    def peerEnded(self, peer: Peer, reason: CloseReason, detail: str) -> None:
        """Count the end of the connection, or fail if it never was one."""
        tally = self.peers.tally
        counter = tally.refused if peer.protocol is None else tally.closed
        counter[reason.name] += 1
        self.fail(reason, detail)

    def _cancel(self, _: Deferred[Any]) -> None:
        self.is_over = True
        if self.opening is not None:
            self.opening.cancel()
        if self._peer is not None:
            self._peer.abort(CloseReason.NORMAL, "")


def explain(failure: Failure) -> tuple[CloseReason, str]:
    """Return the close reason and the detail of a carrier that could not be opened."""
    error = failure.value
    if isinstance(error, DNSLookupError):
        return CloseReason.UNREACHABLE, "no address is known for this host"
    if isinstance(error, TwistedTimeoutError):
        return CloseReason.HANDSHAKE_TIMED_OUT, "the host did not answer"
    if isinstance(error, TwistedConnectError | OSError):
        return CloseReason.UNREACHABLE, str(error)
    return CloseReason.LINK_LOST, failure.getErrorMessage()


def _open_udp(attempt: _Attempt, trust: str, memory: Any) -> None:
    def opened(host: str) -> None:
        if attempt.is_over:
            return
        client = UdpClient(
            (host, attempt.spec.port),
            attempt.factory.limits.receive_buffer,
            attempt.peers.tally,
            attempt.make_peer,
        )
        interface = "::" if isIPv6Address(host) else ""
        size = max(DATAGRAM_LIMIT, attempt.factory.config.packet_size + 1)
        try:
            attempt.reactor.listenUDP(
                0, client, interface=interface, maxPacketSize=size
            )
        except OSError as error:
            attempt.fail(CloseReason.UNREACHABLE, str(error))

    host = attempt.spec.host
    if isIPAddress(host) or isIPv6Address(host):
        opened(host)
    else:
        attempt.opening = resolve(attempt.reactor, host)
        attempt.opening.addCallback(opened).addErrback(attempt.fail_opening)


def _open_stream(attempt: _Attempt, trust: str, memory: Any) -> None:
    factory = attempt.factory

    def carrier() -> StreamProtocol:
        return StreamProtocol(
            attempt.reactor,
            factory.limits.max_frame,
            attempt.make_peer,
            on_closed=lambda _: None,
        )

    _open_endpoint(attempt, trust, Factory.forProtocol(carrier))


def _open_websocket(attempt: _Attempt, trust: str, memory: Any) -> None:
    def closed(detail: str) -> None:
        attempt.fail(CloseReason.LINK_LOST, detail)

    sockets = ClientSocketFactory(
        attempt.reactor,
        attempt.spec.url,
        attempt.factory.limits,
        attempt.make_peer,
        closed,
    )
    _open_endpoint(attempt, trust, sockets)


def _open_endpoint(attempt: _Attempt, trust: str, factory: Any) -> None:
    spec = attempt.spec
    factory.noisy = False
    timeout = attempt.factory.config.handshake_timeout
    endpoint: Any = HostnameEndpoint(
        attempt.reactor, spec.host, spec.port, timeout=timeout
    )
    if spec.is_secure:
        endpoint = wrapClientTLS(client_context(spec.host, trust), endpoint)
    attempt.opening = endpoint.connect(factory)
    attempt.opening.addErrback(attempt.fail_opening)


def _open_memory(attempt: _Attempt, trust: str, memory: MemoryNetwork | None) -> None:
    client = required(memory, attempt.spec).open(attempt.spec.host)
    client.peer = attempt.make_peer(client)


_OPENERS: dict[str, Callable[[_Attempt, str, MemoryNetwork | None], None]] = {
    "udp": _open_udp,
    "tcp": _open_stream,
    "tls": _open_stream,
    "ws": _open_websocket,
    "wss": _open_websocket,
    "memory": _open_memory,
}


@implementer(IResolutionReceiver)
class _Addresses:
    """Collect the addresses of a host."""

    def __init__(self, result: Deferred[str], host: str) -> None:
        self._result = result
        self._host = host
        self._found: list[str] = []

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """Begin."""

    def addressResolved(self, address: Any) -> None:
        """Take one address."""
        self._found.append(address.host)

    def resolutionComplete(self) -> None:
        """Answer with an IPv4 address if there is one: that is what servers bind."""
        if self._result.called:
            return
        self._found.sort(key=isIPv6Address)
        if self._found:
            self._result.callback(self._found[0])
        else:
            self._result.errback(DNSLookupError(f"no address of {self._host}"))


def resolve(reactor: Any, host: str) -> Deferred[str]:
    """Return a Deferred of one numeric address of a host."""
    result: Deferred[str] = Deferred()
    reactor.nameResolver.resolveHostName(_Addresses(result, host), host)
    return result
