# SPDX-License-Identifier: MIT
"""Tests of two cores with nothing between them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Connected, Link, MessageReceived, Resumed
from gamenet.testing import Pair


class PairTests(SynchronousTestCase):
    """Packets move when the test says so."""

    def test_connects(self) -> None:
        """Both ends are connected, over either kind of link."""
        for link in Link:
            pair = Pair(link=link, user_data=b"ada")
            server = pair.connect()
            self.assertEqual((pair.client.state, server.state), ("Connected",) * 2)
            self.assertEqual(server.session.user_data, b"ada")
            self.assertEqual(pair.client.next_event(), Connected())

    def test_messages(self) -> None:
        """Messages arrive by an exchange, and not before."""
        pair = Pair()
        server = pair.connect()
        server.next_event()
        pair.client.send(0, b"hello", now=pair.now)
        self.assertIsNone(server.next_event())
        pair.exchange()
        self.assertEqual(server.next_event(), MessageReceived(0, b"hello"))

    def test_loss(self) -> None:
        """What is lost comes by and by, as time passes."""
        pair = Pair(seed=3)
        server = pair.connect()
        for n in range(20):
            pair.client.send(0, b"%d" % n, now=pair.now)
        received = []
        for _ in range(300):
            pair.exchange(loss=0.5)
            pair.advance(0.02)
            while (event := server.next_event()) is not None:
                if isinstance(event, MessageReceived):
                    received.append(int(event.payload))
        self.assertEqual(received, list(range(20)), "seed 3")

    def test_handshake_over_loss(self) -> None:
        """The handshake itself may lose packets."""
        pair = Pair(seed=4)
        for _ in range(100):
            pair.exchange(loss=0.5)
            pair.advance(0.04)
        assert pair.server is not None
        self.assertEqual(pair.client.state, "Connected")

    def test_time(self) -> None:
        """Time moves on only by `advance`, which lets both ends do what is due."""
        pair = Pair()
        server = pair.connect()
        pair.advance(6.0)
        self.assertEqual(pair.now, 6.0)
        self.assertEqual((pair.client.state, server.state), ("Dropped",) * 2)
        pair.advance(30.0)
        self.assertEqual((pair.client.state, server.state), ("Closed",) * 2)

    def test_reconnect(self) -> None:
        """The link may be lost, and another one found, of any kind."""
        pair = Pair()
        server = pair.connect()
        pair.client.send(0, b"lost with the link", now=pair.now)
        pair.client.datagrams_to_send(now=pair.now)
        for link in (Link.STREAM, Link.DATAGRAM):
            self.assertTrue(pair.reconnect(link))
            for _ in range(4):
                pair.exchange()
            self.assertEqual((pair.client.state, server.state), ("Connected",) * 2)
        events = [*iter(server.next_event, None)]
        self.assertEqual(events.count(Resumed()), 2)
        self.assertIn(MessageReceived(0, b"lost with the link"), events)

    def test_plain(self) -> None:
        """The client may be one of netcode's own, which has no session."""
        pair = Pair(is_plain=True)
        server = pair.connect()
        pair.client.send(0, b"hello", now=pair.now)
        pair.exchange()
        self.assertIn(MessageReceived(0, b"hello"), [*iter(server.next_event, None)])
        self.assertFalse(pair.reconnect())

    def test_seed(self) -> None:
        """The same seed gives the same packets, another seed others."""
        packets = [
            Pair(seed=seed).client.datagrams_to_send(now=0.0) for seed in (1, 1, 2)
        ]
        self.assertEqual(packets[0], packets[1])
        self.assertNotEqual(packets[0], packets[2])
