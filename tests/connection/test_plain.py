# SPDX-License-Identifier: MIT
"""Tests of plain netcode peers, which know nothing of gamenet's extension."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Closed,
    ConnectionConfig,
)
from gamenet.connection.frames import SEQUENCED_HEAD, sized
from gamenet.connection.headers import write_header
from gamenet.errors import CloseReason
from gamenet.transport import Impairment
from tests.connection.network import (
    ORDERED,
    SEQUENCED,
    SIX,
    Network,
    messages,
)

LOST = Impairment(loss=1.0)
CONFIG = ConnectionConfig(channels=SIX)


class PlainTests(SynchronousTestCase):
    """A plain netcode peer gets what netcode has, and nothing else."""

    def setUp(self) -> None:
        self.network = Network(CONFIG, is_plain=True).connect()

    def test_connects(self) -> None:
        """It connects without a byte of the extension."""
        self.assertTrue(self.network.is_connected())
        self.assertEqual(self.network.peer.connection_id, 0)
        self.network.run(1.0)
        packets = self.network.sent_up + self.network.sent_down
        self.assertLessEqual({packet[0] & 15 for packet in packets}, set(range(7)))

    def test_all_modes(self) -> None:
        """Messages of all modes pass where both ends know them."""
        for n in range(50):
            for channel in range(6):
                self.network.client.send(channel, b"%d" % n, now=self.network.now)
                self.network.peer.send(channel, b"%d" % n, now=self.network.now)
            self.network.run(1 / 60)
        self.network.run(1.0)
        for events in (self.network.client_events, self.network.server_events):
            for channel in range(6):
                self.assertEqual(len(messages(events, channel)), 50)

    def test_packet_size(self) -> None:
        """No packet is larger than netcode allows, and none is a probe."""
        self.network.client.send(ORDERED, bytes(50_000), now=self.network.now)
        self.network.run(3.0)
        # A payload is up to 1,200 bytes, with prefix, sequence and tag around it.
        self.assertLessEqual(max(map(len, self.network.sent_up[3:])), 1200)
        self.assertEqual(self.network.client.stats().packet_size, 1200)

    def test_fragments(self) -> None:
        """A packet that comes in fragments of reliable 1.0 is put together."""
        client, network = self.network.client, self.network
        network.run(0.5)
        frames = b""
        for n in range(4):
            message = bytes((n,)) * 900
            frames += SEQUENCED_HEAD.pack(SEQUENCED | 1 << 5, n) + sized(message)
        acks = client._traffic.link.acks
        head = write_header(acks.next_sequence, acks.newest, acks.ack_bits)
        pieces = [frames[i : i + 1000] for i in range(0, len(frames), 1000)]
        seal = client._envelope.seal
        for index, piece in enumerate(pieces):
            start = bytes((1, *acks.next_sequence.to_bytes(2, "little")))
            start += bytes((index, len(pieces) - 1)) + (b"" if index else head)
            network.arrive(seal(start + piece))
        network.pump()
        received = messages(network.server_events, SEQUENCED)
        self.assertEqual([message[0] for message in received], [0, 1, 2, 3])

    def test_goodbye(self) -> None:
        """The farewell is netcode's, ten times, and reads as a normal end."""
        network = self.network
        network.run(0.5)
        network.peer.close(CloseReason.KICKED, "go", now=network.now)
        packets = network.peer.datagrams_to_send(now=network.now)
        self.assertEqual([p[0] & 15 for p in packets].count(6), 10)
        network.client.receive_datagram(packets[-1], now=network.now)
        network.pump()
        self.assertEqual(network.client_events[-1], Closed(CloseReason.NORMAL, ""))

    def test_timeout_of_the_token(self) -> None:
        """How long a plain peer may be silent is in its token; negative is for ever."""
        for timeout, seconds in ((2, 2.0), (7, 7.0), (0, 5.0), (-1, 1e9)):
            network = Network(CONFIG, is_plain=True, token_timeout=timeout).connect()
            network.run(0.5)
            network.up = network.down = LOST
            begin = network.now
            for end in network.ends:
                assert end._traffic.link is not None
                end._traffic.link.last_received = begin
            network.run(min(seconds, 60.0) - 0.1)
            self.assertTrue(network.is_connected(), timeout)
            network.run(0.3)
            self.assertEqual(network.is_connected(), timeout < 0)

    def test_address_is_identity(self) -> None:
        """A plain peer is known by its address: it does not move."""
        self.network.run(0.3)
        self.network.move("192.0.2.66:6")
        self.network.run(1.0)
        self.assertEqual(self.network.peer.path, "192.0.2.1:5000")
        self.assertEqual(self.network.peer.stats().migrations, 0)

    def test_cannot_resume(self) -> None:
        """Without the extension a lost link is the end."""
        self.network.up = self.network.down = LOST
        self.network.run(10.0)
        closed = Closed(CloseReason.TIMED_OUT, "")
        self.assertEqual(self.network.client_events[-1], closed)
        self.assertEqual(self.network.server_events[-1], closed)
