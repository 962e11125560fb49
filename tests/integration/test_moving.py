# SPDX-License-Identifier: MIT
"""Clients that move to another address, clients that cannot, and what all may send."""

from __future__ import annotations

from twisted.internet import reactor

from gamenet.errors import CloseReason
from gamenet.transport import Limits
from tests.integration.links import SessionTestCase
from tests.integration.transports import STREAMS, wait
from tests.transport.recorders import RELIABLE, UNRELIABLE, Recorder


class RebindTests(SessionTestCase):
    """A UDP client whose address changes goes on without a handshake."""

    async def test_rebind(self):
        """Messages flow both ways from the new port; nobody is told of a thing."""
        client, server = both = await self.serve_and_connect("udp")
        payloads = self.numbers()
        ports = {server.connection.path}
        for i in range(3):
            client.rebind()
            self.send(both, payloads[i * 100 : i * 100 + 100])
            await wait(0.1)
            ports.add(server.connection.path)
        await self.check_arrived(both, payloads)
        self.assertEqual(len(ports), 4)
        for protocol in both:
            self.assertEqual(self.kinds(protocol, "dropped", "resumed", "lost"), [])
        stats = server.factory.stats()
        self.assertEqual((stats.migrated, stats.resumed, stats.accepted), (3, 0, 1))
        self.assertEqual(
            server.connection.connection_id, client.connection.connection_id
        )

    async def test_only_what_the_server_says(self):
        """A client that only listens is found at its new port, too."""
        client, server = await self.serve_and_connect("udp")
        client.rebind()
        for number in range(20):
            server.sendMessage(UNRELIABLE, b"%d" % number)
            server.factory.flush()
            await wait(0.02)
        self.assertEqual(client.payloads()[-1], b"19")
        self.assertGreater(len(client.payloads()), 10)

    async def test_old_socket_is_closed(self):
        """The socket that was left is closed."""
        client, _ = await self.serve_and_connect("udp")
        old = client._peer._carrier
        client.rebind()
        await wait(0.05)
        self.assertIsNot(client._peer._carrier, old)
        self.assertIsNone(old.transport)

    async def test_streams(self):
        """A stream has no other socket: there it does nothing."""
        for transport in STREAMS:
            client, server = await self.serve_and_connect(transport)
            client.rebind()
            client.sendMessage(RELIABLE, b"x")
            await server.until_messages(1)
            self.assertEqual(self.kinds(server, "dropped", "resumed"), [])

    async def test_server(self):
        """A server has one socket for all: there it does nothing."""
        client, server = await self.serve_and_connect("udp")
        server.rebind()
        server.sendMessage(RELIABLE, b"x")
        await client.until_messages(1)

    async def test_while_away(self):
        """While the link is lost there is nothing to move."""
        client, server = await self.serve_and_connect("udp")
        client._peer.unreachable("no network")
        client.rebind()
        await client.until_resumed()
        client.sendMessage(RELIABLE, b"x")
        await server.until_messages(1)

    async def test_plain(self):
        """A plain netcode client cannot move: it stays."""
        factory = self.server_factory(Recorder)
        listening = self.serve("udp", factory)
        client = await self.connect(listening, self.client_factory(isPlain=True))
        client.rebind()
        client.sendMessage(RELIABLE, b"x")
        await factory.built[0].until_messages(1)


class PlainTests(SessionTestCase):
    """A client may speak netcode 1.02 and no more."""

    async def test_both_ways(self):
        """Messages of all sizes go both ways."""
        factory = self.server_factory()
        listening = self.serve("udp", factory)
        client = await self.connect(
            listening, self.client_factory(isPlain=True), user_data=b"plain"
        )
        (server,) = factory.built
        self.assertEqual(server.userData, b"plain")
        payloads = [b"", b"hello", b"x" * 1000, b"y" * 60_000]
        for payload in payloads:
            client.sendMessage(RELIABLE, payload)
        await client.until_messages(4)
        self.assertEqual(client.payloads(), payloads)
        client.loseConnection()
        await server.until_lost()
        self.assertIs(server.reason(), CloseReason.NORMAL)

    async def test_beside_others(self):
        """It shares the port with those who speak more."""
        factory = self.server_factory()
        listening = self.serve("udp", factory)
        clients = [
            await self.connect(listening, self.client_factory(isPlain=is_plain))
            for is_plain in (True, False, True)
        ]
        for number, client in enumerate(clients):
            client.sendMessage(RELIABLE, b"%d" % number)
        for number, client in enumerate(clients):
            await client.until_messages(1)
            self.assertEqual(client.payloads(), [b"%d" % number])

    async def test_streams(self):
        """On streams there is no netcode to be plain with: it makes no difference."""
        for transport in ("tcp", "ws"):
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            client = await self.connect(listening, self.client_factory(isPlain=True))
            client.sendMessage(RELIABLE, b"x")
            await client.until_messages(1)


class BandwidthTests(SessionTestCase):
    """A server keeps to the bytes a second that it may send."""

    async def test_server_wide(self):
        """All its connections together, over all transports."""
        factory = self.server_factory(Recorder, limits=Limits(bandwidth=100_000))
        clients = [
            await self.connect(self.serve(each, factory))
            for each in ("udp", "tcp", "ws")
        ]
        await wait(0.2)
        before, began = factory.stats().bytes_sent, reactor.seconds()
        while reactor.seconds() - began < 1.5:
            for server in factory.connections:
                for _ in range(10):
                    server.sendMessage(UNRELIABLE, b"x" * 1000)
            factory.flush()
            await wait(0.02)
        seconds = reactor.seconds() - began
        sent = factory.stats().bytes_sent - before
        self.assertLess(sent, 100_000 * seconds * 1.15)
        self.assertGreater(sent, 100_000 * seconds * 0.75)
        for client in clients:
            self.assertGreater(client.count("message"), 5, client.transportName)
