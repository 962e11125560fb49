# SPDX-License-Identifier: MIT
"""Tests of watching values."""

from __future__ import annotations

from enum import IntEnum
from functools import partial
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.replication.changed import (
    Subject,
    Watches,
    changed_fields,
    subject_of,
)
from gamenet.wire import Schema, enum, float32, quaternion, uint8
from gamenet.world import Component, World, entity_id


class Mood(IntEnum):
    """How somebody feels."""

    CALM = 1
    ANGRY = 2


class Health(Component):
    """What somebody can take."""

    points: int = uint8()
    shield: float = float32()


class Armour(Health):
    """Health, and more."""

    plates: int = uint8()


class Look(Component):
    """Values that are no numbers."""

    mood: Mood = enum(Mood)
    facing: tuple[float, ...] = quaternion()


class Tag(Component):
    """Nothing at all."""


class Note(Schema):
    """No component."""

    text: int = uint8()


def straight(name: str, function: Any, *arguments: Any) -> None:
    """Call without any care."""
    function(*arguments)


class SubjectTests(SynchronousTestCase):
    """A field is named as it is read."""

    def test_fields(self) -> None:
        """A field of a class is the component that declares it, and a name."""
        self.assertEqual(subject_of(Health.points), Subject(Health, "points"))
        self.assertEqual(subject_of(Armour.shield), Subject(Health, "shield"))
        self.assertEqual(subject_of(Armour.plates), Subject(Armour, "plates"))
        self.assertEqual(str(subject_of(Health.points)), "Health.points")

    def test_components(self) -> None:
        """A component stands for all of its fields, or for none."""
        self.assertEqual(subject_of(Tag), Subject(Tag))
        self.assertEqual(str(subject_of(Tag)), "Tag")
        self.assertEqual(subject_of(Subject(Tag)), Subject(Tag))

    def test_anything_else(self) -> None:
        """What cannot be watched is refused, and the message says what can."""
        for named in (
            3,
            "Health.points",
            None,
            int,
            Component,
            Health(points=3),
            Health(points=3).points,
            Health.encode,
            Health.__dict__,
            Note,
            Note.text,
            type(World([Health], 1).columns(Health)),
        ):
            with self.assertRaisesRegex(ConfigError, "as Health.points, or a compo"):
                subject_of(named)
        with self.assertRaisesRegex(ConfigError, "'Note.text' cannot be watched"):
            subject_of(Note.text)

    def test_slots_that_are_no_fields(self) -> None:
        """A slot of another class is no field."""

        class Plain:
            __slots__ = ("points",)

        self.assertRaises(ConfigError, subject_of, Plain.points)

    def test_among(self) -> None:
        """A field is meant wherever it is inherited, a component only itself."""
        known = [Look, Armour, Health]
        points, plates = subject_of(Health.points), subject_of(Armour.plates)
        self.assertEqual(points.among(known), [Armour, Health])
        self.assertEqual(plates.among(known), [Armour])
        self.assertEqual(subject_of(Health).among(known), [Health])
        self.assertEqual(subject_of(Tag).among(known), [])


class WatchesTests(SynchronousTestCase):
    """Who watches is called with what has changed."""

    def setUp(self) -> None:
        self.world = World([Health, Armour, Look, Tag], 16)
        self.watches = Watches(self.world.components)
        self.calls: list[tuple[Any, ...]] = []

    def note(self, *arguments: Any) -> None:
        """Remember a call."""
        self.calls.append(arguments)

    def changed(
        self, component: type[Component], rows: list[int], **fields: list[bool]
    ) -> dict[Any, Any]:
        """Return what is told of one component."""
        masks = {name: np.array(mask, np.bool_) for name, mask in fields.items()}
        return {component: (np.array(rows, np.intp), masks)}

    def dispatch(self, changed: dict[Any, Any]) -> list[tuple[Any, ...]]:
        """Return who is called with what."""
        self.calls.clear()
        self.watches.dispatch(self.world, changed, straight)
        return list(self.calls)

    def test_field(self) -> None:
        """A field's watch gets those entities whose field changed, and its value."""
        a = self.world.spawn(Health(points=1, shield=0.5))
        b = self.world.spawn(Health(points=2))
        self.watches.add(Health.points, self.note)
        told = self.changed(Health, [0, 1], points=[True, False], shield=[True, True])
        self.assertEqual(self.dispatch(told), [(a, 1)])
        told = self.changed(Health, [0, 1], points=[True, True])
        self.assertEqual(self.dispatch(told), [(a, 1), (b, 2)])
        self.assertEqual(self.dispatch(self.changed(Health, [0], shield=[True])), [])
        for entity, value in self.dispatch(told):
            self.assertEqual((type(entity), type(value)), (int, int))

    def test_values_are_pythons(self) -> None:
        """Values are numbers, tuples and members, as of a row view."""
        a = self.world.spawn(Look(Mood.ANGRY, (0.0, 0.0, 0.0, 1.0)))
        self.watches.add(Look.mood, self.note)
        self.watches.add(Look.facing, self.note)
        told = self.changed(Look, [0], mood=[True], facing=[True])
        found = self.dispatch(told)
        self.assertEqual(found, [(a, Mood.ANGRY), (a, (0.0, 0.0, 0.0, 1.0))])
        self.assertIsInstance(found[0][1], Mood)

    def test_component(self) -> None:
        """A component's watch gets the entity, whatever of it changed."""
        a = self.world.spawn(Health())
        self.watches.add(Health, self.note)
        self.assertEqual(
            self.dispatch(self.changed(Health, [0], shield=[True])), [(a,)]
        )
        self.assertEqual(self.dispatch(self.changed(Health, [0])), [(a,)])

    def test_inherited_fields(self) -> None:
        """A field that several components have is watched in all of them."""
        self.watches.add(Health.points, self.note)
        a = self.world.spawn(Armour(points=7))
        self.assertEqual(self.watches.components, (Health, Armour))
        told = self.changed(Armour, [0], points=[True], plates=[True])
        self.assertEqual(self.dispatch(told), [(a, 7)])

    def test_nobody_watches(self) -> None:
        """What nobody watches is not even looked at."""
        self.watches.add(Look, self.note)
        self.assertNotIn(Health, self.watches)
        self.assertIn(Look, self.watches)
        self.assertEqual(self.dispatch({Health: None}), [])
        self.assertEqual(self.dispatch({}), [])
        self.assertEqual(Watches().components, ())

    def test_rows_without_it(self) -> None:
        """Rows that are empty, or have lost the component, are passed over."""
        a = self.world.spawn(Health(points=1))
        self.world.spawn(Look(Mood.CALM))
        self.watches.add(Health.points, self.note)
        told = self.changed(Health, [0, 1, 9], points=[True] * 3)
        self.assertEqual(self.dispatch(told), [(a, 1)])

    def test_who_is_gone(self) -> None:
        """An entity that one call removes is not told by the next, nor is its heir."""
        a = self.world.spawn(Health(points=1))
        b = self.world.spawn(Health(points=2))
        c = self.world.spawn(Health(points=3))

        def replace(entity: Any, points: int) -> None:
            self.note(entity, points)
            if entity == a:
                self.world.despawn(b)
                self.world.spawn(Health(points=9))
                self.world.remove(c, Health)

        self.watches.add(Health.points, replace)
        self.watches.add(Health.points, self.note)
        told = self.changed(Health, [0, 1, 2], points=[True] * 3)
        self.assertEqual(self.dispatch(told), [(a, 1), (a, 1)])

    def test_all_hear_the_same(self) -> None:
        """What one function makes of a value is not what the next one hears."""
        a = self.world.spawn(Health(points=1))

        def heal(entity: Any, points: int) -> None:
            self.world[entity, Health].points = 100

        self.watches.add(Health.points, heal)
        self.watches.add(Health.points, self.note)
        told = self.changed(Health, [0], points=[True])
        self.assertEqual(self.dispatch(told), [(a, 1)])

    def test_remove(self) -> None:
        """A watch that is removed is called no more, also by the present changes."""
        a = self.world.spawn(Health(points=1))
        self.world.spawn(Health(points=2))
        told = self.changed(Health, [0, 1], points=[True] * 2)

        def once(entity: Any, points: int) -> None:
            self.note(entity, points)
            self.watches.remove(watch)
            self.watches.add(Look, self.note)

        watch = self.watches.add(Health.points, once)
        self.assertEqual(self.dispatch(told), [(a, 1)])
        self.assertEqual(self.dispatch(told), [])
        self.assertEqual((self.watches.components, len(self.watches)), ((Look,), 1))
        self.watches.remove(watch)
        self.assertFalse(watch.is_live)

    def test_the_call(self) -> None:
        """Every call goes through the given one, with a name for the log."""
        self.world.spawn(Health(points=1))
        names: list[str] = []

        def careful(name: str, function: Any, *arguments: Any) -> None:
            names.append(name)
            self.assertRaises(TypeError, function, *arguments)

        self.watches.add(Health.points, self.test_the_call)
        self.watches.add(Health, partial(self.test_the_call, 1, 2))
        told = self.changed(Health, [0], points=[True])
        self.watches.dispatch(self.world, told, careful)
        self.assertEqual(
            names,
            [
                "on_changed(Health.points) WatchesTests.test_the_call",
                "on_changed(Health) partial",
            ],
        )

    def test_unknown_components(self) -> None:
        """What is not told of here cannot be watched here, said as soon as known."""

        class Secret(Component):
            code: int = uint8()

        with self.assertRaisesRegex(ConfigError, "Secret is not among the components"):
            self.watches.add(Secret.code, self.note)
        self.assertEqual(len(self.watches), 0)
        early = Watches()
        early.add(Secret, self.note)
        early.add(Health.points, self.note)
        self.assertEqual((early.components, len(early)), ((), 2))
        self.assertRaises(ConfigError, early.bind, self.world.components)
        self.assertRaisesRegex(ConfigError, "which are none", early.bind, [])
        early.bind([Secret, Health])
        self.assertEqual(early.components, (Secret, Health))
        self.assertRaises(ConfigError, self.watches.add, 3, self.note)


class ChangedFieldsTests(SynchronousTestCase):
    """What several messages tell is gathered by component."""

    def gather(self, *parts: Any, new: Any = ()) -> dict[Any, Any]:
        """Return what was gathered, as plain lists."""
        told = [
            (
                component,
                np.array(rows, np.intp),
                {name: np.array(mask, np.bool_) for name, mask in masks.items()},
            )
            for component, rows, masks in parts
        ]
        return {
            component: (
                rows.tolist(),
                {name: mask.tolist() for name, mask in masks.items()},
            )
            for component, (rows, masks) in changed_fields(told, new).items()
        }

    def test_one_part(self) -> None:
        """What one part tells is what there is, without rows that did not change."""
        found = self.gather(
            (Health, [2, 5, 7], {"points": [1, 0, 0], "shield": [1, 0, 1]}),
            (Look, [3], {"mood": [0], "facing": [0]}),
            (Armour, [], {"points": []}),
            (Tag, [1], {}),
        )
        expected = {"points": [True, False], "shield": [True, True]}
        self.assertEqual(found, {Health: ([2, 7], expected)})

    def test_several_parts(self) -> None:
        """A row that several parts tell is told once, with all that changed."""
        found = self.gather(
            (Health, [5, 2], {"points": [0, 1], "shield": [0, 0]}),
            (Look, [3], {"mood": [1]}),
            (Health, [1, 2, 5], {"points": [0, 0, 1], "shield": [1, 1, 0]}),
        )
        points, shield = [False, True, True], [True, True, False]
        self.assertEqual(
            found[Health], ([1, 2, 5], {"points": points, "shield": shield})
        )
        self.assertEqual(found[Look], ([3], {"mood": [True]}))

    def test_new_entities(self) -> None:
        """Rows of entities that are new are left out."""
        new = [entity_id(2, 9), entity_id(4, 1)]
        part = (Health, [2, 3, 4], {"points": [1, 1, 1]})
        self.assertEqual(
            self.gather(part, new=new), {Health: ([3], {"points": [True]})}
        )
        self.assertEqual(self.gather((Health, [2], {"points": [1]}), new=new), {})

    def test_nothing(self) -> None:
        """Without parts nothing has changed."""
        self.assertEqual(self.gather(), {})
