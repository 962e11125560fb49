# SPDX-License-Identifier: MIT
"""Who says nothing, or stops in the midst of a word, is not waited for."""

from __future__ import annotations

import socket
import ssl

from twisted.internet.threads import deferToThread

from gamenet.errors import CloseReason
from gamenet.transport import Limits
from tests.integration.intruders import LimitTestCase
from tests.integration.transports import STREAMS, wait
from tests.transport.recorders import UNRELIABLE, config


class SilenceTests(LimitTestCase):
    """A stream on which nothing is said is closed in time."""

    async def test_streams(self):
        """Neither TCP, nor TLS, nor HTTP waits for ever."""
        limits = Limits(handshake_timeout=0.2, http_timeout=0.2)
        for transport in STREAMS:
            factory = self.server_factory(limits=limits)
            stream = await self.open(self.serve(transport, factory))
            await stream.closed
            self.assertEqual(factory.built, [])
            self.assertEqual(len(factory.admission), 0)

    async def test_websocket(self):
        """A WebSocket that opens and says nothing is closed in time."""
        factory = self.server_factory(limits=Limits(handshake_timeout=0.2))
        bare = await self.open_socket(self.serve("ws", factory))
        await bare.factory.closed
        self.assertEqual(factory.stats().refused, {"HANDSHAKE_TIMED_OUT": 1})

    async def test_tls_without_packets(self):
        """A TLS handshake alone is not enough."""
        factory = self.server_factory(limits=Limits(handshake_timeout=0.3))
        listening = self.serve("tls", factory)
        context = ssl.create_default_context(cafile=self.certificate)

        def shake():
            plain = socket.create_connection(("127.0.0.1", listening.port))
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
                return b"".join(iter(lambda: tls.recv(100), b""))

        answer = await deferToThread(shake)
        self.assertEqual(answer[4:6], bytes((9, CloseReason.HANDSHAKE_TIMED_OUT)))
        self.assertEqual(factory.stats().refused, {"HANDSHAKE_TIMED_OUT": 1})

    async def test_half_a_frame(self):
        """A frame that is never completed is not waited for."""
        factory = self.server_factory(limits=Limits(handshake_timeout=0.3))
        listening = self.serve("tcp", factory)
        request = factory.issueToken().request()
        for part in (b"\x40", b"\x40\x04\0\0", b"\x40\x04\0\0" + request[:500]):
            stream = await self.open(listening)
            stream.transport.write(part)
            await stream.closed
        self.assertEqual(factory.stats().refused, {"HANDSHAKE_TIMED_OUT": 3})
        self.assertEqual(len(factory.admission), 0)

    async def test_half_a_frame_of_a_player(self):
        """A player who stops within a frame is away, and then gone."""
        settings = config(timeout=0.4, resume_window=0.3)
        for transport in ("tcp", "tls", "ws"):
            factory = self.server_factory(config=settings)
            client = await self.connect(self.serve(transport, factory))
            carrier = client._peer._carrier
            carrier.send = lambda packets: None
            carrier.transport.write(b"\xff")
            (server,) = factory.built
            await server.until_lost()
            self.assertEqual(
                server.happened[-2:],
                [
                    ("dropped", CloseReason.TIMED_OUT),
                    ("lost", CloseReason.TIMED_OUT, ""),
                ],
            )
            await client.until(lambda n=client: n.count("dropped") > 0)

    async def test_a_reader_that_stops(self):
        """A stream that is not read from is dropped in time, though it blocks."""
        settings = config(timeout=0.5, resume_window=0.2)
        for transport in STREAMS:
            factory = self.server_factory(config=settings)
            client = await self.connect(self.serve(transport, factory))
            carrier = client._peer._carrier
            carrier.transport.pauseProducing()
            carrier.send = lambda packets: None
            (server,) = factory.built
            for _ in range(2000):
                server.sendMessage(UNRELIABLE, b"x" * 1000)
                factory.flush()
            self.assertTrue(server._peer._carrier.is_blocked)
            await server.until_lost()
            self.assertIs(server.reason(), CloseReason.TIMED_OUT)
            carrier.transport.abortConnection()
            await wait(0.02)
