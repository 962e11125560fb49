# SPDX-License-Identifier: MIT
"""Attributes of objects as columns: the same values, and the same refusals."""

from __future__ import annotations

import math
from enum import IntEnum
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.game import (
    Component,
    World,
    angle,
    enum,
    fixed,
    flag,
    float16,
    float32,
    float64,
    int8,
    int64,
    nbits,
    quaternion,
    uint8,
    uint16,
    uint64,
)
from gamenet.game.attributes import AttributeRows


class Mood(IntEnum):
    """A few members that are not all numbers."""

    CALM = 2
    CROSS = 7


class Everything(Component):
    """A field of every kind of column."""

    place: float = fixed(-8, 8, step=1 / 64)
    heading: float = angle()
    turn: tuple[float, ...] = quaternion()
    half: float = float16()
    single: float = float32()
    double: float = float64()
    tiny: int = int8()
    byte: int = uint8()
    word: int = uint16()
    long: int = int64()
    huge: int = uint64()
    few: int = nbits(3)
    lit: bool = flag()
    mood: Mood = enum(Mood)


class Empty(Component):
    """A tag."""


NAMES = [field.name for field in Everything.schema_fields]
#: What somebody may set an attribute to, by right or by mistake.
ATTEMPTS = [
    *(
        None,
        "1",
        b"1",
        1,
        7,
        8,
        2,
        -1,
        -129,
        300,
        2**63,
        2**70,
        0.5,
        math.inf,
        math.nan,
    ),
    *(True, Mood.CROSS, (), (0, 0, 0, 1), [0.5, 0.5, 0.5, 0.5], (1, 2, 3), (None,) * 4),
    *("wxyz", 1j, [], {}),
]


def same(first: Any, second: Any) -> bool:
    """Tell whether two values are the same, NaN included."""
    return repr(first) == repr(second)


class AttributeRowsTests(SynchronousTestCase):
    """Rows of one component, and objects with its fields."""

    def setUp(self) -> None:
        self.world = World([Everything, Empty], 8)
        self.rows = AttributeRows(self.world, Everything)

    def attach(self, **values: Any) -> tuple[int, SimpleNamespace]:
        """Return a new entity and its object."""
        entity = self.world.spawn(Everything(**values))
        (found,) = self.rows.values_of([entity])
        obj = SimpleNamespace(**found)
        self.rows.attach(entity, obj)
        return entity, obj

    def pull(self) -> None:
        """Write what the objects have changed."""
        self.rows.take(self.rows.read(list(self.rows.held.values())))

    def push(self) -> None:
        """Write what the columns have changed."""
        self.rows.give(list(self.rows.held.values()))

    def test_same_as_row_view(self) -> None:
        """An attribute is taken, or refused, as the row view takes or refuses it."""
        for name, value in product(NAMES, ATTEMPTS):
            self.setUp()
            # A row view says so when a half float overflows.
            with np.errstate(over="ignore"):
                self.compare(name, value)

    def compare(self, name: str, value: Any) -> None:
        """Set one value both ways."""
        twin = self.world.spawn(Everything())
        entity, obj = self.attach()
        setattr(obj, name, value)
        try:
            setattr(self.world[twin, Everything], name, value)
        except LocalProtocolError as error:
            refused = self.assertRaises(LocalProtocolError, self.pull)
            self.assertEqual(
                str(refused), f"the SimpleNamespace of row 1: {error}", (name, value)
            )
        else:
            self.pull()
        shown, wanted = self.world[entity, Everything], self.world[twin, Everything]
        self.assertTrue(same(getattr(shown, name), getattr(wanted, name)))

    @settings(max_examples=60)
    @given(st.randoms(use_true_random=False))
    def test_round_trip(self, random: Any) -> None:
        """Values of columns arrive in attributes as row views show them."""
        self.setUp()
        entity, obj = self.attach()
        self.world.add(entity, Everything.sample(random))
        self.push()
        for name in NAMES:
            wanted = getattr(self.world[entity, Everything], name)
            self.assertTrue(same(getattr(obj, name), wanted), name)
        self.world.tick = 9
        self.pull()
        self.assertNotEqual(self.changed_tick(entity), 9)

    def changed_tick(self, entity: int) -> int:
        """Return when a row was marked as changed."""
        columns = self.world.columns(Everything)
        return int(columns.changed_tick[self.world.row_of(entity)])

    def test_only_changed_rows_are_marked(self) -> None:
        """A row is marked if a value of it differs, and only then."""
        (ada, one), (bob, _), (cy, two) = (self.attach() for _ in range(3))
        self.world.tick = 5
        one.byte, two.turn = 3, (1.0, 0.0, 0.0, 0.0)
        self.pull()
        ticks = [self.changed_tick(entity) for entity in (ada, bob, cy)]
        self.assertEqual(ticks, [5, 0, 5])
        self.world.tick = 6
        self.pull()
        self.assertEqual(self.changed_tick(ada), 5)

    def test_nan_is_no_change(self) -> None:
        """A value that is not a number counts as changed once."""
        entity, obj = self.attach()
        obj.double = math.nan
        for tick in (1, 2):
            self.world.tick = tick
            self.pull()
        self.assertEqual(self.changed_tick(entity), 1)

    def test_each_side_keeps_what_it_changed(self) -> None:
        """Different values of one row may change on both sides."""
        entity, obj = self.attach()
        obj.byte = 3
        self.world[entity, Everything].word = 4
        self.pull()
        self.push()
        self.assertEqual((obj.byte, obj.word), (3, 4))
        shown = self.world[entity, Everything]
        self.assertEqual((shown.byte, shown.word), (3, 4))

    def test_object_keeps_its_precision(self) -> None:
        """What a column rounds, the object that said it keeps."""
        _, obj = self.attach()
        obj.single = 0.1
        self.pull()
        self.push()
        self.assertEqual(obj.single, 0.1)

    def test_missing_attribute(self) -> None:
        """An object without the attribute is named."""
        _, obj = self.attach()
        del obj.byte
        refused = self.assertRaises(LocalProtocolError, self.pull)
        self.assertIn("SimpleNamespace of row 0", str(refused))
        self.assertIn("byte", str(refused))
        refused = self.assertRaises(LocalProtocolError, self.rows.component_of, obj)
        self.assertIn("SimpleNamespace is no Everything", str(refused))

    def test_no_member(self) -> None:
        """A number that is no member is not shown."""
        self.attach()
        self.world.columns(Everything).mood[0] = 3
        refused = self.assertRaises(LocalProtocolError, self.push)
        self.assertIn("a row holds 3, which is no member of Mood", str(refused))

    def test_errors_of_properties(self) -> None:
        """An error that is not about a value is the object's own."""

        class Broken:
            byte = property(lambda self: {}["gone"])

        rows = AttributeRows(self.world, Everything, ("byte",))
        rows.attach(self.world.spawn(Everything()), None)
        self.assertRaises(KeyError, rows.read, [Broken()])

    def test_unknown_field(self) -> None:
        """Names are fields of the component."""
        refused = self.assertRaises(
            LocalProtocolError, AttributeRows, self.world, Everything, ["bite"]
        )
        self.assertIn("Everything has no field 'bite': it has place", str(refused))
        refused = self.assertRaises(
            LocalProtocolError, AttributeRows, self.world, Empty, ["bite"]
        )
        self.assertIn("it has none", str(refused))

    def test_tag(self) -> None:
        """A component without fields has members, and nothing to read."""
        rows = AttributeRows(self.world, Empty)
        entity = self.world.spawn(Empty())
        self.assertEqual(rows.appeared(), [entity])
        self.assertEqual(rows.values_of([entity]), [{}])
        rows.attach(entity, "holder")
        self.assertEqual((rows.appeared(), rows.read(["x"])), ([], []))
        self.assertEqual(rows.detach(entity), "holder")
        self.assertIsNone(rows.detach(entity))

    def test_gone(self) -> None:
        """Entities without the component are gone, also where others live now."""
        first, _ = self.attach()
        second, _ = self.attach()
        third, _ = self.attach()
        self.assertEqual(self.rows.gone(), [])
        self.world.despawn(first)
        self.world.remove(third, Everything)
        later, _ = self.attach()
        self.assertEqual(self.world.row_of(later), 0)
        self.assertEqual(self.rows.gone(), [first, third])
        for entity in (first, third):
            self.rows.detach(entity)
        self.assertEqual((self.rows.gone(), self.rows.appeared()), ([], []))
        self.assertEqual(list(self.rows.held), [second, later])
        self.rows.detach(later)
        self.assertEqual(self.rows.appeared(), [later])
