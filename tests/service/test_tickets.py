# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.tickets."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred, fail, succeed
from twisted.internet.error import DNSLookupError
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectToken, Door, Pass, ServerAddress
from gamenet.errors import CloseReason, ConfigError, ConnectError
from gamenet.service import tickets
from gamenet.service.tickets import Crowd, Tickets
from gamenet.testing import Clock
from gamenet.transport import ConnectSpec, Impairments

KEY = bytes(range(32))
NOW = 1_790_000_000
CROWD = Crowd(n=3, seconds=1, server="http://a", secret="s3cret", trust="ca.pem")
NAMED = Crowd(n=3, seconds=1, connect="tcp:game.example.com:7778", key=KEY)


class Client:
    """A client that notes how it is told to connect."""

    def connect(self, address: str, **how: Any) -> Deferred[Client]:
        self.address, self.how = address, how
        return succeed(self)


class Reactor(Clock):
    """A clock that knows one host."""

    def resolve(self, name: str) -> Deferred[str]:
        known = name == "game.example.com"
        return succeed("192.0.2.7") if known else fail(DNSLookupError(name))


class TicketCase(SynchronousTestCase):
    """A case with a web address that answers."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.asked: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.patch(tickets, "fetch_invitation", self.fetch)
        self.patch(tickets, "time", SimpleNamespace(time=lambda: NOW))

    def fetch(self, reactor: Any, server: str, **how: Any) -> Deferred[Any]:
        """Answer as a server would: with errors first, then with invitations."""
        self.asked.append({"server": server, **how})
        if self.answers:
            return fail(self.answers.pop(0))
        spec = ConnectSpec("udp", "192.0.2.7", 7777)
        token = f"token {len(self.asked)}"
        return succeed(SimpleNamespace(spec=lambda _: spec, token=token))

    def opened(self, crowd: Crowd) -> Tickets:
        """Return the tickets of a crowd that found its server."""
        found = Tickets(self.reactor, crowd)
        self.successResultOf(ensureDeferred(found.open()))
        return found

    def joined(self, found: Tickets, name: str) -> Client:
        """Return a client of a name that was told how to join."""
        join = self.successResultOf(found.invite(name))
        client: Client = self.successResultOf(join(Client()))
        return client


class ServerTests(TicketCase):
    """A server is asked at its web address."""

    def test_each(self) -> None:
        """Each bot has a token of its own, asked for in its name."""
        found = self.opened(CROWD)
        clients = [self.joined(found, f"bot {number}") for number in (1, 2, 3)]
        self.assertEqual(
            [client.how["token"] for client in clients],
            ["token 1", "token 2", "token 3"],
        )
        names = [asked["name"] for asked in self.asked]
        self.assertEqual(names, ["bot 1", "bot 2", "bot 3"])
        wanted = {"server": "http://a", "secret": "s3cret", "trust": "ca.pem"}
        self.assertLessEqual(wanted.items(), self.asked[0].items())
        self.assertEqual(clients[0].address, "udp:192.0.2.7:7777")
        self.assertEqual(clients[0].how["tls_trust"], "ca.pem")
        self.assertEqual(found.transport, "udp")

    def test_wait(self) -> None:
        """A server that was asked too often is asked again a second later."""
        found = self.opened(CROWD)
        too_many = ConnectError("too many", CloseReason.RATE_LIMITED)
        self.answers += [too_many, too_many]
        waiting = found.invite("bot 2")
        for _ in range(2):
            self.assertNoResult(waiting)
            self.reactor.advance(1)
        self.successResultOf(waiting)
        self.assertEqual(len(self.asked), 4)

    def test_refused(self) -> None:
        """Any other refusal is an error at once."""
        error = ConnectError("no", CloseReason.NO_TOKEN)
        self.answers.append(error)
        opening = ensureDeferred(Tickets(self.reactor, CROWD).open())
        self.assertIs(self.failureResultOf(opening, ConnectError).value, error)

    def test_cancelled(self) -> None:
        """Who waits for a token can be called off."""
        found = self.opened(CROWD)
        self.answers.append(ConnectError("too many", CloseReason.RATE_LIMITED))
        waiting = found.invite("bot 2")
        waiting.cancel()
        self.failureResultOf(waiting)
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class KeyTests(TicketCase):
    """Tokens are made with the server's key."""

    def opened_by_server(self, token: ConnectToken, protocol_id: int = 1) -> Pass:
        """Return what the server reads in a token."""
        door = Door(
            key=KEY,
            protocol_id=protocol_id,
            protocol_hash=bytes(8),
            summary="",
            addresses=lambda: [ServerAddress("192.0.2.7", 7778)],
            unix_time=lambda: NOW,
            random_bytes=os.urandom,
            max_clients=1,
        )
        found = door.open(token.request())
        assert isinstance(found, Pass), found
        return found

    def test_issued(self) -> None:
        """The server takes them, each from another client, and nobody is asked."""
        found = self.opened(NAMED)
        clients = [self.joined(found, name) for name in ("bot 1", "bot 2")]
        first, second = (self.opened_by_server(each.how["token"]) for each in clients)
        self.assertEqual((first.user_data, second.user_data), (b"bot 1", b"bot 2"))
        self.assertNotEqual(first.client_id, second.client_id)
        self.assertEqual(clients[0].address, "tcp:game.example.com:7778")
        self.assertEqual((self.asked, found.transport), ([], "tcp"))

    def test_protocol_id(self) -> None:
        """They are for the game that is wanted."""
        crowd = Crowd(1, 1, connect="tcp:192.0.2.7:7778", key=KEY, protocol_id=16)
        client = self.joined(self.opened(crowd), "bot 1")
        self.opened_by_server(client.how["token"], 16)

    def test_proxy(self) -> None:
        """Behind a proxy, tokens name the server, too, or it would not take them."""
        crowd = Crowd(
            1, 1, connect="udp:127.0.0.1:7000", key=KEY, address="game.example.com:7778"
        )
        client = self.joined(self.opened(crowd), "bot 1")
        self.assertEqual(client.address, "udp:127.0.0.1:7000")
        found = self.opened_by_server(client.how["token"])
        self.assertEqual(
            [str(each) for each in found.addresses],
            ["127.0.0.1:7000", "192.0.2.7:7778"],
        )

    def test_unknown_host(self) -> None:
        """A host that nobody knows is one line."""
        crowd = Crowd(1, 1, connect="udp:nowhere.example:1", key=KEY)
        opening = ensureDeferred(Tickets(self.reactor, crowd).open())
        error = self.failureResultOf(opening, ConnectError).value
        text = "no address is known for the host 'nowhere.example'"
        self.assertEqual(str(error), text)

    def test_malformed(self) -> None:
        """An address that is none is refused."""
        crowd = Crowd(1, 1, connect="nonsense", key=KEY)
        self.assertRaises(ConfigError, Tickets, self.reactor, crowd)


class ImpairTests(TicketCase):
    """A bad network lies before each bot."""

    def test_impair(self) -> None:
        """It is asked for where there is one."""
        client = self.joined(self.opened(CROWD), "bot 1")
        self.assertIsNone(client.how["impairment"])
        crowd = Crowd(1, 1, server="http://a", impair="loss=5%")
        client = self.joined(self.opened(crowd), "bot 1")
        found = client.how["impairment"]
        self.assertIsInstance(found, Impairments)
        self.assertEqual((found.up.loss, found.down.loss), (0.05, 0.05))
