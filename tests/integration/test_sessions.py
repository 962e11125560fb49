# SPDX-License-Identifier: MIT
"""Links break, on every transport, and no reliable message is lost or comes twice."""

from __future__ import annotations

from twisted.internet.defer import gatherResults

from gamenet.errors import CloseReason, ConnectError
from gamenet.transport import Limits
from tests.integration.links import QUICK, TICKETS, SessionTestCase
from tests.integration.transports import SOCKETS, wait
from tests.transport.recorders import RELIABLE


class ResumeTests(SessionTestCase):
    """A link that breaks is replaced by the client, on every transport."""

    async def check(self, transport, break_link):
        """Break the link three times amid messages both ways."""
        client, server = both = await self.serve_and_connect(transport)
        payloads = self.numbers()
        for n_times in range(1, 4):
            begin = (n_times - 1) * 100
            self.send(both, payloads[begin : begin + 50])
            break_link(client, server)
            self.send(both, payloads[begin + 50 : begin + 100])
            await client.until_resumed(n_times)
            await server.until_resumed(n_times)
            await wait(TICKETS)
        await self.check_arrived(both, payloads)
        for protocol in both:
            self.assertEqual(
                self.kinds(protocol, "made", "dropped", "resumed", "lost"),
                ["made", *["dropped", "resumed"] * 3],
            )
        stats = server.factory.stats()
        self.assertEqual((stats.connections, stats.accepted), (1, 1))
        self.assertEqual(stats.resumed, 3)
        self.assertEqual(len(server.factory.built), 1)
        self.assertEqual(len(server.factory.admission), 1)

    async def check_stream(self, transport):
        await self.check(
            transport,
            lambda client, server: client._peer._carrier.transport.abortConnection(),
        )

    async def check_stream_at_the_server(self, transport):
        await self.check(
            transport,
            lambda client, server: server._peer._carrier.transport.abortConnection(),
        )

    async def test_udp(self):
        """Over UDP, when the client's socket fails."""
        await self.check(
            "udp", lambda client, server: client._peer.unreachable("no network")
        )

    async def test_tcp(self):
        """Over TCP, when the stream is cut."""
        await self.check_stream("tcp")
        await self.check_stream_at_the_server("tcp")

    async def test_tls(self):
        """Over TLS, when the stream is cut."""
        await self.check_stream("tls")
        await self.check_stream_at_the_server("tls")

    async def test_ws(self):
        """Over a WebSocket, when the stream is cut."""
        await self.check_stream("ws")
        await self.check_stream_at_the_server("ws")

    async def test_wss(self):
        """Over a WebSocket in TLS, when the stream is cut."""
        await self.check_stream("wss")
        await self.check_stream_at_the_server("wss")

    async def test_silence(self):
        """A link on which nothing comes any more is replaced, too."""
        for transport in SOCKETS:
            client, server = both = await self.serve_and_connect(transport, **QUICK)
            client._peer._carrier.send = lambda packets: None
            server._peer._carrier.send = lambda packets: None
            payloads = self.numbers(100)
            self.send(both, payloads)
            await client.until_resumed()
            await self.check_arrived(both, payloads)

    async def test_large_messages(self):
        """Large messages go on where they stopped."""
        for transport in ("udp", "tcp"):
            client, server = both = await self.serve_and_connect(transport)
            payloads = [bytes([number]) * 60_000 for number in range(6)]
            for protocol in both:
                for payload in payloads:
                    protocol.sendMessage(RELIABLE, payload)
            await server.until_messages(1)
            client._peer.unreachable("no network")
            for protocol in both:
                await protocol.until_messages(6)
                self.assertEqual(protocol.payloads(), payloads)
            self.assertEqual(server.count("resumed"), 1)

    async def test_heard_again(self):
        """A stream that was only silent goes on; the one that was opened is closed."""
        for transport in ("tcp", "ws"):
            client, server = await self.serve_and_connect(transport, **QUICK)
            carrier, owner = client._peer._carrier, client._peer._owner
            opened, late, unused = owner._opened, [], []

            def hear_again(new, opened=opened, late=late, old=carrier, unused=unused):
                unused.append(new)
                del old.dataReceived
                old.dataReceived(b"".join(late))
                return opened(new)

            carrier.dataReceived = late.append
            owner._opened = hear_again
            await client.until_resumed()
            self.assertIs(client._peer._carrier, carrier)
            client.sendMessage(RELIABLE, b"x")
            server.sendMessage(RELIABLE, b"y")
            await gatherResults([each.until_messages(1) for each in (client, server)])
            await self.check_closed(unused[0])
            self.assertEqual(self.kinds(server, "resumed", "lost"), [])

    async def check_closed(self, carrier):
        """Wait until a carrier has let go of its socket."""
        while carrier.transport is not None and carrier.transport.connected:
            await wait(0.01)

    async def test_given_up(self):
        """A session that nobody resumes ends on both sides, and is forgotten."""
        for transport in SOCKETS:
            client, server = await self.serve_and_connect(
                transport, timeout=0.4, resume_window=0.4
            )
            listening = next(reversed(self.factories))
            await listening._stop_accepting()
            if transport != "udp":
                server._peer._carrier.transport.abortConnection()
            await client.until_lost()
            await server.until_lost()
            factory = server.factory
            self.assertEqual(factory.sessions, {})
            self.assertEqual(len(factory.admission), 0)
            self.assertEqual(len(factory.peers), 0)
            self.assertEqual(factory.stats().connections, 0)

    async def test_full_server(self):
        """A place that is kept is not counted twice: one resumes on a full server."""
        limits = Limits(max_connections=2, max_per_address=2)
        for transport in SOCKETS:
            factory = self.server_factory(limits=limits)
            listening = self.serve(transport, factory)
            clients = await gatherResults([self.connect(listening) for _ in range(2)])
            await wait(TICKETS)
            clients[0]._peer.unreachable("no network")
            attempt = self.connect(listening)
            error = await self.assertFailure(attempt, ConnectError)
            self.assertIs(error.reason, CloseReason.SERVER_FULL)
            await clients[0].until_resumed()
            clients[0].sendMessage(RELIABLE, b"here again")
            await clients[0].until_messages(1)

    async def test_shut_down_while_away(self):
        """A server that stops does not wait for who is away, and tells who comes."""
        client, server = await self.serve_and_connect("tcp")
        listening = next(reversed(self.factories))
        server._peer.lost(CloseReason.LINK_LOST, "")
        await listening.stop()
        self.assertIs(server.reason(), CloseReason.SERVER_SHUTDOWN)
        client.loseConnection()
        await client.until_lost()
