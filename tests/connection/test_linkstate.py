# SPDX-License-Identifier: MIT
"""Tests of what belongs to one link."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig, Link
from gamenet.connection.envelopes import StreamEnvelope
from gamenet.connection.linkstate import (
    ACK_WAIT,
    BEAT_GRACE,
    LONG_ACK_WAIT,
    LinkState,
)
from tests.connection.traffics import content, fields

CONFIG = ConnectionConfig(timeout=5.0, heartbeat=0.1)


def new_link(link: Link = Link.DATAGRAM, **changes: float) -> LinkState:
    """Return a link that began at 10.0 and has sent its first packet."""
    config = ConnectionConfig(**{"timeout": 5.0, "heartbeat": 0.1, **changes})
    state = LinkState(config, StreamEnvelope(), link, 10.0)
    state.packet(b"", [], 10.0)
    return state


class Growing(StreamEnvelope):
    """An envelope whose numbers have grown from one byte to some."""

    __slots__ = ("n_bytes",)

    overhead = 5

    def __init__(self) -> None:
        self.n_bytes = 1

    def seal(self, body: bytes) -> bytes:
        return bytes(self.n_bytes) + body


class PacketTests(SynchronousTestCase):
    """Every packet has a header, and fits the path."""

    def test_first(self) -> None:
        """A new link has to send a packet, and knows nothing of the peer."""
        state = LinkState(CONFIG, StreamEnvelope(), Link.DATAGRAM, 10.0)
        self.assertTrue(state.must_send)
        data = state.packet(b"", [], 10.0)
        self.assertEqual(fields(data[1:])[::2], (0, 0))
        self.assertFalse(state.must_send)
        self.assertEqual(state.last_sent, 10.0)

    @given(st.sampled_from([576, 1200, 1222]), st.integers(0, 1 << 32))
    def test_room(self, size: int, bits: int) -> None:
        """A packet whose room is full is never larger than the path allows."""
        state = new_link(packet_size=size, max_packet_size=0)
        state.acks._received = bits
        state.receive(40_000, 11.0)
        data = state.packet(bytes(state.room), [], 12.0)
        self.assertLessEqual(len(data), size)
        self.assertLessEqual(len(state.packet(b"", [], 13.0)), state.smallest)

    def test_probe(self) -> None:
        """A probe has exactly the size that it probes, and says nothing else."""
        state = new_link()
        data = state.probe_packet(1350, 11.0)
        self.assertEqual(len(data), 1350)
        self.assertFalse(content(data[1:])[2:].strip(b"\0"))
        self.assertEqual(state.congestion.in_flight, 0)

    def test_longer_than_its_probe(self) -> None:
        """Numbers of packets grow; still none is larger than what was tried."""
        envelope = Growing()
        state = LinkState(CONFIG, envelope, Link.DATAGRAM, 10.0)
        tried = len(state.probe_packet(1350, 10.0))
        state.probe.probe_acked(1350)
        envelope.n_bytes = 5
        state.acks._received = 0
        state.receive(40_000, 10.5)
        self.assertLessEqual(len(state.packet(bytes(state.room), [], 11.0)), tried)

    def test_proof(self) -> None:
        """A large packet asks for a proof of its size, and is one if it arrives."""
        state = new_link()
        state.probe_packet(1350, 10.0)
        state.probe.probe_acked(1350)
        state.probe_packet(1452, 10.0)
        state.probe.probe_acked(1452)
        self.assertIsNone(state.probe.next_timeout())
        sequence = state.acks.next_sequence
        state.packet(bytes(state.room), [], 11.0)
        self.assertEqual(state.probe.next_timeout(), 12.0)
        state.acknowledge(sequence, 1, 0.0, 11.1)
        self.assertIsNone(state.probe.next_timeout())

    def test_padded(self) -> None:
        """A padded packet is as large as every path allows."""
        self.assertEqual(len(new_link().padded_packet(11.0)), 1200)

    def test_empty_packets_are_not_charged(self) -> None:
        """What has no frames does not count for congestion control."""
        state = new_link()
        self.assertEqual(state.congestion.in_flight, 0)
        data = state.packet(b"\xe5", [], 11.0)
        self.assertEqual(state.congestion.in_flight, len(data))


class TimeTests(SynchronousTestCase):
    """It asks to be woken when something is due, and no sooner."""

    def test_heartbeat(self) -> None:
        """After a tenth of a second without a packet one is due."""
        state = new_link(max_packet_size=0)
        self.assertAlmostEqual(state.next_timeout(), 10.1)
        self.assertEqual(state.handle_timeout(now=10.09), [])
        self.assertFalse(state.must_send)
        state.handle_timeout(now=state.next_timeout())
        self.assertTrue(state.must_send)
        # Marked is marked: what is not sent yet is not asked for again.
        self.assertAlmostEqual(state.next_timeout(), 15.0)

    def test_ack(self) -> None:
        """What wants an ack has one soon; a packet in the meantime takes it along."""
        state = new_link(max_packet_size=0)
        state.receive(0, 10.01)
        state.want_ack(10.01)
        self.assertAlmostEqual(state.next_timeout(), 10.01 + ACK_WAIT)
        state.packet(b"", [], 10.02)
        self.assertAlmostEqual(state.next_timeout(), 10.12)

    def test_ack_that_nobody_awaits(self) -> None:
        """If nothing is resended the ack waits longer, unless something else came."""
        state = new_link(max_packet_size=0, heartbeat=1.0)
        state.want_ack(10.01, is_awaited=False)
        self.assertAlmostEqual(state.next_timeout(), 10.01 + LONG_ACK_WAIT)
        state.want_ack(10.02)
        self.assertAlmostEqual(state.next_timeout(), 10.02 + ACK_WAIT)
        state.want_ack(10.05, is_awaited=False)
        self.assertAlmostEqual(state.next_timeout(), 10.02 + ACK_WAIT)

    def test_heartbeat_of_a_game(self) -> None:
        """A game that speaks at the heartbeat's rate needs no heartbeat."""
        state = new_link(max_packet_size=0)
        state.packet(b"\xe5", [], 10.0)
        self.assertAlmostEqual(state.next_timeout(), 10.1 + BEAT_GRACE)

    def test_quiet(self) -> None:
        """A limit that is used up makes heartbeats rare, but not too rare."""
        for until, expected in ((10.05, 10.1), (10.7, 10.7), (14.0, 11.25)):
            state = new_link(max_packet_size=0)
            state.quiet_until = until
            self.assertAlmostEqual(state.next_timeout(), expected)
            state.handle_timeout(now=state.next_timeout())
            self.assertTrue(state.must_send)

    def test_timeout(self) -> None:
        """When the link counts as lost is the configuration's, or the token's."""
        state = new_link(max_packet_size=0)
        self.assertEqual(state.timeout, 5.0)
        state = LinkState(CONFIG, StreamEnvelope(), Link.DATAGRAM, 10.0, 2.0)
        self.assertEqual(state.timeout, 2.0)

    def test_many_packets(self) -> None:
        """One packet more than an ack can tell makes an ack at once, on datagrams."""
        for link, expected in ((Link.DATAGRAM, True), (Link.STREAM, False)):
            state = new_link(link)
            for n in range(31):
                self.assertFalse(state.must_acknowledge())
                state.receive(n, 10.0)
            self.assertEqual(state.must_acknowledge(), expected)

    def test_wraps(self) -> None:
        """Both ends of the circle of sequences are neighbours here, too."""
        state = new_link()
        state.acks.newest = state._told = 65_530
        for n in range(31):
            self.assertFalse(state.must_acknowledge())
            state.receive((65_531 + n) & 0xFFFF, 10.0)
        self.assertTrue(state.must_acknowledge())

    def test_newest(self) -> None:
        """Whether a packet is newer than every other is known of the last one."""
        state = new_link()
        for sequence, is_newest in ((0, True), (2, True), (1, False), (3, True)):
            state.receive(sequence, 10.0)
            self.assertEqual(state.is_newest, is_newest)


class FigureTests(SynchronousTestCase):
    """What is known of the link goes into the stats."""

    def test_kinds(self) -> None:
        """A stream has a round trip; a datagram link has a window, too."""
        shared = {"rtt", "rtt_latest", "rtt_min", "rtt_max", "rtt_variation"}
        self.assertEqual(set(new_link(Link.STREAM).figures()), shared)
        more = {"window", "in_flight", "queue_delay", "packet_size"}
        self.assertEqual(set(new_link().figures()), shared | more)
