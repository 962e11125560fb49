# SPDX-License-Identifier: MIT
"""Tests of the server's door for datagrams."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import (
    Accept,
    Acceptor,
    Connected,
    Connection,
    ConnectionConfig,
    Gate,
    Link,
    Reply,
)
from gamenet.connection.packets import (
    Accepted,
    Challenge,
    Denied,
    Request,
    packet_registry,
    padded_request,
    read_packet,
)
from gamenet.errors import CloseReason
from tests.connection.network import HASH
from tests.connection.strategies import edited, edits, garbage

ADDRESS, SALT, TAG = "192.0.2.1:7777", 5, 99


class AcceptorTests(SynchronousTestCase):
    """Nobody is let in who has not shown that he receives at his address."""

    def setUp(self) -> None:
        self.reason: CloseReason | None = None
        self.asked: list[str] = []
        self.acceptor = Acceptor(
            ConnectionConfig(),
            Gate(HASH, "arena"),
            secret=bytes(32),
            new_tag=lambda: TAG,
            admit=self.admit,
        )
        self.client = Connection.client(
            ConnectionConfig(),
            protocol_hash=HASH,
            salt=SALT,
            link=Link.DATAGRAM,
            user_data=b"ada",
        )
        self.client.connect(now=1.0)
        [self.request] = self.client.datagrams_to_send(now=1.0)

    def admit(self, address: str) -> CloseReason | None:
        self.asked.append(address)
        return self.reason

    def receive(self, data: bytes, address: str = ADDRESS, now: float = 1.0) -> object:
        """Give a datagram to the acceptor."""
        return self.acceptor.receive(data, address, now=now)

    def answer(self, data: bytes) -> object:
        """Return the packet with which a datagram is answered."""
        reply = self.receive(data)
        assert isinstance(reply, Reply)
        [datagram] = reply.datagrams
        return read_packet(datagram)

    def response(self) -> bytes:
        """Return the response of a client that was challenged."""
        reply = self.receive(self.request)
        assert isinstance(reply, Reply)
        self.client.receive_datagram(reply.datagrams[0], now=1.1)
        [response] = self.client.datagrams_to_send(now=1.1)
        return response

    def test_challenges(self) -> None:
        """A request is answered with a challenge, and nothing is kept."""
        before = {key: repr(value) for key, value in vars(self.acceptor).items()}
        challenge = self.answer(self.request)
        assert isinstance(challenge, Challenge)
        self.assertEqual(challenge.client_salt, SALT)
        after = {key: repr(value) for key, value in vars(self.acceptor).items()}
        self.assertEqual(before, after)
        self.assertEqual(self.asked, [ADDRESS])

    def test_accepts(self) -> None:
        """A response with the cookie makes a connection, which says so."""
        accept = self.receive(self.response())
        assert isinstance(accept, Accept)
        server = accept.connection
        self.assertEqual((server.state, server.user_data), ("Connected", b"ada"))
        self.assertEqual(server.protocol_hash, int.from_bytes(HASH, "little"))
        self.assertEqual(server.client_salt, SALT)
        self.assertEqual(server.next_event(), Connected())
        packets = server.datagrams_to_send(now=1.1)
        self.assertEqual(read_packet(packets[0]), Accepted(SALT, TAG))
        self.assertEqual(packets[1][0], 5)

    def test_cookie_of_another_address(self) -> None:
        """A cookie is of no use at another address, or too late."""
        response = self.response()
        self.assertIsNone(self.receive(response, "192.0.2.2:7777"))
        self.assertIsNone(self.receive(response, now=100.0))
        self.assertEqual(self.acceptor.dropped, {"bad_cookie": 2})
        self.assertIsInstance(self.receive(response), Accept)

    def test_wrong_protocol(self) -> None:
        """A peer that speaks otherwise is told so, with what we speak."""
        denied = self.answer(padded_request(Request(protocol_hash=1, client_salt=SALT)))
        reason = CloseReason.PROTOCOL_MISMATCH
        self.assertEqual(denied, Denied(SALT, reason, "arena"))
        self.assertEqual(self.acceptor.refused, {"PROTOCOL_MISMATCH": 1})

    def test_other_version(self) -> None:
        """A request of another version is denied."""
        other = self.request[:5] + b"\2\0" + self.request[7:]
        denied = self.answer(other)
        assert isinstance(denied, Denied)
        self.assertEqual(denied.reason, CloseReason.VERSION_MISMATCH)
        self.assertEqual(self.acceptor.refused, {"VERSION_MISMATCH": 1})

    def test_other_version_in_response(self) -> None:
        """A response of another version is denied, too."""
        response = self.response()
        denied = self.answer(response[:5] + b"\2\0" + response[7:])
        assert isinstance(denied, Denied)
        self.assertEqual(denied.reason, CloseReason.VERSION_MISMATCH)

    def test_refused_by_admission(self) -> None:
        """Who may not come in is told why, at either step."""
        response = self.response()
        self.reason = CloseReason.SERVER_FULL
        for data in (self.request, response):
            self.assertEqual(
                self.answer(data), Denied(SALT, CloseReason.SERVER_FULL, "")
            )
        self.assertEqual(self.acceptor.refused, {"SERVER_FULL": 2})

    def test_drops(self) -> None:
        """All else is dropped and counted by reason."""
        for data, reason in (
            (b"", "request_size"),
            (self.request[:-1], "request_size"),
            (self.request + b"\0", "request_size"),
            (b"\x05" + bytes(30), "unconnected"),
            (b"\x06" + bytes(30), "unconnected"),
            (b"\xff" * 1078, "unconnected"),
            (b"\x03", "malformed"),
            (self.request[:-1] + b"\1", "malformed"),
            (b"\0" * 1078, "malformed"),
            (b"\0GNOT" + self.request[5:], "malformed"),
        ):
            self.acceptor.dropped.clear()
            self.assertIsNone(self.receive(data))
            self.assertEqual(self.acceptor.dropped, {reason: 1}, data[:8])

    @given(st.one_of(garbage, st.binary(min_size=1078, max_size=1078)))
    def test_garbage(self, data: bytes) -> None:
        """Arbitrary bytes are dropped, and counted once."""
        before = self.acceptor.dropped.total()
        self.assertIsNone(self.receive(data))
        self.assertEqual(self.acceptor.dropped.total(), before + 1)

    @given(st.booleans(), edits, st.integers(0, 2000))
    def test_mutated(self, is_request: bool, changes, length: int) -> None:
        """A changed packet lets nobody in, and is not answered with more bytes."""
        genuine = self.request if is_request else self.response()
        data = edited(genuine, changes, length)
        answer = self.receive(data)
        if isinstance(answer, Reply):
            self.assertLessEqual(sum(map(len, answer.datagrams)), len(data))
        if isinstance(answer, Accept):
            salt_and_cookie = slice(15, 47)
            self.assertEqual(data[salt_and_cookie], genuine[salt_and_cookie])

    def test_flood(self) -> None:
        """Fifty thousand requests from as many addresses leave nothing behind."""
        for n in range(50_000):
            self.receive(self.request, f"192.0.2.{n & 255}:{n >> 8}")
        self.assertEqual(self.acceptor.refused, {})
        self.assertEqual(self.acceptor.dropped, {})

    def test_client_is_denied(self) -> None:
        """A client that is denied closes with reason and text, and asks no more."""
        denied = Denied(SALT, CloseReason.KICKED, "banned")
        self.client.receive_datagram(packet_registry.encode(denied), now=1.1)
        self.assertEqual(self.client.state, "Closed")
        self.assertEqual(self.client.datagrams_to_send(now=2.0), [])
        event = self.client.next_event()
        self.assertEqual((event.reason, event.detail), (CloseReason.KICKED, "banned"))
