# SPDX-License-Identifier: MIT
"""Give out rows: the lowest free one first, each use with a new generation.

Low rows first keep the living together, so that bitmaps over rows are short and columns
stay in cache. One byte per row says whether it is taken; the lowest free row is a
`bytearray.find` (a `memchr`, 60 ns for 4,096 rows), which needs no heap and no list of
free rows, and which stays right when a replica takes rows in any order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError, StaleEntityError, WorldFullError
from gamenet.world.arrays import RowIndices, read_only
from gamenet.world.entity import (
    NOBODY,
    ROW_BITS,
    ROW_MASK,
    EntityId,
    describe_entity,
    entity_id,
    entity_ids,
    following_generation,
    following_generations,
)
from gamenet.world.memory import Memory

__all__ = ["Rows"]


class Rows:
    """Keep, for each row, which entity lives there and how often the row was used.

    Args:
        memory: of the world; its layout says the number of rows.

    Shapes:
        alive: (capacity,) bool, read-only.
        generation: (capacity,) uint32, read-only; of the newest use, 0 before any.
        owner: (capacity,) uint32, read-only; the player id of a living entity's owner,
            0 = nobody.
    """

    def __init__(self, memory: Memory) -> None:
        self.capacity = memory.layout.capacity
        self.n_alive = 0
        self.version = 0
        """Rises whenever a row is taken or released."""
        self.n_given = 0
        """Rises whenever a row gets another owner."""
        self.search_from = 0
        """No row below it is free."""
        # The block begins with the bytes of `alive`, each 0 where a row is free.
        self._room, self._begin = memory.room, memory.begin
        self._alive = memory.arrays[None, "alive"]
        self._generation = memory.arrays[None, "generation"]
        self._ids = memory.arrays[None, "ids"]
        self._ids[:] = NOBODY
        self._owner = memory.arrays[None, "owner"]
        self.owner = read_only(self._owner)
        self.alive = read_only(self._alive)
        self.generation = read_only(self._generation)
        # Indexing a memoryview gives Python numbers, twice as fast as numpy does.
        self._generation_cells = self._generation.data
        self._owner_cells = self._owner.data
        self._taken = self._alive.data
        self.id_cells = self._ids.data

    def row_of(self, entity: EntityId) -> int:
        """Return the row of a living entity.

        Raises:
            StaleEntityError: if the id names no living entity.
        """
        try:
            row = entity & ROW_MASK
            is_alive = self.id_cells[row] == entity
        except (IndexError, TypeError):
            is_alive = False
        if not is_alive:
            raise StaleEntityError(self._why_stale(entity))
        return row

    def id_of(self, row: int) -> EntityId:
        """Return the id of the entity in a row.

        Raises:
            StaleEntityError: if no entity lives there.
        """
        if 0 <= row < self.capacity and self._taken[row]:
            return EntityId(self.id_cells[row])
        msg = f"no entity lives in row {row} of {self.capacity}: ask World.query"
        raise StaleEntityError(msg)

    def ids_of(self, rows: RowIndices) -> NDArray[np.uint64]:
        """Return the ids of the entities in rows.

        Raises:
            StaleEntityError: if no entity lives in one of them.
        """
        ids: NDArray[np.uint64] = self._ids[rows]
        if not self.alive[rows].all():
            self.id_of(int(rows[~self.alive[rows]][0]))
        return ids

    def lowest_free(self) -> int:
        """Return the lowest free row, without taking it.

        Raises:
            WorldFullError: if every row is taken.
        """
        begin = self._begin
        end = begin + self.capacity
        row = self._room.find(0, begin + self.search_from, end) - begin
        if row < 0:
            raise WorldFullError(self._why_full(1))
        self.search_from = row
        return row

    def lowest_free_rows(self, n_rows: int) -> RowIndices:
        """Return the lowest free rows, ascending, without taking them.

        Raises:
            WorldFullError: if fewer rows are free.
            LocalProtocolError: if the number is negative.
        """
        if n_rows < 0:
            msg = f"cannot spawn {n_rows} entities: give 0 or more"
            raise LocalProtocolError(msg)
        if n_rows > self.capacity - self.n_alive:
            raise WorldFullError(self._why_full(n_rows))
        return np.flatnonzero(~self.alive)[:n_rows]

    def take_next(self, row: int, owner: int) -> EntityId:
        """Take a free row for its next use, and return the new entity's id."""
        generation = following_generation(self._generation_cells[row])
        entity = entity_id(row, generation)
        self.take(entity, owner)
        return entity

    def take(self, entity: EntityId, owner: int) -> None:
        """Take a free row with a generation decided elsewhere."""
        row = entity & ROW_MASK
        self._generation_cells[row] = entity >> ROW_BITS
        self._owner_cells[row] = owner
        self.id_cells[row] = entity
        self._taken[row] = True
        self.n_alive += 1
        self.version += 1

    def take_many(self, rows: RowIndices, owner: int) -> NDArray[np.uint64]:
        """Take distinct free rows for their next use, and return the new ids."""
        generations = following_generations(self._generation[rows])
        ids = entity_ids(rows, generations)
        self._generation[rows] = generations
        self._owner[rows] = owner
        self._ids[rows] = ids
        self._alive[rows] = True
        self.n_alive += len(rows)
        self.version += 1
        return ids

    def give(self, row: int, owner: int) -> bool:
        """Give the entity of a row to an owner; return whether that is another one."""
        is_other = self._owner_cells[row] != owner
        self._owner_cells[row] = owner
        self.n_given += is_other
        return is_other

    def release(self, row: int) -> None:
        """Free a taken row; its generation stays until the next use."""
        self._owner_cells[row] = 0
        self.id_cells[row] = NOBODY
        self._taken[row] = False
        self.n_alive -= 1
        self.version += 1
        self.search_from = min(self.search_from, row)

    def release_many(self, rows: RowIndices) -> None:
        """Free distinct taken rows, at least one."""
        self._owner[rows] = 0
        self._ids[rows] = NOBODY
        self._alive[rows] = False
        self.n_alive -= len(rows)
        self.version += 1
        self.search_from = min(self.search_from, int(rows.min()))

    def _why_full(self, n_rows: int) -> str:
        free = self.capacity - self.n_alive
        return (
            f"no room for {n_rows} more: {free} of {self.capacity} rows are free; "
            "despawn what is not needed, or give the world a larger capacity"
        )

    def _why_stale(self, entity: object) -> str:
        if not isinstance(entity, int) or entity < 1 << ROW_BITS:
            return (
                f"{entity!r} is no entity id: use what World.spawn returned, or "
                "World.id_of(row) for a row"
            )
        row = entity & ROW_MASK
        if row >= self.capacity:
            why = f"rows go from 0 to {self.capacity - 1}"
        elif self._taken[row]:
            why = f"its row now holds generation {self._generation_cells[row]}"
        else:
            why = "its row is free"
        return f"{describe_entity(entity)} does not exist: {why}; drop the id"
