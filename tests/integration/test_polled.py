# SPDX-License-Identifier: MIT
"""A client without a reactor: the same core, on a plain socket that is polled."""

from __future__ import annotations

import errno
import secrets
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
    Dropped,
    Link,
    MessageReceived,
    Resumed,
)
from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.transport import Limits, PolledTransport
from tests.integration.transports import TOKEN, SocketTestCase, wait
from tests.transport.recorders import HASH, RELIABLE, UNRELIABLE, Recorder, config


def core(link, token=TOKEN, **settings):
    """Return a client's core."""
    return Connection.client(
        config(**settings),
        token=token,
        protocol_hash=HASH,
        secret=secrets.token_bytes(32),
        link=link,
    )


class Loop:
    """A game loop: poll, collect events, wait a little."""

    def __init__(self, transport, port, token=TOKEN, others=(), **settings):
        link = Link.STREAM if transport == "tcp" else Link.DATAGRAM
        self.core = core(link, token, **settings)
        ways = [f"{transport}:localhost:{port}", *others]
        self.transport = PolledTransport(ways, self.core)
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

    async def loop(self, listening, others=(), **settings):
        """Return a loop whose client is connected to a listener."""
        token = self.factories[listening].issueToken(user_data=b"polled")
        loop = Loop(listening.transport, listening.port, token, others, **settings)
        self.addCleanup(loop.transport.close)
        return await loop.connect()

    async def check_echo(self, transport):
        factory = self.server_factory()
        listening = self.serve(transport, factory)
        loop = await self.loop(listening)
        payloads = [b"", b"hello", b"x" * 20000]
        for payload in payloads:
            loop.send(RELIABLE, payload)
        await loop.until(lambda: len(loop.payloads()) == 3)
        self.assertEqual(loop.payloads(), payloads)
        loop.send(UNRELIABLE, b"quick")
        loop.transport.flush(now=time.monotonic())
        await loop.until(lambda: b"quick" in loop.payloads())
        self.assertGreaterEqual(loop.transport.fileno(), 0)
        self.assertEqual(loop.transport.address, f"localhost:{listening.port}")
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
            loop = await self.loop(listening)
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
        """A server that is gone is noticed, over UDP as well, and given up in time."""
        for transport in ("udp", "tcp"):
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            loop = await self.loop(listening, resume_window=0.5)
            if transport == "tcp":
                factory.built[0]._peer._carrier.transport.abortConnection()
            await listening._stop_accepting()
            await loop.until(
                lambda n=loop: any(isinstance(e, Dropped) for e in n.events)
            )
            await loop.until(loop.closed)
            self.assertIn(
                loop.closed()[0], (CloseReason.UNREACHABLE, CloseReason.LINK_LOST)
            )
            self.assertEqual(loop.transport.fileno(), -1)

    async def test_resume(self):
        """A link that breaks is replaced, and no reliable message is missing."""
        for transport in ("udp", "tcp"):
            factory = self.server_factory()
            loop = await self.loop(self.serve(transport, factory))
            (server,) = factory.built
            sent = [b"%d" % number for number in range(300)]
            for payload in sent[:100]:
                loop.send(RELIABLE, payload)
            await loop.until(lambda n=loop: len(n.payloads()) > 10)
            for payload in sent[100:200]:
                loop.send(RELIABLE, payload)
            loop.transport._lose(OSError(errno.ENETDOWN, "down"), time.monotonic())
            self.assertEqual(loop.core.state, "Dropped")
            self.assertEqual(loop.transport.fileno(), -1)
            for payload in sent[200:]:
                loop.send(RELIABLE, payload)
            await loop.until(lambda n=loop: len(n.payloads()) >= 300)
            self.assertEqual(loop.payloads(), sent)
            self.assertEqual(server.payloads(), sent)
            self.assertEqual(server.count("resumed"), 1)
            dropped = loop.events.index(Dropped(CloseReason.LINK_LOST))
            self.assertGreater(loop.events.index(Resumed()), dropped)
            self.assertEqual(len(factory.built), 1)

    async def test_resume_by_another_way(self):
        """Where UDP is blocked from now on, the session goes on over TCP."""
        factory = self.server_factory()
        listening = {each: self.serve(each, factory) for each in ("udp", "tcp")}
        others = [self.way_to(listening["tcp"])]
        loop = await self.loop(listening["udp"], others)
        await listening["udp"]._stop_accepting()
        loop.send(RELIABLE, b"over UDP, or not")
        await loop.until(loop.payloads)
        self.assertEqual(loop.payloads(), [b"over UDP, or not"])
        self.assertEqual(loop.transport.spec.transport, "tcp")
        (server,) = factory.built
        self.assertIn(("resumed", "tcp"), server.happened)

    async def test_looked_up_once(self):
        """A name is looked up once, since that would hold the loop."""
        looked_up = []
        look_up = socket.getaddrinfo
        self.patch(
            socket,
            "getaddrinfo",
            lambda *args, **kwargs: looked_up.append(args) or look_up(*args, **kwargs),
        )
        factory = self.server_factory()
        loop = await self.loop(self.serve("udp", factory))
        loop.transport._lose(OSError(errno.ENETDOWN, "down"), time.monotonic())
        await loop.until(lambda: Resumed() in loop.events)
        self.assertEqual(len(looked_up), 1)

    async def test_server_cuts(self):
        """A stream that the server's side loses is noticed, and replaced."""
        factory = self.server_factory()
        loop = await self.loop(self.serve("tcp", factory))
        (server,) = factory.built
        for n_times in range(1, 4):
            server._peer._carrier.transport.abortConnection()
            loop.send(RELIABLE, b"%d" % n_times)
            await loop.until(lambda n=n_times: len(loop.payloads()) >= n)
        self.assertEqual(loop.payloads(), [b"1", b"2", b"3"])
        self.assertEqual(server.count("resumed"), 3)

    async def test_session_gone(self):
        """A session that the server has ended meanwhile is over."""
        factory = self.server_factory()
        loop = await self.loop(self.serve("tcp", factory))
        (server,) = factory.built
        carrier = server._peer._carrier
        server._peer.lost(CloseReason.LINK_LOST, "")
        server.loseConnection(CloseReason.KICKED)
        await server.until_lost()
        carrier.transport.abortConnection()
        await loop.until(loop.closed)
        self.assertEqual(loop.closed(), [CloseReason.KICKED])

    async def test_token_is_refused(self):
        """A token that is no good is refused, with the reason on a stream."""
        factory = self.server_factory()
        listening = self.serve("tcp", factory)
        loop = Loop("tcp", listening.port, TOKEN)
        await loop.until(loop.closed)
        self.assertEqual(loop.closed(), [CloseReason.TOKEN_EXPIRED])

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
        loop = await self.loop(listening)
        loop.transport._frames._limit = 1000
        factory.built[0]._peer._carrier.send([b"x" * 1001])
        await loop.until(loop.closed)
        self.assertEqual(loop.closed(), [CloseReason.MESSAGE_TOO_LARGE])

    async def test_slow_server(self):
        """Unreliable messages for a server that does not read are dropped."""
        factory = self.server_factory(Recorder, limits=Limits())
        listening = self.serve("tcp", factory)
        loop = await self.loop(listening, timeout=60)
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

    def test_other_transports(self):
        """Without a reactor there are UDP and TCP only."""
        for text in ("ws:h:1", "tls:h:1", "wss:h:1", "memory:a"):
            with self.assertRaisesRegex(ConfigError, "udp and tcp only"):
                PolledTransport(text, core(Link.STREAM))

    def test_wrong_link(self):
        """A core that was made for another kind of link is refused."""
        with self.assertRaisesRegex(ConfigError, "make it with link=Link.STREAM"):
            PolledTransport("tcp:127.0.0.1:1", core(Link.DATAGRAM))

    def test_unknown_host(self):
        """A host without address is unreachable."""
        with self.assertRaises(ConnectError) as caught:
            PolledTransport("udp:no-such-host.invalid:1", core(Link.DATAGRAM))
        self.assertIs(caught.exception.reason, CloseReason.UNREACHABLE)

    async def test_no_reactor(self):
        """Polling installs no reactor."""
        program = (
            "import sys\n"
            "from gamenet.transport import PolledTransport\n"
            "from gamenet.connection import (\n"
            "    Connection, ConnectionConfig, Link, ServerAddress, issue_token)\n"
            "token = issue_token(bytes(32), protocol_id=1, client_id=1, timeout=5,\n"
            "    addresses=[ServerAddress('127.0.0.1', 9)], expires_in=30,\n"
            "    user_data=b'', unix_now=0, random_bytes=bytes)\n"
            "core = Connection.client(ConnectionConfig(), protocol_hash=bytes(8),\n"
            "    token=token, secret=bytes(32), link=Link.DATAGRAM)\n"
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
