# SPDX-License-Identifier: MIT
"""The fields of fixed width."""

from __future__ import annotations

import random
import struct
from enum import Enum, IntEnum, IntFlag

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire import (
    Field,
    Schema,
    angle,
    array,
    enum,
    fixed,
    float16,
    float32,
    float64,
    nested,
    quaternion,
    uint8,
    uint16,
)
from gamenet.wire.emit import ReadEmitter, WriteEmitter
from gamenet.wire.fields import NUMBERS, NumberField, enum_from_members
from tests.strategies import FIXED_WIDTH, Colour, Region, value


def schema_of(field: Field) -> type[Schema]:
    """Return a schema with one field, `f`."""
    return type(Schema)("One", (Schema,), {"f": field})


class NumberTests(SynchronousTestCase):
    """Integers and floats."""

    def test_little_endian(self) -> None:
        """Each number is what `struct` packs little-endian."""
        for kind, (code, _, _) in NUMBERS.items():
            schema = schema_of(NumberField(kind, 0))
            number = 1.5 if "float" in kind else 101
            self.assertEqual(schema(number).encode(), struct.pack("<" + code, number))

    def test_bounds(self) -> None:
        """The smallest and largest integer travel; the next ones are refused."""
        for kind in NUMBERS:
            field = NumberField(kind, 0)
            lo, hi = field.bounds
            if field.is_float:
                self.assertEqual((lo, hi), (0, 0))
                continue
            schema = schema_of(field)
            for number in (lo, hi):
                self.assertEqual(schema.decode(schema(number).encode()).f, number)
            for number in (lo - 1, hi + 1):
                with self.assertRaisesRegex(LocalProtocolError, f"One.f = {number} "):
                    schema(number).encode()

    def test_too_large_floats(self) -> None:
        """A float beyond the format is refused; infinity is in it."""
        for declare, large in (
            (float16, 65520.0),
            (float32, 3.5e38),
            (float64, 10**400),
        ):
            schema = schema_of(declare())
            with self.assertRaisesRegex(LocalProtocolError, r"One\.f"):
                schema(large).encode()
            infinite = schema(float("-inf"))
            self.assertEqual(schema.decode(infinite.encode()), infinite)

    def test_nan(self) -> None:
        """NaN travels as NaN, though not each of its bit patterns."""
        for declare in (float16, float32, float64):
            schema = schema_of(declare())
            again = schema.decode(schema(float("nan")).encode()).f
            self.assertNotEqual(again, again)

    def test_bounds_of_words(self) -> None:
        """A word is the smallest that holds the highest number."""
        for field, size in (
            (fixed(0, 255, step=1), 1),
            (fixed(0, 256, step=1), 2),
            (fixed(0, 1, step=2**-16), 4),
            (fixed(0, 1, step=2**-32), 8),
            (angle(8), 1),
            (angle(9), 2),
            (angle(17), 4),
            (quaternion(2), 1),
            (quaternion(4), 2),
            (quaternion(10), 4),
            (quaternion(11), 8),
            (enum(Colour), 1),
            (enum(Region), 2),
        ):
            self.assertEqual(field.word_size, size, field.layout)


class EnumTests(SynchronousTestCase):
    """Members of an Enum."""

    def test_decodes_to_members(self) -> None:
        """What comes back is the member; its number will do for sending."""
        schema = schema_of(enum(Region))
        self.assertIs(schema.decode(b"\x00\x01").f, Region.SOUTH)
        self.assertEqual(schema(Region.WEST).encode(), b"\xff\xff")
        self.assertEqual(schema(256).encode(), b"\x00\x01")
        self.assertIs(schema().f, Region.NORTH)
        self.assertIs(schema_of(enum(Region, Region.WEST))().f, Region.WEST)

    def test_unknown_number(self) -> None:
        """A number that is no member's is refused, either way."""
        schema = schema_of(enum(Colour))
        with self.assertRaisesRegex(RemoteProtocolError, "7"):
            schema.decode(b"\x07")
        for bad in (7, "RED", None, Region.NORTH):
            with self.assertRaisesRegex(LocalProtocolError, r"One\.f = "):
                schema(bad).encode()

    def test_columns(self) -> None:
        """A column holds numbers, all of them members'."""
        field = enum(Colour)
        words = np.array([0, 255, 5], np.uint8)
        self.assertEqual(field.column_of(words).tolist(), [0, 255, 5])
        with self.assertRaisesRegex(ValueError, "7 is not a value of Colour"):
            field.column_of(np.array([5, 7], np.uint8))

    def test_illegal_enums(self) -> None:
        """An Enum without members, with other values, or of flags is refused."""
        for members in (
            Enum("Empty", {}),
            Enum("Words", {"A": "a"}),
            IntEnum("Low", {"A": -1}),
            IntEnum("High", {"A": 65536}),
            IntFlag("Combined", {"A": 1, "B": 2}),
        ):
            with self.assertRaises(SchemaError):
                enum(members)

    def test_rebuilt(self) -> None:
        """An enum is rebuilt from the names and numbers of its description."""
        rebuilt = enum_from_members(enum(Region).parameters()["members"])
        self.assertEqual(
            {member.name: member.value for member in rebuilt},
            {"NORTH": 3, "SOUTH": 256, "WEST": 65535},
        )

    def test_not_rebuilt(self) -> None:
        """Names that Enum would take for hooks of its own are refused."""
        for members in (
            {"_missing_": 5, "A": 1},
            {"__init__": 1, "A": 1},
            {"_": 1},
            {"not a name": 1},
            {"A": "1"},
            {"A": 1.5},
            {"A": True},
        ):
            with self.assertRaisesRegex(SchemaError, "identifier"):
                enum_from_members(members)


class FieldTests(SynchronousTestCase):
    """What all fields have in common."""

    def test_defaults(self) -> None:
        """A default that can be changed is a new one in each instance."""

        class Point(Schema):
            """Two numbers."""

            x: int = uint8(3)

        class Holder(Schema):
            """Defaults that are made, and one that is not."""

            items: list[int] = array(uint8(), 9)
            point: Point = nested(Point)
            number: int = uint16(7)

        first, second = Holder(), Holder()
        first.items.append(1)
        first.point.x = 9
        self.assertEqual(second, Holder([], Point(3), 7))
        factories = [field.default_factory for field in Holder.schema_fields]
        self.assertEqual(factories, [list, Point, None])

    @given(FIXED_WIDTH, st.data())
    def test_columns_hold_values(self, field: Field, data: st.DataObject) -> None:
        """The column of a field gives back the values that were put into it."""
        drawn = [value(data.draw, field) for _ in range(3)]
        numbers = [getattr(v, "value", v) for v in drawn]
        column = np.array(numbers, field.column_dtype)
        self.assertEqual(column.shape[1:], field.column_shape)
        if field.kind in ("flag", "nbits"):
            return  # they have words of their own only together, as a run
        again = field.column_of(field.words_of(column))
        self.assertEqual(again.tolist(), column.tolist())
        self.assertEqual(again.dtype, column.dtype)

    @given(FIXED_WIDTH, st.integers(0, 99))
    def test_samples(self, field: Field, seed: int) -> None:
        """A sample is a legal value that survives the wire unchanged."""
        schema = schema_of(field)
        sampled = schema(field.sample(random.Random(seed)))
        if field.kind in ("float16", "float32"):
            sampled = schema.decode(sampled.encode())
        self.assertEqual(schema.decode(sampled.encode()), sampled)

    def test_what_a_kind_must_say(self) -> None:
        """A new kind of field says its declaration, its source, sample and layout."""
        field = Field(0)
        self.assertEqual(field.parameters(), {})
        for missing in (
            field.subcon,
            lambda: field.write_code(WriteEmitter(), "value"),
            lambda: field.read_code(ReadEmitter(), "target"),
            lambda: field.sample(random.Random(1)),
            lambda: field.layout,
        ):
            with self.assertRaises(NotImplementedError):
                missing()

    @given(FIXED_WIDTH)
    def test_layout(self, field: Field) -> None:
        """Each field can say its bytes in words."""
        self.assertTrue(field.layout)
        self.assertIn("kind", field.describe())
