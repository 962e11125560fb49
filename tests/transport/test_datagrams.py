# SPDX-License-Identifier: MIT
"""One socket, many peers: who gets in, who does not, and what hostile bytes do."""

from __future__ import annotations

import random
from collections import deque

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Connection, Link, MessageReceived, ServerAddress
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
    config,
)

HERE, THERE = ("10.0.0.1", 5000), ("10.0.0.2", 6000)
REQUEST_SIZE = 1078
ROUND = 0.02


class Net:
    """A datagram server without a socket, and clients that share its clock."""

    def __init__(self, **limits):
        self.clock = Clock()
        self.clock.advance(100)
        self.factory = ServerFactory(
            self.clock, HASH, limits=Limits(**limits), random=random.Random(1)
        )
        self.listener = Listener(self.factory, "udp")
        self.listener.bound(ServerAddress("10.0.0.9", 7777))
        self.sent = deque()
        self.server = DatagramServer(
            self.listener, lambda data, address: self.sent.append((data, address))
        )
        self._random = random.Random(2)

    def replies(self):
        """Return what the server has sent since the last call."""
        sent = list(self.sent)
        self.sent.clear()
        return sent

    def client(self, token=None, *, is_plain=False):
        """Return a client's core that has begun to connect."""
        client = Connection.client(
            config(),
            token=token or self.factory.issueToken(),
            protocol_hash=HASH,
            secret=self._random.randbytes(32),
            link=Link.DATAGRAM,
            is_plain=is_plain,
        )
        client.connect(now=self.clock.seconds())
        return client

    def exchange(self, client, address, rounds=4):
        """Carry packets to and fro."""
        for _ in range(rounds):
            self.send(client, address)
            self.clock.advance(ROUND)
            for data, to in self.replies():
                if to == address:
                    client.receive_datagram(data, now=self.clock.seconds())

    def send(self, client, address):
        """Carry what a client has to say to the server."""
        for packet in client.datagrams_to_send(now=self.clock.seconds()):
            self.server.receive(packet, address)

    def connected(self, address, **settings):
        """Return a client's core that is connected from an address."""
        client = self.client(**settings)
        self.exchange(client, address)
        return client


class PeerTests(SynchronousTestCase):
    """Addresses lead to peers."""

    def test_two_peers(self):
        """Two addresses are two peers, and each gets its own packets."""
        net = Net()
        clients = {each: net.connected(each) for each in (HERE, THERE)}
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
        (join,) = client.datagrams_to_send(now=100)
        net.server.receive(join, HERE)
        lost = net.replies()
        net.server.receive(join, HERE)
        self.assertEqual(net.replies()[0], lost[0], "the answer comes again")
        net.server.receive(request, HERE)
        net.server.receive(join, HERE)
        net.exchange(client, HERE)
        self.assertEqual(client.state, "Connected")
        self.assertEqual(len(net.factory.built), 1)
        self.assertEqual(net.factory.built[0].happened, [("made",)])

    def test_two_clients_at_one_address(self):
        """Two programs behind one address are told apart by their connections."""
        net = Net()
        first, second = net.connected(HERE), net.connected(HERE)
        self.assertNotEqual(first.connection_id, second.connection_id)
        for name, client in ((b"first", first), (b"second", second)):
            client.send(RELIABLE, name, now=net.clock.seconds())
            net.send(client, HERE)
        self.assertEqual(
            [each.payloads() for each in net.factory.built], [[b"first"], [b"second"]]
        )

    def test_plain_client_begins_again(self):
        """A plain client that begins again from its old address replaces itself."""
        net = Net(max_connections=1)
        net.connected(HERE, is_plain=True)
        again = net.connected(HERE, is_plain=True)
        old, new = net.factory.built
        self.assertEqual(again.state, "Connected")
        self.assertEqual(old.reason(), CloseReason.LINK_LOST)
        again.send(RELIABLE, b"hello", now=net.clock.seconds())
        net.exchange(again, HERE)
        self.assertEqual(new.payloads(), [b"hello"])
        self.assertEqual(net.factory.stats().connections, 1)

    def test_plain_client_is_banned(self):
        """The place of another plain client lets in nobody who is banned."""
        net = Net()
        banned = CloseReason.KICKED
        net.factory.reasonAgainst = lambda pass_: (
            banned if pass_.client_id == 13 else None
        )
        net.connected(HERE, is_plain=True)
        token = net.factory.issueToken(client_id=13)
        again = net.connected(HERE, token=token, is_plain=True)
        self.assertEqual(again.state, "Closed")
        self.assertEqual(net.factory.built[0].count("lost"), 0)
        self.assertEqual(net.factory.stats().refused, {"KICKED": 1})

    def test_socket_lost(self):
        """When the socket is gone, every peer has lost its link."""
        net = Net()
        net.connected(HERE)
        net.connected(THERE, is_plain=True)
        net.server.lost()
        extended, plain = net.factory.built
        self.assertEqual(extended.happened[-1], ("dropped", CloseReason.LINK_LOST))
        self.assertEqual(plain.reason(), CloseReason.LINK_LOST)

    def test_plain_stranger(self):
        """A plain peer's packet from another address is nobody's."""
        net = Net()
        client = net.connected(HERE, is_plain=True)
        client.send(UNRELIABLE, b"x", now=net.clock.seconds())
        net.send(client, THERE)
        self.assertEqual(net.factory.built[0].payloads(), [])
        self.assertEqual(net.factory.stats().dropped["unconnected"], 1)


class MoveTests(SynchronousTestCase):
    """A gamenet peer may turn up at another address."""

    def setUp(self):
        self.net = Net()
        self.client = self.net.connected(HERE)
        (self.protocol,) = self.net.factory.built

    def test_moved(self):
        """Messages go both ways at the new address, without a handshake."""
        net, client, protocol = self.net, self.client, self.protocol
        while client.next_event() is not None:
            pass
        client.send(RELIABLE, b"from there", now=net.clock.seconds())
        net.exchange(client, THERE)
        protocol.sendMessage(RELIABLE, b"to there")
        net.factory.flush()
        net.exchange(client, THERE)
        self.assertEqual(protocol.payloads(), [b"from there"])
        events = [*iter(client.next_event, None)]
        self.assertIn(MessageReceived(RELIABLE, b"to there"), events)
        self.assertEqual(protocol.happened[0], ("made",))
        self.assertEqual(protocol.count("dropped") + protocol.count("made"), 1)
        self.assertEqual(net.factory.stats().migrated, 1)

    def test_copied(self):
        """A copy of a packet from elsewhere moves nobody: it is no news."""
        net, client = self.net, self.client
        client.send(UNRELIABLE, b"x", now=net.clock.seconds())
        packets = client.datagrams_to_send(now=net.clock.seconds())
        for address in (HERE, THERE):
            for packet in packets:
                net.server.receive(packet, address)
        self.assertEqual(self.protocol.payloads(), [b"x"])
        self.assertEqual(net.factory.stats().migrated, 0)
        self.assertEqual(self.protocol.connection.path, HERE)

    def test_stolen(self):
        """A packet that somebody delays and sends from elsewhere aims little there."""
        net, client, protocol = self.net, self.client, self.protocol
        client.send(UNRELIABLE, b"x" * 100, now=net.clock.seconds())
        packets = client.datagrams_to_send(now=net.clock.seconds())
        for packet in packets:
            net.server.receive(packet, THERE)
        for _ in range(300):
            for _ in range(5):
                protocol.sendMessage(UNRELIABLE, b"y" * 1000)
            net.factory.flush()
            net.clock.advance(ROUND)
        there = [len(data) for data, to in net.replies() if to == THERE]
        # One packet may begin with credit left, and end without.
        self.assertLess(sum(there), 3 * sum(map(len, packets)) + 1200)
        self.assertEqual(protocol.connection.path, HERE, "believed again")

    def test_unknown_connection(self):
        """A packet of a connection that there is not is dropped and counted."""
        self.net.server.receive(b"\x1a" + bytes(40), HERE)
        self.assertEqual(self.net.factory.stats().dropped["unconnected"], 1)


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

    @given(st.binary(max_size=1100), st.integers(0, 255))
    def test_any_packet_of_a_known_type(self, rest, prefix):
        """Any bytes after a known type byte are no different."""
        net = Net()
        net.connected(THERE)
        net.replies()
        for data in (
            bytes([prefix]) + rest,
            (b"\0NETCODE 1.02\0" + rest)[:REQUEST_SIZE].ljust(REQUEST_SIZE, b"\0"),
        ):
            net.server.receive(data, HERE)
            self.assertLessEqual(sum(len(d) for d, _ in net.replies()), len(data))
        self.assertEqual(net.factory.built[0].count("lost"), 0)

    @given(
        st.lists(st.binary(max_size=60), max_size=20),
        st.integers(0, 255),
        st.booleans(),
    )
    def test_known_address(self, datagrams, prefix, is_plain):
        """Any bytes that bear a peer's address, or its number, do not disturb it."""
        net = Net()
        client = net.connected(HERE, is_plain=is_plain)
        number = client.connection_id.to_bytes(4, "little")
        for data in datagrams:
            net.server.receive(data, HERE)
            net.server.receive(bytes([prefix]) + data, HERE)
            net.server.receive(bytes([prefix]) + number + data, HERE)
        client.send(RELIABLE, b"still here", now=net.clock.seconds())
        net.exchange(client, HERE)
        self.assertEqual(net.factory.built[0].payloads(), [b"still here"])

    def test_no_state_for_strangers(self):
        """One request from many forged addresses leaves one trace, which expires."""
        net = Net()
        (request,) = net.client().datagrams_to_send(now=100)
        for i in range(500):
            net.server.receive(request, (f"10.1.{i // 250}.{i % 250}", 1))
        self.assertEqual(len(net.sent), 1)
        self.assertEqual(net.factory.stats().refused, {"TOKEN_USED": 499})
        self.assertEqual(len(net.server._by_id) + len(net.server._by_address), 0)
        self.assertEqual(len(net.factory.admission), 0)
        self.assertEqual(net.clock.getDelayedCalls(), [])

    def test_forged_requests(self):
        """Requests with tokens that nobody issued are not answered at all."""
        net = Net()
        (request,) = net.client().datagrams_to_send(now=100)
        for i in range(300):
            forged = request[:-8] + i.to_bytes(8, "little")
            net.server.receive(forged, (f"10.1.{i // 250}.{i % 250}", 1))
        self.assertEqual(net.replies(), [])
        self.assertEqual(net.factory.stats().refused, {"TOKEN_INVALID": 300})


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
