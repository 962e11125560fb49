# SPDX-License-Identifier: MIT
"""Tests of clients whose address changes, and of strangers who pretend that it did."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig, Link
from gamenet.errors import CloseReason
from gamenet.transport import Impairment
from tests.connection.network import (
    HOME,
    ORDERED,
    SIX,
    UNRELIABLE,
    Network,
    messages,
)

AWAY, VICTIM = "198.51.100.7:4000", "203.0.113.99:9"
CONFIG = ConnectionConfig(channels=SIX)


def talked(**changes: object) -> Network:
    """Return a network in which the round trip is known."""
    config = ConnectionConfig(**{"channels": SIX, **changes})
    network = Network(config).connect()
    for _ in range(30):
        for end in network.ends:
            end.send(UNRELIABLE, b"hello", now=network.now)
        network.run(1 / 60)
    network.client_events.clear()
    network.server_events.clear()
    return network


class MoveTests(SynchronousTestCase):
    """A client that comes from another address is followed without a handshake."""

    def test_follows(self) -> None:
        """Packets go to the new address at once, and nothing is lost or doubled."""
        network = talked()
        for end in network.ends:
            for n in range(1000):
                end.send(ORDERED, b"%d" % n, now=network.now)
        network.pump()
        network.move(AWAY)
        begin = network.now
        network.run(0.1, until=lambda: network.peer.path == AWAY)
        self.assertLess(network.now - begin, 0.08)
        network.run(3.0)
        expected = [b"%d" % n for n in range(1000)]
        for events in (network.client_events, network.server_events):
            self.assertEqual(messages(events, ORDERED), expected)
            self.assertEqual(len(events), 1000 + self.n_receipts(events))
        self.assertEqual(network.peer.stats().migrations, 1)
        self.assertEqual((network.n_accepted, network.n_resumed), (1, 0))
        self.assertFalse(network.peer._path.is_unproved)

    def n_receipts(self, events: list) -> int:
        """Return how many events are no messages."""
        return len(events) - len(messages(events, ORDERED))

    def test_gap(self) -> None:
        """A client that says so hears the server again within two round trips."""
        network = talked()
        network.move(AWAY)
        network.client.move(now=network.now)
        begin = network.now
        network.peer.send(ORDERED, b"where are you", now=network.now)
        network.run(1.0, until=lambda: bool(messages(network.client_events, ORDERED)))
        self.assertLess(network.now - begin, 0.08 + 0.03)

    def test_again_and_again(self) -> None:
        """A client whose address changes with every message stays connected."""
        network = talked()
        for n in range(100):
            network.move(f"198.51.100.{n}:{n + 1}")
            for end in network.ends:
                end.send(ORDERED, b"%d" % n, now=network.now)
            network.run(0.05)
        network.run(3.0)
        expected = [b"%d" % n for n in range(100)]
        for events in (network.client_events, network.server_events):
            self.assertEqual(messages(events, ORDERED), expected)
        self.assertTrue(network.is_connected())

    def test_over_loss(self) -> None:
        """The question and its answer are repeated when they are lost."""
        for seed in range(5):
            network = talked()
            bad = Impairment(latency=0.02, loss=0.4, seed=seed)
            network.up, network.down = bad, bad.reseeded(seed + 50)
            network.move(AWAY)
            for n in range(100):
                network.client.send(ORDERED, b"%d" % n, now=network.now)
                network.run(0.02)
            network.run(5.0)
            self.assertEqual(network.peer.path, AWAY, f"seed {seed}")
            received = messages(network.server_events, ORDERED)
            self.assertEqual(received, [b"%d" % n for n in range(100)], f"seed {seed}")

    def test_our_own_move(self) -> None:
        """Who moves sends what fits every path, until larger packets have passed."""
        network = talked()
        network.run(3.0)
        client = network.client
        self.assertEqual(client.stats().packet_size, 1452)
        network.move(AWAY)
        client.move(now=network.now)
        self.assertEqual(client.stats().packet_size, 1200)
        network.run(3.0)
        self.assertEqual(client.stats().packet_size, 1452)

    def test_narrower_without_a_move(self) -> None:
        """If the path loses what is large, without a word, all arrives all the same."""
        network = talked()
        network.run(3.0)
        network.mtu = 1300
        for _ in range(500):
            network.client.send(ORDERED, bytes(100), now=network.now)
        network.run(15.0)
        self.assertEqual(len(messages(network.server_events, ORDERED)), 500)
        self.assertEqual(network.client.stats().packet_size, 1200)

    def test_smaller_packets(self) -> None:
        """On another path the size of packets is found out anew."""
        network = talked()
        network.run(3.0)
        self.assertEqual(network.peer.stats().packet_size, 1452)
        network.mtu = 1300
        network.move(AWAY)
        network.peer.send(ORDERED, bytes(60_000), now=network.now)
        network.run(5.0)
        self.assertEqual(messages(network.client_events, ORDERED), [bytes(60_000)])
        self.assertEqual(network.peer.stats().packet_size, 1200)


class PretenceTests(SynchronousTestCase):
    """Who pretends that a client has moved gains nothing by it."""

    def test_forged(self) -> None:
        """Packets that are not authentic move nothing, wherever they come from."""
        network = talked()
        genuine = network.sent_up[-1]
        network.run(0.2)
        forged = genuine[:-1] + bytes((genuine[-1] ^ 1,))
        for packet in (genuine, forged, genuine[:20], b"\x1a" + bytes(60)):
            network.arrive(packet, VICTIM)
        network.run(1.0)
        self.assertEqual((network.peer.path, network.astray), (HOME, {}))

    def test_delayed(self) -> None:
        """An authentic packet that was overtaken moves nothing."""
        network = talked()
        network.client.send(UNRELIABLE, b"held back", now=network.now)
        [packet] = network.client.datagrams_to_send(now=network.now)
        network.run(0.2)
        network.arrive(packet, VICTIM)
        self.assertEqual(network.peer.path, HOME)
        network.pump()
        self.assertIn(b"held back", messages(network.server_events, UNRELIABLE))

    def divert(self, network: Network) -> int:
        """Have a stranger send a client's packet on, ahead of it; return its size."""
        network.client.send(UNRELIABLE, b"x", now=network.now)
        [packet] = network.client.datagrams_to_send(now=network.now)
        network.arrive(packet, VICTIM)
        self.assertEqual(network.peer.path, VICTIM)
        return len(packet)

    def test_reverts_with_the_next_packet(self) -> None:
        """The next packet from the true address sets it right, without a question."""
        network = talked()
        self.divert(network)
        network.run(0.15)
        self.assertEqual(network.peer.path, HOME)
        self.assertFalse(network.peer._path.is_unproved)
        self.assertTrue(network.is_connected())

    def test_reverts_in_time(self) -> None:
        """Where nobody answers, the old address holds again."""
        network = talked()
        self.divert(network)
        network.up = Impairment(loss=1.0)
        network.run(1.5)
        self.assertEqual(network.peer.path, HOME)

    def test_amplification(self) -> None:
        """To an address that is not proved goes three times what came, at most."""
        for n_diverted in (1, 5):
            network = talked(timeout=20.0)
            for _ in range(40):
                network.peer.send(ORDERED, bytes(1000), now=network.now)
            network.up = Impairment(loss=1.0)
            came = 0
            for _ in range(n_diverted):
                came += self.divert(network)
                network.run(0.03)
            network.run(2.0)
            sent = sum(map(len, network.astray[VICTIM]))
            self.assertLessEqual(sent, 3 * came)
            self.assertGreater(sent, 0)
            self.assertEqual(network.peer.path, HOME)

    def test_last_words(self) -> None:
        """A farewell to an address that is not proved is no longer than that."""
        for n_messages in (0, 40):
            network = talked()
            came = self.divert(network)
            for _ in range(n_messages):
                network.peer.send(ORDERED, bytes(1000), now=network.now)
            network.peer.close(CloseReason.SERVER_SHUTDOWN, "x" * 400, now=network.now)
            network.pump()
            sent = sum(map(len, network.astray.get(VICTIM, [])))
            self.assertLessEqual(sent, 3 * came)

    def test_nothing_is_lost(self) -> None:
        """A diversion costs time, but no reliable message."""
        network = talked()
        for n in range(200):
            network.peer.send(ORDERED, b"%d" % n, now=network.now)
            network.client.send(ORDERED, b"%d" % n, now=network.now)
            if n % 20 == 10:
                network.client.send(UNRELIABLE, b"x", now=network.now)
                for packet in network.client.datagrams_to_send(now=network.now):
                    network.arrive(packet, VICTIM)
            network.run(1 / 60)
        network.run(3.0)
        expected = [b"%d" % n for n in range(200)]
        for events in (network.client_events, network.server_events):
            self.assertEqual(messages(events, ORDERED), expected)

    def test_relay(self) -> None:
        """A stranger who passes everything on becomes the path, and reads nothing."""
        network = talked()
        network.move(VICTIM)
        network.client.send(ORDERED, b"secret words", now=network.now)
        network.run(1.0)
        self.assertEqual(network.peer.path, VICTIM)
        wire = b"".join(network.sent_up + network.sent_down)
        self.assertNotIn(b"secret words", wire)
        network.move(HOME)
        network.run(1.0)
        self.assertEqual(network.peer.path, HOME)


class StreamTests(SynchronousTestCase):
    """A stream has one place for its whole life."""

    def test_no_path(self) -> None:
        """On a stream nothing is asked, also when a session has come to it."""
        network = talked()
        network.run(0.5)
        network.resume(Link.STREAM)
        network.run(2.0)
        self.assertTrue(network.is_connected())
        peer = network.peer
        self.assertFalse(peer._path.is_unproved)
        self.assertEqual((peer.path, peer.stats().migrations), (None, 0))

    def test_nowhere_to_move(self) -> None:
        """To say on a stream that one has moved says nothing."""
        network = Network(CONFIG, link=Link.STREAM).connect()
        network.run(0.5)
        sent = len(network.sent_up)
        network.client.move(now=network.now)
        network.pump()
        self.assertEqual(len(network.sent_up), sent)

    def test_back_to_datagrams(self) -> None:
        """Back on datagrams the path is followed again."""
        network = talked()
        network.run(0.5)
        network.resume(Link.STREAM)
        network.run(1.0)
        network.resume(Link.DATAGRAM)
        network.run(1.0)
        network.move(AWAY)
        network.run(1.0)
        self.assertEqual(network.peer.path, AWAY)
