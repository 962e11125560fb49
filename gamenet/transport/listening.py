# SPDX-License-Identifier: MIT
"""Listen for players: one call for every transport.

`listen` opens the port that a listen string describes and returns a `Listening`, whose
`port` tells which one it became where 0 asked for a free one. What cannot be opened is
one clear line, whichever transport it was.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, gatherResults, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import ServerFactory

from gamenet.connection import ServerAddress
from gamenet.errors import CloseReason, ConfigError, ListenError
from gamenet.transport.addresses import ListenSpec, parse_listen
from gamenet.transport.certificates import server_context
from gamenet.transport.factories import GameServerFactory
from gamenet.transport.impaired import ImpairedUdpServer
from gamenet.transport.impaired_carriers import ImpairedLinks
from gamenet.transport.impairments import AnyImpairment, Impairments
from gamenet.transport.listener import Listener
from gamenet.transport.memory import MemoryNetwork, required
from gamenet.transport.site import GameSite, SocketResource
from gamenet.transport.tcp import CLOSE_GRACE, StreamProtocol, TurnedAway
from gamenet.transport.udp import DATAGRAM_LIMIT, UdpServer
from gamenet.transport.websocket import ServerSocketFactory

__all__ = ["Listening", "listen"]

_ADVICE = {
    errno.EADDRINUSE: "stop the program that has it or choose another port",
    errno.EACCES: "ports below 1024 need a privilege, choose a higher one",
    errno.EADDRNOTAVAIL: "this machine has no such address, check interface=",
}

_STOP_GRACE = 1.5 * CLOSE_GRACE
"""Seconds after which a stop cuts what has not closed by itself."""


class Listening:
    """One open listening address.

    Args:
        reactor: gives delayed calls.
        spec: what was asked for.
        host: address that is bound.
        port: number of the port that is open; 0 where there is none (memory).
        listener: holds the peers that came in.
        stop_accepting: closes the port; its result may be a Deferred.
    """

    def __init__(
        self,
        reactor: Any,
        spec: ListenSpec,
        host: str,
        port: int,
        listener: Listener,
        stop_accepting: Callable[[], Any],
    ) -> None:
        self.spec = spec
        self.transport = spec.transport
        self.host = host
        self.port = port
        self._reactor = reactor
        self._listener = listener
        self._stop_accepting = stop_accepting
        self._waiting: list[Deferred[None]] | None = None
        self._is_stopped = False

    def __repr__(self) -> str:
        return f"<Listening {self.transport} on {self.host or '*'} port {self.port}>"

    def stop(
        self, reason: CloseReason = CloseReason.SERVER_SHUTDOWN, detail: str = ""
    ) -> Deferred[None]:
        """Let nobody in any more, tell every peer why it has to leave, and close.

        Returns:
            A Deferred that fires when the port and every connection are closed, at most
            about a second later. Stopping again waits for the same.
        """
        if self._is_stopped:
            return succeed(None)
        result: Deferred[None] = Deferred()
        if self._waiting is None:
            self._waiting = [result]
            # Peers first: a datagram socket has to be open to tell them.
            drained = self._listener.close(reason, detail)
            closed = maybeDeferred(self._stop_accepting)
            cut = self._reactor.callLater(_STOP_GRACE, self._listener.cut)
            gatherResults([drained, closed]).addBoth(self._stopped, cut)
        else:
            self._waiting.append(result)
        return result

    def _stopped(self, _: object, cut: Any) -> None:
        if cut.active():
            cut.cancel()
        self._is_stopped = True
        waiting, self._waiting = self._waiting or [], None
        for each in waiting:
            each.callback(None)


def listen(
    reactor: Any,
    spec: ListenSpec | str,
    factory: GameServerFactory,
    *,
    web: Any = None,
    impairment: AnyImpairment | None = None,
    memory: MemoryNetwork | None = None,
) -> Deferred[Listening]:
    """Listen at one address; call it again for another transport.

    Args:
        reactor: opens the port.
        spec: a listen string such as "udp:7777", or what `parse_listen` made of one.
        factory: builds the protocols of the peers.
        web: on ws and wss, the resource of everything on the port but the socket at
            /ws.
        impairment: a bad network to simulate, such as "lte".
        memory: the network of "memory:NAME".

    Returns:
        A Deferred of the `Listening`, already fired. It fails with `ListenError` if the
        port cannot be opened and with `ConfigError` if the string or a certificate file
        is wrong; each message is one line.

    Example:
        >>> from gamenet.transport import GameServerFactory, MemoryNetwork, listen
        >>> from twisted.internet.task import Clock
        >>> clock = Clock()
        >>> factory = GameServerFactory(clock, b"example1")
        >>> listening = listen(clock, "memory:a", factory, memory=MemoryNetwork(clock))
        >>> listening.result
        <Listening memory on a port 0>
    """
    try:
        parsed = parse_listen(spec) if isinstance(spec, str) else spec
        return succeed(_open(reactor, parsed, factory, web, impairment, memory))
    except (ListenError, ConfigError):
        return fail()


def _open(
    reactor: Any,
    spec: ListenSpec,
    factory: GameServerFactory,
    web: Any,
    impairment: AnyImpairment | None,
    memory: MemoryNetwork | None,
) -> Listening:
    if impairment is not None and spec.transport == "memory":
        raise ConfigError(
            f"listen string {str(spec)!r}: give the impairment to the MemoryNetwork"
        )
    both = None if impairment is None else Impairments.of(impairment)
    listener = Listener(factory, spec.transport)
    if spec.transport == "memory":
        return _open_memory(reactor, spec, listener, memory)
    if spec.transport == "udp":
        return _open_udp(reactor, spec, listener, both)
    let_in: Any = listener.let_in_stream
    if both is not None:
        links = ImpairedLinks(both, reactor, is_server=True)
        let_in = links.before(let_in, is_stream=True)
    if spec.transport in ("tcp", "tls"):
        return _open_stream(reactor, spec, listener, let_in)
    return _open_web(reactor, spec, listener, let_in, web)


def _open_memory(
    reactor: Any, spec: ListenSpec, listener: Listener, memory: MemoryNetwork | None
) -> Listening:
    network = required(memory, spec)
    network.attach(spec.name, listener)
    return Listening(
        reactor, spec, spec.name, 0, listener, lambda: network.detach(spec.name)
    )


def _open_udp(
    reactor: Any, spec: ListenSpec, listener: Listener, impairments: Impairments | None
) -> Listening:
    protocol: UdpServer = UdpServer(listener)
    flush: Callable[[], None] = _nothing
    if impairments is not None:
        down, up = impairments.down, impairments.up
        protocol = impaired = ImpairedUdpServer(listener, reactor, down, up)
        # What is on its way, above all the farewells, leaves before the port closes.
        flush = impaired.flush
    size = max(DATAGRAM_LIMIT, listener.factory.config.largest_packet + 1)
    port = _bind(
        spec,
        lambda: reactor.listenUDP(
            spec.port, protocol, interface=spec.interface, maxPacketSize=size
        ),
    )

    def stop() -> Any:
        flush()
        return port.stopListening()

    return _listening(reactor, spec, port, listener, stop)


def _nothing() -> None:
    """Do nothing: without an impairment nothing is on its way."""


def _open_stream(
    reactor: Any, spec: ListenSpec, listener: Listener, let_in: Callable[[Any], Any]
) -> Listening:
    factory = _StreamFactory(reactor, listener, let_in)
    port = _bind_stream(reactor, spec, factory)
    return _listening(reactor, spec, port, listener, port.stopListening)


def _open_web(
    reactor: Any,
    spec: ListenSpec,
    listener: Listener,
    let_in: Callable[[Any], Any],
    web: Any,
) -> Listening:
    limits = listener.factory.limits
    sockets = ServerSocketFactory(reactor, limits, listener, let_in)
    site = GameSite(reactor, SocketResource(sockets, limits, listener), web, listener)
    port = _bind_stream(reactor, spec, site)
    return _listening(reactor, spec, port, listener, port.stopListening)


def _bind_stream(reactor: Any, spec: ListenSpec, factory: Any) -> Any:
    if not spec.is_secure:
        return _bind(
            spec,
            lambda: reactor.listenTCP(spec.port, factory, interface=spec.interface),
        )
    context = server_context(spec.certificate, spec.key, spec.authority)
    return _bind(
        spec,
        lambda: reactor.listenSSL(
            spec.port, factory, context, interface=spec.interface
        ),
    )


def _bind(spec: ListenSpec, bind: Callable[[], Any]) -> Any:
    """Open a port, and say in one line why that failed."""
    try:
        return bind()
    except CannotListenError as error:
        problem = error.socketError
        _close_socket_of(error)
    except (OSError, ValueError) as error:
        problem = error
    why = getattr(problem, "strerror", None) or str(problem)
    advice = _ADVICE.get(getattr(problem, "errno", 0), "check the listen string")
    kind = "UDP" if spec.transport == "udp" else "TCP"
    where = f" of {spec.interface}" if spec.interface else ""
    raise ListenError(
        f"cannot listen on {kind} port {spec.port}{where} (listen {str(spec)!r}): "
        f"{why}; {advice}"
    )


def _close_socket_of(error: CannotListenError) -> None:
    """Close the socket that could not be bound: Twisted leaves it open."""
    step = error.__traceback__
    while step is not None:
        unbound = step.tb_frame.f_locals.get("skt")
        if isinstance(unbound, socket.socket):
            unbound.close()
        step = step.tb_next


def _listening(
    reactor: Any,
    spec: ListenSpec,
    port: Any,
    listener: Listener,
    stop: Callable[[], Any],
) -> Listening:
    bound = port.getHost()
    listener.bound(ServerAddress(bound.host or "0.0.0.0", bound.port))
    return Listening(reactor, spec, bound.host, bound.port, listener, stop)


class _StreamFactory(ServerFactory):
    """Make the carrier of each TCP or TLS connection."""

    noisy = False

    def __init__(
        self, reactor: Any, listener: Listener, let_in: Callable[[Any], Any]
    ) -> None:
        self._reactor = reactor
        self._listener = listener
        self._let_in = let_in

    def buildProtocol(self, addr: Any) -> Any:
        """Return the carrier of a connection, if there is a place for it."""
        listener = self._listener
        if not listener.has_room(addr.host):
            return TurnedAway()
        carrier = StreamProtocol(
            self._reactor,
            listener.factory.limits.max_frame,
            self._let_in,
            listener.closed,
        )
        listener.opened(carrier)
        return carrier
