# SPDX-License-Identifier: MIT
"""Objects that are made of entities: one for each that has a certain component."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

from gamenet.game.attributes import AttributeRows
from gamenet.world import Component, EntityId, World

__all__ = ["BoundObjects", "Factory"]

Factory = Callable[[EntityId], Any]
"""Makes the object of an entity."""


class BoundObjects:
    """The objects of the entities with one component.

    Args:
        world: where the entities come and go.
        factory: makes the objects.
        components: which entities have one, and the others whose fields are
            attributes, too.
        dropped: is told of objects whose entity, or component, is gone.

    Raises:
        LocalProtocolError: a component is not of this world.
    """

    def __init__(
        self,
        world: World,
        factory: Factory,
        components: Sequence[type[Component]],
        dropped: Callable[[Any], object] | None = None,
    ) -> None:
        self._factory = factory
        self._dropped = dropped
        self._main, *self._others = [AttributeRows(world, each) for each in components]

    def object_of(self, entity: EntityId) -> Any:
        """Return the object of an entity, None if it has none."""
        return self._main.held.get(entity)

    def follow(self, taken: Container[EntityId]) -> None:
        """Drop the objects of what is gone, make those of what is new, update all.

        Args:
            taken: entities that have an object already, made elsewhere.
        """
        for entity in self._main.gone():
            self._drop(entity)
        for group in (self._main, *self._others):
            for entity in group.gone():
                group.detach(entity)
            if group.held:
                group.give(list(group.held.values()))
        new = [each for each in self._main.appeared() if each not in taken]
        _fill(self._main, new, [self._factory(entity) for entity in new])
        for other in self._others:
            new = [each for each in other.appeared() if each in self._main.held]
            _fill(other, new, [self._main.held[entity] for entity in new])

    def _drop(self, entity: EntityId) -> None:
        obj = self._main.detach(entity)
        for other in self._others:
            other.detach(entity)
        if self._dropped is not None:
            self._dropped(obj)


def _fill(
    group: AttributeRows, entities: Sequence[EntityId], objects: Sequence[Any]
) -> None:
    """Give objects all values of a component, and keep them."""
    values = group.values_of(entities)
    for entity, obj, each in zip(entities, objects, values, strict=True):
        for name, value in each.items():
            setattr(obj, name, value)
        group.attach(entity, obj)
