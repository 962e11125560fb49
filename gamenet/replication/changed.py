# SPDX-License-Identifier: MIT
"""Call whoever watches a field or a component when its value has changed.

Whoever replicates knows, once a tick, which rows of a component have changed, and in
which fields. `Watches` turns that into calls with an entity and its new value. It looks
only at what is watched: with nobody watching a component, its changes cost nothing.

A field is named as it is read, `Health.points`. On the class that is the descriptor of
a slot, which knows its class and its name. A component that inherits the field has the
same descriptor, so watching it means the field wherever a game has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MemberDescriptorType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError
from gamenet.world import Component, EntityId, World, entity_row

__all__ = [
    "Call",
    "Changed",
    "Subject",
    "Watch",
    "Watches",
    "changed_fields",
    "subject_of",
]

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

Call = Callable[..., None]
"""Call an author's function, `call(name, function, *arguments)`, and survive it."""

Changed = Mapping[type[Component], tuple[Rows, Mapping[str, Mask]]]
"""For each component the rows that changed, and for each field which of them did."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is watched: a component, or one of its fields."""

    component: type[Component]
    """The component that declares it."""
    field: str = ""
    """Name of the field; empty for the whole component."""

    def __str__(self) -> str:
        name = self.component.__name__
        return f"{name}.{self.field}" if self.field else name

    def among(self, components: Iterable[type[Component]]) -> list[type[Component]]:
        """Return those components that this means: all that inherit the field."""
        if not self.field:
            return [each for each in components if each is self.component]
        return [each for each in components if issubclass(each, self.component)]


def subject_of(named: Any) -> Subject:
    """Return what an author has named, `Health.points` or `Health`.

    Raises:
        ConfigError: it is neither a component nor a field of one.
    """
    if isinstance(named, Subject):
        return named
    if isinstance(named, type) and issubclass(named, Component):
        if named is not Component:
            return Subject(named)
    elif isinstance(named, MemberDescriptorType):
        owner, name = named.__objclass__, named.__name__
        fields = getattr(owner, "schema_fields", ())
        if issubclass(owner, Component) and name in [field.name for field in fields]:
            return Subject(owner, name)
        named = f"{owner.__name__}.{name}"
    msg = (
        f"{named!r:.200} cannot be watched: give a field of a component, as "
        "Health.points, or a component, as Health"
    )
    raise ConfigError(msg)


class Watch:
    """One function that is called when its subject has changed."""

    __slots__ = ("function", "is_live", "name", "subject")

    def __init__(self, subject: Subject, function: Callable[..., Any]) -> None:
        self.subject = subject
        self.function = function
        self.name = f"on_changed({subject}) {_name_of(function)}"
        """What the log calls it."""
        self.is_live = True
        """Whether it is still to be called."""


class Watches:
    """Hold what is watched on one side, and call it.

    Args:
        components: those whose changes will be told; None if they are not known yet,
            see `bind`.
    """

    def __init__(self, components: Sequence[type[Component]] | None = None) -> None:
        self._all: list[Watch] = []
        self._by_component: dict[type[Component], tuple[Watch, ...]] = {}
        self._components: tuple[type[Component], ...] | None = None
        if components is not None:
            self.bind(components)

    @property
    def components(self) -> tuple[type[Component], ...]:
        """Return the components whose changes somebody watches."""
        return tuple(self._by_component)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, component: object) -> bool:
        return component in self._by_component

    def add(self, named: Any, function: Callable[..., Any]) -> Watch:
        """Call a function whenever a field or a component has changed.

        Args:
            named: a field, as `Health.points`, or a component, as `Health`.
            function: called with the entity and the new value of the field, or with
                the entity alone where a whole component is watched.

        Returns:
            What `remove` takes.

        Raises:
            ConfigError: it cannot be watched, or is not among the components.
        """
        watch = Watch(subject_of(named), function)
        if self._components is not None:
            self._check([watch], self._components)
        self._all.append(watch)
        self._sort()
        return watch

    def remove(self, watch: Watch) -> None:
        """Call a function no more, beginning now; one that is removed stays so."""
        watch.is_live = False
        self._all = [each for each in self._all if each is not watch]
        self._sort()

    def bind(self, components: Sequence[type[Component]]) -> None:
        """Learn which components there are.

        Raises:
            ConfigError: something is watched that is not among them.
        """
        self._check(self._all, components)
        self._components = tuple(components)
        self._sort()

    def dispatch(self, world: World, changed: Changed, call: Call) -> None:
        """Call who watches what has changed.

        All values are read before the first call, so that nobody hears what another
        one made of them. An entity that one of them removes is not told any more.

        Args:
            world: where the values are.
            changed: what has changed; what nobody watches may be left out.
            call: calls a function with arguments, and deals with what it raises.
        """
        told: list[tuple[Watch, type[Component], tuple[Any, ...]]] = []
        for component, watches in self._by_component.items():
            if component in changed:
                rows, masks = changed[component]
                is_there = world.columns(component).present[rows]
                for watch in watches:
                    taken = is_there
                    if watch.subject.field:
                        taken = is_there & masks.get(watch.subject.field, False)
                    arguments = _arguments(world, component, watch, rows[taken])
                    told += [(watch, component, each) for each in arguments]
        for watch, component, each in told:
            if watch.is_live and _is_held(world, each[0], component):
                call(watch.name, watch.function, *each)

    def _check(
        self, watches: Iterable[Watch], components: Sequence[type[Component]]
    ) -> None:
        for watch in watches:
            if not watch.subject.among(components):
                known = ", ".join(each.__name__ for each in components) or "none"
                msg = (
                    f"{watch.name}: {watch.subject.component.__name__} is not among "
                    f"the components that are told of here, which are {known}"
                )
                raise ConfigError(msg)

    def _sort(self) -> None:
        self._by_component = {}
        components = self._components or ()
        for watch in self._all:
            for component in watch.subject.among(components):
                before = self._by_component.get(component, ())
                self._by_component[component] = (*before, watch)


def changed_fields(
    parts: Iterable[tuple[type[Component], Rows, Mapping[str, Mask]]],
    new: Iterable[EntityId] = (),
) -> dict[type[Component], tuple[Rows, dict[str, Mask]]]:
    """Gather what has changed, told in any number of parts, by component.

    A row of several parts is there once; one of which no field changed is not.

    Args:
        parts: a component, some rows, and for each field which of them changed, such as
            `Lanes.changed_fields` gives.
        new: entities that are left out, because whatever they have is new.

    Shapes:
        rows: (n,), and (n,) bool for each field.
    """
    by_component: dict[type[Component], list[tuple[Rows, Mapping[str, Mask]]]] = {}
    for component, rows, masks in parts:
        if len(rows) and masks:
            by_component.setdefault(component, []).append((rows, masks))
    new_rows = np.array([entity_row(entity) for entity in new], np.intp)
    gathered = {
        component: _gathered(told, new_rows) for component, told in by_component.items()
    }
    return {each: found for each, found in gathered.items() if len(found[0])}


def _gathered(
    told: list[tuple[Rows, Mapping[str, Mask]]], new_rows: Rows
) -> tuple[Rows, dict[str, Mask]]:
    rows, places = np.unique(
        np.concatenate([rows for rows, _ in told]), return_inverse=True
    )
    masks: dict[str, Mask] = {}
    for name in told[0][1]:
        masks[name] = np.zeros(len(rows), np.bool_)
        flags = np.concatenate([flags[name] for _, flags in told])
        masks[name][places[flags]] = True
    kept: Mask = np.logical_or.reduce(list(masks.values()))
    kept &= ~np.isin(rows, new_rows)
    return rows[kept], {name: mask[kept] for name, mask in masks.items()}


def _arguments(
    world: World, component: type[Component], watch: Watch, rows: Rows
) -> list[tuple[Any, ...]]:
    """Return what a watch is called with, for each of some rows."""
    entities = [world.id_of(row) for row in rows.tolist()]
    field = watch.subject.field
    if not field:
        return [(entity,) for entity in entities]
    # A row view gives Python numbers, tuples and Enum members.
    return [(entity, getattr(world[entity, component], field)) for entity in entities]


def _is_held(world: World, entity: EntityId, component: type[Component]) -> bool:
    return entity in world and world.has(entity, component)


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", None) or type(function).__name__
