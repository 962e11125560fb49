# SPDX-License-Identifier: MIT
"""Let plain Python objects be entities: no columns, no row views, just attributes.

On the server `track` makes an entity of an object, and `pull` reads the attributes of
all tracked objects before each replication. On a client `bind` makes an object of each
entity with a component, and `push` writes what has changed into its attributes.

Objects are held weakly: an object that the game forgets takes its entity with it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gamenet.errors import LocalProtocolError
from gamenet.game.attributes import AttributeRows
from gamenet.game.bound_objects import BoundObjects, Factory
from gamenet.game.fitting import fitting_component
from gamenet.world import Component, EntityId, World

__all__ = ["Tracker"]

Reference = Callable[[], Any]


@dataclass(slots=True, eq=False)
class _Tracked:
    """An object that was given to `track`."""

    key: int
    reference: Reference
    entity: EntityId
    groups: list[AttributeRows] = field(default_factory=list)


class Tracker:
    """Keep objects and the entities of a world in step.

    Args:
        world: the server's, or a client's copy of it.

    Example:
        tracker = Tracker(world)
        ship = Ship(x=3.0, y=4.0)
        entity = tracker.track(ship, "x", "y")
        ship.x += 1.0
        tracker.pull()
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._groups: dict[tuple[type[Component], tuple[str, ...]], AttributeRows] = {}
        self._tracked: dict[int, _Tracked] = {}
        self._by_entity: dict[EntityId, _Tracked] = {}
        self._forgotten: list[EntityId] = []
        self._bound: dict[type[Component], BoundObjects] = {}

    def __len__(self) -> int:
        """Return how many objects are tracked."""
        return len(self._by_entity)

    # -- objects that become entities -------------------------------------------

    def track(
        self,
        obj: Any,
        *fields: str,
        component: type[Component] | None = None,
        owner: object = None,
    ) -> EntityId:
        """Make an entity of an object; some attributes are a component's fields.

        An object that is tracked already gets one more component.

        Args:
            obj: held weakly, unless its class allows no weak references.
            fields: names of the attributes; all fields of `component` by default.
            component: whose fields they are. Left out, it is the world's component
                that has exactly these fields.
            owner: as in `World.spawn`.

        Raises:
            LocalProtocolError: no component fits or several do, an attribute is missing
                or does not fit, or the object is tracked as this component already.
            WorldFullError: if no row is free.
        """
        group = self._group(fields, component)
        self._bury()
        values = group.component_of(obj)
        known = self._known(obj)
        if known is None:
            entity = self._world.spawn(values, owner=owner)
            known = self._remember(obj, entity)
        else:
            entity = known.entity
            self._extend(known, values)
            if owner is not None:
                self._world.set_owner(entity, owner)
        known.groups.append(group)
        group.attach(entity, known.reference)
        return entity

    def untrack(self, obj: Any) -> None:
        """Despawn the entity of an object.

        Raises:
            LocalProtocolError: it is not tracked.
        """
        known = self._known(obj)
        if known is None:
            msg = f"this {type(obj).__name__} is not tracked: call track() first"
            raise LocalProtocolError(msg)
        self._drop(known)

    def entity_of(self, obj: Any) -> EntityId | None:
        """Return the entity of a tracked object, None if it has none."""
        known = self._known(obj)
        return None if known is None else known.entity

    def object_of(self, entity: EntityId) -> Any:
        """Return the object of an entity, tracked or bound; None if it has none."""
        known = self._by_entity.get(entity)
        if known is not None:
            return known.reference()
        for bound in self._bound.values():
            obj = bound.object_of(entity)
            if obj is not None:
                return obj
        return None

    # -- entities that become objects -------------------------------------------

    def bind(
        self,
        component: type[Component],
        factory: Factory,
        *others: type[Component],
        dropped: Callable[[Any], object] | None = None,
    ) -> None:
        """Make an object of each entity with a component, as long as it lives.

        Its attributes follow the columns with every `push`, and never the other way
        round. Entities of tracked objects have one already.

        Args:
            component: which entities; their objects get its fields as attributes.
            factory: makes the object; called with the entity.
            others: components whose fields are attributes, too, while it has them.
            dropped: called with an object whose entity, or component, is gone.

        Raises:
            LocalProtocolError: a component is not of this world, or is bound already.
        """
        if component in self._bound:
            msg = f"{component.__name__} is bound already: bind it once"
            raise LocalProtocolError(msg)
        self._bound[component] = BoundObjects(
            self._world, factory, (component, *others), dropped
        )

    # -- once a tick ---------------------------------------------------------------

    def pull(self) -> None:
        """Read the attributes of all tracked objects into the columns.

        Only values that the object has changed since the last time are written, and
        only their rows are marked. Entities of forgotten objects are despawned.

        Raises:
            LocalProtocolError: an attribute is missing, or its column cannot hold it;
                no value was written.
        """
        found = [(group, group.read(objects)) for group, objects in self._living()]
        for group, values in found:
            group.take(values)

    def push(self) -> None:
        """Write columns into the attributes of their objects, where they have changed.

        Objects of new entities are made first, and those of old ones dropped.
        """
        for group, objects in self._living():
            group.give(objects)
        for bound in self._bound.values():
            bound.follow(self._by_entity)

    def _living(self) -> list[tuple[AttributeRows, list[Any]]]:
        """Return each group with its objects, which live as long as the answer."""
        self._follow_world()
        while True:
            self._bury()
            living = [
                (group, [reference() for reference in group.held.values()])
                for group in self._groups.values()
                if group.held
            ]
            # The garbage collector may have come by meanwhile.
            if not self._forgotten:
                return living

    def _bury(self) -> None:
        """Despawn the entities of forgotten objects."""
        while self._forgotten:
            known = self._by_entity.get(self._forgotten.pop())
            if known is not None:
                self._drop(known)

    def _follow_world(self) -> None:
        """Let go of objects whose entities or components the game has removed."""
        for group in self._groups.values():
            for entity in group.gone():
                group.detach(entity)
                known = self._by_entity[entity]
                known.groups.remove(group)
                if not known.groups:
                    self._let_go(known)

    def _group(
        self, names: tuple[str, ...], component: type[Component] | None
    ) -> AttributeRows:
        if component is None:
            component = fitting_component(self._world.components, names)
        names = names or tuple(field.name for field in component.schema_fields)
        key = component, tuple(sorted(names))
        if key not in self._groups:
            self._groups[key] = AttributeRows(self._world, component, names)
        return self._groups[key]

    def _known(self, obj: Any) -> _Tracked | None:
        known = self._tracked.get(id(obj))
        # The number of an object that is gone may be another one's now.
        if known is None or known.reference() is not obj:
            return None
        return known if known.entity in self._world else None

    def _remember(self, obj: Any, entity: EntityId) -> _Tracked:
        known = _Tracked(id(obj), _reference(obj, entity, self._forgotten), entity)
        self._tracked[known.key] = self._by_entity[entity] = known
        return known

    def _extend(self, known: _Tracked, values: Component) -> None:
        component = type(values)
        if any(group.component is component for group in known.groups):
            msg = f"this object is tracked as {component.__name__} already: untrack it"
            raise LocalProtocolError(msg)
        self._world.add(known.entity, values)

    def _drop(self, known: _Tracked) -> None:
        self._let_go(known)
        if known.entity in self._world:
            self._world.despawn(known.entity)

    def _let_go(self, known: _Tracked) -> None:
        del self._by_entity[known.entity]
        if self._tracked.get(known.key) is known:
            del self._tracked[known.key]
        for group in known.groups:
            group.detach(known.entity)


def _reference(obj: Any, entity: EntityId, forgotten: list[EntityId]) -> Reference:
    """Return a reference that says when its object is gone; weak if that can be."""
    try:
        return weakref.ref(obj, lambda _: forgotten.append(entity))
    except TypeError:
        return partial(_itself, obj)


def _itself(obj: Any) -> Any:
    return obj
