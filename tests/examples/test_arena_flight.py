# SPDX-License-Identifier: MIT
"""Hold the part of the arena that clients predict to what prediction needs."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from examples.arena import Arena, flight, game
from examples.arena.flight import Beam, Gun, Heading, Pilot, Position, Ship, Velocity
from examples.arena.game import Asteroid
from gamenet.game import PredictedWorld, Protocol
from gamenet.game.own_player import OwnPlayer
from gamenet.prediction import Frame, Rounding, Sight
from gamenet.testing import Stepper
from tests.examples.arena_match import DT, MIDDLE, Match, QuietTests, assert_near
from tests.game.flying import RawPlayer

CLEAR = (-20.0, 26.0)


class RoundedMatch(Match):
    """A match whose ships are rounded after each tick, as the server does."""

    def tick(self, n_ticks: int = 1) -> None:
        """Step the game and round."""
        rounding = Rounding(self.world, Arena.predicted_components())
        for _ in range(n_ticks):
            super().tick()
            rounding.round(self.game.predicted_rows())


class RoundedFlightTests(SynchronousTestCase):
    """Rounding to what the wire can say does not change how ships fly."""

    def setUp(self) -> None:
        """Put one ship into a match without asteroids."""
        self.patch(game, "ASTEROIDS", 0)
        self.match = RoundedMatch()
        self.guest = self.match.join()
        self.row = self.match.row(self.guest)

    def test_drag_stops(self) -> None:
        """A ship slows down as drag says, and comes to rest in the end."""
        self.match.place(self.row, CLEAR, speed=(8, 0), nose=0)
        self.match.tick(60)
        expected = 8 * (1 - flight.DRAG * DT) ** 60
        assert_near(self, self.match.velocity(self.row)[0], expected, 0.2)
        self.match.tick(600)
        self.assertLess(np.hypot(*self.match.velocity(self.row)), 0.3)

    def test_slow_ships_move(self) -> None:
        """A slow ship gets as far as its speed says, not a step more each tick."""
        self.patch(flight, "DRAG", 0.0)
        self.match.place(self.row, CLEAR, speed=(0.125, -0.375), nose=0)
        self.match.tick(300)
        x, y = self.match.at(self.guest)
        assert_near(self, x - CLEAR[0], 1.25, 0.05)
        assert_near(self, y - CLEAR[1], -3.75, 0.05)

    def test_rest_is_rest(self) -> None:
        """Nothing moves a ship that does not move."""
        self.match.place(self.row, CLEAR, nose=0.5)
        self.match.tick()
        before = (self.match.at(self.guest), self.match.nose(self.guest))
        self.match.tick(200)
        after = (self.match.at(self.guest), self.match.nose(self.guest))
        self.assertEqual(before, after)


class PredictedFlightTests(SynchronousTestCase):
    """A client that starts from the same state comes to the same state."""

    def test_same_numbers(self) -> None:
        """Through minutes of any keys the own ship is the server's to the bit."""
        self.patch(game, "ASTEROIDS", 0)
        match = RoundedMatch()
        guest, other = match.join(), match.join()
        match.tick()
        client, made = self.client_of(match, guest)
        rounding = Rounding(client.world, Arena.predicted_components())
        chance = np.random.default_rng(7)
        for _ in range(2000):
            if chance.random() < 0.2:
                pilot = Pilot(
                    turn=int(chance.integers(-127, 128)),
                    thrust=bool(chance.random() < 0.7),
                    beam=bool(chance.random() < 0.3),
                    aiming=bool(chance.random() < 0.3),
                    aim=float(chance.uniform(-pi, pi)),
                )
                pilot = Pilot.decode(pilot.encode())
                match.game.input_received(guest, pilot)
                client.input_received(client.players[guest.id], pilot)
            match.set_health(guest, 100)
            match.set_health(other, 100)
            match.tick()
            client.tick = match.game.tick
            client.predict(DT)
            rounding.round(client.predicted_rows())
            self.assertEqual(self.state(client.world), self.state(match.world))
        beams = [event for event, _ in made]
        fired = [each for each in match.heard(Beam) if each.hue == beams[0].hue]
        self.assertGreater(len(beams), 20)
        self.assertEqual(len(beams), len(fired))

    def client_of(self, match: Match, guest: Any) -> tuple[Any, list[Any]]:
        """Return the game of a player's client, and what events it makes."""
        world = PredictedWorld(Arena.components, Arena.max_entities)
        row = match.row(guest)
        parts = [
            match.world[guest.avatar, kind] for kind in (Position, Velocity, Heading)
        ]
        values = [
            kind(*(getattr(part, f.name) for f in kind.schema_fields))
            for kind, part in zip((Position, Velocity, Heading), parts, strict=True)
        ]
        hue = int(match.columns(Ship).hue[row])
        world.restore(guest.avatar, [], guest.id)
        for part in (*values, Ship(hue=hue), Gun()):
            world.add(guest.avatar, part)
        client, made = Arena(), []
        player = OwnPlayer(guest.id, "me", guest.avatar)
        client.begin_predicting(world, player, lambda *each: made.append(each))
        client.players[guest.id] = player
        self.row = row
        return client, made

    def state(self, world: Any) -> list[float]:
        """Return all that is predicted of the ship."""
        return [
            float(column[self.row])
            for kind in Arena.predicted_components()
            for column in world.columns(kind).arrays.values()
        ]


class BeamTests(QuietTests):
    """A beam goes straight, to the first thing in its way."""

    def fire(self, guest: Any) -> Beam:
        """Let a player press the key for a tick."""
        self.match.hold(guest, beam=True)
        self.match.tick()
        self.match.hold(guest)
        return self.match.heard(Beam)[-1]

    def test_it_hits_at_once(self) -> None:
        """The first ship in the way loses hit points, and nothing behind it."""
        first, second = self.match.duel(gap=9.0)
        third = self.match.join()
        self.match.place(self.match.row(third), (9, 0), nose=0)
        beam = self.fire(first)
        self.assertEqual(self.match.health(second), 100 - game.BEAM_DAMAGE)
        self.assertEqual(self.match.health(third), 100)
        assert_near(self, beam.length, 8, 0.3)

    def test_walls_stop_it(self) -> None:
        """Nobody is hit through a wall, and the beam ends there."""
        first, second = self.match.duel()
        self.match.place(self.match.row(first), (0, 24), nose=-pi / 2)
        beam = self.fire(first)
        self.assertEqual(self.match.health(second), 100)
        assert_near(self, beam.length, 24 - 17.5, 0.3)

    def test_range(self) -> None:
        """Beyond its range it does no harm."""
        first, second = self.match.join(), self.match.join()
        self.match.place(self.match.row(first), (-30, 30), nose=0)
        self.match.place(self.match.row(second), (18, 30), nose=0)
        beam = self.fire(first)
        self.assertEqual(self.match.health(second), 100)
        assert_near(self, beam.length, flight.BEAM_RANGE, 0.3)

    def test_cooldown(self) -> None:
        """Holding the key fires again only when the beam has cooled down."""
        guest = self.match.join()
        self.match.hold(guest, beam=True)
        self.match.tick(2 * flight.BEAM_TICKS)
        self.assertEqual(len(self.match.heard(Beam)), 2)

    def test_asteroids_break(self) -> None:
        """A beam breaks an asteroid as a projectile does."""
        guest = self.match.join()
        self.match.place(self.match.row(guest), (-8, 0), nose=0)
        self.match.rock(3, MIDDLE)
        self.fire(guest)
        sizes = self.match.columns(Asteroid).size[self.match.rows(Asteroid)]
        self.assertEqual(sizes.tolist(), [2, 2])
        self.assertEqual(self.match.score(guest), 50)

    def test_it_ends_the_shield(self) -> None:
        """Nobody fires from behind a shield."""
        guest = self.match.join(shielded=True)
        self.fire(guest)
        self.match.game.hurt(self.match.row(guest), 20, by=0)
        self.assertEqual(self.match.health(guest), 80)

    def test_two_who_kill_each_other(self) -> None:
        """Of two who fire in a tick, who is ended first does not fire."""
        first, second = self.match.duel()
        self.match.place(self.match.row(second), MIDDLE, nose=pi)
        for guest in (first, second):
            self.match.set_health(guest, 10)
            self.match.hold(guest, beam=True)
        self.match.tick()
        self.assertEqual(len(self.match.heard(Beam)), 1)
        self.assertEqual(len(self.match.rows(Ship)), 1)


class RewoundBeamTests(SynchronousTestCase):
    """A beam hits what was there when its shooter fired."""

    def test_who_came_later(self) -> None:
        """What the shooter could not see yet is not hit, and stops no beam."""
        self.patch(game, "ASTEROIDS", 0)
        stepper = Stepper.of(Arena, seed=1)
        raw = RawPlayer(stepper)
        arena: Any = stepper.server.game
        ship = arena.world.row_of(raw.player.avatar)
        arena.position.x[ship], arena.position.y[ship] = -8.0, 0.0
        arena.heading.angle[ship] = 0.0
        stepper.tick(20)
        arena.add_asteroid(3, 0.0, 0.0, 0.0)
        (rock,) = arena.world.query(Asteroid).tolist()
        arena.velocity.x[rock] = arena.velocity.y[rock] = 0.0
        born = arena.tick + 1
        stepper.tick(2)

        def fire(seen_at: int) -> list[int]:
            arena.gun.beam_ready[ship] = 0
            at = arena.tick + 1
            frame = Frame(at, (Pilot(beam=True),), Sight(float(seen_at)))
            raw.send(Frame(at + 1, (Pilot(),)), frame)
            stepper.tick(3)
            return arena.asteroid.size[arena.world.query(Asteroid)].tolist()

        self.assertEqual(fire(born - 1), [3])
        self.assertEqual(fire(born), [2, 2])


class ProtocolTests(SynchronousTestCase):
    """What is predicted is what the arena says."""

    def test_predicted(self) -> None:
        """The arena predicts its ships' motion and their beams, and no more."""
        Protocol.of(Arena)
        expected = (Position, Velocity, Heading, Gun)
        self.assertEqual(Arena.predicted_components(), expected)
