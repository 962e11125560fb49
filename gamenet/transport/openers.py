# SPDX-License-Identifier: MIT
"""Open one carrier to a server, whatever the transport.

A `Call` is one attempt. It ends in one of three ways: `on_open` is called with the
carrier, and returns what the carrier shall tell of packets; `on_failed` is called with
the reason; or it is cancelled, and neither is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectError as TwistedConnectError
from twisted.internet.error import DNSLookupError
from twisted.internet.error import TimeoutError as TwistedTimeoutError
from twisted.internet.interfaces import IHostResolution, IResolutionReceiver
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from zope.interface import implementer

from gamenet.errors import CloseReason, ConnectError
from gamenet.transport.addresses import ConnectSpec
from gamenet.transport.certificates import client_context
from gamenet.transport.factories import GameClientFactory
from gamenet.transport.memory import MemoryNetwork, required
from gamenet.transport.tcp import StreamProtocol
from gamenet.transport.udp import DATAGRAM_LIMIT, UdpClient
from gamenet.transport.websocket import ClientSocketFactory

__all__ = ["Call", "explain"]


class Call:
    """One attempt to open a carrier.

    Args:
        reactor: opens the socket.
        spec: where to.
        factory: whose limits and settings hold.
        trust: PEM file with the certificates to trust, on tls and wss.
        memory: the network of "memory:NAME".
        on_open: takes the carrier, returns what it tells of packets.
        on_failed: takes reason and detail.
    """

    def __init__(
        self,
        reactor: Any,
        spec: ConnectSpec,
        factory: GameClientFactory,
        *,
        trust: str,
        memory: MemoryNetwork | None,
        on_open: Callable[[Any], Any],
        on_failed: Callable[[CloseReason, str], None],
    ) -> None:
        self.reactor = reactor
        self.spec = spec
        self.factory = factory
        self.trust = trust
        self.memory = memory
        self.opening: Deferred[Any] | None = None
        self.is_over = False
        """Whether it has ended in one way or another."""
        self._on_open = on_open
        self._on_failed = on_failed
        self._carrier: Any = None

    def begin(self) -> None:
        """Begin to open."""
        try:
            _OPENERS[self.spec.transport](self)
        except ConnectError as error:
            self.fail(error.reason, error.detail or str(error))

    def made(self, carrier: Any) -> None:
        """Note the carrier, which may still have to shake hands before it is open."""
        self._carrier = carrier

    def succeed(self, carrier: Any) -> Any:
        """Hand over the carrier, which is open."""
        if self.is_over:
            carrier.close()
            return None
        self.is_over = True
        return self._on_open(carrier)

    def fail(self, reason: CloseReason, detail: str) -> None:
        """Fail, if it is not over yet."""
        if not self.is_over:
            self.is_over = True
            self._on_failed(reason, detail)

    def fail_opening(self, failure: Failure) -> None:
        """Fail because the carrier could not be opened."""
        if not failure.check(CancelledError):
            self.fail(*explain(failure))

    def cancel(self) -> None:
        """Open nothing any more, and say nothing."""
        if self.is_over:
            return
        self.is_over = True
        if self.opening is not None:
            self.opening.cancel()
        if self._carrier is not None:
            self._carrier.close()


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


def _open_udp(call: Call) -> None:
    def opened(host: str) -> None:
        if call.is_over:
            return
        factory = call.factory
        client = UdpClient(
            (host, call.spec.port),
            factory.limits.receive_buffer,
            factory.peers.tally,
            call.succeed,
        )
        interface = "::" if isIPv6Address(host) else ""
        size = max(DATAGRAM_LIMIT, factory.config.largest_packet + 1)
        try:
            call.reactor.listenUDP(0, client, interface=interface, maxPacketSize=size)
        except OSError as error:
            call.fail(CloseReason.UNREACHABLE, str(error))

    host = call.spec.host
    if isIPAddress(host) or isIPv6Address(host):
        opened(host)
    else:
        call.opening = resolve(call.reactor, host)
        call.opening.addCallback(opened).addErrback(call.fail_opening)


def _open_stream(call: Call) -> None:
    def carrier() -> StreamProtocol:
        return StreamProtocol(
            call.reactor,
            call.factory.limits.max_frame,
            call.succeed,
            on_closed=lambda _: None,
        )

    _open_endpoint(call, Factory.forProtocol(carrier))


def _open_websocket(call: Call) -> None:
    def closed(detail: str) -> None:
        call.fail(CloseReason.LINK_LOST, detail)

    sockets = ClientSocketFactory(
        call.reactor, call.spec.url, call.factory.limits, call.succeed, closed
    )
    _open_endpoint(call, sockets)


def _open_endpoint(call: Call, factory: Any) -> None:
    spec = call.spec
    factory.noisy = False
    timeout = call.factory.config.handshake_timeout
    endpoint: Any = HostnameEndpoint(
        call.reactor, spec.host, spec.port, timeout=timeout
    )
    if spec.is_secure:
        endpoint = wrapClientTLS(client_context(spec.host, call.trust), endpoint)
    call.opening = endpoint.connect(factory)
    call.opening.addCallbacks(call.made, call.fail_opening)


def _open_memory(call: Call) -> None:
    client = required(call.memory, call.spec).open(call.spec.host)
    client.receiver = call.succeed(client)


_OPENERS: dict[str, Callable[[Call], None]] = {
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
