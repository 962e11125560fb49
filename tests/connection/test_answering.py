# SPDX-License-Identifier: MIT
"""Tests of the server's side of the handshake."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.answering import (
    DatagramServerHandshake,
    StreamServerHandshake,
)
from gamenet.connection.config import Link
from gamenet.connection.envelopes import NetcodeEnvelope, StreamEnvelope
from gamenet.connection.netcode import KEEP_ALIVE, PacketOpener, PacketSealer
from gamenet.connection.outcomes import Admitted, Refused
from gamenet.errors import CloseReason
from tests.connection.doors import AWAY, HASH, HOME, NUMBER, Entrance

KEY = bytes(32)


class StreamServerTests(SynchronousTestCase):
    """The first frame of a stream is answered with yes or no, once."""

    def setUp(self) -> None:
        self.entrance = Entrance()
        self.server = StreamServerHandshake(self.entrance.door)
        self.token = self.entrance.token()
        self.frame = self.frame_of()

    def frame_of(self, protocol_hash: bytes = HASH) -> bytes:
        """Return the first frame of a client."""
        client = self.entrance.client(
            self.token, link=Link.STREAM, protocol_hash=protocol_hash
        )
        [frame] = client.packets_due(now=1.0)
        return frame

    def receive(self, frame: bytes, source: str = HOME) -> Admitted | Refused:
        """Give a frame to a new handshake; return what comes of it."""
        self.server = StreamServerHandshake(self.entrance.door)
        outcome = self.server.receive(frame, source, now=1.0)
        assert isinstance(outcome, Admitted | Refused)
        return outcome

    def assert_refused(self, frame: bytes, reason: CloseReason, detail="") -> None:
        """Check that a frame is refused, and that the client is told."""
        refused = self.receive(frame)
        self.assertEqual(refused, Refused(reason, detail))
        [reply] = self.server.packets_due(now=1.0)
        self.assertEqual(reply, bytes((9, reason)) + detail.encode())
        self.assertEqual(self.server.packets_due(now=1.0), [])

    def test_accepts(self) -> None:
        """A good token gets in; the client learns its place."""
        self.assertEqual(len(self.frame), 1104)
        admitted = self.receive(self.frame)
        assert isinstance(admitted, Admitted)
        assert admitted.pass_ is not None
        self.assertEqual(admitted.pass_.user_data, b"ada")
        self.assertEqual((admitted.protocol_hash, admitted.max_clients), (NUMBER, 32))
        self.assertIsInstance(admitted.envelope, StreamEnvelope)
        self.assertIsNone(self.server.next_timeout())
        self.assertIsNone(self.server.accept(5))
        self.assertEqual(self.server.next_timeout(), 0.0)
        self.assertEqual(self.server.packets_due(now=1.0), [b"\x08\5\0\0\0\x20\0\0\0"])
        self.assertIsNone(self.server.next_timeout())

    def test_asks_for_description(self) -> None:
        """A client that does not know the protocol may come in."""
        admitted = self.receive(self.frame_of(bytes(8)))
        assert isinstance(admitted, Admitted)
        self.assertEqual(admitted.protocol_hash, 0)

    def test_shell_refuses(self) -> None:
        """Whoever drives it may say no though the token is good."""
        self.receive(self.frame)
        self.server.refuse(Refused(CloseReason.SERVER_FULL, "come back"))
        self.server.stop()
        self.assertEqual(self.server.packets_due(now=1.0), [b"\x09\x10come back"])

    def test_single_use(self) -> None:
        """A token opens the door for one stream."""
        self.receive(self.frame)
        self.server.accept(0)
        for source in (HOME, AWAY):
            refused = self.receive(self.frame, source)
            self.assertEqual(refused, Refused(CloseReason.TOKEN_USED, ""))

    def test_raced(self) -> None:
        """Of two streams that show one token at once, one gets in."""
        self.receive(self.frame)
        first = self.server
        self.receive(self.frame)
        second = self.server
        self.assertIsNone(first.accept(0))
        refused = second.accept(1)
        self.assertEqual(refused, Refused(CloseReason.TOKEN_USED, ""))
        self.assertEqual(second.packets_due(now=1.0), [b"\x09\x18"])

    def test_used_by_datagrams(self) -> None:
        """A token that was shown by a datagram is of no use to another's stream."""
        self.entrance.receive(self.token.request())
        self.assert_refused_at(AWAY, CloseReason.TOKEN_USED)

    def assert_refused_at(self, source: str, reason: CloseReason) -> None:
        """Check that the good frame is refused from a source."""
        self.assertEqual(self.receive(self.frame, source), Refused(reason, ""))

    def test_bad_tokens(self) -> None:
        """The checks are those of the door, and the client is told."""
        frame = self.frame
        forged = frame[:500] + bytes((frame[500] ^ 1,)) + frame[501:]
        self.assert_refused(forged, CloseReason.TOKEN_INVALID)
        self.entrance.addresses = []
        self.assert_refused(frame, CloseReason.TOKEN_FOREIGN)
        self.entrance.unix += 30
        self.assert_refused(frame, CloseReason.TOKEN_EXPIRED)

    def test_other_protocol(self) -> None:
        """Who speaks otherwise is told what we speak, and keeps the token."""
        frame = self.frame_of(b"other..!")
        self.assert_refused(frame, CloseReason.PROTOCOL_MISMATCH, "arena 1")
        self.assertIsInstance(self.receive(self.frame, AWAY), Admitted)

    def test_other_version(self) -> None:
        """Another version is told so, whatever it sends behind."""
        for rest in (b"", bytes(8), bytes(100)):
            frame = self.frame[:1078] + b"\2\0" + rest.ljust(8, b"\0")
            detail = "the server speaks 1, the client 2"
            self.assert_refused(frame, CloseReason.VERSION_MISMATCH, detail)

    def test_sizes(self) -> None:
        """The frame has one size."""
        for frame in (b"", b"\0", self.frame[:1077], self.frame[:1087]):
            refused = self.receive(frame)
            assert isinstance(refused, Refused)
            self.assertIs(refused.reason, CloseReason.MALFORMED)
        refused = self.receive(self.frame + b"\0")
        assert isinstance(refused, Refused)
        self.assertIs(refused.reason, CloseReason.MALFORMED)

    def test_second_frame(self) -> None:
        """Only the first frame counts."""
        self.receive(b"")
        self.assertEqual(self.server.receive(self.frame, HOME, now=1.0), "late")

    @given(st.binary(max_size=1200))
    def test_garbage(self, data: bytes) -> None:
        """Arbitrary bytes are refused, with a reply."""
        self.assertIsInstance(self.receive(data), Refused)
        self.assertEqual(len(self.server.packets_due(now=1.0)), 1)


class ExtendedServerTests(SynchronousTestCase):
    """A gamenet client is told that it is in as often as it asks."""

    def setUp(self) -> None:
        self.server = DatagramServerHandshake(b"accepted", b"join")

    def test_at_once(self) -> None:
        """It is told at once, and then when it asks again."""
        self.assertEqual(self.server.next_timeout(), 0.0)
        self.assertEqual(self.server.packets_due(now=1.0), [b"accepted"])
        self.assertIsNone(self.server.next_timeout())
        self.assertEqual(self.server.packets_due(now=9.0, has_payload=True), [])
        self.assertEqual(self.server.receive(b"join"), "")
        self.assertEqual(self.server.packets_due(now=9.0), [b"accepted"])

    def test_other_packets(self) -> None:
        """Another Join is not answered: it is of another attempt."""
        self.server.packets_due(now=1.0)
        for data in (b"join!", b"joi", b""):
            self.assertEqual(self.server.receive(data), "unexpected")
        self.assertIsNone(self.server.next_timeout())

    def test_confirmed(self) -> None:
        """When the client has sent something, nothing is kept and nothing is due."""
        self.server.confirm()
        self.assertIsNone(self.server.next_timeout())
        self.assertEqual(self.server.packets_due(now=1.0), [])
        for data in (b"join", b""):
            self.assertEqual(self.server.receive(data), "unexpected")

    def test_stopped(self) -> None:
        """When the connection is over, there is nothing to say."""
        self.server.stop()
        self.assertEqual(self.server.packets_due(now=1.0), [])


class PlainServerTests(SynchronousTestCase):
    """A plain client is sent keep-alives until it must have heard one."""

    def setUp(self) -> None:
        self.opener = PacketOpener(KEY, 1)
        envelope = NetcodeEnvelope(
            PacketSealer(KEY, 1), PacketOpener(KEY, 1), slot=2, max_clients=9
        )
        self.server = DatagramServerHandshake(plain=envelope)

    def assert_keep_alive(self, now: float, *, has_payload: bool = False) -> None:
        """Check that one is due, with the place in it."""
        [packet] = self.server.packets_due(now=now, has_payload=has_payload)
        opened = self.opener.open(packet, frozenset({KEEP_ALIVE}))
        self.assertEqual(opened[2], b"\2\0\0\0\x09\0\0\0")

    def test_ten_a_second(self) -> None:
        """One at once, then ten a second."""
        self.assertEqual(self.server.next_timeout(), 0.0)
        self.assert_keep_alive(1.0)
        self.assertEqual(self.server.next_timeout(), 1.1)
        self.assertEqual(self.server.packets_due(now=1.05), [])
        self.assert_keep_alive(1.1)

    def test_before_payload(self) -> None:
        """One before each payload."""
        for now in (1.0, 1.01, 1.02):
            self.assert_keep_alive(now, has_payload=True)

    def test_confirmed(self) -> None:
        """When the client has sent something, no more."""
        self.server.confirm()
        self.assertIsNone(self.server.next_timeout())
        self.assertEqual(self.server.packets_due(now=9.0, has_payload=True), [])

    def test_repeated_response(self) -> None:
        """A Response is no copy: each has another sequence."""
        self.assertEqual(self.server.receive(b"response"), "unexpected")
