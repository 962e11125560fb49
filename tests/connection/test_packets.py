# SPDX-License-Identifier: MIT
"""Tests of the packets that are no payload."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.packets import (
    MAX_DETAIL,
    REQUEST_SIZE,
    Accepted,
    Challenge,
    Denied,
    Disconnect,
    Request,
    Response,
    packet_registry,
    padded_request,
    read_packet,
    shortened,
)
from gamenet.errors import CloseReason, RemoteProtocolError
from tests.connection.strategies import edited, edits, seeds

PACKETS = {
    0: Request,
    1: Denied,
    2: Challenge,
    3: Response,
    4: Accepted,
    6: Disconnect,
}


class PacketTests(SynchronousTestCase):
    """Packets are read back as they were written, or refused."""

    @given(st.sampled_from(list(PACKETS)), seeds)
    def test_round_trip(self, number: int, seed: int) -> None:
        """Every packet begins with its type and is read back."""
        packet = PACKETS[number].sample(Random(seed))
        data = packet_registry.encode(packet)
        self.assertEqual(data[0], number)
        self.assertEqual(read_packet(data), packet)

    def test_bytes(self) -> None:
        """The bytes are those of the standard."""
        request = Request(protocol_hash=1, client_salt=2, user_data=b"ada")
        data = packet_registry.encode(request)
        expected = "00474e45540100010000000000000002000000000000000300616461"
        self.assertEqual(data.hex(), expected)
        goodbye = packet_registry.encode(Disconnect(3, CloseReason.KICKED, "no"))
        self.assertEqual(goodbye.hex(), "0603000000000000000202006e6f")

    @given(st.binary(max_size=256))
    def test_padding(self, user_data: bytes) -> None:
        """A request is padded with zeros, and only with zeros."""
        request = Request(user_data=user_data)
        data = padded_request(request)
        self.assertEqual(len(data), REQUEST_SIZE)
        self.assertEqual(read_packet(data), request)
        forged = data[:-1] + b"\1"
        self.assertRaises(RemoteProtocolError, read_packet, forged)

    def test_answers_are_smaller(self) -> None:
        """No answer is larger than the request, so nothing is amplified."""
        longest = Denied(detail="x" * MAX_DETAIL)
        for packet in (longest, Challenge(), Accepted()):
            self.assertLess(len(packet_registry.encode(packet)), REQUEST_SIZE)

    @given(st.binary(max_size=40))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are a packet or a RemoteProtocolError."""
        try:
            packet = read_packet(data)
        except RemoteProtocolError:
            return
        self.assertEqual(packet_registry.encode(packet), data)

    @given(st.sampled_from(list(PACKETS)), seeds, edits, st.integers(0, 2000))
    def test_mutated(self, number: int, seed: int, changes, length: int) -> None:
        """A changed packet is a packet or a RemoteProtocolError."""
        data = packet_registry.encode(PACKETS[number].sample(Random(seed)))
        for whole in (data, data.ljust(REQUEST_SIZE, b"\0")):
            try:
                read_packet(edited(whole, changes, length))
            except RemoteProtocolError:
                continue

    def test_unknown(self) -> None:
        """A packet of an unknown type is refused, and so is an empty one."""
        for data in (b"", b"\x05", b"\x07", b"\x80", b"\x80\x01"):
            self.assertRaises(RemoteProtocolError, read_packet, data)

    @given(st.text(max_size=1100) | st.text("é\ud800", min_size=400, max_size=900))
    def test_shortened(self, detail: str) -> None:
        """Any text, however long and however strange, becomes one that can be sent."""
        short = shortened(detail)
        packet = Disconnect(1, CloseReason.NORMAL, short)
        self.assertEqual(read_packet(packet_registry.encode(packet)), packet)
        if "\ud800" not in detail and len(detail.encode()) <= MAX_DETAIL:
            self.assertEqual(short, detail)
