# SPDX-License-Identifier: MIT
"""Tests of the connection as a whole."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Accept,
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    Gate,
    Link,
    MessageReceived,
    Reply,
)
from gamenet.connection.packets import (
    Accepted,
    Challenge,
    Denied,
    Disconnect,
    packet_registry,
)
from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.transport import Impairment
from tests.connection.network import ADDRESS, HASH, Network, drain, messages

RELIABLE, UNRELIABLE = 0, 1
LOST = Impairment(loss=1.0)
LINKS = (Link.DATAGRAM, Link.STREAM)


def client(link: Link = Link.DATAGRAM, **settings) -> Connection:
    """Return a client that has not begun."""
    return Connection.client(
        ConnectionConfig(**settings), protocol_hash=HASH, salt=5, link=link
    )


class MakingTests(SynchronousTestCase):
    """A connection is made with what can be sent."""

    def test_user_data(self) -> None:
        """User data and hash have sizes; the error names both."""
        for user_data, protocol_hash in ((bytes(257), HASH), (b"", bytes(7))):
            error = self.assertRaises(
                LocalProtocolError,
                Connection.client,
                ConnectionConfig(),
                protocol_hash=protocol_hash,
                salt=1,
                link=Link.STREAM,
                user_data=user_data,
            )
            self.assertIn(str(len(user_data)), str(error))

    def test_user_data_arrives(self) -> None:
        """The server knows what the client says of itself, and which protocol."""
        for link in LINKS:
            network = Network(link=link).connect()
            self.assertEqual(network.peer.user_data, b"ada")
            number = int.from_bytes(HASH, "little")
            self.assertEqual(network.peer.protocol_hash, number)
            is_datagram = link is Link.DATAGRAM
            self.assertEqual(network.peer.client_salt is not None, is_datagram)
            self.assertIsNone(network.client.client_salt)

    def test_idle(self) -> None:
        """Before it begins a client wants nothing and says nothing."""
        idle = client()
        self.assertEqual((idle.state, idle.next_timeout()), ("Idle", None))
        self.assertEqual(idle.datagrams_to_send(now=1.0), [])
        idle.handle_timeout(now=1e6)
        self.assertFalse(idle.has_news)
        accepted = packet_registry.encode(Accepted(5, 1))
        idle.receive_datagram(accepted, now=1.0)
        self.assertEqual(idle.state, "Idle")
        self.assertEqual(idle.stats().dropped, {"unexpected": 1})

    def test_connect_twice(self) -> None:
        """Only an idle client can connect; the error names the state."""
        asking = client()
        asking.connect(now=1.0)
        error = self.assertRaises(LocalProtocolError, asking.connect, now=1.0)
        self.assertIn("Requesting", str(error))
        network = Network(link=Link.STREAM)
        self.assertRaises(LocalProtocolError, network.peer.connect, now=1.0)


class HandshakeTests(SynchronousTestCase):
    """The handshake ends in both ends connected, or in one clear reason."""

    def test_connects(self) -> None:
        """Both ends say Connected once; datagrams take two round trips, streams one."""
        for link, seconds in ((Link.DATAGRAM, 0.08), (Link.STREAM, 0.04)):
            network = Network(link=link)
            begin = network.now
            network.connect()
            self.assertAlmostEqual(network.now - begin, seconds)
            for events in (network.client_events, network.server_events):
                self.assertEqual(events, [Connected()])

    def test_times_out(self) -> None:
        """A server that never answers is given up after five seconds of asking."""
        network = Network(up=LOST)
        begin = network.now
        network.client.connect(now=network.now)
        network.run(20.0)
        self.assertEqual(
            network.client_events, [Closed(CloseReason.HANDSHAKE_TIMED_OUT, "")]
        )
        self.assertIn(len(network.sent_up), (50, 51))
        self.assertEqual(network.client.next_timeout(), None)
        self.assertEqual(network.client.datagrams_to_send(now=begin + 60), [])

    def test_silent_stream(self) -> None:
        """A stream that says nothing is closed after the same time, and so at 0."""
        for now in (0.0, 100.0):
            server = Connection.server_stream(
                ConnectionConfig(), Gate(HASH), tag=1, now=now
            )
            self.assertEqual(server.next_timeout(), now + 5.0)
            server.handle_timeout(now=now + 4.9)
            self.assertEqual(server.state, "Idle")
            server.handle_timeout(now=now + 5.0)
            self.assertEqual(
                drain(server), [Closed(CloseReason.HANDSHAKE_TIMED_OUT, "")]
            )

    def test_stream_refuses(self) -> None:
        """Over a stream a wrong hash and a wrong version are told to the client."""
        for protocol_hash, version, reason in (
            (b"another!", 1, CloseReason.PROTOCOL_MISMATCH),
            (HASH, 2, CloseReason.VERSION_MISMATCH),
        ):
            asking = Connection.client(
                ConnectionConfig(),
                protocol_hash=protocol_hash,
                salt=5,
                link=Link.STREAM,
            )
            asking.connect(now=1.0)
            [request] = asking.datagrams_to_send(now=1.0)
            request = request[:5] + version.to_bytes(2, "little") + request[7:]
            server = Connection.server_stream(
                ConnectionConfig(), Gate(HASH, "arena"), tag=1, now=1.0
            )
            server.receive_datagram(request, now=1.0)
            self.assertEqual(server.state, "Closed")
            self.assertIs(drain(server)[0].reason, reason)
            for packet in server.datagrams_to_send(now=1.0):
                asking.receive_datagram(packet, now=1.0)
            [closed] = drain(asking)
            self.assertIs(closed.reason, reason)
            self.assertTrue(closed.detail)

    def test_unknown_hash(self) -> None:
        """A hash of zeros is let in: the server will describe its protocol."""
        server = Connection.server_stream(
            ConnectionConfig(), Gate(HASH), tag=1, now=1.0
        )
        asking = Connection.client(
            ConnectionConfig(), protocol_hash=bytes(8), salt=5, link=Link.STREAM
        )
        asking.connect(now=1.0)
        server.receive_datagram(asking.datagrams_to_send(now=1.0)[0], now=1.0)
        self.assertEqual((server.state, server.protocol_hash), ("Connected", 0))

    def test_early_payload(self) -> None:
        """A payload that overtakes the answer is counted as early, and not lost."""
        network = Network().connect()
        late = client()
        late.connect(now=1.0)
        late.receive_datagram(network.sent_down[-1], now=1.0)
        self.assertEqual(late.stats().dropped, {"early": 1})
        self.assertEqual(late.state, "Requesting")

    def test_reliable_before_accepted(self) -> None:
        """What the server says at once arrives although its answer is lost at first."""
        network = Network()
        network.client.connect(now=network.now)
        network.run(1.0, until=lambda: network.client.state == "Responding")
        network.down = LOST
        network.run(1.0, until=lambda: network.server is not None)
        network.peer.send(RELIABLE, b"welcome", now=network.now)
        network.run(0.35)
        self.assertEqual(network.client.state, "Responding")
        network.down = Impairment(latency=0.02)
        network.run(1.5)
        self.assertEqual(messages(network.client_events, RELIABLE), [b"welcome"])
        self.assertEqual(network.n_accepted, 1)

    def test_late_answers(self) -> None:
        """A challenge or denial that comes after Accepted changes nothing."""
        network = Network().connect()
        network.run(0.5)
        salt = network.peer.client_salt
        assert salt is not None
        sent = len(network.sent_up)
        for packet in (Challenge(salt, 1, 2, 3), Denied(salt, 16), Accepted(salt, 1)):
            network.client.receive_datagram(
                packet_registry.encode(packet), now=network.now
            )
        network.run(1.0)
        self.assertEqual(network.client.state, "Connected")
        self.assertEqual(network.client.stats().dropped, {"unexpected": 3})
        self.assertEqual({p[0] for p in network.sent_up[sent:]}, {5})

    def test_response_again(self) -> None:
        """A response that comes again is answered again, by the same connection."""
        network = Network().connect()
        response = next(p for p in network.sent_up if p[0] == 3)
        for _ in range(5):
            network.peer.receive_datagram(response, now=network.now)
            packets = network.peer.datagrams_to_send(now=network.now)
            self.assertEqual([p[0] for p in packets].count(4), 1)
        self.assertEqual(network.peer.state, "Connected")

    def test_begins_again(self) -> None:
        """Who begins again at its address is let in, and the old end does not mind."""
        network = Network().connect()
        again = client()
        again.connect(now=network.now)
        [request] = again.datagrams_to_send(now=network.now)
        network.peer.receive_datagram(request, now=network.now)
        reply = network.acceptor.receive(request, ADDRESS, now=network.now)
        assert isinstance(reply, Reply)
        again.receive_datagram(reply.datagrams[0], now=network.now)
        [response] = again.datagrams_to_send(now=network.now)
        network.peer.receive_datagram(response, now=network.now)
        accept = network.acceptor.receive(response, ADDRESS, now=network.now)
        assert isinstance(accept, Accept)
        self.assertNotEqual(accept.connection.client_salt, network.peer.client_salt)
        self.assertEqual(network.peer.stats().dropped, {"unexpected": 2})


class ClosingTests(SynchronousTestCase):
    """A connection ends once, for one reason, and both ends know it."""

    def test_told(self) -> None:
        """The peer is told reason and detail, in either direction, on either link."""
        for link in LINKS:
            for is_up in (True, False):
                network = Network(link=link).connect()
                end = network.client if is_up else network.peer
                end.close(CloseReason.KICKED, "go away", now=network.now)
                self.assertTrue(end.has_news)
                network.run(0.1)
                expected = Closed(CloseReason.KICKED, "go away")
                self.assertEqual(network.client_events[-1], expected)
                self.assertEqual(network.server_events[-1], expected)
                self.assertEqual(network.client_events.count(expected), 1)
                self.assertFalse(end.has_news)
                self.assertIsNone(end.next_timeout())

    def test_goodbye_survives_loss(self) -> None:
        """On datagrams the farewell is said three times, on a stream once."""
        for link, copies in ((Link.DATAGRAM, 3), (Link.STREAM, 1)):
            network = Network(link=link).connect()
            network.client.close(CloseReason.NORMAL, now=network.now)
            packets = network.client.datagrams_to_send(now=network.now)
            self.assertEqual([p[0] for p in packets].count(6), copies)
            self.assertEqual(network.client.datagrams_to_send(now=network.now), [])

    def test_queued_goes_first(self) -> None:
        """What was queued is sent before the farewell."""
        for link in LINKS:
            network = Network(link=link).connect()
            network.client.send(RELIABLE, bytes(5000), now=network.now)
            network.client.send(UNRELIABLE, b"bye", now=network.now)
            network.client.close(CloseReason.NORMAL, now=network.now)
            network.run(0.1)
            self.assertEqual(messages(network.server_events, RELIABLE), [bytes(5000)])
            self.assertEqual(messages(network.server_events, UNRELIABLE), [b"bye"])
            self.assertIsInstance(network.server_events[-1], Closed)

    def test_long_farewell_on_stream(self) -> None:
        """A stream carries a quarter of a megabyte before the farewell."""
        network = Network(link=Link.STREAM).connect()
        for _ in range(5):
            network.peer.send(RELIABLE, bytes(50000), now=network.now)
        network.peer.close(CloseReason.SERVER_SHUTDOWN, now=network.now)
        network.run(0.1)
        received = messages(network.client_events, RELIABLE)
        self.assertEqual(received, [bytes(50000)] * 5)

    def test_twice(self) -> None:
        """Closing again, and packets that come then, do nothing."""
        network = Network().connect()
        packet = network.sent_up[-1]
        network.peer.close(CloseReason.KICKED, now=network.now)
        network.peer.close(CloseReason.NORMAL, now=network.now)
        network.peer.receive_datagram(packet, now=network.now)
        network.peer.handle_timeout(now=network.now + 100)
        network.run(1.0)
        closed = Closed(CloseReason.KICKED, "")
        self.assertEqual(network.server_events, [Connected(), closed])
        self.assertRaises(
            LocalProtocolError, network.peer.send, RELIABLE, b"", now=network.now
        )

    def test_any_detail(self) -> None:
        """A detail that no packet can carry is cut, and the connection closes."""
        for detail in ("x" * 5000, "é" * 999, "half \ud800 a pair"):
            network = Network().connect()
            network.client.close(CloseReason.NORMAL, detail, now=network.now)
            network.run(0.1)
            self.assertEqual(network.client.state, "Closed")
            self.assertEqual(network.peer.state, "Closed")

    def test_while_asking(self) -> None:
        """A client that gives up while it asks sends nothing more."""
        asking = client()
        asking.connect(now=1.0)
        asking.close(CloseReason.NORMAL, now=1.0)
        self.assertEqual(asking.datagrams_to_send(now=1.0), [])
        self.assertEqual(drain(asking), [Closed(CloseReason.NORMAL, "")])

    def test_silence(self) -> None:
        """After the timeout without a packet each end closes, and says so."""
        network = Network(ConnectionConfig(timeout=2.0)).connect()
        network.run(0.5)
        network.up = network.down = LOST
        network.run(1.9)
        self.assertTrue(network.is_connected())
        network.run(0.3)
        closed = Closed(CloseReason.TIMED_OUT, "")
        self.assertEqual(network.client_events[-1], closed)
        self.assertEqual(network.server_events[-1], closed)

    def test_quiet_is_not_silent(self) -> None:
        """Heartbeats keep a connection over which nobody says anything."""
        network = Network(ConnectionConfig(timeout=1.0)).connect()
        network.run(30.0)
        self.assertTrue(network.is_connected())
        rate = network.client.stats().packets_sent / 30
        self.assertGreater(rate, 9)
        self.assertLess(rate, 12)

    def test_overflow(self) -> None:
        """A reliable queue above its limit closes the connection."""
        network = Network(ConnectionConfig(max_queue=2000)).connect()
        network.client.send(RELIABLE, bytes(1500), now=network.now)
        self.assertTrue(network.is_connected())
        network.client.send(RELIABLE, bytes(1500), now=network.now)
        network.run(0.1)
        for events in (network.client_events, network.server_events):
            self.assertEqual(events[-1], Closed(CloseReason.SEND_QUEUE_OVERFLOW, ""))

    def test_too_large(self) -> None:
        """A message above our limit ends the connection on both links."""
        for link in LINKS:
            network = Network(ConnectionConfig(max_message=3000), link=link).connect()
            network.client.send(RELIABLE, b"first", now=network.now)
            big = Network(ConnectionConfig(), link=link)
            sender = network.client._traffic
            sender._config = big.config
            network.client.send(RELIABLE, bytes(4000), now=network.now)
            network.run(0.2)
            self.assertEqual(messages(network.server_events, RELIABLE), [b"first"])
            for events in (network.client_events, network.server_events):
                self.assertIs(events[-1].reason, CloseReason.MESSAGE_TOO_LARGE)

    def test_forged_goodbye(self) -> None:
        """A farewell with another tag is counted and ignored."""
        network = Network().connect()
        forged = packet_registry.encode(Disconnect(1, 0, ""))
        network.client.receive_datagram(forged, now=network.now)
        self.assertEqual(network.client.state, "Connected")
        self.assertEqual(network.client.stats().dropped, {"foreign_tag": 1})

    def test_unknown_reason(self) -> None:
        """A reason that we do not know reads as a normal end."""
        network = Network().connect()
        goodbye = packet_registry.encode(Disconnect(network.peer._tag, 200, "new"))
        network.client.receive_datagram(goodbye, now=network.now)
        self.assertEqual(drain(network.client), [Closed(CloseReason.NORMAL, "new")])

    def test_stream_breach(self) -> None:
        """On a stream every bad packet closes as MALFORMED, and the peer is told."""
        for bad in (
            b"",
            b"\x05",
            b"\x07",
            b"\x05" + bytes(16),
            packet_registry.encode(Challenge(5)),
            packet_registry.encode(Disconnect(1, 0, "")),
        ):
            network = Network(link=Link.STREAM).connect()
            network.peer.receive_datagram(bad, now=network.now)
            network.run(0.1)
            for events in (network.client_events, network.server_events):
                self.assertIs(events[-1].reason, CloseReason.MALFORMED, bad)

    def test_stream_begins_badly(self) -> None:
        """A stream whose first packet is no request is closed."""
        for bad in (b"", b"\x05" + bytes(30), b"GET / HTTP/1.1", b"\0" * 1078):
            network = Network(link=Link.STREAM)
            network.peer.receive_datagram(bad, now=network.now)
            self.assertEqual(network.peer.state, "Closed")
            self.assertIs(drain(network.peer)[0].reason, CloseReason.MALFORMED)


class TimeTests(SynchronousTestCase):
    """Time is what the driver says, and no moment is asked for twice."""

    def test_no_busy_loop(self) -> None:
        """Woken when it asks for it, an end never asks for that moment again."""
        # Network.run checks it at each wake; the settings are to make odd fractions.
        for n in range(40):
            latency = 0.001 + n * 0.0073
            link = Impairment(latency=latency, loss=0.3, seed=n)
            config = ConnectionConfig(heartbeat=0.1 + n / 97, handshake_timeout=30.0)
            network = Network(config, up=link, down=link, seed=n).connect(30.0)
            for _ in range(5):
                network.peer.send(RELIABLE, bytes(2000), now=network.now)
                network.run(0.0371)
            network.run(2.0)

    def test_wakes_are_few(self) -> None:
        """A quiet connection wakes its driver about as often as it beats."""
        network = Network().connect()
        end, n_wakes = network.now + 10.0, 0
        while network.now < end:
            due = network.client.next_timeout()
            assert due is not None
            network.run(max(due - network.now, 1e-9))
            n_wakes += 1
        self.assertLess(n_wakes, 400)

    def test_late_driver(self) -> None:
        """A driver that comes late loses nothing but time."""
        network = Network().connect()
        network.client.send(RELIABLE, b"late", now=network.now)
        network.now += 3.0
        network.run(1.0)
        self.assertEqual(messages(network.server_events, RELIABLE), [b"late"])


class StatsTests(SynchronousTestCase):
    """What is measured is what happened."""

    def test_counts(self) -> None:
        """Packets, bytes and messages are counted on both sides, handshake included."""
        network = Network().connect()
        network.client.send(RELIABLE, bytes(100), now=network.now)
        network.client.send(UNRELIABLE, bytes(100), now=network.now)
        network.run(1.0)
        here, there = network.client.stats(), network.peer.stats()
        self.assertEqual(here.packets_sent, len(network.sent_up))
        self.assertEqual(here.bytes_sent, sum(map(len, network.sent_up)))
        self.assertEqual((here.messages_sent, there.messages_received), (2, 2))
        self.assertEqual((there.messages_sent, here.messages_received), (0, 0))
        self.assertEqual(here.bytes_received, sum(map(len, network.sent_down)))
        # The acceptor took request and response; one may be on its way.
        self.assertIn(here.packets_sent - there.packets_received, (2, 3))
        self.assertEqual(here.packets_received, len(network.sent_down))
        self.assertEqual((here.queued_bytes, here.loss, here.dropped), (0, 0.0, {}))

    def test_round_trip(self) -> None:
        """The round trip is twice the latency, and at most the ack delay more."""
        link = Impairment(latency=0.05)
        network = Network(up=link, down=link).connect()
        for _ in range(100):
            network.client.send(UNRELIABLE, b"x", now=network.now)
            network.run(0.02)
        stats = network.client.stats()
        self.assertGreaterEqual(stats.rtt_min, 0.1 - 1e-9)
        self.assertLessEqual(stats.rtt, 0.126)
        self.assertGreaterEqual(stats.rtt, stats.rtt_min)

    def test_loss(self) -> None:
        """Loss is measured in both directions, about as it is."""
        up = Impairment(latency=0.02, loss=0.2, seed=4)
        network = Network(up=up).connect()
        for _ in range(1000):
            network.client.send(UNRELIABLE, b"x", now=network.now)
            network.run(0.02)
        network.run(1.0)
        here, there = network.client.stats(), network.peer.stats()
        truth = network.up.stats().lost
        self.assertLess(abs(here.packets_lost - truth), truth / 20)
        self.assertLess(abs(there.packets_missed - truth), truth / 20)
        self.assertLess(abs(here.loss - 0.2), 0.03)
        self.assertEqual(there.packets_lost, 0)

    def test_drops_are_named(self) -> None:
        """Each packet that was dropped has a reason."""
        network = Network().connect()
        network.run(0.2)
        victim, payload = network.peer, network.sent_up[3]
        foreign = bytearray(payload)
        foreign[1] ^= 1
        for data in (payload, bytes(foreign), payload[:9], b"?", network.sent_up[0]):
            victim.receive_datagram(data, now=network.now)
        self.assertEqual(
            victim.stats().dropped,
            {"duplicate": 1, "foreign_tag": 1, "malformed": 2, "unexpected": 1},
        )

    def test_unreliable_dropped(self) -> None:
        """Messages thrown away because the carrier was full are counted."""
        network = Network(link=Link.STREAM).connect()
        network.client.send(UNRELIABLE, b"x", now=network.now)
        self.assertEqual(network.client.drop_unreliable(), 1)
        self.assertEqual(network.client.stats().unreliable_dropped, 1)
        network.run(0.1)
        self.assertNotIn(MessageReceived(UNRELIABLE, b"x"), network.server_events)

    def test_wrap(self) -> None:
        """Seventy thousand packets pass the wrap of the sequence without a trace."""
        network = Network(up=Impairment(), down=Impairment()).connect()
        network.run(0.0)
        here, there, now = network.client, network.peer, network.now
        for n in range(70_000):
            here.send(UNRELIABLE, b"", now=now)
            for packet in here.datagrams_to_send(now=now):
                there.receive_datagram(packet, now=now)
            if n % 16 == 0:
                there.send(RELIABLE, b"x", now=now)
                for packet in there.datagrams_to_send(now=now):
                    here.receive_datagram(packet, now=now)
                drain(here)
                drain(there)
            now += 0.001
        self.assertEqual(there.stats().messages_received, 70_000)
        for end in (here, there):
            stats = end.stats()
            self.assertEqual((stats.packets_lost, stats.packets_missed), (0, 0))
            self.assertEqual(stats.dropped, {})
            self.assertLess(stats.queued_bytes, 50)
