# SPDX-License-Identifier: MIT
"""Keep a world and one of esper's in step: games written for esper go on a network.

Components of esper are objects with attributes, and entities are numbers. Each class of
components is mapped to a component of ours with fields of the same names; an esper
entity has an entity of ours as long as it has one such component.

`pull` lets our world follow esper's, which is what a server does before it replicates;
`push` lets esper's follow ours, which is what a client does after a snapshot. Both may
be called each tick: what one side has changed since the last time goes to the other.

Source: esper 3.4 to 3.9, https://github.com/benmoran56/esper.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from gamenet.errors import ConfigError
from gamenet.game.attributes import AttributeRows
from gamenet.world import Component, EntityId, World

__all__ = ["EsperAdapter"]


class EsperAdapter:
    """Keep a world in step with a world of esper.

    Args:
        world: the server's, or a client's copy of it.
        components: which class of esper's components is which component. An instance
            has an attribute for each field; `push` makes instances by calling the class
            with the fields' values by name, as a dataclass is.
        context: name of esper's world; the present one if left out.

    Raises:
        ConfigError: esper is not installed or too old, or two classes are mapped to the
            same component, or none is.
        LocalProtocolError: a component is not of this world.

    Example:
        adapter = EsperAdapter(self.world, {esper_game.Position: Position})
        esper.process()
        adapter.pull()
    """

    def __init__(
        self,
        world: World,
        components: Mapping[type, type[Component]],
        context: str | None = None,
    ) -> None:
        self._esper = _imported()
        self._context = self._esper.current_world if context is None else context
        if not components or len(set(components.values())) < len(components):
            names = {k.__name__: c.__name__ for k, c in components.items()}
            msg = f"components = {names}: map each class to a component of its own"
            raise ConfigError(msg)
        self._world = world
        self._mapped = [_Mapped(world, *pair) for pair in components.items()]
        self._entities: dict[int, EntityId] = {}
        self._numbers: dict[EntityId, int] = {}

    def __len__(self) -> int:
        """Return how many entities are in both worlds."""
        return len(self._entities)

    def entity_of(self, number: int) -> EntityId | None:
        """Return our entity of one of esper's, None if it has none."""
        return self._entities.get(number)

    def number_of(self, entity: EntityId) -> int | None:
        """Return esper's number of one of our entities, None if it has none."""
        return self._numbers.get(entity)

    def pull(self) -> None:
        """Let our world follow esper's: entities, components, values.

        Entities that esper is told to delete are deleted now, as `esper.process` would
        do at its next call.

        Raises:
            LocalProtocolError: an instance has no such attribute, or a value that does
                not fit; no value was written.
            WorldFullError: if no row is free.
        """
        with self._entered():
            self._esper.clear_dead_entities()
            self._forget_gone()
            self._follow_esper()
        found = [
            (mapped.group, mapped.group.read(list(mapped.group.held.values())))
            for mapped in self._mapped
        ]
        for group, values in found:
            group.take(values)

    def push(self) -> None:
        """Let esper's world follow ours: entities, components, values.

        An entity that is gone here is deleted there, with all its components.
        """
        with self._entered():
            self._forget_gone()
            self._remove_orphans()
            for mapped in self._mapped:
                mapped.group.give(list(mapped.group.held.values()))
                self._create(mapped)

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Make our world of esper the present one for a while."""
        before = self._esper.current_world
        if before == self._context:
            yield
            return
        self._esper.switch_world(self._context)
        try:
            yield
        finally:
            self._esper.switch_world(before)

    def _forget_gone(self) -> None:
        """Let go of rows that the game has removed in our world."""
        for mapped in self._mapped:
            for entity in mapped.group.gone():
                mapped.group.detach(entity)
                mapped.orphans.add(self._numbers[entity])

    # -- esper leads ------------------------------------------------------------

    def _follow_esper(self) -> None:
        lost: list[tuple[_Mapped, int]] = []
        gained: dict[int, list[_Mapped]] = {}
        for mapped in self._mapped:
            pairs = self._esper.get_component(mapped.kind)
            removed, replaced, added = mapped.compare(pairs)
            for number in replaced:
                self._replace(mapped, number)
            lost += [(mapped, number) for number in removed]
            for number in added:
                gained.setdefault(number, []).append(mapped)
        for mapped, number in lost:
            self._remove(mapped, number)
        # Rows become free before new entities need them.
        for number in {number for _, number in lost} - gained.keys():
            if not any(number in mapped.members for mapped in self._mapped):
                self._despawn(number)
        for number, kinds in gained.items():
            self._add(number, kinds)

    def _replace(self, mapped: _Mapped, number: int) -> None:
        entity, instance = self._entities[number], mapped.newest[number]
        mapped.members[number] = instance
        if entity in mapped.group.held:
            mapped.group.held[entity] = instance

    def _remove(self, mapped: _Mapped, number: int) -> None:
        entity = self._entities[number]
        del mapped.members[number]
        mapped.orphans.discard(number)
        if mapped.group.detach(entity) is not None:
            self._world.remove(entity, mapped.component)

    def _despawn(self, number: int) -> None:
        entity = self._entities.pop(number)
        del self._numbers[entity]
        if entity in self._world:
            self._world.despawn(entity)

    def _add(self, number: int, kinds: list[_Mapped]) -> None:
        instances = {each: each.newest[number] for each in kinds}
        values = [each.group.component_of(obj) for each, obj in instances.items()]
        entity = self._entities.get(number)
        if entity is None:
            entity = self._world.spawn(*values)
            self._link(number, entity)
        elif entity in self._world:
            for value in values:
                self._world.add(entity, value)
        for mapped, instance in instances.items():
            mapped.members[number] = instance
            if entity in self._world:
                mapped.group.attach(entity, instance)
            else:
                mapped.orphans.add(number)

    def _link(self, number: int, entity: EntityId) -> None:
        self._entities[number] = entity
        self._numbers[entity] = number

    # -- our world leads ----------------------------------------------------------

    def _remove_orphans(self) -> None:
        """Remove from esper's world what the game has removed from ours."""
        for mapped in self._mapped:
            orphans, mapped.orphans = mapped.orphans, set()
            for number in orphans:
                self._remove_there(mapped, number)

    def _remove_there(self, mapped: _Mapped, number: int) -> None:
        esper, entity = self._esper, self._entities[number]
        is_here = entity in self._world
        is_there = esper.entity_exists(number)
        if is_here and is_there and esper.has_component(number, mapped.kind):
            esper.remove_component(number, mapped.kind)
        elif is_there and not is_here:
            esper.delete_entity(number, immediate=True)
        for each in [mapped] if is_here else self._mapped:
            each.members.pop(number, None)
            each.orphans.discard(number)
        # What it has gained here is not there yet, but it is still the same entity.
        lives_on = is_here and is_there
        if not any(
            number in each.members
            or (lives_on and self._world.has(entity, each.component))
            for each in self._mapped
        ):
            del self._numbers[self._entities.pop(number)]

    def _create(self, mapped: _Mapped) -> None:
        """Give esper's entities the components that ours have gained."""
        entities = mapped.group.appeared()
        values = mapped.group.values_of(entities)
        for entity, each in zip(entities, values, strict=True):
            number = self._numbers.get(entity)
            instance = mapped.kind(**each)
            if number is None:
                number = self._esper.create_entity()
                self._link(number, entity)
            elif not self._esper.entity_exists(number):
                continue  # deleted there, which the next pull will find
            self._esper.add_component(number, instance)
            mapped.members[number] = instance
            mapped.group.attach(entity, instance)


_Differences = tuple[list[int], list[int], list[int]]


class _Mapped:
    """One class of esper's components, and the component that it is."""

    def __init__(self, world: World, kind: type, component: type[Component]) -> None:
        self.kind: Any = kind
        self.component = component
        self.group = AttributeRows(world, component)
        self.members: dict[int, Any] = {}
        """Instances by esper's number, when we last looked."""
        self.newest: dict[int, Any] = {}
        """Instances by esper's number, now."""
        self.orphans: set[int] = set()
        """Which of the members are gone in our world."""
        self._pairs: object = None

    def compare(self, pairs: list[tuple[int, Any]]) -> _Differences:
        """Return who lost the component, who has another instance, and who gained it.

        Args:
            pairs: what `esper.get_component` says; the same list until something comes
                or goes, so that most ticks end here.
        """
        if pairs is self._pairs and len(pairs) == len(self.members):
            return [], [], []
        self._pairs, self.newest = pairs, dict(pairs)
        members = self.members
        return (
            sorted(members.keys() - self.newest.keys()),
            [n for n, instance in pairs if members.get(n, instance) is not instance],
            # In the order in which they were created, whatever that of the list is.
            sorted(self.newest.keys() - members.keys()),
        )


def _imported() -> Any:
    try:
        esper = import_module("esper")
    except ImportError as error:
        msg = "the adapter needs esper 3.4 or later: pip install esper"
        raise ConfigError(msg) from error
    if not hasattr(esper, "switch_world"):
        version = getattr(esper, "version", "before 3")
        msg = f"esper {version} is too old: pip install --upgrade 'esper>=3.4'"
        raise ConfigError(msg)
    return esper
