# SPDX-License-Identifier: MIT
"""A proxy that makes the network before a UDP server bad, in simulated time."""

from __future__ import annotations

from typing import Any
from unittest import mock

from twisted.internet.error import CannotListenError, MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ListenError, LocalProtocolError
from gamenet.testing import MemoryReactor
from gamenet.transport import Impairment, ProxyStats, UdpProxy, impairing_proxy

SERVER = ("127.0.0.1", 7777)
FRONT = ("127.0.0.1", 7000)


class Server(DatagramProtocol):
    """Answer each datagram, and write down who sent it."""

    def __init__(self) -> None:
        self.heard: list[tuple[bytes, Any]] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append((datagram, addr))
        self.transport.write(b"re:" + datagram, addr)


class Client(DatagramProtocol):
    """Write down what comes."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(datagram)

    def send(self, datagram: bytes) -> None:
        self.transport.write(datagram, FRONT)


class ProxyCase(SynchronousTestCase):
    """A case with a server, a proxy before it, and clients."""

    def begin(self, down: Impairment, up: Impairment) -> None:
        self.reactor = MemoryReactor()
        self.server = Server()
        self.reactor.listenUDP(7777, self.server)
        self.proxy = UdpProxy(self.reactor, FRONT, SERVER, down, up)
        self.proxy.start()

    def client(self) -> Client:
        client = Client()
        self.reactor.listenUDP(0, client)
        return client

    def pass_time(self, seconds: float, step: float = 0.01) -> None:
        for _ in range(round(seconds / step)):
            self.reactor.advance(step)


class ProxyTests(ProxyCase):
    """Datagrams go through, badly."""

    def test_there_and_back(self):
        """Each client has a port of its own at the server, and gets its answers."""
        self.begin(Impairment(), Impairment())
        self.assertEqual(self.proxy.address, FRONT)
        clients = [self.client() for _ in range(3)]
        for number, client in enumerate(clients):
            client.send(b"%d" % number)
            client.send(b"%d again" % number)
        self.pass_time(0.1)
        for number, client in enumerate(clients):
            expected = [b"re:%d" % number, b"re:%d again" % number]
            self.assertEqual(client.heard, expected)
        self.assertEqual(len({address for _, address in self.server.heard}), 3)

    def test_latency(self):
        """Each way takes its own time."""
        self.begin(Impairment(latency=0.2), Impairment(latency=0.1))
        client = self.client()
        client.send(b"a")
        self.pass_time(0.09)
        self.assertEqual(self.server.heard, [])
        self.pass_time(0.05)
        self.assertEqual(len(self.server.heard), 1)
        self.pass_time(0.15)
        self.assertEqual(client.heard, [])
        self.pass_time(0.1)
        self.assertEqual(client.heard, [b"re:a"])

    def test_loss_and_counts(self):
        """What happened is counted each way, over all clients."""
        self.begin(Impairment(duplicate=1), Impairment(loss=0.5, seed=3))
        clients = [self.client() for _ in range(4)]
        for _ in range(100):
            for client in clients:
                client.send(b"ab")
            self.pass_time(0.01)
        self.pass_time(0.1)
        stats = self.proxy.stats()
        n_heard = len(self.server.heard)
        self.assertTrue(150 < n_heard < 250)
        self.assertEqual((stats.up.offered, stats.up.lost), (400, 400 - n_heard))
        self.assertEqual((stats.down.offered, stats.down.duplicated), (n_heard,) * 2)
        self.assertEqual(sum(len(client.heard) for client in clients), 2 * n_heard)
        self.assertEqual((stats.bytes_up, stats.bytes_down), (800, 5 * n_heard))
        self.assertEqual((stats.clients, stats.clients_seen), (4, 4))

    def test_same_seed_same_losses(self):
        """One seed loses the same datagrams in each run."""
        runs = []
        for _ in range(2):
            self.begin(Impairment(), Impairment(loss=0.5, seed=9))
            client = self.client()
            for number in range(50):
                client.send(b"%d" % number)
            self.pass_time(0.1)
            runs.append([datagram for datagram, _ in self.server.heard])
        self.assertEqual(runs[0], runs[1])
        self.assertTrue(10 < len(runs[0]) < 40)

    def test_stop(self):
        """A proxy that stops loses what travels, and leaves nothing behind."""
        self.begin(Impairment(latency=1), Impairment(latency=1))
        client = self.client()
        client.send(b"a")
        self.pass_time(0.1)
        self.successResultOf(self.proxy.stop())
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertRaises(LocalProtocolError, lambda: self.proxy.address)
        self.assertEqual(self.proxy.stats().up.offered, 1)
        self.successResultOf(self.proxy.stop())
        client.send(b"b")
        self.assertEqual(self.server.heard, [])
        self.reactor.listenUDP(7000, Client())

    def test_port_taken(self):
        """A port that is taken is one line."""
        self.begin(Impairment(), Impairment())
        other = UdpProxy(self.reactor, FRONT, SERVER, Impairment(), Impairment())
        with self.assertRaisesRegex(ListenError, r"UDP 127.0.0.1:7000: address in use"):
            other.start()


class BoundTests(ProxyCase):
    """A proxy holds no more than it may, however many come."""

    def setUp(self):
        self.begin(Impairment(), Impairment())

    def test_idle(self):
        """A client that is silent for a minute is forgotten; others are not."""
        silent, chatty = self.client(), self.client()
        silent.send(b"a")
        for _ in range(7):
            chatty.send(b"b")
            self.pass_time(10, step=5)
        self.assertEqual(self.proxy.stats().clients, 1)
        silent.send(b"back")
        self.pass_time(0.1)
        stats = self.proxy.stats()
        self.assertEqual((stats.clients, stats.clients_seen), (2, 3))
        self.assertEqual(stats.up.offered, 9)
        self.assertEqual(silent.heard, [b"re:a", b"re:back"])

    def test_nobody_is_left(self):
        """When the last client was forgotten, nothing waits for anything."""
        for _ in range(3):
            self.client().send(b"a")
            self.pass_time(1)
        self.pass_time(120, step=1)
        self.assertEqual(self.proxy.stats().clients, 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_server_that_talks(self):
        """A client that only listens is not silent while the server sends."""
        client = self.client()
        client.send(b"a")
        self.pass_time(1)
        (_, address) = self.server.heard[0]
        for _ in range(8):
            self.server.transport.write(b"news", address)
            self.pass_time(30, step=5)
        self.assertEqual(client.heard, [b"re:a"] + [b"news"] * 8)

    def test_too_many(self):
        """Beyond the bound new clients are refused, and old ones stay."""
        self.patch(impairing_proxy, "_MOST_CLIENTS", 3)
        clients = [self.client() for _ in range(5)]
        for _ in range(2):
            for client in clients:
                client.send(b"a")
        self.pass_time(0.1)
        stats = self.proxy.stats()
        self.assertEqual((stats.clients, stats.refused), (3, 4))
        heard = [len(client.heard) for client in clients]
        self.assertEqual(heard, [2, 2, 2, 0, 0])

    def test_no_socket(self):
        """A client for which no socket can be opened is refused."""
        error = CannotListenError("", 0, OSError("too many open files"))
        with mock.patch.object(self.reactor, "listenUDP", side_effect=error):
            self.client_send_without_port()
        self.assertEqual(self.proxy.stats(), ProxyStats(refused=1))

    def client_send_without_port(self) -> None:
        """Bring a datagram to the proxy's own socket."""
        self.reactor.carry(b"a", ("127.0.0.1", 60000), FRONT)
        self.reactor.advance(0)


class NetworkErrorTests(ProxyCase):
    """What the network does to the proxy is counted, and ends nothing."""

    def setUp(self):
        self.begin(Impairment(), Impairment())
        self.client().send(b"a")
        self.pass_time(0.1)
        ((self.source, self.upstream),) = self.proxy._clients.items()

    def test_unreachable(self):
        """A server that is not there may yet come."""
        self.upstream.connectionRefused()
        self.assertEqual(self.proxy.stats().unreachable, 1)
        self.assertEqual(self.proxy.stats().clients, 1)

    def test_closed_by_an_error(self):
        """A socket that an error has closed is replaced by another one."""
        self.upstream.port.stopListening()
        stats = self.proxy.stats()
        self.assertEqual((stats.clients, stats.unreachable), (0, 1))
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.reactor.carry(b"b", self.source, FRONT)
        self.pass_time(0.1)
        stats = self.proxy.stats()
        self.assertEqual((stats.clients, stats.clients_seen), (1, 2))
        self.assertEqual(stats.up.offered, 2)

    def test_full_buffers(self):
        """A datagram that the kernel will not take is lost."""
        for error in (BlockingIOError(), OSError(), MessageLengthError()):
            with mock.patch.object(self.upstream.transport, "write", side_effect=error):
                self.upstream.arrive_up(b"x")
        self.assertEqual(self.proxy.stats().write_failed, 3)
