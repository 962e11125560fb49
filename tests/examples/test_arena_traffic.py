# SPDX-License-Identifier: MIT
"""Hold the arena to what its players may have to download."""

from __future__ import annotations

import random

from twisted.trial.unittest import SynchronousTestCase

from examples.arena import Arena
from examples.arena.flight import Beam, Pilot
from examples.arena.game import Explosion, Kill
from gamenet.testing import Stepper
from gamenet.transport import Impairment

N_PLAYERS = 32
LIMIT = 10_000
"""Bytes a second for each player, with all headers."""
HEADERS = 28
"""Bytes of IPv4 and UDP before each packet."""
WARM_UP, SECONDS = 2, 3


class SlowerArena(Arena):
    """The arena at twenty ticks a second."""

    tick_rate = 20


def down_to(stepper: Stepper) -> int:
    """Return the bytes that all players together have received so far."""
    each = [client.stats() for client in stepper.clients]
    return sum(
        stats.bytes_received + HEADERS * stats.packets_received for stats in each
    )


def any_keys(chance: random.Random) -> Pilot:
    """Return what a player might hold, who has not always a target for the beam."""
    pilot = Pilot.sample(chance)
    pilot.beam = chance.random() < 0.1
    return pilot


class TrafficTests(SynchronousTestCase):
    """Everybody sees everything, and downloads little."""

    def test_full_arena(self) -> None:
        """With 32 players who fly and shoot all the time a mobile link is enough."""
        network = {
            "down": Impairment(latency=0.03, jitter=0.01, seed=1),
            "up": Impairment(latency=0.03, jitter=0.01, seed=2),
        }
        stepper = Stepper.of(SlowerArena, N_PLAYERS, seed=3, **network)
        chance = random.Random(1)
        held = [any_keys(chance) for _ in stepper.clients]
        heard: set[type] = set()
        stepper.clients[0].on_event = lambda event, _: heard.add(type(event))

        def press() -> None:
            for i, client in enumerate(stepper.clients):
                if chance.random() < 0.1:
                    held[i] = any_keys(chance)
                client.send_input(held[i])

        stepper.tick(WARM_UP * SlowerArena.tick_rate, press)
        before = down_to(stepper)
        stepper.tick(SECONDS * SlowerArena.tick_rate, press)
        rate = (down_to(stepper) - before) / SECONDS / N_PLAYERS
        self.assertLess(rate, LIMIT, "bytes a second")
        self.assertGreater(rate, LIMIT / 4)
        self.assertEqual(heard, {Explosion, Kill, Beam})
