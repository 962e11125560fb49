# SPDX-License-Identifier: MIT
"""Tests of checksums, and of the first place where worlds differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.world import World, first_difference
from tests.world.shapes import Dead, Everything, Health, Position, Team

CAPACITY = 4


def world_of() -> World:
    """Return a world of two entities, the same each time."""
    world = World([Position, Health, Dead, Everything], CAPACITY)
    world.spawn(Position(1, 2), Health(9), owner=3)
    world.spawn(Health(4), Everything())
    return world


class DifferenceTests(SynchronousTestCase):
    """Entity, component, field and both values are told."""

    def setUp(self) -> None:
        self.one, self.other = world_of(), world_of()
        self.first, self.second = map(self.one.id_of, (0, 1))

    def assert_first(self, *expected: Any) -> None:
        """Check what differs first, both ways round, and that checksums do."""
        self.assertNotEqual(self.one.checksum(), self.other.checksum())
        found = first_difference(self.one, self.other)
        entity, component, field, one, other = expected
        self.assertIsNotNone(found)
        self.assertEqual((found.entity, found.component), (entity, component))
        self.assertEqual((found.field, found.one, found.other), (field, one, other))
        back = first_difference(self.other, self.one)
        self.assertEqual((back.field, back.one, back.other), (field, other, one))

    def test_same(self) -> None:
        """Worlds that are the same have no difference and one checksum."""
        self.assertIsNone(first_difference(self.one, self.other))
        self.assertEqual(self.one.checksum(), self.other.checksum())
        self.assertEqual(self.one.checksum(), self.one.save().checksum())

    def test_value(self) -> None:
        """One value of one field."""
        self.other[self.first, Position].y = 2.5
        self.assert_first(self.first, Position, "y", 2.0, 2.5)
        text = str(first_difference(self.one, self.other))
        for part in ("Position.y", "row 0, generation 1", "2.0", "2.5"):
            self.assertIn(part, text)

    def test_every_kind(self) -> None:
        """A value of any kind of field is found."""
        defaults = Everything()
        changed = {"is_on": True, "team": Team.BLUE, "turn": (0.0, 0.5, 0.0, 1.0)}
        for field in Everything.schema_fields:
            self.one, self.other = world_of(), world_of()
            value = changed.get(field.name, 1)
            setattr(self.other[self.second, Everything], field.name, value)
            found = first_difference(self.one, self.other)
            self.assertNotEqual(self.one.checksum(), self.other.checksum())
            self.assertEqual(found.field, field.name)
            before = getattr(defaults, field.name)
            if field.kind == "enum":
                before, value = before.value, value.value
            self.assertEqual(
                np.asarray(found.one).tolist(), np.asarray(before).tolist()
            )
            self.assertEqual(
                np.asarray(found.other).tolist(), np.asarray(value).tolist()
            )

    def test_bit_by_bit(self) -> None:
        """NaN is like itself, and zero is not like minus zero."""
        for world in (self.one, self.other):
            world[self.first, Position].x = float("nan")
        self.assertIsNone(first_difference(self.one, self.other))
        self.one[self.first, Position].x = 0.0
        self.other[self.first, Position].x = -0.0
        self.assertNotEqual(self.one.checksum(), self.other.checksum())
        self.assertEqual(first_difference(self.one, self.other).field, "x")

    def test_who_lives(self) -> None:
        """An entity that only one of them has, or another one in its row."""
        self.other.despawn(self.first)
        self.assert_first(self.first, None, "id", self.first, None)
        newer = self.other.spawn(Position(1, 2), Health(9), owner=3)
        self.assert_first(self.first, None, "id", self.first, newer)

    def test_only_the_other(self) -> None:
        """An entity that only the second one has is named, too."""
        new = self.other.spawn()
        self.assert_first(new, None, "id", None, new)

    def test_owner(self) -> None:
        """Whose it is."""
        self.other.set_owner(self.first, 5)
        self.assert_first(self.first, None, "owner", 3, 5)

    def test_presence(self) -> None:
        """What it has."""
        self.other.remove(self.first, Health)
        self.assert_first(self.first, Health, "present", True, False)
        self.one.add(self.first, Dead())
        self.other.add(self.first, Health(9))
        self.assert_first(self.first, Dead, "present", True, False)

    def test_left_overs(self) -> None:
        """What nobody has any more, and when it changed, does not count."""
        self.other.columns(Position).x[1:] = 77.0
        gone = self.other.spawn(Health(200), owner=9)
        self.other.despawn(gone)
        self.other.columns(Position).changed([0, 1, 2])
        self.other.tick = 8
        self.assertIsNone(first_difference(self.one, self.other))
        self.assertEqual(self.one.checksum(), self.other.checksum())

    def test_full_world(self) -> None:
        """A component that every row has counts like any other."""
        checksums = set()
        for x in (0.0, 1.0):
            world = World([Position], CAPACITY)
            world.spawn_rows(CAPACITY, Position())
            world.columns(Position).x[CAPACITY - 1] = x
            checksums.add(world.checksum())
        self.assertEqual(len(checksums), 2)

    @given(
        st.lists(
            st.tuples(st.integers(0, 1), st.integers(0, 1), st.sampled_from((0, 1, 2))),
            max_size=8,
        )
    )
    def test_agree(self, writes: list[tuple[int, int, int]]) -> None:
        """There is a difference where the checksums differ, and only there."""
        worlds = [world_of(), world_of()]
        for which, row, points in writes:
            world = worlds[which]
            world[world.id_of(row), Health].points = points
        is_same = worlds[0].checksum() == worlds[1].checksum()
        self.assertEqual(first_difference(*worlds) is None, is_same)
