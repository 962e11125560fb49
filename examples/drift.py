# SPDX-License-Identifier: MIT
"""The smallest game: play it with `twistd -n gamenet --game examples.drift:Drift`."""

from __future__ import annotations

from gamenet.game import Component, Game, Input, fixed, int8


class Position(Component):
    x: float = fixed(-512, 512, step=1 / 64)  # metres
    y: float = fixed(-512, 512, step=1 / 64)


class Steer(Input):
    x: int = int8()
    y: int = int8()


class Drift(Game):
    """Everybody moves, everybody sees everybody."""

    tick_rate = 30
    components = [Position]
    inputs = [Steer]

    def player_joined(self, player):
        player.avatar = self.world.spawn(Position(x=0, y=0), owner=player)

    def input_received(self, player, steer):
        here = self.world[player.avatar, Position]
        here.x += steer.x / 127
        here.y += steer.y / 127
