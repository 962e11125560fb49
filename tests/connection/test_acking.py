# SPDX-License-Identifier: MIT
"""Tests of what traffic acknowledges, and sends again, and of larger packets."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Link,
)
from gamenet.connection.envelopes import StreamEnvelope
from gamenet.connection.frames import (
    ACK_DELAY,
    CONTROL,
)
from gamenet.connection.linkstate import ACK_WAIT
from gamenet.connection.traffic import (
    MAX_PACKETS_PER_FLUSH,
)
from tests.connection.network import RECEIPTS, SIX
from tests.connection.traffics import End, fields, only_data, packet, pair

RELIABLE, UNRELIABLE = 0, 1


def control(kind: int, body: bytes = b"") -> bytes:
    """Return a control frame."""
    return bytes((CONTROL << 5 | kind,)) + body


class Boundless:
    """Stands in for congestion control, and lets everything out."""

    window, queue_delay, in_flight = 1 << 20, 0.0, 0

    def budget(self, now: float) -> int:
        return 1 << 20

    def sent(self, *arguments: object) -> None:
        """Do nothing."""

    acked = lost = limited = sent


class AckingTests(SynchronousTestCase):
    """What came is acknowledged in time, and what did not is sent again."""

    def test_ack_in_time(self) -> None:
        """What would be sent again is acknowledged soon, an empty packet is not."""
        here, there = pair(max_packet_size=0)
        heartbeat = there.due()
        here.send(RELIABLE, b"x", now=10.01)
        there.receive(here.packets(10.01), now=10.01)
        due = there.due()
        self.assertLess(due, heartbeat)
        self.assertTrue(10.01 < due <= 10.01 + ACK_WAIT)
        there.traffic.handle_timeout(now=due - 1e-6)
        self.assertEqual(there.packets(due - 1e-6), [])
        [ack] = there.wake(due)
        self.assertEqual(fields(ack)[1:], (1, 0b11))

    def test_ack_that_nobody_waits_for(self) -> None:
        """What is sent once is acknowledged with the next packet, at a heartbeat's."""
        here, there = pair(max_packet_size=0)
        heartbeat = there.due()
        here.send(UNRELIABLE, b"x", now=10.01)
        there.receive(here.packets(10.01), now=10.01)
        self.assertEqual(there.due(), heartbeat)
        here, there = pair(channels=SIX, max_packet_size=0)
        here.send(RECEIPTS, b"x", now=10.01)
        there.receive(here.packets(10.01), now=10.01)
        self.assertAlmostEqual(there.due(), 10.01 + ACK_WAIT)

    def test_ack_delay(self) -> None:
        """An ack says how long it has waited, and the round trip is without that."""
        here, there = pair(max_packet_size=0)
        here.send(UNRELIABLE, b"x", now=11.0)
        there.receive(here.packets(now=11.0), 11.03)
        there.send(UNRELIABLE, b"much later", now=11.045)
        [ack] = there.packets(now=11.045)
        self.assertIn(control(ACK_DELAY, (240).to_bytes(2, "little")), ack)
        here.receive([ack], 11.075)
        self.assertAlmostEqual(here.link.rtt.latest, 0.06, places=4)

    def test_ack_delay_lies(self) -> None:
        """A peer that claims to have waited longer than the round trip makes it 0."""
        here, _ = pair(max_packet_size=0)
        here.send(UNRELIABLE, b"x", now=11.0)
        here.packets(now=11.0)
        lie = control(ACK_DELAY, b"\xff\xff")
        here.receive([packet(1, lie, ack=1, bits=3)], 11.05)
        self.assertEqual(here.link.rtt.latest, 0.0)

    def test_ack_is_not_put_off(self) -> None:
        """Further packets do not put an ack off."""
        here, there = pair(max_packet_size=0)
        here.send(UNRELIABLE, b"x")
        there.receive(here.packets(), now=10.01)
        due = there.due()
        for n in range(2, 9):
            here.send(UNRELIABLE, b"x")
            there.receive(here.packets(), now=10.01 + n / 1000)
            self.assertLessEqual(there.due(), due)

    def test_heartbeat(self) -> None:
        """Who has nothing to say says so ten times a second."""
        here, _ = pair(max_packet_size=0)
        for _ in range(5):
            due = here.due()
            [beat] = here.wake(due)
            self.assertLess(len(beat), 16)
        self.assertAlmostEqual(due, 10.5)

    def test_acked_once(self) -> None:
        """Each reliable message is acknowledged once, however often it is said."""
        here, there = pair(channels=SIX, max_packet_size=0)
        numbers = [*here.send(4, b"a", bytes(2000)), *here.send(2, b"b")]
        there.receive(here.packets())
        acks = there.wake(10.1)
        here.receive(acks)
        here.receive(acks)
        self.assertEqual(sorted(here.acked()), numbers)
        self.assertEqual(here.lost(), [])

    def test_lost_packet_is_noticed(self) -> None:
        """What a lost packet held goes again, but for unreliable messages."""
        here, there = pair(redundancy=0, max_packet_size=0)
        here.send(RELIABLE, b"lost")
        here.send(UNRELIABLE, b"gone")
        here.packets(10.0)
        for n in range(3):
            here.send(UNRELIABLE, b"%d" % n)
            there.receive(here.packets(10.1), 10.1)
        here.receive(there.wake(10.15), 10.15)
        self.assertEqual(here.traffic.n_lost, 1)
        self.assertTrue(here.traffic.has_news)
        there.receive(here.packets(10.2), 10.2)
        self.assertEqual(there.received(), [b"0", b"1", b"2", b"lost"])
        self.assertEqual(here.traffic.outbox.lanes[RELIABLE].counts.resent, 1)

    def test_silence_resends(self) -> None:
        """What met with silence goes again, later and later, until an ack comes."""
        here, there = pair(redundancy=0, max_packet_size=0)
        here.send(RELIABLE, b"hello")
        here.packets(now=10.0)
        now, waits, last = 10.0, [], b""
        while len(waits) < 5:
            due = here.due()
            for data in here.wake(due):
                if b"hello" in data:
                    waits.append(due - now)
                    now, last = due, data
        self.assertEqual(waits, sorted(waits))
        self.assertGreater(waits[-1], 4 * waits[0])
        there.receive([last], now)
        here.receive(there.wake(now + 0.1), now + 0.1)
        self.assertEqual(here.acked(), [])
        self.assertEqual(here.traffic.outbox.queued_bytes, 0)
        self.assertLess(here.link.rtt.resend_after(), 1.0)

    def test_late_ack(self) -> None:
        """What met with silence, and came after all, has one receipt: it came."""
        here, there = pair(channels=SIX, redundancy=0, max_packet_size=0)
        numbers = [*here.send(RECEIPTS, b"a"), *here.send(4, b"b")]
        [late] = here.packets(10.0)
        for n in range(1, 8):
            here.wake(10.0 + n / 10)
        self.assertEqual(here.lost(), [])
        there.receive([late], 10.8)
        here.receive(there.wake(10.85), 10.85)
        self.assertEqual(here.acked(), numbers)
        for n in range(9, 30):
            there.receive(here.wake(10.0 + n / 10), 10.0 + n / 10)
            here.receive(there.wake(10.05 + n / 10), 10.05 + n / 10)
        self.assertEqual((here.acked(), here.lost()), (numbers, []))

    def test_lost_receipt(self) -> None:
        """What met with silence, and did not come, has one receipt: it is lost."""
        here, there = pair(channels=SIX, redundancy=0, max_packet_size=0)
        [number] = here.send(RECEIPTS, b"a")
        here.packets(10.0)
        for n in range(1, 30):
            now = 10.0 + n / 10
            packets = here.wake(now)
            if n > 8:
                there.receive(packets, now)
                here.receive(there.wake(now + 0.05), now + 0.05)
        self.assertEqual((here.acked(), here.lost()), ([], [number]))

    def test_burst_is_acknowledged_whole(self) -> None:
        """Of a burst longer than one ack can tell, nothing is taken for lost."""
        here, there = pair(max_packet_size=0)
        here.link.congestion = Boundless()  # type: ignore[assignment]
        here.send(RELIABLE, *[b"%d" % n + bytes(1100) for n in range(200)])
        now = 11.0
        while here.traffic.outbox.queued_bytes and now < 20.0:
            packets = here.wake(now)
            there.receive(packets, now)
            here.receive(there.packets(now) + there.wake(now + 0.01), now + 0.01)
            now += 0.02
        self.assertEqual(len(there.received()), 200)
        self.assertEqual(here.traffic.n_lost, 0)
        self.assertEqual(here.traffic.outbox.lanes[RELIABLE].counts.resent, 0)

    def test_prompt_acks(self) -> None:
        """Each 31 packets that come without a word of ours make one ack at once."""
        _, there = pair(max_packet_size=0)
        for n in range(1, 101):
            there.traffic.receive(packet(n), now=10.0)
        acks = [fields(data)[1] for data in there.packets()]
        self.assertEqual(acks, [31, 62, 93])

    def test_burst_of_many(self) -> None:
        """An end that is not drained makes a bounded number of acks."""
        _, there = pair()
        for n in range(1, 20_000):
            there.traffic.receive(packet(n), now=10.0)
        self.assertLessEqual(len(there.packets()), MAX_PACKETS_PER_FLUSH + 2)

    def test_stream_burst(self) -> None:
        """On a stream one ack is of everything before it: nothing is kept or resent."""
        here, there = pair(Link.STREAM)
        here.send(RELIABLE, *[bytes(1100)] * 250)
        for n in range(3):
            there.receive(here.packets(10.0 + n / 100), 10.0 + n / 100)
        [ack] = there.wake(10.1)
        here.receive([ack], 10.1)
        self.assertEqual(len(there.received()), 250)
        self.assertEqual(here.traffic.outbox.queued_bytes, 0)
        self.assertEqual(here.traffic.n_lost, 0)

    def test_stream_repeats_nothing(self) -> None:
        """On a stream silence is no reason to send again, and nothing rides along."""
        here, _ = pair(Link.STREAM)
        here.send(RELIABLE, b"once")
        self.assertIn(b"once", here.packets()[0])
        for n in range(1, 40):
            for data in here.wake(10.0 + n / 10):
                self.assertNotIn(b"once", data)

    def test_stream_never_acked(self) -> None:
        """A stream's peer that never acknowledges makes nothing grow without end."""
        here, _ = pair(Link.STREAM)
        here.send(RELIABLE, *[b"x"] * 100)
        for n in range(9000):
            here.send(UNRELIABLE, b"x", now=10.0 + n / 10_000)
            here.packets(10.0 + n / 10_000)
        self.assertLess(here.link.acks.n_in_flight, 4096 + 257)

    def test_stream_never_acked_forgets(self) -> None:
        """What a packet held is not kept for ever: content waits for an ack."""
        here, _ = pair(Link.STREAM, channels=SIX)
        for n in range(9000):
            here.send(RECEIPTS, b"x", now=10.0 + n / 10_000)
            here.packets(10.0 + n / 10_000)
            here.wake(10.0 + n / 10_000)
        lane = here.traffic.outbox.lanes[RECEIPTS]
        self.assertLessEqual(len(lane._unanswered), 4096)
        self.assertGreater(lane.counts.discarded, 4000)
        self.assertEqual(here.traffic.budget(11.0), 0.0)

    def test_lost_with_the_link(self) -> None:
        """What is under way when a link ends counts as lost."""
        here, _ = pair(max_packet_size=0)
        before = here.traffic.n_lost
        for _ in range(5):
            here.send(RELIABLE, b"x", now=10.01)
            here.packets(10.01)
        n_in_flight = here.link.acks.n_in_flight
        here.traffic.begin(StreamEnvelope(), Link.DATAGRAM, now=11.0)
        self.assertEqual(here.traffic.n_lost - before, n_in_flight)
        self.assertGreaterEqual(n_in_flight, 5)

    def test_silent_timeout(self) -> None:
        """Silence is counted from the last packet that was accepted."""
        here, there = pair(timeout=1.0, heartbeat=0.5, max_packet_size=0)
        self.assertEqual(here.link.last_received, 10.0)
        [beat] = there.wake(10.5)
        here.receive([beat, beat], 10.6)
        self.assertEqual(here.link.last_received, 10.6)


class ProbeTests(SynchronousTestCase):
    """Larger packets are tried beside those that matter."""

    def test_grows(self) -> None:
        """A size that is acknowledged is used from then on."""
        here, there = End(), End()
        sizes, now = [], 10.0
        for _ in range(60):
            packets = here.wake(now)
            sizes.append(here.link.probe.size)
            there.receive(packets, now + 0.01)
            here.receive(only_data(there.wake(now + 0.03)), now + 0.04)
            now += 0.05
        self.assertEqual((sizes[0], sizes[-1]), (1200, 1452))
        here.send(RELIABLE, bytes(10_000), now=now)
        here.send(UNRELIABLE, *[bytes(200)] * 10, now=now)
        self.assertGreater(max(map(len, here.packets(now))), 1350)

    def test_stays(self) -> None:
        """Where larger packets vanish, those that matter never are larger."""
        here, there = End(), End()
        sent = [b"%d" % n + bytes(1100) for n in range(100)]
        here.send(RELIABLE, *sent)
        now = 10.0
        for _ in range(200):
            there.receive(only_data(here.wake(now)), now + 0.01)
            here.receive(only_data(there.wake(now + 0.03)), now + 0.04)
            now += 0.05
        self.assertEqual(there.received(), sent)
        self.assertEqual(here.link.probe.size, 1200)
        self.assertEqual(here.traffic.outbox.lanes[RELIABLE].counts.resent, 0)

    def test_answer_from_an_old_path(self) -> None:
        """A probe acknowledged after the path has changed says nothing of the new."""
        here, there = End(), End()
        there.receive(here.packets(10.0), 10.0)
        here.link.leave_path()
        here.receive(there.wake(10.1), 10.1)
        self.assertEqual(here.link.probe.size, 1200)
        self.assertFalse(here.link.is_probing)
        here.link.trust_path()
        self.assertEqual(len(only_data(here.packets(10.2))), 0)

    def test_streams_and_plain_peers(self) -> None:
        """A stream has no packets to size, and a plain peer takes no larger ones."""
        for end in (End(Link.STREAM), End(max_packet_size=0)):
            self.assertFalse(end.link.is_probing)
            self.assertLess(max(map(len, end.packets())), 100)
