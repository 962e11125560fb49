# SPDX-License-Identifier: MIT
"""How much memory replication takes, on the server and on the clients of a game."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Component, Game, fixed, quaternion, uint8
from gamenet.replication import HISTORY, Mirror, Priorities, Receiver, Viewer
from gamenet.testing import Stepper
from gamenet.world import World


# -- count --
def network_memory(game, n_entities, n_players):
    """Return the bytes that replication takes for so many entities and players."""
    layout = Mirror(World(game.components, 1)).layout
    n_groups, n_lanes = layout.n_groups, sum(map(len, layout.groups))
    return {
        "server, ring": n_entities * HISTORY * (12 * n_groups + 4),
        "server, players": n_entities * n_players * 23,
        "client, Python": n_entities * (HISTORY + 1) * (12 * n_groups + 16),
        "client, browser": n_entities * ((HISTORY + 1) * 4 * (n_lanes + 1) + 4),
    }


# -- game --
class Body(Component):
    """Where something is, and which way it looks: two groups of three lanes."""

    x: float = fixed(-1024, 1024, step=1 / 512)
    y: float = fixed(-1024, 1024, step=1 / 512)
    z: float = fixed(-256, 256, step=1 / 512)
    turn: tuple = quaternion(10)


class Health(Component):
    """One group of one lane."""

    points: int = uint8()


class Arena(Game):
    """Two components."""

    components = [Body, Health]
    max_entities = 1000


# -- end --
def array_bytes(owner: Any) -> int:
    """Return the bytes of all arrays that an object holds."""
    return sum(each.nbytes for each in vars(owner).values() if is_array(each))


def is_array(value: Any) -> bool:
    """Return whether a value is an array."""
    return isinstance(value, np.ndarray)


class MemoryTests(SynchronousTestCase):
    """The formulas are those of the arrays that there are."""

    def setUp(self) -> None:
        """Count for a thousand entities and ten players."""
        self.world = World(Arena.components, 1000)
        self.counted = network_memory(Arena, 1000, 10)

    def test_numbers(self) -> None:
        """The numbers of the guide."""
        self.assertEqual(
            self.counted,
            {
                "server, ring": 2_048_000,
                "server, players": 230_000,
                "client, Python": 2_508_000,
                "client, browser": 1_456_000,
            },
        )

    def test_server(self) -> None:
        """The ring, and what is kept of each player."""
        mirror = Mirror(self.world)
        ring = mirror._ring.nbytes + mirror._changed_at.nbytes  # noqa: SLF001
        self.assertEqual(self.counted["server, ring"], ring)
        each = array_bytes(Viewer(1, 1000)) + array_bytes(Priorities(1000))
        self.assertEqual(self.counted["server, players"], 10 * each)

    def test_client(self) -> None:
        """The history of a client that has seen every row."""
        receiver = Receiver(self.world)
        history = receiver._history  # noqa: SLF001
        history.make_room(999)
        n_bytes = array_bytes(history) + receiver._doubted.nbytes  # noqa: SLF001
        self.assertLessEqual(n_bytes, self.counted["client, Python"])
        self.assertGreater(n_bytes, 0.9 * self.counted["client, Python"])

    def test_growth(self) -> None:
        """A client's history grows with the highest row in use, doubling."""
        stepper = Stepper.of(Arena, n_clients=1)
        world = stepper.server.world
        history = stepper.clients[0].match._receiver._history  # noqa: SLF001
        sizes = []
        for n in (1, 64, 1, 200):
            world.spawn_rows(n, Health(points=1))
            stepper.tick(5)
            sizes.append(history._n_rows)  # noqa: SLF001
        self.assertEqual(sizes, [64, 128, 128, 512])
