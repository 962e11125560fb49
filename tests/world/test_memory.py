# SPDX-License-Identifier: MIT
"""Tests of where the arrays of a world lie."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import SchemaError
from gamenet.world.memory import Layout, Memory, new_block
from tests.world.shapes import Dead, Everything, Position, Velocity


class LayoutTests(SynchronousTestCase):
    """Where arrays lie."""

    def test_apart(self) -> None:
        """No two arrays overlap, whatever the components and the capacity."""
        for capacity in (1, 3, 8, 65):
            layout = Layout([Everything, Position, Dead, Velocity], capacity)
            block = np.zeros(layout.n_bytes, np.uint8)
            for array in layout.views(block).values():
                array.view(np.uint8)[...] += 1
            self.assertLessEqual(int(block.max()), 1)

    def test_equal(self) -> None:
        """Layouts are equal where their worlds have the same shape."""
        self.assertEqual(Layout([Position], 5), Layout([Position], 5))
        self.assertEqual(hash(Layout([Position], 5)), hash(Layout([Position], 5)))
        self.assertNotEqual(Layout([Position], 5), Layout([Position], 6))
        self.assertNotEqual(Layout([Position], 5), "a layout")

    def test_one_block(self) -> None:
        """All arrays lie in one block, which begins with who is alive."""
        memory = Memory(Layout([Position, Dead], 3))
        memory.arrays[None, "alive"][2] = True
        self.assertEqual(memory.block[:3].tolist(), [0, 0, 1])
        self.assertEqual(memory.room.find(1), memory.begin + 2)
        for array in memory.arrays.values():
            array.view(np.uint8)[...] = 1
        self.assertEqual(len(memory.structure) + len(memory.values), len(memory.block))
        for block in (memory.block, new_block(memory.layout)):
            self.assertEqual(block.ctypes.data % 64, 0)
            self.assertEqual(len(block), memory.layout.n_bytes)
        self.assertTrue(memory.structure.any() and memory.values.any())

    def test_table(self) -> None:
        """The columns of one kind are one array, over the same memory."""
        memory = Memory(Layout([Position, Everything, Dead], 3))
        table = memory.table(Position)
        table[1, 2] = 4.0
        self.assertEqual(memory.arrays[Position, "y"].tolist(), [0.0, 0.0, 4.0])
        self.assertIsNone(memory.table(Everything))
        self.assertIsNone(memory.table(Dead))

    def test_refused(self) -> None:
        """What is no component, or is there twice, is refused by its name."""
        for wrong in ([Position, Position], [Position, int], [3]):
            self.assertRaises(SchemaError, Layout, wrong, 4)
