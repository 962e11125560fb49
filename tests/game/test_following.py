# SPDX-License-Identifier: MIT
"""Tests of hearing what changes: watches, observers, and Deferreds, on both sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from twisted.internet import defer
from twisted.internet.defer import CancelledError

from gamenet.errors import CloseReason, ConfigError, ConnectError, LocalProtocolError
from gamenet.game import (
    Component,
    EntityId,
    GameClient,
    Interest,
    Observer,
    Player,
    on_changed,
)
from gamenet.game.stages import STAGES
from tests.game.games import Marker, Place
from tests.game.harbour import (
    Cargo,
    Flag,
    Harbour,
    HarbourTestCase,
    Helm,
    Secret,
    rough,
)


class Watchful(Harbour):
    """Hears of what it changes itself."""

    def started(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    @on_changed(Place.x)
    def moved(self, entity: EntityId, x: float) -> None:
        self.heard.append(("x", entity, x))

    @on_changed(Marker)
    def marked(self, entity: EntityId) -> None:
        self.heard.append(("marker", entity))


class WatchingTests(HarbourTestCase):
    """Methods and functions are called when values have changed."""

    game = Watchful

    def setUp(self) -> None:
        super().setUp()
        self.heard = self.server.game.heard
        self.heard.clear()
        self.rock = self.world.spawn(Place(x=1), Marker())
        self.tick()

    def test_game(self) -> None:
        """A game hears of a change once, in the tick in which it is told."""
        self.assertEqual(self.heard, [])
        self.world[self.rock, Place].x = 5
        self.world[self.rock, Place].y = 6
        self.tick()
        self.world[self.rock, Marker].number = 4
        self.tick()
        self.assertEqual(self.heard, [("x", self.rock, 5.0), ("marker", self.rock)])

    def test_no_change(self) -> None:
        """What is rounded away, or written as it was, is no change."""
        self.world[self.rock, Place].x = 1 + 1 / 1024
        self.world[self.rock, Marker].number = 0
        self.tick()
        self.assertEqual(self.heard, [])

    def test_client(self) -> None:
        """A client's class may watch, too, and whoever has the client."""

        class Screen(GameClient):
            heard: list[tuple[EntityId, float]] = []

            @on_changed(Place.x)
            def moved(self, entity: EntityId, x: float) -> None:
                self.heard.append((entity, x))

        screen = Screen(self.stepper.clock, Watchful, "screen")
        screen.connect("memory:match", memory=self.stepper.network)
        self.stepper.clients.append(screen)
        self.stepper.until(lambda: screen.player_id != 0)
        numbers: list[tuple[EntityId, int]] = []
        watch = screen.watch(Marker.number, lambda *each: numbers.append(each))
        self.tick(10)
        self.assertEqual(screen.heard, [])
        self.world[self.rock, Place].x = 9
        self.world[self.rock, Marker].number = 4
        self.tick()
        self.assertEqual(screen.heard, [(self.rock, 9.0)])
        self.assertEqual(numbers, [(self.rock, 4)])
        screen.watches.remove(watch)
        self.world[self.rock, Marker].number = 5
        self.tick()
        self.assertEqual(numbers, [(self.rock, 4)])

    def test_gained(self) -> None:
        """What an entity gains is new, and has not changed, on either side."""
        numbers: list[int] = []
        self.one.watch(Helm.angle, lambda entity, angle: numbers.append(angle))
        watches = self.server.watches
        watches.add(Helm.angle, lambda entity, angle: numbers.append(-angle))
        self.world.add(self.rock, Helm(angle=7))
        self.tick()
        self.assertEqual(self.one.world[self.rock, Helm].angle, 7)
        self.assertEqual(numbers, [])
        self.world[self.rock, Helm].angle = 8
        self.tick()
        self.assertEqual(sorted(numbers), [-8, 8])
        self.world.remove(self.rock, Helm)
        self.tick()
        self.assertEqual(len(numbers), 2)

    def test_writes_and_emits(self) -> None:
        """What such a method writes or emits is told with the next tick."""
        events: list[tuple[int, int, int]] = []

        def mark(entity: EntityId, x: float) -> None:
            self.world[entity, Marker].number = int(x)
            self.server.game.emit(Flag(number=int(x)))

        def hear(event: Flag, tick: int) -> None:
            shown = self.one.world[self.rock, Marker].number
            events.append((event.number, shown, tick))

        self.server.watches.add(Place.x, mark)
        self.one.on_event = hear
        self.world[self.rock, Place].x = 9
        tick = self.server.game.tick
        self.tick()
        self.assertEqual(events, [(9, 9, tick + 2)])

    def test_what_is_not_told(self) -> None:
        """What never reaches a client cannot be watched there."""
        self.assertRaises(ConfigError, self.one.watch, Secret.depth, print)
        broken = type("Broken", (Harbour,), {"components": [Place]})
        broken.marked = on_changed(Marker)(lambda self, entity: None)
        self.assertRaises(ConfigError, type(self.server), broken, self.stepper.clock)

    def test_hook_raises(self) -> None:
        """What such a method raises is logged; the others are called."""

        def broken(entity: EntityId, x: float) -> None:
            raise ZeroDivisionError

        self.one.watch(Place.x, broken)
        fine: list[float] = []
        self.one.watch(Place.x, lambda _, x: fine.append(x))
        self.world[self.rock, Place].x = 9
        self.tick()
        self.assertEqual(fine, [9.0])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class LossyWatchingTests(HarbourTestCase):
    """Under loss a client hears of the newest values, and of each only once."""

    network = {"down": rough(3, 0.3), "up": rough(4, 0.3)}

    def test_counts_up(self) -> None:
        """Numbers that rise are heard to rise, up to the last one."""
        rock = self.world.spawn(Marker())
        self.tick(30)
        heard: list[int] = []
        self.one.watch(Marker.number, lambda _, number: heard.append(number))

        def count() -> None:
            self.world[rock, Marker].number += 1

        self.stepper.tick(90, count)
        self.stepper.tick(60)
        self.assertEqual(heard, sorted(set(heard)))
        self.assertEqual(heard[-1], 90)
        self.assertGreater(len(heard), 30)


class Scene(Observer):
    """Writes down all that it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.ticks: list[int] = []
        self.stages: set[str] = set()

    def spawned(self, entity: EntityId) -> None:
        self.heard.append(("spawned", entity))

    def despawned(self, entity: EntityId) -> None:
        self.heard.append(("despawned", entity))

    def left(self, entity: EntityId) -> None:
        self.heard.append(("left", entity))

    def component_added(self, entity: EntityId, component: type[Component]) -> None:
        self.heard.append(("added", entity, component.__name__))

    def component_removed(self, entity: EntityId, component: type[Component]) -> None:
        self.heard.append(("removed", entity, component.__name__))

    def component_changed(
        self, component: type[Component], rows: NDArray[np.intp]
    ) -> None:
        self.heard.append(("changed", component.__name__, rows.tolist()))

    def owner_changed(self, entity: EntityId, owner: int) -> None:
        self.heard.append(("owner", entity, owner))

    def ticked(self, tick: int) -> None:
        self.ticks.append(tick)


class Near(Harbour):
    """Captains see what is within twenty metres of their ships."""

    interest = Interest((Place, "x", "y"), radius=20)


class ObservingTests(HarbourTestCase):
    """Observers of a server and of a client hear the same, but for what is seen."""

    game = Near

    def setUp(self) -> None:
        super().setUp()
        self.above, self.below = Scene(), Scene()
        self.server.observers.attach(self.above)
        self.one.observers.attach(self.below)

    def test_life(self) -> None:
        """What becomes of an entity is heard on both sides, in the same order."""
        rock = self.world.spawn(Place(x=1))
        row = self.world.row_of(rock)
        self.tick()
        self.world.add(rock, Marker())
        self.tick()
        self.world[rock, Place].x = 2
        self.tick()
        self.world.remove(rock, Marker)
        self.tick()
        self.world.set_owner(rock, 2)
        self.tick()
        self.world.despawn(rock)
        self.tick()
        expected = [
            ("spawned", rock),
            ("added", rock, "Marker"),
            ("changed", "Place", [row]),
            ("removed", rock, "Marker"),
            ("owner", rock, 2),
            ("despawned", rock),
        ]
        self.assertEqual(self.above.heard, expected)
        self.assertEqual(self.below.heard, expected)

    def test_view(self) -> None:
        """What leaves a view was not despawned."""
        rock = self.world.spawn(Place(x=1))
        self.tick()
        self.world[rock, Place].x = 100
        self.tick()
        self.assertEqual(self.below.heard, [("spawned", rock), ("left", rock)])

    def test_ticks(self) -> None:
        """Each tick is told once, to both, also where it takes several packets."""
        rows = self.world.spawn_rows(250, Place(x=1), Marker())
        place = self.world.columns(Place)
        self.tick(10)
        self.above.ticks.clear()
        self.below.ticks.clear()

        def jump() -> None:
            place.x[rows], place.y[rows] = 6 - place.x[rows], 5 - place.y[rows]
            self.world.columns(Marker).number[rows] += 9999
            place.changed(rows)
            self.world.columns(Marker).changed(rows)

        n_parts = self.server.replication.n_parts
        self.stepper.tick(10, jump)
        self.assertGreater(self.server.replication.n_parts - n_parts, 25)
        tick = self.server.game.tick
        self.assertEqual(self.above.ticks, list(range(tick - 9, tick + 1)))
        self.assertEqual(self.below.ticks, self.above.ticks)

    def test_stages(self) -> None:
        """Who profiles a server hears of each stage of each tick."""
        heard: list[tuple[str, float]] = []

        class Profiler(Observer):
            def stage(self, name: str, seconds: float) -> None:
                heard.append((name, seconds))

        self.server.observers.attach(Profiler())
        self.stepper.tick(2)
        self.assertEqual(heard, [(name, 0.0) for name in (*STAGES, *STAGES)])

    def test_broken(self) -> None:
        """What an observer raises is logged and counted, and stops nothing."""

        def broken(tick: int) -> None:
            raise ZeroDivisionError

        self.above.ticked = self.below.ticked = broken
        self.server.observers.attach(self.above)
        self.server.observers.detach(self.above)
        self.server.observers.attach(self.above)
        tick = self.one.tick
        self.tick(5)
        self.assertEqual(self.one.tick, tick + 5)
        self.assertGreaterEqual(self.server.stats()["hook_errors"], 1)
        self.assertGreaterEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class SyncedTests(HarbourTestCase):
    """A player is synced when they are known to hold what they may see by now."""

    network = {"down": rough(1, 0.2), "up": rough(2, 0.2)}

    def test_fires(self) -> None:
        """It fires after the last of it has been acknowledged, never before."""
        player = self.players[1]
        for number in range(20):
            rock = self.world.spawn(Marker(number))
            self.world[self.ships[1], Cargo].crates = number
            synced = player.synced()
            self.assertNoResult(synced)
            self.stepper.until(lambda synced=synced: synced.called)
            self.assertIs(self.successResultOf(synced), player)
            self.assertEqual(self.one.world[rock, Marker].number, number)
            self.assertEqual(self.one.world[self.ships[1], Cargo].crates, number)

    def test_never_quiet(self) -> None:
        """It fires although everything changes on."""
        rows = self.world.spawn_rows(50, Marker())

        def count() -> None:
            self.world.columns(Marker).number[rows] += 1
            self.world.columns(Marker).changed(rows)

        self.stepper.tick(5, count)
        synced = self.players[1].synced(timeout=5)
        self.stepper.tick(90, count)
        self.successResultOf(synced)

    def test_timeout(self) -> None:
        """It fails in time when nothing is acknowledged."""
        for client in self.stepper.network._clients.values():
            client.down.impairment = rough(1, 1.0)
        self.world.spawn(Marker())
        synced = self.players[1].synced(timeout=0.5)
        self.stepper.tick(14)
        self.assertNoResult(synced)
        self.stepper.tick(3)
        failure = self.failureResultOf(synced, defer.TimeoutError)
        self.assertIn("to be synced", str(failure.value))

    def test_cancel(self) -> None:
        """Who cancels hears no more of it."""
        synced = self.players[1].synced()
        synced.cancel()
        self.failureResultOf(synced, CancelledError)
        self.assertEqual(len(self.players[1].waiting), 0)
        self.tick(20)

    def test_leaves(self) -> None:
        """When the player leaves it fails, for those who wait and who will."""
        player: Player = self.players[1]
        self.world.spawn(Marker())
        synced = player.synced()
        self.one.close()
        self.stepper.until(lambda: 1 not in self.players)
        error = self.failureResultOf(synced, ConnectError).value
        self.assertIs(error.reason, CloseReason.NORMAL)
        self.failureResultOf(player.synced(), ConnectError)

    def test_nonsense(self) -> None:
        """A timeout that makes no sense is told at once."""
        self.assertRaises(LocalProtocolError, self.players[1].synced, timeout=-1)


class SpawnedTests(HarbourTestCase):
    """A client waits for an entity with a component."""

    def test_fires(self) -> None:
        """It fires when such an entity arrives, and at once if it is there."""
        found = self.one.spawned(Marker)
        self.tick()
        self.assertNoResult(found)
        rock = self.world.spawn(Marker())
        self.tick()
        self.assertEqual(self.successResultOf(found), rock)
        self.assertEqual(self.successResultOf(self.one.spawned(Marker, 1.0)), rock)

    def test_before_joining(self) -> None:
        """One may wait before the world is there."""
        client = self.stepper.begin_joining("late")
        found = client.spawned(Helm, timeout=5)
        self.assertNoResult(found)
        self.stepper.until(lambda: client.player_id != 0)
        self.tick()
        self.assertIn(self.successResultOf(found), client.world)

    def test_timeout_and_cancel(self) -> None:
        """It fails in time, and when it is cancelled."""
        slow, given_up = self.one.spawned(Marker, 0.5), self.one.spawned(Marker)
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        self.stepper.tick(16)
        failure = self.failureResultOf(slow, defer.TimeoutError)
        self.assertIn("an entity with Marker", str(failure.value))

    def test_connection_ends(self) -> None:
        """It fails when the connection ends, for good."""
        found = self.one.spawned(Marker)
        self.players[1].kick("manners")
        self.tick(10)
        error = self.failureResultOf(found, ConnectError).value
        self.assertIs(error.reason, CloseReason.KICKED)
        self.failureResultOf(self.one.spawned(Marker), ConnectError)
