# SPDX-License-Identifier: MIT
"""Tests of who is told what: interest, rooms, teams, rules, audiences, settings."""

from __future__ import annotations

from typing import Any

import numpy as np

from gamenet.game import (
    EntityDespawned,
    EntityId,
    EntityLeft,
    EntitySpawned,
    GameClient,
    Interest,
    Player,
    SyncSettings,
)
from gamenet.replication.blocks import SNAPSHOT_HEAD
from tests.game.games import Marker, Place
from tests.game.harbour import Cargo, Harbour, HarbourTestCase, Orders, Secret, rough

KINDS = {EntitySpawned: "spawned", EntityLeft: "left", EntityDespawned: "despawned"}


def follow(client: GameClient) -> list[tuple[str, EntityId]]:
    """Return the list into which it goes what a client sees come and go."""
    seen: list[tuple[str, EntityId]] = []
    client.on_spawned = lambda entity: seen.append(("spawned", entity))
    client.on_left = lambda entity: seen.append(("left", entity))
    client.on_despawned = lambda entity: seen.append(("despawned", entity))
    return seen


class Near(Harbour):
    """Captains see what is within twenty metres of their ships, and a bit beyond."""

    interest = Interest((Place, "x", "y"), radius=20, hysteresis=5, always=[Marker])


class NearTests(HarbourTestCase):
    """Entities come into view, leave it and end in it, which are different things."""

    game = Near

    def setUp(self) -> None:
        super().setUp()
        self.rock = self.world.spawn(Place(x=300), Secret(depth=1))
        self.tick()
        self.seen = follow(self.one)

    def move(self, entity: EntityId, x: float) -> None:
        """Put an entity somewhere, and let it be told."""
        self.world[entity, Place].x = x
        self.tick()

    def test_in_and_out(self) -> None:
        """What comes near is told whole, what goes away leaves, and may come back."""
        self.assertNotIn(self.rock, self.one.world)
        self.move(self.rock, 10)
        self.assertEqual(self.one.world[self.rock, Place].x, 10)
        self.move(self.rock, 100)
        self.assertNotIn(self.rock, self.one.world)
        self.move(self.rock, 11)
        self.assertEqual(self.one.world[self.rock, Place].x, 11)
        self.world.despawn(self.rock)
        self.tick()
        self.assertEqual(
            self.seen,
            [
                ("spawned", self.rock),
                ("left", self.rock),
                ("spawned", self.rock),
                ("despawned", self.rock),
            ],
        )

    def test_hysteresis(self) -> None:
        """What is seen is seen a bit farther than it came into view."""
        for x in (23, 20, 24, 22, 27, 24):
            self.move(self.rock, x)
        self.assertEqual(self.seen, [("spawned", self.rock), ("left", self.rock)])

    def test_end_out_of_view(self) -> None:
        """Whoever does not see an entity is not told that it is gone."""
        self.world.despawn(self.rock)
        self.tick()
        self.assertEqual(self.seen, [])

    def test_always(self) -> None:
        """Some are seen from everywhere; so is what is one's own."""
        self.world.add(self.rock, Marker(number=3))
        self.tick()
        self.assertEqual(self.one.world[self.rock, Marker].number, 3)
        self.world.set_owner(self.rock, 1)
        self.world.remove(self.rock, Marker)
        self.tick()
        self.assertIn(self.rock, self.one.world)
        self.assertNotIn(self.rock, self.two.world)
        self.assertEqual(self.one.world.owner[self.one.world.row_of(self.rock)], 1)

    def test_eye_and_sight(self) -> None:
        """A player may look from elsewhere, and farther."""
        player = self.players[1]
        player.eye = (290.0, 0.0)
        self.tick()
        self.assertIn(self.rock, self.one.world)
        self.assertNotIn(self.ships[2], self.one.world)
        player.eye = None
        self.tick()
        self.assertNotIn(self.rock, self.one.world)
        player.sight = 400.0
        self.tick()
        self.assertIn(self.rock, self.one.world)
        player.sight = 0.0
        self.tick()
        self.assertNotIn(self.rock, self.one.world)

    def test_nonsense(self) -> None:
        """An eye that makes no sense is logged and counted; the others see on."""
        self.players[1].sight = float("nan")
        self.move(self.rock, 10)
        self.assertIn(self.rock, self.two.world)
        self.assertGreaterEqual(self.server.stats()["hook_errors"], 1)
        self.assertGreaterEqual(len(self.flushLoggedErrors()), 1)
        self.players[1].sight = None
        self.tick()
        self.assertIn(self.rock, self.one.world)


class RoughTests(HarbourTestCase):
    """The rim of a view is no place where anything gets lost."""

    game = Near
    network = {"down": rough(1, 0.25), "up": rough(2, 0.25)}

    def test_at_the_rim(self) -> None:
        """Rocks that come and go under loss are known at last where they are seen."""
        chance = np.random.default_rng(1)
        rows = self.world.spawn_rows(60, Place())
        place = self.world.columns(Place)
        for _ in range(100):
            place.x[rows] = chance.uniform(-60, 60, len(rows))
            place.changed(rows)
            self.stepper.tick()
        self.stepper.tick(60)
        for client in self.stepper.clients:
            away = np.abs(
                place.x[rows] - self.world[self.ships[client.player_id], Place].x
            )
            seen = client.world.alive[rows]
            self.assertTrue(seen[away <= 20].all())
            self.assertFalse(seen[away > 25].any())
            there = rows[seen]
            shown = client.world.columns(Place).x[there]
            self.assertLess(np.abs(shown - place.x[there]).max(), 1 / 64)


class RoomTests(HarbourTestCase):
    """Who is not in a room does not see what is in it."""

    def test_rooms(self) -> None:
        """A game may begin to use rooms at any time, and stop again."""
        game, seen = self.server.game, follow(self.one)
        chest = self.world.spawn(Marker(number=1))
        self.tick()
        game.rooms.enter(chest, "cellar")
        self.tick()
        self.assertNotIn(chest, self.one.world)
        self.assertIn(self.ships[2], self.one.world)
        self.players[1].rooms = ["cellar"]
        self.tick()
        self.assertEqual(self.one.world[chest, Marker].number, 1)
        self.assertNotIn(chest, self.two.world)
        game.rooms.leave(chest, "cellar")
        self.tick()
        self.assertIn(chest, self.two.world)
        self.assertEqual([what for what, _ in seen], ["spawned", "left", "spawned"])

    def test_late_joiner(self) -> None:
        """Who joins while there are rooms sees only what is open."""
        chest = self.world.spawn(Marker())
        self.server.game.rooms.enter(chest, "cellar")
        self.tick()
        late = self.stepper.join("late")
        self.tick()
        self.assertNotIn(chest, late.world)
        self.assertIn(self.ships[1], late.world)


class Blind(Harbour):
    """A rule of its own: nobody sees markers with an odd number."""

    breaks = False

    def sees(self, player_id: int, rows: Any) -> Any:
        if self.breaks:
            raise ZeroDivisionError
        markers = self.world.columns(Marker)
        odd = markers.present[rows] & (markers.number[rows] % 2 == 1)
        return ~odd | (player_id == 2)


class RuleTests(HarbourTestCase):
    """A game decides for itself what is seen."""

    game = Blind

    def test_sees(self) -> None:
        """What the rule hides is hidden, from the tick on in which it says so."""
        seen = follow(self.one)
        even, odd = self.world.spawn(Marker(2)), self.world.spawn(Marker(3))
        self.tick()
        self.world[even, Marker].number = 5
        self.world[odd, Marker].number = 6
        self.tick()
        self.assertEqual(self.two.world[even, Marker].number, 5)
        self.assertEqual(seen, [("spawned", even), ("left", even), ("spawned", odd)])
        self.assertEqual(self.one.world[odd, Marker].number, 6)

    def test_own_ship(self) -> None:
        """What is one's own is seen, whatever the rule says."""
        self.world.add(self.ships[1], Marker(1))
        self.tick()
        self.assertEqual(self.one.world[self.ships[1], Marker].number, 1)

    def test_breaks(self) -> None:
        """A rule that raises is logged and counted; the match goes on."""
        self.server.game.breaks = True
        self.tick(10)
        tick = self.server.game.tick
        self.tick(5)
        self.assertEqual(self.server.game.tick, tick + 5)
        self.assertGreaterEqual(self.server.stats()["hook_errors"], 20)
        self.assertGreaterEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.server.game.breaks = False
        self.world[self.ships[1], Place].x = 50
        self.tick()
        self.assert_same()

    def test_breaks_as_rows_change_hands(self) -> None:
        """Who has taken over a row that was seen is not seen unasked."""
        shown = self.world.spawn(Marker(2))
        self.tick()
        self.server.game.breaks = True
        self.world.despawn(shown)
        hidden = self.world.spawn(Marker(3))
        self.assertEqual(self.world.row_of(hidden), int(shown) & 0xFFFFFF)
        self.tick(10)
        self.assertNotIn(shown, self.one.world)
        self.assertNotIn(hidden, self.one.world)
        self.flushLoggedErrors(ZeroDivisionError)
        self.server.game.breaks = False
        self.tick()
        self.assertNotIn(hidden, self.one.world)
        self.assertIn(hidden, self.two.world)


class Friends(Harbour):
    """Two teams, whose players see what is theirs everywhere."""

    interest = Interest((Place, "x", "y"), radius=20, teams=True)

    def player_joined(self, player: Player) -> None:
        super().player_joined(player)
        self.teams.join(player.id, 1 + player.id % 2)
        self.world[player.avatar, Place].x = 100 * player.id


class TeamTests(HarbourTestCase):
    """Teams share what they see, and what they may know."""

    game = Friends
    n_clients = 3

    def test_teams(self) -> None:
        """Players of one team see each other from afar, with their orders."""
        three = self.stepper.clients[2]
        self.world[self.ships[3], Orders].course = 9
        self.world[self.ships[3], Cargo].crates = 8
        self.tick()
        self.assertEqual(self.one.world[self.ships[3], Orders].course, 9)
        self.assertFalse(self.one.world.has(self.ships[3], Cargo))
        self.assertNotIn(self.ships[3], self.two.world)
        self.server.game.teams.join(2, 2)
        self.server.game.teams.leave(1)
        self.tick()
        self.assertEqual(self.two.world[self.ships[3], Orders].course, 9)
        self.assertNotIn(self.ships[3], self.one.world)
        self.assertEqual(three.world[self.ships[3], Cargo].crates, 8)

    def test_leaving(self) -> None:
        """Who leaves the match leaves the team, and nothing of it is kept."""
        self.stepper.clients[2].close()
        self.stepper.until(lambda: 3 not in self.players)
        self.assertEqual(self.server.game.teams.of(3), 0)
        self.assertEqual(self.server.game.teams.of(1), 2)


class AudienceTests(HarbourTestCase):
    """Components have audiences; entities have owners."""

    def test_secrets(self) -> None:
        """What only the server knows is not even a component elsewhere."""
        self.assertNotIn(Secret, self.one.world.components)

    def test_owner(self) -> None:
        """The owner is told; another owner is told instead, and everything of it."""
        ship = self.ships[1]
        self.world[ship, Cargo].crates = 3
        self.tick()
        self.assertEqual(self.one.world[ship, Cargo].crates, 3)
        self.assertFalse(self.two.world.has(ship, Cargo))
        self.assertFalse(self.two.world.has(ship, Orders))
        self.world.set_owner(ship, self.players[2])
        self.world[ship, Cargo].crates = 4
        self.tick()
        self.assertFalse(self.one.world.has(ship, Cargo))
        self.assertEqual(self.two.world[ship, Cargo].crates, 4)
        self.assertEqual(self.one.world.owner[self.one.world.row_of(ship)], 2)
        self.world.set_owner(ship, None)
        self.tick()
        self.assertFalse(self.two.world.has(ship, Cargo))

    def test_no_bytes(self) -> None:
        """What a client may not know costs it next to nothing when it changes."""
        outlooks = [player.outlook for player in self.players.values()]
        before = [each.bytes_sent for each in outlooks]

        def load() -> None:
            self.world[self.ships[1], Cargo].crates += 1
            self.world[self.ships[1], Orders].course += 1

        self.stepper.tick(30, load)
        loud, quiet = (
            each.bytes_sent - n for each, n in zip(outlooks, before, strict=True)
        )
        self.assertLessEqual(quiet, 30 * (SNAPSHOT_HEAD.size + 8))
        self.assertGreater(loud, quiet + 30 * 5)


class Settled(Harbour):
    """Entities may have settings of their own."""

    components = [*Harbour.components, SyncSettings]


class SettingsTests(HarbourTestCase):
    """`SyncSettings` hide single entities, and slow them down."""

    game = Settled

    def test_hidden(self) -> None:
        """A hidden entity leaves all views, and comes back when it is shown."""
        seen = follow(self.one)
        rock = self.world.spawn(Place(x=1), SyncSettings(hidden=True))
        self.tick()
        self.assertNotIn(rock, self.one.world)
        self.world[rock, SyncSettings].hidden = False
        self.tick()
        self.assertEqual(self.one.world[rock, Place].x, 1)
        self.world[rock, SyncSettings].hidden = True
        self.tick()
        self.assertEqual(seen, [("spawned", rock), ("left", rock)])

    def test_frequency(self) -> None:
        """An entity is told so many times a second, and at last as it is."""
        rock = self.world.spawn(Place(x=1), SyncSettings(frequency=5))
        self.tick()
        xs: list[float] = []
        self.one.on_snapshot = lambda _: xs.append(self.one.world[rock, Place].x)

        def move() -> None:
            self.world[rock, Place].x += 1

        self.stepper.tick(60, move)
        self.assertIn(len(set(xs)), range(9, 13))
        self.stepper.tick(10)
        self.assertEqual(self.one.world[rock, Place].x, 61)
