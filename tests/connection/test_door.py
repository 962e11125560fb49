# SPDX-License-Identifier: MIT
"""Tests of the server's door."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.door import RESUME_LIFETIME, Pass, Refused
from gamenet.connection.extension import is_from_gamenet
from gamenet.connection.netcode import read_request
from gamenet.connection.tokens import (
    RESUME_BIT,
    ConnectToken,
    ServerAddress,
    issue_token,
)
from gamenet.errors import CloseReason, LocalProtocolError
from tests.connection.doors import (
    AWAY,
    HOME,
    KEY,
    NUMBER,
    PROTOCOL_ID,
    SERVER,
    UNIX,
    Entrance,
)

SESSION = bytes(range(1, 17))


class DoorTestCase(SynchronousTestCase):
    """What the tests of a door share."""

    def setUp(self) -> None:
        self.entrance = Entrance()
        self.door = self.entrance.door
        self.token = self.entrance.token()

    def pass_of(self, token: ConnectToken) -> Pass:
        """Return what the door reads in a token."""
        pass_ = self.door.open(token.request())
        assert isinstance(pass_, Pass), pass_
        return pass_

    def assert_refused(self, request: bytes, reason: CloseReason) -> None:
        """Check why a request is refused."""
        refused = self.door.open(request)
        assert isinstance(refused, Refused)
        self.assertIs(refused.reason, reason)


class OpenTests(DoorTestCase):
    """The door reads a good token, and says what is wrong with another."""

    def test_good(self) -> None:
        """All that the token says of the client is known."""
        pass_ = self.pass_of(self.token)
        self.assertEqual((pass_.client_id, pass_.user_data), (7, b"ada"))
        self.assertEqual((pass_.timeout, pass_.expires), (5, UNIX + 30))
        self.assertEqual(pass_.addresses, (SERVER,))
        keys = self.token.client_to_server + self.token.server_to_client
        self.assertEqual(pass_.token_keys, keys)
        self.assertEqual(pass_.mac, self.token.private[-16:])
        self.assertEqual(pass_.protocol_id, PROTOCOL_ID)
        self.assertEqual((pass_.session, pass_.generation), (b"", 0))

    def test_size(self) -> None:
        """A request has one size and begins with zero."""
        request = self.token.request()
        for data in (b"", request[:-1], request + b"\0", b"\1" + request[1:]):
            self.assert_refused(data, CloseReason.MALFORMED)

    def test_version(self) -> None:
        """Another version of netcode is not spoken."""
        request = self.token.request()
        other = request.replace(b"NETCODE 1.02", b"NETCODE 1.01")
        self.assert_refused(other, CloseReason.VERSION_MISMATCH)

    def test_protocol(self) -> None:
        """A token for another game is refused before it is opened."""
        other = replace(self.token, protocol_id=PROTOCOL_ID + 1)
        self.assert_refused(other.request(), CloseReason.PROTOCOL_MISMATCH)

    def test_expired(self) -> None:
        """A token is good until the second in which it expires."""
        self.entrance.unix = UNIX + 29.9
        self.pass_of(self.token)
        self.entrance.unix = UNIX + 30.0
        self.assert_refused(self.token.request(), CloseReason.TOKEN_EXPIRED)

    def test_prolonged(self) -> None:
        """Nobody can give a token more time."""
        longer = replace(self.token, expires=UNIX + 3600)
        self.assert_refused(longer.request(), CloseReason.TOKEN_INVALID)

    def test_other_key(self) -> None:
        """A token of another key is not ours."""
        other = Entrance(key=bytes(32)).token()
        self.assert_refused(other.request(), CloseReason.TOKEN_INVALID)

    def test_made_to_resume(self) -> None:
        """A token to connect cannot be made one to resume, nor the other way round."""
        resume = self.door.issue_resume(SESSION, 1, self.pass_of(self.token))
        for token in (self.token, resume):
            other = replace(token, protocol_id=token.protocol_id ^ RESUME_BIT)
            self.assert_refused(other.request(), CloseReason.TOKEN_INVALID)

    def test_foreign(self) -> None:
        """A token has to name an address of this server."""
        for host, port in (("192.0.2.10", 40000), ("192.0.2.9", 40001)):
            token = self.entrance.token(addresses=[ServerAddress(host, port)])
            self.assert_refused(token.request(), CloseReason.TOKEN_FOREIGN)

    def test_one_of_many_addresses(self) -> None:
        """It is enough that one of its addresses is ours."""
        others = [ServerAddress("198.51.100.1", port) for port in range(1, 32)]
        self.pass_of(self.entrance.token(addresses=[*others, SERVER]))

    def test_any_host(self) -> None:
        """A server that does not know its host is known by its port."""
        token = self.entrance.token(addresses=[ServerAddress("2001:db8::1", 40000)])
        for host in ("", "0.0.0.0", "::"):
            self.entrance.addresses = [ServerAddress(host, 40000)]
            self.pass_of(token)
            self.entrance.addresses = [ServerAddress(host, 40001)]
            self.assert_refused(token.request(), CloseReason.TOKEN_FOREIGN)

    def test_user_data_of_zeros(self) -> None:
        """User data is what it was, but for zeros at its end."""
        for given_, read in ((b"", b""), (b"\0a\0\0", b"\0a"), (b"x" * 256,) * 2):
            token = self.entrance.token(user_data=given_)
            self.assertEqual(self.pass_of(token).user_data, read)

    @given(
        st.integers(0, 1077),
        st.integers(1, 255),
    )
    def test_corrupted(self, at: int, change: int) -> None:
        """No byte of a request can be changed."""
        request = bytearray(self.token.request())
        request[at] ^= change
        self.assertIsInstance(self.door.open(bytes(request)), Refused)

    @given(st.one_of(st.binary(), st.binary(min_size=1078, max_size=1078)))
    def test_garbage(self, data: bytes) -> None:
        """Arbitrary bytes are refused."""
        self.assertIsInstance(self.door.open(data), Refused)
        self.assertIsInstance(self.door.open(b"\0NETCODE 1.02\0" + data), Refused)


class UseTests(DoorTestCase):
    """A token opens the door once."""

    def use(self, token: ConnectToken, source: str = HOME) -> CloseReason | None:
        """Open the door with a token; return why it stays shut, if it does."""
        pass_ = self.door.open(token.request())
        refused = pass_ if isinstance(pass_, Refused) else None
        if isinstance(pass_, Pass):
            refused = self.door.use(pass_, source)
        return None if refused is None else refused.reason

    def is_elsewhere(self, token: ConnectToken, source: str = HOME) -> bool:
        """Ask whether a token was used elsewhere."""
        return self.door.is_elsewhere(read_request(token.request()), source)

    def test_first_source(self) -> None:
        """It is good for the source that showed it first, again and again."""
        self.assertFalse(self.is_elsewhere(self.token))
        self.assertIsNone(self.use(self.token))
        self.assertIsNone(self.use(self.token))
        self.assertIs(self.use(self.token, AWAY), CloseReason.TOKEN_USED)
        self.assertFalse(self.is_elsewhere(self.token))
        self.assertTrue(self.is_elsewhere(self.token, AWAY))

    def test_spent(self) -> None:
        """When it has made a connection, it is good no more."""
        pass_ = self.pass_of(self.token)
        self.assertIsNone(self.use(self.token))
        self.assertIsNone(self.door.spend(pass_))
        refused = self.door.spend(pass_)
        assert refused is not None
        self.assertIs(refused.reason, CloseReason.TOKEN_USED)
        self.assertIs(self.use(self.token), CloseReason.TOKEN_USED)
        self.assertTrue(self.is_elsewhere(self.token))

    def test_expired_meanwhile(self) -> None:
        """A token that expires between two looks at the clock is not used."""
        pass_ = self.pass_of(self.token)
        self.entrance.unix += 30
        refused = self.door.use(pass_, HOME)
        assert refused is not None
        self.assertIs(refused.reason, CloseReason.TOKEN_EXPIRED)

    def test_expires_while_joining(self) -> None:
        """Who asked in time may come in, though the token expires meanwhile."""
        pass_ = self.pass_of(self.token)
        self.use(self.token)
        self.entrance.unix += 31
        self.use(self.entrance.token())
        self.assertIsNone(self.door.spend(pass_))

    def test_bound(self) -> None:
        """At the bound no more tokens are taken, until some have expired."""
        self.entrance = Entrance(max_used=3)
        self.door = self.entrance.door
        held = [self.entrance.token(n) for n in range(3)]
        for token in held:
            self.assertIsNone(self.use(token))
        late = self.entrance.token(9, expires_in=300)
        self.assertIs(self.use(late), CloseReason.RATE_LIMITED)
        self.assertIsNone(self.use(held[0]))
        self.assertIs(self.use(held[0], AWAY), CloseReason.TOKEN_USED)
        self.entrance.unix += 60
        self.assertIsNone(self.use(late))

    def test_clock_jumps_ahead_and_back(self) -> None:
        """What was forgotten when the clock was ahead is still not good again."""
        self.use(self.token)
        unused = self.entrance.token(8)
        self.entrance.unix += 86_400
        self.assertIsNone(self.use(self.entrance.token(9)))
        self.entrance.unix = UNIX
        for token in (self.token, unused):
            self.assertIs(self.use(token), CloseReason.TOKEN_EXPIRED)
        self.entrance.unix = UNIX + 1
        self.assertIsNone(self.use(self.entrance.token(10)))

    def test_clock_jumps_back(self) -> None:
        """A token lives longer when the clock is put back, and is used still."""
        self.use(self.token)
        for unix in (UNIX - 86_400, 0, -5.0):
            self.entrance.unix = unix
            self.assertIs(self.use(self.token, AWAY), CloseReason.TOKEN_USED)
            self.assertIsNone(self.use(self.token))
            self.assertIsNone(self.use(self.entrance.token(9)))

    @given(
        st.lists(
            st.tuples(
                st.integers(0, 7),
                st.sampled_from([HOME, AWAY]),
                st.integers(-200, 200),
            ),
            max_size=60,
        )
    )
    def test_clock_jumps(self, steps: list[tuple[int, str, int]]) -> None:
        """Whatever the clock does, no token makes two connections."""
        entrance = Entrance()
        self.door = entrance.door
        tokens = [entrance.token(n, expires_in=20 * n + 1) for n in range(8)]
        connected: set[int] = set()
        for number, source, jump in steps:
            entrance.unix = UNIX + jump
            if self.use(tokens[number], source) is None:
                self.assertNotIn(number, connected)
                self.assertIsNone(self.door.spend(self.pass_of(tokens[number])))
                connected.add(number)


class ResumeTests(DoorTestCase):
    """A token to resume goes through the same door."""

    def resume(self, generation: int = 3) -> ConnectToken:
        """Return a token to resume a session."""
        return self.door.issue_resume(SESSION, generation, self.pass_of(self.token))

    def test_pass(self) -> None:
        """It names session and generation, and else it is like the first token."""
        token = self.resume(0xFFFFFFFF)
        self.assertEqual(token.protocol_id, PROTOCOL_ID ^ RESUME_BIT)
        pass_ = self.pass_of(token)
        self.assertEqual((pass_.session, pass_.generation), (SESSION, 0xFFFFFFFF))
        self.assertEqual((pass_.client_id, pass_.user_data), (7, b""))
        self.assertEqual((pass_.timeout, pass_.addresses), (5, (SERVER,)))
        self.assertEqual(pass_.protocol_id, PROTOCOL_ID ^ RESUME_BIT)

    def test_zeros_in_session(self) -> None:
        """A session that ends with zeros, and generation 0, are read in full."""
        pass_ = self.pass_of(
            self.door.issue_resume(bytes(16), 0, self.pass_of(self.token))
        )
        self.assertEqual((pass_.session, pass_.generation), (bytes(16), 0))

    def test_keys(self) -> None:
        """Every token has keys of its own."""
        keys = {self.resume(n).client_to_server for n in range(4)}
        self.assertEqual(len(keys | {self.token.client_to_server}), 5)

    def test_lifetime(self) -> None:
        """It lives as long as players play, and then expires."""
        token = self.resume()
        self.entrance.unix += RESUME_LIFETIME - 1
        self.pass_of(token)
        self.entrance.unix += 1
        self.assert_refused(token.request(), CloseReason.TOKEN_EXPIRED)

    def test_single_use(self) -> None:
        """It opens the door once, wherever it was shown before.

        A minute later only the session knows whether this generation was used.
        """
        token, later = self.resume(), self.pass_of(self.resume(4))
        pass_, request = self.pass_of(token), read_request(token.request())
        for source in (HOME, AWAY, HOME):
            self.assertIsNone(self.door.use(pass_, source))
            self.assertFalse(self.door.is_elsewhere(request, source))
        self.assertIsNone(self.door.spend(pass_))
        for source in (HOME, AWAY):
            self.assertTrue(self.door.is_elsewhere(request, source))
            refused = self.door.spend(pass_)
            assert refused is not None
            self.assertIs(refused.reason, CloseReason.TOKEN_USED)
        self.entrance.unix += 80
        self.assertIsNone(self.door.spend(later))
        self.assertFalse(self.door.is_elsewhere(request, AWAY))

    def test_bound(self) -> None:
        """At the bound nobody may resume, until some are forgotten."""
        self.entrance = Entrance(max_used=1)
        self.door = self.entrance.door
        first, second = (self.pass_of(self.resume(n)) for n in (1, 2))
        self.assertIsNone(self.door.spend(first))
        refused = self.door.spend(second)
        assert refused is not None
        self.assertIs(refused.reason, CloseReason.RATE_LIMITED)
        self.entrance.unix += 80
        self.assertIsNone(self.door.spend(second))

    def test_does_not_crowd_out(self) -> None:
        """Those who resume and those who are new do not take each other's places."""
        self.entrance = Entrance(max_used=1)
        self.door = self.entrance.door
        new, back = self.pass_of(self.token_of(1)), self.pass_of(self.resume())
        self.assertIsNone(self.door.use(new, HOME))
        self.assertIsNone(self.door.spend(back))
        self.assertIsNotNone(self.door.use(self.pass_of(self.token_of(2)), HOME))

    def token_of(self, client_id: int) -> ConnectToken:
        """Return a token of the door as it is now."""
        self.token = self.entrance.token(client_id)
        return self.token

    def test_no_early_expiry(self) -> None:
        """What is forgotten of those who resumed does not shut out new ones."""
        self.door.spend(self.pass_of(self.resume()))
        self.entrance.unix += 80
        self.door.use(self.pass_of(self.token_of(1)), HOME)
        self.door.spend(self.pass_of(self.resume(4)))
        self.entrance.unix -= 80
        self.pass_of(self.entrance.token(2))


class ProtocolTests(DoorTestCase):
    """A gamenet client has to speak what the server speaks."""

    def test_good(self) -> None:
        """The right hash may pass, and so may "describe it to me"."""
        for number in (NUMBER, 0):
            self.assertIsNone(self.door.check_protocol(number, 1))

    def test_mismatch(self) -> None:
        """Another hash is told what we speak."""
        refused = self.door.check_protocol(5, 1)
        self.assertEqual(refused, Refused(CloseReason.PROTOCOL_MISMATCH, "arena 1"))

    def test_version(self) -> None:
        """Another version of the extension is refused, whatever the hash."""
        refused = self.door.check_protocol(NUMBER, 2)
        assert refused is not None
        self.assertIs(refused.reason, CloseReason.VERSION_MISMATCH)
        self.assertIn("client 2", refused.detail)

    def test_long_summary(self) -> None:
        """A summary longer than a packet takes is cut."""
        refused = Entrance(summary="é" * 5000).door.check_protocol(5, 1)
        assert refused is not None
        self.assertEqual(refused.detail, "é" * 500)


class IssueTests(DoorTestCase):
    """What a door issues opens it."""

    def test_like_a_backend(self) -> None:
        """A backend with the key issues the same."""
        token = issue_token(
            KEY,
            protocol_id=PROTOCOL_ID,
            client_id=8,
            addresses=[SERVER],
            timeout=-1,
            expires_in=30,
            user_data=b"",
            unix_now=UNIX,
            random_bytes=self.entrance.random.randbytes,
        )
        pass_ = self.pass_of(ConnectToken.decode(token.encode()))
        self.assertEqual((pass_.client_id, pass_.timeout), (8, -1))

    def test_out_of_range(self) -> None:
        """What fits no token is ours to mend."""
        for changes in ({"user_data": bytes(257)}, {"client_id": -1}):
            with self.assertRaises(LocalProtocolError):
                self.entrance.token(**changes)


class SequenceTests(SynchronousTestCase):
    """Packets to those who are not connected yet have sequences of their own."""

    def test_begins_anew(self) -> None:
        """Each start has another first sequence, and each packet the next one."""
        doors = [Entrance(seed).door for seed in range(2)]
        firsts = [door.next_sequence() for door in doors]
        self.assertNotEqual(*firsts)
        for door, first in zip(doors, firsts, strict=True):
            self.assertTrue(is_from_gamenet(first))
            self.assertEqual(door.next_sequence(), first + 1)

    def test_wraps(self) -> None:
        """The count begins again inside its 40 bits."""
        door = Entrance(random_bytes=lambda size: b"\xff" * size).door
        sequences = [door.next_sequence() for _ in range(3)]
        self.assertEqual([number & 0xFF for number in sequences], [0, 1, 2])
        self.assertTrue(all(map(is_from_gamenet, sequences)))
