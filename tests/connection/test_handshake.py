# SPDX-License-Identifier: MIT
"""Tests of the client's side of the handshake, and of both sides on a bad network."""

from __future__ import annotations

from dataclasses import replace

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.answering import StreamServerHandshake
from gamenet.connection.config import Link
from gamenet.connection.envelopes import StreamEnvelope
from gamenet.connection.extension import marked_sequence
from gamenet.connection.handshake import (
    Admitted,
    Challenged,
    ClientHandshake,
    Refused,
)
from gamenet.connection.netcode import (
    ACCEPTED,
    CHALLENGE,
    DENIED,
    JOIN,
    KEEP_ALIVE,
    PAYLOAD,
    REFUSED,
    RESPONSE,
    PacketOpener,
    PacketSealer,
)
from gamenet.errors import CloseReason
from tests.connection.doors import HASH, HOME, NUMBER, PROTOCOL_ID, Entrance

GLOBAL = marked_sequence(77)
NETCODE = 1 << 63
"""Where the sequences of netcode's reference server begin."""
CHALLENGE_BODY = bytes(range(154)) * 2


class ClientTestCase(SynchronousTestCase):
    """A client, and the hand of its server."""

    is_plain = False

    def setUp(self) -> None:
        self.entrance = Entrance()
        self.token = self.entrance.token()
        self.client = self.entrance.client(self.token, is_plain=self.is_plain)
        self.sealer = PacketSealer(self.token.server_to_client, PROTOCOL_ID)
        self.opener = PacketOpener(self.token.client_to_server, PROTOCOL_ID)

    def tell(
        self, kind: int, body: bytes = b"", sequence: int = GLOBAL, now: float = 1.0
    ) -> object:
        """Give the client a packet of its server."""
        packet = self.sealer.seal_as(kind, sequence, body)
        return self.client.receive(packet, now=now)

    def packets(self, seconds: float) -> list[bytes]:
        """Return what the client sends in some time, asked whenever it wants."""
        sent = []
        while (due := self.client.next_timeout()) is not None and due < 1.0 + seconds:
            sent += self.client.packets_due(now=due)
        return sent


class RequestingTests(ClientTestCase):
    """A client asks ten times a second until it is answered."""

    def test_idle(self) -> None:
        """Before it begins it neither sends nor listens."""
        client = ClientHandshake(
            self.token, link=Link.DATAGRAM, protocol_hash=HASH, secret=bytes(32)
        )
        self.assertIsNone(client.next_timeout())
        self.assertEqual(client.packets_due(now=1.0), [])
        self.client = client
        self.assertEqual(self.tell(DENIED), "late")

    def test_rate(self) -> None:
        """At once, then every tenth of a second: the same request."""
        self.assertEqual(self.client.next_timeout(), 1.0)
        self.assertEqual(self.client.packets_due(now=1.0), [self.token.request()])
        self.assertEqual(self.client.packets_due(now=1.05), [])
        self.assertEqual(self.packets(0.95), [self.token.request()] * 9)

    def test_stop(self) -> None:
        """When it is stopped it neither sends nor listens."""
        self.client.stop()
        self.assertIsNone(self.client.next_timeout())
        self.assertEqual(self.client.packets_due(now=2.0), [])
        self.assertEqual(self.tell(CHALLENGE, CHALLENGE_BODY), "late")

    def test_token_expires(self) -> None:
        """A token that has expired meanwhile is not shown."""
        self.assertEqual(self.client.expires_at, 31.0)
        self.assertEqual(len(self.packets(100.0)), 300)
        self.assertIsNone(self.client.next_timeout())

    def test_token_expired(self) -> None:
        """A token that expired as it was made is not shown at all."""
        for link in Link:
            token = replace(self.token, expires=self.token.created)
            client = self.entrance.client(token, link=link)
            self.assertEqual(client.packets_due(now=1.0), [])
            self.assertIsNone(client.next_timeout())

    def test_not_yet(self) -> None:
        """What belongs to a later step is dropped."""
        for kind, size in ((KEEP_ALIVE, 8), (PAYLOAD, 9), (ACCEPTED, 44), (REFUSED, 1)):
            self.assertEqual(self.tell(kind, bytes(size)), "kind")

    def test_forged(self) -> None:
        """What is not sealed with the token's key is dropped."""
        self.sealer = PacketSealer(bytes(32), PROTOCOL_ID)
        self.assertEqual(self.tell(CHALLENGE, CHALLENGE_BODY), "corrupted")
        self.sealer = PacketSealer(self.token.server_to_client, PROTOCOL_ID + 1)
        self.assertEqual(self.tell(DENIED), "corrupted")

    def test_denied_by_netcode(self) -> None:
        """A netcode server that denies is full, and that is the end."""
        outcome = self.tell(DENIED, sequence=NETCODE)
        self.assertEqual(outcome, Refused(CloseReason.SERVER_FULL, ""))
        self.assertIsNone(self.client.next_timeout())
        self.assertEqual(self.tell(CHALLENGE, CHALLENGE_BODY), "late")

    def test_denied_by_gamenet(self) -> None:
        """A gamenet server has more to say, to who answers its challenge."""
        self.assertEqual(self.tell(DENIED), "denied")
        self.assertEqual(self.packets(0.05), [self.token.request()])
        self.assertEqual(self.tell(CHALLENGE, CHALLENGE_BODY), Challenged())

    @given(st.binary(max_size=400))
    def test_garbage(self, data: bytes) -> None:
        """Arbitrary bytes are dropped with a reason."""
        for stage in range(2):
            self.setUp()
            if stage:
                self.tell(CHALLENGE, CHALLENGE_BODY)
            self.assertIsInstance(self.client.receive(data, now=1.0), str)


class JoiningTests(ClientTestCase):
    """To a gamenet server a client shows that it speaks gamenet, too."""

    def setUp(self) -> None:
        super().setUp()
        self.client.packets_due(now=1.0)
        self.assertEqual(self.tell(CHALLENGE, CHALLENGE_BODY), Challenged())

    def test_join(self) -> None:
        """It answers at once, then ten times a second, with the same bytes."""
        joins = self.packets(0.95)
        self.assertEqual(joins, joins[:1] * 10)
        opened = self.opener.open(joins[0], frozenset({JOIN}))
        assert isinstance(opened, tuple)
        body = opened[2]
        self.assertEqual(body[:308], CHALLENGE_BODY)
        self.assertEqual(body[308:318], b"\1\0" + HASH)

    def test_accepted_with_bad_key(self) -> None:
        """A key with which no secret can be shared is dropped."""
        self.assertEqual(self.tell(ACCEPTED, bytes(44)), "key")
        self.assertEqual(len(self.packets(0.05)), 1)

    def test_refused(self) -> None:
        """A refusal says why; a number that is unknown is no reason to fail."""
        outcome = self.tell(REFUSED, b"\x12too old")
        self.assertEqual(outcome, Refused(CloseReason.VERSION_MISMATCH, "too old"))
        self.assertIsNone(self.client.next_timeout())
        self.setUp()
        outcome = self.tell(REFUSED, b"\xfe\xff")
        self.assertEqual(
            outcome, Refused(CloseReason.NORMAL, "\N{REPLACEMENT CHARACTER}")
        )

    def test_late_packets(self) -> None:
        """What the server said before, and what it says to others, is dropped."""
        for kind, size in ((DENIED, 0), (CHALLENGE, 308), (KEEP_ALIVE, 8)):
            self.assertEqual(self.tell(kind, bytes(size)), "kind")
        self.assertEqual(len(self.packets(0.05)), 1)


class RespondingTests(ClientTestCase):
    """With netcode servers a client speaks netcode."""

    def challenge(self) -> list[bytes]:
        """Challenge the client; return its Responses of nearly a second."""
        outcome = self.tell(CHALLENGE, CHALLENGE_BODY, NETCODE)
        self.assertEqual(outcome, Challenged())
        return self.packets(0.95)

    def test_response(self) -> None:
        """It returns the challenge ten times a second, and counts from zero."""
        responses = self.challenge()
        self.assertEqual(len(responses), 10)
        for n, packet in enumerate(responses):
            opened = self.opener.open(packet, frozenset({RESPONSE}))
            self.assertEqual(opened, (RESPONSE, n, CHALLENGE_BODY))

    def test_keep_alive(self) -> None:
        """A keep-alive tells that it is in, and where; the sequences go on."""
        self.challenge()
        outcome = self.tell(KEEP_ALIVE, b"\3\0\0\0\x10\0\0\0", 0)
        assert isinstance(outcome, Admitted)
        self.assertEqual((outcome.slot, outcome.max_clients), (3, 16))
        self.assertEqual((outcome.protocol_hash, outcome.pass_), (NUMBER, None))
        self.assertIsNone(self.client.next_timeout())
        packet = outcome.envelope.seal(b"body")
        self.assertEqual(packet[:2], b"\x15\x0a")
        again = self.sealer.seal_as(KEEP_ALIVE, 0, bytes(8))
        self.assertEqual(outcome.envelope.open(again), "replayed")

    def test_early_payload(self) -> None:
        """A payload that overtakes the keep-alive is dropped, and not remembered."""
        self.challenge()
        self.assertEqual(self.tell(PAYLOAD, b"body", 1), "kind")
        outcome = self.tell(KEEP_ALIVE, bytes(8), 0)
        assert isinstance(outcome, Admitted)
        payload = self.sealer.seal_as(PAYLOAD, 1, b"body")
        self.assertEqual(outcome.envelope.open(payload), (PAYLOAD, b"body"))

    def test_denied(self) -> None:
        """It may be denied at this step, too."""
        self.challenge()
        outcome = self.tell(DENIED, sequence=NETCODE + 1)
        self.assertEqual(outcome, Refused(CloseReason.SERVER_FULL, ""))

    def test_extension_is_not_understood(self) -> None:
        """What only gamenet servers send is dropped."""
        self.challenge()
        for kind, size in ((CHALLENGE, 308), (ACCEPTED, 44), (REFUSED, 1)):
            self.assertEqual(self.tell(kind, bytes(size)), "kind")


class PlainClientTests(RespondingTests):
    """A client that is told to be plain is so with a gamenet server as well."""

    is_plain = True

    def test_gamenet_server(self) -> None:
        """It sends Responses, and believes a denial."""
        self.tell(CHALLENGE, CHALLENGE_BODY)
        [packet] = self.packets(0.05)
        self.assertEqual(packet[0] & 15, RESPONSE)
        outcome = self.tell(DENIED)
        self.assertEqual(outcome, Refused(CloseReason.SERVER_FULL, ""))


class StreamClientTests(SynchronousTestCase):
    """On a stream the client asks once, and is answered once."""

    def setUp(self) -> None:
        self.entrance = Entrance()
        self.client = self.entrance.client(link=Link.STREAM)

    def test_request(self) -> None:
        """The request, and what the client speaks behind it."""
        [frame] = self.client.packets_due(now=1.0)
        request = self.client.token.request()
        claim = request + b"\1\0" + HASH
        self.assertEqual(frame[:-16], claim)
        cipher = ChaCha20Poly1305(self.client.token.client_to_server)
        proof = cipher.encrypt(b"GNST" + bytes(8), b"", claim)
        self.assertEqual(frame[-16:], proof)
        self.assertIsNone(self.client.next_timeout())
        self.assertEqual(self.client.packets_due(now=9.0), [])

    def test_accepted(self) -> None:
        """With a real server: both ends can talk."""
        server = StreamServerHandshake(self.entrance.door)
        [frame] = self.client.packets_due(now=1.0)
        theirs = server.receive(frame, HOME, now=1.0)
        assert isinstance(theirs, Admitted)
        server.accept(4)
        [reply] = server.packets_due(now=1.0)
        ours = self.client.receive(reply, now=1.0)
        assert isinstance(ours, Admitted)
        self.assertIsInstance(ours.envelope, StreamEnvelope)
        self.assertEqual((ours.slot, ours.max_clients), (4, 32))
        packet = ours.envelope.seal(b"body")
        self.assertEqual(theirs.envelope.open(packet), (10, b"body"))
        self.assertEqual(self.client.receive(reply, now=1.0), "late")

    def test_refused(self) -> None:
        """A refusal says why."""
        outcome = self.client.receive(b"\x09\x10come back", now=1.0)
        self.assertEqual(outcome, Refused(CloseReason.SERVER_FULL, "come back"))

    def test_drops(self) -> None:
        """What is no answer is dropped with a reason."""
        for data, why in (
            (b"", "kind"),
            (b"\x09", "kind"),
            (b"\x0aabc", "kind"),
            (b"\x08" + bytes(7), "size"),
            (b"\x08" + bytes(9), "size"),
        ):
            self.assertEqual(self.client.receive(data, now=1.0), why)

    @given(st.binary(max_size=40))
    def test_garbage(self, data: bytes) -> None:
        """Arbitrary bytes never raise."""
        self.setUp()
        self.client.receive(data, now=1.0)
