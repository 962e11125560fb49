# SPDX-License-Identifier: MIT
"""What a connection promises, whatever the network does."""

from __future__ import annotations

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Connected,
    Connection,
    ConnectionConfig,
    Link,
    MessageAcked,
    MessageLost,
    TokenBucket,
)
from gamenet.connection.acks import MAX_IN_FLIGHT, AckTracker
from gamenet.connection.lanes import LatestLane, UnreliableLane
from gamenet.connection.receivers import OrderedReceiver, UnorderedReceiver
from gamenet.connection.reliable import ReliableLane
from gamenet.transport import Impairment
from tests.connection.network import (
    LATEST,
    ORDERED,
    RECEIPTS,
    SEQUENCED,
    SIX,
    UNORDERED,
    UNRELIABLE,
    Network,
    messages,
)
from tests.connection.strategies import (
    impairments,
    payload,
    seeds,
    sizes,
    small_sizes,
)

CONFIG = ConnectionConfig(channels=SIX, timeout=60.0, handshake_timeout=30.0)
HOSTILE = Impairment(
    latency=0.03, jitter=0.05, loss=0.3, duplicate=0.2, reorder=0.1, seed=1
)
STREAMED = (UNORDERED, ORDERED)
LARGEST_HELD = 2 * (CONFIG.max_message + CONFIG.window)


def receipts(events: list, kind: type[MessageAcked | MessageLost]) -> list[int]:
    """Return of which messages there are receipts of a kind."""
    return [event.message_id for event in events if isinstance(event, kind)]


class Talk:
    """What both ends of a network say to each other.

    Args:
        network: between them.
        seed: of the pauses.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self.network = network
        self.random = Random(seed)
        self.sent: dict[bool, dict[int, list[bytes]]] = {
            is_up: {channel: [] for channel in range(6)} for is_up in (True, False)
        }
        self.ids: dict[bool, dict[int, list[int]]] = {
            is_up: {channel: [] for channel in range(6)} for is_up in (True, False)
        }
        self._n_sent = 0

    def say(self, channel: int, size: int, *, is_up: bool) -> None:
        """Send a message, and let some time pass."""
        end = self.network.client if is_up else self.network.peer
        self._n_sent += 1
        message = payload(self._n_sent, size)
        self.sent[is_up][channel].append(message)
        number = end.send(channel, message, now=self.network.now)
        self.ids[is_up][channel].append(number)
        self.network.run(self.random.choice((0.0, 0.0, 0.01, 0.1)))

    def events(self, *, is_up: bool) -> tuple[list, list]:
        """Return what the sender and what the receiver of one way was told."""
        ends = self.network.client_events, self.network.server_events
        return ends if is_up else ends[::-1]

    def finish(self) -> bool:
        """Let everything arrive; return whether it did in time."""
        is_done = self.network.run(180.0, until=self.is_settled)
        # What is unreliable and has no receipts arrives a little later, if at all.
        self.network.run(1.0)
        return is_done

    def is_settled(self) -> bool:
        """Return whether the fate of everything is known that has one."""
        outboxes = [end._traffic.outbox for end in self.network.ends]
        lanes = [lane for outbox in outboxes for lane in outbox.lanes.values()]
        receipts = [x for x in lanes if isinstance(x, UnreliableLane) and x._unanswered]
        return not receipts and not any(outbox.queued_bytes for outbox in outboxes)


class DeliveryTests(SynchronousTestCase):
    """What is promised of messages holds over the worst of networks."""

    def check_promises(self, talk: Talk) -> None:
        """Check each mode, each way."""
        for is_up in (True, False):
            sent, ids = talk.sent[is_up], talk.ids[is_up]
            told, heard = talk.events(is_up=is_up)
            came = {channel: messages(heard, channel) for channel in range(6)}
            self.assertEqual(came[ORDERED], sent[ORDERED])
            self.assertEqual(sorted(came[UNORDERED]), sorted(sent[UNORDERED]))
            self.assertEqual(came[LATEST][-1:], sent[LATEST][-1:])
            for channel in (UNRELIABLE, SEQUENCED, RECEIPTS, LATEST):
                for message in came[channel]:
                    count = sent[channel].count(message)
                    self.assertLessEqual(came[channel].count(message), count)
            for channel in (SEQUENCED, LATEST):
                self.check_newer(came[channel], sent[channel])
            acked, lost = receipts(told, MessageAcked), receipts(told, MessageLost)
            self.assertEqual(len(set(acked + lost)), len(acked + lost))
            for channel in STREAMED:
                self.assertLessEqual(set(ids[channel]), set(acked))
            self.assertLessEqual(set(ids[RECEIPTS]), set(acked + lost))

    def check_newer(self, came: list[bytes], sent: list[bytes]) -> None:
        """Check that what came is part of what was sent, in that order."""
        rest = iter(sent)
        self.assertTrue(all(message in rest for message in came))

    def check_bounds(self, network: Network) -> None:
        """Refuse memory beyond what window and limits allow."""
        for end in network.ends:
            traffic = end._traffic
            assert traffic.link is not None
            self.assertLessEqual(traffic.inbox.held_bytes, LARGEST_HELD)
            self.assertLessEqual(traffic.link.acks.n_in_flight, MAX_IN_FLIGHT)

    def check_quiet(self, network: Network) -> None:
        """Refuse what is still held when everything was said."""
        for end in network.ends:
            self.assertEqual(end.stats().queued_bytes, 0)
            self.assertEqual(end._traffic.inbox.held_bytes, 0)
            for lane in end._traffic.outbox.lanes.values():
                if isinstance(lane, ReliableLane):
                    self.assertFalse(lane._in_flight or lane._lost or lane._copies)
                    self.assertFalse(lane._ids or lane._transfer)
                elif isinstance(lane, UnreliableLane):
                    self.assertFalse(lane._unanswered or lane._waiting)

    @settings(max_examples=30)
    @given(
        impairments,
        impairments,
        st.lists(
            st.tuples(st.sampled_from(STREAMED), sizes, st.booleans()),
            min_size=1,
            max_size=40,
        ),
        seeds,
    )
    @example(HOSTILE, HOSTILE, [(ORDERED, 20_000, True), (UNORDERED, 9, False)] * 10, 5)
    def test_reliable(
        self,
        up: Impairment,
        down: Impairment,
        plan: list[tuple[int, int, bool]],
        seed: int,
    ) -> None:
        """Reliable messages of all sizes come once, as promised, and are not kept."""
        network = Network(CONFIG, up=up, down=down, seed=seed).connect(30.0)
        self.assertTrue(network.is_connected())
        talk = Talk(network, seed)
        for channel, size, is_up in plan:
            talk.say(channel, size, is_up=is_up)
            self.check_bounds(network)
        self.assertTrue(talk.finish())
        self.check_promises(talk)
        self.check_quiet(network)

    @settings(max_examples=40)
    @given(
        st.sampled_from(Link),
        impairments,
        impairments,
        st.lists(
            st.tuples(st.integers(0, 5), small_sizes, st.booleans()),
            min_size=1,
            max_size=60,
        ),
        seeds,
    )
    @example(Link.DATAGRAM, HOSTILE, HOSTILE, [(n % 6, 8, True) for n in range(60)], 5)
    def test_all_modes(
        self,
        link: Link,
        up: Impairment,
        down: Impairment,
        plan: list[tuple[int, int, bool]],
        seed: int,
    ) -> None:
        """On datagrams and streams each mode does what it promises."""
        network = Network(CONFIG, link=link, up=up, down=down, seed=seed)
        network.connect(30.0)
        talk = Talk(network, seed)
        for channel, size, is_up in plan:
            talk.say(channel, size, is_up=is_up)
        self.assertTrue(talk.finish())
        self.check_promises(talk)
        self.check_quiet(network)
        if link is Link.STREAM:
            self.assertEqual(network.client.stats().packets_lost, 0)
            self.assertEqual(network.client.stats().messages_resent, 0)

    @settings(max_examples=15)
    @given(
        st.sampled_from(STREAMED),
        impairments,
        st.lists(st.integers(1000, 60_000), min_size=2, max_size=8),
        seeds,
    )
    def test_cancelled(
        self, channel: int, up: Impairment, lengths: list[int], seed: int
    ) -> None:
        """What was given up never comes, what could not be given up does."""
        random = Random(seed)
        network = Network(CONFIG, up=up, seed=seed).connect(30.0)
        ids = {}
        for number, size in enumerate(lengths):
            message = payload(number, size)
            ids[network.client.send(channel, message, now=network.now)] = message
        kept = dict(ids)
        for number in ids:
            network.run(random.choice((0.0, 0.02, 0.1)))
            if random.random() < 0.5 and network.client.cancel(number):
                del kept[number]
        end = network.client
        self.assertTrue(network.run(120.0, until=lambda: not end.stats().queued_bytes))
        network.run(1.0)
        received = messages(network.server_events, channel)
        self.assertEqual(sorted(received), sorted(kept.values()))
        acked = receipts(network.client_events, MessageAcked)
        self.assertEqual(sorted(acked), sorted(kept))
        self.check_quiet(network)

    def test_bulk_over_loss(self) -> None:
        """Half a megabyte passes 30 % loss both ways beside a stream of snapshots."""
        for seed in range(3):
            up = Impairment(latency=0.04, jitter=0.02, loss=0.3, seed=seed)
            network = Network(CONFIG, up=up, down=up.reseeded(seed + 9), seed=seed)
            network.connect(30.0)
            sent = [payload(n, 50_000) for n in range(10)]
            for message in sent:
                network.peer.send(ORDERED, message, now=network.now)
            for tick in range(300):
                network.peer.send(UNRELIABLE, b"%d" % tick, now=network.now)
                network.run(1 / 30)
                self.check_bounds(network)
            network.run(120.0, until=lambda n=network: not n.peer.stats().queued_bytes)
            received = messages(network.client_events, ORDERED)
            self.assertTrue(received == sent, f"seed {seed}")
            ticks = messages(network.client_events, UNRELIABLE)
            self.assertEqual(len(ticks), len(set(ticks)), f"seed {seed}")
            self.assertGreater(len(ticks), 100, f"seed {seed}")


class WrapTests(SynchronousTestCase):
    """Sequences of 16 bits go around without anybody noticing."""

    def wind(self, network: Network, sequence: int) -> None:
        """Set all counters of both ends shortly before the end of the circle."""
        network.run(1.0)
        network._travelling.clear()
        for here, there in (network.ends, network.ends[::-1]):
            self.wind_packets(here._traffic.link, there._traffic.link, sequence)
            for number, lane in here._traffic.outbox.lanes.items():
                receiver = there._traffic.inbox._receivers.get(number)
                if isinstance(lane, LatestLane):
                    lane._sequence = sequence
                elif isinstance(lane, ReliableLane | UnreliableLane):
                    lane._next = sequence
                if isinstance(receiver, OrderedReceiver | UnorderedReceiver):
                    receiver._next = sequence

    def wind_packets(self, sender: object, receiver: object, sequence: int) -> None:
        """Set the counters of packets in one direction."""
        acks: AckTracker = sender.acks  # type: ignore[attr-defined]
        acks._sent.clear()
        acks._next = sequence
        others: AckTracker = receiver.acks  # type: ignore[attr-defined]
        others.newest = (sequence - 1) & 0xFFFF
        others._received = (1 << 256) - 1
        receiver._told = others.newest  # type: ignore[attr-defined]

    @settings(max_examples=20)
    @given(
        st.sampled_from(Link),
        st.sampled_from([65_400, 65_530, 32_700]),
        impairments,
        seeds,
    )
    @example(Link.DATAGRAM, 65_500, HOSTILE, 1)
    def test_over_the_wrap(
        self, link: Link, sequence: int, up: Impairment, seed: int
    ) -> None:
        """Each mode keeps its promise when packets and messages go around."""
        config = ConnectionConfig(channels=SIX, timeout=60.0, max_packet_size=0)
        network = Network(config, link=link, seed=seed).connect()
        self.wind(network, sequence)
        network.up = up
        talk = Talk(network, seed)
        for n in range(200):
            for is_up in (True, False):
                end = network.client if is_up else network.peer
                for channel in range(6):
                    message = b"%d/%d" % (channel, n)
                    talk.sent[is_up][channel].append(message)
                    number = end.send(channel, message, now=network.now)
                    talk.ids[is_up][channel].append(number)
            network.run(1 / 60)
        self.assertTrue(talk.finish())
        DeliveryTests.check_promises(self, talk)  # type: ignore[arg-type]

    check_newer = DeliveryTests.check_newer


class SizeTests(SynchronousTestCase):
    """Larger packets are found out about without losing any that matter."""

    @settings(max_examples=25)
    @given(st.integers(1200, 1500), st.sampled_from([1200, 1452, 9000]), seeds)
    def test_any_path(self, mtu: int, most: int, seed: int) -> None:
        """Whatever passes, everything arrives, and nothing of it is sent again."""
        config = ConnectionConfig(channels=SIX, max_packet_size=most)
        network = Network(config, seed=seed)
        network.mtu = mtu
        network.connect()
        random = Random(seed)
        sent = [payload(n, random.randrange(3000)) for n in range(100)]
        for message in sent:
            network.client.send(ORDERED, message, now=network.now)
            network.client.send(UNRELIABLE, message[:1100], now=network.now)
            network.run(0.05)
        network.run(1.0)
        self.assertEqual(messages(network.server_events, ORDERED), sent)
        received = messages(network.server_events, UNRELIABLE)
        self.assertEqual(received, [message[:1100] for message in sent])
        self.assertLessEqual(network.client.stats().packet_size, max(1200, most))


class ShareTests(SynchronousTestCase):
    """Connections share what a server may send."""

    def test_shared_limit(self) -> None:
        """Five clients of one server together get no more than its limit."""
        shared = TokenBucket(200_000.0, 10_000.0)
        networks = [Network(CONFIG, seed=n, shared=shared).connect() for n in range(5)]
        for network in networks:
            for _ in range(12):
                network.peer.send(ORDERED, bytes(60_000), now=network.now)
        before = self.sent(networks)
        for _ in range(400):
            for network in networks:
                network.run(0.01)
        total = self.sent(networks) - before
        self.assertLess(total, 4.0 * 200_000 + 10_000 + 5 * 1500)
        self.assertGreater(total, 0.8 * 4.0 * 200_000)

    def sent(self, networks: list[Network]) -> int:
        """Return how many bytes the servers have sent."""
        return sum(network.peer.stats().bytes_sent for network in networks)


class HandshakeTests(SynchronousTestCase):
    """However the packets of the handshake travel, both ends come to be connected."""

    @settings(max_examples=60)
    @given(impairments, impairments, st.booleans(), seeds)
    def test_connects(
        self, up: Impairment, down: Impairment, is_plain: bool, seed: int
    ) -> None:
        """Each end is connected once, by one connection, and stays so."""
        network = Network(CONFIG, up=up, down=down, seed=seed, is_plain=is_plain)
        network.connect(30.0)
        network.run(3.0)
        self.assertTrue(network.is_connected())
        self.assertEqual(network.n_accepted, 1)
        for events in (network.client_events, network.server_events):
            self.assertEqual(events, [Connected()])

    @settings(max_examples=60)
    @given(
        st.lists(st.sampled_from([0, 1, 2]), max_size=12),
        st.lists(st.sampled_from([0, 1, 2]), max_size=12),
    )
    def test_each_step(self, up: list[int], down: list[int]) -> None:
        """The first packets may each be lost, delivered or doubled."""
        network = Network(CONFIG, up=Fates(up), down=Fates(down)).connect(30.0)
        network.run(1.0)
        self.assertTrue(network.is_connected())
        self.assertEqual(network.n_accepted, 1)


class Fates(Impairment):
    """Give each packet the number of copies that a list says, then one each."""

    def __init__(self, fates: list[int]) -> None:
        super().__init__()
        self.fates = list(fates)

    def reseeded(self, seed: int) -> Fates:
        return Fates(self.fates)

    def admit(self, size: int, *, now: float) -> list[float]:
        return [now + 0.01] * (self.fates.pop(0) if self.fates else 1)


class LongTests(SynchronousTestCase):
    """What holds for a moment holds for long."""

    def test_an_hour_of_quiet(self) -> None:
        """An hour in which nothing is said costs heartbeats and no memory."""
        network = Network(CONFIG, keeps_events=False).connect()
        network.run(60.0)
        before = self.held(network.client)
        network.run(600.0)
        self.assertTrue(network.is_connected())
        self.assertEqual(self.held(network.client), before)

    def held(self, end: Connection) -> tuple[int, ...]:
        """Return the sizes of what could grow."""
        traffic = end._traffic
        assert traffic.link is not None
        lanes = traffic.outbox.lanes.values()
        reliable = [lane for lane in lanes if isinstance(lane, ReliableLane)]
        return (
            sum(len(lane._marks) + len(lane._in_flight) for lane in reliable),
            sum(len(lane._copies) + len(lane._riding) for lane in reliable),
            len(traffic._ready),
            traffic.inbox.held_bytes,
        )
