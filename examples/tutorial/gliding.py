# SPDX-License-Identifier: MIT
"""Chapter 2: players glide, and the world has an edge."""

from __future__ import annotations

import numpy as np

from gamenet.game import Component, Game, Input, fixed, int8

EDGE = 100.0  # metres from the middle
PUSH = 40.0  # metres a second, every second
FRICTION = 0.8  # share of its speed that a glider loses in a second


class Position(Component):
    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Velocity(Component):
    x: float = fixed(-64, 64, step=1 / 64)
    y: float = fixed(-64, 64, step=1 / 64)


class Steer(Input):
    x: int = int8()
    y: int = int8()


class Glide(Game):
    """Everybody glides, nobody leaves."""

    tick_rate = 30
    components = [Position, Velocity]
    inputs = [Steer]

    def player_joined(self, player):
        player.avatar = self.world.spawn(Position(), Velocity(), owner=player)

    def input_received(self, player, steer):
        velocity = self.world[player.avatar, Velocity]
        velocity.x += steer.x / 127 * PUSH / self.tick_rate
        velocity.y += steer.y / 127 * PUSH / self.tick_rate

    def step(self, dt):
        rows = self.world.query(Position, Velocity)
        position = self.world.columns(Position)
        velocity = self.world.columns(Velocity)
        for place, speed in ((position.x, velocity.x), (position.y, velocity.y)):
            speed[rows] *= 1 - FRICTION * dt
            place[rows] = np.clip(place[rows] + speed[rows] * dt, -EDGE, EDGE)
        position.changed(rows)
        velocity.changed(rows)
