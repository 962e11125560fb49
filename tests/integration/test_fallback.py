# SPDX-License-Identifier: MIT
"""Where one way to the server is blocked, another is taken: at first, or later."""

from __future__ import annotations

import socket

from twisted.internet import reactor

from gamenet.errors import CloseReason, ConnectError
from gamenet.transport import Limits, connect
from gamenet.transport.udp import UdpServer
from tests.integration.links import QUICK, TICKETS, SessionTestCase
from tests.integration.transports import wait
from tests.transport.recorders import RELIABLE, Echo, Recorder, config


class FallbackTests(SessionTestCase):
    """Where one way is blocked, another is taken: first, or later."""

    def hole(self):
        """Return the connect string of a UDP port from which nothing comes."""
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(silent.close)
        silent.bind(("127.0.0.1", 0))
        return f"udp:127.0.0.1:{silent.getsockname()[1]}"

    def closed_port(self):
        """Return the connect string of a UDP port at which nobody listens."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            return f"udp:127.0.0.1:{free.getsockname()[1]}"

    def dial(self, factory, ways, **settings):
        """Have a client try some ways in turn."""
        client_factory = self.client_factory(
            config=config(**settings), token=factory.issueToken()
        )
        return connect(reactor, ways, client_factory, tls_trust=self.certificate)

    async def test_first(self):
        """A client that is not answered over UDP comes by another way, soon."""
        for transport in ("ws", "tcp"):
            factory = self.server_factory()
            way = self.way_to(self.serve(transport, factory))
            for blocked in (self.closed_port(), self.hole()):
                began = reactor.seconds()
                client = await self.dial(factory, [blocked, way])
                self.assertLess(reactor.seconds() - began, 3)
                self.assertEqual(client.transportName, transport)
                client.sendMessage(RELIABLE, b"x")
                await client.until_messages(1)
                self.assertEqual(client.factory.failures, [])

    async def test_token_is_not_spent(self):
        """A token that was shown where nobody answers is still good."""
        factory = self.server_factory()
        listening = self.serve("udp", factory)
        blocked = "ws:127.0.0.1:" + self.closed_port().rpartition(":")[2]
        client = await self.dial(factory, [blocked, self.way_to(listening)])
        self.assertEqual(client.transportName, "udp")

    async def test_half_blocked(self):
        """Nor is one that has reached the server, whose answers are lost."""
        factory = self.server_factory()
        ways = [self.way_to(self.serve(each, factory)) for each in ("udp", "ws")]
        for port in reactor.getReaders():
            if isinstance(getattr(port, "protocol", None), UdpServer):
                port.protocol.server.write = lambda datagram, address: None
        client = await self.dial(factory, ways)
        self.assertEqual(client.transportName, "ws")

    async def test_no_way(self):
        """When all are blocked the last one says why."""
        factory = self.server_factory()
        self.serve("udp", factory)
        ways = [self.closed_port(), self.closed_port()]
        error = await self.assertFailure(self.dial(factory, ways), ConnectError)
        self.assertIs(error.reason, CloseReason.UNREACHABLE)
        self.assertIn(ways[1], str(error))

    async def test_refused_is_refused(self):
        """Who is refused does not try another door of the same server."""
        factory = self.server_factory(limits=Limits(max_connections=1))
        ways = [self.way_to(self.serve(each, factory)) for each in ("tcp", "ws")]
        await self.dial(factory, ways)
        error = await self.assertFailure(self.dial(factory, ways), ConnectError)
        self.assertIs(error.reason, CloseReason.SERVER_FULL)
        self.assertEqual(factory.stats().refused, {"SERVER_FULL": 1})

    def block_udp(self, server):
        """Let no datagram through any more, either way."""
        served = server._peer._carrier._server
        served.write = lambda datagram, address: None
        for port in reactor.getReaders():
            if isinstance(getattr(port, "protocol", None), UdpServer):
                port.protocol.datagramReceived = lambda datagram, address: None

    async def test_later(self):
        """When UDP is blocked in the midst of a game, it goes on over a stream."""
        for transport in ("ws", "tls"):
            factory = self.server_factory(Recorder, config=config(**QUICK))
            ways = [
                self.way_to(self.serve(each, factory)) for each in ("udp", transport)
            ]
            client = await self.dial(factory, ways, **QUICK)
            (server,) = factory.built
            both = (client, server)
            payloads = self.numbers()
            self.send(both, payloads[:100])
            await client.until_messages(50)
            self.block_udp(server)
            self.send(both, payloads[100:])
            await client.until_resumed()
            await server.until_resumed()
            await self.check_arrived(both, payloads)
            self.assertEqual(client.transportName, transport)
            self.assertEqual(server.transportName, transport)

    async def test_listener_of_old(self):
        """A session belongs where it is now: the port it came by may close."""
        factory = self.server_factory(Echo)
        udp, ws = (self.serve(each, factory) for each in ("udp", "ws"))
        client = await self.dial(factory, [self.way_to(udp), self.way_to(ws)])
        await wait(TICKETS)
        client._peer._owner._specs = [client._peer._owner._specs[1]]
        client._peer._owner._index = 0
        client._peer.unreachable("no network")
        await client.until_resumed()
        self.assertEqual(client.transportName, "ws")
        await udp.stop()
        client.sendMessage(RELIABLE, b"still here")
        await client.until_messages(1)
        self.assertEqual(client.count("lost") + factory.built[0].count("lost"), 0)
        await ws.stop()
        await client.until_lost()
        self.assertIs(client.reason(), CloseReason.SERVER_SHUTDOWN)
