# SPDX-License-Identifier: MIT
"""Tests of the three roles of the handshake."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import PROTOCOL_VERSION, Gate, Link
from gamenet.connection.handshake import (
    Admitted,
    Challenged,
    ClientHandshake,
    DatagramServerHandshake,
    Refused,
    StreamServerHandshake,
)
from gamenet.connection.packets import (
    REQUEST_SIZE,
    Accepted,
    Challenge,
    Denied,
    Request,
    Response,
    packet_registry,
    read_packet,
)
from gamenet.errors import CloseReason
from tests.connection.network import HASH

SALT, TAG = 11, 22
NUMBER = int.from_bytes(HASH, "little")


class GateTests(SynchronousTestCase):
    """A request alone tells whether a peer can be understood."""

    def setUp(self) -> None:
        self.gate = Gate(HASH, "arena 1")

    def test_good(self) -> None:
        """The right hash may pass, and so may "describe it to me"."""
        for number in (NUMBER, 0):
            for kind in (Request, Response):
                self.assertIsNone(self.gate.check(kind(protocol_hash=number)))

    def test_mismatch(self) -> None:
        """Another hash is told what we speak."""
        refused = self.gate.check(Request(protocol_hash=5))
        self.assertEqual(refused, Refused(CloseReason.PROTOCOL_MISMATCH, "arena 1"))

    def test_magic(self) -> None:
        """What does not begin with our magic is not of ours."""
        refused = self.gate.check(Request(magic=1, protocol_hash=NUMBER))
        assert refused is not None
        self.assertIs(refused.reason, CloseReason.MALFORMED)

    def test_version(self) -> None:
        """Another version is refused also where it could be read."""
        for kind in (Request, Response):
            refused = self.gate.check(kind(version=2, protocol_hash=NUMBER))
            assert refused is not None
            self.assertIs(refused.reason, CloseReason.VERSION_MISMATCH)
            self.assertIn("client 2", refused.detail)

    def test_long_summary(self) -> None:
        """A summary longer than a packet takes is cut, and can still be sent."""
        gate = Gate(HASH, "é" * 5000)
        refused = gate.check(Request(protocol_hash=5))
        assert refused is not None
        packet_registry.encode(Denied(SALT, refused.reason, refused.detail))

    def test_foreign_version(self) -> None:
        """A request of another version is answered though its rest is unknown."""
        head = b"\0GNET" + (9).to_bytes(2, "little") + HASH
        request = head + SALT.to_bytes(8, "little") + b"who knows"
        answer = Gate.foreign_version(request)
        assert answer is not None
        denied = read_packet(answer)
        assert isinstance(denied, Denied)
        self.assertEqual(
            (denied.client_salt, denied.reason), (SALT, CloseReason.VERSION_MISMATCH)
        )
        self.assertIn(f"version {PROTOCOL_VERSION}, the client 9", denied.detail)

    def test_no_foreign_version(self) -> None:
        """Our version, another type, other magic and a stump are no such request."""
        ours = packet_registry.encode(Request())
        foreign = bytearray(ours)
        foreign[5] = 9
        for data in (ours, b"\3" + foreign[1:], b"\0X" + foreign[2:], foreign[:22]):
            self.assertIsNone(Gate.foreign_version(bytes(data)))


class ClientTests(SynchronousTestCase):
    """The client asks until it has an answer, then never again."""

    def client(self, link: Link = Link.DATAGRAM) -> ClientHandshake:
        """Return a client that has begun to ask at 10.0."""
        client = ClientHandshake(HASH, b"ada", SALT, link)
        self.assertEqual(client.packets_due(now=9.0), [])
        self.assertIsNone(client.next_timeout())
        client.begin(now=10.0)
        return client

    def test_asks_ten_times_a_second(self) -> None:
        """A request is padded and repeated every tenth of a second."""
        client = self.client()
        [request] = client.packets_due(now=10.0)
        self.assertEqual(len(request), REQUEST_SIZE)
        self.assertEqual(client.packets_due(now=10.05), [])
        due = client.next_timeout()
        assert due is not None
        self.assertAlmostEqual(due, 10.1)
        self.assertEqual(client.packets_due(now=due), [request])

    def test_asks_a_stream_once(self) -> None:
        """On a stream a request is neither padded nor repeated."""
        client = self.client(Link.STREAM)
        [request] = client.packets_due(now=10.0)
        self.assertLess(len(request), 64)
        self.assertIsNone(client.next_timeout())
        self.assertEqual(client.packets_due(now=20.0), [])

    def test_challenged(self) -> None:
        """A challenge is answered at once, with the cookie, also the second time."""
        client = self.client()
        client.packets_due(now=10.0)
        for low in (2, 7):
            outcome = client.receive(Challenge(SALT, 1, low, 3), now=10.02)
            self.assertEqual(outcome, Challenged())
            [data] = client.packets_due(now=10.02)
            response = read_packet(data)
            assert isinstance(response, Response)
            self.assertEqual(response.client_salt, SALT)
            self.assertEqual(
                (response.cookie_time, response.cookie_low, response.cookie_high),
                (1, low, 3),
            )
            self.assertEqual(response.user_data, b"ada")

    def test_accepted(self) -> None:
        """Once accepted it asks no more, whatever comes late."""
        client = self.client()
        outcome = client.receive(Accepted(SALT, TAG), now=10.1)
        self.assertEqual(outcome, Admitted(TAG, b"", NUMBER))
        late = (Challenge(SALT), Denied(SALT), Accepted(SALT, 5))
        for packet in late:
            self.assertIsNone(client.receive(packet, now=10.2))
        self.assertEqual(client.packets_due(now=11.0), [])
        self.assertIsNone(client.next_timeout())

    def test_denied(self) -> None:
        """A denial is told, unknown reasons too, and ends the asking."""
        client = self.client()
        outcome = client.receive(Denied(SALT, 16, "full"), now=10.1)
        self.assertEqual(outcome, Refused(CloseReason.SERVER_FULL, "full"))
        self.assertEqual(client.packets_due(now=11.0), [])
        odd = self.client().receive(Denied(SALT, 255, ""), now=10.1)
        self.assertEqual(odd, Refused(CloseReason.NORMAL, ""))

    def test_another_attempt(self) -> None:
        """Answers to another salt, and our own packets sent back, say nothing."""
        client = self.client()
        for packet in (
            Challenge(SALT + 1),
            Denied(SALT + 1),
            Accepted(SALT + 1, TAG),
            Request(client_salt=SALT),
            Response(client_salt=SALT),
        ):
            self.assertIsNone(client.receive(packet, now=10.1))
        self.assertEqual(len(client.packets_due(now=10.0)), 1)

    def test_before_asking(self) -> None:
        """Who has not asked believes no answer."""
        client = ClientHandshake(HASH, b"", SALT, Link.DATAGRAM)
        self.assertIsNone(client.receive(Accepted(SALT, TAG), now=1.0))

    def test_no_challenge_on_streams(self) -> None:
        """A stream has no challenges."""
        client = self.client(Link.STREAM)
        self.assertIsNone(client.receive(Challenge(SALT), now=10.1))

    def test_stopped(self) -> None:
        """Who is told to stop sends nothing more."""
        client = self.client()
        client.stop()
        self.assertEqual(client.packets_due(now=10.0), [])


class StreamServerTests(SynchronousTestCase):
    """The first packet of a stream decides."""

    def setUp(self) -> None:
        self.server = StreamServerHandshake(Gate(HASH, "arena"), TAG)

    def answer(self) -> object:
        """Return the answer, which is due at once and only once."""
        self.assertEqual(self.server.next_timeout(), 0.0)
        self.server.stop()
        [data] = self.server.packets_due(now=1.0)
        self.assertEqual(self.server.packets_due(now=1.0), [])
        self.assertIsNone(self.server.next_timeout())
        return read_packet(data)

    def test_accepts(self) -> None:
        """A good request is accepted."""
        request = Request(protocol_hash=NUMBER, client_salt=SALT, user_data=b"ada")
        outcome = self.server.receive(request, now=1.0)
        self.assertEqual(outcome, Admitted(TAG, b"ada", NUMBER))
        self.assertEqual(self.answer(), Accepted(SALT, TAG))

    def test_denies(self) -> None:
        """Another protocol is denied, with the summary."""
        outcome = self.server.receive(Request(protocol_hash=1, client_salt=SALT), now=1)
        assert isinstance(outcome, Refused)
        denied = Denied(SALT, CloseReason.PROTOCOL_MISMATCH, "arena")
        self.assertEqual(self.answer(), denied)

    def test_no_request(self) -> None:
        """Anything else is refused without a word."""
        for packet in (Response(), Accepted(), Challenge(), Denied()):
            outcome = self.server.receive(packet, now=1.0)
            assert isinstance(outcome, Refused)
            self.assertIs(outcome.reason, CloseReason.MALFORMED)
        self.assertIsNone(self.server.next_timeout())


class DatagramServerTests(SynchronousTestCase):
    """A server says Accepted once for each response of its client."""

    def test_repeats(self) -> None:
        """A response that comes again is answered again, others are not."""
        response = Response(client_salt=SALT)
        server = DatagramServerHandshake(response, TAG)
        accepted = packet_registry.encode(Accepted(SALT, TAG))
        self.assertEqual(server.packets_due(now=1.0), [accepted])
        self.assertEqual(server.packets_due(now=1.0), [])
        for packet in (Response(client_salt=5), Request(client_salt=SALT)):
            self.assertIsNone(server.receive(packet, now=1.0))
            self.assertIsNone(server.next_timeout())
        server.receive(response, now=1.0)
        self.assertEqual(server.next_timeout(), 0.0)
        self.assertEqual(server.packets_due(now=1.0), [accepted])
