# SPDX-License-Identifier: MIT
"""Ten minutes of the arena over a bad network, in simulated time."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from examples.arena import Arena
from examples.arena.flight import Pilot
from gamenet.testing import Stepper
from gamenet.transport import Impairment
from gamenet.world import World

SEED = 20
N_PLAYERS = 2
TEN_MINUTES = 10 * 60 * 30
HALF_MINUTE = 30 * 30


def bad_network(seed: int) -> Impairment:
    """Return what mobile players have on a bad day, one way."""
    return Impairment(
        latency=0.06, jitter=0.03, loss=0.05, duplicate=0.01, reorder=0.01, seed=seed
    )


def play(seed: int, n_ticks: int, *, predict: bool = True) -> Stepper:
    """Play a match of players who press keys at random, and predict or do not."""
    stepper = Stepper.of(
        Arena,
        n_clients=N_PLAYERS,
        seed=seed,
        down=bad_network(seed),
        up=bad_network(seed + 1),
        predict=predict,
    )
    chance = random.Random(seed)
    held = [Pilot.sample(chance) for _ in stepper.clients]

    def press() -> None:
        for i, client in enumerate(stepper.clients):
            if chance.random() < 0.1:
                held[i] = Pilot.sample(chance)
            client.send_input(held[i])

    stepper.tick(n_ticks, press)
    return stepper


def fingerprint(worlds: list[World]) -> str:
    """Return a hash of every value of every living entity."""
    digest = hashlib.sha256()
    for world in worlds:
        digest.update(world.alive.tobytes() + world.generation.tobytes())
        for component in world.components:
            columns: Any = world.columns(component)
            rows = world.query(component)
            digest.update(rows.tobytes())
            for values in columns.arrays.values():
                digest.update(np.ascontiguousarray(values[rows]).tobytes())
    return digest.hexdigest()


def membership(world: World) -> dict[str, Any]:
    """Return who exists, whose they are and what they are made of."""
    rows = world.query()
    made_of = {
        component.__name__: world.query(component).tolist()
        for component in world.components
    }
    return {
        "ids": world.ids_of(rows).tolist(),
        "owners": world.owner[rows].tolist(),
        **made_of,
    }


def worlds_of(stepper: Stepper) -> list[World]:
    """Return the server's world and every client's."""
    return [stepper.server.world, *(client.world for client in stepper.clients)]


class LongMatchTests(SynchronousTestCase):
    """A long match over a bad network stays whole."""

    def test_ten_minutes(self) -> None:
        """Nobody is lost, nothing breaks, and at rest all see the same arena."""
        stepper = play(SEED, TEN_MINUTES, predict=False)
        stats = stepper.server.stats()
        seen = f"seed {SEED}: {stats}"
        self.assertEqual(stats["players"], N_PLAYERS, seen)
        self.assertEqual(stats["hook_errors"] + stats["malformed"], 0, seen)
        self.assertGreaterEqual(stats["tick"], TEN_MINUTES, seen)
        self._come_to_rest(stepper)
        present = membership(stepper.server.world)
        for client in stepper.clients:
            self.assertEqual(client.errors, 0, seen)
            lost = client.stats().packets_missed / client.stats().packets_received
            self.assertGreater(lost, 0.02, seen)
            snapshots = client.match.stats()["snapshots"]
            self.assertGreater(snapshots, 0.9 * TEN_MINUTES, seen)
            self.assertEqual(membership(client.world), present, seen)

    def _come_to_rest(self, stepper: Stepper) -> None:
        """Let what is on its way arrive, and what was lost be sent again."""
        stepper.server.ticker.stop()
        stepper.clock.advance(3.0)

    def test_same_seed_same_match(self) -> None:
        """The same seed gives the same worlds on both sides, to the byte."""
        first, second = play(7, HALF_MINUTE), play(7, HALF_MINUTE)
        other = play(8, HALF_MINUTE)
        self.assertEqual(fingerprint(worlds_of(first)), fingerprint(worlds_of(second)))
        self.assertNotEqual(
            fingerprint(worlds_of(first)), fingerprint(worlds_of(other))
        )
        for one, two in zip(first.clients, second.clients, strict=True):
            self.assertEqual(one.stats(), two.stats())
