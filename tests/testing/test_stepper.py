# SPDX-License-Identifier: MIT
"""Tests of whole matches in simulated time, with the game that README shows."""

from __future__ import annotations

from hashlib import sha256
from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from examples.drift import Drift, Position, Steer
from gamenet.testing import Stepper
from gamenet.transport import Impairment

BAD = Impairment(
    latency=0.04, jitter=0.03, loss=0.1, duplicate=0.05, reorder=0.05, seed=9
)


def position(world: Any, entity: Any) -> tuple[float, float]:
    """Return where an entity is."""
    here = world[entity, Position]
    return here.x, here.y


def play(seed: int, n_ticks: int, **impairments: Impairment) -> tuple[Stepper, str]:
    """Play a match of three; return it and a hash of all that the clients received."""
    stepper = Stepper.of(Drift, n_clients=3, seed=seed, **impairments)
    random, digest = Random(seed), sha256()
    for client in stepper.clients:
        carrier = client.match
        original = carrier.receive

        def receive(
            channel: int, payload: bytes, original: Any = original, **times: Any
        ) -> None:
            digest.update(bytes((channel,)) + payload)
            original(channel, payload, **times)

        carrier.receive = receive  # type: ignore[method-assign]

    def steer() -> None:
        for client in stepper.clients:
            x, y = random.randint(-127, 127), random.randint(-127, 127)
            client.send_input(Steer(x=x, y=y))

    stepper.tick(n_ticks, each=steer)
    for client in stepper.clients:
        for name in ("x", "y"):
            digest.update(getattr(client.world.columns(Position), name).tobytes())
    return stepper, digest.hexdigest()


class StepperTests(SynchronousTestCase):
    """A server, its clients and a network, step by step."""

    def test_joined(self) -> None:
        """All clients have joined, know one another and see one entity each."""
        stepper = Stepper.of(Drift, n_clients=3)
        stepper.tick(3)
        self.assertEqual([client.player_id for client in stepper.clients], [1, 2, 3])
        self.assertEqual(sorted(stepper.server.players), [1, 2, 3])
        for client in stepper.clients:
            self.assertEqual(len(client.world), 3)
            self.assertEqual(sorted(client.players), [1, 2, 3])

    def test_ticks(self) -> None:
        """So many ticks are made as were asked for, in the game's own time."""
        stepper = Stepper.of(Drift, n_clients=1)
        before, began = stepper.server.game.tick, stepper.clock.seconds()
        calls: list[int] = []
        stepper.tick(45, each=lambda: calls.append(1))
        self.assertEqual(stepper.server.game.tick, before + 45)
        self.assertAlmostEqual(stepper.clock.seconds() - began, 1.5, places=4)
        self.assertEqual(len(calls), 45)

    def test_input_moves(self) -> None:
        """What a player steers is seen by all, over a perfect network at once."""
        stepper = Stepper.of(Drift, n_clients=2)
        stepper.tick(2)
        first, second = stepper.clients
        avatar = stepper.server.players[1].avatar
        for _ in range(10):
            first.send_input(Steer(x=127, y=-127))
            stepper.tick()
        stepper.tick()
        self.assertEqual(position(stepper.server.world, avatar), (10, -10))
        for client in (first, second):
            self.assertEqual(position(client.world, avatar), (10, -10))

    def test_late_joiner(self) -> None:
        """Who joins later sees what is there; who leaves is gone for all."""
        stepper = Stepper.of(Drift, n_clients=1)
        stepper.tick(5)
        late = stepper.join("late")
        stepper.tick(2)
        self.assertEqual(len(late.world), 2)
        late.close()
        stepper.until(lambda: len(stepper.server.players) == 1)
        stepper.tick(3)
        self.assertEqual(list(stepper.clients[0].players), [1])

    def test_bad_network(self) -> None:
        """Over a bad network the clients still end with what the server has."""
        stepper, _ = play(5, 300, up=BAD, down=BAD)
        server = stepper.server.world
        avatars = [player.avatar for player in stepper.server.players.values()]

        def agree() -> bool:
            return all(
                position(client.world, avatar)
                == tuple(round(v * 64) / 64 for v in position(server, avatar))
                for client in stepper.clients
                for avatar in avatars
            )

        stepper.until(agree, limit=90)
        self.assertEqual(len(avatars), 3)

    def test_same_seed(self) -> None:
        """The same seed gives the same match to the byte, another seed another."""
        results = [play(seed, 150, up=BAD, down=BAD)[1] for seed in (7, 7, 8)]
        self.assertEqual(results[0], results[1], "seed 7")
        self.assertNotEqual(results[0], results[2])

    def test_until(self) -> None:
        """What does not come about is an error that tells the seed."""
        stepper = Stepper.of(Drift, seed=42)
        self.assertEqual(stepper.until(lambda: stepper.server.game.tick >= 7), 7)
        error = self.assertRaises(
            AssertionError, stepper.until, lambda: False, limit=10
        )
        self.assertIn("after 10 ticks (seed 42)", str(error))
