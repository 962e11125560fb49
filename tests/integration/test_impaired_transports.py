# SPDX-License-Identifier: MIT
"""A bad network on every transport, made by the server or by the client."""

from __future__ import annotations

from gamenet.errors import CloseReason, ConfigError
from tests.integration.transports import SOCKETS, SocketTestCase, wait
from tests.transport.recorders import RELIABLE, Recorder

BAD = "latency=10ms jitter=5ms loss=10% dup=5% reorder=5% seed=8"


class ImpairedCase(SocketTestCase):
    """A case that plays on a connection."""

    async def play(self, client: Recorder) -> None:
        """Have messages echoed, and check that none is lost or out of order."""
        payloads = [b"%d" % number for number in range(30)]
        for payload in payloads:
            client.sendMessage(RELIABLE, payload)
        await client.until_messages(30)
        self.assertEqual(client.payloads(), payloads)


class ServerTests(ImpairedCase):
    """The server may make it bad for everybody."""

    async def test_every_transport(self):
        """Reliable messages come through on every transport."""
        for transport in SOCKETS:
            listening = self.serve(transport, self.server_factory(), impairment=BAD)
            await self.play(await self.connect(listening))

    async def test_latency(self):
        """Each way takes its time on every transport."""
        for transport in SOCKETS:
            listening = self.serve(
                transport, self.server_factory(), impairment="latency=30ms"
            )
            client = await self.connect(listening)
            await self.play(client)
            await wait(0.2)
            self.assertGreater(client.connection.stats().rtt_min, 0.055, transport)

    async def test_shutdown(self):
        """A server that stops tells its far-away players why."""
        for transport in SOCKETS:
            listening = self.serve(
                transport, self.server_factory(), impairment="latency=30ms"
            )
            client = await self.connect(listening)
            await listening.stop(detail="back at nine")
            await client.until_lost()
            self.assertEqual(client.reason(), CloseReason.SERVER_SHUTDOWN, transport)


class ClientTests(ImpairedCase):
    """A client may be far away, whatever the server does."""

    async def test_every_transport(self):
        """Reliable messages come through on every transport."""
        for transport in SOCKETS:
            listening = self.serve(transport, self.server_factory())
            await self.play(await self.connect(listening, impairment=BAD))

    async def test_both(self):
        """A bad network on both sides is twice as bad, and bears a game."""
        for transport in SOCKETS:
            listening = self.serve(transport, self.server_factory(), impairment=BAD)
            await self.play(await self.connect(listening, impairment=BAD))

    async def test_latency(self):
        """Each way takes its time on every transport."""
        for transport in SOCKETS:
            listening = self.serve(transport, self.server_factory())
            client = await self.connect(
                listening, impairment="down: latency=40ms; up: latency=20ms"
            )
            await self.play(client)
            await wait(0.2)
            self.assertGreater(client.connection.stats().rtt_min, 0.055, transport)

    async def test_farewell(self):
        """The server learns that a far-away client left, and why."""
        for transport in SOCKETS:
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            client = await self.connect(listening, impairment="latency=30ms")
            await self.play(client)
            client.loseConnection(CloseReason.NORMAL, "bye")
            await factory.built[0].until_lost()
            self.assertEqual(factory.built[0].reason(), CloseReason.NORMAL, transport)

    async def test_slow_link(self):
        """A slow link makes a stream wait, and loses nothing."""
        for transport in SOCKETS:
            listening = self.serve(transport, self.server_factory())
            client = await self.connect(listening, impairment="rate=2mbit queue=20ms")
            payloads = [bytes([number]) * 4000 for number in range(10)]
            for payload in payloads:
                client.sendMessage(RELIABLE, payload)
            await client.until_messages(10)
            self.assertEqual(client.payloads(), payloads)

    async def test_wrong_text(self):
        """An impairment that is not understood is an error of configuration."""
        listening = self.serve("tcp", self.server_factory())
        self.failureResultOf(self.connect(listening, impairment="5g"), ConfigError)
