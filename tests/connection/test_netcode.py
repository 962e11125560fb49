# SPDX-License-Identifier: MIT
"""Tests of packets as sealed bytes."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.netcode import (
    ACCEPTED,
    CHALLENGE,
    DENIED,
    DISCONNECT,
    JOIN,
    KEEP_ALIVE,
    MAX_PAYLOAD,
    PACKET,
    PAYLOAD,
    REFUSED,
    REQUEST,
    REQUEST_SIZE,
    RESPONSE,
    TAG,
    VERSION,
    PacketOpener,
    PacketSealer,
    Request,
    read_request,
    write_request,
)
from gamenet.errors import LocalProtocolError, RemoteProtocolError
from tests.vectors import netcode_vectors as independent

KEY = bytes(range(32))
PROTOCOL_ID = 0x1122334455667788
LABEL = b"\1\2\3\4"
LAST = 2**64 - 1
ALL = frozenset(range(1, 11))
REPLAYABLE = (KEEP_ALIVE, PAYLOAD, DISCONNECT, PACKET)
SIZES = {
    DENIED: (0, 0),
    CHALLENGE: (308, 308),
    RESPONSE: (308, 308),
    KEEP_ALIVE: (8, 8),
    PAYLOAD: (1, 1200),
    DISCONNECT: (0, 0),
    JOIN: (350, 350),
    ACCEPTED: (44, 44),
    REFUSED: (1, 1001),
    PACKET: (4, 65535),
}
sequences = st.one_of(
    st.integers(0, LAST),
    st.sampled_from([n for e in range(8, 65, 8) for n in (2**e - 1, 2**e % 2**64)]),
)
labels = st.sampled_from([b"", LABEL])
kinds = st.sampled_from(sorted(ALL))


def opener(label: bytes = b"") -> PacketOpener:
    """Return an opener that has opened nothing."""
    return PacketOpener(KEY, PROTOCOL_ID, label)


def sealed(kind: int, sequence: int, body: bytes, label: bytes = b"") -> bytes:
    """Return a packet for it."""
    return PacketSealer(KEY, PROTOCOL_ID, label).seal_as(kind, sequence, body)


def some_body(kind: int) -> bytes:
    """Return a body that a kind may have."""
    smallest, largest = SIZES[kind]
    return b"x" * min(largest, max(smallest, 100))


class VectorTests(SynchronousTestCase):
    """The bytes are those of the standard, as an independent reading has them."""

    def setUp(self) -> None:
        self.text = independent.PATH.read_text()

    def test_reproduced(self) -> None:
        """The file is what its generator writes."""
        self.assertEqual(self.text, independent.written())

    def test_packets(self) -> None:
        """Every packet is sealed to these bytes and opened again."""
        for case in json.loads(self.text)["packets"]:
            key, body = bytes.fromhex(case["key"]), bytes.fromhex(case["body"])
            label, protocol_id = bytes.fromhex(case["label"]), case["protocol_id"]
            kind, sequence = case["kind"], case["sequence"]
            sealer = PacketSealer(key, protocol_id, label, first_sequence=sequence)
            packet = sealer.seal(kind, body)
            self.assertEqual(packet.hex(), case["packet"])
            result = PacketOpener(key, protocol_id, label).open(packet, ALL)
            self.assertEqual(result, (kind, sequence, body))

    def test_every_kind(self) -> None:
        """No kind and no number of sequence bytes is missing there."""
        cases = json.loads(self.text)["packets"]
        self.assertEqual({case["kind"] for case in cases}, ALL)
        n_bytes = {int(case["packet"][0], 16) for case in cases}
        self.assertEqual(n_bytes, set(range(1, 9)))


class RequestTests(SynchronousTestCase):
    """A request is the one packet that is not sealed."""

    REQUEST = Request(PROTOCOL_ID, 1_800_000_000, bytes(range(24)), b"\7" * 1024)

    def test_bytes(self) -> None:
        """Its bytes are those of the standard's table."""
        data = write_request(self.REQUEST)
        self.assertEqual(len(data), REQUEST_SIZE)
        expected = (
            b"\0NETCODE 1.02\0"
            + bytes.fromhex("8877665544332211")
            + bytes.fromhex("00d2496b00000000")
            + bytes(range(24))
            + b"\7" * 1024
        )
        self.assertEqual(data, expected)

    @given(
        st.integers(0, LAST),
        st.integers(0, LAST),
        st.binary(min_size=24, max_size=24),
        st.binary(min_size=1, max_size=8).map(lambda part: (part * 1024)[:1024]),
    )
    def test_round_trip(self, protocol_id, expires, nonce, private) -> None:
        """It is read back as it was written."""
        request = Request(protocol_id, expires, nonce, private)
        self.assertEqual(read_request(write_request(request)), request)

    def test_refused(self) -> None:
        """Another size, kind or version is none."""
        data = write_request(self.REQUEST)
        for bad in (b"", data[:-1], data + b"\0", b"\x10" + data[1:]):
            self.assertRaises(RemoteProtocolError, read_request, bad)
        for version in (b"NETCODE 1.01\0", b"NETCODE 1.02 ", b"netcode 1.02\0"):
            bad = data.replace(VERSION, version)
            with self.assertRaisesRegex(RemoteProtocolError, "version"):
                read_request(bad)

    @given(st.binary(max_size=64), st.booleans())
    def test_any_bytes(self, data: bytes, is_long: bool) -> None:
        """Arbitrary bytes are a request or a RemoteProtocolError."""
        data = (data or b"\0").ljust(REQUEST_SIZE, b"\0") if is_long else data
        self.assertRaises(RemoteProtocolError, read_request, data)


class SealerTests(SynchronousTestCase):
    """Every packet has the next sequence, in as few bytes as it takes."""

    def test_counts(self) -> None:
        """Sequences go up by one, from where they are told to begin."""
        sealer = PacketSealer(KEY, PROTOCOL_ID, first_sequence=254)
        packets = [sealer.seal(PAYLOAD, b"x") for _ in range(4)]
        heads = [packet[: 1 + (packet[0] >> 4)].hex() for packet in packets]
        self.assertEqual(heads, ["15fe", "15ff", "250001", "250101"])
        self.assertEqual(sealer.sequence, 258)

    def test_fewest_bytes(self) -> None:
        """A sequence has as many bytes as it needs, one at least."""
        for n_bytes in range(1, 9):
            for sequence in (2 ** (8 * n_bytes) - 1, 2 ** (8 * n_bytes - 8)):
                packet = sealed(PAYLOAD, sequence, b"x")
                self.assertEqual(packet[0], n_bytes << 4 | PAYLOAD)
                number = int.from_bytes(packet[1 : 1 + n_bytes], "little")
                self.assertEqual(number, sequence)
        self.assertEqual(sealed(PAYLOAD, 0, b"x")[:2].hex(), "1500")

    def test_the_standards_example(self) -> None:
        """1000 is E8 03, in two bytes."""
        self.assertEqual(sealed(KEEP_ALIVE, 1000, bytes(8))[:3].hex(), "24e803")

    def test_no_sequence_twice(self) -> None:
        """After the last of 64 bits nothing is sealed any more, rather than wrapped."""
        sealer = PacketSealer(KEY, PROTOCOL_ID, first_sequence=LAST)
        result = opener().open(sealer.seal(PAYLOAD, b"last"), ALL)
        self.assertEqual(result, (PAYLOAD, LAST, b"last"))
        for _ in range(2):
            with self.assertRaisesRegex(LocalProtocolError, "64 bits"):
                sealer.seal(PAYLOAD, b"x")

    def test_seal_as(self) -> None:
        """A sequence of the caller's leaves the count alone."""
        sealer = PacketSealer(KEY, PROTOCOL_ID)
        packet = sealer.seal_as(CHALLENGE, 1 << 63, bytes(308))
        self.assertEqual(sealer.sequence, 0)
        kind, sequence, _ = opener().open(packet, ALL)
        self.assertEqual((kind, sequence), (CHALLENGE, 1 << 63))

    def test_replies_are_smaller(self) -> None:
        """What a server answers a stranger is smaller than the request."""
        for kind in (DENIED, CHALLENGE, ACCEPTED, REFUSED):
            largest = sealed(kind, LAST, bytes(SIZES[kind][1]))
            self.assertLess(len(largest), REQUEST_SIZE)


class OpenerTests(SynchronousTestCase):
    """A packet is opened once, whole and authentic; everything else is dropped."""

    @given(kinds, sequences, labels, st.binary(min_size=32, max_size=32), st.data())
    def test_round_trip(self, kind, sequence, label, key, data) -> None:
        """Kind, sequence and body come back, for every body that a kind may have."""
        smallest, largest = SIZES[kind]
        body = bytes(data.draw(st.integers(smallest, min(largest, 2000))))
        packet = PacketSealer(key, 1, label).seal_as(kind, sequence, body)
        n_head = 1 + len(label) + (packet[0] >> 4)
        self.assertEqual(len(packet), n_head + len(body) + TAG)
        result = PacketOpener(key, 1, label).open(packet, ALL)
        self.assertEqual(result, (kind, sequence, body))

    @given(kinds, sequences, labels, st.integers(0))
    def test_one_bit(self, kind: int, sequence: int, label: bytes, bit: int) -> None:
        """One changed bit anywhere, and it is dropped."""
        packet = bytearray(sealed(kind, sequence, some_body(kind), label))
        bit %= 8 * len(packet)
        packet[bit // 8] ^= 1 << bit % 8
        reader = opener(label)
        self.assertIsInstance(reader.open(bytes(packet), ALL), str)
        self.assertEqual(reader.newest, -1)

    @given(st.binary(max_size=80), labels, st.one_of(kinds, st.integers(0, 255)))
    def test_any_bytes(self, data: bytes, label: bytes, prefix: int) -> None:
        """Arbitrary bytes are dropped for one of the reasons there are."""
        reasons = {"truncated", "kind", "sequence", "label", "corrupted"}
        for packet in (data, bytes((prefix,)) + data, bytes((prefix,)) + label + data):
            for legal in (ALL, frozenset(range(16)), frozenset()):
                self.assertIn(opener(label).open(packet, legal), reasons)

    def test_bound(self) -> None:
        """Another key, protocol or label is not ours."""
        packet = sealed(PACKET, 7, b"body", LABEL)
        for reader, reason in (
            (PacketOpener(bytes(32), PROTOCOL_ID, LABEL), "corrupted"),
            (PacketOpener(KEY, PROTOCOL_ID ^ 1 << 63, LABEL), "corrupted"),
            (PacketOpener(KEY, PROTOCOL_ID, b"\1\2\3\5"), "label"),
            (PacketOpener(KEY, PROTOCOL_ID), "corrupted"),
        ):
            self.assertEqual(reader.open(packet, ALL), reason)
        self.assertEqual(opener(LABEL).open(packet, ALL), (PACKET, 7, b"body"))

    def test_longer_encodings(self) -> None:
        """A sequence in more bytes than it needs is read, as the standard has it."""
        for n_bytes in range(1, 9):
            prefix = bytes((n_bytes << 4 | PAYLOAD,))
            associated = VERSION + PROTOCOL_ID.to_bytes(8, "little") + prefix
            nonce = bytes(4) + (7).to_bytes(8, "little")
            box = independent.seal(KEY, nonce, b"body", associated)
            packet = prefix + (7).to_bytes(n_bytes, "little") + box
            result = opener().open(packet, ALL)
            self.assertEqual(result, (PAYLOAD, 7, b"body"))

    def test_sizes(self) -> None:
        """Each kind has its sizes; an authentic packet of another is dropped."""
        for kind, (smallest, largest) in SIZES.items():
            for size in {smallest, largest}:
                packet = sealed(kind, 7, bytes(size))
                self.assertEqual(opener().open(packet, ALL), (kind, 7, bytes(size)))
            for size in {smallest - 1, largest + 1} - {-1}:
                packet = sealed(kind, 7, bytes(size))
                self.assertEqual(opener().open(packet, ALL), "size")

    def test_payloads_are_netcodes(self) -> None:
        """The largest packet of netcode is 1,225 bytes."""
        packet = sealed(PAYLOAD, LAST, bytes(MAX_PAYLOAD))
        self.assertEqual(len(packet), 1225)

    def test_sealed_requests(self) -> None:
        """A request is never sealed: one that is has no legal size."""
        packet = sealed(REQUEST, 7, b"body")
        self.assertEqual(opener().open(packet, frozenset(range(16))), "kind")


class OrderTests(SynchronousTestCase):
    """The checks run in the standard's order, so the cheapest decide first."""

    def dropped(self, packet: bytes, legal: frozenset[int] = ALL, label=b"") -> str:
        """Return why a packet is dropped, by a new opener and by one that knows it."""
        experienced = opener(label)
        for kind in ALL:
            for sequence in (1000, 2**20):
                experienced.open(sealed(kind, sequence, some_body(kind), label), ALL)
        reasons = {opener(label).open(packet, legal), experienced.open(packet, legal)}
        self.assertEqual(len(reasons), 1)
        return reasons.pop()

    def test_shorter_than_any(self) -> None:
        """Less than 18 bytes is dropped unread, whatever its prefix is."""
        packet = sealed(DISCONNECT, 2**21, b"")
        for size in range(18):
            self.assertEqual(self.dropped(packet[:size]), "truncated")
            self.assertEqual(self.dropped(b"\xff" * size), "truncated")
            self.assertEqual(self.dropped(packet[:size], frozenset()), "truncated")

    def test_kind_before_sequence(self) -> None:
        """An illegal kind is dropped before its sequence is looked at."""
        for prefix in (0x00, 0x0B, 0x9C, 0xFF, 0x0F):
            self.assertEqual(self.dropped(bytes((prefix,)) * 40), "kind")
        packet = sealed(CHALLENGE, 2**21, bytes(308))
        self.assertEqual(self.dropped(packet, ALL - {CHALLENGE}), "kind")

    def test_sequence_before_size(self) -> None:
        """0 or more than 8 sequence bytes are none; then they have to be there."""
        for n_bytes in (0, 9, 15):
            prefix = bytes((n_bytes << 4 | PAYLOAD,))
            self.assertEqual(self.dropped(prefix + bytes(17)), "sequence")
            self.assertEqual(self.dropped(prefix + bytes(60)), "sequence")
        for n_bytes in range(2, 9):
            prefix = bytes((n_bytes << 4 | JOIN,))
            self.assertEqual(self.dropped(prefix + bytes(n_bytes + 15)), "truncated")
            self.assertEqual(self.dropped(prefix + bytes(n_bytes + 16)), "corrupted")

    def test_size_with_label(self) -> None:
        """A label makes the smallest packet longer."""
        packet = sealed(PACKET, 2**21, b"body", LABEL)
        head = packet[: 1 + len(LABEL) + 3]
        self.assertEqual(self.dropped(head + bytes(15), label=LABEL), "truncated")
        self.assertEqual(self.dropped(head + bytes(16), label=LABEL), "corrupted")
        other = head.replace(LABEL, b"\1\2\3\5") + bytes(40)
        self.assertEqual(self.dropped(other, label=LABEL), "label")

    def test_replay_before_decryption(self) -> None:
        """What came before is dropped before any work is put into it."""
        for kind in REPLAYABLE:
            reader, packet = opener(), sealed(kind, 7, some_body(kind))
            self.assertEqual(reader.open(packet, ALL), (kind, 7, some_body(kind)))
            self.assertEqual(reader.open(packet, ALL), "replayed")
            corrupted = packet[:-1] + bytes((packet[-1] ^ 1,))
            self.assertEqual(reader.open(corrupted, ALL), "replayed")

    def test_decryption_before_window(self) -> None:
        """A forged sequence does not move the window."""
        reader = opener()
        forged = bytearray(sealed(PAYLOAD, LAST, b"body"))
        forged[-1] ^= 1
        self.assertEqual(reader.open(bytes(forged), ALL), "corrupted")
        self.assertEqual(reader.newest, -1)
        self.assertEqual(reader.open(sealed(PAYLOAD, 0, b"x"), ALL), (PAYLOAD, 0, b"x"))

    def test_window_before_size(self) -> None:
        """An authentic packet counts as received, also with a body of no legal size."""
        reader = opener()
        packet = sealed(KEEP_ALIVE, 7, b"short")
        self.assertEqual(reader.open(packet, ALL), "size")
        self.assertEqual(reader.newest, 7)
        self.assertEqual(reader.open(packet, ALL), "replayed")


class ReplayTests(SynchronousTestCase):
    """The kinds that change a connection count once each; the others do not count."""

    def test_one_count(self) -> None:
        """Every kind that counts takes its sequence from the same count."""
        reader = opener()
        for sequence, kind in enumerate((KEEP_ALIVE, PAYLOAD, DISCONNECT)):
            packet = sealed(kind, sequence, some_body(kind))
            self.assertEqual(reader.open(packet, ALL)[0], kind)
        self.assertEqual(reader.newest, 2)
        self.assertEqual(reader.open(sealed(PAYLOAD, 0, b"x"), ALL), "replayed")

    def test_handshakes_do_not_count(self) -> None:
        """A handshake's packet is opened again and again, and moves nothing."""
        reader = opener()
        for kind in sorted(ALL - set(REPLAYABLE)):
            packet = sealed(kind, 1 << 63, some_body(kind))
            for _ in range(2):
                self.assertEqual(reader.open(packet, ALL)[:2], (kind, 1 << 63))
        self.assertEqual(reader.newest, -1)

    def test_late(self) -> None:
        """A late packet is opened while it is within the window of 256."""
        reader = opener()
        self.assertEqual(reader.open(sealed(PAYLOAD, 1000, b"x"), ALL)[1], 1000)
        self.assertEqual(reader.open(sealed(PAYLOAD, 745, b"x"), ALL)[1], 745)
        self.assertEqual(reader.open(sealed(PAYLOAD, 744, b"x"), ALL), "replayed")
        self.assertEqual(reader.newest, 1000)

    @given(
        st.sampled_from([0, 100, 2**16 - 99, 2**63 - 40, LAST - 400]),
        st.lists(st.integers(0, 400), max_size=60),
        labels,
    )
    def test_any_order(self, start: int, order: list[int], label: bytes) -> None:
        """In any order, also up to the last sequence, each within it counts once."""
        sealer, reader = PacketSealer(KEY, PROTOCOL_ID, label), opener(label)
        seen = {-1}
        for sequence in [start + offset for offset in order]:
            is_new = sequence not in seen and sequence > max(seen) - 256
            result = reader.open(sealer.seal_as(PACKET, sequence, b"body"), ALL)
            self.assertEqual(
                result, (PACKET, sequence, b"body") if is_new else "replayed"
            )
            seen.add(sequence)
            self.assertEqual(reader.newest, max(seen))

    def test_strangers_leave_nothing(self) -> None:
        """An opener remembers nothing of packets that it did not open."""
        reader = opener(LABEL)
        for prefix in range(256):
            reader.open(bytes((prefix,)) + LABEL + bytes(60), ALL)
        self.assertEqual(reader._shapes, {})
        reader.open(sealed(PACKET, 7, b"body", LABEL), ALL)
        self.assertEqual(len(reader._shapes), 1)
