# SPDX-License-Identifier: MIT
"""Tests of payload packets: two ends of traffic, without a handshake."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Channel,
    ConnectionConfig,
    DeliveryMode,
    Link,
    TokenBucket,
)
from gamenet.connection.envelopes import StreamEnvelope
from gamenet.connection.frames import (
    CLOSE,
    CONTROL,
    PATH_CHALLENGE,
    PATH_RESPONSE,
    PING,
)
from gamenet.connection.lanes import MAX_UNRELIABLE_WAITING
from gamenet.connection.traffic import (
    FLUSH_INTERVAL,
    MAX_CONTROLS,
    MAX_PACKETS_PER_FLUSH,
    Traffic,
)
from gamenet.errors import CloseReason, RemoteProtocolError
from tests.connection.network import RECEIPTS, SIX
from tests.connection.traffics import End, content, fields, only_data, packet, pair

RELIABLE, UNRELIABLE = 0, 1
HI = bytes((UNRELIABLE, 2)) + b"hi"


def control(kind: int, body: bytes = b"") -> bytes:
    """Return a control frame."""
    return bytes((CONTROL << 5 | kind,)) + body


class SendingTests(SynchronousTestCase):
    """Messages share packets, in the order of their lanes."""

    def test_first_packet(self) -> None:
        """The first packet goes out at once, empty, and says that nothing came."""
        end = End(max_packet_size=0)
        self.assertTrue(end.traffic.has_news)
        [first] = end.packets()
        self.assertEqual(fields(first)[::2], (0, 0))
        self.assertEqual(content(first), b"")
        self.assertEqual(end.packets(), [])
        self.assertFalse(end.traffic.has_news)

    def test_before_the_first_link(self) -> None:
        """Without a link nothing goes out, and nothing is due."""
        end = End()
        traffic = Traffic(ConnectionConfig(), end.events)
        self.assertEqual(traffic.packets(now=1.0), [])
        self.assertEqual(traffic.packets_within(9999, now=1.0), [])
        self.assertIsNone(traffic.next_timeout())
        self.assertEqual(traffic.receive(packet(0), now=1.0), "early")
        self.assertFalse(traffic.has_news)
        self.assertEqual(traffic.budget(1.0), 0.0)
        traffic.control(PING, b"")
        traffic.handle_timeout(now=1.0)

    def test_share_a_packet(self) -> None:
        """Small messages of all channels share one packet."""
        here, there = pair(max_packet_size=0)
        for n in range(20):
            here.send(n % 2, b"message %d" % n)
        [data] = here.packets()
        there.receive([data])
        self.assertEqual(len(there.received()), 20)

    def test_packet_size(self) -> None:
        """No packet is larger than allowed, and large messages fill theirs."""
        for size in (576, 1200, 1222):
            here, there = pair(packet_size=size, max_packet_size=0)
            here.send(RELIABLE, bytes(20000))
            here.send(UNRELIABLE, bytes(size - 64))
            n_bytes = 0
            for n in range(100):
                now = 10.0 + n / 50
                packets = here.wake(now)
                self.assertLessEqual(max(map(len, packets), default=0), size)
                n_bytes += sum(map(len, packets))
                there.receive(packets, now=now)
                here.receive(there.wake(now + 0.01), now=now + 0.01)
            self.assertEqual(sorted(map(len, there.received())), [size - 64, 20000])
            self.assertLess(n_bytes, 1.1 * (20_000 + size))

    def test_message_ids(self) -> None:
        """Messages are numbered from 1, over all channels."""
        here, _ = pair()
        ids = [*here.send(0, b""), *here.send(1, b"", b""), *here.send(0, b"")]
        self.assertEqual(ids, [1, 2, 3, 4])

    def test_flush_is_limited(self) -> None:
        """One flush sends so many packets; on a stream the next is due soon after."""
        here, there = pair(Link.STREAM, max_queue=1 << 24)
        here.send(RELIABLE, *[bytes(1100)] * (MAX_PACKETS_PER_FLUSH + 2), now=11.0)
        first = here.packets(now=11.0)
        self.assertEqual(len(first), MAX_PACKETS_PER_FLUSH)
        self.assertAlmostEqual(here.due(), 11.0 + FLUSH_INTERVAL)
        second = here.wake(11.01)
        self.assertEqual(len(second), 2)
        there.receive(first + second, now=11.02)
        self.assertEqual(len(there.received()), MAX_PACKETS_PER_FLUSH + 2)

    def test_last_packets(self) -> None:
        """Before a farewell a stream sends all that the window allows."""
        for link, is_all in ((Link.STREAM, True), (Link.DATAGRAM, False)):
            here, _ = pair(link, max_packet_size=0)
            here.send(RELIABLE, *[bytes(1100)] * 300)
            n_packets = len(here.traffic.last_packets(now=11.0))
            self.assertEqual(n_packets == 300, is_all)
            self.assertGreater(n_packets, 0)

    def test_no_packet_twice(self) -> None:
        """Lists of packets are given away: to add to one changes no other."""
        here, _ = pair(max_packet_size=0)
        nothing = here.traffic.packets(now=10.0)
        nothing.append(b"of somebody else")
        self.assertEqual(here.traffic.packets(now=10.0), [])

    def test_unreliable_is_not_kept(self) -> None:
        """What could not leave because the window is closed makes room for newer."""
        here, there = pair()
        for n in range(MAX_UNRELIABLE_WAITING + 200):
            here.send(UNRELIABLE, b"%d" % n + bytes(1000))
            there.receive(here.packets())
        lane = here.traffic.outbox.lanes[UNRELIABLE]
        self.assertGreater(lane.counts.discarded, 50)
        self.assertEqual(there.received()[0][:1], b"0")

    def test_controls_are_limited(self) -> None:
        """A peer that asks without end is answered a few times in each packet."""
        _, there = pair(max_packet_size=0)
        challenge = control(PATH_CHALLENGE, bytes(8))
        for n in range(1, 20):
            there.receive([packet(n, *[challenge] * 100)])
        answers = there.packets()
        self.assertLessEqual(
            content(answers[-1]).count(control(PATH_RESPONSE, bytes(8))), MAX_CONTROLS
        )
        self.assertLess(sum(map(len, answers)), 300)


class HoldingTests(SynchronousTestCase):
    """With Nagle's time, what is less than a packet waits for company."""

    def setUp(self) -> None:
        self.here, self.there = pair(nagle=0.05, max_packet_size=0)

    def test_waits(self) -> None:
        """A small message waits for its time, and no longer."""
        self.here.send(RELIABLE, b"one", now=10.0)
        self.assertEqual(self.here.packets(now=10.0), [])
        self.here.send(RELIABLE, b"two", now=10.02)
        self.assertEqual(self.here.packets(now=10.02), [])
        self.assertAlmostEqual(self.here.due(), 10.05)
        [data] = self.here.wake(10.05)
        self.there.receive([data])
        self.assertEqual(self.there.received(), [b"one", b"two"])

    def test_flush(self) -> None:
        """A flush ends the wait."""
        self.here.send(RELIABLE, b"one", now=10.0)
        self.here.traffic.flush()
        self.assertEqual(len(self.here.packets(now=10.0)), 1)

    def test_full_packet(self) -> None:
        """What fills a packet does not wait."""
        self.here.send(RELIABLE, bytes(600), bytes(600), now=10.0)
        self.assertGreaterEqual(len(self.here.packets(now=10.0)), 1)

    def test_goes_along(self) -> None:
        """A packet that goes in any case takes along what waits."""
        self.here.wake(10.1)
        self.here.send(RELIABLE, b"one", now=10.199)
        self.here.traffic.handle_timeout(now=10.2)
        [data] = self.here.packets(now=10.2)
        self.assertIn(b"one", data)

    def test_time_goes_on(self) -> None:
        """When what waited has gone along, its time is over, and nothing loops."""
        self.here.send(RELIABLE, b"one", now=10.09)
        self.here.wake(10.1)
        for _ in range(20):
            self.here.wake(self.here.due())

    def test_thrown_away(self) -> None:
        """What waited and was thrown away is waited for no more."""
        self.here.send(UNRELIABLE, b"one", now=10.01)
        self.here.traffic.outbox.drop_unreliable()
        for _ in range(20):
            self.here.wake(self.here.due())

    def test_each_has_its_time(self) -> None:
        """The time begins anew with what comes after a packet has left."""
        self.here.send(RELIABLE, b"one", now=10.09)
        self.assertIn(b"one", self.here.wake(10.1)[0])
        self.here.send(RELIABLE, b"two", now=10.11)
        self.assertEqual(self.here.packets(now=10.14), [])
        self.assertIn(b"two", self.here.packets(now=10.16)[0])


class LimitTests(SynchronousTestCase):
    """What leaves in a second is limited, for one connection and for all."""

    def sent(self, ends: list[End], seconds: float) -> list[int]:
        """Let ends send as much as they may; return how many bytes each did."""
        totals = [0] * len(ends)
        now, end = 10.0, 10.0 + seconds
        while now < end:
            for n, each in enumerate(ends):
                waiting = each.traffic.outbox.queued_bytes
                if waiting < 100_000:
                    each.send(RELIABLE, *[bytes(1000)] * 50, now=now)
                each.traffic.handle_timeout(now=now)
                packets = each.packets(now)
                totals[n] += sum(map(len, packets))
                for data in packets:
                    sequence = fields(data)[0]
                    ack = packet(sequence, ack=sequence, bits=0xFFFFFFFF)
                    each.traffic.receive(ack, now=now)
            now += 0.005
        return totals

    def test_connection(self) -> None:
        """A limit of a connection holds over datagrams and streams."""
        for link in Link:
            end = End(link, bandwidth=50_000.0, max_packet_size=0)
            [total] = self.sent([end], 10.0)
            self.assertLess(total, 505_000 + 2500)
            self.assertGreater(total, 450_000)

    def test_shared(self) -> None:
        """A limit of all connections together holds for their sum."""
        shared = TokenBucket(100_000.0, 5000.0)
        ends = [End(link, shared, max_packet_size=0) for link in Link]
        total = sum(self.sent(ends, 10.0))
        self.assertLess(total, 1_010_000 + 5000)
        self.assertGreater(total, 900_000)

    def test_both(self) -> None:
        """The smaller of both limits holds."""
        shared = TokenBucket(100_000.0, 5000.0)
        end = End(shared=shared, bandwidth=20_000.0, max_packet_size=0)
        [total] = self.sent([end], 5.0)
        self.assertLess(total, 101_000 + 2500)

    def test_budget(self) -> None:
        """What may leave now is known to whoever sends."""
        end = End(bandwidth=50_000.0, max_packet_size=0)
        before = end.traffic.budget(10.0)
        self.assertTrue(2000 < before <= 5000)
        end.send(RELIABLE, *[bytes(1000)] * 20)
        end.packets(10.0)
        self.assertLessEqual(end.traffic.budget(10.0), 0.0)
        self.assertGreater(end.traffic.budget(10.2), 0.0)
        self.assertGreater(End(Link.STREAM).traffic.budget(10.0), 1e6)

    def test_wakes_when_it_may(self) -> None:
        """What is held back asks for the moment at which it may go."""
        end = End(Link.STREAM, bandwidth=10_000.0)
        end.send(RELIABLE, *[bytes(1000)] * 20)
        end.packets(10.0)
        moments = []
        while end.traffic.outbox.has_frames:
            moments.append(end.due())
            end.wake(moments[-1])
        self.assertTrue(11.5 < moments[-1] < 12.0)
        self.assertLess(len(moments), 60)

    def test_smaller_than_heartbeats(self) -> None:
        """A limit that heartbeats alone would use up lets messages out, too."""
        here, there = End(bandwidth=100.0), End()
        n_received, n_bytes = 0, 0
        for n in range(3000):
            now = 10.0 + n / 50
            if n % 50 == 0:
                here.send(RELIABLE, bytes(20), now=now)
            packets = here.wake(now)
            n_bytes += sum(map(len, packets))
            there.receive(packets, now)
            n_received += len(there.received())
            here.receive(only_data(there.wake(now)), now)
        self.assertGreater(n_received, 50)
        self.assertLess(n_bytes, 60 * 100 + 3000)

    def test_padding_counts(self) -> None:
        """Probes and padding are bytes like any other."""
        end = End(bandwidth=50_000.0)
        before = end.traffic.budget(10.0)
        data = end.packets(10.0)
        self.assertEqual(max(map(len, data)), 1349)
        end.traffic.move(2, 10.0)
        after = end.traffic.budget(10.0)
        self.assertEqual(before - after, sum(map(len, data)) + len(data) + 2 * 1200)


class UrgentTests(SynchronousTestCase):
    """What is urgent does not wait for acks of what is not."""

    CHANNELS = (
        Channel(0, DeliveryMode.RELIABLE_ORDERED, priority=1),
        Channel(1, DeliveryMode.RELIABLE_ORDERED),
    )

    def test_reserve(self) -> None:
        """When the window is full of a large message, small ones still leave."""
        here, there = pair(channels=self.CHANNELS, max_packet_size=0)
        here.send(1, bytes(60_000))
        now = 10.0
        while here.packets(now) or here.link.congestion.budget(now) > 0:
            now += 0.01
        here.send(0, b"urgent", now=now)
        [data] = here.packets(now)
        there.receive([data], now)
        self.assertEqual(there.received(), [b"urgent"])
        self.assertLess(len(data), 600)

    def test_reserve_is_small(self) -> None:
        """No more than a packet's worth leaves without an ack."""
        here, _ = pair(channels=self.CHANNELS, max_packet_size=0)
        here.send(1, bytes(60_000))
        for n in range(300):
            here.send(0, bytes(100), now=10.0 + n / 1000)
            here.packets(10.0 + n / 1000)
        congestion = here.link.congestion
        self.assertLess(congestion.in_flight, congestion.window + 2 * 1200)

    def test_equals_wait(self) -> None:
        """Nothing is urgent beside what has the same priority."""
        here, _ = pair(max_packet_size=0)
        here.send(0, bytes(60_000))
        now = 10.0
        while here.packets(now) or here.link.congestion.budget(now) > 0:
            now += 0.01
        here.send(1, b"not urgent", now=now)
        self.assertEqual(here.packets(now), [])


class UnprovedTests(SynchronousTestCase):
    """Where the peer may not be, no more goes than it is allowed."""

    @given(st.integers(0, 6000), st.integers(0, 20), st.booleans(), st.integers(0, 9))
    def test_never_more(
        self, credit: int, n_messages: int, is_asked: bool, n_rides: int
    ) -> None:
        """No more bytes go out than the credit, whatever waits."""
        here, _ = pair()
        for _ in range(n_rides):
            here.send(RELIABLE, bytes(60))
            here.packets()
        here.send(RELIABLE, *[bytes(900)] * n_messages)
        if is_asked:
            here.traffic.control(PATH_CHALLENGE, bytes(8))
        packets = here.traffic.packets_within(credit, now=10.0)
        self.assertLessEqual(sum(map(len, packets)), credit)

    def test_the_question_goes_first(self) -> None:
        """A little credit suffices to ask whether the peer is there."""
        here, _ = pair()
        here.send(RELIABLE, *[bytes(900)] * 5)
        here.traffic.control(PATH_CHALLENGE, b"question")
        [data] = here.traffic.packets_within(78, now=10.0)
        self.assertIn(b"question", data)
        self.assertEqual(here.traffic.packets_within(78, now=10.0), [])

    def test_nothing_is_lost(self) -> None:
        """What waited goes out when the place is proved."""
        here, there = pair(max_packet_size=0)
        sent = [b"%d" % n + bytes(900) for n in range(5)]
        here.send(RELIABLE, *sent)
        for n in range(3):
            packets = here.traffic.packets_within(1300, now=10.0 + n / 20)
            there.receive([data[1:] for data in packets], now=10.0 + n / 20)
        for n in range(4, 20):
            there.receive(here.wake(10.0 + n / 20), now=10.0 + n / 20)
            here.receive(there.wake(10.04 + n / 20), now=10.04 + n / 20)
        self.assertEqual(there.received(), sent)


class ReceivingTests(SynchronousTestCase):
    """A packet is taken whole, or nothing of it."""

    def setUp(self) -> None:
        self.end = End(max_packet_size=0)
        self.end.packets()

    def refused(self, data: bytes, link: Link = Link.DATAGRAM) -> str:
        """Return why a packet is malformed, after checking that nothing was taken."""
        end = End(link, max_packet_size=0)
        end.packets()
        error = self.assertRaises(
            RemoteProtocolError, end.traffic.receive, data, now=11.0
        )
        self.assertEqual(end.received(), [])
        self.assertEqual(end.traffic.n_packets_received, 0)
        self.assertEqual(end.link.acks.ack_bits, 0)
        self.assertFalse(end.link.is_broken)
        return str(error)

    def test_truncated_header(self) -> None:
        """A packet shorter than its header is malformed."""
        for length in range(len(packet(0))):
            self.refused(packet(0)[:length])

    def test_malformed_frames(self) -> None:
        """One bad frame makes the whole packet malformed."""
        for bad in (b"\x01", b"\x01\x05xx", b"\x00\x00\x00", b"\x02\x00", b"\xff"):
            self.refused(packet(0, HI, bad))

    def test_empty_messages(self) -> None:
        """Messages of no bytes are messages."""
        self.end.receive([packet(0, b"\x01\x00", b"\x40\x00\x00\x02\x00\x00")])
        self.assertEqual(self.end.received(), [b"", b"", b""])

    def test_duplicate(self) -> None:
        """A known sequence, and one too old to tell, do nothing."""
        answers = self.end.receive([packet(0, HI), packet(0, HI), packet(40000, HI)])
        self.assertEqual(answers, ["", "duplicate", "duplicate"])
        self.assertEqual(self.end.received(), [b"hi"])

    def test_ack_of_nothing_sent(self) -> None:
        """An ack of a packet that was never sent is malformed."""
        for ack in (1, 2, 30000, 40000, 0xFFFF):
            message = self.refused(packet(0, HI, ack=ack, bits=1))
            self.assertIn(f"packet {ack}, which was never sent", message)
        self.assertEqual(self.end.receive([packet(0, ack=0, bits=1)]), [""])

    def test_beyond_window(self) -> None:
        """A sequence beyond the window is malformed, in a run and as a piece."""
        self.refused(packet(0, HI, b"\x40\x00\x50\x01\x01x"))
        self.refused(packet(0, HI, b"\x60\x00\x50\x00\x00\x02\x00\x01x"))

    def test_sequence_jump(self) -> None:
        """A jump of packet sequences is counted as missed, and does no harm."""
        self.end.receive([packet(0), packet(32767, HI), packet(65534, HI), packet(100)])
        self.assertEqual(self.end.received(), [b"hi", b"hi"])
        self.assertEqual(self.end.traffic.n_missed, 32766 * 2 + 101)

    def test_broken(self) -> None:
        """What shows itself as wrong while it is taken breaks the connection."""
        piece = b"\x60\x00\x00\x00\x00\x03\x00\x01x"
        message = b"\x40\x01\x00\x01\x01y"
        error = self.assertRaises(
            RemoteProtocolError,
            self.end.traffic.receive,
            packet(0, piece, message),
            now=10.0,
        )
        self.assertIs(error.reason, CloseReason.MALFORMED)
        self.assertTrue(self.end.link.is_broken)

    def test_too_large(self) -> None:
        """A message above the limit is told apart from what is malformed."""
        here, there = End(max_packet_size=0), End(max_message=2000)
        here.send(RELIABLE, bytes(2001))
        error = self.assertRaises(RemoteProtocolError, there.receive, here.packets())
        self.assertIs(error.reason, CloseReason.MESSAGE_TOO_LARGE)

    def test_reordered(self) -> None:
        """Unreliable messages are delivered as they come, reliable ones in order."""
        here, there = pair(redundancy=0, max_packet_size=0)
        packets = []
        for n in range(3):
            here.send(RELIABLE, b"r%d" % n)
            here.send(UNRELIABLE, b"u%d" % n)
            packets += here.packets()
        there.receive(packets[::-1])
        received = there.received()
        reliable = [m for m in received if m.startswith(b"r")]
        unreliable = [m for m in received if m.startswith(b"u")]
        self.assertEqual(reliable, [b"r0", b"r1", b"r2"])
        self.assertEqual(unreliable, [b"u2", b"u1", b"u0"])

    def test_ride_along(self) -> None:
        """A lost packet costs nothing where the next one repeats what was in it."""
        here, there = pair(max_packet_size=0)
        here.send(RELIABLE, b"first")
        here.packets(now=10.0)
        here.send(RELIABLE, b"second")
        there.receive(here.packets(now=10.016))
        self.assertEqual(there.received(), [b"first", b"second"])

    def test_control_frames(self) -> None:
        """A ping is acknowledged, a challenge answered, a farewell noted."""
        self.end.receive([packet(0, control(PING))])
        self.assertLess(self.end.due(), 10.04)
        self.end.receive([packet(1, control(PATH_CHALLENGE, b"question"))])
        self.assertIn(control(PATH_RESPONSE, b"question"), self.end.packets()[0])
        self.end.receive([packet(2, control(PATH_RESPONSE, b"answered"))])
        self.assertEqual(self.end.link.path_response, b"answered")
        self.end.receive([packet(3, control(CLOSE, b"\x02\x03why"))])
        self.assertEqual(self.end.link.farewell, (2, b"why"))

    def test_another_link(self) -> None:
        """On another link packets count anew, and what was not acked goes again."""
        here, there = pair(channels=SIX, max_packet_size=0)
        numbers = [here.send(channel, b"%d" % channel)[0] for channel in range(6)]
        lost = here.packets()
        self.assertEqual(len(lost), 1)
        for end in (here, there):
            end.traffic.begin(StreamEnvelope(), Link.STREAM, now=12.0)
        [data] = here.packets(now=12.0)
        self.assertEqual(fields(data)[::2], (0, 0))
        there.receive([data], now=12.0)
        self.assertEqual(sorted(there.received()), [b"3", b"4", b"5"])
        self.assertEqual(here.lost(), [numbers[RECEIPTS]])
        here.receive(there.wake(12.1), now=12.1)
        self.assertEqual(sorted(here.acked()), numbers[3:])
        self.assertEqual(here.lost(), [numbers[RECEIPTS]])


class ChannelTests(SynchronousTestCase):
    """Channels do not hold each other back, or share sequences."""

    def test_many_channels(self) -> None:
        """The highest channel number works as the lowest does."""
        channels = tuple(Channel(n, DeliveryMode.RELIABLE_ORDERED) for n in (0, 5, 30))
        here, there = pair(channels=channels, max_packet_size=0)
        for n in (30, 0, 5):
            here.send(n, b"%d" % n)
        there.receive(here.packets())
        self.assertEqual(sorted(there.received()), [b"0", b"30", b"5"])
