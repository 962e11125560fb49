# SPDX-License-Identifier: MIT
"""Tests of payload packets: two ends of traffic, without a handshake."""

from __future__ import annotations

from collections import deque

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Channel,
    ConnectionConfig,
    DeliveryMode,
    Event,
    Link,
    MessageAcked,
    MessageReceived,
)
from gamenet.connection.packets import HEADER, PAYLOAD
from gamenet.connection.traffic import (
    ACK_DELAY,
    FLUSH_INTERVAL,
    MAX_PACKETS_PER_FLUSH,
    MAX_UNRELIABLE_WAITING,
    Traffic,
)
from gamenet.errors import CloseReason, LocalProtocolError, RemoteProtocolError

TAG = 77
RELIABLE, UNRELIABLE = 0, 1


class End:
    """One end of traffic that has begun at 10.0."""

    def __init__(self, link: Link = Link.DATAGRAM, **settings) -> None:
        self.events: deque[Event] = deque()
        self.traffic = Traffic(ConnectionConfig(**settings), link, self.events)
        self.traffic.begin(TAG, now=10.0)

    def send(self, channel: int, *payloads: bytes) -> None:
        """Send messages."""
        for payload in payloads:
            self.traffic.send(channel, payload)

    def packets(self, now: float = 10.0) -> list[bytes]:
        """Return what is to go out."""
        return self.traffic.packets(now=now)

    def receive(self, packets: list[bytes], now: float = 10.0) -> list[str]:
        """Take packets; return why each was dropped."""
        return [self.traffic.receive(packet, now=now) for packet in packets]

    def received(self) -> list[bytes]:
        """Return the messages that came since the last call."""
        events, payloads = list(self.events), []
        self.events.clear()
        for event in events:
            if isinstance(event, MessageReceived):
                payloads.append(event.payload)
            else:
                self.events.append(event)
        return payloads

    def acked(self) -> list[int]:
        """Return which messages were acknowledged so far."""
        return [e.message_id for e in self.events if isinstance(e, MessageAcked)]


def packet(sequence: int, *frames: bytes, ack: int = 0xFFFF, bits: int = 0) -> bytes:
    """Return a payload packet made by hand."""
    return HEADER.pack(PAYLOAD, TAG, sequence, ack, bits) + b"".join(frames)


def fields(data: bytes) -> tuple[int, int, int]:
    """Return sequence, ack and ack bits of a packet."""
    _, _, sequence, ack, bits = HEADER.unpack_from(data)
    return sequence, ack, bits


def pair(link: Link = Link.DATAGRAM, **settings) -> tuple[End, End]:
    """Return two ends that have said their first packets."""
    here, there = End(link, **settings), End(link, **settings)
    there.receive(here.packets())
    here.receive(there.packets())
    return here, there


class SendingTests(SynchronousTestCase):
    """Messages share packets; reliable ones go first."""

    def test_first_packet(self) -> None:
        """The first packet goes out at once, empty, and acknowledges nothing."""
        end = End()
        self.assertTrue(end.traffic.has_news)
        [first] = end.packets()
        self.assertEqual((len(first), fields(first)), (17, (0, 0xFFFF, 0)))
        self.assertEqual(end.packets(), [])
        self.assertFalse(end.traffic.has_news)

    def test_bytes(self) -> None:
        """The bytes are those of the standard."""
        here, _ = pair()
        here.send(UNRELIABLE, b"hi")
        here.send(RELIABLE, b"yes")
        [data] = here.packets()
        header = "054d000000000000000100000000000000"
        self.assertEqual(data.hex(), header + "2000000300796573" + "0102006869")

    def test_share_a_packet(self) -> None:
        """Small messages of all channels share one packet."""
        here, there = pair()
        for n in range(20):
            here.send(n % 2, b"message %d" % n)
        packets = here.packets()
        self.assertEqual(len(packets), 1)
        there.receive(packets)
        self.assertEqual(len(there.received()), 20)

    def test_packet_size(self) -> None:
        """No packet is larger than allowed, and large messages fill theirs."""
        for size in (576, 1200, 9000):
            here, there = pair(packet_size=size)
            here.send(RELIABLE, bytes(20000))
            here.send(UNRELIABLE, bytes(size - 20))
            packets = here.packets()
            self.assertLessEqual(max(map(len, packets)), size)
            self.assertEqual(len(packets[0]), size)
            there.receive(packets)
            self.assertEqual(
                sorted(map(len, there.received())), sorted([20000, size - 20])
            )

    def test_unreliable_too_large(self) -> None:
        """An unreliable message must fit a packet; the error says by how much."""
        here, _ = pair()
        here.send(UNRELIABLE, bytes(1180))
        error = self.assertRaises(
            LocalProtocolError, here.send, UNRELIABLE, bytes(1181)
        )
        self.assertIn("1181 bytes on channel 1: the limit is 1180", str(error))
        self.assertEqual(here.traffic.n_messages_sent, 1)

    def test_reliable_too_large(self) -> None:
        """A reliable message has a limit, too."""
        here, _ = pair(max_message=100)
        here.send(RELIABLE, bytes(100))
        error = self.assertRaises(LocalProtocolError, here.send, RELIABLE, bytes(101))
        self.assertIn("the limit is 100", str(error))

    def test_unknown_channel(self) -> None:
        """A channel that is not configured is refused, with those that are."""
        here, _ = pair()
        error = self.assertRaises(LocalProtocolError, here.send, 7, b"")
        self.assertIn("channel 7 is not configured: use one of [0, 1]", str(error))

    def test_message_ids(self) -> None:
        """Messages are numbered from 1, over all channels."""
        here, _ = pair()
        ids = [here.traffic.send(n % 2, b"") for n in range(4)]
        self.assertEqual(ids, [1, 2, 3, 4])

    def test_old_unreliable_make_room(self) -> None:
        """Of too many unreliable messages the oldest are dropped and counted."""
        here, there = pair()
        here.send(UNRELIABLE, *[b"%d" % n for n in range(MAX_UNRELIABLE_WAITING + 3)])
        self.assertEqual(here.traffic.n_unreliable_dropped, 3)
        there.receive(here.packets())
        self.assertEqual(there.received()[0], b"3")

    def test_drop_unreliable(self) -> None:
        """Unreliable messages can be thrown away unsent, reliable ones cannot."""
        here, there = pair()
        here.send(UNRELIABLE, b"a", b"b")
        here.send(RELIABLE, b"c")
        self.assertEqual(here.traffic.drop_unreliable(), 2)
        self.assertEqual(here.traffic.n_unreliable_dropped, 2)
        there.receive(here.packets())
        self.assertEqual(there.received(), [b"c"])

    def test_overfull(self) -> None:
        """The queue is full by its bytes or, for tiny messages, by their number."""
        here, _ = pair(max_queue=2000)
        here.send(RELIABLE, bytes(1990))
        self.assertFalse(here.traffic.is_overfull)
        here.send(RELIABLE, b"")
        self.assertTrue(here.traffic.is_overfull)
        here, _ = pair(max_queue=6400)
        here.send(RELIABLE, *[b""] * 100)
        self.assertFalse(here.traffic.is_overfull)
        here.send(RELIABLE, b"")
        self.assertTrue(here.traffic.is_overfull)

    def test_flush_is_limited(self) -> None:
        """One flush sends so many packets; the next is due soon after."""
        here, there = pair()
        here.send(UNRELIABLE, *[bytes(1180)] * (MAX_PACKETS_PER_FLUSH + 2))
        first = here.packets(now=11.0)
        self.assertEqual(len(first), MAX_PACKETS_PER_FLUSH)
        self.assertAlmostEqual(here.traffic.next_timeout(), 11.0 + FLUSH_INTERVAL)
        second = here.packets(now=11.01)
        self.assertEqual(len(second), 2)
        self.assertAlmostEqual(here.traffic.next_timeout(), 11.11)
        there.receive(first + second, now=11.02)
        self.assertEqual(len(there.received()), MAX_PACKETS_PER_FLUSH + 2)

    def test_last_packets(self) -> None:
        """Before a farewell a stream sends all of it, datagrams one flush."""
        for link, expected in ((Link.STREAM, 200), (Link.DATAGRAM, 64)):
            here, _ = pair(link)
            here.send(RELIABLE, *[bytes(1178)] * 200)
            self.assertEqual(len(here.traffic.last_packets(now=11.0)), expected)

    def test_many_channels(self) -> None:
        """Reliable channels do not hold each other back, or share sequences."""
        channels = tuple(Channel(n, DeliveryMode.RELIABLE_ORDERED) for n in (0, 5, 31))
        here, there = pair(channels=channels)
        for n in (31, 0, 5):
            here.send(n, b"%d" % n)
        there.receive(here.packets())
        self.assertEqual(there.received(), [b"0", b"5", b"31"])


class ReceivingTests(SynchronousTestCase):
    """A packet is taken whole, or nothing of it."""

    def setUp(self) -> None:
        self.end = End()
        self.end.packets()

    def refused(self, data: bytes, link: Link = Link.DATAGRAM) -> str:
        """Return why a packet is malformed, after checking that nothing was taken."""
        end = End(link)
        end.packets()
        error = self.assertRaises(
            RemoteProtocolError, end.traffic.receive, data, now=11
        )
        self.assertEqual(end.received(), [])
        self.assertEqual(end.traffic.n_packets_received, 0)
        self.assertEqual(end.traffic.acks.newest, 0xFFFF)
        return str(error)

    def test_truncated_header(self) -> None:
        """A packet shorter than its header is malformed."""
        for length in range(1, 17):
            self.assertIn(f"{length} bytes", self.refused(packet(0)[:length]))

    def test_malformed_frames(self) -> None:
        """One bad frame makes the whole packet malformed."""
        good = b"\x01\x01\x00x"
        for bad in (b"\x01", b"\x01\x05\x00xx", b"\x00\x00\x00", b"\x02\x00\x00"):
            self.refused(packet(0, good, bad))

    def test_empty_messages(self) -> None:
        """Messages of no bytes are messages."""
        frames = [b"\x01\x00\x00", b"\x20\x00\x00\x00\x00"]
        self.end.receive([packet(0, *frames)])
        self.assertEqual(self.end.received(), [b"", b""])

    def test_foreign_and_duplicate(self) -> None:
        """Another tag and a known sequence are told apart, and do nothing."""
        data = packet(0, b"\x01\x01\x00x")
        foreign = bytearray(data)
        foreign[1] ^= 1
        answers = self.end.receive([bytes(foreign), data, data, packet(40000)])
        self.assertEqual(answers, ["foreign_tag", "", "duplicate", "duplicate"])
        self.assertEqual(self.end.received(), [b"x"])

    def test_ack_of_nothing_sent(self) -> None:
        """An ack of a packet that was never sent is malformed."""
        message = self.refused(packet(0, ack=1))
        self.assertIn("packet 1, which was never sent", message)
        self.refused(packet(0, ack=30000))
        self.assertEqual(self.end.receive([packet(0, ack=0)]), [""])

    def test_beyond_window(self) -> None:
        """A fragment beyond the window is malformed on datagrams."""
        self.refused(packet(0, b"\x20\x00\x01\x00\x00"))
        self.end.receive([packet(0, b"\x20\xff\x00\x00\x00")])
        self.assertEqual(self.end.received(), [])

    def test_gap_on_stream(self) -> None:
        """On a stream a fragment that is not the next one ends the connection."""
        end = End(Link.STREAM)
        frames = b"\x20\x00\x00\x00\x00", b"\x20\x01\x00\x00\x00"
        self.assertEqual(end.receive([packet(0, *frames)]), [""])
        late = packet(1, b"\x20\x03\x00\x00\x00")
        self.assertRaises(RemoteProtocolError, end.receive, [late])

    def test_too_large(self) -> None:
        """A message above the limit is told apart from what is malformed."""
        here, _ = End(), None
        there = End(max_message=2000)
        here.send(RELIABLE, bytes(2001))
        error = self.assertRaises(RemoteProtocolError, there.receive, here.packets())
        self.assertIs(error.reason, CloseReason.MESSAGE_TOO_LARGE)

    def test_reordered(self) -> None:
        """Unreliable messages are delivered as they come, reliable ones in order."""
        here, there = pair()
        packets = []
        for n in range(3):
            here.send(RELIABLE, b"r%d" % n)
            here.send(UNRELIABLE, b"u%d" % n)
            packets += here.packets()
        there.receive(packets[::-1])
        expected = [b"u2", b"u1", b"r0", b"r1", b"r2", b"u0"]
        self.assertEqual(there.received(), expected)


class AckingTests(SynchronousTestCase):
    """What came is acknowledged in time, and what did not is sent again."""

    def test_ack_delay(self) -> None:
        """A packet with frames is acknowledged within 25 ms, an empty one is not."""
        here, there = pair()
        there.receive(here.packets(), now=20.0)
        heartbeat = there.traffic.next_timeout()
        here.send(UNRELIABLE, b"x")
        there.receive(here.packets(), now=10.01)
        due = there.traffic.next_timeout()
        self.assertLess(due, heartbeat)
        self.assertAlmostEqual(due, 10.01 + ACK_DELAY)
        there.traffic.handle_timeout(now=due - 1e-6)
        self.assertEqual(there.packets(due - 1e-6), [])
        there.traffic.handle_timeout(now=due)
        [ack] = there.packets(due)
        self.assertEqual(fields(ack)[1:], (1, 1))
        self.assertAlmostEqual(there.traffic.next_timeout(), due + 0.1)

    def test_ack_is_not_put_off(self) -> None:
        """Further packets do not put an ack off: the first one sets the time."""
        here, there = pair()
        for n in range(1, 4):
            here.send(UNRELIABLE, b"x")
            there.receive(here.packets(), now=10.0 + n / 100)
        self.assertAlmostEqual(there.traffic.next_timeout(), 10.01 + ACK_DELAY)

    def test_marked_once(self) -> None:
        """What was marked as due is not asked for again, though it is not taken yet."""
        here, there = pair()
        here.send(RELIABLE, b"x")
        here.packets()
        there.send(UNRELIABLE, b"y")
        here.receive(there.packets())
        while (due := here.traffic.next_timeout()) < 20.0:
            here.traffic.handle_timeout(now=due)
            self.assertGreater(here.traffic.next_timeout(), due)

    def test_heartbeat(self) -> None:
        """Who has nothing to say says so ten times a second."""
        here, _ = pair()
        for _ in range(5):
            due = here.traffic.next_timeout()
            here.traffic.handle_timeout(now=due)
            [beat] = here.packets(due)
            self.assertEqual(len(beat), 17)
        self.assertAlmostEqual(due, 10.5)

    def test_acked_once(self) -> None:
        """Each reliable message is acknowledged once, an unreliable one never."""
        here, there = pair()
        here.send(RELIABLE, b"a", bytes(5000))
        here.send(UNRELIABLE, b"b")
        there.receive(here.packets())
        there.traffic.handle_timeout(now=10.1)
        acks = there.packets(10.1)
        here.receive(acks)
        here.receive(acks)
        self.assertEqual(here.acked(), [1, 2])

    def test_lost_packet_is_noticed(self) -> None:
        """What a lost packet held goes again, but for unreliable messages."""
        here, there = pair()
        here.send(RELIABLE, b"lost")
        here.send(UNRELIABLE, b"gone")
        here.packets()
        for n in range(3):
            here.send(UNRELIABLE, b"%d" % n)
            there.receive(here.packets())
        there.send(UNRELIABLE, b"with acks")
        here.receive(there.packets())
        self.assertEqual(here.traffic.acks.n_lost, 1)
        self.assertTrue(here.traffic.has_news)
        there.receive(here.packets())
        self.assertEqual(there.received(), [b"0", b"1", b"2", b"lost"])
        self.assertEqual(here.traffic.n_resent, 1)

    def test_silence_resends(self) -> None:
        """What met with silence goes again, later and later, until an ack comes."""
        here, there = pair()
        here.send(RELIABLE, b"hello")
        here.packets(now=10.0)
        now, waits = 10.0, []
        while len(waits) < 5:
            due = here.traffic.next_timeout()
            here.traffic.handle_timeout(now=due)
            [data] = here.packets(due)
            if len(data) > 17:
                waits.append(due - now)
                now = due
        self.assertEqual(
            [round(wait, 3) for wait in waits[1:4]],
            sorted(round(wait, 3) for wait in waits[1:4]),
        )
        self.assertGreater(waits[3], 2 * waits[0])
        there.receive([data], now)
        there.traffic.handle_timeout(now=now + 0.1)
        here.receive(there.packets(now + 0.1), now + 0.1)
        self.assertEqual(here.acked(), [1])
        self.assertLess(here.traffic.rtt.resend_after(), 1.0)

    def test_burst_is_acknowledged_whole(self) -> None:
        """Of a burst longer than one ack can tell, nothing is taken for lost."""
        here, there = pair()
        here.send(RELIABLE, *[bytes(1178)] * 200)
        for n in range(8):
            there.receive(here.packets(now=10.0 + n / 100), 10.0 + n / 100)
            here.receive(there.packets(now=10.0 + n / 100), 10.0 + n / 100)
        self.assertEqual(len(there.received()), 200)
        there.traffic.handle_timeout(now=10.2)
        here.receive(there.packets(now=10.2), 10.2)
        self.assertEqual(here.acked(), list(range(1, 201)))
        self.assertEqual((here.traffic.n_resent, here.traffic.acks.n_lost), (0, 0))

    def test_prompt_acks(self) -> None:
        """Each 32 packets that come without a word of ours make one ack at once."""
        _, there = pair()
        for n in range(1, 101):
            there.traffic.receive(packet(n), now=10.0)
        acks = [fields(data)[1] for data in there.packets()]
        self.assertEqual(acks, [32, 64, 96])

    def test_burst_of_a_million(self) -> None:
        """An end that is not drained makes a bounded number of acks."""
        _, there = pair()
        for n in range(1, 40_000):
            there.traffic.receive(packet(n), now=10.0)
        self.assertLessEqual(len(there.packets()), MAX_PACKETS_PER_FLUSH + 1)

    def test_stream_burst(self) -> None:
        """On a stream one ack is of everything before it: nothing is kept or resent."""
        here, there = pair(Link.STREAM)
        here.send(RELIABLE, *[bytes(1178)] * 250)
        for _ in range(5):
            there.receive(here.packets())
        there.traffic.handle_timeout(now=10.1)
        [ack] = there.packets(10.1)
        here.receive([ack], 10.1)
        self.assertEqual(here.acked(), list(range(1, 251)))
        self.assertEqual(here.traffic.queued_bytes, 0)
        self.assertEqual(here.traffic.acks.n_lost, 0)

    def test_stream_resends_nothing(self) -> None:
        """On a stream silence is no reason to send again."""
        here, _ = pair(Link.STREAM)
        here.send(RELIABLE, b"once")
        here.packets()
        for n in range(1, 90):
            here.traffic.handle_timeout(now=10.0 + n / 10)
            for data in here.packets(10.0 + n / 10):
                self.assertEqual(len(data), 17)

    def test_stream_never_acked(self) -> None:
        """A stream's peer that never acknowledges makes nothing grow without end."""
        here, _ = pair(Link.STREAM)
        here.send(RELIABLE, *[b"x"] * 300)
        for n in range(5000):
            here.send(UNRELIABLE, b"x")
            here.packets(10.0 + n / 1000)
        self.assertLessEqual(here.traffic.acks.n_in_flight, 1024)
        self.assertEqual(here.acked(), [])
        sequence = 300 + 5000
        here.receive([packet(1, ack=4000)], 15.0)
        self.assertEqual(len(here.acked()), 256, sequence)

    def test_round_trip(self) -> None:
        """The round trip is from sending a packet to the first ack of it."""
        here, there = pair()
        here.traffic.rtt.smoothed = 0.0
        here.send(UNRELIABLE, b"x")
        there.receive(here.packets(now=11.0), 11.03)
        there.traffic.handle_timeout(now=11.055)
        acks = there.packets(11.055)
        here.receive(acks, 11.08)
        self.assertAlmostEqual(here.traffic.rtt.smoothed, 0.08)

    def test_silent(self) -> None:
        """Silence is counted from the last packet that was accepted."""
        here, there = pair(timeout=1.0)
        self.assertFalse(here.traffic.is_silent(now=10.99))
        self.assertTrue(here.traffic.is_silent(now=11.0))
        there.traffic.handle_timeout(now=10.5)
        [beat] = there.packets(10.5)
        here.receive([beat, beat], 10.6)
        self.assertFalse(here.traffic.is_silent(now=11.5))
        self.assertTrue(here.traffic.is_silent(now=11.6))
