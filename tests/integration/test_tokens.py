# SPDX-License-Identifier: MIT
"""Nobody comes in without a good token, on any transport, and everybody is told why."""

from __future__ import annotations

import struct

from twisted.internet import reactor
from twisted.internet.defer import gatherResults

from gamenet.connection import Connection, Link, ServerAddress
from gamenet.errors import CloseReason, ConnectError
from gamenet.transport import Limits, connect
from tests.integration.intruders import LimitTestCase
from tests.integration.transports import SOCKETS, wait
from tests.transport.recorders import HASH, config

REQUEST_SIZE = 1078
PATIENT = config(handshake_timeout=0.5)


class TokenTests(LimitTestCase):
    """A token is for one client, one server, one game, one time, and some seconds."""

    async def refused(self, listening, token, **settings):
        """Return why a client with a token is not let in."""
        factory = self.client_factory(config=PATIENT, **settings)
        attempt = self.connect(listening, factory, token=token)
        error = await self.assertFailure(attempt, ConnectError)
        self.assertEqual(self.factories[listening].built, [], listening.transport)
        return error

    async def check(self, reason, token_for, **settings):
        """Check that a token is refused on every transport, and counted.

        What is wrong with a token is no business of whoever sends datagrams: there,
        the server does not answer.
        """
        for transport in SOCKETS:
            factory = self.server_factory(**settings)
            listening = self.serve(transport, factory)
            error = await self.refused(listening, token_for(factory))
            expected = reason if transport != "udp" else CloseReason.HANDSHAKE_TIMED_OUT
            self.assertIs(error.reason, expected, transport)
            refused = factory.stats().refused
            self.assertEqual(list(refused), [reason.name], transport)
            if transport != "udp":
                self.assertEqual(refused[reason.name], 1)
            self.assertEqual(len(factory.admission), 0)

    async def test_expired(self):
        """A token that has expired lets nobody in."""
        clock = [0.0]

        def old_token(factory):
            clock[0] = 1000.0
            token = factory.issueToken(expires_in=30)
            clock[0] = 1030.0
            return token

        await self.check(
            CloseReason.TOKEN_EXPIRED, old_token, unixTime=lambda: clock[0]
        )

    async def check_foreign(self, reason, **settings):
        """Check that a token of another server is refused."""
        other = self.server_factory(**settings)
        address = ServerAddress("127.0.0.1", 7)
        await self.check(
            reason,
            lambda factory: other.issueToken(
                addresses=[*factory.publicAddresses(), address]
            ),
        )

    async def test_wrong_key(self):
        """Nor does one that was made with another key."""
        await self.check_foreign(CloseReason.TOKEN_INVALID)

    async def test_foreign(self):
        """Nor one that names other servers only."""
        for host, port in (("127.0.0.1", 7), ("203.0.113.9", None)):
            await self.check(
                CloseReason.TOKEN_FOREIGN,
                lambda factory, host=host, port=port: factory.issueToken(
                    addresses=[
                        ServerAddress(host, port or factory.publicAddresses()[0].port)
                    ]
                ),
            )

    async def test_another_game(self):
        """Nor one for another game, of the same key."""
        key = bytes(range(32))
        for transport in SOCKETS:
            factory = self.server_factory(key=key, protocolId=2)
            listening = self.serve(transport, factory)
            other = self.server_factory(key=key, protocolId=1)
            token = other.issueToken(addresses=factory.publicAddresses())
            error = await self.refused(listening, token)
            if transport != "udp":
                self.assertIs(error.reason, CloseReason.PROTOCOL_MISMATCH)

    async def test_used(self):
        """Nor one that has let somebody in before, on whatever transport."""
        factory = self.server_factory()
        listeners = [self.serve(each, factory) for each in SOCKETS]
        for listening in listeners:
            token = factory.issueToken()
            client = await self.connect(listening, token=token)
            n_built = len(factory.built)
            for other in listeners:
                attempt = self.connect(
                    other, self.client_factory(config=PATIENT), token=token
                )
                error = await self.assertFailure(attempt, ConnectError)
                if other.transport != "udp":
                    self.assertIs(error.reason, CloseReason.TOKEN_USED)
            self.assertEqual(len(factory.built), n_built)
            self.assertEqual(client.count("lost") + client.count("dropped"), 0)

    async def test_used_and_left(self):
        """That the one whom it let in has gone makes it no better."""
        for transport in SOCKETS:
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            token = factory.issueToken()
            client = await self.connect(listening, token=token)
            client.loseConnection()
            await factory.built[0].until_lost()
            attempt = self.connect(
                listening, self.client_factory(config=PATIENT), token=token
            )
            await self.assertFailure(attempt, ConnectError)
            self.assertEqual(len(factory.built), 1)

    async def test_none(self):
        """Without a token there is not even an attempt."""
        for transport in SOCKETS:
            listening = self.serve(transport, self.server_factory())
            attempt = connect(reactor, self.way_to(listening), self.client_factory())
            error = self.failureResultOf(attempt, ConnectError).value
            self.assertIs(error.reason, CloseReason.NO_TOKEN)
            self.assertIn(CloseReason.NO_TOKEN.advice, str(error))
            self.assertEqual(self.factories[listening].stats().refused, {})

    async def test_as_bytes(self):
        """A token may be given as the bytes that a website handed out."""
        for transport in ("udp", "tcp"):
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            token = factory.issueToken(client_id=9, user_data=b"ada").encode()
            client = await connect(
                reactor, self.way_to(listening), self.client_factory(token=token)
            )
            (server,) = factory.built
            self.assertEqual((server.clientId, server.userData), (9, b"ada"))
            self.assertEqual(client.count("made"), 1)

    async def test_many_servers(self):
        """A token may name several servers, and lets in at each transport of one."""
        factory = self.server_factory()
        listeners = [self.serve(each, factory) for each in SOCKETS]
        self.assertEqual(len(factory.issueToken().addresses), 5)
        await gatherResults([self.connect(each) for each in listeners])

    async def test_one_token_at_once(self):
        """Of many who come with the same token at the same time, one gets in."""
        for transport in ("tcp", "ws"):
            factory = self.server_factory()
            listening = self.serve(transport, factory)
            token = factory.issueToken()
            attempts = [self.connect(listening, token=token) for _ in range(4)]
            outcomes = []
            for attempt in attempts:
                attempt.addErrback(lambda failure: failure.value.reason)
                outcomes.append(await attempt)
            self.assertEqual(outcomes.count(CloseReason.TOKEN_USED), 3)
            self.assertEqual(len(factory.built), 1)

    async def test_banned(self):
        """A factory may refuse a client for who it is."""
        for transport in SOCKETS:
            factory = self.server_factory()
            factory.reasonAgainst = lambda pass_: (
                CloseReason.KICKED if pass_.client_id == 13 else None
            )
            listening = self.serve(transport, factory)
            error = await self.refused(listening, factory.issueToken(client_id=13))
            self.assertIs(error.reason, CloseReason.KICKED, transport)
            await self.connect(listening, token=factory.issueToken(client_id=14))


class FirstFrameTests(LimitTestCase):
    """What comes first on a stream is a request with a token, and nothing else."""

    async def answer_to(self, frame, **settings):
        """Return what a TCP server answers to a first frame, and its counts."""
        factory = self.server_factory(**settings)
        listening = self.serve("tcp", factory)
        stream = await self.open(listening)
        if callable(frame):
            frame = frame(factory)
        stream.transport.write(struct.pack("<I", len(frame)) + frame)
        received = await stream.closed
        self.assertEqual(factory.built, [])
        self.assertEqual(received[4], 9, "refused")
        self.assertEqual(len(factory.admission), 0)
        return CloseReason(received[5]), factory.stats().refused

    async def check(self, reason, frame, **settings):
        outcome = await self.answer_to(frame, **settings)
        self.assertEqual(outcome, (reason, {reason.name: 1}))

    def first(self, factory, protocol_hash=HASH):
        """Return the first frame of a client that does well."""
        client = Connection.client(
            config(),
            token=factory.issueToken(),
            protocol_hash=protocol_hash,
            secret=bytes(32),
            link=Link.STREAM,
        )
        client.connect(now=0.0)
        (frame,) = client.datagrams_to_send(now=0.0)
        return frame

    def spoiled(self, position, bits=1):
        """Return what makes a first frame of which some bits are others."""

        def spoil(factory):
            frame = bytearray(self.first(factory))
            frame[position] ^= bits
            return bytes(frame)

        return spoil

    async def test_well(self):
        """The frame that these tests spoil is a good one."""
        factory = self.server_factory()
        stream = await self.open(self.serve("tcp", factory))
        frame = self.first(factory)
        stream.transport.write(struct.pack("<I", len(frame)) + frame)
        await self.until(lambda: stream.received)
        self.assertEqual(stream.received[4], 8, "accepted")
        self.assertEqual(len(factory.built), 1)

    async def test_short(self):
        """A frame that is shorter, be it a whole request of netcode's."""
        for size in (0, 1, 100, REQUEST_SIZE - 1, REQUEST_SIZE, REQUEST_SIZE + 10):
            await self.check(CloseReason.MALFORMED, lambda f, n=size: self.first(f)[:n])

    async def test_long(self):
        """A frame that is longer."""
        await self.check(CloseReason.MALFORMED, lambda f: self.first(f) + b"x")

    async def test_another_version(self):
        """Another version of what gamenet adds to netcode."""
        await self.check(CloseReason.VERSION_MISMATCH, self.spoiled(REQUEST_SIZE, 64))

    async def test_another_netcode(self):
        """Another version of netcode."""
        await self.check(
            CloseReason.VERSION_MISMATCH,
            lambda f: self.first(f).replace(b"NETCODE 1.02", b"NETCODE 9.99"),
        )

    async def test_another_protocol(self):
        """Another game's words."""
        await self.check(
            CloseReason.PROTOCOL_MISMATCH, lambda f: self.first(f, b"chess 1 ")
        )

    async def test_spoiled(self):
        """A token of which one bit is another."""
        await self.check(CloseReason.TOKEN_INVALID, self.spoiled(500))

    async def test_stolen(self):
        """A request that somebody saw on UDP, who does not have the token's keys."""
        await self.check(CloseReason.TOKEN_INVALID, self.spoiled(-1))


class FloodTests(LimitTestCase):
    """Streams that are opened and left alone do not keep players out for long."""

    async def test_visitors(self):
        """When every place waits for a token, one who has it gets in after a while."""
        limits = Limits(max_connections=3, handshake_timeout=0.4)
        factory = self.server_factory(limits=limits)
        listening = self.serve("tcp", factory)
        silent = [await self.open(listening) for _ in range(3)]
        await wait(0.05)
        attempt = self.connect(listening)
        error = await self.assertFailure(attempt, ConnectError)
        self.assertIs(error.reason, CloseReason.SERVER_FULL)
        await gatherResults([stream.closed for stream in silent])
        await self.connect(listening)
