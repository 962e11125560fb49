# SPDX-License-Identifier: MIT
"""Tests of peers that have the keys and break the rules, and of packets that are old.

Whatever comes, it is counted by reason or ends the connection with one; nothing raises,
and memory stays within bounds.
"""

from __future__ import annotations

import tracemalloc
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Closed, ConnectionConfig, Link
from gamenet.connection.compression import Compression
from gamenet.connection.frames import (
    ACK_DELAY,
    CANCELLED,
    CANCELLED_HEAD,
    CLOSE,
    CONTROL,
    OWN_CHANNEL,
    PATH_CHALLENGE,
    PATH_RESPONSE,
    PIECE,
    PIECE_HEAD,
    PING,
    RUN,
    RUN_HEAD,
    sized,
)
from gamenet.connection.headers import write_header
from gamenet.connection.reliable import WINDOW
from gamenet.errors import CloseReason
from tests.connection.network import (
    ORDERED,
    SIX,
    UNORDERED,
    UNRELIABLE,
    Network,
    messages,
)
from tests.connection.strategies import edited, edits, garbage, seeds

LINKS = tuple(Link)
CONFIG = ConnectionConfig(channels=SIX, max_packet_size=0)
HELLO = bytes((UNRELIABLE, 5)) + b"hello"


def run(channel: int, sequence: int, *payloads: bytes) -> bytes:
    """Return a run of messages."""
    head = RUN_HEAD.pack(channel | RUN << 5, sequence & 0xFFFF, len(payloads))
    return head + b"".join(map(sized, payloads))


def piece(channel: int, sequence: int, number: int, total: int, part: bytes) -> bytes:
    """Return a piece of a large message."""
    head = PIECE_HEAD.pack(channel | PIECE << 5, sequence & 0xFFFF, number, total)
    return head + sized(part)


def cancelled(channel: int, sequence: int, number: int) -> bytes:
    """Return word that no more of a large message comes."""
    head = channel | CANCELLED << 5
    return CANCELLED_HEAD.pack(head, sequence & 0xFFFF, number)


def control(kind: int, body: bytes = b"") -> bytes:
    """Return a control frame."""
    return bytes((CONTROL << 5 | kind,)) + body


class Rogue:
    """A client that writes its packets by hand, and the server that it writes to.

    Args:
        link: what carries them.
        is_plain: whether it is a plain netcode peer.
    """

    def __init__(self, link: Link = Link.DATAGRAM, *, is_plain: bool = False) -> None:
        self.network = Network(CONFIG, link=link, is_plain=is_plain).connect()
        self.network.run(0.5)
        self.network.server_events.clear()
        client = self.network.client
        assert client._traffic.link is not None
        assert client._envelope is not None
        self.sequence = client._traffic.link.acks.next_sequence
        self.seal = client._envelope.seal

    @property
    def victim(self) -> object:
        """Return the server's end."""
        return self.network.peer

    @property
    def dropped(self) -> dict[str, int]:
        """Return what the victim has dropped, by reason."""
        return dict(self.network.peer.stats().dropped)

    @property
    def held(self) -> int:
        """Return the bytes that the victim holds for what is not complete."""
        return self.network.peer._traffic.inbox.held_bytes

    def body(self, *frames: bytes, ack: int = 0, bits: int = 0) -> bytes:
        """Return the body of the next packet."""
        head = write_header(self.sequence, ack, bits)
        self.sequence = (self.sequence + 1) & 0xFFFF
        return head + b"".join(frames)

    def say(self, *frames: bytes, ack: int = 0, bits: int = 0) -> None:
        """Send a packet."""
        self.send(self.body(*frames, ack=ack, bits=bits))

    def send(self, body: bytes) -> None:
        """Send a body, sealed as it should be."""
        now = self.network.now
        path = self.network.peer.path
        self.network.peer.receive_datagram(self.seal(body), now=now, path=path)
        self.network.server_events += self.events()

    def events(self) -> list:
        """Return what the victim has to tell."""
        events = []
        while (event := self.network.peer.next_event()) is not None:
            events.append(event)
        return events

    def ended(self) -> CloseReason | None:
        """Return why the victim has closed, None if it has not."""
        last = self.network.server_events[-1:]
        return last[0].reason if last and isinstance(last[0], Closed) else None


class MalformedTests(SynchronousTestCase):
    """What cannot be read is counted; on a stream it ends the connection."""

    def check(self, body: bytes) -> None:
        """Check what a malformed body comes to, on each link."""
        rogue = Rogue()
        rogue.send(body)
        # What is too short for any header is not even opened.
        reason = "size" if len(body) < 4 else "malformed"
        self.assertEqual(rogue.dropped, {reason: 1})
        self.assertTrue(rogue.network.peer.is_connected)
        rogue.say(HELLO)
        received = messages(rogue.network.server_events, UNRELIABLE)
        self.assertEqual(received, [b"hello"])
        rogue = Rogue(Link.STREAM)
        rogue.send(body)
        self.assertIs(rogue.ended(), CloseReason.MALFORMED)

    def test_frames(self) -> None:
        """A bad frame behind a good one: nothing of the packet is taken."""
        for bad in (
            bytes((UNRELIABLE, 9)) + b"short",
            bytes((17,)) + b"\0",
            bytes((UNRELIABLE | 5 << 5,)),
            bytes((6 << 5 | 3,)),
            run(UNRELIABLE, 0, b"x"),
            bytes((ORDERED, 1)) + b"x",
            bytes((ORDERED | RUN << 5, 0, 0, 0)),
            piece(ORDERED, 0, 5, 5, b"x"),
            piece(ORDERED, 0, 0, 1, b"x"),
            piece(ORDERED, 0, 0, 2, b""),
            control(6),
            control(PATH_CHALLENGE, b"short"),
            control(ACK_DELAY, b"\0"),
            control(CLOSE, b"\x02\x09short"),
            b"\xe0\0\0\1",
        ):
            with self.subTest(bad=bad.hex()):
                self.check(write_header(40, 0, 0) + HELLO + bad)

    def test_headers(self) -> None:
        """Every header that is not the one legal form is refused."""
        for bad in (
            b"\0",
            b"\x20",
            b"\x20\0\0",
            b"\x40\0\0\0",
            b"\xff" * 9,
            b"\x21\0\0\0",
            b"\0\0\0\0\0",
        ):
            with self.subTest(bad=bad.hex()):
                self.check(bad)

    def test_ack_of_nothing(self) -> None:
        """An ack of a packet that was never sent is malformed."""
        for ack in (1000, 30_000, 65_000):
            self.check(write_header(40, ack, 0xFFFFFFFF) + HELLO)

    def test_beyond_the_window(self) -> None:
        """A sequence beyond the window is malformed, on every channel that has one."""
        for channel in (ORDERED, UNORDERED, OWN_CHANNEL):
            self.check(write_header(40, 0, 0) + HELLO + run(channel, 20_000, b"x"))

    def test_a_ticket_from_a_client(self) -> None:
        """A client has nothing to say on gamenet's own channel."""
        rogue = Rogue()
        rogue.say(run(OWN_CHANNEL, 0, b"\1ticket"))
        self.assertEqual(rogue.dropped, {"malformed": 1})
        self.assertTrue(rogue.network.peer.is_connected)

    @settings(max_examples=150)
    @given(st.sampled_from(LINKS), st.lists(st.binary(max_size=200), max_size=5))
    def test_any_body(self, link: Link, bodies: list[bytes]) -> None:
        """Arbitrary bodies, sealed as they should be, never raise."""
        rogue = Rogue(link)
        for body in bodies:
            rogue.send(body)
            rogue.say(body)
        self.assertLess(rogue.held, 2000)
        rogue.network.run(0.2)

    @settings(max_examples=150)
    @given(st.sampled_from(LINKS), seeds, edits, st.integers(0, 2000), st.booleans())
    def test_edited_bodies(
        self,
        link: Link,
        seed: int,
        changes: list[tuple[int, int]],
        length: int,
        is_cut: bool,
    ) -> None:
        """Bodies that are almost right never raise, and never hold much."""
        random = Random(seed)
        rogue = Rogue(link)
        frames = [
            HELLO,
            run(ORDERED, 0, b"a", b"b"),
            run(UNORDERED, 1, b"late"),
            piece(ORDERED, 2, 0, 3, bytes(100)),
            piece(UNORDERED, 5, 1, 9, bytes(100)),
            cancelled(UNORDERED, 9, 4),
            control(PING),
            control(ACK_DELAY, b"\xff\xff"),
        ]
        random.shuffle(frames)
        body = rogue.body(*frames)
        for _ in range(3):
            rogue.send(edited(body, changes, length if is_cut else len(body)))
        rogue.network.run(0.2)
        self.assertLess(rogue.held, 5000)
        self.assertIn(rogue.network.peer.state, ("Connected", "Closed"))


class OldPacketTests(SynchronousTestCase):
    """Packets that were recorded do nothing when they are played again."""

    def test_replayed(self) -> None:
        """Every packet counts once, however often and from wherever it comes."""
        network = Network(CONFIG).connect()
        for n in range(50):
            network.client.send(UNRELIABLE, b"%d" % n, now=network.now)
            network.client.send(ORDERED, b"%d" % n, now=network.now)
            network.run(1 / 60)
        network.run(0.2)
        before = network.peer.stats()
        packets = [packet for packet in network.sent_up if packet[0] & 15 == 10]
        for source in ("192.0.2.1:5000", "203.0.113.9:9"):
            for packet in packets * 3:
                network.arrive(packet, source)
        network.run(0.1)
        after = network.peer.stats()
        self.assertEqual(after.dropped["replayed"], 6 * len(packets))
        self.assertEqual(after.messages_received, before.messages_received)
        self.assertEqual(network.peer.path, "192.0.2.1:5000")

    def test_flood_of_one(self) -> None:
        """A packet that comes fifty thousand times is taken once."""
        network = Network(CONFIG).connect()
        network.run(0.3)
        network.client.send(UNRELIABLE, b"again", now=network.now)
        packet = network.client.datagrams_to_send(now=network.now)[-1]
        for _ in range(50_000):
            network.arrive(packet)
        self.assertEqual(network.peer.stats().dropped["replayed"], 49_999)
        self.assertLess(len(network.peer.datagrams_to_send(now=network.now)), 3)

    def test_reordered(self) -> None:
        """In whatever order packets come, what was promised is kept."""
        for seed in range(5):
            network = Network(CONFIG).connect()
            network.run(0.3)
            packets = []
            for n in range(40):
                network.client.send(ORDERED, b"%d" % n, now=network.now)
                packets += network.client.datagrams_to_send(now=network.now)
            Random(seed).shuffle(packets)
            for packet in packets:
                network.arrive(packet)
            network.run(2.0)
            received = messages(network.server_events, ORDERED)
            self.assertEqual(received, [b"%d" % n for n in range(40)], f"seed {seed}")

    @settings(max_examples=100)
    @given(st.integers(0, 500), edits, st.integers(0, 2000), st.booleans())
    def test_corrupted(
        self, which: int, changes: list[tuple[int, int]], length: int, is_cut: bool
    ) -> None:
        """A packet changed on its way is nobody's: counted, and without effect."""
        network = Network(CONFIG).connect()
        network.client.send(ORDERED, bytes(3000), now=network.now)
        network.run(0.3)
        genuine = [packet for packet in network.sent_up if packet[0] & 15 == 10]
        good = genuine[which % len(genuine)]
        bad = edited(good, changes, length if is_cut else len(good))
        before = sum(network.peer.stats().dropped.values())
        dropped = sum(network.acceptor.dropped.values())
        network.arrive(bad)
        after = sum(network.peer.stats().dropped.values())
        dropped = sum(network.acceptor.dropped.values()) - dropped
        dropped += sum(network.acceptor.refused.values())
        self.assertEqual(after - before + dropped, 1)
        network.client.send(ORDERED, b"still here", now=network.now)
        network.run(1.0)
        received = messages(network.server_events, ORDERED)
        self.assertEqual(received, [bytes(3000), b"still here"])

    @settings(max_examples=50)
    @given(st.lists(garbage, min_size=1, max_size=8))
    def test_garbage(self, attack: list[bytes]) -> None:
        """Arbitrary bytes from anywhere change nothing."""
        network = Network(CONFIG).connect()
        network.run(0.3)
        for data in attack:
            network.arrive(data)
            network.client.receive_datagram(data, now=network.now)
        counted = network.client.stats().dropped
        self.assertEqual(sum(counted.values()), len(attack))
        network.client.send(ORDERED, b"still here", now=network.now)
        network.run(1.0)
        received = messages(network.server_events, ORDERED)
        self.assertEqual(received, [b"still here"])

    def test_oversize(self) -> None:
        """A datagram of any size is dropped if nobody sealed it."""
        network = Network(CONFIG).connect()
        network.run(0.3)
        head = network.sent_up[-1][:6]
        for size in (1453, 9000, 65_507):
            network.arrive(head + bytes(size))
        self.assertTrue(network.peer.is_connected)
        self.assertEqual(sum(network.peer.stats().dropped.values()), 3)


class MemoryTests(SynchronousTestCase):
    """What a peer makes us hold has an end."""

    def growth(self, rogue: Rogue, attack: object) -> int:
        """Return by how many bytes memory grows at most."""
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            attack()  # type: ignore[operator]
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()

    def test_gap_for_ever(self) -> None:
        """Behind a message that never comes little is held, then it is the end."""
        rogue = Rogue()

        def attack() -> None:
            for n in range(1, WINDOW):
                rogue.say(run(ORDERED, n, bytes(1000)))
                if rogue.ended():
                    return

        self.assertLess(self.growth(rogue, attack), 3_000_000)
        self.assertIs(rogue.ended(), CloseReason.MESSAGE_TOO_LARGE)

    def test_empty_messages(self) -> None:
        """Messages of nothing, as many as the window has, take bounded memory."""
        for channel in (ORDERED, UNORDERED):
            rogue = Rogue()

            def attack(rogue: Rogue = rogue, channel: int = channel) -> None:
                for n in range(1, WINDOW, 200):
                    rogue.say(run(channel, n, *[b""] * 200))

            self.assertLess(self.growth(rogue, attack), 8_000_000)
            self.assertTrue(rogue.network.peer.is_connected)

    def test_many_messages_begun(self) -> None:
        """Large messages that are begun and never finished are bounded in all."""
        rogue = Rogue()

        def attack() -> None:
            for n in range(8000):
                rogue.say(piece(UNORDERED, 2 * n + 1, 0, 2, b"x"))
                if rogue.ended():
                    return

        self.assertLess(self.growth(rogue, attack), 12_000_000)
        self.assertLess(rogue.held, 2 * (65536 + (1 << 19)))

    def test_giant_claims(self) -> None:
        """A message that claims 65,535 pieces costs what has come of it."""
        for channel in (ORDERED, UNORDERED):
            rogue = Rogue()
            rogue.say(piece(channel, 0, 0, 65535, b"x" * 1000))
            self.assertLess(rogue.held, 1100)
            for n in range(1, 200):
                rogue.say(piece(channel, n, n, 65535, b"x" * 1000))
                if rogue.ended():
                    break
            self.assertIs(rogue.ended(), CloseReason.MESSAGE_TOO_LARGE)
            self.assertLessEqual(n, 66)

    def test_overlapping(self) -> None:
        """Pieces that overlap do nothing; those that contradict are the end."""
        rogue = Rogue()
        rogue.say(piece(UNORDERED, 0, 0, 3, b"a"), piece(UNORDERED, 0, 0, 3, b"b"))
        rogue.say(piece(UNORDERED, 1, 1, 3, b"c"), piece(UNORDERED, 2, 2, 3, b"d"))
        received = messages(rogue.network.server_events, UNORDERED)
        self.assertEqual(received, [b"acd"])
        rogue.say(piece(UNORDERED, 3, 0, 3, b"a"), piece(UNORDERED, 4, 1, 9, b"b"))
        self.assertIs(rogue.ended(), CloseReason.MALFORMED)

    def test_giant_message(self) -> None:
        """A message above the limit ends the connection before it is whole."""
        for link in LINKS:
            rogue = Rogue(link)
            for n in range(100):
                rogue.say(piece(ORDERED, n, n, 100, bytes(1000)))
                if rogue.ended():
                    break
            self.assertIs(rogue.ended(), CloseReason.MESSAGE_TOO_LARGE)
            self.assertEqual(messages(rogue.network.server_events, ORDERED), [])

    def test_questions_without_end(self) -> None:
        """A peer that only asks is answered with little."""
        rogue = Rogue()
        before = rogue.network.peer.stats().bytes_sent
        came = 0
        for _ in range(300):
            body = rogue.body(*[control(PATH_CHALLENGE, bytes(8)), control(PING)] * 60)
            came += len(body)
            rogue.send(body)
        rogue.network.pump()
        sent = rogue.network.peer.stats().bytes_sent - before
        self.assertLess(sent, came / 20)

    def test_answers_to_nothing(self) -> None:
        """Answers to questions that nobody asked move nothing."""
        rogue = Rogue()
        rogue.say(control(PATH_RESPONSE, bytes(8)), control(PATH_RESPONSE, b""))
        rogue.say(control(PATH_RESPONSE, bytes(8)))
        self.assertEqual(rogue.network.peer.path, "192.0.2.1:5000")
        self.assertFalse(rogue.network.peer._path.is_unproved)

    def test_sequence_jumps(self) -> None:
        """Packet sequences that jump around the circle cost nothing."""
        rogue = Rogue()

        def attack() -> None:
            for _ in range(2000):
                rogue.sequence = (rogue.sequence + 32_000) & 0xFFFF
                rogue.say(HELLO)
                rogue.network.server_events.clear()
                rogue.network.peer.datagrams_to_send(now=rogue.network.now)

        self.assertLess(self.growth(rogue, attack), 4_000_000)
        self.assertTrue(rogue.network.peer.is_connected)

    def test_fragments_of_a_plain_peer(self) -> None:
        """Packets in fragments that never become whole are bounded, and forgotten."""
        rogue = Rogue(is_plain=True)

        def attack() -> None:
            for n in range(3000):
                sequence = (n * 7 & 0xFFFF).to_bytes(2, "little")
                rogue.send(b"\1" + sequence + b"\5\xff" + bytes(1000))

        self.assertLess(self.growth(rogue, attack), 1_000_000)
        self.assertTrue(rogue.network.peer.is_connected)
        rogue.say(HELLO)
        received = messages(rogue.network.server_events, UNRELIABLE)
        self.assertEqual(received, [b"hello"])

    def test_bombs(self) -> None:
        """A message that inflates above the limit ends the connection, at its limit."""
        channel = type(SIX[ORDERED])(0, SIX[ORDERED].mode, compression=True)
        config = ConnectionConfig(channels=(channel,), max_packet_size=0)
        network = Network(config).connect()
        network.run(0.3)
        bomb = Compression(1 << 26).pack(bytes(1 << 24))
        self.assertLess(len(bomb), 20_000)
        network.client._traffic.outbox.lanes[0].push(bomb, 9, network.now)
        network.client._traffic.outbox._pending[
            network.client._traffic.outbox.lanes[0]
        ] = None

        def attack() -> None:
            network.run(2.0)

        rogue = Rogue()
        self.assertLess(self.growth(rogue, attack), 2_000_000)
        for events in (network.client_events, network.server_events):
            self.assertIs(events[-1].reason, CloseReason.MESSAGE_TOO_LARGE)


class ClockTests(SynchronousTestCase):
    """A clock that stands still or leaps does no harm."""

    def test_stands_still(self) -> None:
        """While no time passes things go on as far as they can, and nothing loops."""
        for link in LINKS:
            network = Network(CONFIG, link=link).connect()
            now = network.now
            for n in range(200):
                for end in network.ends:
                    end.send(UNRELIABLE, b"%d" % n, now=now)
                    end.send(ORDERED, b"%d" % n, now=now)
                    end.handle_timeout(now=now)
                up = network.client.datagrams_to_send(now=now)
                down = network.peer.datagrams_to_send(now=now)
                for packet in up:
                    network.peer.receive_datagram(
                        packet, now=now, path=network.peer.path
                    )
                for packet in down:
                    network.client.receive_datagram(packet, now=now)
            network.pump()
            self.assertGreater(len(messages(network.server_events, ORDERED)), 0)
            network.run(3.0)
            for events in (network.client_events, network.server_events):
                self.assertEqual(len(messages(events, ORDERED)), 200)

    def test_leaps(self) -> None:
        """After hours that pass at once the session waits for its client."""
        network = Network(CONFIG).connect()
        network.run(0.5)
        network.client.send(ORDERED, b"before", now=network.now)
        network.run(0.005)
        network.now += 6 * 3600.0
        for end in network.ends:
            end.handle_timeout(now=network.now)
        self.assertEqual([end.state for end in network.ends], ["Dropped"] * 2)
        network.resume()
        network.client.send(ORDERED, b"after", now=network.now)
        network.run(2.0)
        self.assertTrue(network.is_connected())
        received = messages(network.server_events, ORDERED)
        self.assertEqual(received, [b"before", b"after"])

    def test_leaps_on_its_way(self) -> None:
        """A round trip of hours, measured by a leap, is got over soon."""
        for hours in (1, 100):
            network = Network(CONFIG).connect()
            network.run(0.5)
            network.client.send(ORDERED, b"before", now=network.now)
            sent = network.client.datagrams_to_send(now=network.now)
            network.now += hours * 3600.0
            for packet in sent:
                network.peer.receive_datagram(
                    packet, now=network.now, path=network.peer.path
                )
            for packet in network.peer.datagrams_to_send(now=network.now):
                network.client.receive_datagram(packet, now=network.now)
            for n in range(300):
                network.client.send(ORDERED, b"%d" % n, now=network.now)
                network.run(1 / 60)
            network.run(2.0)
            received = messages(network.server_events, ORDERED)
            self.assertEqual(len(received), 301)
            self.assertLess(network.client.stats().rtt, 3.0)

    def test_only_one_leaps(self) -> None:
        """Where one side's clock leaps, that side waits, and the other finds out."""
        network = Network(CONFIG).connect()
        network.run(0.5)
        network.peer.handle_timeout(now=network.now + 7200.0)
        self.assertEqual(network.peer.state, "Dropped")
        network.run(0.3)
        # It hears its peer again, whose clock stands where it stood.
        self.assertTrue(network.is_connected())
