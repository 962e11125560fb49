# SPDX-License-Identifier: MIT
"""Tests of queries."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.world import World
from tests.world.shapes import Dead, Everything, Health, Position, Velocity


class QueryTests(SynchronousTestCase):
    """A query gives the rows that match now."""

    def setUp(self) -> None:
        self.world = World([Position, Velocity, Health, Dead], capacity=16)
        self.still = self.world.spawn(Position())
        self.moving = self.world.spawn(Position(), Velocity())
        self.body = self.world.spawn(Position(), Velocity(), Dead())
        self.bare = self.world.spawn()

    def test_all_of(self) -> None:
        """Rows have every component that is asked for, in ascending order."""
        self.assertEqual(self.world.query(Position).tolist(), [0, 1, 2])
        self.assertEqual(self.world.query(Velocity, Position).tolist(), [1, 2])
        self.assertEqual(self.world.query(Health).tolist(), [])
        self.assertEqual(self.world.query(Position).dtype, np.intp)

    def test_none_of(self) -> None:
        """Rows have no component that is excluded."""
        self.assertEqual(self.world.query(Position, without=(Dead,)).tolist(), [0, 1])
        self.assertEqual(
            self.world.query(Position, without=[Dead, Velocity]).tolist(), [0]
        )

    def test_everybody(self) -> None:
        """Without components to have, every living entity matches."""
        self.assertEqual(self.world.query().tolist(), [0, 1, 2, 3])
        self.assertEqual(self.world.query(without=(Dead,)).tolist(), [0, 1, 3])
        self.world.despawn(self.bare)
        self.assertEqual(self.world.query().tolist(), [0, 1, 2])
        self.world.spawn()
        self.assertEqual(self.world.query().tolist(), [0, 1, 2, 3])

    def test_remembered(self) -> None:
        """The same array answers until membership changes, whatever is written."""
        rows = self.world.query(Position, Velocity)
        self.world[self.moving, Position].x = 4.0
        self.world.add(self.still, Health())
        self.assertIs(self.world.query(Position, Velocity), rows)
        self.world.add(self.still, Velocity())
        self.assertEqual(self.world.query(Position, Velocity).tolist(), [0, 1, 2])
        self.assertEqual(rows.tolist(), [1, 2])

    def test_every_change_counts(self) -> None:
        """Adding, removing, spawning and despawning all show, one or many."""
        world = self.world

        def matching() -> list[int]:
            rows: list[int] = world.query(Position, without=(Dead,)).tolist()
            return rows

        self.assertEqual(matching(), [0, 1])
        world.add(self.moving, Dead())
        self.assertEqual(matching(), [0])
        world.remove(self.moving, Dead)
        self.assertEqual(matching(), [0, 1])
        world.despawn(self.still)
        self.assertEqual(matching(), [1])
        world.spawn_rows(2, Position())
        self.assertEqual(matching(), [0, 1, 4])
        world.despawn_rows([1, 4])
        self.assertEqual(matching(), [0])

    def test_read_only(self) -> None:
        """An answer that others share cannot be written."""
        with self.assertRaises(ValueError):
            self.world.query(Position)[0] = 3

    def test_unknown_component(self) -> None:
        """A component that the world does not have is named, each time."""
        for _ in range(2):
            error = self.assertRaises(LocalProtocolError, self.world.query, Everything)
            self.assertIn("Everything", str(error))
