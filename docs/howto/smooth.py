# SPDX-License-Identifier: MIT
"""Tell a short jump from motion."""

from __future__ import annotations

from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Component, Game, Teleported, fixed
from gamenet.testing import Stepper


# -- game --
class Position(Component):
    """Where somebody is, in metres."""

    x: float = fixed(-64, 64, step=1 / 64)


class Blinks(Game):
    """Somebody walks, and blinks three metres on."""

    components = [Position, Teleported]

    def started(self):
        self.walker = self.world.spawn(Position(), Teleported())

    def step(self, dt):
        here = self.world[self.walker, Position]
        here.x += dt
        if self.tick % 30 == 0:
            here.x += 3.0
            jumped = self.world[self.walker, Teleported]
            jumped.count = (jumped.count + 1) % 256


# -- end --
class BlinksTests(SynchronousTestCase):
    """What is drawn of a blink."""

    def test_never_between(self):
        """No frame draws the walker half way."""
        stepper = Stepper.of(Blinks, n_clients=1, seed=1)
        client = stepper.clients[0]
        stepper.tick(10)
        drawn = []
        for _ in range(30 * 12):
            stepper.clock.advance(1 / 120)
            view = client.look()
            rows = view.rows(Position)
            drawn.extend(view.columns(Position).x[rows].tolist())
        ways = [b - a for a, b in pairwise(drawn)]
        jumps = [way for way in ways if way > 0.5]
        self.assertGreaterEqual(len(jumps), 2)
        self.assertTrue(all(way > 3.0 - 1 / 64 for way in jumps), jumps)
