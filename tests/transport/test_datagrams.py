# SPDX-License-Identifier: MIT
"""One socket, many peers: who gets in, who does not, and what hostile bytes do."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Connection, ConnectionConfig, Link, Reply
from gamenet.errors import CloseReason, ConnectError
from gamenet.transport import Limits
from gamenet.transport.counters import Tally
from gamenet.transport.datagrams import DatagramServer, guarded
from gamenet.transport.listener import Listener
from tests.transport.recorders import (
    HASH,
    RELIABLE,
    UNRELIABLE,
    MemoryTestCase,
    ServerFactory,
)

HERE, THERE = ("10.0.0.1", 5000), ("10.0.0.2", 6000)


class Net:
    """A datagram server without a socket, and clients that share its clock."""

    def __init__(self, **limits):
        self.clock = Clock()
        self.clock.advance(100)
        self.factory = ServerFactory(
            self.clock, HASH, limits=Limits(**limits), random=random.Random(1)
        )
        self.listener = Listener(self.factory, "udp")
        self.sent = []
        self.server = DatagramServer(
            self.listener, lambda data, address: self.sent.append((data, address))
        )

    def replies(self):
        """Return what the server has sent since the last call."""
        sent, self.sent = self.sent, []
        return sent

    def client(self, salt=1):
        """Return a client's core that has begun to connect."""
        client = Connection.client(
            ConnectionConfig(), protocol_hash=HASH, salt=salt, link=Link.DATAGRAM
        )
        client.connect(now=self.clock.seconds())
        return client

    def exchange(self, client, address, rounds=4):
        """Carry packets to and fro."""
        for _ in range(rounds):
            now = self.clock.seconds()
            for packet in client.datagrams_to_send(now=now):
                self.server.receive(packet, address)
            self.clock.advance(0.02)
            for data, to in self.replies():
                if to == address:
                    client.receive_datagram(data, now=self.clock.seconds())

    def connected(self, address, salt=1):
        """Return a client's core that is connected from an address."""
        client = self.client(salt)
        self.exchange(client, address)
        return client


class PeerTests(SynchronousTestCase):
    """Addresses lead to peers."""

    def test_two_peers(self):
        """Two addresses are two peers, and each gets its own packets."""
        net = Net()
        clients = {HERE: net.connected(HERE, 1), THERE: net.connected(THERE, 2)}
        for address, client in clients.items():
            client.send(RELIABLE, repr(address).encode(), now=net.clock.seconds())
            net.exchange(client, address)
        first, second = net.factory.built
        self.assertEqual(first.peerAddress, "10.0.0.1:5000")
        self.assertEqual(first.payloads(), [repr(HERE).encode()])
        self.assertEqual(second.payloads(), [repr(THERE).encode()])

    def test_ipv6(self):
        """An IPv6 address is shown as people write it."""
        net = Net()
        net.connected(("fd00::1", 7))
        self.assertEqual(net.factory.built[0].peerAddress, "[fd00::1]:7")

    def test_answer_lost(self):
        """A client whose answer was lost asks again, and is the same peer."""
        net = Net(max_connections=1)
        client = net.client()
        (request,) = client.datagrams_to_send(now=100)
        net.server.receive(request, HERE)
        ((challenge, _),) = net.replies()
        client.receive_datagram(challenge, now=100)
        (response,) = client.datagrams_to_send(now=100)
        net.server.receive(response, HERE)
        net.replies()
        net.server.receive(response, HERE)
        net.server.receive(request, HERE)
        net.exchange(client, HERE)
        self.assertEqual(client.state, "Connected")
        self.assertEqual(len(net.factory.built), 1)
        self.assertEqual(net.factory.built[0].count("lost"), 0)

    def test_client_begins_again(self):
        """A client that begins again from its old address replaces what it was."""
        net = Net(max_connections=1)
        net.connected(HERE, salt=1)
        again = net.connected(HERE, salt=2)
        old, new = net.factory.built
        self.assertEqual(again.state, "Connected")
        self.assertEqual(old.reason(), CloseReason.LINK_LOST)
        again.send(RELIABLE, b"hello", now=net.clock.seconds())
        net.exchange(again, HERE)
        self.assertEqual(new.payloads(), [b"hello"])
        self.assertEqual(net.factory.stats().connections, 1)

    def test_socket_lost(self):
        """When the socket is gone, every peer is."""
        net = Net()
        net.connected(HERE)
        net.server.lost()
        self.assertEqual(net.factory.built[0].reason(), CloseReason.LINK_LOST)

    def test_stranger(self):
        """A packet of one peer's connection from another address is nobody's."""
        net = Net()
        client = net.connected(HERE)
        client.send(UNRELIABLE, b"x", now=net.clock.seconds())
        for packet in client.datagrams_to_send(now=net.clock.seconds()):
            net.server.receive(packet, THERE)
        self.assertEqual(net.factory.built[0].payloads(), [])
        self.assertEqual(net.factory.stats().dropped["unconnected"], 1)


class LimitTests(MemoryTestCase):
    """Connections are limited in total and per address."""

    def refused(self, reason):
        """Check that one more client is refused."""
        result = self.begin(self.client_factory())
        self.advance(0.5)
        error = self.failureResultOf(result, ConnectError).value
        self.assertIs(error.reason, reason)
        self.assertEqual(self.factory.stats().refused[reason.name], 1)

    def check(self, reason, **limits):
        self.successResultOf(self.listening.stop())
        self.factory = self.server_factory(limits=Limits(**limits))
        self.listen(self.factory)
        first, _ = self.connect(), self.connect()
        self.refused(reason)
        first.loseConnection()
        self.advance(0.1)
        self.connect()

    def test_total(self):
        """The connection after the last one is told that the server is full."""
        self.check(CloseReason.SERVER_FULL, max_connections=2)

    def test_per_address(self):
        """An address with too many connections is told so."""
        self.check(CloseReason.TOO_MANY_FROM_ADDRESS, max_per_address=2)


class HostileTests(SynchronousTestCase):
    """Whatever comes, nothing raises, and nobody is answered with more than it sent."""

    @given(st.lists(st.binary(max_size=1300), max_size=20))
    def test_unknown_address(self, datagrams):
        """Any bytes of a stranger are dropped or answered by no more bytes."""
        net = Net()
        for data in datagrams:
            net.server.receive(data, HERE)
            self.assertLessEqual(sum(len(d) for d, _ in net.replies()), len(data))
        self.assertEqual(net.factory.built, [])

    @given(st.binary(max_size=1100), st.integers(0, 6))
    def test_any_packet_of_a_known_type(self, rest, kind):
        """Any bytes after a known type byte are no different."""
        net = Net()
        net.connected(THERE)
        net.replies()
        for data in (
            bytes([kind]) + rest,
            (bytes([kind]) + b"GNET\x01\0" + rest)[:1078].ljust(1078, b"\0"),
        ):
            net.server.receive(data, HERE)
            self.assertLessEqual(sum(len(d) for d, _ in net.replies()), len(data))
        self.assertEqual(net.factory.built[0].count("lost"), 0)

    @given(st.lists(st.binary(max_size=60), max_size=20), st.integers(0, 6))
    def test_known_address(self, datagrams, kind):
        """Any bytes that bear a peer's address do not disturb it."""
        net = Net()
        client = net.connected(HERE)
        for data in datagrams:
            net.server.receive(data, HERE)
            net.server.receive(bytes([kind]) + data, HERE)
        client.send(RELIABLE, b"still here", now=net.clock.seconds())
        net.exchange(client, HERE)
        self.assertEqual(net.factory.built[0].payloads(), [b"still here"])

    def test_no_state_for_strangers(self):
        """Requests from forged addresses leave nothing behind."""
        net = Net()
        (request,) = net.client().datagrams_to_send(now=100)
        for i in range(500):
            net.server.receive(request, (f"10.1.{i // 250}.{i % 250}", 1))
        self.assertEqual(len(net.server._peers), 0)
        self.assertEqual(len(net.factory.admission), 0)
        self.assertEqual(net.clock.getDelayedCalls(), [])

    def test_amplifying_answers_are_not_sent(self):
        """An answer that is longer than the question is dropped and counted."""
        net = Net()
        net.server._acceptor.receive = lambda *_, **__: Reply([b"x" * 11])
        net.server.receive(b"short", HERE)
        self.assertEqual(net.replies(), [])
        self.assertEqual(net.factory.stats().dropped, {"amplifying": 1})
        net.server.receive(b"long enough", HERE)
        self.assertEqual(len(net.replies()), 1)


class WriteTests(SynchronousTestCase):
    """What the socket will not send is counted, and nothing raises."""

    def write(self, error):
        """Return the counts after a write that raises."""
        tally = Tally()

        def refuse(data, address):
            raise error

        guarded(refuse, tally)(b"x", HERE)
        return tally.write_blocked, tally.write_failed

    def test_full_buffer(self):
        """A full send buffer loses the datagram."""
        self.assertEqual(self.write(BlockingIOError()), (1, 0))

    def test_other_errors(self):
        """So does an address that cannot be reached."""
        self.assertEqual(self.write(OSError(101, "unreachable")), (0, 1))
