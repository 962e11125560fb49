# SPDX-License-Identifier: MIT
"""Whole matches of the drift game as tests."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from examples.drift import Drift, Position, Steer
from gamenet.testing import Stepper
from gamenet.transport import Impairment


class DriftTests(SynchronousTestCase):
    """Two players in one stepper."""

    def test_everybody_sees_everybody(self):
        """What one player steers, the other one sees."""
        stepper = Stepper.of(Drift, n_clients=2)
        ada, bob = stepper.clients
        stepper.tick(10, each=lambda: ada.send_input(Steer(x=127)))
        stepper.tick(2)
        avatar = stepper.server.players[ada.player_id].avatar
        self.assertEqual(stepper.server.world[avatar, Position].x, 10)
        self.assertEqual(bob.world[avatar, Position].x, 10)

    # -- loss --
    def test_a_bad_network(self):
        """On a lossy network the other one sees it all the same, a little later."""
        bad = Impairment(latency=0.08, jitter=0.03, loss=0.1, duplicate=0.02)
        stepper = Stepper.of(Drift, n_clients=2, seed=7, down=bad, up=bad)
        ada, bob = stepper.clients
        stepper.tick(300, each=lambda: ada.send_input(Steer(y=127)))
        avatar = stepper.server.players[ada.player_id].avatar
        stepper.until(
            lambda: (
                bob.world[avatar, Position].y
                == stepper.server.world[avatar, Position].y
            )
        )
        self.assertGreater(bob.world[avatar, Position].y, 250)

    # -- seed --
    def test_same_seed_same_match(self):
        """A match can be played again, to the last bit."""

        def play():
            bad = Impairment(latency=0.05, jitter=0.05, loss=0.2)
            stepper = Stepper.of(Drift, n_clients=3, seed=3, down=bad, up=bad)
            for n, client in enumerate(stepper.clients):
                stepper.tick(
                    20, each=lambda c=client, n=n: c.send_input(Steer(x=n * 50))
                )
            return [c.world.columns(Position).x.tobytes() for c in stepper.clients]

        self.assertEqual(play(), play())


# -- end --
