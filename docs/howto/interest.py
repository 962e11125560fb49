# SPDX-License-Identifier: MIT
"""Who may see what, and what is told first where not everything fits."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import (
    Audience,
    Component,
    Event,
    Game,
    Interest,
    Sync,
    SyncSettings,
    fixed,
    uint8,
)
from gamenet.testing import Stepper


# -- components --
class Position(Component):
    """Where something is, in metres."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Order(Component):
    """What a ship is to do: its team knows."""

    sync = Sync(audience=Audience.TEAM)
    number: int = uint8()


class Ammunition(Component):
    """What is left: its owner knows, five times a second at most."""

    sync = Sync(audience=Audience.OWNER, rate=5)
    rounds: int = uint8()


class Cooldown(Component):
    """Ticks until it may shoot again: it never leaves the server."""

    sync = Sync(audience=Audience.SERVER)
    ticks: int = uint8()


class Health(Component):
    """What matters twice as much as the rest."""

    sync = Sync(priority=2)
    points: int = uint8()


class Flag(Component):
    """What everybody sees wherever it is."""


class Cloak(Component):
    """Only allies see who wears it."""


class Shot(Event):
    """Somebody shoots."""

    weapon: int = uint8()


# -- game --
class Battle(Game):
    """Ships see what is near, what their team owns, and the flags."""

    tick_rate = 20
    components = [
        Position,
        Order,
        Ammunition,
        Cooldown,
        Health,
        Flag,
        Cloak,
        SyncSettings,
    ]
    events = [Shot]
    max_entities = 256
    bandwidth = 10_000  # bytes a second for each player
    interest = Interest(
        (Position, "x", "y"),
        radius=60,
        hysteresis=6,
        always=[Flag],
        teams=True,
    )

    def player_joined(self, player):
        self.teams.join(player.id, 1 + player.id % 2)
        player.avatar = self.world.spawn(
            Position(),
            Order(),
            Ammunition(rounds=30),
            Cooldown(),
            Health(points=100),
            owner=player,
        )

    def sees(self, player_id, rows):
        world = self.world
        is_cloaked = world.columns(Cloak).present[rows]
        team = self.teams.of(player_id)
        is_allied = self.teams.of_many(world.owner[rows]) == team
        return ~is_cloaked | is_allied

    def importance(self, player_id, rows):
        is_weak = self.world.columns(Health).points[rows] < 20
        return np.where(is_weak, 4.0, 1.0)

    # -- rules --
    def shoot(self, ship, weapon):
        # Whoever does not see the ship does not hear it.
        self.emit(Shot(weapon=weapon), seen=ship)

    def use_telescope(self, player):
        player.sight = 200  # None is the radius again

    def spectate(self, player, x, y):
        player.eye = (x, y)  # or an entity; None is the avatar again

    def go_below(self, player):
        # Who is in a room is seen by those who are there; what is in none, by all.
        self.rooms.enter(player.avatar, "cellar")
        player.rooms = {"cellar"}

    def vanish(self, ship):
        self.world.add(ship, SyncSettings(hidden=True))

    def make_rare(self, ship):
        # Of this one ship, twice a second, and half as urgently.
        self.world.add(ship, SyncSettings(frequency=2, priority=0.5))


# -- end --
class BattleTests(SynchronousTestCase):
    """Each sees what they should, and no more."""

    def setUp(self) -> None:
        """Let two enemies and an ally of the first join, 500 metres apart."""
        self.stepper = Stepper.of(Battle, n_clients=3)
        self.game = self.stepper.server.game
        self.world = self.game.world
        self.players = [self.game.players[number] for number in (1, 2, 3)]
        self.ships = [player.avatar for player in self.players]
        for ship, x in zip(self.ships, (0, 500, -500), strict=True):
            self.world[ship, Position].x = x
        self.stepper.tick(10)

    def seen(self, client: int = 0) -> list[bool]:
        """Return which of the three ships a client sees."""
        self.stepper.tick(10)
        world = self.stepper.clients[client].world
        return [ship in world for ship in self.ships]

    def test_distance(self) -> None:
        """The ally is seen wherever it is; the enemy within 60 m, and up to 66."""
        self.assertEqual(self.seen(), [True, False, True])
        left = []
        self.stepper.clients[0].on_left = left.append
        for x, is_seen in ((63, False), (59, True), (65, True), (67, False)):
            self.world[self.ships[1], Position].x = x
            self.assertEqual(self.seen(), [True, is_seen, True], x)
        self.assertEqual(left, [self.ships[1]])

    def test_flag(self) -> None:
        """What has a component of `always` is seen by everybody."""
        flag = self.world.spawn(Flag(), Position(x=-400, y=400))
        self.stepper.tick(10)
        self.assertTrue(all(flag in client.world for client in self.stepper.clients))

    def test_audiences(self) -> None:
        """Owner, team and enemy know different things of a ship."""
        self.world[self.ships[1], Position].x = 10
        self.world[self.ships[2], Position].x = -10
        self.stepper.tick(10)
        known = [
            [
                client.world.has(self.ships[0], kind)
                for kind in (Order, Ammunition, Health)
            ]
            for client in self.stepper.clients
        ]
        self.assertEqual(
            known, [[True, True, True], [False, False, True], [True, False, True]]
        )
        self.assertNotIn(Cooldown, self.stepper.clients[0].world.components)

    def test_rule(self) -> None:
        """A cloak hides from enemies alone."""
        for ship in self.ships:
            self.world[ship, Position].x = 0
        self.world.add(self.ships[0], Cloak())
        self.assertEqual(self.seen(1), [False, True, True])
        self.assertEqual(self.seen(2), [True, True, True])

    def test_eyes(self) -> None:
        """A telescope sees farther, and a spectator elsewhere."""
        self.world[self.ships[1], Position].x = 150
        self.assertEqual(self.seen(), [True, False, True])
        self.game.use_telescope(self.players[0])
        self.assertEqual(self.seen(), [True, True, True])
        self.players[0].sight = None
        self.assertEqual(self.seen(), [True, False, True])
        self.game.spectate(self.players[0], 140, 0)
        self.assertEqual(self.seen(), [True, True, True])

    def test_rooms(self) -> None:
        """Who goes below is seen by those who are there."""
        for ship in self.ships:
            self.world[ship, Position].x = 0
        self.game.go_below(self.players[0])
        self.assertEqual(self.seen(1), [False, True, True])
        self.game.go_below(self.players[1])
        self.assertEqual(self.seen(1), [True, True, True])

    def test_settings(self) -> None:
        """What is hidden is seen by nobody, not even its owner."""
        self.game.make_rare(self.ships[2])
        self.game.vanish(self.ships[0])
        self.assertEqual(self.seen(0), [False, False, True])

    def test_shot(self) -> None:
        """A shot is heard by those who see the ship."""
        heard = []
        for number, client in enumerate(self.stepper.clients):
            client.on_event = lambda event, tick, n=number: heard.append(n)
        self.game.shoot(self.ships[0], weapon=1)
        self.stepper.tick(10)
        self.assertEqual(sorted(heard), [0, 2])

    def test_importance(self) -> None:
        """Who is weak is four times as important."""
        self.world[self.ships[0], Health].points = 5
        rows = np.array([self.world.row_of(ship) for ship in self.ships])
        self.assertEqual(self.game.importance(1, rows).tolist(), [4.0, 1.0, 1.0])
