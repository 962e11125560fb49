# SPDX-License-Identifier: MIT
"""Each limit on real sockets: what exceeds it is refused, and the others go on."""

from __future__ import annotations

import random
import socket
import struct
import sys
from unittest import SkipTest

from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.threads import deferToThread
from twisted.web.resource import Resource

from gamenet.errors import CloseReason, ConnectError, LocalProtocolError
from gamenet.transport import Limits, connect, write_development_certificate
from tests.integration.intruders import LimitTestCase
from tests.integration.transports import STREAMS, wait
from tests.transport.recorders import RELIABLE, UNRELIABLE, Echo, Recorder, config


class SizeTests(LimitTestCase):
    """Frames and messages have a limit."""

    async def exceed(self, transport, act):
        """Connect a client, have it do something too large, and look around."""
        factory = self.server_factory(Recorder, limits=Limits(max_frame=5000))
        listening = self.serve(transport, factory)
        other = await self.connect(listening)
        client = await self.connect(listening)
        act(client._peer._carrier)
        await client.until_lost()
        bystander, server = factory.built
        self.assertEqual(server.reason(), CloseReason.MESSAGE_TOO_LARGE)
        self.assertEqual(client.reason(), CloseReason.MESSAGE_TOO_LARGE)
        other.sendMessage(RELIABLE, b"still here")
        await bystander.until_messages(1)

    async def test_tcp_frame(self):
        """A frame above the limit ends a TCP connection, which is told why."""
        await self.exceed("tcp", lambda carrier: carrier.send([b"x" * 5001]))

    async def test_tls_frame(self):
        """A frame above the limit ends a TLS connection, which is told why."""
        await self.exceed("tls", lambda carrier: carrier.send([b"x" * 5001]))

    async def test_websocket_frame(self):
        """A frame above the limit ends a WebSocket, which is told why."""

        def act(carrier):
            carrier.maxMessagePayloadSize = 0
            carrier.send([b"x" * 5001])

        await self.exceed("ws", act)

    async def test_websocket_message(self):
        """A message above the limit does, even if each of its frames is within it."""

        def act(carrier):
            carrier.beginMessage(isBinary=True)
            for _ in range(3):
                carrier.sendMessageFrame(b"x" * 2000)
            carrier.endMessage()

        await self.exceed("ws", act)

    async def test_websocket_announces_a_large_frame(self):
        """A frame is refused by its length alone."""

        def act(carrier):
            header = b"\x82\xff" + struct.pack(">Q", 1 << 40) + bytes(4)
            carrier.sendData(header)

        await self.exceed("ws", act)

    async def test_text(self):
        """A text message ends a WebSocket: packets are binary."""
        factory = self.server_factory(Recorder)
        client = await self.connect(self.serve("ws", factory))
        client._peer._carrier.sendMessage(b"hello", isBinary=False)
        await client.until_lost()
        self.assertEqual(client.reason(), CloseReason.MALFORMED)

    async def test_compression_is_refused(self):
        """Compression is not agreed on, whatever a client offers."""
        factory = self.server_factory(Recorder)
        listening = self.serve("ws", factory)
        stream = await self.open(listening)
        stream.transport.write(
            b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
        )
        await self.until(lambda: b"\r\n\r\n" in stream.received)
        self.assertTrue(stream.received.startswith(b"HTTP/1.1 101 "))
        self.assertNotIn(b"deflate", stream.received)

    async def test_http(self):
        """A large body is answered by 413 while it is still being sent."""
        factory = self.server_factory()
        stream = await self.open(self.serve("ws", factory))
        stream.transport.write(
            b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"
        )
        for _ in range(10):
            stream.transport.write(b"x" * 10000)
            await wait(0.01)
        self.assertTrue(stream.received.startswith(b"HTTP/1.1 413 "))
        await stream.closed


class OriginTests(LimitTestCase):
    """Pages of other origins may not open the socket."""

    async def test_origins(self):
        """The own origin and the listed ones may, others and `null` may not."""
        factory = self.server_factory(
            limits=Limits(allowed_origins=("https://play.example",))
        )
        listening = self.serve("ws", factory)
        own = f"http://127.0.0.1:{listening.port}"
        for origin in (own, "https://play.example", None):
            bare = await self.open_socket(listening, origin=origin)
            bare.dropConnection(abort=True)
            await bare.factory.closed
        for origin in ("https://evil.example", "null", "http://127.0.0.1:1"):
            with self.assertRaisesRegex(ConnectionError, "403"):
                await self.open_socket(listening, origin=origin)
        self.assertEqual(factory.stats().refused["ORIGIN"], 3)

    async def test_page_and_socket_share_a_port(self):
        """The page is served where the socket is."""
        page = Resource()
        page.putChild(b"", page)
        page.render_GET = lambda request: b"the page"
        factory = self.server_factory()
        listening = self.serve("ws", factory, web=page)
        stream = await self.open(listening)
        stream.transport.write(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        await self.until(lambda: b"the page" in stream.received)
        client = await self.connect(listening)
        client.sendMessage(RELIABLE, b"x")
        await client.until_messages(1)


class CountTests(LimitTestCase):
    """Connections are limited in total and per address, over all transports."""

    async def check(self, reason, **counts):
        factory = self.server_factory(limits=Limits(**counts))
        listeners = {each: self.serve(each, factory) for each in ("udp", *STREAMS)}
        first = await self.connect(listeners["udp"])
        await self.connect(listeners["ws"])
        for listening in listeners.values():
            attempt = self.connect(listening)
            error = await self.assertFailure(attempt, ConnectError)
            self.assertIs(error.reason, reason, listening.transport)
        self.assertEqual(factory.stats().refused[reason.name], 5)
        self.assertEqual(len(factory.built), 2)
        first.loseConnection()
        await factory.built[0].until_lost()
        await self.connect(listeners["tcp"])

    async def test_total(self):
        """Whoever comes when all places are taken is told that the server is full."""
        await self.check(CloseReason.SERVER_FULL, max_connections=2)

    async def test_per_address(self):
        """Who has too many connections is told so."""
        await self.check(CloseReason.TOO_MANY_FROM_ADDRESS, max_per_address=2)

    async def test_many_more(self):
        """Far beyond the limit, streams are cut without a word."""
        factory = self.server_factory(limits=Limits(max_connections=1))
        listening = self.serve("tcp", factory)
        await self.connect(listening)
        streams = [await self.open(listening) for _ in range(8)]
        await gatherResults([stream.closed for stream in streams[4:]])
        self.assertEqual(factory.stats().refused["TURNED_AWAY"], 4)

    async def test_place_is_given_back(self):
        """A place that was taken is free again, on whatever transport it was."""
        factory = self.server_factory(limits=Limits(max_connections=1))
        for transport in ("udp", *STREAMS):
            listening = self.serve(transport, factory)
            for _ in range(3):
                client = await self.connect(listening)
                server = factory.built[-1]
                client.loseConnection()
                await server.until_lost()
                self.assertEqual(len(factory.admission), 0)


class SlowReaderTests(LimitTestCase):
    """A reader that never reads costs a bounded amount of memory."""

    async def check(self, transport, channel):
        """Return the server's protocol, after it has sent far too much."""
        settings = config(timeout=60, resume_window=0)
        factory = self.server_factory(Recorder, config=settings)
        listening = self.serve(transport, factory)
        client = await self.connect(listening, self.client_factory(config=settings))
        (server,) = factory.built
        carrier = client._peer._carrier
        carrier.transport.pauseProducing()
        buffered = 0
        try:
            for _ in range(3000):
                for _ in range(10):
                    server.sendMessage(channel, b"x" * 1000)
                factory.flush()
                await wait(0)
                buffered = max(buffered, self.buffered(server))
        except LocalProtocolError:
            await server.until_lost()
        carrier.transport.abortConnection()
        await client.until_lost()
        self.assertLess(buffered, 2 * factory.limits.write_buffer)
        await server.until_lost()
        return server

    def buffered(self, server):
        """Return the bytes in the write buffer of a connection."""
        transport = server._peer._carrier.transport
        transport = getattr(transport, "transport", transport)
        if transport is None:
            return 0
        return len(transport.dataBuffer) - transport.offset + transport._tempDataLen

    async def check_unreliable(self, transport):
        server = await self.check(transport, UNRELIABLE)
        self.assertEqual(server.reason(), CloseReason.LINK_LOST)
        self.assertGreater(server.factory.stats().paused, 0)
        self.assertGreater(server.connection.stats().unreliable_dropped, 1000)

    async def check_reliable(self, transport):
        server = await self.check(transport, RELIABLE)
        self.assertEqual(server.reason(), CloseReason.SEND_QUEUE_OVERFLOW)

    async def test_tcp_unreliable(self):
        """Over TCP, unreliable messages are dropped."""
        await self.check_unreliable("tcp")

    async def test_tls_unreliable(self):
        """Over TLS, unreliable messages are dropped."""
        await self.check_unreliable("tls")

    async def test_ws_unreliable(self):
        """Over a WebSocket, unreliable messages are dropped."""
        await self.check_unreliable("ws")

    async def test_wss_unreliable(self):
        """Over a WebSocket in TLS, unreliable messages are dropped."""
        await self.check_unreliable("wss")

    async def test_tcp_reliable(self):
        """Over TCP, reliable messages without end close the connection."""
        await self.check_reliable("tcp")

    async def test_ws_reliable(self):
        """Over a WebSocket, reliable messages without end close the connection."""
        await self.check_reliable("ws")


class TlsTests(LimitTestCase):
    """TLS is as strict as it should be."""

    async def refused(self, transport, **kwargs):
        """Return the error of a client that trusts something else."""
        host = kwargs.pop("host", "127.0.0.1")
        listening = self.serve(transport, self.server_factory(), interface=host)
        token = self.factories[listening].issueToken()
        attempt = connect(
            reactor,
            f"{transport}:{host}:{listening.port}",
            self.client_factory(token=token),
            **kwargs,
        )
        error = await self.assertFailure(attempt, ConnectError)
        self.assertIs(error.reason, CloseReason.LINK_LOST)
        return error

    async def test_unknown_authority(self):
        """A self-signed certificate is trusted only where it is named."""
        for transport in ("tls", "wss"):
            error = await self.refused(transport)
            self.assertIn("certificate verify failed", error.detail)

    async def test_another_host(self):
        """A certificate for other names is refused."""
        if sys.platform != "linux":
            raise SkipTest("127.0.0.2 is another address of this machine on Linux only")
        for transport in ("tls", "wss"):
            error = await self.refused(
                transport, host="127.0.0.2", tls_trust=self.certificate
            )
            self.assertIn("is not for this host", error.detail)

    async def test_trust_in_the_string(self):
        """The trust file may be in the connect string."""
        factory = self.server_factory()
        listening = self.serve("tls", factory)
        client = await connect(
            reactor,
            f"tls:127.0.0.1:{listening.port}:trust={self.certificate}",
            self.client_factory(token=factory.issueToken()),
        )
        client.loseConnection()
        await client.until_lost()

    async def test_old_versions(self):
        """TLS 1.1 is not spoken."""
        listening = self.serve("tls", self.server_factory())

        def shake(version):
            context = SSL.Context(SSL.TLS_METHOD)
            context.set_max_proto_version(version)
            context.set_cipher_list(b"ALL:@SECLEVEL=0")
            plain = socket.create_connection(("127.0.0.1", listening.port))
            plain.settimeout(None)
            tls = SSL.Connection(context, plain)
            tls.set_connect_state()
            try:
                tls.do_handshake()
                return tls.get_protocol_version_name()
            except SSL.Error:
                return None
            finally:
                plain.close()

        self.assertIsNone(await deferToThread(shake, SSL.TLS1_1_VERSION))
        self.assertEqual(await deferToThread(shake, SSL.TLS1_2_VERSION), "TLSv1.2")
        self.assertEqual(await deferToThread(shake, SSL.TLS1_3_VERSION), "TLSv1.3")

    async def test_client_certificates(self):
        """With an authority, a client without its certificate is refused."""
        authority = self.certificate.parent / "authority.pem"
        key = self.certificate.parent / "authority-key.pem"
        write_development_certificate(authority, key)
        factory = self.server_factory()
        listening = self.serve("tls", factory, options=f":authority={authority}")
        with self.assertRaises(ConnectError):
            await self.connect(listening)
        self.assertEqual(factory.built, [])


class HostileTests(LimitTestCase):
    """Hostile bytes never stop a listener."""

    async def check(self, transport, starts):
        """Throw bytes at a listener, and connect to it afterwards."""
        factory = self.server_factory(Echo)
        listening = self.serve(transport, factory)
        client = await self.connect(listening)
        generator = random.Random(transport)
        for i in range(60):
            data = starts[i % len(starts)] + generator.randbytes(
                generator.randrange(400)
            )
            if transport == "udp":
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hostile:
                    hostile.sendto(data, ("127.0.0.1", listening.port))
            else:
                stream = await self.open(listening)
                stream.transport.write(data)
                if i % 2:
                    stream.transport.loseConnection()
        await wait(0.1)
        client.sendMessage(RELIABLE, b"still here")
        await client.until_messages(1)
        late = await self.connect(listening)
        late.sendMessage(RELIABLE, b"me too")
        await late.until_messages(1)
        self.assertEqual(factory.stats().callback_errors, 0)

    async def test_udp(self):
        """Datagrams of any bytes are dropped."""
        starts = [bytes([0x10 | kind]) for kind in range(16)]
        starts += [b"", b"\0NETCODE 1.02\0"]
        await self.check("udp", starts)

    async def test_tcp(self):
        """Streams of any bytes are closed."""
        request = b"\x40\x04\0\0\0NETCODE 1.02\0"
        await self.check("tcp", [b"", b"\x20\0\0\0", request])

    async def test_tls(self):
        """Streams that are no TLS are closed."""
        await self.check(
            "tls", [b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n"]
        )

    async def test_ws(self):
        """Requests and frames of any bytes are refused."""
        upgrade = (
            b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await self.check(
            "ws", [b"", b"GET /ws HTTP/1.1\r\n", upgrade, upgrade + b"\x82"]
        )
