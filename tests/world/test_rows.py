# SPDX-License-Identifier: MIT
"""Tests of row allocation."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, StaleEntityError, WorldFullError
from gamenet.world import entity_generation, entity_id, entity_row
from gamenet.world.entity import EntityId
from gamenet.world.memory import Layout, Memory
from gamenet.world.rows import Rows


def rows_of(capacity: int) -> Rows:
    """Return the rows of an empty world without components."""
    return Rows(Memory(Layout([], capacity)))


class RowsTests(SynchronousTestCase):
    """The lowest free row comes first, and each use has a new generation."""

    def setUp(self) -> None:
        self.rows = rows_of(4)

    def take(self, owner: int = 0) -> EntityId:
        return self.rows.take_next(self.rows.lowest_free(), owner)

    def test_lowest_first(self) -> None:
        """Rows are taken in ascending order, and freed ones before higher ones."""
        taken = [entity_row(self.take()) for _ in range(4)]
        self.assertEqual(taken, [0, 1, 2, 3])
        for row in (3, 1):
            self.rows.release(row)
        self.assertEqual([entity_row(self.take()) for _ in range(2)], [1, 3])

    def test_generations(self) -> None:
        """A row's generation is 0 before any use, 1 in the first, and rises."""
        self.assertEqual(self.rows.generation.tolist(), [0, 0, 0, 0])
        self.assertEqual(entity_generation(self.take()), 1)
        self.rows.release(0)
        self.assertEqual(self.rows.generation[0], 1)
        self.assertEqual(entity_generation(self.take()), 2)

    def test_full(self) -> None:
        """A full world says how many rows it has."""
        for _ in range(4):
            self.take()
        error = self.assertRaises(WorldFullError, self.rows.lowest_free)
        self.assertIn("0 of 4 rows", str(error))
        self.rows.release(2)
        error = self.assertRaises(WorldFullError, self.rows.lowest_free_rows, 2)
        self.assertIn("1 of 4 rows", str(error))
        self.assertEqual(self.rows.lowest_free(), 2)

    def test_negative_batch(self) -> None:
        """A negative number of rows is an error."""
        self.assertRaises(LocalProtocolError, self.rows.lowest_free_rows, -1)

    def test_owner(self) -> None:
        """A row has its owner as long as it is taken."""
        self.take(owner=9)
        self.assertEqual(self.rows.owner.tolist(), [9, 0, 0, 0])
        self.rows.release(0)
        self.assertEqual(self.rows.owner.tolist(), [0, 0, 0, 0])

    def test_ids(self) -> None:
        """Ids are known for taken rows, and an error for others."""
        entities = [self.take(), self.take()]
        self.assertEqual([self.rows.id_of(0), self.rows.id_of(1)], entities)
        self.assertEqual(self.rows.ids_of(np.array([1, 0])).tolist(), entities[::-1])
        for row in (2, 4, -1):
            self.assertRaises(StaleEntityError, self.rows.id_of, row)
        error = self.assertRaises(StaleEntityError, self.rows.ids_of, np.array([0, 3]))
        self.assertIn("row 3", str(error))

    def test_read_only(self) -> None:
        """Who lives and in which generation cannot be written from outside."""
        for array in (self.rows.alive, self.rows.generation):
            self.assertFalse(array.flags.writeable)

    def test_stale(self) -> None:
        """A stale id is told why: reused row, free row, no row, no id."""
        first = self.take()
        self.rows.release(0)
        for entity, why in (
            (first, "its row is free"),
            (entity_id(9, 1), "rows go from 0 to 3"),
            (5, "World.id_of(row)"),
            (None, "no entity id"),
            (-1, "no entity id"),
        ):
            error = self.assertRaises(StaleEntityError, self.rows.row_of, entity)
            self.assertIn(why, str(error))
        self.take()
        error = self.assertRaises(StaleEntityError, self.rows.row_of, first)
        self.assertIn("now holds generation 2", str(error))

    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("take"), st.integers(0, 5)),
                st.tuples(st.just("release"), st.sets(st.integers(0, 5))),
            ),
            max_size=20,
        )
    )
    def test_batches_are_singles(self, steps: list[tuple[str, object]]) -> None:
        """Taking and releasing many rows is the same as one at a time."""
        many, single = rows_of(6), rows_of(6)
        for verb, argument in steps:
            if verb == "take" and isinstance(argument, int):
                n_rows = min(argument, 6 - single.n_alive)
                ids = many.take_many(many.lowest_free_rows(n_rows), 4)
                expected = [
                    single.take_next(single.lowest_free(), 4) for _ in range(n_rows)
                ]
                self.assertEqual(ids.tolist(), expected)
            elif isinstance(argument, set):
                rows = [row for row in sorted(argument) if single.alive[row]]
                for row in rows:
                    single.release(row)
                if rows:
                    many.release_many(np.array(rows))
            self.assertEqual(many.alive.tolist(), single.alive.tolist())
            self.assertEqual(many.owner.tolist(), single.owner.tolist())
            self.assertEqual(many.generation.tolist(), single.generation.tolist())
            self.assertEqual(many.n_alive, single.n_alive)
