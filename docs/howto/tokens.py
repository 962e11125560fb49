# SPDX-License-Identifier: MIT
"""A backend that issues tokens, a server that takes them, and what it refuses."""

from __future__ import annotations

import secrets
import time
from base64 import b64decode, b64encode
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ServerAddress, issue_token
from gamenet.errors import CloseReason, ConnectError
from gamenet.game import Game, GameClient, GameServer
from gamenet.testing import MemoryReactor
from gamenet.transport import (
    GameClientFactory,
    GameProtocol,
    GameServerFactory,
    connect,
    listen,
)

# -- backend --
PROTOCOL_ID = 0x6472696674
SERVER = ServerAddress.parse("127.0.0.1:7777")


def ticket(key, account, name):
    """Return a token for somebody who has logged in, as text for an answer in JSON."""
    token = issue_token(
        key,
        protocol_id=PROTOCOL_ID,
        client_id=account,
        user_data=name.encode(),
        addresses=[SERVER],
        timeout=5,
        expires_in=30,
        unix_now=int(time.time()),
        random_bytes=secrets.token_bytes,
    )
    return b64encode(token.encode()).decode()


# -- bans --
class Door(GameServerFactory):
    """Let in whoever has a token, unless they are banned."""

    protocol = GameProtocol
    banned = {13}

    def reasonAgainst(self, pass_):
        return CloseReason.KICKED if pass_.client_id in self.banned else None


# -- test --
class TokenTests(SynchronousTestCase):
    """A server with a key, and clients with tokens of a backend."""

    def setUp(self):
        self.reactor = MemoryReactor()
        self.key = secrets.token_bytes(32)
        self.server = GameServer(
            Game, self.reactor, key=self.key, protocol_id=PROTOCOL_ID
        )
        self.server.start()
        listen(self.reactor, "udp:7777", self.server.factory)

    def join(self, text):
        """Let somebody join with a token in base64."""
        client = GameClient(self.reactor, Game)
        joining = client.connect("udp:127.0.0.1:7777", token=b64decode(text))
        self.reactor.advance(1)
        return joining

    def test_once(self):
        """A token lets one client in, under the name that the backend gave it."""
        text = ticket(self.key, account=7, name="Ada")
        client = self.successResultOf(self.join(text))
        self.assertEqual(client.players, {1: "Ada"})
        again = self.join(text)
        self.reactor.advance(5)
        self.failureResultOf(again, ConnectError)

    def test_other_key(self):
        """A token of somebody else lets nobody in."""
        joining = self.join(ticket(secrets.token_bytes(32), account=7, name="Eve"))
        self.reactor.advance(5)
        self.failureResultOf(joining, ConnectError)
        self.assertIn("TOKEN_INVALID", self.server.factory.stats().refused)

    def test_banned(self):
        """Who is banned is told so."""
        doors = Door(self.reactor, b"example1", random=Random(1))
        listen(self.reactor, "udp:7778", doors)
        for account, reason in ((13, CloseReason.KICKED), (14, None)):
            token = doors.issueToken(client_id=account)
            clients = GameClientFactory(self.reactor, b"example1", token=token)
            connecting = connect(self.reactor, "udp:127.0.0.1:7778", clients)
            self.reactor.advance(1)
            if reason is None:
                self.successResultOf(connecting)
            else:
                failure = self.failureResultOf(connecting, ConnectError)
                self.assertEqual(failure.value.reason, reason)


# -- end --
