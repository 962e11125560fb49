# SPDX-License-Identifier: MIT
"""Tests of the reactor with UDP in memory."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol, Factory
from twisted.trial.unittest import SynchronousTestCase

from gamenet.testing import MemoryReactor, MemoryUdpPort
from gamenet.transport import Impairment


class Noter(DatagramProtocol):
    """A protocol of Twisted's that notes what comes, and may answer."""

    def __init__(self, answer: bytes = b"") -> None:
        self.heard: list[tuple[bytes, Any]] = []
        self.answer = answer
        self.life: list[str] = []

    def startProtocol(self) -> None:
        self.life.append("started")

    def stopProtocol(self) -> None:
        self.life.append("stopped")

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append((datagram, addr))
        if self.answer:
            assert self.transport is not None
            self.transport.write(self.answer, addr)


class UdpTests(SynchronousTestCase):
    """Datagrams go from port to port, as over a real network or a bad one."""

    def setUp(self) -> None:
        self.reactor = MemoryReactor()

    def listen(self, protocol: Noter, port: int = 0) -> MemoryUdpPort:
        """Open a port."""
        return self.reactor.listenUDP(port, protocol)

    def test_there_and_back(self) -> None:
        """A datagram arrives with its sender's address, and the answer comes back."""
        server, client = Noter(b"pong"), Noter()
        self.listen(server, 7777)
        port = self.listen(client)
        port.write(b"ping", ("127.0.0.1", 7777))
        self.assertEqual(server.heard, [])
        self.reactor.advance(0)
        host = port.getHost()
        self.assertEqual(server.heard, [(b"ping", (host.host, host.port))])
        self.assertEqual(client.heard, [(b"pong", ("127.0.0.1", 7777))])

    def test_addresses(self) -> None:
        """Port 0 takes a free one, another for each; a taken one is refused."""
        ports = [self.listen(Noter()).getHost().port for _ in range(3)]
        self.assertEqual(len(set(ports)), 3)
        self.assertGreaterEqual(min(ports), 49152)
        error = self.assertRaises(CannotListenError, self.listen, Noter(), ports[0])
        self.assertEqual(error.port, ports[0])
        self.assertEqual(self.listen(Noter(), 7777).getHost().type, "UDP")

    def test_connected(self) -> None:
        """A connected port writes without an address, and hears nobody else."""
        server, client, stranger = Noter(b"pong"), Noter(), Noter()
        self.listen(server, 7777)
        port = self.listen(client)
        port.connect("127.0.0.1", 7777)
        port.write(b"ping")
        here = port.getHost()
        self.listen(stranger).write(b"boo", (here.host, here.port))
        self.reactor.advance(0)
        self.assertEqual([data for data, _ in client.heard], [b"pong"])

    def test_life(self) -> None:
        """The protocol is told when its port opens and closes, once each."""
        protocol = Noter()
        port = self.listen(protocol, 7777)
        self.assertIs(protocol.transport, port)
        port.stopListening()
        port.stopListening()
        self.assertEqual(protocol.life, ["started", "stopped"])
        self.listen(Noter(), 7777)

    def test_nobody_there(self) -> None:
        """Datagrams to nobody, to a closed port and from one are lost."""
        server, client = Noter(), Noter()
        target = self.listen(server, 7777)
        port = self.listen(client)
        port.write(b"nobody", ("127.0.0.1", 1))
        port.write(b"nowhere")
        port.write(b"too late", ("127.0.0.1", 7777))
        target.stopListening()
        target.write(b"closed", ("127.0.0.1", port.getHost().port))
        self.reactor.advance(1)
        self.assertEqual((server.heard, client.heard), ([], []))

    def test_impairment(self) -> None:
        """Every datagram goes through the impairment: late, twice, or never."""
        outcomes = []
        for _ in range(2):
            reactor = MemoryReactor(
                Impairment(latency=0.1, jitter=0.05, loss=0.3, duplicate=0.3, seed=5)
            )
            noter = Noter()
            reactor.listenUDP(7777, noter)
            port = reactor.listenUDP(0, Noter())
            for n in range(100):
                port.write(b"%d" % n, ("127.0.0.1", 7777))
            reactor.advance(0.0999)
            self.assertEqual(noter.heard, [])
            reactor.advance(0.1)
            outcomes.append([data for data, _ in noter.heard])
        self.assertEqual(outcomes[0], outcomes[1])
        distinct = set(outcomes[0])
        self.assertLess(len(distinct), 90)
        self.assertGreater(len(outcomes[0]), len(distinct))
        self.assertNotEqual(outcomes[0], sorted(outcomes[0], key=int))

    def test_exact_time(self) -> None:
        """Its time is exact to the call, as the clock's is."""
        moments: list[float] = []
        for delay in (0.2, 0.1):
            self.reactor.callLater(
                delay, lambda: moments.append(self.reactor.seconds())
            )
        self.reactor.advance(1)
        self.assertEqual(moments, [0.1, 0.2])

    def test_still_twisteds(self) -> None:
        """Everything else is Twisted's memory reactor."""
        self.reactor.listenTCP(7778, Factory())
        self.assertEqual(self.reactor.tcpServers[0][0], 7778)
