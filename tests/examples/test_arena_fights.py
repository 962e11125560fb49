# SPDX-License-Identifier: MIT
"""Hold the arena to its rules: shots, damage, death, and asteroids."""

from __future__ import annotations

from math import pi

import numpy as np

from examples.arena import flight, game
from examples.arena.flight import Position, Ship, Velocity
from examples.arena.game import Asteroid, Explosion, Kill, Projectile, Score
from tests.examples.arena_match import (
    MIDDLE,
    Guest,
    QuietTests,
)


class ShootingTests(QuietTests):
    """Guns, and what leaves them."""

    def setUp(self) -> None:
        """Put a ship where it has a long way to shoot."""
        super().setUp()
        self.guest = self.match.join()
        self.row = self.match.row(self.guest)
        self.match.place(self.row, (-46, 28), nose=0)

    def test_a_projectile_carries_its_shooter(self) -> None:
        """A shot belongs to the player, has the hue and adds to the ship's speed."""
        self.match.place(self.row, (-46, 28), speed=(6, 0), nose=0)
        self.match.hold(self.guest, shoot=True)
        self.match.tick()
        (shot,) = self.match.rows(Projectile)
        own = self.match.velocity(self.row)[0]
        self.assertEqual(self.match.world.owner[shot], self.guest.id)
        self.assertEqual(
            self.match.columns(Projectile).hue[shot],
            self.match.columns(Ship).hue[self.row],
        )
        self.assertAlmostEqual(
            self.match.velocity(shot)[0], own + game.PROJECTILE_SPEED, places=3
        )

    def test_life_time(self) -> None:
        """A projectile that hits nothing is there for 36 ticks, 1.2 seconds."""
        self.match.hold(self.guest, shoot=True)
        self.match.tick()
        self.match.hold(self.guest)
        alive = 0
        while self.match.rows(Projectile):
            alive += 1
            self.match.tick()
        self.assertEqual(alive, 36)

    def test_cooldown(self) -> None:
        """Holding the trigger fires every eighth tick."""
        self.match.hold(self.guest, shoot=True)
        fired = []
        seen: set[int] = set()
        for tick in range(25):
            self.match.tick()
            shots = self.match.world.ids_of(self.match.world.query(Projectile))
            new = set(shots.tolist()) - seen
            seen |= new
            fired += [tick] * len(new)
        self.assertEqual(fired, [0, 8, 16, 24])

    def test_tapping_is_no_faster(self) -> None:
        """Letting go and pressing again does not cool the gun."""
        for _ in range(8):
            self.match.hold(self.guest, shoot=True)
            self.match.tick()
            self.match.hold(self.guest)
        self.assertEqual(len(self.match.rows(Projectile)), 1)


class DamageTests(QuietTests):
    """Hits, shields and death."""

    def test_a_hit_costs_twenty(self) -> None:
        """A projectile takes 20 hit points, once, and is gone."""
        first, second = self.match.duel()
        self.match.hold(first, shoot=True)
        self.match.tick()
        self.match.hold(first)
        self.match.tick(20)
        self.assertEqual(self.match.health(second), 80)
        self.assertEqual(self.match.rows(Projectile), [])

    def test_own_shots_do_no_harm(self) -> None:
        """A ship does not hit itself, though its shots start where it is."""
        first, _ = self.match.duel(gap=-5)
        self.match.hold(first, shoot=True)
        self.match.tick(30)
        self.assertEqual(self.match.health(first), 100)

    def test_one_projectile_hits_one_ship(self) -> None:
        """Two ships in one place share the shots instead of each taking all."""
        first, second = self.match.duel()
        third = self.match.join()
        self.match.place(self.match.row(third), MIDDLE)
        self.match.hold(first, shoot=True)
        self.match.tick()
        self.match.hold(first)
        self.match.tick(20)
        self.assertEqual(self.match.health(second) + self.match.health(third), 180)

    def test_a_shield_protects(self) -> None:
        """A new ship takes no damage for two seconds, and shows it."""
        guest = self.match.join(shielded=True)
        row = self.match.row(guest)
        for _ in range(game.SHIELD_TICKS - 1):
            self.match.tick()
            self.match.game.hurt(row, 20, by=0)
            self.assertTrue(self.match.columns(Ship).shielded[row])
        self.assertEqual(self.match.health(guest), 100)
        self.match.tick()
        self.match.game.hurt(row, 20, by=0)
        self.assertEqual(self.match.health(guest), 80)
        self.assertFalse(self.match.columns(Ship).shielded[row])

    def test_a_shield_stops_projectiles(self) -> None:
        """A shot at a shielded ship is spent for nothing."""
        first, second = self.match.duel()
        self.match.game.body["until"][self.match.row(second)] = 1000
        self.match.hold(first, shoot=True)
        self.match.tick()
        self.match.hold(first)
        self.match.tick(10)
        self.assertEqual(self.match.health(second), 100)
        self.assertEqual(self.match.rows(Projectile), [])

    def test_shooting_ends_the_shield(self) -> None:
        """Nobody shoots from behind a shield."""
        guest = self.match.join(shielded=True)
        self.match.hold(guest, shoot=True)
        self.match.tick()
        self.match.game.hurt(self.match.row(guest), 20, by=0)
        self.assertEqual(self.match.health(guest), 80)
        self.match.tick()
        self.assertFalse(self.match.columns(Ship).shielded[self.match.row(guest)])

    def test_death(self) -> None:
        """The last hit point takes the ship, tells everybody and scores."""
        first, second = self.match.duel()
        self.match.set_health(second, 20)
        self.match.set_score(second, 70)
        self.match.hold(first, shoot=True)
        self.match.tick(10)
        self.assertIsNone(second.avatar)
        self.assertEqual(len(self.match.rows(Ship)), 1)
        self.assertEqual(self.match.score(first), 100)
        self.assertEqual(self.match.score(second), 20)
        (explosion,) = self.match.heard(Explosion)
        self.assertEqual((explosion.x, explosion.y, explosion.size), (0, 0, 4))
        self.assertEqual(
            self.match.heard(Kill), [Kill(killer=first.id, victim=second.id)]
        )

    def test_one_death_for_many_hits(self) -> None:
        """Two shots that arrive together kill once."""
        first, second = self.match.duel()
        third = self.match.join()
        self.match.place(self.match.row(third), (5, 0), nose=pi)
        self.match.set_health(second, 20)
        for guest in (first, third):
            self.match.hold(guest, shoot=True)
        self.match.tick(7)
        self.assertEqual(len(self.match.heard(Kill)), 1)
        self.assertEqual(self.match.score(first) + self.match.score(third), 100)

    def test_respawn_after_ninety_ticks(self) -> None:
        """The next ship comes exactly three seconds after the death, not before."""
        guest = self.match.join()
        self.match.hold(guest, thrust=True, shoot=True)
        self.match.game.hurt(self.match.row(guest), 100, by=0)
        self.match.tick(89)
        self.assertIsNone(guest.avatar)
        self.match.tick()
        self.assertIsNotNone(guest.avatar)
        self.assertEqual(self.match.health(guest), 100)
        self.assertTrue(self.match.columns(Ship).shielded[self.match.row(guest)])
        self.assertFalse(self.match.columns(Ship).thrusting[self.match.row(guest)])

    def test_score_never_goes_below_nothing(self) -> None:
        """Dying with less than 50 points leaves none."""
        guest = self.match.join()
        self.match.set_score(guest, 30)
        self.match.game.hurt(self.match.row(guest), 100, by=0)
        self.assertEqual(self.match.score(guest), 0)

    def test_score_has_a_top(self) -> None:
        """A score that would not fit its field stays at the most that does."""
        guest = self.match.join()
        self.match.set_score(guest, 65500)
        self.match.game.award(guest.id, 100)
        self.assertEqual(self.match.score(guest), 65535)

    def test_a_shooter_who_left_scores_nothing(self) -> None:
        """The shots of who left still kill, and nobody gets the points."""
        first, second = self.match.duel()
        self.match.set_health(second, 20)
        self.match.hold(first, shoot=True)
        self.match.tick()
        self.match.leave(first)
        self.match.tick(10)
        self.assertEqual(
            self.match.heard(Kill), [Kill(killer=first.id, victim=second.id)]
        )
        self.assertEqual(len(self.match.rows(Score)), 1)


class AsteroidTests(QuietTests):
    """Asteroids split, score, hurt and come back."""

    def shoot_at(self, size: int) -> Guest:
        """Let a player hit an asteroid of this size with one shot."""
        guest = self.match.join()
        self.match.place(self.match.row(guest), (-8, 0), nose=0)
        self.match.rock(size, MIDDLE)
        self.match.hold(guest, shoot=True)
        self.match.tick()
        self.match.hold(guest)
        self.match.tick(7)
        return guest

    def sizes(self) -> list[int]:
        """Return the sizes of all asteroids."""
        rows = self.match.rows(Asteroid)
        return self.match.columns(Asteroid).size[rows].tolist()

    def test_large_splits_into_two_medium(self) -> None:
        """A hit large asteroid gives 50 points and two medium ones."""
        guest = self.shoot_at(3)
        self.assertEqual(self.sizes(), [2, 2])
        self.assertEqual(self.match.score(guest), 50)

    def test_medium_splits_into_two_small(self) -> None:
        """A hit medium asteroid gives 20 points and two small ones."""
        guest = self.shoot_at(2)
        self.assertEqual(self.sizes(), [1, 1])
        self.assertEqual(self.match.score(guest), 20)

    def test_small_is_gone(self) -> None:
        """A hit small asteroid gives 10 points and is gone."""
        guest = self.shoot_at(1)
        self.assertEqual(self.sizes(), [])
        self.assertEqual(self.match.score(guest), 10)

    def test_splitting_is_told(self) -> None:
        """Everybody hears of the explosion, with place and size."""
        self.shoot_at(3)
        (explosion,) = self.match.heard(Explosion)
        self.assertEqual((explosion.x, explosion.y, explosion.size), (0, 0, 3))
        self.assertEqual(self.match.rows(Projectile), [])

    def test_the_pieces_part(self) -> None:
        """The two pieces fly apart."""
        self.shoot_at(3)
        first, second = (self.match.velocity(row) for row in self.match.rows(Asteroid))
        self.assertGreater(np.hypot(first[0] - second[0], first[1] - second[1]), 1)

    def test_the_field_refills(self) -> None:
        """While asteroids are missing, one comes in from the edge every half second."""
        self.patch(game, "ASTEROIDS", 12)
        self.match.tick(14 * 15)
        self.assertEqual(self.sizes(), [3] * 12)

    def test_new_ones_come_from_the_edge(self) -> None:
        """An asteroid drifts in touching the outer wall, towards the inside."""
        for _ in range(50):
            self.match.game.drift_in()
        rows = self.match.rows(Asteroid)
        position, velocity = self.match.columns(Position), self.match.columns(Velocity)
        x, y = position.x[rows], position.y[rows]
        room = np.minimum(flight.WIDTH / 2 - abs(x), flight.HEIGHT / 2 - abs(y))
        np.testing.assert_allclose(room, game.ASTEROID_RADIUS[3], atol=1e-4)
        self.assertTrue((x * velocity.x[rows] + y * velocity.y[rows] < 0).all())

    def test_collisions_hurt_by_size(self) -> None:
        """The larger the asteroid, the more it costs to run into it, once."""
        for size, damage in ((1, 10), (2, 20), (3, 35)):
            guest = self.match.join()
            row = self.match.row(guest)
            self.match.place(row, (-6, 0), speed=(10, 0))
            rock = self.match.rock(size, MIDDLE)
            self.match.tick(30)
            self.assertEqual(self.match.health(guest), 100 - damage)
            self.assertLess(self.match.velocity(row)[0], 0)
            self.match.world.despawn(self.match.world.id_of(rock))
            self.match.place(row, (40, 28))

    def test_asteroids_kill(self) -> None:
        """A death by an asteroid is told as nobody's, and nobody scores."""
        guest = self.match.join()
        self.match.set_health(guest, 5)
        self.match.place(self.match.row(guest), (-6, 0), speed=(10, 0))
        self.match.rock(1, MIDDLE)
        self.match.tick(30)
        self.assertEqual(self.match.heard(Kill), [Kill(killer=0, victim=guest.id)])

    def test_shields_bounce_unharmed(self) -> None:
        """A shielded ship is thrown back by an asteroid but not hurt."""
        guest = self.match.join(shielded=True)
        row = self.match.row(guest)
        self.match.place(row, (-6, 0), speed=(10, 0))
        self.match.rock(2, MIDDLE)
        self.match.tick(30)
        self.assertEqual(self.match.health(guest), 100)
        self.assertLess(self.match.velocity(row)[0], 0)
