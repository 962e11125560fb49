# SPDX-License-Identifier: MIT
"""Tests of the layout of a row's words."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication.layout import RowLayout
from gamenet.wire import fixed, float64, quaternion, uint8, uint16, uint32, uint64
from gamenet.world import Component
from tests.replication.test_cells import layouts, needed
from tests.replication.worlds import PRIVATE, Ghost, Hand, Plan


class Mixed(Component):
    """Lanes of 8, 64, 16 and 32 bits."""

    a: int = uint8()
    b: float = float64()
    c: int = uint16()
    d: int = uint32()


class Body(Component):
    """Four groups: a place, a rotation, a large number, and what is left."""

    x: float = fixed(-512, 512, step=1 / 1024)
    y: float = fixed(-512, 512, step=1 / 1024)
    z: float = fixed(-512, 512, step=1 / 1024)
    turn: tuple[float, ...] = quaternion()
    serial: int = uint64()
    last: int = uint8()


class GroupTests(SynchronousTestCase):
    """Lanes stand in groups, as the standard says."""

    def test_identity(self) -> None:
        """First comes who lives there, then of which components it is made."""
        self.assertEqual(RowLayout([]).groups, [(32, 32)])
        self.assertEqual(RowLayout([Ghost]).groups, [(32, 32), (1,)])
        self.assertEqual(RowLayout([Ghost] * 32).groups, [(32, 32), (32,)])
        self.assertEqual(RowLayout([Ghost] * 33).groups, [(32, 32), (32, 1)])
        self.assertEqual(RowLayout([Ghost] * 100).groups, [(32, 32), (32, 32), (32, 4)])

    def test_limits(self) -> None:
        """A group has at most three lanes and 64 bits, and one component."""
        layout = RowLayout([Mixed, Ghost, Body])
        self.assertEqual(
            layout.groups[2:],
            [(8, 32), (32, 16), (32,), (21, 21, 21), (12, 10, 10), (32, 32), (8,)],
        )
        self.assertEqual(
            layout.component_groups, [slice(2, 5), slice(5, 5), slice(5, 9)]
        )
        self.assertEqual(layout.full.tolist(), [8, 1, 5, 6, 4, 8, 4, 8, 1])

    def test_positions(self) -> None:
        """The lanes of a component are found among the words, in their order."""
        layout = RowLayout([Mixed, Ghost, Body])
        n = layout.n_groups
        self.assertEqual(layout.positions[0].tolist(), [2, n + 2, 3, n + 3, 4])
        self.assertEqual(layout.positions[1].tolist(), [])
        self.assertEqual(layout.positions[2].tolist()[:4], [5, n + 5, 2 * n + 5, 6])
        self.assertEqual((layout.generation_position, layout.owner_position), (0, n))

    def test_shapes(self) -> None:
        """Which components a row has is a bit of each."""
        layout = RowLayout([Ghost] * 34)
        present = [np.array([i == 3, i >= 31]) for i in range(34)]
        words = layout.shape_words(present)
        self.assertEqual(words.tolist(), [[1 << 3, 1 << 31], [0, 0b11]])

    @settings(max_examples=30)
    @given(layouts, st.data())
    def test_sizes(self, layout: RowLayout, data) -> None:
        """The bytes that a cell needs are those that the standard says."""
        for g, group in enumerate(layout.groups):
            lane = data.draw(st.integers(0, len(group) - 1))
            for bits in range(1, group[lane] + 1):
                cell = [0] * len(group)
                cell[lane] = (1 << bits) - 1
                self.assertEqual(layout.need[g, bits], needed(group, cell))


class LevelTests(SynchronousTestCase):
    """What is not for a level is masked, values and presence."""

    def test_masks(self) -> None:
        """Each level shows what is for it, and the identity."""
        components = [kind for kind in PRIVATE if kind.sync.audience]
        layout = RowLayout(components)
        self.assertTrue(layout.is_restricted)
        for level in range(8):
            shown = layout.level_masks[:, level]
            self.assertEqual(bool(shown[layout.generation_position]), level > 0)
            self.assertEqual(bool(shown[layout.owner_position]), level > 0)
            for i, kind in enumerate(components):
                is_shown = level & kind.sync.audience > 0
                bit = shown[layout.shape_positions[0]] >> i & 1
                self.assertEqual(bool(bit), is_shown, kind.__name__)
                for position in layout.positions[i]:
                    self.assertEqual(bool(shown[position]), is_shown, kind.__name__)

    def test_open(self) -> None:
        """Where all is for everybody, nothing is masked."""
        layout = RowLayout([Mixed, Ghost])
        self.assertFalse(layout.is_restricted)
        self.assertTrue((layout.level_masks[:, 1::2] == 0xFFFFFFFF).all())
        self.assertFalse(layout.level_masks[:, 0].any())
        self.assertTrue(RowLayout([Ghost, Plan]).is_restricted)
        self.assertTrue(RowLayout([Hand]).is_restricted)
