# SPDX-License-Identifier: MIT
"""Settings of single entities, read as one value for each row."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.replication.sync_settings import (
    SyncSettings,
    apply_dirty,
    dirty_mask,
    row_hidden,
    row_period,
    row_priority,
)
from gamenet.wire import uint8
from gamenet.world import Component, World


class Level(Component):
    """Something."""

    level: int = uint8()


class Other(Component):
    """Something else."""


class RowTests(SynchronousTestCase):
    """One value for each row."""

    def setUp(self) -> None:
        self.world = World([Level, SyncSettings], 4)

    def test_without(self) -> None:
        """A world without settings has the values that hold by default."""
        world = World([Level], 3)
        world.spawn(Level())
        self.assertEqual(row_priority(world).tolist(), [1, 1, 1])
        self.assertEqual(row_hidden(world).tolist(), [False] * 3)
        self.assertEqual(row_period(world, 30).tolist(), [1, 1, 1])
        self.assertEqual(apply_dirty(world).tolist(), [])

    def test_priority(self) -> None:
        """Priorities are those of the entities; the same array may take them again."""
        self.world.spawn(Level())
        entity = self.world.spawn(SyncSettings(priority=2.5))
        out = np.zeros(4, np.float32)
        self.assertIs(row_priority(self.world, out), out)
        self.assertEqual(out.tolist(), [1, 2.5, 1, 1])
        self.world.despawn(entity)
        self.assertEqual(row_priority(self.world, out).tolist(), [1, 1, 1, 1])

    def test_hidden(self) -> None:
        """A row is hidden while its entity is there and says so."""
        self.world.spawn(SyncSettings())
        entity = self.world.spawn(SyncSettings(hidden=True))
        self.assertEqual(row_hidden(self.world).tolist(), [False, True, False, False])
        self.world.despawn(entity)
        self.assertFalse(row_hidden(self.world).any())

    def test_period(self) -> None:
        """A frequency is a number of ticks, at least one."""
        for frequency in (0, 10, 1000, 0.5):
            self.world.spawn(SyncSettings(frequency=frequency))
        self.assertEqual(row_period(self.world, 30).tolist(), [1, 3, 1, 60])

    def test_tiny_frequency(self) -> None:
        """Next to never is a long time, and no error."""
        self.world.spawn(SyncSettings(frequency=1e-300))
        self.assertEqual(row_period(self.world, 1000)[0], 1_000_000_000)
        self.assertEqual(row_period(self.world, 1e6)[0], 0x7FFFFFFF)


class DirtyTests(SynchronousTestCase):
    """Components that are to count as changed."""

    def test_mask(self) -> None:
        """Bits stand for components in the world's order."""
        world = World([Level, Other, SyncSettings], 4)
        self.assertEqual(dirty_mask(world), 0)
        self.assertEqual(dirty_mask(world, Other), 2)
        self.assertEqual(dirty_mask(world, Level, Other, Other), 3)

    def test_refusals(self) -> None:
        """A component that has no bit is refused."""
        many = [type(f"C{i}", (Component,), {}) for i in range(33)]
        world = World(many, 1)
        self.assertEqual(dirty_mask(world, many[31]), 1 << 31)
        error = self.assertRaises(LocalProtocolError, dirty_mask, world, many[32])
        self.assertIn("C32 is component 32", str(error))
        error = self.assertRaises(LocalProtocolError, dirty_mask, world, Level)
        self.assertIn("Level is no component of this world", str(error))

    def test_once(self) -> None:
        """A bit works once."""
        world = World([Level, SyncSettings], 4)
        entity = world.spawn(Level(), SyncSettings(dirty=1))
        ticks = world.columns(Level).changed_tick
        for tick in (1, 2):
            world.tick = tick
            apply_dirty(world)
        self.assertEqual(ticks[0], 1)
        self.assertEqual(world[entity, SyncSettings].dirty, 0)

    def test_new_settings(self) -> None:
        """With new settings everything counts once, and only of that entity."""
        many = [type(f"C{i}", (Component,), {}) for i in range(33)]
        world = World([*many, SyncSettings], 4)
        for _ in range(2):
            entity = world.spawn(many[0](), many[32](), SyncSettings())
        world.tick = 1
        world[entity, SyncSettings].frequency = 10
        self.assertEqual(apply_dirty(world).tolist(), [1])
        for component in (many[0], many[32]):
            ticks = world.columns(component).changed_tick[:2]
            self.assertEqual(ticks.tolist(), [0, 1])
        world.tick = 2
        self.assertEqual(apply_dirty(world).tolist(), [])

    @settings(max_examples=40)
    @given(
        st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 7)), max_size=6)
    )
    def test_marks(self, rows: list[tuple[bool, bool, int]]) -> None:
        """Just the components whose bit is set, and that are there, are marked."""
        world = World([Level, Other, SyncSettings], 8)
        for has_level, has_other, mask in rows:
            parts = [Level()] * has_level + [Other()] * has_other
            world.spawn(*parts, SyncSettings(dirty=mask))
        world.tick = 3
        touched = apply_dirty(world)
        for number, component in enumerate((Level, Other)):
            marked = world.columns(component).changed_tick == 3
            wanted = [bool(each[number] and each[2] >> number & 1) for each in rows]
            self.assertEqual(marked[: len(rows)].tolist(), wanted)
        wanted = [i for i, each in enumerate(rows) if each[2]]
        self.assertEqual(touched.tolist(), wanted)
