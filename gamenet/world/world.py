# SPDX-License-Identifier: MIT
"""Entities and components: a few numpy arrays, and the ids that point into them.

An entity is a row, a component is a set of columns, and a world is a fixed number of
rows that are all allocated at once. Game rules work on columns, many entities at a
time; `world[entity, Component]` is for the single entity that an event is about.

Example:
    world = World([Position, Health])
    ship = world.spawn(Position(x=3.0), Health(points=5), owner=player)
    world[ship, Position].x += 1.0
    for row in world.query(Position, Health):
        ...
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.world.arrays import RowIndices, RowsLike, as_rows
from gamenet.world.catalogue import component_type
from gamenet.world.changes import Changes
from gamenet.world.columns import Columns
from gamenet.world.component import Component
from gamenet.world.entity import (
    NOBODY,
    ROW_BITS,
    ROW_MASK,
    UINT32_MAX,
    EntityId,
    describe_entity,
    owner_number,
)
from gamenet.world.saved import SavedWorld
from gamenet.world.storage import Storage

__all__ = ["World"]

AnyComponent = TypeVar("AnyComponent", bound=Component)


class World:
    """Hold the entities of one game, or of one client's copy of it.

    Args:
        components: the component classes that entities may have, in wire order.
        capacity: how many entities can live at once; memory is taken for all of them.

    Raises:
        SchemaError: if a component is listed twice, or is none.
        ConfigError: if the capacity is not 1 to 2**24.
    """

    components: tuple[type[Component], ...]
    """The component classes, in the order given."""
    capacity: int
    """Number of rows."""
    alive: NDArray[np.bool_]
    """Whether an entity lives in each row: (capacity,) bool, read-only."""
    generation: NDArray[np.uint32]
    """Generation of each row's newest use, 0 before any: (capacity,), read-only."""
    owner: NDArray[np.uint32]
    """Player id of each living entity's owner, 0 = nobody: (capacity,), read-only."""

    def __init__(
        self, components: Sequence[type[Component]], capacity: int = 4096
    ) -> None:
        # 16 million rows: more would not fit into any machine's memory as columns.
        if not 1 <= capacity <= 1 << 24:
            msg = f"a world cannot have {capacity} rows: allowed are 1 to {1 << 24}"
            raise ConfigError(msg)
        self.components = tuple(components)
        self.capacity = capacity
        self._storage = storage = Storage(components, capacity)
        self._stamp, self._journal = storage.stamp, storage.journal
        self._rows, self._queries = storage.rows, storage.queries
        self._catalogue, self._tables = storage.catalogue, storage.catalogue.tables
        self.alive = self._rows.alive
        self.generation = self._rows.generation
        self.owner = self._rows.owner

    @property
    def tick(self) -> int:
        """The tick that changes are stamped with; set by whoever steps the world."""
        return self._stamp.tick

    @tick.setter
    def tick(self, tick: int) -> None:
        if not 0 <= tick <= UINT32_MAX:
            msg = f"the tick cannot be {tick}: allowed are 0 to {UINT32_MAX}"
            raise LocalProtocolError(msg)
        self._stamp.tick = tick

    # One entity at a time.

    def spawn(self, *components: Component, owner: object = None) -> EntityId:
        """Make a new entity in the lowest free row.

        Args:
            components: instances; their values are copied into the columns.
            owner: a player (anything with an `id`), a player id, or None for nobody.

        Raises:
            WorldFullError: if no row is free.
            LocalProtocolError: if a component is unknown or twice there, a value does
                not fit, or the owner is no player. Nothing is spawned.
        """
        tables = self._catalogue.shape([component_type(item) for item in components])
        owner_id = owner_number(owner)
        row = self._rows.lowest_free()
        for table, values in zip(tables, components, strict=True):
            table.write(row, values)
        entity = self._rows.take_next(row, owner_id)
        for table in tables:
            table.admit(row, entity)
        self._journal.spawned(entity)
        return entity

    def despawn(self, entity: EntityId) -> None:
        """Remove an entity; its id is stale from now on.

        Raises:
            StaleEntityError: if it is gone already.
        """
        row = self._rows.row_of(entity)
        for table in self._catalogue:
            table.expel(row)
        self._rows.release(row)
        self._journal.despawned(EntityId(int(entity)))

    def add(self, entity: EntityId, component: Component) -> None:
        """Give an entity a component, or new values for one that it has.

        Raises:
            StaleEntityError: if the entity is gone.
            LocalProtocolError: if the component is unknown or a value does not fit;
                nothing is changed.
        """
        row = self._rows.row_of(entity)
        table = self._catalogue.table(component_type(component))
        table.overwrite(row, component)
        if table.holders[row] == NOBODY:
            table.admit(row, entity)
            self._journal.reshaped(EntityId(int(entity)))

    def remove(self, entity: EntityId, component: type[Component]) -> None:
        """Take a component from an entity.

        Raises:
            StaleEntityError: if the entity is gone.
            LocalProtocolError: if it does not have the component.
        """
        row = self._rows.row_of(entity)
        table = self._catalogue.table(component)
        if table.holders[row] == NOBODY:
            raise self._access_error(entity, component)
        table.expel(row)
        self._journal.reshaped(EntityId(int(entity)))

    def set_owner(self, entity: EntityId, owner: object) -> None:
        """Give an entity to another owner; its clients are told with the next tick.

        Args:
            entity: which one.
            owner: as in `spawn`.

        Raises:
            StaleEntityError: if the entity is gone.
            LocalProtocolError: if the owner is no player.
        """
        row = self._rows.row_of(entity)
        if self._rows.give(row, owner_number(owner)):
            self._journal.reowned(EntityId(int(entity)))

    def has(self, entity: EntityId, component: type[Component]) -> bool:
        """Return whether an entity has a component.

        Raises:
            StaleEntityError: if the entity is gone.
        """
        row = self._rows.row_of(entity)
        return self._catalogue.table(component).holders[row] != NOBODY

    def __getitem__(self, key: tuple[EntityId, type[AnyComponent]]) -> AnyComponent:
        """Return a row view: the component's fields, read from and written to columns.

        A write marks the row as changed. The view is typed as the component, whose
        fields it has; `encode` and the like it has not.

        Raises:
            StaleEntityError: if the entity is gone.
            LocalProtocolError: if it does not have the component.
        """
        entity, component = key
        try:
            table = self._tables[component]
            row = entity & ROW_MASK
            is_held = table.holders[row] == entity
        except (KeyError, IndexError, TypeError):
            is_held = False
        if not is_held:
            raise self._access_error(entity, component)
        return cast("AnyComponent", table.view(entity, row))

    def __contains__(self, entity: object) -> bool:
        if not isinstance(entity, int | np.integer):
            return False
        row = int(entity) & ROW_MASK
        return row < self.capacity and self._rows.id_cells[row] == entity

    def __len__(self) -> int:
        return self._rows.n_alive

    # Many entities at a time.

    def columns(self, component: type[Component]) -> Columns:
        """Return the columns of a component: always the same object."""
        return self._catalogue.table(component).columns

    def query(
        self, *components: type[Component], without: Iterable[type[Component]] = ()
    ) -> RowIndices:
        """Return the ascending rows whose entities have all of some components.

        Args:
            components: what they must have; with none given, every entity matches.
            without: what they must not have.

        Shapes:
            returns (n,) intp, read-only. It does not change when the world does.
        """
        return self._queries.find(components, tuple(without))

    def row_of(self, entity: EntityId) -> int:
        """Return the row of an entity.

        Raises:
            StaleEntityError: if the entity is gone.
        """
        return self._rows.row_of(entity)

    def id_of(self, row: int) -> EntityId:
        """Return the id of the entity in a row.

        Raises:
            StaleEntityError: if no entity lives there.
        """
        return self._rows.id_of(row)

    def ids_of(self, rows: RowsLike) -> NDArray[np.uint64]:
        """Return the ids of the entities in rows.

        Raises:
            StaleEntityError: if no entity lives in one of them.
        """
        return self._rows.ids_of(as_rows(rows, self.capacity))

    def spawn_rows(
        self, n_rows: int, *components: Component, owner: object = None
    ) -> RowIndices:
        """Make several new entities, all with the same values, in the lowest free rows.

        Args:
            n_rows: how many.
            components: instances; each new row gets their values.
            owner: as in `spawn`.

        Returns:
            The ascending rows; write what differs through `columns`.

        Raises:
            WorldFullError: if fewer rows are free. Nothing is spawned then, nor after
                the errors of `spawn`.
        """
        tables = self._catalogue.shape([component_type(item) for item in components])
        owner_id = owner_number(owner)
        rows = self._rows.lowest_free_rows(n_rows)
        if not len(rows):
            return rows
        first = int(rows[0])
        for table, values in zip(tables, components, strict=True):
            table.write(first, values)
        entities = self._rows.take_many(rows, owner_id)
        for table in tables:
            table.repeat(first, rows)
            table.admit_many(rows, entities)
        self._journal.spawned_many(entities.tolist())
        return rows

    def despawn_rows(self, rows: RowsLike) -> None:
        """Remove the entities of rows; a row given twice counts once.

        Raises:
            StaleEntityError: if no entity lives in one of them; nothing is removed.
        """
        distinct = np.unique(as_rows(rows, self.capacity))
        if not len(distinct):
            return
        entities = self._rows.ids_of(distinct)
        for table in self._catalogue:
            table.expel_many(distinct)
        self._rows.release_many(distinct)
        for entity in entities.tolist():
            self._journal.despawned(entity)

    def save(self, into: SavedWorld | None = None) -> SavedWorld:
        """Copy the whole state: entities, generations, owners, values, changed ticks.

        Args:
            into: an earlier copy to write over, which is faster; None makes a new one.

        Raises:
            LocalProtocolError: `into` is of a world of another shape.
        """
        return self._storage.save(into)

    def load(self, saved: SavedWorld) -> None:
        """Go back to a state; from here all goes on as it did after `save`.

        The next spawn gets the same row and generation, and ids from then are valid
        again or stale again. Columns stay the same arrays. `drain_changes` is not set
        back: it tells what the way here has changed since it was last asked. Changed
        ticks are those of the state, so who follows values by them hears of nothing.

        Args:
            saved: from this world, or another one of the same shape.

        Raises:
            LocalProtocolError: it is of a world of another shape; nothing is changed.
        """
        self._storage.load(saved)

    def checksum(self) -> int:
        """Return 32 bits that differ where worlds differ, but for rare coincidences.

        What counts: ids and owners of the living, what they have, and its values, bit
        by bit. The tick does not count, and neither do left-overs in columns.
        """
        return self._storage.checksum()

    # Replication.

    def drain_changes(self) -> Changes:
        """Return who came, went and changed shape since the last call."""
        return self._journal.drain()

    def restore(
        self,
        entity: EntityId,
        components: Iterable[type[Component]],
        owner: object = None,
    ) -> None:
        """Make an entity exist with exactly this id, these components and this owner.

        Another entity in its row is despawned first. If the entity itself lives there,
        it keeps the values of the components that it keeps. Components that it gains
        have their defaults.

        Raises:
            LocalProtocolError: if the id does not fit into this world, a component is
                unknown, or the owner is no player; nothing is changed.
        """
        entity = EntityId(int(entity))
        row, generation = entity & ROW_MASK, entity >> ROW_BITS
        if row >= self.capacity or not 1 <= generation <= UINT32_MAX:
            msg = (
                f"{describe_entity(entity)} cannot be restored: rows go from 0 to "
                f"{self.capacity - 1}, generations from 1 to {UINT32_MAX}"
            )
            raise LocalProtocolError(msg)
        wanted = self._catalogue.shape(list(components))
        owner_id = owner_number(owner)
        if self._rows.id_cells[row] == entity:
            if self._rows.give(row, owner_id):
                self._journal.reowned(entity)
            if self._catalogue.reshape(row, entity, wanted):
                self._journal.reshaped(entity)
            return
        if self.alive[row]:
            self.despawn(self._rows.id_of(row))
        self._rows.take(entity, owner_id)
        self._catalogue.reshape(row, entity, wanted)
        self._journal.spawned(entity)

    def _access_error(
        self, entity: EntityId, component: type[Component]
    ) -> LocalProtocolError:
        self._rows.row_of(entity)
        self._catalogue.table(component)
        name = component.__name__
        msg = (
            f"{describe_entity(entity)} has no {name}: ask world.has(entity, {name}) "
            f"first, or give it one with world.add(entity, {name}(...))"
        )
        return LocalProtocolError(msg)
