# SPDX-License-Identifier: MIT
"""Tests of component declarations."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import SchemaError
from gamenet.wire import Schema, text, uint8, varint
from gamenet.world import Component
from tests.world.shapes import Dead, Everything, Health, Position


class ComponentTests(SynchronousTestCase):
    """A component is a schema that fits into columns, or an error."""

    def test_is_a_schema(self) -> None:
        """A component is constructed, compared and encoded like any schema."""
        self.assertTrue(issubclass(Position, Schema))
        self.assertEqual(Health(points=3), Health(3))
        self.assertEqual(Health.decode(Health(3).encode()), Health(3))

    def test_tag(self) -> None:
        """A component may have no fields at all."""
        self.assertEqual(Dead.schema_fields, ())

    def test_fixed_widths(self) -> None:
        """Every kind of field with a fixed width is accepted, in its order."""
        names = [field.name for field in Everything.schema_fields]
        self.assertEqual(names[0], "tiny")
        self.assertEqual(len(names), 11)

    def test_variable_width_refused(self) -> None:
        """A field of variable width is refused by name when the class is made."""
        for field in (text(8), varint()):
            error = self.assertRaises(
                SchemaError, type(Component), "Named", (Component,), {"label": field}
            )
            self.assertIn("Named.label", str(error))
            self.assertIn("fixed width", str(error))

    def test_appended_refused(self) -> None:
        """An appended field, which some peers skip, is refused."""
        body = {"extra": uint8(appended=True)}
        error = self.assertRaises(
            SchemaError, type(Component), "Grown", (Component,), body
        )
        self.assertIn("Grown.extra", str(error))

    def test_reserved_names_refused(self) -> None:
        """A name that columns use themselves is refused, and the others are told."""
        for name in ("present", "changed", "changed_tick", "arrays", "_hidden"):
            body = {name: uint8()}
            error = self.assertRaises(
                SchemaError, type(Component), "Clash", (Component,), body
            )
            self.assertIn(f"Clash.{name}", str(error))
            self.assertIn("present", str(error))

    def test_subclass_of_a_component(self) -> None:
        """A component may extend another; it is a component of its own."""

        class Armoured(Health):
            shield: int = uint8()

        names = [field.name for field in Armoured.schema_fields]
        self.assertEqual(names, ["points", "shield"])
