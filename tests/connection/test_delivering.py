# SPDX-License-Identifier: MIT
"""Tests of what each mode of delivery promises, over a whole connection."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    ConnectionConfig,
    Link,
    MessageAcked,
    MessageLost,
    TransferProgress,
)
from gamenet.errors import LocalProtocolError
from gamenet.transport import Impairment
from tests.connection.network import (
    LATEST,
    MODES,
    ORDERED,
    RECEIPTS,
    SEQUENCED,
    SIX,
    UNORDERED,
    UNRELIABLE,
    Network,
    messages,
)

LOST = Impairment(loss=1.0)
LINKS = tuple(Link)
CONFIG = ConnectionConfig(channels=SIX)
BAD = Impairment(
    latency=0.03, jitter=0.05, loss=0.3, duplicate=0.1, reorder=0.1, seed=5
)


def acked(events: list) -> list[int]:
    """Return of which messages there is word that they arrived."""
    return [event.message_id for event in events if isinstance(event, MessageAcked)]


def lost(events: list) -> list[int]:
    """Return of which messages there is word that they did not arrive."""
    return [event.message_id for event in events if isinstance(event, MessageLost)]


class DeliveryTests(SynchronousTestCase):
    """Each mode keeps its promise on each link."""

    def say(self, network: Network, count: int) -> dict[int, list[int]]:
        """Have the client send on all channels, 60 times a second; return the ids."""
        ids: dict[int, list[int]] = {n: [] for n in range(6)}
        for n in range(count):
            for channel in range(6):
                message = b"%d/%d" % (channel, n)
                ids[channel].append(
                    network.client.send(channel, message, now=network.now)
                )
            network.run(1 / 60)
        return ids

    def numbers(self, network: Network, channel: int) -> list[int]:
        """Return which messages came on a channel."""
        return [
            int(message.partition(b"/")[2])
            for message in messages(network.server_events, channel)
        ]

    def test_good_links(self) -> None:
        """Where nothing is lost everything arrives in order, on each link."""
        for link in LINKS:
            network = Network(CONFIG, link=link).connect()
            self.say(network, 100)
            network.run(1.0)
            for channel in range(6):
                self.assertEqual(self.numbers(network, channel), list(range(100)))
            self.assertEqual(lost(network.client_events), [])
            self.assertEqual(network.peer.stats().packets_missed, 0)

    def test_bad_link(self) -> None:
        """Where much is lost each mode does what its name says."""
        for seed in range(3):
            network = Network(CONFIG, up=BAD.reseeded(seed), down=BAD, seed=seed)
            network.connect(30.0)
            ids = self.say(network, 200)
            network.run(10.0)
            with self.subTest(seed=seed):
                self.check(network, ids)

    def check(self, network: Network, ids: dict[int, list[int]]) -> None:
        """Check what came of 200 messages on each channel."""
        came = {channel: self.numbers(network, channel) for channel in range(6)}
        for channel in (UNRELIABLE, SEQUENCED, RECEIPTS):
            self.assertTrue(100 < len(came[channel]) < 180)
        for channel in range(6):
            self.assertEqual(len(set(came[channel])), len(came[channel]))
        for channel in (SEQUENCED, ORDERED, LATEST):
            self.assertEqual(came[channel], sorted(came[channel]))
        self.assertNotEqual(came[UNRELIABLE], sorted(came[UNRELIABLE]))
        self.assertEqual(came[ORDERED], list(range(200)))
        self.assertEqual(sorted(came[UNORDERED]), list(range(200)))
        self.assertEqual(came[LATEST][-1], 199)
        receipts = acked(network.client_events), lost(network.client_events)
        arrived = set(receipts[0])
        self.assertEqual(len(arrived), len(receipts[0]))
        for channel in (ORDERED, UNORDERED):
            self.assertLessEqual(set(ids[channel]), arrived)
        self.assertIn(ids[LATEST][-1], arrived)
        judged = [n for n in (*receipts[0], *receipts[1]) if n in ids[RECEIPTS]]
        self.assertEqual(sorted(judged), ids[RECEIPTS])
        really = {ids[RECEIPTS][n] for n in came[RECEIPTS]}
        self.assertLessEqual(arrived.intersection(ids[RECEIPTS]), really)

    def test_large_messages(self) -> None:
        """A large message arrives whole on each link, and its progress is told."""
        for link in LINKS:
            network = Network(CONFIG, link=link, up=BAD if link is LINKS[0] else LOST)
            if link is Link.STREAM:
                network.up = Impairment(latency=0.02)
            network.connect(30.0)
            payload = bytes(range(256)) * 250
            for channel in (ORDERED, UNORDERED):
                network.client.send(channel, payload, now=network.now)
            network.run(30.0, until=lambda n=network: not n.client.stats().queued_bytes)
            network.run(1.0)
            for channel in (ORDERED, UNORDERED):
                self.assertEqual(messages(network.server_events, channel), [payload])
            progress = [
                e for e in network.client_events if isinstance(e, TransferProgress)
            ]
            whole = [e.acked for e in progress if e.acked == e.total]
            self.assertEqual(whole, [len(payload)] * 2)

    def test_cancel(self) -> None:
        """A large message can be given up while it waits and while it leaves."""
        for link in LINKS:
            network = Network(
                ConnectionConfig(channels=SIX, bandwidth=100_000.0), link=link
            ).connect()
            client = network.client
            numbers = [
                client.send(ORDERED, bytes(60_000), now=network.now) for _ in range(3)
            ]
            last = client.send(ORDERED, b"last", now=network.now)
            network.run(0.2)
            self.assertTrue(client.cancel(numbers[2]))
            self.assertTrue(client.cancel(numbers[0]))
            self.assertFalse(client.cancel(numbers[0]))
            network.run(5.0)
            self.assertFalse(client.cancel(numbers[1]))
            received = messages(network.server_events, ORDERED)
            self.assertEqual(list(map(len, received)), [60_000, 4])
            self.assertEqual(acked(network.client_events), [numbers[1], last])
            self.assertEqual(network.peer._traffic.inbox.held_bytes, 0)

    def test_background(self) -> None:
        """A megabyte in the background does not hold back what matters more."""
        urgent = ConnectionConfig(
            channels=tuple(
                type(each)(
                    each.id,
                    each.mode,
                    priority=0 if each.id == UNORDERED else 1,
                    max_message=1 << 20,
                )
                for each in SIX
            ),
            max_queue=1 << 22,
        )
        slow = Impairment(latency=0.02, rate=1_000_000.0, queue=1.0)
        network = Network(urgent, up=slow).connect()
        network.client.send(UNORDERED, bytes(1_000_000), now=network.now)
        delays = []
        for n in range(120):
            begin = network.now
            network.client.send(ORDERED, b"%d" % n, now=begin)
            network.run(1.0, until=lambda n=n: self.ordered(network)[-1:] == [n])
            delays.append(network.now - begin)
            network.run(max(0.0, begin + 1 / 60 - network.now))
        self.assertLess(sorted(delays)[115], 0.06)
        network.run(10.0)
        self.assertEqual(messages(network.server_events, UNORDERED), [bytes(1_000_000)])

    def ordered(self, network: Network) -> list[int]:
        """Return which numbers came on the ordered channel."""
        return list(map(int, messages(network.server_events, ORDERED)))

    def test_limits_of_messages(self) -> None:
        """What a channel takes can be asked, and more is refused."""
        network = Network(CONFIG).connect()
        for channel, mode in enumerate(MODES):
            limit = network.client.limit_of(channel)
            self.assertEqual(limit, 65536 if mode.is_streamed else 1136)
            network.client.send(channel, bytes(limit), now=network.now)
            self.assertRaises(
                LocalProtocolError,
                network.client.send,
                channel,
                bytes(limit + 1),
                now=network.now,
            )
        network.run(1.0)
        for channel in range(6):
            self.assertEqual(len(messages(network.server_events, channel)), 1)

    def test_mtu(self) -> None:
        """Where larger datagrams vanish, sizes stay below, and nothing is lost."""
        for mtu, size in ((1200, 1200), (1399, 1350), (1452, 1452), (9000, 1452)):
            network = Network(CONFIG)
            network.mtu = mtu
            network.connect()
            self.say(network, 150)
            network.client.send(ORDERED, bytes(50_000), now=network.now)
            network.run(5.0)
            stats = network.client.stats()
            self.assertEqual(stats.packet_size, size)
            self.assertEqual(self.numbers(network, UNRELIABLE), list(range(150)))
            self.assertLessEqual(stats.packets_lost, 3)

    def test_bandwidth(self) -> None:
        """A limit on what is sent holds, for each link, and all of it arrives."""
        for link in LINKS:
            network = Network(
                ConnectionConfig(channels=SIX, bandwidth=50_000.0), link=link
            ).connect()
            begin = network.now
            network.client.send(ORDERED, bytes(60_000), now=network.now)
            for _ in range(3):
                network.client.send(UNORDERED, bytes(60_000), now=network.now)
            network.run(30.0, until=lambda n=network: not n.client.stats().queued_bytes)
            self.assertTrue(4.6 < network.now - begin < 7.0, network.now - begin)
