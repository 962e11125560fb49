# SPDX-License-Identifier: MIT
"""Chapter 7: the own player answers at once."""

from __future__ import annotations

import numpy as np

from gamenet.game import predicted

from .gliding import EDGE, FRICTION, PUSH, Position, Velocity
from .stars import Stars


class Swift(Stars):
    """Collect stars, without waiting for the server."""

    kept = ["stick"]  # a client that makes a tick again needs it as it was then

    def prepare(self):
        self.stick = np.zeros((2, self.world.capacity))

    def player_joined(self, player):
        super().player_joined(player)
        self.stick[:, self.world.row_of(player.avatar)] = 0

    def input_received(self, player, steer):
        if player.avatar is not None:
            row = self.world.row_of(player.avatar)
            self.stick[:, row] = steer.x / 127, steer.y / 127

    @predicted(Position, Velocity)
    def glide(self, rows, dt):
        position = self.world.columns(Position)
        velocity = self.world.columns(Velocity)
        axes = (position.x, velocity.x), (position.y, velocity.y)
        for (place, speed), stick in zip(axes, self.stick, strict=True):
            speed[rows] += stick[rows] * PUSH * dt
            speed[rows] *= 1 - FRICTION * dt
            place[rows] = np.clip(place[rows] + speed[rows] * dt, -EDGE, EDGE)
        position.changed(rows)
        velocity.changed(rows)

    def step(self, dt):
        self.glide(dt)
        for player in self.players.values():
            self.collect(player)
