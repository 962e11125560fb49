# SPDX-License-Identifier: MIT
"""The drift game on every network that has a name."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from examples.drift import Drift, Position, Steer
from gamenet.testing import Stepper
from gamenet.transport import PROFILES, Impairments


class BadNetworkTests(SynchronousTestCase):
    """Two players, wherever they are."""

    def test_every_profile(self):
        """What one player steers, the other one sees in the end."""
        for name in PROFILES:
            network = Impairments.from_text(f"{name}; up: loss=10%")
            stepper = Stepper.of(
                Drift, n_clients=2, seed=7, down=network.down, up=network.up
            )
            ada, bob = stepper.clients
            stepper.tick(30, each=lambda ada=ada: ada.send_input(Steer(x=127)))
            stepper.tick(100)
            avatar = stepper.server.players[ada.player_id].avatar
            server_side = stepper.server.world[avatar, Position].x
            self.assertEqual(bob.world[avatar, Position].x, server_side, name)
            self.assertGreater(server_side, 0, name)


# -- end --
