# SPDX-License-Identifier: MIT
"""A world and one of esper's, kept in step by the real esper."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError, WorldFullError
from gamenet.game import Component, World, fixed, uint8
from gamenet.game.esper_adapter import EsperAdapter

try:
    import esper
except ImportError:
    esper = None

needs_esper = unittest.skipIf(esper is None, "esper is not installed")
CONTEXT = "gamenet tests"


class Position(Component):
    """Where something is."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Health(Component):
    """How well it is."""

    points: int = uint8()


class Burning(Component):
    """A tag."""


class Unknown(Component):
    """A component of no world."""


@dataclass
class EsperPosition:
    """Esper's idea of a place."""

    x: float = 0.0
    y: float = 0.0
    colour: str = "red"


@dataclass
class EsperHealth:
    """Esper's idea of health."""

    points: int = 9


@dataclass
class EsperBurning:
    """Esper's idea of a tag."""


class Local:
    """A component that only esper knows."""


MAPPING = {EsperPosition: Position, EsperHealth: Health, EsperBurning: Burning}


@contextmanager
def entered(name: str) -> Iterator[None]:
    """Make an empty world of esper's the present one for a while."""
    before = esper.current_world
    esper.switch_world(name)
    esper.clear_database()
    try:
        yield
    finally:
        esper.switch_world(before)
        esper.delete_world(name)


class SetupTests(SynchronousTestCase):
    """What is wrong is said when the adapter is made."""

    def test_not_installed(self) -> None:
        """Without esper the error says how to get it."""
        world = World([Position], 4)
        with mock.patch.dict("sys.modules", {"esper": None}):
            error = self.assertRaises(ConfigError, EsperAdapter, world, MAPPING)
        self.assertIn("pip install esper", str(error))

    def test_too_old(self) -> None:
        """Before version 3 esper had another interface."""
        old = ModuleType("esper")
        old.version = "2.5"
        with mock.patch.dict("sys.modules", {"esper": old}):
            error = self.assertRaises(ConfigError, EsperAdapter, World([], 4), {})
        self.assertIn("esper 2.5 is too old", str(error))

    @needs_esper
    def test_mapping(self) -> None:
        """Each class is mapped to a component of its own, which the world has."""
        world = World([Position, Health], 4)
        for mapping in ({}, {EsperPosition: Health, EsperHealth: Health}):
            error = self.assertRaises(ConfigError, EsperAdapter, world, mapping)
            self.assertIn("map each class to a component of its own", str(error))
        error = self.assertRaises(
            LocalProtocolError, EsperAdapter, world, {Local: Unknown}
        )
        self.assertIn("Unknown is no component of this world", str(error))


class EsperTestCase(SynchronousTestCase):
    """A world, a fresh world of esper's, and an adapter between them."""

    def setUp(self) -> None:
        if esper is None:
            raise unittest.SkipTest("esper is not installed")
        context = entered(CONTEXT)
        context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        self.world = World([Position, Health, Burning], 4)
        self.adapter = EsperAdapter(self.world, MAPPING)

    def create(self, *components: Any) -> tuple[int, int]:
        """Create an entity in esper's world, pull, and return both names of it."""
        number = esper.create_entity(*components)
        self.adapter.pull()
        return number, self.adapter.entity_of(number)


class PullTests(EsperTestCase):
    """Our world follows esper's."""

    def test_create(self) -> None:
        """An entity with a component that is mapped becomes one of ours."""
        number, entity = self.create(EsperPosition(1, 2), EsperBurning(), Local())
        self.assertEqual(self.world[entity, Position].y, 2)
        self.assertTrue(self.world.has(entity, Burning))
        self.assertEqual(self.adapter.number_of(entity), number)
        _, nothing = self.create(Local())
        self.assertIsNone(nothing)
        self.assertEqual((len(self.adapter), len(self.world)), (1, 1))

    def test_values(self) -> None:
        """Values that a processor changes are ours after a pull, and marked."""
        place = EsperPosition()
        _, entity = self.create(place, EsperHealth(5))
        self.world.tick = 3
        place.x = 8
        self.adapter.pull()
        row = self.world.row_of(entity)
        self.assertEqual(self.world[entity, Position].x, 8)
        self.assertEqual(self.world.columns(Position).changed_tick[row], 3)
        self.assertEqual(self.world.columns(Health).changed_tick[row], 0)

    def test_components(self) -> None:
        """Components come, go, and are replaced."""
        number, entity = self.create(EsperPosition())
        esper.add_component(number, EsperHealth(3))
        esper.add_component(number, EsperPosition(5, 5))
        self.adapter.pull()
        self.assertEqual(self.world[entity, Health].points, 3)
        self.assertEqual(self.world[entity, Position].x, 5)
        esper.component_for_entity(number, EsperPosition).x = 6
        esper.remove_component(number, EsperHealth)
        self.adapter.pull()
        self.assertEqual(self.world[entity, Position].x, 6)
        self.assertFalse(self.world.has(entity, Health))
        esper.remove_component(number, EsperPosition)
        self.adapter.pull()
        self.assertNotIn(entity, self.world)
        self.assertIsNone(self.adapter.entity_of(number))

    def test_other_component(self) -> None:
        """An entity that trades its only component for another stays the same."""
        number, entity = self.create(EsperPosition())
        esper.remove_component(number, EsperPosition)
        esper.add_component(number, EsperHealth())
        self.adapter.pull()
        self.assertEqual(self.adapter.entity_of(number), entity)
        self.assertFalse(self.world.has(entity, Position))

    def test_delete(self) -> None:
        """An entity that is to be deleted goes with the next pull."""
        now, first = self.create(EsperPosition())
        later, second = self.create(EsperPosition())
        esper.delete_entity(now, immediate=True)
        esper.delete_entity(later)
        self.adapter.pull()
        self.assertEqual(len(self.world), 0)
        self.assertIsNone(self.adapter.number_of(first))
        self.assertIsNone(self.adapter.number_of(second))
        self.assertFalse(esper.entity_exists(later))

    def test_full(self) -> None:
        """An entity without room is made once there is room."""
        numbers = [self.create(EsperHealth())[0] for _ in range(4)]
        late = esper.create_entity(EsperHealth(2))
        for _ in range(2):
            self.assertRaises(WorldFullError, self.adapter.pull)
        esper.delete_entity(numbers[0])
        self.adapter.pull()
        self.assertEqual(self.world[self.adapter.entity_of(late), Health].points, 2)

    def test_wrong_value(self) -> None:
        """A value that does not fit is named."""
        health = EsperHealth()
        self.create(health)
        health.points = 256
        error = self.assertRaises(LocalProtocolError, self.adapter.pull)
        self.assertIn("the EsperHealth of row 0: Health.points cannot", str(error))

    def test_wrong_class(self) -> None:
        """A class without the fields is named."""
        adapter = EsperAdapter(self.world, {Local: Health})
        esper.create_entity(Local())
        error = self.assertRaises(LocalProtocolError, adapter.pull)
        self.assertIn("Local is no Health", str(error))

    def test_gone_here(self) -> None:
        """What the game removes here is not brought back by a pull."""
        number, entity = self.create(EsperPosition(), EsperHealth())
        self.world.remove(entity, Health)
        self.adapter.pull()
        self.assertFalse(self.world.has(entity, Health))
        self.world.despawn(entity)
        esper.add_component(number, EsperBurning())
        esper.add_component(number, EsperHealth(3))
        self.adapter.pull()
        self.assertEqual(len(self.world), 0)
        esper.delete_entity(number)
        self.adapter.pull()
        self.assertEqual((len(self.adapter), len(self.world)), (0, 0))

    def test_context(self) -> None:
        """The adapter uses its own world of esper's, whichever is the present one."""
        number = esper.create_entity(EsperPosition())
        with entered("elsewhere"):
            self.adapter.pull()
            self.assertEqual(esper.current_world, "elsewhere")
            other = EsperAdapter(self.world, MAPPING, CONTEXT)
        self.assertIsNotNone(self.adapter.entity_of(number))
        other.push()


class PushTests(EsperTestCase):
    """Esper's world follows ours."""

    def spawn(self, *components: Component) -> tuple[int, int]:
        """Spawn an entity in our world, push, and return both names of it."""
        entity = self.world.spawn(*components)
        self.adapter.push()
        return self.adapter.number_of(entity), entity

    def test_spawn(self) -> None:
        """Our entity becomes one of esper's, with instances of the values."""
        number, entity = self.spawn(Position(1, 2), Burning())
        self.assertEqual(
            set(map(type, esper.components_for_entity(number))),
            {EsperPosition, EsperBurning},
        )
        place = esper.component_for_entity(number, EsperPosition)
        self.assertEqual(place, EsperPosition(1, 2))
        self.adapter.pull()
        self.assertEqual(self.adapter.entity_of(number), entity)
        self.assertEqual(len(self.world), 1)

    def test_one_for_another(self) -> None:
        """An entity that swaps its components between two pushes stays the same."""
        number, entity = self.spawn(Position())
        self.world.add(entity, Health(3))
        self.world.remove(entity, Position)
        self.adapter.push()
        self.assertEqual(self.adapter.number_of(entity), number)
        self.assertEqual(esper.component_for_entity(number, EsperHealth).points, 3)
        self.assertFalse(esper.has_component(number, EsperPosition))
        self.world.remove(entity, Health)
        self.world.add(entity, Health(4))
        self.adapter.push()
        self.adapter.pull()
        self.assertEqual(self.adapter.number_of(entity), number)
        self.assertEqual(esper.component_for_entity(number, EsperHealth).points, 4)
        self.assertEqual((len(self.world), len(self.adapter)), (1, 1))

    def test_swapped_and_deleted(self) -> None:
        """What was deleted there, while it swapped components here, is made anew."""
        number, entity = self.spawn(Position())
        self.world.add(entity, Health(3))
        self.world.remove(entity, Position)
        esper.delete_entity(number, immediate=True)
        self.adapter.push()
        self.adapter.pull()
        self.assertEqual(self.adapter.entity_of(self.adapter.number_of(entity)), entity)
        self.assertEqual(
            [each.points for _, each in esper.get_component(EsperHealth)], [3]
        )

    def test_values(self) -> None:
        """Values are written into the same instance."""
        number, entity = self.spawn(Position())
        place = esper.component_for_entity(number, EsperPosition)
        place.colour = "blue"
        self.world[entity, Position].x = 4
        self.adapter.push()
        self.assertEqual(place, EsperPosition(4, 0, "blue"))

    def test_components(self) -> None:
        """Components come and go."""
        number, entity = self.spawn(Position())
        self.world.add(entity, Health(3))
        self.adapter.push()
        self.assertEqual(esper.component_for_entity(number, EsperHealth).points, 3)
        self.world.remove(entity, Position)
        self.adapter.push()
        self.assertFalse(esper.has_component(number, EsperPosition))
        self.assertEqual(self.adapter.number_of(entity), number)
        self.world.remove(entity, Health)
        self.adapter.push()
        self.assertIsNone(self.adapter.number_of(entity))

    def test_despawn(self) -> None:
        """Our entity takes esper's with it."""
        number, entity = self.spawn(Position(), Health())
        esper.add_component(number, Local())
        self.world.despawn(entity)
        later = self.world.spawn(Position())
        self.adapter.push()
        self.assertFalse(esper.entity_exists(number))
        self.assertIsNotNone(self.adapter.number_of(later))
        self.assertEqual(len(self.adapter), 1)

    def test_gone_there(self) -> None:
        """What is gone in esper's world meanwhile is no matter."""
        number, entity = self.spawn(Position())
        dead, second = self.spawn(Position(), Health())
        esper.remove_component(dead, EsperHealth)
        self.world.remove(second, Health)
        esper.delete_entity(number, immediate=True)
        self.world.add(entity, Health())
        self.adapter.push()
        self.world.despawn(second)
        esper.delete_entity(dead, immediate=True)
        self.adapter.push()
        self.adapter.pull()
        self.assertEqual((len(self.adapter), len(self.world)), (0, 0))


Values = dict[type, dict[str, Any]]
numbers = st.integers(0, 200)
picks = st.integers(0, 1000)
kinds = st.sampled_from(sorted(MAPPING, key=lambda kind: kind.__name__))


class EsperMachine(RuleBasedStateMachine):
    """Commands to either world, and what both must be after a pull and a push."""

    def __init__(self) -> None:
        super().__init__()
        self.context = entered(CONTEXT)
        self.context.__enter__()
        self.world = World([Position, Health, Burning], 64)
        self.adapter = EsperAdapter(self.world, MAPPING)
        self.model: dict[int, Values] = {}
        self.side = "nowhere"

    def teardown(self) -> None:
        try:
            self.meet()
        finally:
            self.context.__exit__(None, None, None)

    def turn(self, side: str) -> None:
        """Let one side change, once it knows what the other has changed."""
        if self.side != side:
            self.meet()
            self.side = side

    def instance(self, kind: Callable[..., Any], number: int) -> Any:
        """Return an instance of a class of esper's."""
        if kind is EsperPosition:
            return EsperPosition(float(number), 1.0)
        return EsperHealth(number) if kind is EsperHealth else EsperBurning()

    def values(self, instance: Any) -> dict[str, Any]:
        """Return the fields that both worlds have."""
        fields = MAPPING[type(instance)].schema_fields
        return {field.name: getattr(instance, field.name) for field in fields}

    def pick(self, number: int) -> int:
        """Return one of the entities of the model, by esper's number."""
        return list(self.model)[number % len(self.model)]

    def prune(self, number: int) -> None:
        """Forget an entity that has no component any more."""
        if not self.model[number]:
            del self.model[number]

    @precondition(lambda self: len(self.model) < 60)
    @rule(wanted=st.lists(kinds, unique=True, min_size=1), number=numbers)
    def create(self, wanted: list[type], number: int) -> None:
        """Create an entity there."""
        self.turn("there")
        made = [self.instance(kind, number) for kind in wanted]
        created = esper.create_entity(*made, Local())
        self.model[created] = {type(each): self.values(each) for each in made}

    @precondition(lambda self: len(self.model) < 60)
    @rule(wanted=st.lists(kinds, unique=True, min_size=1), number=numbers)
    def spawn(self, wanted: list[type], number: int) -> None:
        """Spawn an entity here."""
        self.turn("here")
        made = {kind: self.values(self.instance(kind, number)) for kind in wanted}
        entity = self.world.spawn(*[MAPPING[k](**made[k]) for k in wanted])
        self.adapter.push()
        self.model[self.adapter.number_of(entity)] = made

    @precondition(lambda self: self.model)
    @rule(pick=picks, is_immediate=st.booleans())
    def delete(self, pick: int, is_immediate: bool) -> None:
        """Delete an entity there."""
        self.turn("there")
        number = self.pick(pick)
        esper.delete_entity(number, immediate=is_immediate)
        del self.model[number]

    @precondition(lambda self: self.model)
    @rule(pick=picks)
    def despawn(self, pick: int) -> None:
        """Despawn an entity here."""
        self.turn("here")
        number = self.pick(pick)
        self.world.despawn(self.adapter.entity_of(number))
        del self.model[number]

    @precondition(lambda self: self.model)
    @rule(pick=picks, kind=kinds, number=numbers)
    def add(self, pick: int, kind: type, number: int) -> None:
        """Add or replace a component there."""
        self.turn("there")
        chosen, instance = self.pick(pick), self.instance(kind, number)
        esper.add_component(chosen, instance)
        self.model[chosen][kind] = self.values(instance)

    @precondition(lambda self: self.model)
    @rule(pick=picks, kind=kinds, number=numbers)
    def add_here(self, pick: int, kind: type, number: int) -> None:
        """Add or overwrite a component here."""
        self.turn("here")
        chosen, instance = self.pick(pick), self.instance(kind, number)
        entity = self.adapter.entity_of(chosen)
        self.world.add(entity, MAPPING[kind](**self.values(instance)))
        self.model[chosen][kind] = self.values(instance)

    @precondition(lambda self: self.model)
    @rule(pick=picks, is_here=st.booleans())
    def remove(self, pick: int, is_here: bool) -> None:
        """Remove a component, here or there."""
        self.turn("here" if is_here else "there")
        number = self.pick(pick)
        kind = next(iter(self.model[number]))
        if is_here:
            self.world.remove(self.adapter.entity_of(number), MAPPING[kind])
        else:
            esper.remove_component(number, kind)
        del self.model[number][kind]
        self.prune(number)

    @precondition(lambda self: self.model)
    @rule(pick=picks, number=numbers, is_here=st.booleans())
    def write(self, pick: int, number: int, is_here: bool) -> None:
        """Change a value, here or there."""
        self.turn("here" if is_here else "there")
        chosen = self.pick(pick)
        if EsperPosition not in self.model[chosen]:
            return
        if is_here:
            self.world[self.adapter.entity_of(chosen), Position].y = number
        else:
            esper.component_for_entity(chosen, EsperPosition).y = number
        self.model[chosen][EsperPosition]["y"] = number

    @rule()
    def meet(self) -> None:
        """After a pull and a push both worlds are what the model is."""
        self.side = "nowhere"
        self.adapter.pull()
        self.adapter.push()
        for kind, component in MAPPING.items():
            there = {n: self.values(each) for n, each in esper.get_component(kind)}
            rows = self.world.query(component)
            here = {}
            for entity in self.world.ids_of(rows).tolist():
                shown = self.world[entity, component]
                fields = component.schema_fields
                here[self.adapter.number_of(entity)] = {
                    field.name: getattr(shown, field.name) for field in fields
                }
            wanted = {n: each[kind] for n, each in self.model.items() if kind in each}
            assert there == wanted, (kind, there, wanted)
            assert here == wanted, (kind, here, wanted)


class ModelTests(SynchronousTestCase):
    """Both worlds stay in step."""

    @needs_esper
    def test_same_as_model(self) -> None:
        """No sequence of commands to either world parts them."""
        run_state_machine_as_test(
            EsperMachine,
            settings=settings(max_examples=50, stateful_step_count=25),
        )
