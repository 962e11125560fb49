# SPDX-License-Identifier: MIT
"""A client without a reactor: the same core, on a plain socket that is polled."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

from twisted.internet.threads import deferToThread

import gamenet
from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    Link,
    MessageReceived,
)
from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport import Limits, PolledTransport
from tests.integration.transports import SocketTestCase, wait
from tests.transport.recorders import HASH, RELIABLE, UNRELIABLE, Recorder


class Loop:
    """A game loop: poll, collect events, wait a little."""

    def __init__(self, transport, port, **config):
        is_stream = transport == "tcp"
        self.core = Connection.client(
            ConnectionConfig(**config),
            protocol_hash=HASH,
            salt=1,
            link=Link.STREAM if is_stream else Link.DATAGRAM,
        )
        self.transport = PolledTransport(f"{transport}:127.0.0.1:{port}", self.core)
        self.events = []

    async def until(self, condition, patience=10.0):
        """Poll until a condition holds."""
        end = time.monotonic() + patience
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"still waiting after {self.events}")
            self.events += self.transport.poll(now=time.monotonic())
            await wait(0.002)

    async def connect(self):
        await self.until(lambda: Connected() in self.events)
        return self

    def payloads(self):
        return [e.payload for e in self.events if isinstance(e, MessageReceived)]

    def closed(self):
        """Return the reasons for which the connection closed."""
        return [event.reason for event in self.events if isinstance(event, Closed)]

    def send(self, channel, payload):
        self.core.send(channel, payload, now=time.monotonic())


class PolledTests(SocketTestCase):
    """A `PolledTransport` is a client like any other."""

    async def check_echo(self, transport):
        factory = self.server_factory()
        listening = self.serve(transport, factory)
        loop = await Loop(transport, listening.port).connect()
        self.addCleanup(loop.transport.close)
        payloads = [b"", b"hello", b"x" * 20000]
        for payload in payloads:
            loop.send(RELIABLE, payload)
        await loop.until(lambda: len(loop.payloads()) == 3)
        self.assertEqual(loop.payloads(), payloads)
        loop.send(UNRELIABLE, b"quick")
        loop.transport.flush(now=time.monotonic())
        await loop.until(lambda: b"quick" in loop.payloads())
        self.assertGreaterEqual(loop.transport.fileno(), 0)
        self.assertEqual(loop.transport.address, f"127.0.0.1:{listening.port}")
        loop.core.close(CloseReason.NORMAL, "bye", now=time.monotonic())
        await loop.until(loop.closed)
        (server,) = factory.built
        await server.until_lost()
        self.assertEqual(server.happened[-1], ("lost", CloseReason.NORMAL, "bye"))
        await loop.until(lambda: loop.transport.fileno() == -1)
        self.assertEqual(loop.transport.poll(now=time.monotonic()), [])

    async def test_udp(self):
        """An echo over UDP brings every message back."""
        await self.check_echo("udp")

    async def test_tcp(self):
        """An echo over TCP brings every message back."""
        await self.check_echo("tcp")

    async def test_server_closes(self):
        """The server's reason arrives, once."""
        for transport in ("udp", "tcp"):
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            loop = await Loop(transport, listening.port).connect()
            factory.built[0].loseConnection(CloseReason.KICKED, "out")
            await loop.until(loop.closed)
            self.assertEqual(loop.closed(), [CloseReason.KICKED])
            self.assertEqual(loop.transport.fileno(), -1)

    async def test_nobody_listens(self):
        """Where nobody listens, both transports say so soon."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for transport in ("udp", "tcp"):
            loop = Loop(transport, port)
            await loop.until(loop.closed)
            self.assertEqual(loop.closed(), [CloseReason.UNREACHABLE])
            self.assertEqual(loop.transport.fileno(), -1)

    async def test_server_vanishes(self):
        """A server that is gone is noticed, over UDP as well."""
        for transport in ("udp", "tcp"):
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            loop = await Loop(transport, listening.port).connect()
            if transport == "tcp":
                factory.built[0]._peer._carrier.transport.abortConnection()
            await listening._stop_accepting()
            await loop.until(loop.closed)
            self.assertIn(
                loop.closed()[0], (CloseReason.UNREACHABLE, CloseReason.LINK_LOST)
            )

    async def test_silent_server(self):
        """A server that says nothing times out."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        port = server.getsockname()[1]
        loop = Loop("tcp", port, handshake_timeout=0.2)
        await loop.until(loop.closed)
        self.assertEqual(loop.closed(), [CloseReason.HANDSHAKE_TIMED_OUT])

    async def test_large_frame(self):
        """A frame above the limit ends a stream."""
        factory = self.server_factory()
        listening = self.serve("tcp", factory)
        loop = await Loop("tcp", listening.port).connect()
        loop.transport._frames._limit = 1000
        factory.built[0]._peer._carrier.send([b"x" * 1001])
        await loop.until(loop.closed)
        self.assertEqual(loop.closed(), [CloseReason.MESSAGE_TOO_LARGE])

    async def test_slow_server(self):
        """Unreliable messages for a server that does not read are dropped."""
        factory = self.server_factory(Recorder, limits=Limits())
        listening = self.serve("tcp", factory)
        loop = await Loop("tcp", listening.port, timeout=60).connect()
        factory.built[0]._peer._carrier.transport.pauseProducing()
        for _ in range(8000):
            for _ in range(5):
                loop.send(UNRELIABLE, b"x" * 1000)
            loop.transport.flush(now=time.monotonic())
        self.assertGreater(loop.core.stats().unreliable_dropped, 0)
        self.assertLess(len(loop.transport._unsent), 2 * 262144)
        loop.transport.close()


class MistakeTests(SocketTestCase):
    """What cannot be polled is refused at once."""

    def core(self, link):
        return Connection.client(
            ConnectionConfig(), protocol_hash=HASH, salt=1, link=link
        )

    def test_other_transports(self):
        """Without a reactor there are UDP and TCP only."""
        for text in ("ws:h:1", "tls:h:1", "wss:h:1", "memory:a"):
            with self.assertRaisesRegex(ConfigError, "udp and tcp only"):
                PolledTransport(text, self.core(Link.STREAM))

    def test_wrong_link(self):
        """A core that was made for another kind of link is refused."""
        with self.assertRaisesRegex(ConfigError, "make it with link=Link.STREAM"):
            PolledTransport("tcp:127.0.0.1:1", self.core(Link.DATAGRAM))

    def test_unknown_host(self):
        """A host without address is unreachable."""
        with self.assertRaises(ConnectError) as caught:
            PolledTransport("udp:no-such-host.invalid:1", self.core(Link.DATAGRAM))
        self.assertIs(caught.exception.reason, CloseReason.UNREACHABLE)

    async def test_no_reactor(self):
        """Polling installs no reactor."""
        program = (
            "import sys\n"
            "from gamenet.transport import PolledTransport\n"
            "from gamenet.connection import Connection, ConnectionConfig, Link\n"
            "core = Connection.client(ConnectionConfig(), protocol_hash=bytes(8),"
            " salt=1, link=Link.DATAGRAM)\n"
            "polled = PolledTransport('udp:127.0.0.1:9', core)\n"
            "polled.poll(now=0.0)\n"
            "polled.close()\n"
            "print('twisted.internet.reactor' in sys.modules)\n"
        )
        done = await deferToThread(
            subprocess.run,
            [sys.executable, "-c", program],
            cwd=Path(gamenet.__file__).parent.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual((done.stdout.strip(), done.stderr), ("False", ""))
