# SPDX-License-Identifier: MIT
"""Matches over real sockets: links break, players come back, the game is told."""

from __future__ import annotations

import errno
import socket
import time

from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults

from gamenet.connection import Closed, ConnectionConfig, Dropped, Resumed
from gamenet.errors import CloseReason
from gamenet.game import (
    GameClient,
    GameServer,
    Joined,
    MessageArrived,
    PolledClient,
    polled,
)
from gamenet.transport import Invitation, parse_connect
from tests.game.games import Meadow, Place, Push, Say
from tests.integration.transports import SOCKETS, SocketTestCase, wait

QUICK = ConnectionConfig(timeout=0.6, resume_window=1.0)
TICKETS = 0.15
"""Seconds in which those tickets have come with which a session is resumed."""


class MatchTestCase(SocketTestCase):
    """Serve a meadow."""

    def meadow(self, transport, **settings):
        """Return a server that ticks, and the connect string of its listener."""
        server = GameServer(Meadow, reactor, seed=1, **settings)
        listening = self.serve(transport, server.factory)
        server.start()
        self.addCleanup(server.stop)
        return server, self.way_to(listening)

    async def until(self, condition, patience=10.0):
        """Wait until a condition holds."""
        end = time.monotonic() + patience
        while not condition():
            self.assertLess(time.monotonic(), end, "still waiting")
            await wait(0.01)

    def told(self, server):
        """Return which hooks on a player's coming and going were called."""
        hooks = [call[0] for call in server.game.calls]
        return [hook for hook in hooks if hook.startswith("player_")]


class ReactorTests(MatchTestCase):
    """A `GameClient` stays in the match, on every transport."""

    async def join(self, server, way, name=b"ada", **settings):
        """Return a client that has joined, and what it is told."""
        client = GameClient(reactor, Meadow, **settings)
        told = []
        client.on_dropped = lambda reason: told.append(("dropped", reason))
        client.on_resumed = lambda: told.append("resumed")
        client.on_closed = lambda reason, detail: told.append(("closed", reason))
        client.on_message = told.append
        token = server.factory.issueToken(user_data=name)
        await client.connect(way, token=token, tls_trust=self.certificate)
        self.addCleanup(client.close)
        await wait(TICKETS)
        return client, told

    async def test_resumed(self):
        """Its link breaks: both sides are told, and go on where they were."""
        for transport in SOCKETS:
            server, way = self.meadow(transport)
            client, told = await self.join(server, way)
            (player,) = server.players.values()
            self.assertEqual((player.name, player.transport), ("ada", transport))
            client._link._peer.unreachable("no network")
            client.send(Say(words="before"))
            player.send(Say(words="meanwhile"))
            await self.until(lambda t=told: "resumed" in t)
            client.send(Say(words="after"))
            await self.until(lambda t=told: Say(words="after") in t)
            self.assertEqual(told[0], ("dropped", CloseReason.UNREACHABLE))
            said = [each.words for each in told if isinstance(each, Say)]
            self.assertEqual(sorted(said), ["after", "before", "meanwhile"])
            self.assertLess(said.index("before"), said.index("after"))
            self.assertEqual(
                self.told(server), ["player_joined", "player_dropped", "player_resumed"]
            )
            before = client.world[player.avatar, Place].x
            client.send_input(Push(x=3))
            await self.until(
                lambda c=client, p=player, x=before: c.world[p.avatar, Place].x == x + 3
            )
            server.stop()

    async def test_left(self):
        """It does not come back: the game is told, once its time is over."""
        for transport in ("udp", "tcp"):
            server, way = self.meadow(transport, connection=QUICK)
            client, told = await self.join(server, way, connection=QUICK)
            client._link._peer._owner._dial = lambda: None
            client._link._peer.unreachable("no network")
            await self.until(lambda s=server: not s.players)
            await self.until(lambda c=client: not c.is_connected)
            self.assertEqual(
                self.told(server), ["player_joined", "player_dropped", "player_left"]
            )
            self.assertEqual(told[-1], ("closed", CloseReason.UNREACHABLE))
            server.stop()

    async def test_others_play_on(self):
        """Who has not lost the link plays on, and sees the other's avatar stand."""
        server, way = self.meadow("udp", connection=QUICK)
        (one, _), (two, told) = await gatherResults(
            [self.joining(server, way, name) for name in (b"one", b"two")]
        )
        carrier = one._link._peer._carrier
        carrier.send = lambda packets: None
        await self.until(lambda: ("player_dropped", one.player_id) in server.game.calls)
        self.assertTrue(server.players[one.player_id].is_dropped)
        avatar = server.players[two.player_id].avatar
        before = two.world[avatar, Place].x
        two.send_input(Push(x=2))
        await self.until(lambda: two.world[avatar, Place].x == before + 2)
        self.assertIn(server.players[one.player_id].avatar, two.world)
        self.assertEqual(told, [])
        await self.until(lambda: ("player_resumed", one.player_id) in server.game.calls)

    def joining(self, server, way, name):
        """Return a Deferred of `join`."""
        return ensureDeferred(self.join(server, way, name, connection=QUICK))


class PolledTests(MatchTestCase):
    """So does a `PolledClient`, by the transport that it has."""

    async def test_resumed(self):
        """Its link breaks: it says so, and that it is back."""
        for transport in ("udp", "tcp"):
            server, way = self.meadow(transport)
            client = PolledClient(Meadow)
            client.connect(way, token=server.factory.issueToken(user_data=b"grace"))
            events = []

            def after_poll(condition, client=client, events=events):
                events += client.poll()
                return condition(events)

            await self.until(lambda p=after_poll: p(lambda es: Joined(1) in es))
            self.assertEqual(server.players[1].name, "grace")
            end = time.monotonic() + TICKETS
            await self.until(
                lambda p=after_poll, e=end: p(lambda _: time.monotonic() > e)
            )
            client._transport._lose(OSError(errno.ENETDOWN, "down"), time.monotonic())
            client.send(Say(words="hello"))
            heard = MessageArrived(Say(words="hello"))
            await self.until(lambda p=after_poll, h=heard: p(lambda es: h in es))
            order = [Dropped(CloseReason.LINK_LOST), Resumed(), heard]
            self.assertEqual([each for each in events if each in order], order)
            self.assertEqual(
                self.told(server), ["player_joined", "player_dropped", "player_resumed"]
            )
            client.close()
            await self.until(
                lambda p=after_poll: p(lambda es: Closed(CloseReason.NORMAL, "") in es)
            )
            self.assertTrue(client.is_closed)
            await self.until(lambda s=server: not s.players)
            server.stop()

    def invited(self, server, ways):
        """Return a client that has asked a server how to join it."""
        invitation = Invitation(
            game="Meadow",
            title="",
            name="",
            protocol_hash=server.protocol.hash,
            tick_rate=server.game.tick_rate,
            token=server.factory.issueToken(),
            specs=tuple(map(parse_connect, ways)),
            raw={},
        )
        self.patch(polled, "ask_invitation", lambda *_, **__: invitation)
        client = PolledClient(Meadow)
        client.connect("http://localhost:1")
        return client

    async def test_another_way(self):
        """Where UDP is blocked it joins over TCP, soon."""
        blocked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(blocked.close)
        blocked.bind(("127.0.0.1", 0))
        for port in (9, blocked.getsockname()[1]):
            server, way = self.meadow("tcp")
            client = self.invited(server, [f"udp:127.0.0.1:{port}", way])
            events = []
            await self.until(
                lambda c=client, es=events: es.extend(c.poll()) or c.is_joined, 3.5
            )
            self.assertEqual(server.players[1].transport, "tcp")
            self.assertEqual([each for each in events if isinstance(each, Closed)], [])
            client.close()
            await self.until(lambda c=client: c.poll() and c.is_closed)
            server.stop()

    async def test_no_way(self):
        """When all are blocked the last one says why, once."""
        server, _ = self.meadow("tcp")
        client = self.invited(server, ["udp:127.0.0.1:9", "tcp:127.0.0.1:9"])
        events = []
        await self.until(lambda: events.extend(client.poll()) or client.is_closed)
        self.assertEqual([each.reason for each in events], [CloseReason.UNREACHABLE])
