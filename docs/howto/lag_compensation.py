# SPDX-License-Identifier: MIT
"""Judge shots by what the shooter saw."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Component, Game, GameClient, Input, fixed, float32, uint8
from gamenet.prediction import first_hit, ray_boxes, ray_spheres
from gamenet.testing import Stepper


# -- game --
class Position(Component):
    """Where somebody is, in metres."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Health(Component):
    """How much of them is left."""

    points: int = uint8()


class Wall(Component):
    """Half of what a wall measures, in metres."""

    x: float = fixed(0, 64, step=1 / 64)
    y: float = fixed(0, 64, step=1 / 64)


class Fire(Input):
    """A shot from where the shooter is."""

    x: float = float32()
    y: float = float32()


class Duel(Game):
    """Everybody shoots at what they see."""

    tick_rate = 20
    max_entities = 64
    components = [Position, Health, Wall]
    inputs = [Fire]
    rewindable = [Position]  # walls do not move, and health is that of now
    max_rewind = 0.25  # seconds

    def player_joined(self, player):
        player.avatar = self.world.spawn(Position(), Health(points=3), owner=player)

    # -- shot --
    def input_received(self, player, fire):
        at, wall = self.world.columns(Position), self.world.columns(Wall)
        me = self.world[player.avatar, Position]
        eye, aim = (me.x, me.y), (fire.x, fire.y)
        with self.rewound(player) as seen:
            others = seen.query(Position, Health)
            others = others[self.world.owner[others] != player.id]
            players = ray_spheres(
                eye, aim, at.table, 0.5, rows=others, max_distance=100
            )
            walls = self.world.query(Position, Wall)
            # Walls first: at the same distance they stop the shot.
            hit = first_hit(
                ray_boxes(eye, aim, at.table, wall.table, rows=walls), players
            )
        if hit is not None and hit.which == 1:
            self.strike(player, hit.row)

    # -- cover --
    def strike(self, player, row):
        """Take a life, unless the target is long behind cover."""
        if not self.is_covered(player, row, limit=0.1):
            health = self.world[self.world.id_of(row), Health]
            health.points -= health.points > 0

    def is_covered(self, player, row, limit):
        """Return whether a wall was between the two already `limit` seconds ago."""
        at, wall = self.world.columns(Position), self.world.columns(Wall)
        walls = self.world.query(Position, Wall)
        with self.rewound(player, limit=limit):
            me = self.world[player.avatar, Position]
            way = (at.x[row] - me.x, at.y[row] - me.y)
            far = float(way[0] ** 2 + way[1] ** 2) ** 0.5
            blocked = ray_boxes(
                (me.x, me.y), way, at.table, wall.table, rows=walls, max_distance=far
            )
        return len(blocked.rows) > 0


# -- end --
class Shooter(GameClient):
    """A player whose inputs are sampled in every tick."""

    is_firing = False

    def on_tick(self, tick):
        if self.is_firing:
            self.send_input(Fire(x=1.0, y=0.0))
            self.is_firing = False


class DuelTests(SynchronousTestCase):
    """A shot hits what was seen, and nothing that was long gone."""

    def setUp(self) -> None:
        """Let two join, and stand ten metres apart."""
        self.stepper = Stepper.of(Duel)
        self.game = self.stepper.server.game
        self.world = self.game.world
        self.clients = [Shooter(self.stepper.clock, Duel, name) for name in "ab"]
        for client in self.clients:
            client.connect("memory:match", memory=self.stepper.network)
            self.stepper.until(lambda each=client: each.is_connected)
        self.stepper.tick(20)
        self.shooter, self.target = (self.game.players[number] for number in (1, 2))
        self.world[self.target.avatar, Position].x = 10.0
        self.stepper.tick(20)

    def fire(self) -> int:
        """Let the shooter shoot ahead; return what is left of the target."""
        self.clients[0].is_firing = True
        self.stepper.tick(10)
        return self.world[self.target.avatar, Health].points

    def test_standing(self) -> None:
        """Who stands in the way is hit."""
        self.assertEqual(self.fire(), 2)

    def test_running(self) -> None:
        """Who has just run away is hit where they were seen; who went long ago, not."""
        self.world[self.target.avatar, Position].y = 3.0
        self.assertEqual(self.fire(), 2)
        self.assertEqual(self.fire(), 2)

    def test_wall(self) -> None:
        """A wall stops a shot."""
        self.world.spawn(Position(x=5.0), Wall(x=0.5, y=2.0))
        self.stepper.tick(20)
        self.assertEqual(self.fire(), 3)

    def test_cover(self) -> None:
        """Who has been behind a wall for longer than the limit is safe."""
        self.world.spawn(Position(x=5.0, y=3.0), Wall(x=0.5, y=2.0))
        self.stepper.tick(20)
        row = self.world.row_of(self.target.avatar)
        self.assertEqual(self.fire(), 2)
        self.assertFalse(self.game.is_covered(self.shooter, row, limit=0.1))
        self.world[self.target.avatar, Position].y = 5.0
        self.stepper.tick(1)
        self.assertFalse(self.game.is_covered(self.shooter, row, limit=0.1))
        self.stepper.tick(5)
        self.assertTrue(self.game.is_covered(self.shooter, row, limit=0.1))
