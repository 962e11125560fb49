# SPDX-License-Identifier: MIT
"""The field functions."""

from __future__ import annotations

import inspect

import construct as cs
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import SchemaError
from gamenet.wire import Field, Schema, declare, fixed, text, uint8
from tests.strategies import Colour


class Point(Schema):
    """Something to nest."""

    x: int = uint8()


ARGUMENTS = {
    "nbits": (3,),
    "fixed": (0, 1),
    "enum": (Colour,),
    "text": (5,),
    "blob": (5,),
    "array": (uint8(), 5),
    "optional": (uint8(),),
    "nested": (Point,),
    "wrapped": (cs.Int8ul, 1, 0),
}


def declared(name: str, **options: object) -> Field:
    """Return a field of the function of that name."""
    if name == "fixed":
        options["step"] = 0.5
    field: Field = getattr(declare, name)(*ARGUMENTS.get(name, ()), **options)
    return field


class DeclareTests(SynchronousTestCase):
    """Every function that declares a field."""

    def test_kind(self) -> None:
        """A field's kind is the name of its function, which a description uses."""
        for name in declare.__all__:
            self.assertEqual(declared(name).kind, name)

    def test_appended(self) -> None:
        """Every field can be an appended one, by keyword, and is not by itself."""
        for name in declare.__all__:
            self.assertTrue(declared(name, appended=True).appended)
            self.assertFalse(declared(name).appended)
            parameter = inspect.signature(getattr(declare, name)).parameters["appended"]
            self.assertIs(parameter.kind, parameter.KEYWORD_ONLY)

    def test_defaults_are_legal(self) -> None:
        """A field that is left out can be sent."""
        for name in declare.__all__:
            schema = type(Schema)("One", (Schema,), {"f": declared(name)})
            self.assertEqual(schema.decode(schema().encode()), schema())

    def test_fixed_default(self) -> None:
        """The default of a fixed field is 0, or its lower bound if 0 is outside."""
        self.assertEqual(fixed(-1, 1, step=0.5).default, 0.0)
        self.assertEqual(fixed(2, 3, step=0.5).default, 2)
        self.assertEqual(fixed(2, 3, step=0.5, default=2.5).default, 2.5)

    def test_lengths(self) -> None:
        """A limit must fit its length prefix; 0 and fractions are no limits."""
        for length, top in (("u8", 255), ("u16", 65535), ("u32", 2**32 - 1)):
            self.assertEqual(text(top, length=length).limit, top)
            for limit in (top + 1, 0, -1):
                with self.assertRaisesRegex(SchemaError, f"allowed are 1 to {top}"):
                    text(limit, length=length)
        for limit in (1.5, float("nan")):
            with self.assertRaises(SchemaError):
                text(limit)  # type: ignore[arg-type]
        with self.assertRaisesRegex(SchemaError, "varint, u8, u16, u32"):
            text(5, length="u24")
