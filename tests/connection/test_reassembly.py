# SPDX-License-Identifier: MIT
"""Tests of packets that come in fragments."""

from __future__ import annotations

import json
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.headers import write_header
from gamenet.connection.reassembly import Reassembly, is_fragment
from gamenet.errors import RemoteProtocolError
from tests.connection.strategies import edited, edits, seeds
from tests.vectors import reliable_vectors

VECTORS = json.loads(reliable_vectors.FILE.read_text(encoding="utf-8"))


def fragments_of(sequence: int, body: bytes, size: int) -> tuple[bytes, list[bytes]]:
    """Return a packet, and its fragments in order."""
    header = write_header(sequence, (sequence - 1) & 0xFFFF, 0xFFFFFFFF)
    return header + body, reliable_vectors.cut(header, sequence, body, size)


class VectorTests(SynchronousTestCase):
    """Fragments are those of the standard's text."""

    def test_packets(self):
        """Each packet is whole with its last fragment, in whatever order they come."""
        for vector in VECTORS["fragmented"]:
            fragments = [bytes.fromhex(f) for f in vector["fragments"]]
            for order in (fragments, fragments[::-1]):
                reassembly = Reassembly(max_bytes=4096)
                results = [reassembly.receive(fragment) for fragment in order]
                self.assertEqual(results[:-1], [None] * (len(order) - 1))
                self.assertEqual(results[-1].hex(), vector["packet"])
                self.assertEqual((len(reassembly), reassembly.held_bytes), (0, 0))

    def test_refused(self):
        """A fragment that the standard does not allow is refused and not kept."""
        for why, spelled in VECTORS["refused_fragments"]:
            reassembly = Reassembly(max_bytes=4096)
            with self.assertRaises(RemoteProtocolError, msg=why):
                reassembly.receive(bytes.fromhex(spelled))
            self.assertEqual(len(reassembly), 0)

    def test_is_fragment(self):
        """The lowest bit tells a fragment from a whole packet."""
        packet, fragments = fragments_of(9, b"abc", 2)
        self.assertEqual([is_fragment(f) for f in fragments], [True, True])
        self.assertEqual([is_fragment(p) for p in (packet, b"")], [False, False])


class CollectingTests(SynchronousTestCase):
    """Fragments of several packets find to their own."""

    @given(
        st.lists(st.integers(1, 3000), min_size=1, max_size=6),
        st.sampled_from([12, 500, 1024]),
        seeds,
    )
    def test_any_order(self, n_bytes, size, seed):
        """Packets are whole once each, whatever comes in between and twice."""
        random = Random(seed)
        reassembly = Reassembly(max_bytes=20000)
        packets, fragments = set(), []
        for number, n in enumerate(n_bytes):
            sequence = (65533 + number) & 0xFFFF
            packet, pieces = fragments_of(sequence, random.randbytes(n), size)
            packets.add(packet)
            fragments += pieces
        random.shuffle(fragments)
        results = []
        for fragment in fragments:
            results.append(reassembly.receive(fragment))
            if results[-1] is None:
                self.assertIsNone(reassembly.receive(fragment))
        whole = [packet for packet in results if packet is not None]
        self.assertEqual((len(whole), set(whole)), (len(packets), packets))
        self.assertEqual((len(reassembly), reassembly.held_bytes), (0, 0))
        self.assertEqual(reassembly.duplicates, len(fragments) - len(whole))

    def test_256_pieces(self):
        """A packet may have 256 pieces."""
        packet, fragments = fragments_of(7, bytes(range(256)) * 8, 8)
        self.assertEqual(len(fragments), 256)
        reassembly = Reassembly(max_bytes=2048)
        self.assertEqual([reassembly.receive(f) for f in fragments][-1], packet)


class ContradictionTests(SynchronousTestCase):
    """A fragment that contradicts those before it is refused; they stay."""

    def setUp(self):
        self.reassembly = Reassembly(max_bytes=4096)
        self.packet, self.fragments = fragments_of(7, b"aaaabbbbccccdd", 4)

    def finish(self, n_received: int) -> None:
        """Check that the packet still becomes whole."""
        results = [self.reassembly.receive(f) for f in self.fragments[n_received:]]
        self.assertIn(self.packet, results)

    def refuse(self, head: list[int], piece: bytes, message: str) -> None:
        """Check that a fragment is refused."""
        with self.assertRaisesRegex(RemoteProtocolError, message):
            self.reassembly.receive(bytes([1, 7, 0, *head]) + piece)

    def test_count_changes(self):
        """All fragments claim the same number of pieces."""
        self.reassembly.receive(self.fragments[0])
        self.refuse([1, 4], b"bbbb", "had 4 pieces, now it has 5")
        self.refuse([1, 1], b"bbbb", "had 4 pieces, now it has 2")
        self.finish(1)

    def test_sizes_overlap(self):
        """All pieces but the last are equally large, so that none overlap."""
        self.reassembly.receive(self.fragments[0])
        self.refuse([1, 3], b"bbbbb", "piece 1 of packet 7 is 5 bytes")
        self.refuse([1, 3], b"bbb", "the others are 4")
        self.refuse([3, 3], b"ddddd", "the last piece of packet 7 is 5 bytes")
        self.finish(1)

    def test_last_is_larger(self):
        """A last piece that came first is no larger than the others either."""
        self.reassembly.receive(self.fragments[3])
        self.refuse([1, 3], b"b", "the last piece of packet 7 is 2 bytes")
        self.finish(0)

    def test_another_piece_under_the_same_index(self):
        """The first of two pieces with one index counts."""
        for fragment in self.fragments[:2]:
            self.reassembly.receive(fragment)
        self.assertIsNone(self.reassembly.receive(bytes([1, 7, 0, 1, 3]) + b"xxxx"))
        self.assertEqual(self.reassembly.duplicates, 1)
        self.finish(2)


class BoundTests(SynchronousTestCase):
    """What a peer can make us hold is bounded."""

    def test_packets(self):
        """Of too many unfinished packets, the one begun first is given up."""
        reassembly = Reassembly(max_bytes=100_000, max_packets=3)
        begun = [fragments_of(sequence, b"ab" * 50, 50) for sequence in range(5)]
        for _, fragments in begun:
            self.assertIsNone(reassembly.receive(fragments[0]))
        self.assertEqual((len(reassembly), reassembly.given_up), (3, 2))
        self.assertEqual(reassembly.held_bytes, 150)
        packet, fragments = begun[4]
        self.assertEqual(reassembly.receive(fragments[1]), packet)

    def test_bytes(self):
        """Packets that never become whole hold no more than the bytes allowed."""
        reassembly = Reassembly(max_bytes=5000, max_packets=8)
        for sequence in range(100):
            _, fragments = fragments_of(sequence, bytes(4000), 1000)
            for fragment in fragments[:3]:
                reassembly.receive(fragment)
                self.assertLessEqual(reassembly.held_bytes, 5000)
                self.assertLessEqual(len(reassembly), 8)
        self.assertEqual(reassembly.given_up + len(reassembly), 100)

    def test_claims(self):
        """A packet that claims more than is allowed is refused at its first piece."""
        reassembly = Reassembly(max_bytes=5000)
        for number in (1, 254, 255):
            with self.assertRaisesRegex(RemoteProtocolError, "5000 bytes"):
                reassembly.receive(bytes([1, 0, 0, number, 255]) + bytes(20))
        self.assertEqual((len(reassembly), reassembly.held_bytes), (0, 0))
        self.assertIsNone(reassembly.receive(bytes([1, 0, 0, 1, 255]) + bytes(19)))

    def test_age(self):
        """The rest of an old packet is given up before its number comes again."""
        reassembly = Reassembly(max_bytes=5000)
        for sequence in (65000, 400):
            reassembly.receive(fragments_of(sequence, b"abc", 2)[1][0])
        reassembly.age(400)
        self.assertEqual((len(reassembly), reassembly.given_up), (2, 0))
        reassembly.age(600)
        self.assertEqual((len(reassembly), reassembly.given_up), (1, 1))

    def test_clear(self):
        """Nothing is left of the unfinished packets of a link that is over."""
        reassembly = Reassembly(max_bytes=5000)
        reassembly.receive(fragments_of(1, b"abc", 2)[1][0])
        reassembly.clear()
        self.assertEqual((len(reassembly), reassembly.held_bytes), (0, 0))

    @given(
        st.lists(
            st.tuples(st.integers(0, 3), st.integers(0, 20), edits, st.booleans()),
            max_size=40,
        )
    )
    def test_hostile(self, choices):
        """No bytes raise anything else, or break the bounds."""
        reassembly = Reassembly(max_bytes=300, max_packets=2)
        for sequence, number, changes, is_edited in choices:
            _, fragments = fragments_of(sequence, bytes(200), 20)
            fragment = fragments[number % len(fragments)]
            if is_edited:
                fragment = edited(fragment, changes, len(fragment))
            try:
                reassembly.receive(fragment)
            except RemoteProtocolError:
                continue
            self.assertLessEqual(reassembly.held_bytes, 300)
            self.assertLessEqual(len(reassembly), 2)
