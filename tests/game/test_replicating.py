# SPDX-License-Identifier: MIT
"""Tests of a world that reaches its clients by itself, whatever the network does."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig
from gamenet.game import Interest
from gamenet.game.messages import Resync
from gamenet.game.protocol import CONTROL
from gamenet.replication.mirror import HISTORY
from gamenet.testing import Stepper
from tests.game.games import Marker, Place
from tests.game.harbour import (
    Cargo,
    Harbour,
    HarbourTestCase,
    Helm,
    Secret,
    Tide,
    rough,
    state_of,
)
from tests.transport.recorders import go_dark, light_up

BAD = {"down": rough(1), "up": rough(2)}
RATE = 30


def stir(stepper: Stepper, chance: random.Random) -> None:
    """Change something in the world: anything that can change."""
    world = stepper.server.world
    rows = world.query(Place).tolist()
    entity = world.id_of(chance.choice(rows))
    deed = chance.randrange(6)
    if deed == 0 and len(rows) < 60:
        world.spawn(Place(x=chance.uniform(-500, 500)), Tide(level=chance.randrange(9)))
    elif deed == 1 and world.owner[int(entity) & 0xFFFFFFFF] == 0:
        world.despawn(entity)
    elif deed == 2:
        world.add(entity, Marker(number=chance.randrange(9)))
    elif deed == 3 and world.has(entity, Marker):
        world.remove(entity, Marker)
    elif deed == 4 and not world.has(entity, Helm):
        world.set_owner(entity, chance.randrange(3))
    else:
        world[entity, Place].y = chance.uniform(-500, 500)


class AnyNetworkTests(HarbourTestCase):
    """Spawns, despawns and changes arrive over a network that loses a fifth."""

    network = BAD

    def test_life(self) -> None:
        """An entity comes, changes, gains, loses and goes; nobody calls anything."""
        rock = self.world.spawn(Place(x=7), Secret(depth=9))
        self.tick(45)
        self.assertEqual(self.one.world[rock, Place].x, 7)
        self.world.add(rock, Marker(number=9))
        self.world[rock, Place].x = 8
        self.tick(45)
        self.assertEqual(self.two.world[rock, Marker].number, 9)
        self.assertEqual(self.two.world[rock, Place].x, 8)
        self.world.remove(rock, Marker)
        self.tick(45)
        self.assertFalse(self.one.world.has(rock, Marker))
        gone: list[int] = []
        self.one.on_despawned = gone.append
        self.world.despawn(rock)
        self.tick(45)
        self.assertNotIn(rock, self.two.world)
        self.assertEqual(gone, [rock])
        self.assert_same()

    def test_row_used_again(self) -> None:
        """An entity in the row of another one is another one, to everybody."""
        heard: list[tuple[str, int]] = []
        self.one.on_spawned = lambda entity: heard.append(("spawned", entity))
        self.one.on_despawned = lambda entity: heard.append(("despawned", entity))
        first = self.world.spawn(Marker(number=1))
        self.tick(45)
        self.world.despawn(first)
        second = self.world.spawn(Marker(number=2))
        self.assertEqual(self.world.row_of(second), int(first) & 0xFFFFFFFF)
        self.tick(45)
        self.assertEqual(
            heard, [("spawned", first), ("despawned", first), ("spawned", second)]
        )
        self.assertEqual(self.one.world[second, Marker].number, 2)

    def test_late_joiner(self) -> None:
        """Who joins late has everything soon, and then follows like the others."""
        self.world.spawn_rows(300, Place(x=1), Marker(number=5))
        self.tick(45)
        late = self.stepper.join("late")
        self.tick(60)
        self.assert_same(late)
        self.world.columns(Marker).number[:] = 6
        self.world.columns(Marker).changed(self.world.query(Marker))
        self.tick(60)
        self.assert_same()

    def test_all_quiet(self) -> None:
        """A world in which nothing happens costs next to nothing."""
        self.tick(60)
        before = self.one.stats().bytes_received
        self.tick(RATE)
        self.assertLess(self.one.stats().bytes_received - before, RATE * 80)

    def test_ticks_pass(self) -> None:
        """Clients hear of the ticks that arrive, each once, and in their order."""
        ticks: list[int] = []
        self.one.on_snapshot = ticks.append
        self.tick(5 * RATE)
        self.assertEqual(ticks, sorted(set(ticks)))
        self.assertGreater(len(ticks), 0.6 * 5 * RATE)


class AnyHistoryTests(SynchronousTestCase):
    """Whatever happens, all know the same once it is quiet."""

    @given(st.integers(0, 10**6), st.integers(10, 80), st.sampled_from([0.0, 0.3]))
    @settings(max_examples=12)
    def test_converges(self, seed: int, n_ticks: int, loss: float) -> None:
        """Any changes, under any loss, lead to the same world everywhere."""
        stepper = Stepper.of(
            Harbour, 2, seed=seed, down=rough(seed, loss), up=rough(seed + 1, loss)
        )
        chance = random.Random(seed)
        stepper.tick(n_ticks, lambda: stir(stepper, chance))
        stepper.join("late")
        stepper.tick(5, lambda: stir(stepper, chance))
        stepper.tick(60)
        for client in stepper.clients:
            self.assertEqual(client.errors, 0)
            self.assertEqual(state_of(client.world), state_of(stepper.server.world))


class FallingBehindTests(HarbourTestCase):
    """A client that falls behind what the server remembers is told everything anew."""

    def lose(self, n_ticks: int) -> None:
        """Let nothing through for some ticks, in which things happen."""
        paths = [each.down for each in self.stepper.network._clients.values()]
        for path in paths:
            path.impairment = rough(9, 1.0)
        for _ in range(n_ticks):
            self.world[self.ships[2], Place].x += 1
            self.stepper.tick()
        for path in paths:
            path.impairment = rough(9, 0.0)

    def test_behind_the_ring(self) -> None:
        """After a silence longer than the ring, everything is right within moments."""
        rock = self.world.spawn(Place(x=1))
        self.tick()
        self.world.despawn(rock)
        other = self.world.spawn(Place(x=2))
        self.lose(2 * HISTORY)
        self.tick(30)
        self.assertIn(other, self.one.world)
        self.assertNotIn(rock, self.one.world)
        self.assert_same()

    def test_asks(self) -> None:
        """What is told against a state that the client has not makes it ask, once."""
        (client, player) = self.one, self.players[1]
        history = client.match._receiver
        history.needs_everything = True
        before = self.server.stats()["resyncs"]
        self.tick(5)
        self.assertEqual(self.server.stats()["resyncs"], before + 1)
        self.assertEqual(client.match.stats()["resyncs"], 1)
        for _ in range(RATE):
            history.needs_everything = True
            self.tick(1)
        self.assertLessEqual(client.match.stats()["resyncs"], 3)
        self.tick(RATE)
        self.assertEqual(self.server.stats()["rate_limited"], 0)
        self.assertIn(player.id, self.players)
        self.assert_same()

    def test_flood(self) -> None:
        """Who asks again and again is told again a few times, and that is counted."""
        link = self.one._link
        packet = self.server.protocol.registry.encode(Resync(self.one.tick))
        for _ in range(100):
            link.sendMessage(CONTROL, packet)
        self.tick(5)
        stats = self.server.stats()
        self.assertLessEqual(stats["resyncs"], 5)
        self.assertGreaterEqual(stats["resyncs"], 1)
        self.assertGreaterEqual(stats["rate_limited"], 95)
        self.assertEqual(len(self.players), 2)
        self.tick(10)
        self.assert_same()


class ResumingTests(HarbourTestCase):
    """A link that is lost and found again tells everything from the start."""

    network = {"connection": ConnectionConfig(timeout=1.0, resume_window=8.0)}

    def test_resumed(self) -> None:
        """Who is back knows what happened meanwhile, and hears of it once."""
        rock = self.world.spawn(Place(x=1))
        self.tick()
        heard: list[tuple[str, int]] = []
        self.one.on_spawned = lambda entity: heard.append(("spawned", entity))
        self.one.on_despawned = lambda entity: heard.append(("despawned", entity))
        go_dark(self.stepper.network)
        self.stepper.tick(RATE + 5)
        self.assertTrue(self.players[1].is_dropped)
        self.world.despawn(rock)
        new = self.world.spawn(Place(x=2), Marker(number=3))
        self.world[self.ships[2], Place].x = 77
        self.stepper.tick(2 * HISTORY)
        light_up(self.stepper.network)
        self.stepper.until(
            lambda: not any(each.is_dropped for each in self.players.values()),
            limit=6 * RATE,
        )
        self.tick(10)
        self.assert_same()
        self.assertEqual(heard, [("despawned", rock), ("spawned", new)])
        self.assertEqual(self.one.world[self.ships[2], Place].x, 77)

    def test_owners_secrets(self) -> None:
        """What only the owner may know is told again to the owner, and to nobody."""
        self.world[self.ships[1], Cargo].crates = 5
        self.tick()
        go_dark(self.stepper.network)
        self.stepper.tick(RATE + 5)
        self.world[self.ships[1], Cargo].crates = 6
        light_up(self.stepper.network)
        self.stepper.tick(6 * RATE)
        self.assertEqual(self.one.world[self.ships[1], Cargo].crates, 6)
        self.assertFalse(self.two.world.has(self.ships[1], Cargo))


class Wide(Harbour):
    """Captains see a good way, so that views are looked at in each tick."""

    interest = Interest((Place, "x", "y"), radius=300)


class ResumingViewTests(ResumingTests):
    """The same where each player has a view of their own."""

    game = Wide


class FallingBehindViewTests(FallingBehindTests):
    """The same where each player has a view of their own."""

    game = Wide


class Boat:
    """An object that knows nothing of any network."""

    def __init__(self, x: float) -> None:
        self.x, self.y = x, 0.0


class TrackingTests(HarbourTestCase):
    """Plain objects are entities, too, whose attributes are told."""

    network = BAD

    def test_objects(self) -> None:
        """An object's attributes reach the clients, until it is forgotten."""
        game, boat = self.server.game, Boat(3)
        entity = game.track(boat, "x", "y")
        self.tick(30)
        self.assertEqual(self.one.world[entity, Place].x, 3)
        boat.y = 8
        self.tick(30)
        self.assertEqual(self.two.world[entity, Place].y, 8)
        other = Boat(4)
        second = game.track(other, component=Place, owner=self.players[1])
        self.tick(30)
        self.assertEqual(self.one.world.owner[self.one.world.row_of(second)], 1)
        game.untrack(other)
        del boat
        self.tick(30)
        self.assertNotIn(entity, self.one.world)
        self.assertNotIn(second, self.two.world)
        self.assert_same()

    def test_broken_object(self) -> None:
        """An attribute that cannot be told is logged; the match goes on."""
        game, boat = self.server.game, Boat(3)
        entity = game.track(boat, "x", "y")
        self.tick(30)
        del boat.x
        self.tick(30)
        self.assertGreaterEqual(self.server.stats()["hook_errors"], 1)
        self.assertGreaterEqual(len(self.flushLoggedErrors()), 1)
        boat.x = 9
        self.tick(30)
        self.assertEqual(self.one.world[entity, Place].x, 9)


class OvertakingTests(SynchronousTestCase):
    """What overtakes the welcome is kept, and applied after it."""

    def test_snapshots_first(self) -> None:
        """Snapshots and events that come first cost nothing; nothing is asked again."""
        n_early = 0
        for seed in range(12):
            stepper = Stepper.of(Harbour, seed=seed, down=rough(seed, 0.3))
            stepper.server.world.spawn_rows(50, Place(x=1))
            client = stepper.begin_joining("early")
            stepper.until(lambda c=client: c.player_id != 0)
            stepper.tick(30)
            n_early += client.match.counts["early"]
            self.assertEqual(client.errors, 0)
            self.assertEqual(client.match.stats()["resyncs"], 0)
            self.assertEqual(state_of(client.world), state_of(stepper.server.world))
        self.assertGreater(n_early, 3)
