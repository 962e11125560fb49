# SPDX-License-Identifier: MIT
"""Play the smallest game, the one that README shows."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from examples.drift import Drift, Position, Steer
from gamenet.game import CloseReason, World
from tests.examples.arena_match import Guest


class DriftTests(SynchronousTestCase):
    """Everybody moves, everybody sees everybody."""

    def setUp(self) -> None:
        """Let two players in."""
        self.world = World(Drift.components, Drift.max_entities)
        self.game = Drift()
        self.game.bind(self.world, np.random.default_rng(1))
        self.guests = [Guest(1), Guest(2)]
        for guest in self.guests:
            self.game.player_joined(guest)

    def where(self, guest: Guest) -> tuple[float, float]:
        """Return where a player is."""
        here = self.world[guest.avatar, Position]
        return here.x, here.y

    def test_everybody_has_an_entity(self) -> None:
        """Each player owns one entity in the middle."""
        rows = self.world.query(Position)
        self.assertEqual(self.world.owner[rows].tolist(), [1, 2])
        self.assertEqual(self.where(self.guests[0]), (0, 0))

    def test_steering_moves_its_player_only(self) -> None:
        """Full steering moves by a metre for each input, and nobody else."""
        for _ in range(3):
            self.game.input_received(self.guests[0], Steer(x=127, y=-127))
        self.assertEqual(self.where(self.guests[0]), (3, -3))
        self.assertEqual(self.where(self.guests[1]), (0, 0))

    def test_leaving(self) -> None:
        """Who leaves takes their entity along, without a line of the game for it."""
        self.game.player_left(self.guests[0], CloseReason.NORMAL)
        rows = self.world.query(Position)
        self.assertEqual(self.world.owner[rows].tolist(), [2])
