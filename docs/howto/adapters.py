# SPDX-License-Identifier: MIT
"""Games that keep their state in objects of their own, and in esper's."""

from __future__ import annotations

import unittest

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import (
    Component,
    EsperAdapter,
    Game,
    Input,
    NetworkConnection,
    Quality,
    SyncSettings,
    Tracker,
    fixed,
    int8,
    uint8,
)
from gamenet.testing import Stepper

try:
    import esper
except ImportError:
    esper = None


class Position(Component):
    """Where something is, in metres."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Hull(Component):
    """How much of a ship is left."""

    strength: int = uint8()


class Steer(Input):
    """Move by so much."""

    x: int = int8()
    y: int = int8()


# -- objects --
class Ship:
    """Written before anybody thought of a network."""

    def __init__(self):
        self.x, self.y = 0.0, 0.0
        self.strength = 100

    def steer(self, x, y):
        self.x += x / 127
        self.y += y / 127


class Fleet(Game):
    """Each player has a ship, an object like any other."""

    components = [Position, Hull]
    inputs = [Steer]

    def started(self):
        self.ships = {}

    def player_joined(self, player):
        ship = self.ships[player.id] = Ship()
        player.avatar = self.track(ship, "x", "y", owner=player)
        self.track(ship, "strength")

    def input_received(self, player, steer):
        self.ships[player.id].steer(steer.x, steer.y)

    def player_left(self, player, reason):
        # Nobody holds the ship any more: its entity goes with it.
        del self.ships[player.id]


# -- client --
class Sprite:
    """What a screen shows of a ship."""

    def __init__(self, entity):
        self.entity = entity
        self.x, self.y, self.strength = 0.0, 0.0, 0
        self.is_shown = True

    def hide(self):
        self.is_shown = False


def show(client):
    """Keep a sprite for each ship that a client sees."""
    tracker = Tracker(client.world)
    tracker.bind(Position, Sprite, Hull, dropped=Sprite.hide)
    client.on_snapshot = lambda tick: tracker.push()
    return tracker


# -- esper --
class Place:
    """A component of esper's."""

    def __init__(self, x=0.0, y=0.0):
        self.x, self.y = x, y


class Speed(Place):
    """Another one, of which the network need not know."""


class Asteroids(Game):
    """A game whose rules are esper's processors."""

    components = [Position]

    def started(self):
        self.adapter = EsperAdapter(self.world, {Place: Position})
        for n in range(3):
            esper.create_entity(Place(x=n), Speed(y=n))

    def step(self, dt):
        for _, (place, speed) in esper.get_components(Place, Speed):
            place.x += speed.x * dt
            place.y += speed.y * dt
        self.adapter.pull()


# -- network --
class Scoreboard(Game):
    """Everybody sees how good everybody's connection is."""

    components = [NetworkConnection]

    def started(self):
        self.lines = {}

    def player_joined(self, player):
        self.lines[player.id] = self.world.spawn(NetworkConnection(player=player.id))

    def player_left(self, player, reason):
        self.world.despawn(self.lines.pop(player.id))


# -- settings --
class Clouds(Game):
    """Clouds matter little: ten times a second, and after everything else."""

    components = [Position, SyncSettings]

    def started(self):
        slowly = SyncSettings(frequency=10, priority=0.25)
        self.world.spawn_rows(20, Position(), slowly)


# -- end --
class ObjectTests(SynchronousTestCase):
    """Objects on both sides."""

    def test_ships(self):
        """What is steered on the server is seen as sprites by the others."""
        stepper = Stepper.of(Fleet, n_clients=2)
        ada, bob = stepper.clients
        tracker = show(bob)
        stepper.tick(10, each=lambda: ada.send_input(Steer(x=127)))
        stepper.tick(2)
        avatar = stepper.server.players[ada.player_id].avatar
        sprite = tracker.object_of(avatar)
        self.assertEqual((sprite.x, sprite.strength), (10, 100))
        ada.close()
        stepper.until(lambda: avatar not in bob.world)
        stepper.tick(2)
        self.assertFalse(sprite.is_shown)
        self.assertIsNone(tracker.object_of(avatar))


@unittest.skipIf(esper is None, "esper is not installed")
class EsperTests(SynchronousTestCase):
    """Esper's entities on a client."""

    def setUp(self):
        before = esper.current_world
        esper.switch_world("asteroids")
        self.addCleanup(esper.delete_world, "asteroids")
        self.addCleanup(esper.switch_world, before)

    def test_asteroids(self):
        """What processors move, a client sees move."""
        stepper = Stepper.of(Asteroids, n_clients=1)
        (client,) = stepper.clients
        stepper.tick(30)
        columns = client.world.columns(Position)
        self.assertEqual(columns.x[client.world.query(Position)].tolist(), [0, 1, 2])
        self.assertGreater(columns.y[2], columns.y[1])
        adapter = stepper.server.game.adapter
        esper.delete_entity(adapter.number_of(client.world.id_of(2)))
        stepper.tick(4)
        self.assertEqual(client.world.query(Position).tolist(), [0, 1])


class NetworkTests(SynchronousTestCase):
    """Components that tell of the network."""

    def test_scoreboard(self):
        """Each client sees the connections of all."""
        stepper = Stepper.of(Scoreboard, n_clients=2)
        stepper.tick(90)
        (client, _) = stepper.clients
        columns = client.world.columns(NetworkConnection)
        rows = client.world.query(NetworkConnection)
        self.assertEqual(columns.player[rows].tolist(), [1, 2])
        self.assertEqual(columns.quality[rows].tolist(), [Quality.GOOD] * 2)

    def test_clouds(self):
        """Settings stay where they are made."""
        stepper = Stepper.of(Clouds, n_clients=1)
        stepper.tick(10)
        (client,) = stepper.clients
        self.assertEqual(len(client.world), 20)
        settings = stepper.server.world.columns(SyncSettings)
        settings.hidden[:5] = True
        stepper.tick(10)
        self.assertEqual(len(client.world), 15)
        self.assertNotIn(SyncSettings, client.world.components)
