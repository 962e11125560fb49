# SPDX-License-Identifier: MIT
"""The UDP proxy on real sockets of the loopback."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import TestCase

from gamenet.service.impair import ImpairOptions, run_impair
from gamenet.transport import Impairment, UdpProxy
from tests.integration.transports import SocketTestCase, wait
from tests.transport.recorders import RELIABLE


class Echo(DatagramProtocol):
    """Send everything back."""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.transport.write(datagram, addr)


class Client(DatagramProtocol):
    """Collect what comes until there is enough of it."""

    def __init__(self, n_expected: int) -> None:
        self.heard: list[bytes] = []
        self.done: Deferred = Deferred()
        self._n_expected = n_expected

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(datagram)
        if len(self.heard) == self._n_expected:
            self.done.callback(None)


class ProxyTests(TestCase):
    """Datagrams of any program go through the proxy."""

    timeout = 20

    def open(self, protocol: Any) -> Any:
        port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return port

    def proxy_to(self, port: int, down: Impairment, up: Impairment) -> UdpProxy:
        here = ("127.0.0.1", 0)
        proxy = UdpProxy(reactor, here, ("127.0.0.1", port), down, up)
        proxy.start()
        self.addCleanup(proxy.stop)
        return proxy

    async def test_echo(self):
        """Two clients get what is theirs, doubled on the way down."""
        echo = self.open(Echo()).getHost().port
        doubling = Impairment(duplicate=1, latency=0.01)
        proxy = self.proxy_to(echo, doubling, Impairment(jitter=0.005))
        clients = [Client(40), Client(40)]
        for number, client in enumerate(clients):
            port = self.open(client)
            for i in range(20):
                port.write(b"%d %d" % (number, i), proxy.address)
        for number, client in enumerate(clients):
            await client.done
            sent = [b"%d %d" % (number, i) for i in range(20)]
            self.assertEqual(sorted(client.heard), sorted(sent * 2))
        stats = proxy.stats()
        self.assertEqual((stats.clients, stats.up.offered), (2, 40))
        self.assertEqual((stats.down.duplicated, stats.write_failed), (40, 0))

    async def test_large(self):
        """A datagram as large as UDP has them comes through whole."""
        echo = self.open_large(Echo())
        proxy = self.proxy_to(echo.getHost().port, Impairment(), Impairment())
        client = Client(1)
        self.open_large(client).write(bytes(60_000), proxy.address)
        await client.done
        self.assertEqual(client.heard, [bytes(60_000)])

    def open_large(self, protocol: Any) -> Any:
        port = reactor.listenUDP(
            0, protocol, interface="127.0.0.1", maxPacketSize=65_535
        )
        self.addCleanup(port.stopListening)
        return port

    async def test_nobody_there(self):
        """A server that is not there is counted, and may come later."""
        port = self.open(Echo())
        number = port.getHost().port
        await port.stopListening()
        proxy = self.proxy_to(number, Impairment(), Impairment())
        client = Client(1)
        mine = self.open(client)
        while not proxy.stats().unreachable:
            mine.write(b"anybody?", proxy.address)
            await wait(0.01)
        late = reactor.listenUDP(number, Echo(), interface="127.0.0.1")
        self.addCleanup(late.stopListening)
        mine.write(b"and now?", proxy.address)
        await client.done
        self.assertIn(client.heard[0], (b"and now?", b"anybody?"))


class GameTests(SocketTestCase):
    """A game can be played through the command."""

    async def test_game(self):
        """Reliable messages come through a lossy proxy, once and in order."""
        listening = self.serve("udp", self.server_factory())
        lines: list[str] = []
        options = ImpairOptions(
            "127.0.0.1:0", f"127.0.0.1:{listening.port}", "loss=20% jitter=5ms", seed=2
        )
        running = run_impair(reactor, options, lines.append)
        listening.port = int(lines[0].split()[1].rpartition(":")[2])
        client = await self.connect(listening)
        payloads = [bytes([number]) * 1000 for number in range(50)]
        for payload in payloads:
            client.sendMessage(RELIABLE, payload)
        await client.until_messages(50)
        self.assertEqual(client.payloads(), payloads)
        running.cancel()
        stats = await running
        self.assertGreater(stats.up.lost + stats.down.lost, 0)
        self.assertIn("end after", lines[-1])
