# SPDX-License-Identifier: MIT
"""Tests of what strangers may send to a server: floods, forgeries, garbage."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gamenet.connection.acceptor import Accept
from gamenet.connection.netcode import CHALLENGE, JOIN, RESPONSE, PacketSealer
from gamenet.connection.tokens import ServerAddress
from tests.connection.doors import (
    AWAY,
    HOME,
    PROTOCOL_ID,
    UNIX,
    AcceptorTestCase,
    Entrance,
    assert_talk,
    kinds,
)

edits = st.lists(
    st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4
)


class HostileTests(AcceptorTestCase):
    """Nothing that a stranger sends does any harm."""

    def test_counted_by_reason(self) -> None:
        """Each bad request is dropped in silence and counted by reason."""
        good = self.entrance.token().request()
        foreign = self.entrance.token(addresses=[ServerAddress("192.0.2.3", 1)])
        for data, reason in (
            (good[:-1], "MALFORMED"),
            (good + b"\0", "MALFORMED"),
            (b"\x10" + good[1:], "MALFORMED"),
            (good.replace(b"1.02", b"1.01"), "VERSION_MISMATCH"),
            (good[:14] + bytes(8) + good[22:], "PROTOCOL_MISMATCH"),
            (good[:22] + bytes(8) + good[30:], "TOKEN_EXPIRED"),
            (good[:-1] + bytes((good[-1] ^ 1,)), "TOKEN_INVALID"),
            (foreign.request(), "TOKEN_FOREIGN"),
        ):
            self.entrance.acceptor.refused.clear()
            self.assertIsNone(self.receive(data))
            self.assertEqual(self.counts, ({}, {reason: 1}))
        self.assertEqual(len(self.entrance.acceptor._pending), 0)
        self.assertEqual(len(self.entrance.door._used), 0)

    def test_other_packets(self) -> None:
        """Packets of those who have not asked are dropped."""
        for data, reason in (
            (b"", "truncated"),
            (b"\x17" + bytes(400), "unconnected"),
            (b"\x13" + bytes(325), "unconnected"),
            *[
                (bytes((0x10 | kind,)) + bytes(30), "unconnected")
                for kind in range(1, 16)
            ],
        ):
            self.entrance.acceptor.dropped.clear()
            self.assertIsNone(self.receive(data))
            self.assertEqual(self.counts, ({reason: 1}, {}))

    def test_bad_answers(self) -> None:
        """An answer that is not sealed for us changes nothing."""
        join = self.entrance.challenge(self.entrance.client())
        for data, reason in (
            (join[:17], "truncated"),
            (b"\x07" + join[1:], "sequence"),
            (join[:-1], "corrupted"),
            (join[:30] + b"\0" + join[31:], "corrupted"),
        ):
            self.entrance.acceptor.dropped.clear()
            self.assertIsNone(self.receive(data))
            self.assertEqual(self.counts, ({reason: 1}, {}))
        self.assertIsInstance(self.receive(join), Accept)

    def test_wrong_challenge(self) -> None:
        """An answer has to bring back the challenge that we sent."""
        token = self.entrance.token()
        self.receive(token.request())
        sealer = PacketSealer(token.client_to_server, PROTOCOL_ID)
        for kind, size in ((RESPONSE, 308), (JOIN, 350)):
            self.assertIsNone(self.receive(sealer.seal(kind, bytes(size))))
        self.assertEqual(self.counts, ({"challenge": 2}, {}))

    def test_flood_leaves_nothing(self) -> None:
        """A flood of forged requests is neither answered nor remembered."""
        request = bytearray(self.entrance.token().request())
        request[200] ^= 1
        for n in range(5000):
            source = f"192.0.2.{n & 255}:{n >> 8}"
            self.assertIsNone(self.receive(bytes(request), source, now=n / 50_000))
        acceptor = self.entrance.acceptor
        self.assertEqual(len(acceptor._pending), 0)
        tried = acceptor.refused["TOKEN_INVALID"]
        self.assertIn(tried, range(2495, 2501))
        self.assertEqual(acceptor.dropped, {"throttled": 5000 - tried})

    def test_flood_does_not_lock_out(self) -> None:
        """Who has been challenged comes in, whatever else is asked at that time."""
        joins = [
            (
                self.entrance.challenge(self.entrance.client(), f"{HOME}{n}"),
                f"{HOME}{n}",
            )
            for n in range(3)
        ]
        forged = self.entrance.token().request()[:-1] + b"\0"
        while not self.entrance.acceptor.dropped["throttled"]:
            self.receive(forged, AWAY)
        for join, source in joins:
            self.assertIsInstance(self.receive(join, source), Accept)

    def test_known_requests_are_not_opened(self) -> None:
        """Copies cost no attempt, wherever they come from."""
        request = self.entrance.token().request()
        self.receive(request)
        for _ in range(3000):
            self.receive(request)
            self.receive(request, AWAY)
        self.assertEqual(self.counts, ({}, {"TOKEN_USED": 3000}))

    def test_answers_are_throttled(self) -> None:
        """There is a limit to forged answers from a challenged address, too."""
        join = self.entrance.challenge(self.entrance.client())
        for _ in range(2100):
            self.receive(join[:-1])
        self.assertEqual(self.counts, ({"corrupted": 2000, "throttled": 100}, {}))
        self.assertIsInstance(self.receive(join, now=2.0), Accept)

    def test_table_has_a_bound(self) -> None:
        """When the table is full of the challenged, others wait until some are gone."""
        tokens = [self.entrance.token(n, timeout=5 + n % 2) for n in range(1026)]
        for n, token in enumerate(tokens):
            self.receive(token.request(), f"a:{n}", now=1.0 + n / 10_000)
        self.assertEqual(self.counts, ({"crowded": 2}, {}))
        self.assertIsNone(self.receive(tokens[1025].request(), "a:1025", now=5.9))
        reply = self.receive(tokens[1025].request(), "a:1025", now=6.5)
        self.assertEqual(kinds(reply), [CHALLENGE])
        self.assertLess(len(self.entrance.acceptor._pending), 600)
        self.assertEqual(
            kinds(self.receive(tokens[1].request(), "a:1", now=6.6)), [CHALLENGE]
        )

    def test_tokens_have_a_bound(self) -> None:
        """When no more tokens can be remembered, new ones are refused."""
        self.entrance = Entrance(max_used=1)
        self.entrance.challenge(self.entrance.client())
        request = self.entrance.token(8).request()
        self.assertIsNone(self.entrance.receive(request, AWAY))
        self.assertEqual(self.counts, ({}, {"RATE_LIMITED": 1}))

    def test_no_challenged_address_is_evicted(self) -> None:
        """A crowd does not push out who came before."""
        join = self.entrance.challenge(self.entrance.client())
        for n in range(1100):
            self.receive(self.entrance.token(n).request(), f"a:{n}")
        self.assertIsInstance(self.receive(join), Accept)

    def test_late_answer(self) -> None:
        """An answer that comes too late is none; a new request is answered anew."""
        client = self.entrance.client()
        [request] = client.packets_due(now=1.0)
        self.receive(request)
        client._send_at = 1.0
        join = self.entrance.challenge(client)
        self.assertIsNone(self.receive(join, now=6.0))
        self.assertEqual(self.counts, ({"unconnected": 1}, {}))
        self.receive(request, now=7.0)
        self.assertIsInstance(self.receive(join, now=11.9), Accept)

    def test_timeout_off(self) -> None:
        """A token without a timeout is not remembered for ever, either."""
        client = self.entrance.client(self.entrance.token(timeout=-1))
        join = self.entrance.challenge(client)
        self.assertIsNone(self.receive(join, now=11.0))
        self.assertIsInstance(self.receive(join, now=10.9), Accept)

    def test_wall_clock_jumps(self) -> None:
        """What is under way does not hang on the wall clock."""
        for unix in (0.0, UNIX + 10.0**9, -1.0):
            self.entrance = Entrance()
            client = self.entrance.client()
            join = self.entrance.challenge(client)
            self.entrance.unix = unix
            accept = self.entrance.receive(join)
            assert isinstance(accept, Accept)
            assert_talk(self.finish(client, accept), accept.admitted)

    @given(st.one_of(st.binary(max_size=64), st.binary(min_size=1078, max_size=1078)))
    def test_garbage(self, data: bytes) -> None:
        """Arbitrary bytes are not answered, and counted once."""
        acceptor = self.entrance.acceptor
        before = acceptor.dropped.total() + acceptor.refused.total()
        self.assertIsNone(self.receive(data))
        after = acceptor.dropped.total() + acceptor.refused.total()
        self.assertEqual(after, before + 1)

    @given(st.sampled_from([0, 1, 2]), edits, st.integers(0, 2000))
    def test_mutated(
        self, which: int, changes: list[tuple[int, int]], length: int
    ) -> None:
        """A changed packet is nobody's, from an address that is known or not."""
        self.entrance = Entrance()
        plain = self.entrance.client(is_plain=True)
        client = self.entrance.client(self.entrance.token(8))
        genuine = [
            self.entrance.token(9).request(),
            self.entrance.challenge(plain),
            self.entrance.challenge(client, AWAY),
        ][which]
        changed = bytearray(genuine)
        for at, value in changes:
            changed[at % len(changed)] = value
        data = bytes(changed[: max(1, length % (len(changed) + 1))])
        for source in (HOME, AWAY, "192.0.2.3:1"):
            answer = self.entrance.receive(data, source)
            self.assertTrue(answer is None or data == genuine)
