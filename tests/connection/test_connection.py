# SPDX-License-Identifier: MIT
"""Tests of the connection as a whole: handshake, delivery, closing, statistics."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    Link,
)
from gamenet.connection.frames import CLOSE, CONTROL, RUN
from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.transport import Impairment
from tests.connection.network import (
    HASH,
    ORDERED,
    SIX,
    UNRELIABLE,
    Network,
    drain,
    messages,
)

LOST = Impairment(loss=1.0)
LINKS = tuple(Link)
CONFIG = ConnectionConfig(channels=SIX)


def idle_client(link: Link = Link.DATAGRAM) -> Connection:
    """Return a client that has not begun."""
    return Network(link=link).client


class MakingTests(SynchronousTestCase):
    """A connection is made with what can be sent, and does nothing by itself."""

    def test_hash(self) -> None:
        """A hash has eight bytes; the error says how many there were."""
        network = Network()
        error = self.assertRaises(
            LocalProtocolError,
            Connection.client,
            ConnectionConfig(),
            token=network.client._handshake.token,
            protocol_hash=bytes(7),
            secret=bytes(32),
            link=Link.STREAM,
        )
        self.assertIn("7 bytes", str(error))

    def test_who_it_is(self) -> None:
        """The server knows what the token says of the client, and which protocol."""
        for link in LINKS:
            peer = Network(link=link).connect().peer
            self.assertEqual(peer.session.user_data, b"ada")
            self.assertEqual(peer.session.client_id, 1)
            self.assertEqual(peer.protocol_hash, int.from_bytes(HASH, "little"))
            self.assertEqual(len(peer.session.id), 16)

    def test_idle(self) -> None:
        """Before it begins a client wants nothing and says nothing."""
        idle = idle_client()
        self.assertEqual((idle.state, idle.next_timeout()), ("Idle", None))
        self.assertEqual(idle.datagrams_to_send(now=1.0), [])
        idle.handle_timeout(now=1e6)
        idle.flush()
        idle.abandon()
        idle.drop(CloseReason.LINK_LOST, now=1.0)
        self.assertFalse(idle.has_news)
        idle.receive_datagram(bytes(50), now=1.0)
        self.assertEqual((idle.state, idle.budget(now=1.0)), ("Idle", 0.0))
        self.assertEqual((idle.connection_id, idle.rtt_latest), (0, 0.0))
        self.assertEqual(idle.history(), [])
        self.assertRaises(LocalProtocolError, idle.send, 0, b"", now=1.0)
        self.assertFalse(idle.reconnect(Link.STREAM, secret=bytes(32), now=1.0))

    def test_connect_twice(self) -> None:
        """Only an idle client can connect; the error names the state."""
        asking = idle_client()
        asking.connect(now=1.0)
        error = self.assertRaises(LocalProtocolError, asking.connect, now=1.0)
        self.assertIn("Requesting", str(error))
        peer = Network(link=Link.STREAM).connect().peer
        self.assertRaises(LocalProtocolError, peer.connect, now=1.0)


class HandshakeTests(SynchronousTestCase):
    """The handshake ends in both ends connected, or in one clear reason."""

    def test_connects(self) -> None:
        """Both ends say Connected once; datagrams take two round trips, streams one."""
        for link, seconds in ((Link.DATAGRAM, 0.08), (Link.STREAM, 0.04)):
            network = Network(link=link)
            begin = network.now
            network.connect()
            self.assertAlmostEqual(network.now - begin, seconds)
            network.run(1.0)
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

    def test_refused(self) -> None:
        """A client that may not come in learns why."""
        for link in LINKS:
            network = Network(link=link)
            network.reason_against = lambda _: CloseReason.SERVER_FULL
            network.connect()
            network.run(1.0)
            [closed] = network.client_events
            self.assertIs(closed.reason, CloseReason.SERVER_FULL)
            self.assertIsNone(network.server)

    def test_lost_answers(self) -> None:
        """What the server says at once arrives although its answer is lost at first."""
        network = Network(CONFIG)
        network.client.connect(now=network.now)
        network.run(1.0, until=lambda: network.client.state == "Responding")
        network.down = LOST
        network.run(1.0, until=lambda: network.server is not None)
        network.peer.send(ORDERED, b"welcome", now=network.now)
        network.run(0.35)
        self.assertEqual(network.client.state, "Responding")
        network.down = Impairment(latency=0.02)
        network.run(1.5)
        self.assertEqual(messages(network.client_events, ORDERED), [b"welcome"])
        self.assertEqual(network.n_accepted, 1)

    def test_late_answers(self) -> None:
        """Packets of the handshake that come late, or twice, change nothing."""
        network = Network().connect()
        network.run(0.5)
        for packet in network.sent_down[:5]:
            network.client.receive_datagram(packet, now=network.now)
        for packet in network.sent_up[:5]:
            network.arrive(packet)
        network.run(0.5)
        self.assertTrue(network.is_connected())
        self.assertEqual(network.n_accepted, 1)
        self.assertGreater(sum(network.client.stats().dropped.values()), 0)

    def test_forward_secrecy(self) -> None:
        """Two connections with one token would have nothing in common on the wire."""
        wires = []
        for seed in (1, 2):
            network = Network(seed=seed).connect()
            wires.append({packet[:40] for packet in network.sent_up})
        self.assertFalse(wires[0] & wires[1])


class ClosingTests(SynchronousTestCase):
    """A connection ends once, for one reason, and both ends know it."""

    def test_told(self) -> None:
        """The peer is told reason and detail, in either direction, on either link."""
        for link in LINKS:
            for is_up in (True, False):
                network = Network(link=link).connect()
                network.run(0.2)
                end = network.client if is_up else network.peer
                end.close(CloseReason.KICKED, "go away", now=network.now)
                self.assertTrue(end.has_news)
                network.run(0.1)
                expected = Closed(CloseReason.KICKED, "go away")
                for events in (network.client_events, network.server_events):
                    self.assertEqual(events, [Connected(), expected])
                self.assertFalse(end.has_news)
                self.assertIsNone(end.next_timeout())

    def test_goodbye_survives_loss(self) -> None:
        """On datagrams the farewell is said three times, on a stream once."""
        for link, copies in ((Link.DATAGRAM, 3), (Link.STREAM, 1)):
            network = Network(ConnectionConfig(max_packet_size=0), link=link).connect()
            network.run(0.5)
            network.client.datagrams_to_send(now=network.now)
            network.client.close(CloseReason.NORMAL, now=network.now)
            packets = network.client.datagrams_to_send(now=network.now)
            self.assertEqual(len(packets), copies)
            self.assertEqual(len(set(packets)), copies)
            self.assertEqual(network.client.datagrams_to_send(now=network.now), [])

    def test_queued_goes_first(self) -> None:
        """What was queued is sent before the farewell."""
        for link in LINKS:
            network = Network(CONFIG, link=link).connect()
            network.run(0.2)
            network.client.send(ORDERED, bytes(2000), now=network.now)
            network.client.send(UNRELIABLE, b"bye", now=network.now)
            network.client.close(CloseReason.NORMAL, now=network.now)
            network.run(0.1)
            self.assertEqual(messages(network.server_events, ORDERED), [bytes(2000)])
            self.assertEqual(messages(network.server_events, UNRELIABLE), [b"bye"])
            self.assertIsInstance(network.server_events[-1], Closed)

    def test_long_farewell_on_stream(self) -> None:
        """A stream carries a quarter of a megabyte before the farewell."""
        network = Network(link=Link.STREAM).connect()
        for _ in range(5):
            network.peer.send(0, bytes(50000), now=network.now)
        network.peer.close(CloseReason.SERVER_SHUTDOWN, now=network.now)
        network.run(0.1)
        received = messages(network.client_events, 0)
        self.assertEqual(received, [bytes(50000)] * 5)
        self.assertIs(network.client_events[-1].reason, CloseReason.SERVER_SHUTDOWN)

    def test_twice(self) -> None:
        """Closing again, and packets that come then, do nothing."""
        network = Network().connect()
        packet = network.sent_up[-1]
        network.peer.close(CloseReason.KICKED, now=network.now)
        network.peer.close(CloseReason.NORMAL, now=network.now)
        network.peer.drop(CloseReason.LINK_LOST, now=network.now)
        network.peer.receive_datagram(packet, now=network.now)
        network.peer.handle_timeout(now=network.now + 100)
        network.run(1.0)
        closed = Closed(CloseReason.KICKED, "")
        self.assertEqual(network.server_events, [Connected(), closed])
        self.assertRaises(LocalProtocolError, network.peer.send, 0, b"", now=0.0)

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
        asking = idle_client()
        asking.connect(now=1.0)
        asking.close(CloseReason.NORMAL, now=1.0)
        self.assertEqual(asking.datagrams_to_send(now=1.0), [])
        self.assertEqual(drain(asking), [Closed(CloseReason.NORMAL, "")])

    def test_silence(self) -> None:
        """Without sessions each end closes after the timeout, and says so."""
        network = Network(ConnectionConfig(timeout=2.0, resume_window=0.0)).connect()
        network.run(0.5)
        network.up = network.down = LOST
        network.run(1.9)
        self.assertTrue(network.is_connected())
        network.run(0.3)
        closed = Closed(CloseReason.TIMED_OUT, "")
        self.assertEqual(network.client_events[-1], closed)
        self.assertEqual(network.server_events[-1], closed)

    def test_silence_to_the_last_bit(self) -> None:
        """At the very moment that was asked for the link is lost, whatever it is."""
        for n in range(300):
            peer = Network(ConnectionConfig(timeout=1.1)).connect().peer
            assert peer._traffic.link is not None
            heard = peer._traffic.link.last_received = 1000.0 + n / 7.0
            peer.handle_timeout(now=heard + 1.1)
            self.assertEqual(peer.state, "Dropped", heard)

    def test_quiet_is_not_silent(self) -> None:
        """Heartbeats keep a connection over which nobody says anything."""
        for link in LINKS:
            network = Network(ConnectionConfig(timeout=1.0), link=link).connect()
            network.run(30.0)
            self.assertTrue(network.is_connected())
            rate = network.client.stats().packets_sent / 30
            self.assertTrue(9 < rate < 12, rate)

    def test_overflow(self) -> None:
        """A reliable queue above its limit closes the connection."""
        network = Network(ConnectionConfig(max_queue=2000)).connect()
        network.run(0.5)
        network.client.send(0, bytes(1500), now=network.now)
        self.assertTrue(network.is_connected())
        network.client.send(0, bytes(1500), now=network.now)
        network.run(0.1)
        for events in (network.client_events, network.server_events):
            self.assertEqual(events[-1], Closed(CloseReason.SEND_QUEUE_OVERFLOW, ""))

    def test_slow_reader(self) -> None:
        """A stream whose reader is slow holds no more than its limit, then closes."""
        network = Network(CONFIG, link=Link.STREAM).connect()
        network.run(0.5)
        for _ in range(1000):
            if network.peer.is_closed:
                break
            network.peer.send(UNRELIABLE, bytes(1000), now=network.now)
            network.peer.send(ORDERED, bytes(5000), now=network.now)
        self.assertIs(drain(network.peer)[-1].reason, CloseReason.SEND_QUEUE_OVERFLOW)

    def test_dropping_unreliable(self) -> None:
        """A shell whose carrier is full throws away what is unreliable."""
        network = Network(CONFIG).connect()
        for channel in range(6):
            network.client.send(channel, b"x", now=network.now)
        self.assertEqual(network.client.drop_unreliable(), 3)
        network.run(0.5)
        came = [bool(messages(network.server_events, n)) for n in range(6)]
        self.assertEqual(came, [False] * 3 + [True] * 3)


class StatsTests(SynchronousTestCase):
    """What is reported is what happened."""

    def test_round_trip(self) -> None:
        """The round trip is the network's, without the time that acks wait."""
        for link in LINKS:
            network = Network(CONFIG, link=link).connect()
            for n in range(120):
                network.client.send(UNRELIABLE, b"%d" % n, now=network.now)
                network.run(1 / 60)
            stats = network.client.stats()
            self.assertTrue(0.039 < stats.rtt < 0.045, stats.rtt)
            self.assertTrue(0.039 < stats.rtt_min <= stats.rtt_latest)
            self.assertLess(stats.rtt_variation, 0.01)

    def test_loss(self) -> None:
        """Loss each way is measured by each end for itself."""
        network = Network(
            CONFIG, up=Impairment(latency=0.02, loss=0.2, seed=1)
        ).connect()
        for n in range(600):
            network.client.send(UNRELIABLE, b"%d" % n, now=network.now)
            network.peer.send(UNRELIABLE, b"%d" % n, now=network.now)
            network.run(1 / 60)
        here, there = network.client.stats(), network.peer.stats()
        self.assertTrue(0.12 < here.loss_out < 0.28, here.loss_out)
        self.assertTrue(0.12 < there.loss_in < 0.28, there.loss_in)
        self.assertTrue(0.15 < here.loss < 0.25)
        self.assertEqual((here.loss_in, there.packets_lost), (0.0, 0))
        self.assertAlmostEqual(here.delivery_ratio, 1 - here.loss)

    def test_bandwidth(self) -> None:
        """Bytes a second are those of the last second, and history has them all."""
        network = Network(CONFIG).connect()
        for _ in range(300):
            network.client.send(UNRELIABLE, bytes(1000), now=network.now)
            network.run(1 / 60)
        stats = network.client.stats()
        self.assertTrue(60_000 < stats.bandwidth_out < 66_000, stats.bandwidth_out)
        history = network.client.history()
        self.assertEqual(len(history), 4)
        self.assertGreater(min(sample.bytes_out for sample in history[1:]), 60_000)
        received = network.peer.stats()
        self.assertLessEqual(received.bytes_received, stats.bytes_sent)
        self.assertTrue(network.client.budget(now=network.now) > 0)

    def test_counts_agree(self) -> None:
        """What one end has sent is what the other has received, where none is lost."""
        for link in LINKS:
            network = Network(CONFIG, link=link).connect()
            for n in range(100):
                network.client.send(n % 6, b"%d" % n, now=network.now)
                network.run(0.01)
            network.run(1.0)
            here, there = network.client.stats(), network.peer.stats()
            self.assertEqual(here.messages_sent, 100)
            self.assertEqual(there.messages_received, 100)
            self.assertEqual(here.dropped, {})
            self.assertEqual(there.dropped, {})
            self.assertEqual(here.queued_bytes, 0)


class ExtensionTests(SynchronousTestCase):
    """Small promises of the extension."""

    def test_close_frame(self) -> None:
        """A farewell on a stream is a close frame in clear."""
        network = Network(link=Link.STREAM).connect()
        network.run(0.2)
        network.client.close(CloseReason.KICKED, "go", now=network.now)
        [packet] = network.client.datagrams_to_send(now=network.now)
        self.assertTrue(packet.endswith(bytes((CONTROL << 5 | CLOSE, 2, 2)) + b"go"))

    def test_run_on_a_stream(self) -> None:
        """A message on a stream is a run in clear behind a header."""
        network = Network(link=Link.STREAM).connect()
        network.run(0.2)
        network.client.send(0, b"hello", now=network.now)
        [packet] = network.client.datagrams_to_send(now=network.now)
        self.assertEqual(packet[0], 0x0A)
        self.assertTrue(packet.endswith(bytes((RUN << 5, 0, 0, 1, 5)) + b"hello"))
