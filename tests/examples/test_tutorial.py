# SPDX-License-Identifier: MIT
"""Run what the tutorial shows: its own tests, its player, an earlier chapter."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from examples.tutorial import explorer, stars
from examples.tutorial.gliding import EDGE, Glide, Position, Steer
from examples.tutorial.test_stars import StarsTests
from examples.tutorial.test_swift import SwiftTests
from gamenet.testing import Stepper

__all__ = ["StarsTests", "SwiftTests"]


class GlideTests(SynchronousTestCase):
    """Chapter 2."""

    def test_the_edge_holds(self) -> None:
        """Whoever pushes for long comes to the edge, and no further."""
        stepper = Stepper.of(Glide, n_clients=1, seed=1)
        client = stepper.clients[0]
        stepper.tick(600, lambda: client.send_input(Steer(x=127, y=-127)))
        row = client.world.query(Position)[0]
        position = client.world.columns(Position)
        self.assertEqual((position.x[row], position.y[row]), (EDGE, -EDGE))


class ExplorerTests(SynchronousTestCase):
    """Chapter 5."""

    def test_collects_stars(self) -> None:
        """The player written in Python finds stars."""
        stepper = Stepper.of(stars.Stars, seed=1)
        client = explorer.Explorer(stepper.clock, stars.Stars, name="explorer")
        news: list[object] = []
        client.on_message = news.append
        joined = client.connect("memory:match", memory=stepper.network)
        stepper.tick(3)
        self.successResultOf(joined)
        stepper.until(lambda: len(news) >= 3, limit=3000)
        left = client.close()
        stepper.tick(3)
        self.successResultOf(left)
        self.assertEqual(stepper.server.players, {})
