# SPDX-License-Identifier: MIT
"""Tests of the components that a world knows."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, SchemaError
from gamenet.wire import Schema, nbits
from gamenet.world import Component
from gamenet.world.catalogue import Catalogue
from gamenet.world.columns import TickStamp
from gamenet.world.memory import Layout, Memory
from tests.world.shapes import Health, Position, Velocity


def catalogue_of(*components: type[Component]) -> Catalogue:
    """Return a small catalogue."""
    return Catalogue(Memory(Layout(components, 4)), TickStamp())


class CatalogueTests(SynchronousTestCase):
    """Components are found, and what is not there is named."""

    def test_tables_in_order(self) -> None:
        """The tables come in the order of the components."""
        catalogue = catalogue_of(Velocity, Position)
        self.assertEqual([table.component for table in catalogue], [Velocity, Position])

    def test_unknown(self) -> None:
        """An unknown component is named, with those that are known."""
        error = self.assertRaises(
            LocalProtocolError, catalogue_of(Position, Velocity).table, Health
        )
        self.assertIn("Health is no component of this world", str(error))
        self.assertIn("Position, Velocity", str(error))

    def test_not_a_class(self) -> None:
        """Anything else in the place of a component is shown."""
        for wrong in (Position(), 3, []):
            error = self.assertRaises(LocalProtocolError, catalogue_of().table, wrong)
            self.assertIn(repr(wrong), str(error))
            self.assertIn("none", str(error))

    def test_twice_on_an_entity(self) -> None:
        """An entity cannot have a component twice."""
        catalogue = catalogue_of(Position)
        error = self.assertRaises(
            LocalProtocolError, catalogue.shape, [Position, Position]
        )
        self.assertIn("Position, Position", str(error))

    def test_twice_in_the_world(self) -> None:
        """A world cannot have a component twice."""
        self.assertRaises(SchemaError, catalogue_of, Position, Position)

    def test_no_component(self) -> None:
        """A schema that is no component, and an instance, are refused."""

        class Note(Schema):
            """A message."""

        for wrong in (Note, Position()):
            error = self.assertRaises(SchemaError, catalogue_of, wrong)
            self.assertIn(repr(wrong), str(error))

    def test_default_that_does_not_fit(self) -> None:
        """A default that its own column cannot hold is found when a world is made."""

        class Loud(Component):
            volume: int = nbits(2, 9)

        error = self.assertRaises(LocalProtocolError, catalogue_of, Loud)
        self.assertIn("Loud.volume cannot be 9", str(error))
