# SPDX-License-Identifier: MIT
"""Drive a world and a dictionary with the same commands, and compare.

The dictionary says what a world is: entities with components with values. Beside them
runs a replica that knows the world by `drain_changes` and `restore` alone.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, StaleEntityError, WorldFullError
from gamenet.world import Component, EntityId, World, entity_row
from tests.world.shapes import Dead, Health, Position, Velocity

CAPACITY = 5
SHAPES: list[type[Component]] = [Position, Velocity, Health, Dead]

numbers = st.floats(-500, 500, width=32)
instances = {
    Position: st.builds(Position, numbers, numbers),
    Velocity: st.builds(Velocity, numbers, numbers),
    Health: st.builds(Health, st.integers(0, 255)),
    Dead: st.builds(Dead),
}
shapes = st.sampled_from(SHAPES)
component_sets = st.lists(shapes, unique=True).flatmap(
    lambda types: st.tuples(*[instances[kind] for kind in types])
)
owners = st.integers(0, 3)
picks = st.integers(0, 1000)

Values = dict[str, Any]


def values_of(component: Any) -> Values:
    """Return the values of an instance or a row view."""
    kind = getattr(component, "component", type(component))
    return {field.name: getattr(component, field.name) for field in kind.schema_fields}


class WorldMachine(RuleBasedStateMachine):
    """Commands that a game gives, and what must hold after each."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(SHAPES, CAPACITY)
        self.replica = World(SHAPES, CAPACITY)
        self.model: dict[EntityId, dict[type[Component], Values]] = {}
        self.owners: dict[EntityId, int] = {}
        self.stale: list[EntityId] = []
        self.drained: dict[EntityId, frozenset[type[Component]]] = {}
        self.drained_owners: dict[EntityId, int] = {}
        self.changed: set[tuple[EntityId, type[Component]]] = set()

    def pick(self, number: int) -> EntityId:
        """Return one of the living entities."""
        return list(self.model)[number % len(self.model)]

    def note_spawn(self, entity: EntityId, components: Any, owner: int) -> None:
        """Let the model follow a spawn."""
        assert entity not in self.model
        assert entity not in self.stale
        self.model[entity] = {type(item): values_of(item) for item in components}
        self.owners[entity] = owner
        self.changed |= {(entity, type(item)) for item in components}

    def note_despawn(self, entity: EntityId) -> None:
        """Let the model follow a despawn."""
        del self.model[entity], self.owners[entity]
        self.stale.append(entity)

    def free_rows(self) -> list[int]:
        """Return the rows that the model does not use."""
        used = {entity_row(entity) for entity in self.model}
        return [row for row in range(CAPACITY) if row not in used]

    @rule()
    def advance(self) -> None:
        """Begin the next tick: nothing has changed in it yet."""
        self.world.tick += 1
        self.changed.clear()

    @rule(components=component_sets, owner=owners)
    def spawn(self, components: Any, owner: int) -> None:
        """Spawn in the lowest free row, or be refused when full."""
        free = self.free_rows()
        try:
            entity = self.world.spawn(*components, owner=owner)
        except WorldFullError:
            assert not free
            return
        assert entity_row(entity) == free[0]
        self.note_spawn(entity, components, owner)

    @rule(count=st.integers(0, 4), components=component_sets, owner=owners)
    def spawn_rows(self, count: int, components: Any, owner: int) -> None:
        """Spawn a batch in the lowest free rows, or be refused altogether."""
        free = self.free_rows()
        try:
            rows = self.world.spawn_rows(count, *components, owner=owner)
        except WorldFullError:
            assert len(free) < count
            return
        assert rows.tolist() == free[:count]
        for entity in self.world.ids_of(rows).tolist():
            self.note_spawn(entity, components, owner)

    @precondition(lambda self: self.model)
    @rule(number=picks)
    def despawn(self, number: int) -> None:
        """Despawn one."""
        entity = self.pick(number)
        self.world.despawn(entity)
        self.note_despawn(entity)

    @rule(component=shapes)
    def despawn_rows(self, component: type[Component]) -> None:
        """Despawn all that have a component."""
        self.world.despawn_rows(self.world.query(component))
        for entity in [e for e, shape in self.model.items() if component in shape]:
            self.note_despawn(entity)

    @precondition(lambda self: self.model)
    @rule(number=picks, component=shapes.flatmap(lambda kind: instances[kind]))
    def add(self, number: int, component: Component) -> None:
        """Add a component, or replace its values."""
        entity = self.pick(number)
        self.world.add(entity, component)
        self.model[entity][type(component)] = values_of(component)
        self.changed.add((entity, type(component)))

    @precondition(lambda self: self.model)
    @rule(number=picks, component=shapes)
    def remove(self, number: int, component: type[Component]) -> None:
        """Remove a component, or be refused where it is not."""
        entity = self.pick(number)
        try:
            self.world.remove(entity, component)
        except LocalProtocolError:
            assert component not in self.model[entity]
            return
        del self.model[entity][component]

    @precondition(lambda self: self.model)
    @rule(number=picks, owner=owners)
    def give(self, number: int, owner: int) -> None:
        """Give one to somebody."""
        entity = self.pick(number)
        self.world.set_owner(entity, owner)
        self.owners[entity] = owner

    @precondition(lambda self: self.model)
    @rule(number=picks, component=st.sampled_from([Position, Velocity]), x=numbers)
    def write(self, number: int, component: Any, x: float) -> None:
        """Write through a row view, or be refused where the component is not."""
        entity = self.pick(number)
        try:
            self.world[entity, component].x = x
        except LocalProtocolError:
            assert component not in self.model[entity]
            return
        self.model[entity][component]["x"] = x
        self.changed.add((entity, component))

    @rule(y=numbers)
    def write_columns(self, y: float) -> None:
        """Write to the columns of all that move."""
        rows = self.world.query(Position, Velocity, without=(Dead,))
        columns = self.world.columns(Position)
        columns.y[rows] = y
        columns.changed(rows)
        for entity, shape in self.model.items():
            if Position in shape and Velocity in shape and Dead not in shape:
                shape[Position]["y"] = y
                self.changed.add((entity, Position))

    @precondition(lambda self: self.stale)
    @rule(number=picks, component=shapes)
    def use_stale(self, number: int, component: type[Component]) -> None:
        """Be refused with every stale id."""
        entity = self.stale[number % len(self.stale)]
        assert entity not in self.world
        for operation in (
            lambda: self.world[entity, component],
            lambda: self.world.row_of(entity),
            lambda: self.world.despawn(entity),
            lambda: self.world.add(entity, component()),
        ):
            try:
                operation()
            except StaleEntityError:
                continue
            message = "a stale id was taken"
            raise AssertionError(message)

    @rule()
    def replicate(self) -> None:
        """Let the replica follow, and compare the changes with the model's."""
        changes = self.world.drain_changes()
        now = {entity: frozenset(shape) for entity, shape in self.model.items()}
        assert set(changes.spawned) == set(now) - set(self.drained)
        assert set(changes.despawned) == set(self.drained) - set(now)
        reshaped = {e for e in now if e in self.drained and now[e] != self.drained[e]}
        assert reshaped <= set(changes.reshaped) <= set(now) & set(self.drained)
        before = self.drained_owners
        reowned = {e for e in now if e in before and self.owners[e] != before[e]}
        assert reowned <= set(changes.reowned) <= set(now) & set(self.drained)
        for entity in changes.reowned:
            self.replica.set_owner(entity, self.owners[entity])
        for entity in changes.despawned:
            self.replica.despawn(entity)
        for entity in changes.spawned + changes.reshaped:
            self.replica.restore(entity, self.model[entity], self.owners[entity])
        self.drained, self.drained_owners = now, dict(self.owners)
        self.check_replica()

    def check_replica(self) -> None:
        """Check that the replica has the same entities of the same shape."""
        assert self.replica.alive.tolist() == self.world.alive.tolist()
        assert len(self.replica) == len(self.world)
        assert self.replica.owner.tolist() == self.world.owner.tolist()
        for entity, shape in self.model.items():
            assert {kind for kind in SHAPES if self.replica.has(entity, kind)} == set(
                shape
            )

    @rule(is_crowded=st.booleans())
    def rebuild(self, is_crowded: bool) -> None:
        """Restore all into a replica that is empty, or full of others."""
        self.replica = World(SHAPES, CAPACITY)
        if is_crowded:
            self.replica.spawn_rows(CAPACITY, Position(), Dead())
            self.replica.despawn_rows(~self.world.alive)
        for entity, shape in self.model.items():
            self.replica.restore(entity, shape, self.owners[entity])
        self.world.drain_changes()
        self.drained = {e: frozenset(shape) for e, shape in self.model.items()}
        self.drained_owners = dict(self.owners)
        self.check_replica()

    @invariant()
    def same_entities(self) -> None:
        """The world has the model's entities and values, and no others."""
        world = self.world
        assert len(world) == len(self.model)
        assert world.ids_of(world.query()).tolist() == sorted(
            self.model, key=entity_row
        )
        for entity, shape in self.model.items():
            assert world.id_of(world.row_of(entity)) == entity
            assert world.owner[world.row_of(entity)] == self.owners[entity]
            for kind in SHAPES:
                assert world.has(entity, kind) == (kind in shape)
            for kind, values in shape.items():
                assert values_of(world[entity, kind]) == values

    @invariant()
    def same_queries(self) -> None:
        """Queries find what the model has."""
        for wanted, unwanted in (
            ((Position,), ()),
            ((Position, Velocity), (Dead,)),
            ((), (Health,)),
        ):
            expected = sorted(
                entity_row(entity)
                for entity, shape in self.model.items()
                if set(wanted) <= set(shape) and not set(unwanted) & set(shape)
            )
            assert self.world.query(*wanted, without=unwanted).tolist() == expected

    @invariant()
    def same_changes(self) -> None:
        """Rows that were written in this tick carry it, and no others do."""
        if not self.world.tick:
            return
        for kind in SHAPES:
            ticks = self.world.columns(kind).changed_tick
            for entity, shape in self.model.items():
                if kind in shape:
                    is_marked = ticks[entity_row(entity)] == self.world.tick
                    assert is_marked == ((entity, kind) in self.changed)


class ModelTests(SynchronousTestCase):
    """A world is a dictionary of entities, only faster."""

    def test_same_as_dictionary(self) -> None:
        """No sequence of commands tells the world from the model."""
        run_state_machine_as_test(
            WorldMachine, settings=settings(max_examples=100, stateful_step_count=40)
        )
