# SPDX-License-Identifier: MIT
"""Hear of what happens: events, callbacks, observers, Deferreds, refused writes."""

from __future__ import annotations

from twisted.internet.defer import TimeoutError as TimedOut
from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import (
    Component,
    Event,
    Game,
    GameClient,
    Observer,
    Refusal,
    Sync,
    fixed,
    on_changed,
    uint8,
)
from gamenet.testing import Stepper


# -- events --
class Position(Component):
    """Where something is, in metres."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Health(Component):
    """How much of a ship is left."""

    points: int = uint8()


class Paint(Component):
    """How a ship looks: its player decides."""

    sync = Sync(owner_writes=True)
    hue: int = uint8()


class Explosion(Event):
    """Something blew up."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Duel(Game):
    """Ships that can blow up."""

    tick_rate = 20
    max_entities = 64
    components = [Position, Health, Paint]
    events = [Explosion]

    def blow_up(self, ship):
        here = self.world[ship, Position]
        # Only who sees the ship hears it; `to=` would name players.
        self.emit(Explosion(x=here.x, y=here.y), seen=ship)
        self.world.despawn(ship)

    # -- changes --
    @on_changed(Health.points)
    def points_changed(self, ship, points):
        if points == 0:
            self.blow_up(ship)

    # -- waits --
    def player_joined(self, player):
        player.avatar = self.world.spawn(
            Position(), Health(points=100), Paint(), owner=player
        )
        ready = player.synced(timeout=10)
        ready.addCallbacks(self.begin, lambda failure: player.kick("too slow"))

    def begin(self, player):
        """Begin the duel: the player holds all that they see."""
        self.world[player.avatar, Health].points = 50

    # -- refused --
    def write_refused(self, player, row, component, refusal):
        if refusal is Refusal.NOT_YOURS:
            player.kick("hands off")


# -- client --
class Pilot(GameClient):
    """A player who shows what happens."""

    shown = ""

    def on_event(self, event, tick):
        self.shown += f"{type(event).__name__} at {event.x:g} "

    @on_changed(Health.points)
    def points_changed(self, ship, points):
        self.shown += f"{points} points "

    def on_write_refused(self, entity, component, refusal):
        self.shown += f"{component.__name__} refused "


async def paint(client, hue):
    """Wait for our ship, and paint it."""
    ship = await client.spawned(Paint, timeout=5)
    client.write(ship, Paint(hue=hue))
    return ship


# -- observers --
class Scene(Observer):
    """Keep a picture of each entity, on a server or a client."""

    def __init__(self):
        self.pictures = {}
        self.n_moved = 0

    def spawned(self, entity):
        self.pictures[entity] = "a ship"

    def left(self, entity):
        del self.pictures[entity]

    def despawned(self, entity):
        del self.pictures[entity]

    def component_changed(self, component, rows):
        if component is Position:
            self.n_moved += len(rows)


# -- end --
class DuelTests(SynchronousTestCase):
    """A server, and one pilot who hears what happens."""

    def setUp(self) -> None:
        """Let the pilot join, with a scene on either side."""
        self.stepper = Stepper.of(Duel)
        self.server = self.stepper.server
        self.scenes = Scene(), Scene()
        self.server.observers.attach(self.scenes[0])
        self.pilot = Pilot(self.stepper.clock, Duel, "ada")
        self.pilot.observers.attach(self.scenes[1])
        self.pilot.connect("memory:match", memory=self.stepper.network)
        self.stepper.until(lambda: self.pilot.is_connected)
        self.stepper.tick(10)
        (self.player,) = self.server.players.values()
        self.ship = self.player.avatar

    def test_synced(self) -> None:
        """The duel begins when the player holds all that they see."""
        self.assertEqual(self.pilot.world[self.ship, Health].points, 50)
        self.assertEqual(self.pilot.shown, "50 points ")

    def test_event(self) -> None:
        """An explosion is heard where it was seen, and the scenes are tidied up."""
        self.server.world[self.ship, Position].x = 3
        self.stepper.tick(5)
        self.assertEqual([scene.n_moved for scene in self.scenes], [1, 1])
        self.server.world[self.ship, Health].points = 0
        self.stepper.tick(5)
        self.assertEqual(self.pilot.shown, "50 points 0 points Explosion at 3 ")
        self.assertEqual([scene.pictures for scene in self.scenes], [{}, {}])

    def test_write(self) -> None:
        """What the owner writes is told to all; what others write is refused."""
        painted = ensureDeferred(paint(self.pilot, 120))
        self.assertEqual(self.successResultOf(painted), self.ship)
        self.stepper.tick(5)
        self.assertEqual(self.server.world[self.ship, Paint].hue, 120)
        ensureDeferred(paint(self.pilot, 7))
        self.server.world.set_owner(self.ship, None)
        self.stepper.tick(5)
        self.assertEqual(self.server.writes.n_applied, 1)
        self.assertIn("Paint refused", self.pilot.shown)
        self.assertFalse(self.server.players)

    def test_timeout(self) -> None:
        """A wait ends when its time is up, or when it is cancelled."""
        self.server.world.despawn(self.ship)
        self.stepper.tick(5)
        waiting = self.pilot.spawned(Paint, timeout=1)
        self.stepper.tick(25)
        self.failureResultOf(waiting, TimedOut)
