# SPDX-License-Identifier: MIT
"""Chapter 4: the game tested, with players and a bad network, in milliseconds."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.testing import Stepper
from gamenet.transport import Impairment

from .gliding import Position, Steer
from .stars import N_STARS, Score, Star, Stars


class StarsTests(SynchronousTestCase):
    """The rules of the stars."""

    def test_everybody_sees_the_stars(self):
        """A player who has just joined sees every star where it is."""
        stepper = Stepper.of(Stars, n_clients=1, seed=1)
        stepper.tick(2)
        world, seen = stepper.server.world, stepper.clients[0].world
        rows = seen.query(Star)
        self.assertEqual(len(rows), N_STARS)
        there, copy = world.columns(Position), seen.columns(Position)
        np.testing.assert_allclose(copy.x[rows], there.x[rows], atol=1 / 128)

    def test_collecting(self):
        """Who flies over a star has a point, and everybody hears of it."""
        bad = Impairment(latency=0.05, loss=0.1, seed=2)
        stepper = Stepper.of(Stars, n_clients=2, seed=2, down=bad)
        one, two = stepper.clients
        news = []
        two.on_message = news.append
        stepper.tick(5)
        game = stepper.server.game
        avatar = game.players[one.player_id].avatar
        star = game.world.id_of(game.world.query(Star)[0])
        place = game.world[star, Position]
        game.world[avatar, Position].x = place.x
        game.world[avatar, Position].y = place.y
        stepper.until(lambda: len(news) == 1)
        self.assertEqual((news[0].player, news[0].points), (one.player_id, 1))
        self.assertNotIn(star, game.world)
        stepper.until(lambda: two.world[avatar, Score].points == 1)
        self.assertEqual(len(two.world.query(Star)), N_STARS)

    def test_steering(self):
        """A push to the right moves a player to the right, and friction ends it."""
        stepper = Stepper.of(Stars, n_clients=1, seed=3)
        client = stepper.clients[0]
        stepper.tick(30, lambda: client.send_input(Steer(x=127)))
        row = client.world.query(Score)[0]
        after_push = client.world.columns(Position).x[row]
        self.assertGreater(after_push, 5)
        stepper.tick(300)
        self.assertGreater(client.world.columns(Position).x[row], after_push)
        self.assertLess(client.world.columns(Position).x[row], after_push + 60)
