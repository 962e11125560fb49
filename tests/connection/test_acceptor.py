# SPDX-License-Identifier: MIT
"""Tests of the server's door for datagrams."""

from __future__ import annotations

from gamenet.connection.acceptor import Accept, Reply
from gamenet.connection.envelopes import ExtendedEnvelope, NetcodeEnvelope
from gamenet.connection.handshake import (
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
    REFUSED,
    RESPONSE,
    PacketSealer,
)
from gamenet.connection.tokens import ConnectToken
from gamenet.errors import CloseReason
from tests.connection.doors import (
    AWAY,
    HOME,
    NUMBER,
    PROTOCOL_ID,
    AcceptorTestCase,
    Entrance,
    assert_talk,
    kinds,
)

SESSION = bytes(range(1, 17))


class ExtendedTests(AcceptorTestCase):
    """A gamenet client comes in with keys of its own."""

    def test_accepts(self) -> None:
        """Request, Challenge, Join, Accepted: and both ends can talk."""
        client = self.entrance.client()
        [request] = client.packets_due(now=1.0)
        reply = self.receive(request)
        self.assertEqual(kinds(reply), [CHALLENGE])
        assert isinstance(reply, Reply)
        self.assertEqual(client.receive(reply.datagrams[0], now=1.0), Challenged())
        [join] = client.packets_due(now=1.0)
        self.assertEqual(join[0] & 15, JOIN)
        accept = self.receive(join)
        assert isinstance(accept, Accept)
        server = accept.admitted
        self.assertIsInstance(server.envelope, ExtendedEnvelope)
        assert server.pass_ is not None
        self.assertEqual((server.pass_.client_id, server.pass_.user_data), (7, b"ada"))
        said = (server.protocol_hash, server.slot, server.max_clients)
        self.assertEqual(said, (NUMBER, 0, 32))
        ours = self.finish(client, accept)
        said = (ours.protocol_hash, ours.slot, ours.max_clients)
        self.assertEqual(said, (NUMBER, 0, 32))
        self.assertIsNone(ours.pass_)
        self.assertTrue(ours.envelope.is_extended)
        self.assertEqual(ours.envelope.connection_id, server.envelope.connection_id)
        assert_talk(ours, server)
        self.assertEqual(self.counts, ({}, {}))

    def test_asked(self) -> None:
        """Admission is asked with address and pass, at either step."""
        self.join(self.entrance.client())
        sources = [(source, pass_.client_id) for source, pass_ in self.entrance.asked]
        self.assertEqual(sources, [(HOME, 7)] * 2)

    def test_keys_of_their_own(self) -> None:
        """The keys of a connection are not those of the token, nor of another one."""
        seen = set()
        for n in range(3):
            token = self.entrance.token(n)
            source = f"{HOME}{n}"
            accept = self.join(self.entrance.client(token), source)
            sealed = accept.admitted.envelope.seal(b"body")[2:]
            seen.add(sealed)
            sealer = PacketSealer(token.server_to_client, PROTOCOL_ID)
            seen.add(sealer.seal(10, b"body")[2:])
        self.assertEqual(len(seen), 6)

    def test_lost_request_or_challenge(self) -> None:
        """A request that comes again gets the same challenge again."""
        client = self.entrance.client()
        [request] = client.packets_due(now=1.0)
        replies = [self.receive(request) for _ in range(3)]
        self.assertEqual(replies, replies[:1] * 3)
        self.assertEqual(len(self.entrance.acceptor._pending), 1)

    def test_lost_accepted(self) -> None:
        """A Join that comes again is answered again by the connection's handshake."""
        client = self.entrance.client()
        accept = self.join(client)
        accept.handshake.packets_due(now=1.0)
        [again] = client.packets_due(now=1.2)
        self.assertEqual(accept.handshake.receive(again), "")
        assert_talk(self.finish(client, accept), accept.admitted)

    def test_full(self) -> None:
        """A client is denied at once, but one of ours is told why when it answers."""
        self.entrance.reason = CloseReason.SERVER_FULL
        client = self.entrance.client()
        reply = self.entrance.answer(client)
        self.assertEqual(kinds(reply), [DENIED, CHALLENGE])
        assert isinstance(reply, Reply)
        self.assertEqual(client.receive(reply.datagrams[0], now=1.0), "denied")
        self.assertEqual(client.receive(reply.datagrams[1], now=1.0), Challenged())
        for _ in range(2):
            reply = self.entrance.answer(client, now=1.0)
            self.assertEqual(kinds(reply), [REFUSED])
            client._send_at = 1.0
        assert isinstance(reply, Reply)
        refused = client.receive(reply.datagrams[0], now=1.0)
        self.assertEqual(refused, Refused(CloseReason.SERVER_FULL, ""))
        self.assertEqual(self.counts, ({}, {"SERVER_FULL": 1}))

    def test_room_again(self) -> None:
        """A place that becomes free meanwhile is given to who asks again."""
        self.entrance.reason = CloseReason.SERVER_FULL
        client = self.entrance.client()
        join = self.entrance.challenge(client)
        self.receive(join)
        self.entrance.reason = None
        accept = self.receive(join)
        assert isinstance(accept, Accept)
        assert_talk(self.finish(client, accept), accept.admitted)

    def test_mismatch(self) -> None:
        """A client that speaks otherwise is told what we speak, as far as it fits."""
        self.entrance = Entrance(summary="é" * 5000)
        client = self.entrance.client(protocol_hash=b"other..!")
        join = self.entrance.challenge(client)
        reply = self.entrance.receive(join)
        assert isinstance(reply, Reply)
        [packet] = reply.datagrams
        self.assertLessEqual(len(packet), len(join))
        self.assertGreater(len(packet), len(join) - 2)
        refused = client.receive(packet, now=1.0)
        assert isinstance(refused, Refused)
        self.assertIs(refused.reason, CloseReason.PROTOCOL_MISMATCH)
        self.assertEqual(set(refused.detail), {"é"})
        self.assertEqual(self.counts, ({}, {"PROTOCOL_MISMATCH": 1}))

    def test_bad_key(self) -> None:
        """A public key with which no secret can be shared is dropped."""
        token = self.entrance.token()
        client = self.entrance.client(token)
        self.entrance.challenge(client)
        sealer = PacketSealer(token.client_to_server, PROTOCOL_ID)
        answer = self.entrance.acceptor._pending.at(HOME, now=1.0)[0].answer
        tail = b"\1\0" + NUMBER.to_bytes(8, "little") + bytes(32)
        self.assertIsNone(self.receive(sealer.seal(JOIN, answer + tail)))
        self.assertEqual(self.counts, ({"key": 1}, {}))


class PlainTests(AcceptorTestCase):
    """A plain netcode client never sees a byte of gamenet's own."""

    def plain(self, token: ConnectToken | None = None) -> ClientHandshake:
        """Return a client that speaks netcode alone."""
        return self.entrance.client(token, is_plain=True)

    def test_accepts(self) -> None:
        """Request, Challenge, Response, Keep-alive: and both ends can talk."""
        client = self.plain()
        response = self.entrance.challenge(client)
        self.assertEqual((response[0], len(response)), (RESPONSE | 0x10, 326))
        accept = self.receive(response)
        assert isinstance(accept, Accept)
        server = accept.admitted
        self.assertIsInstance(server.envelope, NetcodeEnvelope)
        self.assertEqual((server.protocol_hash, server.slot), (0, 0))
        ours = self.finish(client, accept)
        self.assertEqual((ours.slot, ours.max_clients), (0, 32))
        self.assertFalse(ours.envelope.is_extended)
        assert_talk(ours, server)

    def test_kinds(self) -> None:
        """Whatever becomes of it, all that it is sent is netcode's."""
        for reason in (None, *CloseReason):
            self.entrance = Entrance()
            self.entrance.reason = reason
            client = self.plain()
            [request] = client.packets_due(now=1.0)
            reply = self.entrance.receive(request)
            self.assertLessEqual(max(kinds(reply)), 6)
            assert isinstance(reply, Reply)
            client.receive(reply.datagrams[-1], now=1.0)
            for response in client.packets_due(now=1.0):
                answer = self.entrance.receive(response)
                if isinstance(answer, Accept):
                    [packet] = answer.handshake.packets_due(now=1.0)
                    self.assertEqual(packet[0] & 15, KEEP_ALIVE)
                elif answer is not None:
                    self.assertEqual(kinds(answer), [DENIED])

    def test_full(self) -> None:
        """It is denied before it is challenged, as netcode says."""
        self.entrance.reason = CloseReason.SERVER_FULL
        client = self.plain()
        reply = self.entrance.answer(client)
        self.assertEqual(kinds(reply), [DENIED, CHALLENGE])
        assert isinstance(reply, Reply)
        refused = client.receive(reply.datagrams[0], now=1.0)
        self.assertEqual(refused, Refused(CloseReason.SERVER_FULL, ""))
        self.assertEqual(client.receive(reply.datagrams[1], now=1.0), "late")

    def test_full_meanwhile(self) -> None:
        """It is denied also if the last place went while it was challenged."""
        client = self.plain()
        response = self.entrance.challenge(client)
        self.entrance.reason = CloseReason.SERVER_FULL
        reply = self.receive(response)
        self.assertEqual(kinds(reply), [DENIED])
        assert isinstance(reply, Reply)
        refused = client.receive(reply.datagrams[0], now=1.0)
        self.assertEqual(refused, Refused(CloseReason.SERVER_FULL, ""))
        self.assertEqual(self.counts, ({}, {"SERVER_FULL": 1}))

    def test_connected_already(self) -> None:
        """A player who is connected already is ignored, as netcode says."""
        self.entrance.reason = CloseReason.TOKEN_USED
        response = self.entrance.challenge(self.plain())
        self.assertIsNone(self.receive(response))
        self.assertEqual(self.counts, ({}, {"TOKEN_USED": 1}))


class SingleUseTests(AcceptorTestCase):
    """A token brings one connection, from where it was shown first."""

    def assert_used(self, data: bytes, source: str) -> None:
        """Check that a request is ignored because its token was used."""
        before = self.entrance.acceptor.refused["TOKEN_USED"]
        self.assertIsNone(self.receive(data, source))
        self.assertEqual(self.entrance.acceptor.refused["TOKEN_USED"], before + 1)

    def test_other_source(self) -> None:
        """Another source gets no challenge, before, while and after it is used."""
        client = self.entrance.client()
        [request] = client.packets_due(now=1.0)
        self.receive(request)
        self.assert_used(request, AWAY)
        client._send_at = 1.0
        accept = self.join(client)
        for source in (HOME, AWAY):
            self.assert_used(request, source)
        assert_talk(self.finish(client, accept), accept.admitted)

    def test_other_socket(self) -> None:
        """One token, shown at two sockets of a server, brings one connection."""
        client = self.entrance.client()
        first = self.entrance.acceptor
        join = self.entrance.challenge(client)
        second = self.entrance.acceptor = self.entrance.new_acceptor()
        other = self.entrance.client(client.token)
        join_too = self.entrance.challenge(other)
        self.assertIsInstance(first.receive(join, HOME, now=1.0), Accept)
        reply = second.receive(join_too, HOME, now=1.0)
        assert isinstance(reply, Reply)
        refused = other.receive(reply.datagrams[0], now=1.0)
        self.assertEqual(refused, Refused(CloseReason.TOKEN_USED, ""))

    def test_answer_from_elsewhere(self) -> None:
        """A challenge is of no use at another address."""
        join = self.entrance.challenge(self.entrance.client())
        self.assertIsNone(self.receive(join, AWAY))
        self.assertEqual(self.counts, ({"unconnected": 1}, {}))
        self.assertIsInstance(self.receive(join), Accept)

    def test_answer_of_elsewhere(self) -> None:
        """Who is challenged at his address cannot answer for another one.

        He has two tokens of one player. One he shows himself; the other he shows in
        the name of somebody, to have the server's packets sent there. He knows both
        tokens' keys, but not the challenge that went there.
        """
        mine, spoofed = self.entrance.token(), self.entrance.token()
        self.receive(spoofed.request(), AWAY)
        self.entrance.challenge(self.entrance.client(mine))
        answer = self.entrance.acceptor._pending.at(HOME, now=1.0)[0].answer
        sealer = PacketSealer(spoofed.client_to_server, PROTOCOL_ID)
        self.assertIsNone(self.receive(sealer.seal(RESPONSE, answer), AWAY))
        self.assertEqual(self.counts, ({"challenge": 1}, {}))

    def test_restarted_client(self) -> None:
        """A client that begins again at its address with a new token comes in."""
        old = self.entrance.client()
        self.join(old)
        new = self.entrance.client(self.entrance.token())
        accept = self.join(new)
        assert_talk(self.finish(new, accept), accept.admitted)

    def test_restarted_before_it_was_in(self) -> None:
        """So does one that had only been challenged."""
        old_join = self.entrance.challenge(self.entrance.client())
        new = self.entrance.client(self.entrance.token())
        accept = self.join(new)
        self.assertIsNone(self.receive(old_join))
        assert_talk(self.finish(new, accept), accept.admitted)

    def test_resume(self) -> None:
        """A token to resume comes through the same door, once."""
        first = self.join(self.entrance.client()).admitted.pass_
        assert first is not None
        token = self.entrance.door.issue_resume(SESSION, 4, first)
        for is_plain in (False, True):
            self.entrance.acceptor = self.entrance.new_acceptor()
            client = self.entrance.client(token, is_plain=is_plain)
            if is_plain:
                [request] = client.packets_due(now=1.0)
                self.assert_used(request, HOME)
                continue
            accept = self.join(client)
            assert accept.admitted.pass_ is not None
            self.assertEqual(accept.admitted.pass_.session, SESSION)
            self.assertEqual(accept.admitted.pass_.generation, 4)
            assert_talk(self.finish(client, accept), accept.admitted)

    def test_session_gone(self) -> None:
        """Who cannot resume learns it."""
        first = self.join(self.entrance.client()).admitted.pass_
        assert first is not None
        client = self.entrance.client(
            self.entrance.door.issue_resume(SESSION, 1, first)
        )
        self.entrance.reason = CloseReason.SESSION_GONE
        reply = self.receive(self.entrance.challenge(client))
        assert isinstance(reply, Reply)
        refused = client.receive(reply.datagrams[0], now=1.0)
        self.assertEqual(refused, Refused(CloseReason.SESSION_GONE, ""))


class SequenceTests(AcceptorTestCase):
    """No nonce is used twice with one key."""

    def test_global_packets(self) -> None:
        """All that is sent to the unconnected has another sequence each."""
        self.entrance.reason = CloseReason.SERVER_FULL
        packets: set[bytes] = set()
        for n in range(20):
            client = self.entrance.client(self.entrance.token(n))
            for _ in range(2):
                reply = self.entrance.answer(client, f"a:{n}")
                assert isinstance(reply, Reply)
                packets.update(reply.datagrams)
                for datagram in reply.datagrams:
                    client.receive(datagram, now=1.0)
                client._send_at = 1.0
        sequences = {packet[1:9] for packet in packets}
        self.assertEqual(len(sequences), len(packets))

    def test_accepted(self) -> None:
        """Accepted is one of them: a token's key is not used from zero on."""
        accept = self.join(self.entrance.client())
        [packet] = accept.handshake.packets_due(now=1.0)
        self.assertEqual(packet[0], 0x80 | ACCEPTED)
        self.assertEqual(packet[6:9], b"NG\x80")

    def test_attempts(self) -> None:
        """Two attempts of a client with one token do not share a nonce either."""
        token = self.entrance.token()
        first = self.entrance.challenge(self.entrance.client(token))
        second = self.entrance.challenge(self.entrance.client(token))
        self.assertNotEqual(first[1:6], second[1:6])
