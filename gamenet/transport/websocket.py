# SPDX-License-Identifier: MIT
"""Carry packets in WebSocket messages: one binary message is one packet.

Autobahn parses the protocol. Its defaults are made for convenience; ours are set here:
frames and messages have a limit, silent connections are pinged, nothing is compressed
(a deflate context costs 100 KiB a connection), and nothing is logged for what a hostile
peer does. Backpressure is that of `tcp`: the carrier registers as a producer and stops
taking packets from the core while the write buffer is full.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from gamenet.errors import CloseReason
from gamenet.transport.limits import Limits
from gamenet.transport.listener import Listener
from gamenet.transport.shell import Receiver
from gamenet.transport.tcp import CLOSE_GRACE, explain_loss, room_in

__all__ = ["ClientSocketFactory", "ServerSocketFactory"]

_NORMAL_CLOSURE = 1000  # RFC 6455, section 7.4.1


class _QuietLog:
    """Log Autobahn's errors, and drop what it says about every packet and peer."""

    _log = Logger(namespace="gamenet.transport.websocket")

    def debug(self, *_: Any, **__: Any) -> None:
        """Say nothing."""

    info = warn = trace = debug

    def error(self, message: str, **values: Any) -> None:
        """Log at debug level: a TLS error is the peer's doing, not ours."""
        self._log.debug("{message}", message=str(message), values=values)

    def critical(self, message: str, **values: Any) -> None:
        """Log."""
        self._log.critical("{message}", message=str(message), values=values)


class _Timers:
    """Make Autobahn's delayed calls on our reactor, one each.

    Its own timers take the global reactor, and ring in shared buckets that stay behind
    when everything in them was cancelled.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def call_later(self, delay: float, call: Callable[..., Any], *args: Any) -> Any:
        """Return a delayed call."""
        return self._reactor.callLater(delay, call, *args)


@implementer(IPushProducer)
class _SocketCarrier:
    """What the server's and the client's end have in common, mixed into Autobahn's."""

    log = _QuietLog()
    is_blocked = False

    # What Autobahn has.
    factory: Any
    transport: Any
    closeHandshakeTimeoutCall: Any
    message_data: list[bytes] | None
    failedByMe: bool

    def __init__(self) -> None:
        super().__init__()
        self.receiver: Receiver | None = None
        """What is told of packets; it may put another in its place."""
        self._packets: list[bytes] = []
        self._loss = ""

    # ------------------------------------------------------------ called by Autobahn

    def onOpen(self) -> None:
        """Begin: the opening handshake succeeded."""
        # On the server the HTTP channel is still registered with the transport.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self, True)
        self.receiver = self.factory.peer_for(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Take a packet, to be passed on with those that came together with it."""
        if isBinary:
            self._packets.append(payload)
        elif self.receiver is not None:
            detail = "a text message came; use binary ones"
            self.receiver.abort(CloseReason.MALFORMED, detail)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Note that the socket is gone, or never opened."""
        # Autobahn forgets this one if the stream ends before the time is over.
        call, self.closeHandshakeTimeoutCall = self.closeHandshakeTimeoutCall, None
        if call is not None:
            call.cancel()
        detail = self._loss or reason or "the socket was closed"
        peer, self.receiver = self.receiver, None
        if peer is not None:
            peer.lost(CloseReason.LINK_LOST, detail)
        self.factory.socket_closed(self, detail)

    # ------------------------------------------------- Autobahn's hooks, overridden

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Note why the stream was lost, which Autobahn tells less clearly."""
        if not isinstance(reason.value, ConnectionDone):
            self._loss = explain_loss(reason)
        super().connectionLost(reason)  # type: ignore[misc]

    def dataReceived(self, data: bytes) -> None:
        """Feed the parser without composing a log message first."""
        self._dataReceived(data)  # type: ignore[attr-defined]
        packets, self._packets = self._packets, []
        if self.receiver is not None:
            self.receiver.receive_all(packets)

    def sendData(self, data: bytes, sync: bool = False, chopsize: Any = None) -> None:
        """Write without composing a log message first."""
        self.transport.write(data)

    def onMessageEnd(self) -> None:
        """Pass a message on without making a Deferred for it."""
        parts, self.message_data = self.message_data, None
        if not self.failedByMe and parts is not None:
            self.onMessage(b"".join(parts), self.message_is_binary)  # type: ignore[attr-defined]

    def _max_message_size_exceeded(self, size: int, limit: int, reason: str) -> None:
        """Close, and tell the peer why, instead of dropping the connection."""
        self.failedByMe = True
        if self.receiver is not None:
            detail = f"a message of {size} bytes came; at most {limit} are allowed"
            self.receiver.abort(CloseReason.MESSAGE_TOO_LARGE, detail)

    # ------------------------------------------------------------- called by the peer

    def send(self, packets: list[bytes]) -> None:
        """Send each packet as a binary message."""
        if self.state == self.STATE_OPEN:  # type: ignore[attr-defined]
            for packet in packets:
                self.sendMessage(packet, isBinary=True)  # type: ignore[attr-defined]

    def room(self) -> float:
        """Return how many bytes it takes until it is blocked; infinite if unknown."""
        return room_in(self.transport)

    def close(self) -> None:
        """Shake hands on closing; Autobahn cuts the stream if that takes too long."""
        is_open = self.state == self.STATE_OPEN  # type: ignore[attr-defined]
        if self.receiver is not None or is_open:
            self.receiver = None
            self.transport.unregisterProducer()
        if is_open:
            self.sendClose(_NORMAL_CLOSURE)  # type: ignore[attr-defined]
        elif self.state == self.STATE_CONNECTING:  # type: ignore[attr-defined]
            # There is nobody yet to shake hands with.
            self.cut()

    def cut(self) -> None:
        """Close the stream at once, whatever is buffered."""
        self.transport.abortConnection()

    # -------------------------------------------------------- called by the transport

    def pauseProducing(self) -> None:
        """Note that the write buffer is full."""
        self.is_blocked = True
        if self.receiver is not None:
            self.receiver.blocked()

    def resumeProducing(self) -> None:
        """Note that the write buffer has drained."""
        self.is_blocked = False
        if self.receiver is not None:
            self.receiver.pump()

    def stopProducing(self) -> None:
        """Stop; `onClose` says the rest."""
        self.is_blocked = True


class _ServerSocket(_SocketCarrier, WebSocketServerProtocol):
    """The server's end of a WebSocket."""


class _ClientSocket(_SocketCarrier, WebSocketClientProtocol):
    """The client's end of a WebSocket."""


class ServerSocketFactory(WebSocketServerFactory):
    """Build the server's ends of WebSockets whose requests were checked already.

    Args:
        reactor: gives delayed calls.
        limits: of frames, messages and times.
        listener: knows the open sockets.
        let_in: takes an open socket, returns what it tells of packets.
    """

    protocol = _ServerSocket

    def __init__(
        self,
        reactor: Any,
        limits: Limits,
        listener: Listener,
        let_in: Callable[[Any], Receiver],
    ) -> None:
        super().__init__(None, server="gamenet", reactor=reactor)
        self._batched_timer = _Timers(reactor)
        self._listener = listener
        self._let_in = let_in
        self.setProtocolOptions(
            webStatus=False,
            # Origins are checked before Autobahn sees the request.
            allowNullOrigin=True,
            **_options(limits),
        )

    def buildProtocol(self, addr: Any) -> Any:
        """Return the socket of a request."""
        socket = super().buildProtocol(addr)
        self._listener.opened(socket)
        return socket

    def peer_for(self, socket: Any) -> Receiver:
        """Make the peer of an open socket."""
        return self._let_in(socket)

    def socket_closed(self, socket: Any, detail: str) -> None:
        """Note that a socket is closed, whether or not it ever was open."""
        self._listener.closed(socket)


class ClientSocketFactory(WebSocketClientFactory):
    """Build the client's end of a WebSocket.

    Args:
        reactor: gives delayed calls.
        url: of the socket.
        limits: of frames, messages and times.
        make_peer: makes the peer when the socket is open.
        on_closed: called with the reason when the socket is closed, open or not.
    """

    protocol = _ClientSocket

    def __init__(
        self,
        reactor: Any,
        url: str,
        limits: Limits,
        make_peer: Callable[[Any], Receiver],
        on_closed: Callable[[str], None],
    ) -> None:
        super().__init__(url, useragent="gamenet", reactor=reactor)
        self._batched_timer = _Timers(reactor)
        self._make_peer = make_peer
        self._on_closed = on_closed
        self.setProtocolOptions(**_options(limits))

    def peer_for(self, socket: Any) -> Receiver:
        """Make the peer of the open socket."""
        return self._make_peer(socket)

    def socket_closed(self, socket: Any, detail: str) -> None:
        """Note that the socket is closed, whether or not it ever was open."""
        self._on_closed(detail)


def _options(limits: Limits) -> dict[str, Any]:
    return {
        "maxFramePayloadSize": limits.max_frame,
        "maxMessagePayloadSize": limits.max_frame,
        "openHandshakeTimeout": limits.handshake_timeout,
        "closeHandshakeTimeout": CLOSE_GRACE,
        "autoPingInterval": limits.ping_interval,
        "autoPingTimeout": limits.ping_timeout,
        "tcpNoDelay": True,
    }
