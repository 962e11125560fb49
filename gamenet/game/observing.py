# SPDX-License-Identifier: MIT
"""Let other code follow a match: a scene, physics, sound, AI, a profiler.

Such code wants to hear what happens, and the game should not have to know it. It
subclasses `Observer`, overrides what it wants to hear, and is attached to a server or
to a client. What nobody overrides is neither found out nor called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication import Call, Changed
from gamenet.world import Changes, Component, EntityId, World, entity_row

__all__ = ["Observer", "Observers"]


class Observer:
    """Subclass me, override what you want to hear of, and attach an instance.

    Hooks are called once a tick, after the world has changed; what they raise is logged
    and counted, and stops nothing. A match may have any number of observers.

    Example:
        class Sounds(Observer):
            def spawned(self, entity):
                play("whoosh")

        client.observers.attach(Sounds())
    """

    def spawned(self, entity: EntityId) -> None:
        """Override me: an entity is new, or has come into view, with all it has."""

    def despawned(self, entity: EntityId) -> None:
        """Override me: an entity is gone; its id is stale already."""

    def left(self, entity: EntityId) -> None:
        """Override me: an entity has left a client's view, and may come back."""

    def component_added(self, entity: EntityId, component: type[Component]) -> None:
        """Override me: an entity has a component that it did not have before."""

    def component_removed(self, entity: EntityId, component: type[Component]) -> None:
        """Override me: an entity has lost a component, and lives on."""

    def component_changed(
        self, component: type[Component], rows: NDArray[np.intp]
    ) -> None:
        """Override me: values of a component have changed, in these rows.

        Shapes:
            rows: (n,) intp, ascending; read the values with `World.columns`.
        """

    def owner_changed(self, entity: EntityId, owner: int) -> None:
        """Override me: an entity has another owner; 0 is nobody."""

    def ticked(self, tick: int) -> None:
        """Override me: the world shows this tick now."""

    def stage(self, name: str, seconds: float) -> None:
        """Override me: a part of a tick's work took so long."""


HOOKS = tuple(name for name in vars(Observer) if not name.startswith("_"))
_SHAPE_HOOKS = ("component_added", "component_removed")


class Observers:
    """Those who follow one match, and what each of them wants to hear.

    Args:
        call: calls a function with arguments, and deals with what it raises.
        world: what they follow; None if it is not there yet, see `follow`.
    """

    def __init__(self, call: Call, world: World | None = None) -> None:
        self._call = call
        self._world = world
        self._attached: list[Observer] = []
        self._heard: dict[str, tuple[tuple[Observer, str], ...]] = {}
        self._shapes: _Shapes | None = None
        self._sort()

    def __len__(self) -> int:
        return len(self._attached)

    def attach(self, observer: Observer) -> None:
        """Let an observer hear from now on what it overrides by now.

        One that is attached already stays so.

        Raises:
            LocalProtocolError: it is no observer.
        """
        if not isinstance(observer, Observer):
            msg = f"{observer!r:.200} cannot observe: attach an instance of an Observer"
            raise LocalProtocolError(msg)
        if not self._is_attached(observer):
            self._attached.append(observer)
            self._sort()

    def detach(self, observer: Observer) -> None:
        """Let an observer hear nothing any more; one that is not attached stays so."""
        self._attached = [each for each in self._attached if each is not observer]
        self._sort()

    def follow(self, world: World) -> None:
        """Learn the world, where it was not there from the beginning."""
        self._world, self._shapes = world, None
        self._sort()

    def wants(self, hook: str) -> bool:
        """Return whether anybody hears a hook: else it need not be found out."""
        return bool(self._heard[hook])

    def tell(self, hook: str, *arguments: Any) -> None:
        """Call one hook of all who override it."""
        heard = self._heard[hook]
        for observer, name in heard:
            # One of those called before may have detached another one.
            if heard is self._heard[hook] or self._is_attached(observer):
                self._call(name, getattr(observer, hook), *arguments)

    def tell_changes(
        self, world: World, changes: Changes, left: Collection[EntityId] = ()
    ) -> None:
        """Tell who came, went, changed shape or owner, in the order of a replica.

        Args:
            world: as it is after the changes.
            changes: what the world's journal gave.
            left: those of the despawned that only left a client's view.
        """
        shapes = self._shapes
        reshaped = [] if shapes is None else shapes.differences(changes.reshaped)
        if shapes is not None:
            shapes.learn(changes.spawned)
        for entity in changes.despawned:
            self.tell("left" if entity in left else "despawned", entity)
        self._tell_each("spawned", changes.spawned, world)
        for hook, entity, component in reshaped:
            if entity in world:
                self.tell(hook, entity, component)
        if self.wants("owner_changed"):
            for entity in changes.reowned:
                if entity in world:
                    row = entity_row(entity)
                    self.tell("owner_changed", entity, int(world.owner[row]))

    def tell_values(self, changed: Changed) -> None:
        """Tell which rows of each component have changed, and have it still."""
        world = self._world
        if world is not None and self.wants("component_changed"):
            for component, (rows, _) in changed.items():
                held = rows[world.columns(component).present[rows]]
                if len(held):
                    self.tell("component_changed", component, held)

    def _tell_each(self, hook: str, entities: Iterable[EntityId], world: World) -> None:
        if self.wants(hook):
            for entity in entities:
                # A hook before may have despawned it.
                if entity in world:
                    self.tell(hook, entity)

    def _is_attached(self, observer: Observer) -> bool:
        return any(each is observer for each in self._attached)

    def _sort(self) -> None:
        self._heard = {
            hook: tuple(
                (each, f"{type(each).__name__}.{hook}")
                for each in self._attached
                if _overrides(each, hook)
            )
            for hook in HOOKS
        }
        wanted = any(self._heard[hook] for hook in _SHAPE_HOOKS)
        if not wanted or self._world is None:
            self._shapes = None
        elif self._shapes is None:
            self._shapes = _Shapes(self._world)


def _overrides(observer: Observer, hook: str) -> bool:
    """Return whether a hook was overridden, in a class or on the instance."""
    function = getattr(getattr(observer, hook), "__func__", None)
    return function is not vars(Observer)[hook]


class _Shapes:
    """Remember which components each entity had, to tell what it gained and lost.

    Args:
        world: whose entities; what they have now is what they had.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._present = [
            (component, world.columns(component).present)
            for component in world.components
        ]
        self._had = np.array([present for _, present in self._present], np.bool_)
        self._had = self._had.reshape(len(self._present), world.capacity)

    def learn(self, entities: Collection[EntityId]) -> None:
        """Remember what some entities have now."""
        rows = [entity_row(entity) for entity in entities]
        for had, (_, present) in zip(self._had, self._present, strict=True):
            had[rows] = present[rows]

    def differences(
        self, entities: Collection[EntityId]
    ) -> list[tuple[str, EntityId, type[Component]]]:
        """Return what some entities lost and gained since, and remember it."""
        found = [
            (
                "component_added"
                if present[entity_row(entity)]
                else "component_removed",
                entity,
                component,
            )
            for entity in entities
            for had, (component, present) in zip(self._had, self._present, strict=True)
            if had[entity_row(entity)] != present[entity_row(entity)]
        ]
        self.learn(entities)
        return found
