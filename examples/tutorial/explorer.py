# SPDX-License-Identifier: MIT
"""Chapter 5: a player of our own that flies to the nearest star.

Run it beside a server: `python -m examples.tutorial.explorer http://127.0.0.1:8080`.
"""

from __future__ import annotations

import sys

import numpy as np
from twisted.internet import defer, task

from gamenet.game import GameClient

from .gliding import Position, Steer
from .stars import Score, Star, Stars


class Explorer(GameClient):
    """Steers towards the nearest star in every tick."""

    def on_tick(self, tick):
        mine = self.world.query(Score, Position)
        mine = mine[self.world.owner[mine] == self.player_id]
        stars = self.world.query(Star, Position)
        if len(mine) and len(stars):
            self.send_input(self.towards_nearest(mine[0], stars))

    def towards_nearest(self, row, stars):
        position = self.world.columns(Position)
        dx = position.x[stars] - position.x[row]
        dy = position.y[stars] - position.y[row]
        distance = np.hypot(dx, dy)
        nearest = distance.argmin()
        scale = 127 / max(distance[nearest], 1e-9)
        return Steer(x=int(dx[nearest] * scale), y=int(dy[nearest] * scale))

    def on_message(self, message):
        if message.player == self.player_id:
            print(f"{message.points} stars")


async def main(reactor, address="http://127.0.0.1:8080", seconds="60"):
    """Fly for a while, then leave."""
    explorer = Explorer(reactor, Stars, name="explorer")
    await explorer.connect(address)
    print(f"joined as player {explorer.player_id}")
    await task.deferLater(reactor, float(seconds), explorer.close)


if __name__ == "__main__":
    task.react(
        lambda reactor, *arguments: defer.ensureDeferred(main(reactor, *arguments)),
        sys.argv[1:],
    )
