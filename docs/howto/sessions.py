# SPDX-License-Identifier: MIT
"""Sessions that survive: a cable is pulled, a transport blocked, an address changed."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig
from gamenet.game import Component, Game, GameClient, GameServer, fixed
from gamenet.testing import Clock, MemoryReactor, Stepper
from gamenet.transport import (
    GameClientFactory,
    GameProtocol,
    GameServerFactory,
    MemoryNetwork,
    connect,
    listen,
)


# -- game --
class Place(Component):
    """Where a piece stands."""

    x: float = fixed(-64, 64, step=1 / 64)


class Board(Game):
    """Keep a player's piece on the board while they are away."""

    tick_rate = 30
    components = [Place]

    def started(self):
        self.away = {}

    def player_joined(self, player):
        player.avatar = self.world.spawn(Place(x=0), owner=player)

    def player_dropped(self, player):
        self.away[player.id] = self.tick

    def player_resumed(self, player):
        del self.away[player.id]

    def player_left(self, player, reason):
        self.away.pop(player.id, None)
        super().player_left(player, reason)


# -- client --
class Player(GameClient):
    """Tell the person at the screen what happens."""

    shown = ""

    def on_dropped(self, reason):
        self.shown = "connection lost, trying to come back"

    def on_resumed(self):
        self.shown = "back in the game"

    def on_closed(self, reason, detail):
        self.shown = reason.advice


# -- protocol --
class Counting(GameProtocol):
    """Say a number now and then; keep those that come."""

    def connectionMade(self):
        self.n_said = 0
        self.heard = []
        self.happened = []

    def say(self):
        self.n_said += 1
        self.sendMessage(0, b"%d" % self.n_said)

    def messageReceived(self, channel, payload):
        self.heard.append(int(payload))

    def connectionDropped(self, reason):
        self.happened.append(reason.name)

    def connectionResumed(self):
        self.happened.append(f"resumed on {self.transportName}")


# -- test --
class Cables(MemoryNetwork):
    """A network whose cables can be pulled, each by its name."""

    pulled = frozenset()

    def deliver(self, name, packet, address):
        if name not in self.pulled:
            super().deliver(name, packet, address)


class PlayerTests(SynchronousTestCase):
    """A player who is away for a while."""

    def play(self, n_ticks, **settings):
        """Join, pull the cable for some ticks, and plug it in again."""
        clock = Clock()
        network = Cables(clock)
        config = ConnectionConfig(**settings)
        server = GameServer(Board, clock, connection=config, random=Random(1))
        self.stepper = Stepper(server, [], clock=clock, network=network)
        client = Player(clock, Board, "Ada", connection=config)
        client.connect("memory:match", memory=network)
        self.stepper.tick(10)
        network.pulled = {"match"}
        self.stepper.tick(n_ticks)
        self.away = dict(server.game.away)
        network.pulled = frozenset()
        self.stepper.tick(120)
        return client, server

    def test_ten_seconds(self):
        """Somebody who is away for ten seconds and more is the same player after it."""
        client, server = self.play(n_ticks=330)
        self.assertEqual(list(self.away), [1])
        self.assertEqual(client.shown, "back in the game")
        self.assertEqual([player.name for player in server.players.values()], ["Ada"])
        self.assertEqual(server.game.away, {})
        self.assertEqual(len(client.world), 1)

    def test_too_long(self):
        """Who is away for longer than the window has left."""
        client, server = self.play(n_ticks=450, resume_window=3)
        self.assertEqual(server.players, {})
        self.assertEqual(len(server.world), 0)
        self.assertIn("join again", client.shown.lower())


class ProtocolTests(SynchronousTestCase):
    """Nothing reliable is lost or doubled, whatever becomes of the link."""

    def test_another_way(self):
        """Where one transport is blocked, the session goes on by the next."""
        clock = Clock()
        network = Cables(clock)
        servers = GameServerFactory(clock, b"example1")
        servers.protocol = Counting
        for name in ("memory:first", "memory:second"):
            listen(clock, name, servers, memory=network)
        clients = GameClientFactory(clock, b"example1")
        clients.protocol = Counting
        ways = ["memory:first", "memory:second"]
        connecting = connect(clock, ways, clients, memory=network)
        clock.advance(1)
        client = self.successResultOf(connecting)
        (server,) = servers.connections
        for second in range(30):
            if second == 5:
                network.pulled = {"first"}
            client.say()
            clock.advance(1)
        self.assertEqual(client.happened, ["TIMED_OUT", "resumed on memory"])
        self.assertEqual(server.heard, list(range(1, 31)))

    def test_another_address(self):
        """A client that moves to another address needs no handshake."""
        reactor = MemoryReactor()
        servers = GameServerFactory(reactor, b"example1")
        servers.protocol = Counting
        listen(reactor, "udp:7777", servers)
        token = servers.issueToken()
        clients = GameClientFactory(reactor, b"example1", token=token)
        clients.protocol = Counting
        connecting = connect(reactor, "udp:127.0.0.1:7777", clients)
        reactor.advance(1)
        client = self.successResultOf(connecting)
        client.say()
        client.rebind()
        client.say()
        reactor.advance(1)
        (server,) = servers.connections
        self.assertEqual(server.heard, [1, 2])
        self.assertEqual(server.happened, [])
        self.assertEqual(servers.stats().migrated, 1)


# -- end --
