# SPDX-License-Identifier: MIT
"""UDP without a network: what sockets refuse, and a whole server in simulated time."""

from __future__ import annotations

import errno
import random
import socket

from twisted.internet.interfaces import ISystemHandle
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from gamenet.errors import CloseReason, ConnectError, ListenError
from gamenet.testing import MemoryReactor
from gamenet.transport import Impairment, connect, listen
from gamenet.transport.listener import Listener
from gamenet.transport.udp import UdpServer
from tests.transport.recorders import (
    HASH,
    RELIABLE,
    UNRELIABLE,
    ClientFactory,
    Echo,
    ServerFactory,
)


@implementer(ISystemHandle)
class Bound:
    """A transport with a socket beneath."""

    def __init__(self, error=None):
        self.options = []
        self.sent = []
        self._error = error

    def getHandle(self):
        return self

    def setsockopt(self, level, option, value):
        self.options.append((level, option, value))
        if self._error is not None:
            raise self._error

    def sendto(self, data, address):
        if self._error is not None:
            raise self._error
        self.sent.append((data, address))


class SocketTests(SynchronousTestCase):
    """A server takes its socket as it is."""

    def server(self, error=None):
        """Return a server on a socket, and the socket."""
        reactor = MemoryReactor()
        factory = ServerFactory(reactor, HASH)
        server = UdpServer(Listener(factory, "udp"))
        bound = Bound(error)
        server.makeConnection(bound)
        return server, bound, factory

    def test_receive_buffer(self):
        """It asks for a large receive buffer."""
        _, bound, factory = self.server()
        size = factory.limits.receive_buffer
        self.assertEqual(bound.options, [(socket.SOL_SOCKET, socket.SO_RCVBUF, size)])

    def test_refused_receive_buffer(self):
        """It takes what it gets if that is refused."""
        self.server(OSError(errno.ENOBUFS, "no"))

    def test_full_send_buffer(self):
        """What the socket cannot take is lost and counted, not raised."""
        server, _, factory = self.server(BlockingIOError(errno.EAGAIN, "full"))
        server.server.write(b"x", ("127.0.0.1", 1))
        self.assertEqual(factory.stats().write_blocked, 1)

    def test_written_directly(self):
        """Datagrams go to the socket itself."""
        server, bound, _ = self.server()
        server.server.write(b"x", ("127.0.0.1", 1))
        self.assertEqual(bound.sent, [(b"x", ("127.0.0.1", 1))])


class SimulatedTests(SynchronousTestCase):
    """`listen` and `connect` work on a reactor in simulated time."""

    def setUp(self):
        self.reactor = MemoryReactor(Impairment(latency=0.02, loss=0.1, seed=1))
        self.factory = ServerFactory(self.reactor, HASH, random=random.Random(1))
        self.factory.protocol = Echo
        self.listening = self.successResultOf(
            listen(self.reactor, "udp:7777", self.factory)
        )

    def client_factory(self):
        token = self.factory.issueToken()
        return ClientFactory(self.reactor, HASH, random=random.Random(2), token=token)

    def advance(self, seconds):
        for _ in range(round(seconds * 100)):
            self.reactor.advance(0.01)

    def connect(self):
        result = connect(self.reactor, "udp:127.0.0.1:7777", self.client_factory())
        self.advance(1)
        return result

    def test_echo(self):
        """Messages go to and fro over a lossy network."""
        client = self.successResultOf(self.connect())
        for i in range(20):
            client.sendMessage(RELIABLE, b"%d" % i)
        self.advance(2)
        self.assertEqual(client.payloads(), [b"%d" % i for i in range(20)])

    def test_stop(self):
        """A server that stops says so to its peers."""
        client = self.successResultOf(self.connect())
        self.listening.stop(detail="enough")
        self.advance(1)
        self.assertEqual(
            client.happened[-1], ("lost", CloseReason.SERVER_SHUTDOWN, "enough")
        )
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_taken_port(self):
        """A port that is taken is an error here as well."""
        result = listen(self.reactor, "udp:7777", self.factory)
        error = self.failureResultOf(result, ListenError).value
        self.assertIn("UDP port 7777", str(error))

    def test_refused_while_sending(self):
        """A refusal that comes while a message is sent costs the link, later."""
        client = self.successResultOf(self.connect())
        carrier = client._peer._carrier
        carrier.transport.write = lambda datagram: carrier.connectionRefused()
        for _ in range(5):
            client.sendMessage(UNRELIABLE, b"x", flush=True)
        self.advance(2)
        self.assertEqual(
            client.happened[1:3],
            [("dropped", CloseReason.UNREACHABLE), ("resumed", "udp")],
        )

    def test_plain_client_is_refused_while_sending(self):
        """Without a session that is the end, but not within the call."""
        factory = self.client_factory()
        factory.isPlain = True
        result = connect(self.reactor, "udp:127.0.0.1:7777", factory)
        self.advance(1)
        client = self.successResultOf(result)
        carrier = client._peer._carrier
        carrier.transport.write = lambda datagram: carrier.connectionRefused()
        for _ in range(5):
            if not client.connection.is_closed:
                client.sendMessage(UNRELIABLE, b"x", flush=True)
            self.assertEqual(client.count("lost"), 0)
        self.reactor.advance(0)
        self.assertIs(client.reason(), CloseReason.UNREACHABLE)

    def test_one_refusal_is_not_believed(self):
        """One refusal, which anybody can forge, does not end a connection."""
        client = self.successResultOf(self.connect())
        for _ in range(5):
            client._peer._carrier.connectionRefused()
            self.advance(0.3)
        self.assertEqual(client.count("lost"), 0)

    def test_refused_attempt(self):
        """One refusal ends an attempt to connect."""
        factory = self.client_factory()
        result = connect(self.reactor, "udp:127.0.0.1:1", factory)
        (peer,) = factory.peers
        peer._carrier.connectionRefused()
        self.reactor.advance(0)
        error = self.failureResultOf(result, ConnectError).value
        self.assertIs(error.reason, CloseReason.UNREACHABLE)

    def test_socket_breaks(self):
        """An error of the network that takes the socket makes a client open another."""
        client = self.successResultOf(self.connect())
        client._peer._carrier.transport.stopListening()
        self.assertEqual(client.happened[-1], ("dropped", CloseReason.UNREACHABLE))
        self.advance(2)
        self.assertEqual(client.happened[-1], ("resumed", "udp"))
        client.sendMessage(RELIABLE, b"x")
        self.advance(1)
        self.assertEqual(client.payloads(), [b"x"])
