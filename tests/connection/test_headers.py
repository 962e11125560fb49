# SPDX-License-Identifier: MIT
"""Tests of the header of a packet."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.headers import (
    ALL_BITS,
    MAX_HEADER,
    MIN_HEADER,
    read_header,
    write_header,
)
from gamenet.errors import RemoteProtocolError
from tests.vectors import reliable_vectors

VECTORS = json.loads(reliable_vectors.FILE.read_text(encoding="utf-8"))

sequences = st.integers(0, 65535)
bit_fields = st.one_of(
    st.just(ALL_BITS),
    st.integers(0, ALL_BITS),
    st.lists(st.sampled_from([0, 1, 0x7F, 0xFE, 0xFF]), min_size=4, max_size=4).map(
        lambda parts: int.from_bytes(bytes(parts), "little")
    ),
)
acks_behind = st.one_of(st.integers(0, 300), sequences)


class VectorTests(SynchronousTestCase):
    """The headers are those of the standard's text, byte for byte."""

    def test_file(self):
        """The file of vectors is what its script writes."""
        text = reliable_vectors.FILE.read_text(encoding="utf-8")
        self.assertEqual(text, reliable_vectors.to_text(reliable_vectors.make()))

    def test_written(self):
        """Each header is written as the standard spells it."""
        for sequence, ack, bits, spelled in VECTORS["headers"]:
            self.assertEqual(write_header(sequence, ack, bits).hex(), spelled)

    def test_read(self):
        """Each header of the standard is read back, and ends where it ends."""
        for sequence, ack, bits, spelled in VECTORS["headers"]:
            data = bytes.fromhex(spelled)
            expected = (sequence, ack, bits, len(data))
            self.assertEqual(read_header(data), expected)

    def test_refused(self):
        """A header that the standard does not allow is refused."""
        for why, spelled in VECTORS["refused_headers"]:
            with self.assertRaises(RemoteProtocolError, msg=why):
                read_header(bytes.fromhex(spelled))


class HeaderTests(SynchronousTestCase):
    """There is one header for each sequence, ack and bits, and no other."""

    @given(sequences, acks_behind, bit_fields, st.binary(max_size=8), st.binary())
    def test_round_trip(self, sequence, behind, bits, before, after):
        """A header is read back from anywhere in a packet."""
        ack = (sequence - behind) & 0xFFFF
        header = write_header(sequence, ack, bits)
        self.assertLessEqual(MIN_HEADER, len(header))
        self.assertLessEqual(len(header), MAX_HEADER)
        packet = before + header + after
        end = len(before) + len(header)
        self.assertEqual(read_header(packet, len(before)), (sequence, ack, bits, end))

    @given(sequences, acks_behind, bit_fields)
    def test_cut_short(self, sequence, behind, bits):
        """No header is complete before its last byte."""
        header = write_header(sequence, (sequence - behind) & 0xFFFF, bits)
        for size in range(len(header)):
            self.assertRaises(RemoteProtocolError, read_header, header[:size])

    @given(
        st.one_of(
            st.binary(max_size=12),
            st.builds(
                lambda prefix, rest: bytes([prefix]) + rest,
                st.integers(0, 0x3F),
                st.lists(
                    st.sampled_from([0, 1, 0xFE, 0xFF]), min_size=3, max_size=10
                ).map(bytes),
            ),
        )
    )
    def test_canonical(self, data):
        """Whatever is accepted is written again as the same bytes."""
        try:
            sequence, ack, bits, end = read_header(data)
        except RemoteProtocolError:
            return
        self.assertEqual(write_header(sequence, ack, bits), data[:end])

    def test_every_prefix(self):
        """Of the 256 first bytes, the 32 of the standard can begin a header."""
        accepted = set()
        for prefix in range(256):
            try:
                read_header(bytes([prefix]) + bytes([232, 3, 1, 0, 0, 0, 0, 0, 0]))
            except RemoteProtocolError:
                continue
            accepted.add(prefix)
        self.assertEqual(accepted, set(range(0, 0x40, 2)))

    def test_nothing_lost(self):
        """The header of a link that loses nothing is 4 bytes long, at every number."""
        for sequence in range(0, 65536, 251):
            header = write_header(sequence, (sequence - 2) & 0xFFFF, ALL_BITS)
            self.assertEqual(len(header), MIN_HEADER)

    def test_nothing_received(self):
        """The first header says that nothing came: not even what it names as newest."""
        header = write_header(0, 65535, 0)
        self.assertEqual(header.hex(), "3e0000010000" + "0000")
        self.assertEqual(read_header(header), (0, 65535, 0, 8))
