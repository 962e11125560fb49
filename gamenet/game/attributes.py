# SPDX-License-Identifier: MIT
"""Keep attributes of plain objects and columns of a world equal, both ways.

Beside every column stands a copy of what both sides agreed on last. Whoever differs
from it has changed since: so values go both ways without marks by the game, and a value
that nobody touched is never written. All of that is one numpy operation a field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.game.attribute_values import CONVERSION_ERRORS, Attribute, differing
from gamenet.world import Component, EntityId, World, entity_generation, entity_row

__all__ = ["AttributeRows"]

# How an id is made of a row and a generation, for many at once.
ROW_BITS, ROW_MASK = 32, 0xFFFFFFFF


class AttributeRows:
    """The entities whose rows of one component are attributes of objects.

    Args:
        world: the world with the component.
        component: whose columns they are.
        names: which of its fields; each object has attributes of these names.

    Raises:
        LocalProtocolError: the world does not have the component, or it has no such
            field.
    """

    def __init__(
        self, world: World, component: type[Component], names: Iterable[str] = ()
    ) -> None:
        columns = world.columns(component)
        self.component = component
        """Whose columns they are."""
        self.held: dict[EntityId, Any] = {}
        """What the owner of this object keeps for each entity, such as a reference."""
        self._world = world
        self._columns = columns
        fields = {field.name: field for field in component.schema_fields}
        self._attributes = []
        for name in names or fields:
            if name not in fields:
                known = ", ".join(fields) or "none"
                msg = f"{component.__name__} has no field {name!r}: it has {known}"
                raise LocalProtocolError(msg)
            self._attributes.append(Attribute(fields[name], columns.arrays[name]))
        self._attached = np.zeros(world.capacity, np.uint32)
        self._known: tuple[NDArray[np.intp], NDArray[np.uint32]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the attributes."""
        return tuple(attribute.name for attribute in self._attributes)

    @property
    def rows(self) -> NDArray[np.intp]:
        """Return the rows of the attached entities, in the order of `held`."""
        return self._named()[0]

    def attach(self, entity: EntityId, holder: Any) -> None:
        """Begin with an entity that has the component; its columns are agreed on."""
        row = entity_row(entity)
        self.held[entity] = holder
        self._attached[row] = entity_generation(entity)
        self._known = None
        for attribute in self._attributes:
            attribute.agreed[row] = attribute.column[row]

    def detach(self, entity: EntityId) -> Any:
        """End with an entity, and return what was kept for it; None if nothing was."""
        row = entity_row(entity)
        # A later entity may live there by now, and be attached already.
        if self._attached[row] == entity_generation(entity):
            self._attached[row] = 0
        self._known = None
        return self.held.pop(entity, None)

    def gone(self) -> list[EntityId]:
        """Return the attached entities that are gone, or have lost the component."""
        rows, generations = self._named()
        is_gone = self._present()[rows] != generations
        if not is_gone.any():
            return []
        entities = list(self.held)
        return [entities[i] for i in np.flatnonzero(is_gone).tolist()]

    def appeared(self) -> list[EntityId]:
        """Return the entities with the component that are not attached."""
        present = self._present()
        rows = np.flatnonzero((present != 0) & (present != self._attached))
        return [EntityId(entity) for entity in self._world.ids_of(rows).tolist()]

    def read(self, objects: Sequence[Any]) -> list[NDArray[Any]]:
        """Return the attributes of objects as columns.

        Args:
            objects: one for each entity of `held`, in its order.

        Raises:
            LocalProtocolError: an attribute is missing, or its column cannot hold it.
        """
        try:
            return [attribute.read(objects) for attribute in self._attributes]
        except CONVERSION_ERRORS as error:
            self._blame(objects, error)
            raise

    def take(self, values: Sequence[NDArray[Any]]) -> None:
        """Write into the columns what `read` returned, where an object has changed."""
        rows = self.rows
        is_changed = np.zeros(len(rows), np.bool_)
        for attribute, new in zip(self._attributes, values, strict=True):
            differs = differing(new, attribute.agreed[rows])
            if differs.any():
                where = rows[differs]
                attribute.column[where] = attribute.agreed[where] = new[differs]
                is_changed |= differs
        if is_changed.any():
            self._columns.changed(rows[is_changed])

    def give(self, objects: Sequence[Any]) -> None:
        """Write the columns into attributes, where a column has changed."""
        rows = self.rows
        for attribute in self._attributes:
            now = attribute.column[rows]
            differs = np.flatnonzero(differing(now, attribute.agreed[rows]))
            if len(differs):
                name, values = attribute.name, attribute.values(now[differs])
                for i, value in zip(differs.tolist(), values, strict=True):
                    setattr(objects[i], name, value)
                attribute.agreed[rows[differs]] = now[differs]

    def component_of(self, obj: Any) -> Component:
        """Return the attributes of an object as a component.

        Raises:
            LocalProtocolError: it has no such attribute.
        """
        try:
            return self.component(**{name: getattr(obj, name) for name in self.names})
        except AttributeError as error:
            msg = f"{type(obj).__name__} is no {self.component.__name__}: {error}"
            raise LocalProtocolError(msg) from error

    def values_of(self, entities: Sequence[EntityId]) -> list[dict[str, Any]]:
        """Return the values of entities that have the component, by field."""
        rows = np.array([entity_row(entity) for entity in entities], np.intp)
        names = self.names
        values = [each.values(each.column[rows]) for each in self._attributes]
        if not names:
            return [{} for _ in entities]
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]

    def _named(self) -> tuple[NDArray[np.intp], NDArray[np.uint32]]:
        """Return row and generation of each attached entity."""
        if self._known is None:
            ids = np.fromiter(self.held, np.uint64, len(self.held))
            rows = (ids & np.uint64(ROW_MASK)).astype(np.intp)
            self._known = rows, (ids >> np.uint64(ROW_BITS)).astype(np.uint32)
        return self._known

    def _present(self) -> NDArray[np.uint32]:
        """Return the generation of each row that has the component, 0 elsewhere."""
        present: NDArray[np.uint32] = self._world.generation * self._columns.present
        return present

    def _blame(self, objects: Sequence[Any], error: Exception) -> None:
        """Say which object has an attribute that its column cannot hold."""
        trial = World([self.component], 1)
        view = trial[trial.spawn(self.component()), self.component]
        for row, each in zip(self.rows.tolist(), objects, strict=True):
            try:
                for name in self.names:
                    setattr(view, name, getattr(each, name))
            except (AttributeError, LocalProtocolError) as cause:
                msg = f"the {type(each).__name__} of row {row}: {cause}"
                raise LocalProtocolError(msg) from error
