# SPDX-License-Identifier: MIT
"""Tests of what is around the body of a packet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.crypto import hkdf_sha256, public_key, shared_secret
from gamenet.connection.envelopes import (
    Envelope,
    ExtendedEnvelope,
    NetcodeEnvelope,
    StreamEnvelope,
    label_of,
    session_keys,
)
from gamenet.connection.netcode import (
    CHALLENGE,
    DISCONNECT,
    KEEP_ALIVE,
    PACKET,
    PAYLOAD,
    PacketOpener,
    PacketSealer,
)

UP, DOWN = b"u" * 32, b"d" * 32
PROTOCOL_ID = 99
BODY = b"the body of a packet"


def netcode_pair() -> tuple[NetcodeEnvelope, NetcodeEnvelope]:
    """Return the envelopes of a client and of its server."""
    client = NetcodeEnvelope(
        PacketSealer(UP, PROTOCOL_ID), PacketOpener(DOWN, PROTOCOL_ID)
    )
    server = NetcodeEnvelope(
        PacketSealer(DOWN, PROTOCOL_ID),
        PacketOpener(UP, PROTOCOL_ID),
        slot=3,
        max_clients=16,
    )
    return client, server


def extended_pair(
    connection_id: int = 0x01020304,
) -> tuple[ExtendedEnvelope, ExtendedEnvelope]:
    """Return the envelopes of a client and of its server."""
    client, server = [
        ExtendedEnvelope(
            (UP, DOWN),
            protocol_id=PROTOCOL_ID,
            connection_id=connection_id,
            is_server=is_server,
        )
        for is_server in (False, True)
    ]
    return client, server


class EnvelopeTests(SynchronousTestCase):
    """What all envelopes have in common."""

    def pairs(self) -> list[tuple[Envelope, Envelope, int]]:
        """Return both ends of each kind, and the kind of packets there."""
        stream = StreamEnvelope()
        return [
            (stream, stream, PACKET),
            (*netcode_pair(), PAYLOAD),
            (*extended_pair(), PACKET),
        ]

    def test_round_trip(self) -> None:
        """A body arrives, either way, with no more around it than was said."""
        for client, server, kind in self.pairs():
            for sender, receiver in ((client, server), (server, client)):
                for n in range(600):
                    packet = sender.seal(BODY)
                    self.assertLessEqual(len(packet), len(BODY) + sender.overhead)
                    self.assertEqual(receiver.open(packet), (kind, BODY))
                    if not isinstance(receiver, StreamEnvelope):
                        self.assertEqual(receiver.newest, n)

    @given(st.binary(max_size=60))
    def test_garbage(self, data: bytes) -> None:
        """Arbitrary bytes are dropped with a reason; a stream passes its bodies on."""
        for client, server, _ in self.pairs():
            for end in (client, server):
                opened = end.open(data)
                if isinstance(opened, tuple):
                    self.assertIsInstance(end, StreamEnvelope)
                    self.assertEqual(data, b"\x0a" + opened[1])

    def test_own_packets(self) -> None:
        """A packet that is sent back to its sender is not taken for the peer's."""
        for client, server, _ in self.pairs()[1:]:
            for end in (client, server):
                self.assertIsInstance(end.open(end.seal(BODY)), str)

    def test_says_what_it_is(self) -> None:
        """Gamenet's own envelopes are told from netcode's, and from each other."""
        said = [
            (client.is_extended, client.connection_id) for client, _, _ in self.pairs()
        ]
        self.assertEqual(said, [(True, 0), (False, 0), (True, 0x01020304)])


class StreamEnvelopeTests(SynchronousTestCase):
    """On a stream a packet is a body behind its kind."""

    def test_bytes(self) -> None:
        """One byte, 0x0A."""
        self.assertEqual(StreamEnvelope().seal(b"abc"), b"\x0aabc")

    def test_drops(self) -> None:
        """What is no packet is dropped."""
        envelope = StreamEnvelope()
        self.assertEqual(envelope.open(b""), "truncated")
        self.assertEqual(envelope.open(b"\x05abc"), "kind")


class NetcodeEnvelopeTests(SynchronousTestCase):
    """With a plain peer all is as netcode 1.02 says."""

    def setUp(self) -> None:
        self.client, self.server = netcode_pair()

    def test_keep_alive(self) -> None:
        """The server's keep-alive tells the slot, the client's tells nothing."""
        place = b"\3\0\0\0\x10\0\0\0"
        opened = self.client.open(self.server.keep_alive())
        self.assertEqual(opened, (KEEP_ALIVE, place))
        opened = self.server.open(self.client.keep_alive())
        self.assertEqual(opened, (KEEP_ALIVE, bytes(8)))

    def test_disconnect(self) -> None:
        """A disconnect has no body."""
        opened = self.client.open(self.server.disconnect())
        self.assertEqual(opened, (DISCONNECT, b""))

    def test_one_counter(self) -> None:
        """All kinds of packet count on in one sequence."""
        packets = [
            self.server.keep_alive(),
            self.server.seal(BODY),
            self.server.disconnect(),
        ]
        self.assertEqual(
            [packet[:2] for packet in packets], [b"\x14\0", b"\x15\1", b"\x16\2"]
        )

    def test_other_kinds(self) -> None:
        """Packets of the handshake and of the extension are dropped."""
        sealer = PacketSealer(DOWN, PROTOCOL_ID)
        for kind, size in ((CHALLENGE, 308), (PACKET, 20)):
            packet = sealer.seal(kind, bytes(size))
            self.assertEqual(self.client.open(packet), "kind")

    def test_no_kind_above_six(self) -> None:
        """Nothing that a plain peer is sent has a kind that netcode does not know."""
        for end in (self.client, self.server):
            for packet in (end.seal(BODY), end.keep_alive(), end.disconnect()):
                self.assertLessEqual(packet[0] & 15, 6)

    def test_replay(self) -> None:
        """The same packet is taken once."""
        packet = self.client.seal(BODY)
        self.assertEqual(self.server.open(packet), (PAYLOAD, BODY))
        self.assertEqual(self.server.open(packet), "replayed")


class ExtendedEnvelopeTests(SynchronousTestCase):
    """Between gamenet peers the connection has an id, and keys of its own."""

    def test_layout(self) -> None:
        """The id stands on the packets to the server only."""
        client, server = extended_pair()
        self.assertEqual(client.seal(BODY)[:6], b"\x1a\4\3\2\1\0")
        self.assertEqual(server.seal(BODY)[:2], b"\x1a\0")
        self.assertEqual(label_of(0x01020304), b"\4\3\2\1")

    def test_other_connection(self) -> None:
        """A packet of another connection is not opened, whatever its id says."""
        client, _ = extended_pair(1)
        _, server = extended_pair(2)
        packet = client.seal(BODY)
        self.assertEqual(server.open(packet), "label")
        relabelled = packet[:1] + label_of(2) + packet[5:]
        self.assertEqual(server.open(relabelled), "corrupted")

    def test_keys(self) -> None:
        """Both ends derive the same keys, which hang on all that went into them."""
        ours, theirs = b"a" * 32, b"b" * 32
        shared = shared_secret(ours, public_key(theirs))
        parts = [shared, UP + DOWN, public_key(ours), public_key(theirs)]
        up, down = session_keys(*parts)
        again = shared_secret(theirs, public_key(ours))
        self.assertEqual(session_keys(again, *parts[1:]), (up, down))
        self.assertEqual({len(up), len(down)}, {32})
        self.assertNotEqual(up, down)
        for at in range(4):
            other = parts.copy()
            other[at] = bytes((parts[at][0] ^ 1,)) + parts[at][1:]
            self.assertNotEqual(session_keys(*other), (up, down))

    def test_derivation(self) -> None:
        """The derivation is the one that the standard writes down."""
        info = b"gamenet 1 keys" + b"c" * 32 + b"s" * 32
        keys = hkdf_sha256(b"x" * 32, UP + DOWN, info, 64)
        derived = session_keys(b"x" * 32, UP + DOWN, b"c" * 32, b"s" * 32)
        self.assertEqual(b"".join(derived), keys)
