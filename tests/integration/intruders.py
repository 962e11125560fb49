# SPDX-License-Identifier: MIT
"""Streams and sockets that do not behave as our client does."""

from __future__ import annotations

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

from tests.integration.transports import SocketTestCase, wait

__all__ = ["LimitTestCase"]


class Listener(Protocol):
    """Collect what comes, and note the end."""

    def __init__(self):
        self.received = b""
        self.closed = Deferred()

    def dataReceived(self, data):
        self.received += data

    def connectionLost(self, reason):
        self.closed.callback(self.received)


class BareSocket(WebSocketClientProtocol):
    """A WebSocket without our client above it."""

    def onOpen(self):
        self.factory.opened.callback(self)

    def onClose(self, wasClean, code, reason):
        if not self.factory.opened.called:
            self.factory.opened.errback(ConnectionError(reason))
        self.factory.closed.callback((code, reason))


class LimitTestCase(SocketTestCase):
    """Have clients that do not behave."""

    async def open(self, listening):
        """Return an open stream without our client above it."""
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", listening.port)
        protocol = await connectProtocol(endpoint, Listener())
        self.addCleanup(protocol.transport.abortConnection)
        return protocol

    def open_socket(self, listening, **kwargs):
        """Return a WebSocket without our client above it."""
        url = f"ws://127.0.0.1:{listening.port}/ws"
        factory = WebSocketClientFactory(url, reactor=reactor, **kwargs)
        factory.protocol = BareSocket
        factory.opened, factory.closed = Deferred(), Deferred()
        HostnameEndpoint(reactor, "127.0.0.1", listening.port).connect(factory)
        return factory.opened

    async def until(self, condition):
        """Wait until a condition holds."""
        while not condition():
            await wait(0.01)
