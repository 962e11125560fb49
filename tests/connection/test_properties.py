# SPDX-License-Identifier: MIT
"""What a connection promises, whatever the network or an attacker does."""

from __future__ import annotations

from random import Random

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Closed,
    Connected,
    Connection,
    ConnectionConfig,
    Link,
    MessageAcked,
)
from gamenet.connection.acks import MAX_IN_FLIGHT
from gamenet.connection.channels import WINDOW
from gamenet.transport import Impairment
from tests.connection.network import Network, drain, messages
from tests.connection.strategies import (
    edited,
    edits,
    garbage,
    impairments,
    seeds,
    sizes,
    small_sizes,
)

RELIABLE, UNRELIABLE = 0, 1
PATIENT = ConnectionConfig(timeout=60.0, handshake_timeout=30.0)
HOSTILE = Impairment(
    latency=0.03, jitter=0.05, loss=0.3, duplicate=0.2, reorder=0.1, seed=1
)


def payload(number: int, size: int) -> bytes:
    """Return a payload unlike any other of a test, unless it is very short."""
    return (b"%d:" % number + Random(number).randbytes(size))[:size]


def held_bytes(end: Connection) -> int:
    """Return the bytes that an end holds for the peer's unfinished messages."""
    return sum(r.held_bytes for r in end._traffic._receivers.values())


class DeliveryTests(SynchronousTestCase):
    """What is promised of messages holds over the worst of networks."""

    def check_bounds(self, network: Network) -> None:
        """Refuse memory beyond what window and limits allow."""
        for end in (network.client, network.server):
            if end is None:
                continue
            limit = WINDOW * end.config.packet_size + end.config.max_message
            self.assertLessEqual(held_bytes(end), limit)
            self.assertLessEqual(end._traffic.acks.n_in_flight, MAX_IN_FLIGHT)
            self.assertLessEqual(len(end._traffic._unreliable), 256)

    def check_quiet(self, network: Network) -> None:
        """Refuse what is still held when everything was said."""
        for end in (network.client, network.peer):
            self.assertEqual(end.stats().queued_bytes, 0)
            self.assertEqual(held_bytes(end), 0)
            sender = end._traffic._senders[RELIABLE]
            self.assertEqual(sender.n_queued, 0)
            self.assertFalse(sender._unanswered or sender._resend)
            self.assertFalse(sender._unacked_parts)

    @settings(max_examples=25)
    @given(
        impairments,
        impairments,
        st.lists(sizes, min_size=1, max_size=25),
        st.lists(sizes, max_size=25),
        seeds,
    )
    @example(HOSTILE, HOSTILE, [0, 20000, 1178, 1179] * 5, [20000] * 10, 5)
    def test_reliable(
        self, up: Impairment, down: Impairment, there: list[int], back: list[int], seed
    ) -> None:
        """Reliable messages come once, in order, are acknowledged and not kept."""
        network = Network(PATIENT, up=up, down=down, seed=seed).connect(30.0)
        self.assertTrue(network.is_connected())
        random = Random(seed)
        sent = {True: [], False: []}
        ids = {True: [], False: []}
        plans = [(True, n) for n in there] + [(False, n) for n in back]
        for number, (is_up, size) in enumerate(plans):
            end = network.client if is_up else network.peer
            sent[is_up].append(payload(number, size))
            ids[is_up].append(end.send(RELIABLE, sent[is_up][-1], now=network.now))
            network.run(random.choice((0.0, 0.0, 0.01, 0.1)))
            self.check_bounds(network)

        def is_done() -> bool:
            queued = [e.stats().queued_bytes for e in (network.client, network.peer)]
            return not any(queued)

        self.assertTrue(network.run(120.0, until=is_done))
        network.run(1.0)
        self.assertEqual(messages(network.server_events, RELIABLE), sent[True])
        self.assertEqual(messages(network.client_events, RELIABLE), sent[False])
        for is_up, events in (
            (True, network.client_events),
            (False, network.server_events),
        ):
            acked = [e.message_id for e in events if isinstance(e, MessageAcked)]
            self.assertEqual(sorted(acked), ids[is_up])
        self.check_quiet(network)

    @settings(max_examples=25)
    @given(impairments, st.lists(small_sizes, min_size=1, max_size=60), seeds)
    @example(HOSTILE, [10] * 60, 1)
    def test_unreliable(self, impairment: Impairment, lengths: list[int], seed) -> None:
        """Unreliable messages are never doubled and never changed."""
        network = Network(PATIENT, up=impairment, seed=seed).connect(30.0)
        random = Random(seed)
        sent = []
        for number, size in enumerate(lengths):
            sent.append(payload(number, size))
            network.client.send(UNRELIABLE, sent[-1], now=network.now)
            network.run(random.choice((0.0, 0.02)))
        network.run(2.0)
        received = messages(network.server_events, UNRELIABLE)
        for message in set(received):
            self.assertLessEqual(received.count(message), sent.count(message))
        if not impairment.loss:
            self.assertEqual(sorted(received), sorted(sent))

    @settings(max_examples=15)
    @given(st.lists(sizes, min_size=1, max_size=60), seeds)
    @example([20000] * 40, 0)
    def test_stream(self, lengths: list[int], seed: int) -> None:
        """A stream delivers everything in order, sends nothing twice, and drains."""
        network = Network(PATIENT, link=Link.STREAM, seed=seed).connect()
        sent = []
        for number, size in enumerate(lengths):
            sent.append(payload(number, size))
            network.peer.send(RELIABLE, sent[-1], now=network.now)
        network.run(10.0)
        self.assertEqual(messages(network.client_events, RELIABLE), sent)
        self.check_quiet(network)
        self.assertEqual(network.peer.stats().messages_resent, 0)
        self.assertEqual(network.peer.stats().packets_lost, 0)

    def test_bulk_over_loss(self) -> None:
        """Half a megabyte passes 30 % loss both ways beside a stream of snapshots."""
        for seed in range(3):
            up = Impairment(latency=0.04, jitter=0.02, loss=0.3, seed=seed)
            network = Network(PATIENT, up=up, down=up, seed=seed).connect(30.0)
            sent = [payload(n, 50000) for n in range(10)]
            for message in sent:
                network.peer.send(RELIABLE, message, now=network.now)
            for tick in range(300):
                network.peer.send(UNRELIABLE, b"%d" % tick, now=network.now)
                network.run(1 / 30)
                self.check_bounds(network)
            network.run(30.0, until=lambda n=network: not n.peer.stats().queued_bytes)
            received = messages(network.client_events, RELIABLE)
            self.assertTrue(received == sent, f"seed {seed}")
            ticks = messages(network.client_events, UNRELIABLE)
            self.assertEqual(len(ticks), len(set(ticks)), f"seed {seed}")
            self.assertGreater(len(ticks), 150, f"seed {seed}")


class HandshakeTests(SynchronousTestCase):
    """However the packets of the handshake travel, both ends come to be connected."""

    @settings(max_examples=60)
    @given(impairments, impairments, seeds)
    def test_connects(self, up: Impairment, down: Impairment, seed: int) -> None:
        """Each end is connected once, by one connection, and stays so."""
        network = Network(PATIENT, up=up, down=down, seed=seed).connect(30.0)
        network.run(3.0)
        self.assertTrue(network.is_connected())
        self.assertEqual(network.n_accepted, 1)
        for events in (network.client_events, network.server_events):
            self.assertEqual(events, [Connected()])
        self.assertIsNone(network.client._handshake.next_timeout())

    @settings(max_examples=60)
    @given(
        st.lists(st.sampled_from([0, 1, 2]), max_size=12),
        st.lists(st.sampled_from([0, 1, 2]), max_size=12),
    )
    def test_each_step(self, up: list[int], down: list[int]) -> None:
        """The first packets may each be lost, delivered or doubled."""
        network = Network(PATIENT, up=Fates(up), down=Fates(down)).connect(30.0)
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


class AttackTests(SynchronousTestCase):
    """Packets that the peer did not send do nothing but be counted."""

    def connected(self, link: Link, seed: int) -> tuple[Network, Connection]:
        """Return a network in which something was said, and the end to attack."""
        network = Network(PATIENT, link=link, seed=seed).connect()
        network.client.send(RELIABLE, bytes(3000), now=network.now)
        network.client.send(UNRELIABLE, b"position", now=network.now)
        network.peer.send(RELIABLE, b"hello", now=network.now)
        network.run(0.2)
        return network, network.peer

    def check_alive(self, network: Network) -> None:
        """Refuse a connection that does not deliver exactly what is said."""
        before = messages(network.server_events, RELIABLE)
        self.assertEqual(before, [bytes(3000)])
        self.assertEqual(messages(network.server_events, UNRELIABLE), [b"position"])
        network.client.send(RELIABLE, b"still here", now=network.now)
        network.run(3.0)
        after = messages(network.server_events, RELIABLE)
        self.assertEqual(after, [*before, b"still here"])

    @settings(max_examples=60)
    @given(st.lists(garbage, min_size=1, max_size=8), seeds)
    def test_garbage_datagrams(self, attack: list[bytes], seed: int) -> None:
        """Arbitrary bytes are counted, and change nothing."""
        network, victim = self.connected(Link.DATAGRAM, seed)
        for data in attack:
            victim.receive_datagram(data, now=network.now)
        self.assertEqual(sum(victim.stats().dropped.values()), len(attack))
        self.check_alive(network)

    @settings(max_examples=60)
    @given(st.lists(garbage, min_size=1, max_size=8), seeds)
    def test_garbage_stream(self, attack: list[bytes], seed: int) -> None:
        """On a stream the first bad packet closes, and the peer is told."""
        network, victim = self.connected(Link.STREAM, seed)
        for data in attack:
            victim.receive_datagram(data, now=network.now)
        network.run(1.0)
        self.assertEqual(victim.state, "Closed")
        self.assertEqual(network.client.state, "Closed")
        events = network.server_events
        self.assertEqual([isinstance(e, Closed) for e in events].count(True), 1)
        self.assertIsInstance(events[-1], Closed)

    @settings(max_examples=150)
    @given(st.sampled_from(Link), st.integers(0, 50), edits, st.integers(0, 2000))
    def test_mutations(self, link: Link, which: int, changes, length: int) -> None:
        """A genuine packet, changed and cut, never raises."""
        network, victim = self.connected(link, 7)
        good = network.sent_up[which % len(network.sent_up)]
        for _ in range(3):
            victim.receive_datagram(edited(good, changes, length), now=network.now)
        network.run(1.0)
        self.assertIn(victim.state, ("Connected", "Closed"))
        self.assertLess(held_bytes(victim), 10000)

    @settings(max_examples=100)
    @given(st.integers(0, 50), st.integers(1, 8), st.integers(1, 255), edits)
    def test_wrong_tag(self, which: int, at: int, flip: int, changes) -> None:
        """A packet whose tag is not exactly right changes nothing."""
        network, victim = self.connected(Link.DATAGRAM, 8)
        genuine = [p for p in network.sent_up if p[0] >= 5]
        forged = bytearray(genuine[which % len(genuine)])
        for position, value in changes:
            forged[9 + position % (len(forged) - 9)] = value
        forged[at] ^= flip
        victim.receive_datagram(bytes(forged), now=network.now)
        self.assertEqual(victim.stats().dropped["foreign_tag"], 1)
        self.check_alive(network)

    @settings(max_examples=30)
    @given(st.sampled_from([1, 2, 3]), seeds, st.data())
    def test_other_connection(self, copies: int, seed: int, data) -> None:
        """Genuine packets of another connection, and old ones of this, do nothing."""
        network, victim = self.connected(Link.DATAGRAM, 9)
        other, _ = self.connected(Link.DATAGRAM, seed + 1000)
        other.client.close(2, now=other.now)
        other.run(0.1)
        packets = network.sent_up + other.sent_up + other.sent_down + network.sent_down
        order = data.draw(st.permutations(range(len(packets))))
        for i in order:
            for _ in range(copies):
                # Our own packets, sent back by somebody, bear our tag: a tag is no
                # signature. All others are somebody else's.
                if packets[i] not in network.sent_down or packets[i][0] != 5:
                    victim.receive_datagram(packets[i], now=network.now)
        network.pump()
        self.check_alive(network)

    def test_replay_flood(self) -> None:
        """A packet that comes a hundred thousand times is taken once."""
        network, victim = self.connected(Link.DATAGRAM, 3)
        network.client.send(UNRELIABLE, b"again", now=network.now)
        packet = network.client.datagrams_to_send(now=network.now)[-1]
        for _ in range(100_000):
            victim.receive_datagram(packet, now=network.now)
        self.assertEqual(len(drain(victim)), 1)
        self.assertEqual(victim.stats().dropped["duplicate"], 99_999)
        self.assertLess(len(victim._traffic._ready), 2)
