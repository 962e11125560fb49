# SPDX-License-Identifier: MIT
"""Tests of row views."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, StaleEntityError
from gamenet.world import World
from tests.world.shapes import Everything, Health, Position, Team, Velocity


class RowViewTests(SynchronousTestCase):
    """A row view is one entity's component, in the columns."""

    def setUp(self) -> None:
        self.world = World([Position, Velocity, Health, Everything], capacity=8)
        self.other = self.world.spawn(Position(x=9.0), Health())
        self.entity = self.world.spawn(Position(x=1.0, y=2.0), Everything())
        self.view = self.world[self.entity, Position]

    def test_reads(self) -> None:
        """Fields are read from the columns, as they are now."""
        self.assertEqual((self.view.x, self.view.y), (1.0, 2.0))
        self.world.columns(Position).x[1] = 5.0
        self.assertEqual(self.view.x, 5.0)
        self.assertIs(type(self.view.x), float)

    def test_writes(self) -> None:
        """A write changes this row of this column alone."""
        self.view.x += 2.5
        self.assertEqual(self.world.columns(Position).x[:3].tolist(), [9.0, 3.5, 0.0])
        self.assertEqual(self.view.y, 2.0)

    def test_plain_values(self) -> None:
        """Every kind of field reads as plain Python."""
        view = self.world[self.entity, Everything]
        view.turn = [0, 1, 0, 0]
        view.team = Team.BLUE
        view.is_on = True
        self.assertEqual(view.turn, (0.0, 1.0, 0.0, 0.0))
        self.assertIs(type(view.turn), tuple)
        self.assertIs(view.team, Team.BLUE)
        self.assertIs(view.is_on, True)
        self.assertIs(type(view.huge), int)
        self.assertIs(type(view.half), float)

    def test_write_marks_changed(self) -> None:
        """A write stamps the row with the tick; a read does not."""
        self.world.tick = 7
        columns = self.world.columns(Position)
        self.assertEqual(self.view.x, 1.0)
        self.assertEqual(columns.changed_tick[1], 0)
        self.view.x = 1.0
        self.assertEqual(columns.changed_tick[:3].tolist(), [0, 7, 0])
        self.assertEqual(self.world.columns(Everything).changed_tick[1], 0)

    def test_refused_write(self) -> None:
        """A value that does not fit changes nothing and marks nothing."""
        view = self.world[self.other, Health]
        self.world.tick = 7
        with self.assertRaises(LocalProtocolError) as caught:
            view.points -= 6
        self.assertIn("Health.points cannot be -1", str(caught.exception))
        self.assertEqual(view.points, 5)
        self.assertEqual(self.world.columns(Health).changed_tick[0], 0)

    def test_unknown_field(self) -> None:
        """A misspelt field is an error, not a new attribute."""
        with self.assertRaises(AttributeError):
            self.view.z = 1.0  # type: ignore[attr-defined]

    def test_stale(self) -> None:
        """A view that is kept never reaches the next entity of its row."""
        self.world.despawn(self.entity)
        heir = self.world.spawn(Position(x=3.0))
        self.assertEqual(self.world.row_of(heir), 1)
        with self.assertRaises(StaleEntityError) as caught:
            self.view.x = 0.0
        self.assertIn("Position", str(caught.exception))
        with self.assertRaises(StaleEntityError):
            self.view.x  # noqa: B018 - the access is the test
        self.assertEqual(self.world[heir, Position].x, 3.0)

    def test_component_removed(self) -> None:
        """A view ends with the component, and works again with a new one."""
        self.world.remove(self.entity, Position)
        with self.assertRaises(StaleEntityError):
            self.view.x  # noqa: B018 - the access is the test
        self.world.add(self.entity, Position(x=8.0))
        self.assertEqual(self.view.x, 8.0)

    def test_copied(self) -> None:
        """A view stands for its component where a component is given."""
        clone = self.world.spawn(self.view)
        self.world.add(self.other, self.view)
        self.view.x = 0.0
        for entity in (clone, self.other):
            self.assertEqual(self.world[entity, Position].x, 1.0)
            self.assertEqual(self.world[entity, Position].y, 2.0)

    def test_repr(self) -> None:
        """The representation shows component, values and entity."""
        self.assertIn("Position(x=1.0, y=2.0)", repr(self.view))
        self.assertIn("row 1, generation 1", repr(self.view))
