# SPDX-License-Identifier: MIT
"""The arena without chance: no asteroids, and two ships that face each other."""

from __future__ import annotations

from math import pi

from examples.arena import Arena
from gamenet.game import Player

PLACES = ((-10.0, 26.0, 0.0), (0.0, 26.0, pi))
"""x, y and heading of the first two players' ships."""


class QuietArena(Arena):
    """Leave the players alone."""

    page = "../../examples/arena/page"

    def drift_in(self) -> None:
        """Keep the arena clear."""

    def launch(self, player: Player) -> None:
        """Place a ship where a test expects it, without a shield."""
        super().launch(player)
        assert player.avatar is not None
        row = self.world.row_of(player.avatar)
        x, y, angle = PLACES[player.id % len(PLACES) - 1]
        self.position.x[row], self.position.y[row] = x, y
        self.heading.angle[row] = angle
        self.body["until"][row] = 0
