# SPDX-License-Identifier: MIT
"""Tests of entity ids and generations."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.world import entity_generation, entity_id, entity_row
from gamenet.world.entity import (
    NOBODY,
    describe_entity,
    entity_ids,
    following_generation,
    following_generations,
)

uint32s = st.integers(0, (1 << 32) - 1)


class EntityIdTests(SynchronousTestCase):
    """An id holds a row and a generation, and gives both back."""

    @given(uint32s, uint32s)
    def test_parts(self, row: int, generation: int) -> None:
        """What an id was made of can be read from it."""
        entity = entity_id(row, generation)
        self.assertEqual(entity_row(entity), row)
        self.assertEqual(entity_generation(entity), generation)

    @given(st.lists(st.tuples(uint32s, uint32s), max_size=5))
    def test_batch(self, parts: list[tuple[int, int]]) -> None:
        """A batch of ids is what one at a time gives."""
        rows = np.array([row for row, _ in parts], np.intp)
        generations = np.array([generation for _, generation in parts], np.uint32)
        self.assertEqual(
            entity_ids(rows, generations).tolist(), [entity_id(*both) for both in parts]
        )

    def test_nobody_is_no_entity(self) -> None:
        """The mark for "no entity" names a row that no world can have."""
        self.assertEqual(entity_row(entity_id(0, 0) | NOBODY), (1 << 32) - 1)

    def test_described(self) -> None:
        """Error messages name the id and its parts."""
        text = describe_entity(entity_id(7, 3))
        self.assertIn("row 7", text)
        self.assertIn("generation 3", text)


class GenerationTests(SynchronousTestCase):
    """Generations rise, and never look like none."""

    def test_first_is_one(self) -> None:
        """The first use of a row has generation 1."""
        self.assertEqual(following_generation(0), 1)

    def test_low_bits_are_never_zero(self) -> None:
        """The part that travels in snapshots skips 0, as the whole does."""
        self.assertEqual(following_generation(0xFFFF), 0x10001)
        self.assertEqual(following_generation(0xFFFFFFFF), 1)

    @given(uint32s)
    def test_batch(self, generation: int) -> None:
        """A batch of generations is what one at a time gives."""
        batch = following_generations(np.array([generation, 0], np.uint32))
        self.assertEqual(batch.tolist(), [following_generation(generation), 1])
        self.assertNotEqual(batch[0] & 0xFFFF, 0)
