# SPDX-License-Identifier: MIT
"""What a protocol is told of the messages that it sends, and how many leave."""

from __future__ import annotations

from gamenet.errors import CloseReason, ConnectError
from gamenet.transport import Limits
from tests.transport.links import LARGE, SessionTestCase
from tests.transport.recorders import RELIABLE, UNRELIABLE, WATCHED, Echo, config


class DeliveryTests(SessionTestCase):
    """The protocol is told what becomes of what it sends."""

    def test_receipts(self):
        """An unreliable message with a receipt is acked or lost, once."""
        client, server = self.connect_both()
        arrived = client.sendMessage(WATCHED, b"one")
        self.advance(0.3)
        send = client._peer._carrier.send
        client._peer._carrier.send = lambda packets: None
        gone = client.sendMessage(WATCHED, b"two", flush=True)
        client._peer._carrier.send = send
        self.advance(1)
        self.assertEqual(
            self.told(client, "acked", "missed"),
            [("acked", arrived), ("missed", gone)],
        )
        self.assertEqual(server.payloads(), [b"one"])

    def test_progress(self):
        """A large message tells how far it has come, and lastly that it is there."""
        client, server = self.connect_both()
        number = client.sendMessage(RELIABLE, LARGE)
        self.advance(3)
        self.assertEqual(server.payloads(), [LARGE])
        progress = [event[1:] for event in self.told(client, "progress")]
        self.assertEqual({each[0] for each in progress}, {number})
        self.assertEqual(progress, sorted(progress))
        self.assertGreater(len(progress), 3)
        self.assertEqual(progress[-1], (number, len(LARGE), len(LARGE)))
        self.assertEqual(self.told(client, "acked"), [("acked", number)])

    def test_small_messages_have_no_progress(self):
        """Progress is told of large messages only, and of none but the protocol's."""
        client, server = self.connect_both()
        client.sendMessage(RELIABLE, b"x")
        self.advance(1)
        self.lose_link()
        self.find_link()
        self.assertEqual(client.count("progress") + server.count("progress"), 0)

    def test_progress_over_two_links(self):
        """A transfer goes on over the next link, where it stopped."""
        client, server = self.connect_both()
        number = client.sendMessage(RELIABLE, LARGE)
        self.clock.advance(0.0)
        self.clock.advance(0.02)
        self.lose_link()
        self.assertEqual(server.payloads(), [])
        self.find_link()
        self.assertEqual(server.payloads(), [LARGE])
        progress = [event[2] for event in self.told(client, "progress")]
        self.assertEqual(progress, sorted(progress))
        self.assertEqual(self.told(client, "acked"), [("acked", number)])

    def test_cancel(self):
        """A message that has not left whole may be given up, and is never delivered."""
        client, server = self.connect_both()
        large = client.sendMessage(RELIABLE, LARGE)
        after = client.sendMessage(RELIABLE, b"after")
        self.clock.advance(0)
        self.assertTrue(client.cancelMessage(large))
        self.assertFalse(client.cancelMessage(large))
        self.advance(1)
        self.assertEqual(server.payloads(), [b"after"])
        self.assertFalse(client.cancelMessage(after), "it is there")
        self.assertFalse(client.cancelMessage(12345))

    def test_cancel_while_away(self):
        """What waits for a link may be given up as well."""
        client, server = self.connect_both()
        self.lose_link()
        first = client.sendMessage(RELIABLE, b"first")
        client.sendMessage(RELIABLE, b"second")
        self.assertTrue(client.cancelMessage(first))
        self.find_link()
        self.assertEqual(server.payloads(), [b"second"])

    def test_budget(self):
        """A sender can ask how much the network takes; nothing while there is none."""
        client, _ = self.connect_both()
        self.assertGreater(client.sendBudget(), 1000)
        self.lose_link()
        self.assertEqual(client.sendBudget(), 0)


class BandwidthTests(SessionTestCase):
    """Nobody sends more than the limits allow."""

    def sent(self, server, seconds):
        """Return the bytes that a server sends while every peer wants more."""
        before = server.stats().bytes_sent
        for _ in range(round(seconds * 20)):
            for protocol in server.connections:
                for _ in range(10):
                    protocol.sendMessage(UNRELIABLE, b"x" * 1000)
            server.flush()
            self.advance(0.05)
        return server.stats().bytes_sent - before

    def test_server(self):
        """All connections of a server together keep to its limit, and share it."""
        limits = Limits(bandwidth=40_000)
        self.factory = self.server_factory(limits=limits)
        self.listen(self.factory, "narrow")
        clients = []
        for _ in range(3):
            result = self.begin(self.client_factory(), "narrow")
            self.advance(0.5)
            clients.append(self.successResultOf(result))
        self.sent(self.factory, 1)
        sent = self.sent(self.factory, 5)
        self.assertLess(sent, 5 * 40_000 * 1.05)
        self.assertGreater(sent, 5 * 40_000 * 0.9)
        shares = [each.connection.stats().bytes_received for each in clients]
        self.assertGreater(min(shares), max(shares) / 3, shares)

    def test_connection(self):
        """So does one connection, whatever the others do."""
        self.factory = self.server_factory(config=config(bandwidth=20_000.0))
        self.listen(self.factory, "narrow")
        for _ in range(2):
            self.begin(self.client_factory(), "narrow")
        self.advance(0.5)
        self.sent(self.factory, 1)
        sent = self.sent(self.factory, 5)
        self.assertLess(sent, 2 * 5 * 20_000 * 1.05)
        self.assertGreater(sent, 2 * 5 * 20_000 * 0.9)


class PlainTests(SessionTestCase):
    """A client that speaks netcode 1.02 and no more is served as well."""

    def setUp(self):
        super().setUp()
        self.factory.protocol = Echo

    def connect_plain(self, **settings):
        factory = self.client_factory(isPlain=True, config=config(**settings))
        factory.token = self.factory.issueToken(client_id=5, user_data=b"plain")
        return self.connect(factory), self.factory.built[-1]

    def test_both_ways(self):
        """Messages of all sizes go both ways."""
        client, server = self.connect_plain()
        self.assertEqual((server.userData, server.clientId), (b"plain", 5))
        payloads = [b"", b"hello", b"x" * 1000, LARGE]
        for payload in payloads:
            client.sendMessage(RELIABLE, payload)
            client.sendMessage(UNRELIABLE, payload[:500])
        self.advance(3)
        for protocol in (server, client):
            heard = self.told(protocol, "message")
            self.assertEqual([m for _, c, m in heard if c == RELIABLE], payloads)
            self.assertEqual(len([m for _, c, m in heard if c == UNRELIABLE]), 4)

    def test_protocol_is_not_told(self):
        """Its protocol hash is unknown: it counts as one that asks."""
        _, server = self.connect_plain()
        self.assertEqual(server.peerProtocolHash, bytes(8))
        self.assertEqual(server.connection.connection_id, 0)

    def test_leaving(self):
        """Either side may leave; netcode has no words for the reason."""
        client, server = self.connect_plain()
        client.loseConnection(CloseReason.NORMAL, "bye")
        self.advance(0.2)
        self.assertEqual(server.happened[-1], ("lost", CloseReason.NORMAL, ""))
        client, server = self.connect_plain()
        server.loseConnection(CloseReason.KICKED, "out")
        self.advance(0.2)
        self.assertEqual(client.happened[-1], ("lost", CloseReason.NORMAL, ""))

    def test_lost(self):
        """It has no session: when its link is lost, it is gone."""
        client, server = self.connect_plain()
        self.lose_link()
        for protocol in (client, server):
            self.assertEqual(protocol.count("dropped"), 0)
            self.assertIs(protocol.reason(), CloseReason.TIMED_OUT)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_full(self):
        """On a full server it is denied, in netcode's way."""
        self.successResultOf(self.listening.stop())
        self.factory = self.server_factory(limits=Limits(max_connections=1))
        self.listen(self.factory)
        self.connect()
        result = self.begin(self.client_factory(isPlain=True))
        self.advance(0.5)
        error = self.failureResultOf(result, ConnectError).value
        self.assertIs(error.reason, CloseReason.SERVER_FULL)
