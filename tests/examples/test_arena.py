# SPDX-License-Identifier: MIT
"""Hold the arena to its rules: joining, flying, walls, and minutes of any play."""

from __future__ import annotations

from math import pi

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from examples.arena import flight, game
from examples.arena.flight import Position, Ship
from examples.arena.game import (
    Asteroid,
    Explosion,
    Health,
    Kill,
    Projectile,
    Score,
    Wall,
)
from tests.examples.arena_match import (
    DT,
    MIDDLE,
    Match,
    QuietTests,
    assert_inside,
    assert_near,
    press_anything,
)


class StartTests(SynchronousTestCase):
    """A new match is ready to be played."""

    def test_walls_are_entities(self) -> None:
        """Clients learn of the walls as of anything else: around and inside."""
        match = Match()
        rows, walls = match.rows(Wall), match.columns(Wall)
        self.assertEqual(len(rows), len(flight.WALLS))
        self.assertEqual(
            [float(walls.half_width[row]) for row in rows],
            [wall[2] for wall in flight.WALLS],
        )
        self.assertTrue(match.columns(Position).present[rows].all())

    def test_wall_sizes_survive_the_wire(self) -> None:
        """No wall is rounded on its way to the clients."""
        for _, _, half_width, half_height in flight.WALLS:
            wall = Wall(half_width=half_width, half_height=half_height)
            back = Wall.decode(wall.encode())
            self.assertEqual(
                (back.half_width, back.half_height), (half_width, half_height)
            )

    def test_asteroids_are_there(self) -> None:
        """The field begins with its full number of large asteroids, inside."""
        match = Match()
        rows = match.rows(Asteroid)
        self.assertEqual(len(rows), game.ASTEROIDS)
        self.assertTrue((match.columns(Asteroid).size[rows] == 3).all())
        assert_inside(self, match)


class JoiningTests(QuietTests):
    """Players come and go."""

    def test_a_player_gets_a_ship_and_a_score(self) -> None:
        """A new player owns a healthy, shielded ship, and a line on the scoreboard."""
        guest = self.match.join(shielded=True)
        row = self.match.row(guest)
        self.assertEqual(self.match.world.owner[row], guest.id)
        self.assertEqual(self.match.health(guest), 100)
        self.assertTrue(self.match.columns(Ship).shielded[row])
        self.assertEqual(self.match.score(guest), 0)
        assert_inside(self, self.match)

    def test_neighbours_have_different_hues(self) -> None:
        """All 64 players can be told apart."""
        guests = [self.match.join() for _ in range(64)]
        hues = self.match.columns(Ship).hue
        self.assertEqual(len({int(hues[self.match.row(g)]) for g in guests}), 64)

    def test_new_ships_keep_clear_of_others(self) -> None:
        """A full arena has no two ships, and no ship and wall, on one spot."""
        guests = [self.match.join() for _ in range(64)]
        places = np.array([self.match.at(guest) for guest in guests])
        between = np.hypot(*(places[:, None] - places[None]).T)
        self.assertGreater(
            between[np.triu_indices(64, 1)].min(), 2 * flight.SHIP_RADIUS
        )
        gap = np.hypot(*self.match.game.gap_to_walls(*places.T))
        self.assertGreater(gap.min(), flight.SHIP_RADIUS)

    def test_leaving_takes_ship_and_score(self) -> None:
        """Nothing stays of a player who leaves but the shots in flight."""
        guest = self.match.join()
        self.match.place(self.match.row(guest), MIDDLE, nose=0)
        self.match.hold(guest, shoot=True)
        self.match.tick()
        self.match.leave(guest)
        self.assertEqual(self.match.rows(Ship), [])
        self.assertEqual(self.match.rows(Score), [])
        self.assertEqual(len(self.match.rows(Projectile)), 1)

    def test_leaving_while_dead(self) -> None:
        """Who leaves while waiting for a ship does not get one."""
        guest = self.match.join()
        self.match.game.hurt(self.match.row(guest), 100, by=0)
        self.match.leave(guest)
        self.match.tick(game.RESPAWN_TICKS + 1)
        self.assertEqual(self.match.rows(Ship), [])

    def test_input_without_a_ship(self) -> None:
        """The dead may hold down what they like."""
        guest = self.match.join()
        self.match.game.hurt(self.match.row(guest), 100, by=0)
        self.match.hold(guest, thrust=True, shoot=True)
        self.match.tick()
        self.assertEqual(self.match.rows(Projectile), [])


class FlyingTests(QuietTests):
    """Ships turn, thrust and slow down."""

    def setUp(self) -> None:
        """Put one ship into the middle, looking right."""
        super().setUp()
        self.guest = self.match.join()
        self.row = self.match.row(self.guest)
        self.match.place(self.row, MIDDLE, nose=0)

    def test_thrust_pushes_along_the_nose(self) -> None:
        """Thrust makes a resting ship move where it points, and shows."""
        self.match.hold(self.guest, thrust=True)
        self.match.tick()
        x, y = self.match.velocity(self.row)
        assert_near(self, x, flight.THRUST * DT, flight.SPEED_STEP)
        assert_near(self, y, 0, flight.SPEED_STEP)
        self.assertTrue(self.match.columns(Ship).thrusting[self.row])

    def test_speed_has_a_limit(self) -> None:
        """No ship flies faster than the rules allow, and full thrust gets there."""
        self.match.place(self.row, (-15, 0), nose=0)
        self.match.hold(self.guest, thrust=True)
        self.match.tick(40)
        speed = np.hypot(*self.match.velocity(self.row))
        assert_near(self, speed, flight.MAX_SPEED, flight.SPEED_STEP)

    def test_drag_slows_down(self) -> None:
        """A ship that does not thrust loses the given share of its speed."""
        self.match.place(self.row, MIDDLE, speed=(10, 0))
        self.match.tick()
        expected = 10 * (1 - flight.DRAG * DT)
        speed = self.match.velocity(self.row)[0]
        assert_near(self, speed, expected, flight.SPEED_STEP)

    def test_turn_rate(self) -> None:
        """Full turn is the turn rate, half turn half of it, to either side."""
        for turn, share in ((127, 1), (-127, -1), (0, 0), (-128, -1)):
            self.match.place(self.row, MIDDLE, nose=0)
            self.match.hold(self.guest, turn=turn)
            self.match.tick()
            expected = share * flight.TURN_RATE * DT
            self.assertAlmostEqual(self.match.nose(self.guest), expected, places=4)

    def test_aim_after_many_turns(self) -> None:
        """However often a ship has spun round, aiming takes the short way."""
        self.match.hold(self.guest, turn=127)
        self.match.tick(200)
        before = self.match.nose(self.guest)
        self.match.hold(self.guest, aiming=True, aim=before % (2 * pi) - 0.1)
        self.match.tick()
        self.assertAlmostEqual(self.match.nose(self.guest), before - 0.1, places=4)

    def test_aim_turns_the_short_way(self) -> None:
        """Aiming turns at the turn rate, over the back where that is shorter."""
        self.match.place(self.row, MIDDLE, nose=3.0)
        self.match.hold(self.guest, aiming=True, aim=-3.0, turn=-127)
        self.match.tick()
        self.assertAlmostEqual(
            self.match.nose(self.guest), 3.0 + flight.TURN_RATE * DT, places=4
        )

    def test_aim_arrives(self) -> None:
        """A ship points exactly at the aim in the end and stays there."""
        self.match.hold(self.guest, aiming=True, aim=2.0)
        self.match.tick(60)
        self.assertAlmostEqual(self.match.nose(self.guest), 2.0, places=4)

    def test_input_holds(self) -> None:
        """What a player held last goes on until the next input."""
        self.match.hold(self.guest, thrust=True)
        self.match.tick(5)
        fast = self.match.velocity(self.row)[0]
        self.match.tick(5)
        self.assertGreater(self.match.velocity(self.row)[0], fast)


class WallTests(QuietTests):
    """Nothing passes a wall."""

    def test_ships_bounce(self) -> None:
        """A ship comes back from a wall with a part of its speed, and unharmed."""
        guest = self.match.join()
        row = self.match.row(guest)
        self.match.place(row, (0, 10), speed=(0, 14))
        self.match.tick(12)
        self.assertLess(self.match.velocity(row)[1], -0.3 * flight.SHIP_BOUNCE * 14)
        self.assertGreater(
            self.match.velocity(row)[1], -flight.SHIP_BOUNCE * flight.MAX_SPEED
        )
        self.assertEqual(self.match.health(guest), 100)

    def test_asteroids_keep_their_speed(self) -> None:
        """An asteroid bounces as from a mirror."""
        row = self.match.rock(3, (40, 0), speed=(8, 1))
        self.match.tick(60)
        x, y = self.match.velocity(row)
        self.assertAlmostEqual(x, -8, places=4)
        self.assertAlmostEqual(y, 1, places=4)

    def test_a_corner_throws_back_both_ways(self) -> None:
        """Two walls hit at once both count."""
        row = self.match.rock(1, (47, 31), speed=(6, 7))
        self.match.tick(6)
        x, y = self.match.velocity(row)
        self.assertAlmostEqual(x, -6, places=4)
        self.assertAlmostEqual(y, -7, places=4)

    def test_no_ship_leaves(self) -> None:
        """Full thrust in any direction never takes a ship out, nor into a wall."""
        guests = [self.match.join() for _ in range(48)]
        for number, guest in enumerate(guests):
            course = number * 2 * pi / len(guests)
            row = self.match.row(guest)
            self.match.place(row, self.match.at(guest), nose=course)
            self.match.hold(guest, thrust=True)
        for _ in range(300):
            self.match.tick()
            assert_inside(self, self.match)

    def test_projectiles_end_at_walls(self) -> None:
        """A wall stops a projectile well before its life is over."""
        guest = self.match.join()
        self.match.place(self.match.row(guest), (0, 10), nose=pi / 2)
        self.match.hold(guest, shoot=True)
        self.match.tick()
        self.match.hold(guest)
        self.match.tick(6)
        self.assertEqual(self.match.rows(Projectile), [])


class LongMatchTests(SynchronousTestCase):
    """Minutes of play by players who press anything."""

    def test_invariants(self) -> None:
        """After any of 10,000 ticks everything is finite, inside and in range."""
        match, random = Match(), np.random.default_rng(2)
        for _ in range(8):
            match.join()
        for tick in range(10_000):
            if tick % 3 == 0:
                press_anything(match, random)
            if tick % 997 == 0:
                match.leave(next(iter(match.game.players.values())))
                match.join()
            match.tick()
            assert_inside(self, match)
            points = match.columns(Health).points[match.rows(Ship)]
            self.assertTrue(((points > 0) & (points <= 100)).all())
            self.assertLess(len(match.world), 200)
        self.assertGreater(len(match.heard(Kill)), 20)
        self.assertGreater(len(match.heard(Explosion)), 100)

    def test_same_seed_same_world(self) -> None:
        """Two matches with the same seed and inputs are equal to the byte."""
        self.assertEqual(self.play(seed=5), self.play(seed=5))

    def test_another_seed_another_world(self) -> None:
        """The seed matters."""
        self.assertNotEqual(self.play(seed=5), self.play(seed=6))

    def play(self, seed: int) -> str:
        """Play half a minute and return what the world has come to."""
        match, random = Match(seed), np.random.default_rng(3)
        for _ in range(8):
            match.join()
        for _ in range(900):
            press_anything(match, random)
            match.tick()
        return match.digest()
