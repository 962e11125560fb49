# SPDX-License-Identifier: MIT
"""Chapter 3: there are stars to collect, a score, and news of both."""

from __future__ import annotations

import numpy as np

from gamenet.game import Component, Message, uint16, uint32

from .gliding import EDGE, Glide, Position, Velocity

N_STARS = 20
REACH = 2.0  # metres at which a star is collected


class Star(Component):
    """Marks what can be collected; a component may be without fields."""


class Score(Component):
    points: int = uint16()


class Collected(Message):
    player: int = uint32()
    points: int = uint16()


class Stars(Glide):
    """Collect more stars than the others."""

    components = [Position, Velocity, Star, Score]
    messages = [Collected]
    page = "page"

    def started(self):
        for _ in range(N_STARS):
            self.add_star()

    def add_star(self):
        x, y = self.random.uniform(-EDGE, EDGE, 2)
        self.world.spawn(Position(x=x, y=y), Star())

    def player_joined(self, player):
        super().player_joined(player)
        self.world.add(player.avatar, Score())

    def step(self, dt):
        super().step(dt)
        for player in self.players.values():
            self.collect(player)

    def collect(self, player):
        here = self.world[player.avatar, Position]
        stars = self.world.query(Star, Position)
        position = self.world.columns(Position)
        distance = np.hypot(position.x[stars] - here.x, position.y[stars] - here.y)
        for row in stars[distance < REACH]:
            self.world.despawn(self.world.id_of(row))
            self.add_star()
            score = self.world[player.avatar, Score]
            score.points += 1
            self.broadcast(Collected(player=player.id, points=score.points))
