# SPDX-License-Identifier: MIT
"""Chapter 7: what is predicted comes true."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.testing import Stepper, synctest
from gamenet.transport import Impairment

from .gliding import Position, Steer
from .swift import Swift


class SwiftTests(SynchronousTestCase):
    """Players who do not wait."""

    def test_replays_alike(self):
        """The same tick comes out the same, however often it is made."""
        synctest(Swift, seed=1)

    def test_answers_at_once(self):
        """With 300 ms there and back, a player still moves in the tick of the key."""
        way = Impairment(latency=0.15)
        stepper = Stepper.of(Swift, n_clients=1, seed=1, down=way, up=way)
        client = stepper.clients[0]
        stepper.tick(60)
        row = client.foresight.predicting.rows[0]
        before = client.predicted.columns(Position).x[row]
        client.on_tick = lambda tick: client.send_input(Steer(x=127))
        stepper.tick(3)
        self.assertGreater(client.predicted.columns(Position).x[row], before)
        self.assertEqual(client.world.columns(Position).x[row], before)
        stepper.tick(60)
        self.assertGreater(client.world.columns(Position).x[row], before)

    def test_is_right(self):
        """Where every input comes in time, nothing has to be corrected."""
        stepper = Stepper.of(Swift, n_clients=2, seed=2)
        for client in stepper.clients:
            client.on_tick = lambda tick, client=client: client.send_input(
                Steer(x=tick * 7 % 255 - 127, y=tick * 5 % 255 - 127)
            )
        stepper.tick(300)
        for client in stepper.clients:
            stats = client.foresight.stats(stepper.clock.seconds())
            self.assertEqual(stats["corrections"], 0)
