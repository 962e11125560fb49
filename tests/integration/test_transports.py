# SPDX-License-Identifier: MIT
"""The same promises on every transport, over real sockets of the loopback."""

from __future__ import annotations

import contextlib
import errno
import socket

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, gatherResults

from gamenet.errors import CloseReason, ConfigError, ConnectError, ListenError
from gamenet.transport import Impairment, Limits, connect, listen
from gamenet.transport.websocket import _ClientSocket
from tests.integration.transports import STREAMS, TOKEN, SocketTestCase, wait
from tests.transport.recorders import RELIABLE, UNRELIABLE, Recorder, config


class EchoTests(SocketTestCase):
    """A protocol cannot tell what carries its messages."""

    async def check_echo(self, transport, options="127.0.0.1"):
        """Connect, exchange messages of every size, and part with a reason."""
        factory = self.server_factory()
        listening = self.serve(transport, factory)
        client = await self.connect(listening, user_data=b"me")
        (server,) = factory.built
        self.assertEqual(client.happened, [("made",)])
        self.assertEqual(client.transportName, transport)
        self.assertEqual(server.transportName, transport)
        self.assertEqual(server.userData, b"me")
        self.assertTrue(server.peerAddress.startswith("127.0.0.1:"))
        payloads = [b"", b"x", b"hello", bytes(range(256)) * 4]
        for payload in payloads:
            client.sendMessage(RELIABLE, payload)
        await client.until_messages(len(payloads))
        self.assertEqual(client.payloads(), payloads)
        await client.until(lambda: client.count("acked") == len(payloads))
        client.sendMessage(UNRELIABLE, b"quick")
        await client.until_messages(len(payloads) + 1)
        self.assertIn(("message", UNRELIABLE, b"quick"), client.happened)
        client.sendMessage(RELIABLE, b"y" * 65536)
        await client.until_messages(len(payloads) + 2)
        self.assertEqual(client.payloads()[-1], b"y" * 65536)
        client.loseConnection(CloseReason.NORMAL, "good game")
        await client.until_lost()
        await server.until_lost()
        self.assertEqual(server.happened[0], ("made",))
        self.assertEqual(server.happened[-1], ("lost", CloseReason.NORMAL, "good game"))
        self.assertEqual((server.count("lost"), client.count("lost")), (1, 1))
        stats = factory.stats()
        self.assertEqual((stats.connections, stats.accepted), (0, 1))
        self.assertEqual(stats.closed, {"NORMAL": 1})
        self.assertEqual(dict(stats.refused), {})
        self.assertEqual(len(factory.admission), 0)

    async def test_udp(self):
        """An echo over UDP brings every message back, in order."""
        await self.check_echo("udp")

    async def test_tcp(self):
        """An echo over TCP brings every message back, in order."""
        await self.check_echo("tcp")

    async def test_tls(self):
        """An echo over TLS brings every message back, in order."""
        await self.check_echo("tls")

    async def test_ws(self):
        """An echo over a WebSocket brings every message back, in order."""
        await self.check_echo("ws")

    async def test_wss(self):
        """An echo over a WebSocket in TLS brings every message back, in order."""
        await self.check_echo("wss")

    async def test_all_at_once(self):
        """One factory serves peers on all transports, and one `closeAll` ends them."""
        factory = self.server_factory()
        listeners = [self.serve(each, factory) for each in ("udp", *STREAMS)]
        clients = await gatherResults([self.connect(each) for each in listeners])
        self.assertEqual(factory.stats().connections, 5)
        for server in factory.connections:
            server.sendMessage(RELIABLE, server.transportName.encode())
        factory.flush()
        await gatherResults([client.until_messages(1) for client in clients])
        for client in clients:
            self.assertEqual(client.payloads(), [client.transportName.encode()])
        factory.closeAll(CloseReason.KICKED, "all of you")
        await gatherResults([client.until_lost() for client in clients])
        for client in clients:
            self.assertEqual(
                client.happened[-1], ("lost", CloseReason.KICKED, "all of you")
            )


class ListenTests(SocketTestCase):
    """A port opens, or one line says why not."""

    async def test_free_port(self):
        """Port 0 becomes a free port, and the listener tells which."""
        for transport in ("udp", *STREAMS):
            listening = self.serve(transport, self.server_factory())
            self.assertGreater(listening.port, 0)
            self.assertEqual(listening.host, "127.0.0.1")
            self.assertEqual(listening.transport, transport)
            self.assertIn(str(listening.port), repr(listening))

    async def fail_to_listen(self, text, error=ListenError):
        """Return the error of a listen string, which is one line."""
        result = listen(reactor, text, self.server_factory())
        message = str(self.failureResultOf(result, error).value)
        self.assertNotIn("\n", message)
        return message

    async def test_port_in_use(self):
        """A port in use is named, with the string and what to do."""
        for transport in ("udp", "tcp", "ws"):
            port = self.serve(transport, self.server_factory()).port
            text = f"{transport}:{port}:interface=127.0.0.1"
            message = await self.fail_to_listen(text)
            kind = "UDP" if transport == "udp" else "TCP"
            self.assertIn(f"cannot listen on {kind} port {port} of 127.0.0.1", message)
            self.assertIn(repr(text), message)
            self.assertIn("in use; stop the program that has it or choose", message)

    async def test_foreign_address(self):
        """An address of another machine is named."""
        for transport in ("udp", "tcp"):
            text = f"{transport}:0:interface=203.0.113.7"
            message = await self.fail_to_listen(text)
            self.assertIn("of 203.0.113.7", message)
            self.assertIn("check interface=", message)

    async def test_no_address(self):
        """An interface that is no address is named."""
        for transport in ("udp", "tcp"):
            message = await self.fail_to_listen(f"{transport}:0:interface=no.such")
            self.assertIn("no.such", message)

    async def test_privilege(self):
        """A port that needs a privilege is named."""

        class Reactor:
            def __getattr__(self, name):
                return getattr(reactor, name)

            def listenTCP(self, *args, **kwargs):
                raise PermissionError(errno.EACCES, "Permission denied")

        result = listen(Reactor(), "tcp:80", self.server_factory())
        message = str(self.failureResultOf(result, ListenError).value)
        self.assertIn("TCP port 80", message)
        self.assertIn("Permission denied; ports below 1024 need a privilege", message)

    async def test_wrong_strings(self):
        """A wrong string, a missing file or network is an error of configuration."""
        missing = "tls:0:certificate=/no/c.pem:key=/no/k.pem"
        self.assertIn("/no/c.pem", await self.fail_to_listen(missing, ConfigError))
        self.assertIn("quic", await self.fail_to_listen("quic:1", ConfigError))
        self.assertIn("network", await self.fail_to_listen("memory:a", ConfigError))

    async def test_stop(self):
        """Stopping tells every peer, closes every socket, and frees the port."""
        factory = self.server_factory()
        listeners = [self.serve(each, factory) for each in ("udp", *STREAMS)]
        clients = await gatherResults([self.connect(each) for each in listeners])
        await gatherResults([each.stop(detail="back at nine") for each in listeners])
        await gatherResults([client.until_lost() for client in clients])
        for client in clients:
            self.assertEqual(
                client.happened[-1],
                ("lost", CloseReason.SERVER_SHUTDOWN, "back at nine"),
                client.transportName,
            )
        for each in listeners:
            again = f"{each.transport}:{each.port}:interface=127.0.0.1"
            if not each.spec.is_secure:
                listening = await listen(reactor, again, factory)
                await listening.stop()

    async def test_stop_with_open_sockets(self):
        """Sockets that never said anything do not keep a listener from stopping."""
        factory = self.server_factory()
        listeners = [self.serve(each, factory) for each in STREAMS]
        sockets = [
            socket.create_connection(("127.0.0.1", each.port)) for each in listeners
        ]
        await wait(0.05)
        await gatherResults([each.stop() for each in listeners])
        for each in sockets:
            each.close()


class ConnectTests(SocketTestCase):
    """An attempt to connect ends, one way or the other."""

    async def refused(self, spec, factory=None, **kwargs):
        """Return the error of an attempt."""
        factory = factory or self.client_factory(token=TOKEN)
        attempt = connect(reactor, spec, factory, **kwargs)
        return await self.assertFailure(attempt, ConnectError)

    async def test_nobody_listens(self):
        """Where nobody listens, every transport says so soon, UDP as well."""
        for transport in ("udp", "tcp", "ws"):
            listening = self.serve(transport, self.server_factory())
            await listening.stop()
            factory = self.client_factory(token=TOKEN)
            error = await self.refused(
                f"{transport}:127.0.0.1:{listening.port}", factory
            )
            self.assertIs(error.reason, CloseReason.UNREACHABLE)
            self.assertEqual(factory.failures, [CloseReason.UNREACHABLE])
            self.assertIn(f"{transport}:127.0.0.1:{listening.port}", str(error))

    async def test_server_vanishes(self):
        """A UDP server that is gone is noticed by its clients, soon."""
        listening = self.serve("udp", self.server_factory())
        factory = self.client_factory(config=config(resume_window=0.5))
        client = await self.connect(listening, factory)
        # The socket goes without a word, as it does when a process is killed.
        await listening._stop_accepting()
        await client.until(lambda: client.count("dropped") > 0)
        self.assertEqual(client.happened[-1], ("dropped", CloseReason.UNREACHABLE))
        await client.until_lost()
        self.assertEqual(client.reason(), CloseReason.UNREACHABLE)

    async def test_host_name(self):
        """A host may be given by name."""
        for transport in ("udp", "tcp"):
            listening = self.serve(transport, self.server_factory())
            token = self.factories[listening].issueToken()
            client = await connect(
                reactor,
                f"{transport}:localhost:{listening.port}",
                self.client_factory(token=token),
            )
            client.loseConnection()
            await client.until_lost()

    async def test_unknown_host(self):
        """A host without address is unreachable."""
        for transport in ("udp", "tcp"):
            error = await self.refused(f"{transport}:no-such-host.invalid:1")
            self.assertIs(error.reason, CloseReason.UNREACHABLE)

    def silent_port(self):
        """Return a port at which sockets are open and nobody answers."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(datagrams.close)
        datagrams.bind(server.getsockname())
        return server.getsockname()[1]

    async def test_silent_server(self):
        """A server that says nothing times out, whatever the transport."""
        port = self.silent_port()
        settings = {
            "config": config(handshake_timeout=0.3),
            "limits": Limits(handshake_timeout=0.3),
            "token": TOKEN,
        }
        for transport in ("udp", *STREAMS):
            factory = self.client_factory(**settings)
            error = await self.refused(f"{transport}:127.0.0.1:{port}", factory)
            self.assertIn(
                error.reason, (CloseReason.HANDSHAKE_TIMED_OUT, CloseReason.LINK_LOST)
            )

    async def test_cancel(self):
        """A cancelled attempt closes its socket, whatever it was waiting for."""
        port = self.silent_port()
        for transport in ("udp", *STREAMS):
            for patience in (0, 0.05):
                factory = self.client_factory(token=TOKEN)
                attempt = connect(reactor, f"{transport}:127.0.0.1:{port}", factory)
                attempt.addErrback(lambda failure: failure.trap(CancelledError))
                await wait(patience)
                attempt.cancel()
                await attempt
                self.assertEqual(factory.failures, [])

    async def test_cancel_while_opening(self):
        """A WebSocket that is given up while it opens is closed at once."""
        for transport in ("ws", "wss"):
            server = socket.create_server(("127.0.0.1", 0))
            self.addCleanup(server.close)
            port = server.getsockname()[1]
            factory = self.client_factory(token=TOKEN)
            attempt = connect(reactor, f"{transport}:127.0.0.1:{port}", factory)
            attempt.addErrback(lambda failure: failure.trap(CancelledError))
            await wait(0.1)
            stream, _ = server.accept()
            self.addCleanup(stream.close)
            stream.settimeout(1)
            self.assertTrue(stream.recv(4096), "it has asked")
            attempt.cancel()
            await wait(0.1)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(stream.recv(4096), b"")

    async def test_cancel_when_open(self):
        """Nor is a WebSocket kept that opens when nobody wants it any more."""
        for transport in ("ws", "wss"):
            listening = self.serve(transport, self.server_factory())
            attempt = self.connect(listening)
            attempt.addErrback(lambda failure: failure.trap(CancelledError))
            made = self.patch(
                _ClientSocket, "onConnect", lambda *_, a=attempt: a.cancel()
            )
            await attempt
            made.restore()
            await wait(0.3)
            self.assertEqual(len(listening._listener._sockets), 0)

    async def test_another_protocol(self):
        """A client of another game is refused on every transport."""
        for transport in ("udp", *STREAMS):
            listening = self.serve(transport, self.server_factory())
            factory = self.client_factory(protocolHash=b"another!")
            attempt = self.connect(listening, factory)
            error = await self.assertFailure(attempt, ConnectError)
            self.assertIs(error.reason, CloseReason.PROTOCOL_MISMATCH)

    async def test_ipv6(self):
        """IPv6 works like IPv4."""
        for transport in ("udp", "tcp", "ws"):
            factory = self.server_factory()
            text = rf"{transport}:0:interface=\:\:1"
            listening = await listen(reactor, text, factory)
            self.addCleanup(listening.stop)
            client = await connect(
                reactor,
                f"{transport}:[::1]:{listening.port}",
                self.client_factory(token=factory.issueToken()),
            )
            self.assertTrue(factory.built[0].peerAddress.startswith("[::1]:"))
            client.sendMessage(RELIABLE, b"x")
            await client.until_messages(1)
            client.loseConnection()
            await client.until_lost()


class ImpairmentTests(SocketTestCase):
    """A real UDP socket can be made as bad as a far-away one."""

    async def test_latency(self):
        """Every packet takes its time, each way."""
        factory = self.server_factory()
        listening = self.serve("udp", factory, impairment=Impairment(latency=0.03))
        client = await self.connect(listening)
        client.sendMessage(RELIABLE, b"x")
        await client.until_messages(1)
        await wait(0.2)
        self.assertGreater(client.connection.stats().rtt_min, 0.055)

    async def test_loss(self):
        """Reliable messages get through a lossy link."""
        factory = self.server_factory()
        bad = Impairment(loss=0.3, duplicate=0.2, jitter=0.01, seed=4)
        listening = self.serve("udp", factory, impairment=(bad, bad))
        client = await self.connect(listening)
        payloads = [b"%d" % i for i in range(50)]
        for payload in payloads:
            client.sendMessage(RELIABLE, payload)
        await client.until_messages(50)
        self.assertEqual(client.payloads(), payloads)


class ReentrancyTests(SocketTestCase):
    """A callback may do what it likes on every transport."""

    async def test_close_in_connection_made(self):
        """A connection may be closed as soon as it is made."""

        class Unfriendly(Recorder):
            def connectionMade(self):
                super().connectionMade()
                self.loseConnection(CloseReason.KICKED, "not you")

        for transport in ("udp", *STREAMS):
            factory = self.server_factory(Unfriendly)
            attempt = self.connect(self.serve(transport, factory))
            try:
                client = await attempt
            except ConnectError as error:
                self.assertIs(error.reason, CloseReason.KICKED)
            else:
                await client.until_lost()
                self.assertEqual(client.reason(), CloseReason.KICKED)
            (server,) = factory.built
            await server.until_lost()
            self.assertEqual((server.count("made"), server.count("lost")), (1, 1))
