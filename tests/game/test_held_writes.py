# SPDX-License-Identifier: MIT
"""Tests of what a player sees of own writes while they are on their way."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Refusal
from tests.game.playing import Match, Paint

BAD = (0.3, 0.06, 0.2)
"""Round trip, jitter and loss: snapshots overtake one another."""


class HeldWritesTests(SynchronousTestCase):
    """What was written shows until the server's word of it is there."""

    def setUp(self) -> None:
        """Play for a moment, so that the time lines know the link."""
        self.match = Match(*BAD, seed=21)
        self.match.play(4)
        self.one, self.two = self.match.pilots
        self.ship = self.match.avatar(self.one)
        self.row = self.match.row(self.one)
        self.refused: list[int] = []
        self.one.on_write_refused = lambda *said: self.refused.append(said[2])

    def hues(self) -> set[int]:
        """Return what the confirmed and the predicted world show."""
        worlds = (self.one.world, self.one.predicted)
        columns: list[Any] = [world.columns(Paint) for world in worlds]
        return {int(each.hue[self.row]) for each in columns}

    def n_held(self) -> int:
        """Return how many components are held."""
        held = self.one.match._held
        assert held is not None
        return len(held)

    def test_never_back(self) -> None:
        """However late and lost packets are, only what is newer shows."""
        highest = 0
        for hue in range(1, 200):
            self.one.write(self.ship, Paint(hue=hue))
            self.match.stepper.tick()
            (shown,) = self.hues()
            self.assertGreaterEqual(shown, highest)
            highest = shown
        self.match.play(3)
        self.assertEqual(self.hues(), {199})
        self.assertEqual(self.two.world[self.ship, Paint].hue, 199)
        self.assertEqual((self.n_held(), self.refused), (0, []))

    def test_the_same_value_as_before(self) -> None:
        """What was so before does not pass for the answer."""
        self.one.write(self.ship, Paint(hue=7))
        self.match.play(2)
        for hue in (8, 7):
            self.one.write(self.ship, Paint(hue=hue))
            self.match.stepper.tick()
        for _ in range(60):
            self.match.stepper.tick()
            self.assertEqual(self.hues(), {7})
        self.assertEqual(self.n_held(), 0)

    def test_overruled(self) -> None:
        """The server's word comes at once where it refuses."""
        self.match.server.world[self.ship, Paint].hue = 40
        self.one.write(self.ship, Paint(hue=9))
        self.assertEqual(self.hues(), {9})
        self.match.stepper.until(lambda: len(self.refused) > 0, 60)
        self.assertEqual(self.hues(), {40})
        self.assertEqual((self.refused, self.n_held()), ([Refusal.OVERRULED], 0))

    def test_written_since(self) -> None:
        """What the server writes after a write shows, also if that was never told."""
        world = self.match.server.world
        self.one.write(self.ship, Paint(hue=9))
        self.match.stepper.until(lambda: world[self.ship, Paint].hue == 9, 60)
        world[self.ship, Paint].hue = 50
        self.match.play(2)
        self.assertEqual((self.hues(), self.n_held()), ({50}, 0))

    def test_gone(self) -> None:
        """What was written to an entity that ends is forgotten with it."""
        self.one.write(self.ship, Paint(hue=9))
        server = self.match.server
        server.players[self.one.player_id].avatar = None
        server.world.despawn(self.ship)
        self.match.stepper.tick(60)
        self.assertNotIn(self.ship, self.one.world)
        self.assertEqual(self.n_held(), 0)
