# SPDX-License-Identifier: MIT
"""Tests of the record in which a connection reports what it has measured."""

from __future__ import annotations

from collections import deque

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Channel, ConnectionConfig, DeliveryMode, Link
from gamenet.connection.meter import Meter
from gamenet.connection.report import report, totals
from gamenet.connection.traffic import Traffic
from tests.connection.network import LATEST, ORDERED, SIX, UNRELIABLE
from tests.connection.traffics import End, only_data, pair


class ReportTests(SynchronousTestCase):
    """Every number is where it belongs."""

    def test_before_the_first_link(self) -> None:
        """Before there is a link the record is there, and empty."""
        stats = report(Traffic(ConnectionConfig(), deque()), None)
        self.assertEqual((stats.packets_lost, stats.rtt, stats.window), (0, 0.0, 0))
        self.assertEqual([lane.channel for lane in stats.lanes], [0, 1, 31])

    def test_counts_are_passed_on(self) -> None:
        """What the connection itself counts is put in as it is."""
        stats = report(End().traffic, None, packets_sent=7, dropped={"kind": 2})
        self.assertEqual((stats.packets_sent, stats.dropped), (7, {"kind": 2}))

    def test_lanes(self) -> None:
        """Each channel has its own numbers, and their sums are the connection's."""
        here, there = pair(channels=SIX)
        here.send(ORDERED, b"one", b"two", now=10.0)
        here.send(LATEST, b"old", b"new", now=10.0)
        here.send(UNRELIABLE, b"x", now=10.0)
        there.receive(only_data(here.packets(now=10.5)), now=10.5)
        there.wake(now=10.6)
        here.receive(only_data(there.wake(now=10.7)), now=10.7)
        stats = report(here.traffic, None)
        lanes = {lane.channel: lane for lane in stats.lanes}
        self.assertEqual([lane.name for lane in stats.lanes[:6]], [c.name for c in SIX])
        self.assertEqual(lanes[ORDERED].mode, "reliable-ordered")
        self.assertEqual(lanes[ORDERED].messages_sent, 2)
        self.assertEqual(lanes[LATEST].messages_sent, 1)
        self.assertEqual(lanes[LATEST].messages_discarded, 1)
        self.assertEqual(stats.messages_sent, 5)
        self.assertEqual(stats.unreliable_dropped, 1)
        self.assertGreater(stats.queue_time, 0.0)
        repeated = sum(lane.messages_repeated for lane in stats.lanes)
        self.assertEqual(
            (stats.messages_repeated, stats.messages_resent), (repeated, 0)
        )
        self.assertGreater(lanes[ORDERED].bytes_sent, 8)
        received = report(there.traffic, None)
        self.assertEqual(received.messages_received, 4)
        self.assertEqual(received.lanes[ORDERED].bytes_received, 6)

    def test_delivered_and_queued(self) -> None:
        """What is acknowledged is delivered and waits no more."""
        here, there = pair()
        here.send(0, bytes(500))
        self.assertEqual(report(here.traffic, None).queued_bytes, 500)
        there.receive(only_data(here.packets(now=11.0)), now=11.0)
        here.receive(only_data(there.wake(now=11.02)), now=11.02)
        stats = report(here.traffic, None)
        self.assertEqual((stats.queued_bytes, stats.messages_delivered), (0, 1))

    def test_compression(self) -> None:
        """How much smaller messages become is said by channel."""
        channel = Channel(0, DeliveryMode.RELIABLE_ORDERED, compression=True)
        end = End(channels=(channel,))
        end.send(0, bytes(5000))
        [lane, _] = report(end.traffic, None).lanes
        self.assertGreater(lane.compression, 50.0)
        self.assertEqual(report(End().traffic, None).lanes[0].compression, 1.0)

    def test_link(self) -> None:
        """Of a datagram link congestion and packet size are told, of a stream not."""
        stats = report(End().traffic, None)
        self.assertEqual(stats.packet_size, 1200)
        self.assertGreater(stats.window, 1200)
        stats = report(End(Link.STREAM).traffic, None)
        self.assertEqual((stats.packet_size, stats.window), (0, 0))

    def test_rates(self) -> None:
        """Rates are those of the newest sample."""
        end, meter = End(), Meter(10.0)
        meter.take(11.0, (100, 20, 90, 10, 5000, 3000), end.traffic)
        stats = report(end.traffic, meter)
        self.assertAlmostEqual(stats.loss_out, 0.2)
        self.assertAlmostEqual(stats.loss_in, 0.1)
        self.assertEqual((stats.bandwidth_out, stats.bandwidth_in), (5000.0, 3000.0))

    def test_totals(self) -> None:
        """What a meter takes the differences of is in its order."""
        here, there = pair()
        there.receive(only_data(here.wake(now=11.0)), now=11.0)
        found = totals(there.traffic, 3, 40, 50)
        self.assertEqual(found[0], 3)
        self.assertEqual(found[2], there.traffic.n_packets_received)
        self.assertEqual(found[4:], (40, 50))
