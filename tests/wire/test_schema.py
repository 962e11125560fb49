# SPDX-License-Identifier: MIT
"""Schema classes."""

from __future__ import annotations

import copy
import pickle
import random
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire import Schema, array, float32, nested, text, uint8, uint16
from tests.strategies import schemas


class Point(Schema):
    """Two numbers."""

    KIND: ClassVar[str] = "plane"
    x: int = uint8()
    y: int = uint8(2)

    def total(self) -> int:
        """Return the sum, to show that a schema may have methods."""
        return self.x + self.y


class Solid(Point):
    """A point with a third number."""

    z: int = uint8()


class Renamed(Point):
    """A point by another name."""


class Empty(Schema):
    """Nothing but its own arrival."""


def declare(**body: object) -> type[Schema]:
    """Return a schema class of this body."""
    return type(Schema)("Made", (Schema,), body)


class InstanceTests(SynchronousTestCase):
    """Instances of a schema."""

    def test_construction(self) -> None:
        """Fields are given by position or by name, or have their defaults."""
        for point in (Point(1, 2), Point(1), Point(x=1), Point(1, y=2)):
            self.assertEqual((point.x, point.y), (1, 2))

    def test_wrong_arguments(self) -> None:
        """Arguments that are no fields are a TypeError that names the fields."""
        for make in (
            lambda: Point(1, 2, 3),
            lambda: Point(z=1),
            lambda: Point(1, x=1),
            lambda: Empty(1),
        ):
            error = self.assertRaises(TypeError, make)
            self.assertRegex(
                str(error), r"(Point|Empty)\(\).*: it has (x, y|no fields)$"
            )

    def test_slots(self) -> None:
        """An instance has its fields and nothing else: a misspelling is an error."""
        with self.assertRaises(AttributeError):
            Point().z = 1
        self.assertFalse(hasattr(Point(), "__dict__"))
        self.assertFalse(hasattr(Solid(), "__dict__"))

    def test_equality(self) -> None:
        """Instances compare by class and values, and have no hash."""
        self.assertEqual(Point(1, 2), Point(1, 2))
        self.assertNotEqual(Point(1, 2), Point(1, 3))
        self.assertNotEqual(Point(1, 2), Solid(1, 2))
        self.assertNotEqual(Point(1, 2), (1, 2))
        with self.assertRaises(TypeError):
            hash(Point())

    def test_repr(self) -> None:
        """An instance shows how to make it."""
        self.assertEqual(repr(Point(1, 2)), "Point(x=1, y=2)")

    def test_copies(self) -> None:
        """Instances can be copied."""
        for again in (copy.copy(Point(3)), copy.deepcopy(Point(3))):
            self.assertEqual(again, Point(3))
        self.assertEqual(pickle.loads(pickle.dumps(Point(3))), Point(3))

    @given(schemas(), st.integers(0, 99))
    def test_samples(self, schema: type[Schema], seed: int) -> None:
        """Random instances can be sent, and the same seed gives the same one."""
        sample = schema.sample(random.Random(seed))
        self.assertEqual(schema.sample(random.Random(seed)), sample)
        schema.decode(sample.encode())


class InheritanceTests(SynchronousTestCase):
    """A schema may extend another."""

    def test_fields(self) -> None:
        """Inherited fields come first; methods and constants are inherited too."""
        self.assertEqual([f.name for f in Solid.schema_fields], ["x", "y", "z"])
        self.assertEqual(Solid(1, 2, 3).encode(), b"\1\2\3")
        self.assertEqual(Solid.decode(b"\1\2\3").total(), 3)
        self.assertEqual(Solid.KIND, "plane")

    def test_no_fields_of_its_own(self) -> None:
        """A subclass without fields decodes to itself, and encodes only itself."""
        again = Renamed.decode(Renamed(1, 2).encode())
        self.assertIs(type(again), Renamed)
        self.assertEqual(again, Renamed(1, 2))
        with self.assertRaisesRegex(LocalProtocolError, "is not a Renamed"):
            Renamed.encode(5)

    def test_overriding(self) -> None:
        """A schema may have an `encode` or `decode` of its own."""

        class Loud(Point):
            """A point that encodes in its own way."""

            def encode(self) -> bytes:
                """Return the bytes, twice."""
                return self.codec.encode(self) * 2

        self.assertEqual(Loud(1, 2).encode(), b"\1\2\1\2")
        self.assertEqual(Loud.decode(b"\1\2"), Loud(1, 2))

    def test_twice(self) -> None:
        """A field cannot be declared again in a subclass."""
        with self.assertRaisesRegex(SchemaError, r"Again\.x cannot be a field"):
            type(Schema)("Again", (Point,), {"x": uint16()})

    def test_after_appended(self) -> None:
        """Only appended fields can follow appended ones."""
        grown = declare(a=uint8(), b=uint8(appended=True))
        type(Schema)("More", (grown,), {"c": uint8(appended=True)})
        with self.assertRaisesRegex(SchemaError, "after all others"):
            type(Schema)("Less", (grown,), {"c": uint8()})


class DeclarationTests(SynchronousTestCase):
    """What cannot be declared."""

    def test_names(self) -> None:
        """A name that a schema or the generated source uses cannot be a field's."""
        for name in (
            "encode",
            "schema_fields",
            "codec",
            "self",
            "class",
            "None",
            "__x",
            "__class__",
            "__dict__",
            "ﬁ",  # one letter, which Python reads as two
        ):
            with self.assertRaisesRegex(SchemaError, "cannot be a field"):
                declare(**{name: uint8()})

    def test_unusual_names(self) -> None:
        """Other identifiers can be, whatever the generated source has locals for."""
        names = ["m", "data", "at", "parts", "out", "_x", "größe", "make", "blank"]
        schema = declare(**{name: uint8(n) for n, name in enumerate(names)})
        self.assertEqual(schema.decode(schema().encode()), schema())
        self.assertEqual(schema(größe=9).encode()[6], 9)

    def test_same_field_twice(self) -> None:
        """A field object belongs to one name."""
        field = uint8()
        with self.assertRaisesRegex(SchemaError, "declare a new one"):
            declare(a=field, b=field)

    def test_bare_annotation(self) -> None:
        """An annotation without a field is a mistake; the message shows the cure."""
        with self.assertRaisesRegex(SchemaError, r"Made\.x has no field: write x: int"):
            declare(__annotations__={"x": "int"})

    def test_own_init(self) -> None:
        """A schema has no `__init__`: decoding would not call it."""
        with self.assertRaisesRegex(SchemaError, "use a classmethod"):
            declare(a=uint8(), __init__=lambda self: None)

    def test_description(self) -> None:
        """A schema describes itself: its name, and each field's kind and arguments."""
        schema = declare(
            a=array(float32(), 3, length="u8"),
            b=nested(Point),
            c=text(5, appended=True),
        )
        point = {
            "name": "Point",
            "fields": [{"name": n, "kind": "uint8"} for n in ("x", "y")],
        }
        item = {"name": "", "kind": "float32"}
        self.assertEqual(
            schema.describe(),
            {
                "name": "Made",
                "fields": [
                    {"name": "a", "kind": "array", "item": item}
                    | {"limit": 3, "length": "u8"},
                    {"name": "b", "kind": "nested", "schema": point},
                    {"name": "c", "kind": "text", "limit": 5, "length": "varint"}
                    | {"appended": True},
                ],
            },
        )


class EmptyTests(SynchronousTestCase):
    """A schema without fields."""

    def test_no_bytes(self) -> None:
        """It takes no bytes, and no other bytes are it."""
        self.assertEqual(Empty().encode(), b"")
        self.assertEqual(Empty.decode(b""), Empty())
        self.assertEqual(Empty.declaration().build(Empty()), b"")
        with self.assertRaises(RemoteProtocolError):
            Empty.decode(b"\0")
