# SPDX-License-Identifier: MIT
"""Keep rows in rooms: only who is in the room, too, may see what is in it.

A row that is in no room is everywhere. Each room is one bit of a mask per row, so the
number of rooms at a time has a limit; a room that no entity is in any more gives its
bit to the next one that is needed.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.world import EntityId, World

__all__ = ["Rooms"]

# The lower half of an entity id is its row.
ROW_MASK = (1 << 32) - 1
WORD_BITS = 64
MOST_ROOMS = 4096
MAX_REMEMBERED = 256

Rows = NDArray[np.intp]
Who = EntityId | NDArray[np.integer[Any]] | NDArray[np.bool_] | Sequence[int]
"""An entity, rows in any integer array or sequence, or a bool for each row."""


class Rooms:
    """Keep which entities of a world are in which rooms.

    Rooms have any names: texts, numbers, tuples. An entity can be in several, and is
    in none any more when it is gone.

    Args:
        world: the world.
        limit: how many rooms can have entities in them at once; each 64 of them take 8
            bytes a row.

    Raises:
        ConfigError: if the limit is not 1 to 4,096.

    Example:
        rooms = Rooms(world)
        rooms.enter(chest, "cellar")
        eye = Eye(player.id, rooms=["cellar"])
    """

    def __init__(self, world: World, limit: int = WORD_BITS) -> None:
        if not 1 <= limit <= MOST_ROOMS:
            msg = f"Rooms(limit={limit}): allowed are 1 to {MOST_ROOMS}"
            raise ConfigError(msg)
        self.version = 0
        """Rises with each change."""
        self._world = world
        self._limit = limit
        self._bits: dict[Hashable, int] = {}
        n_words = -(-limit // WORD_BITS)
        self._masks = np.zeros((n_words, world.capacity), np.uint64)
        # Generation of whom the masks of a row are about; 0 where these are empty.
        self._generation = np.zeros(world.capacity, np.uint32)
        self._open: dict[frozenset[Hashable], NDArray[np.uint8]] = {}
        self._open_version = -1
        self._housed: Rows = np.empty(0, np.intp)

    def enter(self, who: Who, room: Hashable) -> None:
        """Put entities into a room, beside those in which they are.

        Raises:
            StaleEntityError: if an entity is gone.
            LocalProtocolError: if too many rooms have entities in them.
        """
        rows = self._rows_of(who)
        if not len(rows):
            return
        word, mask = self._bit(self._number_for(room))
        self._forget(rows[self._generation[rows] != self._world.generation[rows]])
        self._generation[rows] = self._world.generation[rows]
        self._masks[word, rows] |= mask
        self.version += 1

    def leave(self, who: Who, room: Hashable) -> None:
        """Take entities out of a room; those that are not in it stay as they are.

        Raises:
            StaleEntityError: if an entity is gone.
        """
        rows = self._rows_of(who)
        if room in self._bits:
            word, mask = self._bit(self._bits[room])
            self._masks[word, rows] &= ~mask
            self._generation[rows[~self._masks[:, rows].any(axis=0)]] = 0
            self.version += 1

    def leave_all(self, who: Who) -> None:
        """Take entities out of all rooms: they are everywhere then.

        Raises:
            StaleEntityError: if an entity is gone.
        """
        self._forget(self._rows_of(who))

    def rows_in(self, room: Hashable) -> Rows:
        """Return the ascending rows whose entities are in a room.

        Shapes:
            returns (n,) intp.
        """
        self.refresh()
        if room not in self._bits:
            return np.empty(0, np.intp)
        word, mask = self._bit(self._bits[room])
        return np.flatnonzero(self._masks[word] & mask)

    def rooms_of(self, entity: EntityId) -> frozenset[Hashable]:
        """Return the rooms in which an entity is.

        Raises:
            StaleEntityError: if it is gone.
        """
        row = self._world.row_of(entity)
        if self._generation[row] != self._world.generation[row]:
            return frozenset()
        words = self._masks[:, row]
        bits = ((name, *self._bit(bit)) for name, bit in self._bits.items())
        return frozenset(name for name, word, mask in bits if words[word] & mask)

    def refresh(self) -> None:
        """Forget the rows whose entities are gone."""
        if self._bits:
            is_gone = self._generation != self._world.generation
            is_gone |= ~self._world.alive
            is_gone &= self._generation != 0
            if is_gone.any():
                self._forget(np.flatnonzero(is_gone))

    def open_to(self, rooms: Collection[Hashable]) -> NDArray[np.uint8] | None:
        """Return which rows a viewer in some rooms may see, or None for all of them.

        Returns:
            1 where the row is in no room, or in one of those; the same array to all
            who ask for the same rooms, until something changes.

        Shapes:
            returns (capacity,) uint8, not to be written.

        Raises:
            LocalProtocolError: if it is a text: one room is a list of one.
        """
        if isinstance(rooms, str):
            msg = f"rooms are {rooms!r}, a text: give a list, [{rooms!r}]"
            raise LocalProtocolError(msg)
        if self._open_version != self.version:
            self._open.clear()
            self._housed = np.flatnonzero(self._generation)
            self._open_version = self.version
        if not len(self._housed):
            return None
        names = frozenset(rooms)
        known = self._open.get(names)
        return self._open_rows(names) if known is None else known

    def _open_rows(self, names: frozenset[Hashable]) -> NDArray[np.uint8]:
        is_open = np.zeros(len(self._housed), np.bool_)
        for word, mask in self._words(names).items():
            is_open |= (self._masks[word, self._housed] & mask) != 0
        rows = np.ones(self._world.capacity, np.uint8)
        rows[self._housed] = is_open
        if len(self._open) >= MAX_REMEMBERED:
            self._open.clear()
        self._open[names] = rows
        return rows

    def _words(self, names: frozenset[Hashable]) -> dict[int, np.uint64]:
        """Return the mask of some rooms, by the words that have a part of it."""
        words: dict[int, np.uint64] = {}
        for name in names & self._bits.keys():
            word, mask = self._bit(self._bits[name])
            words[word] = words.get(word, np.uint64(0)) | mask
        return words

    def _number_for(self, room: Hashable) -> int:
        """Return the number of a room, a free one if it has none yet."""
        if room in self._bits:
            return self._bits[room]
        if len(self._bits) == self._limit:
            self._close_empty()
        number = min(set(range(len(self._bits) + 1)) - set(self._bits.values()))
        if number == self._limit:
            msg = (
                f"room {room!r} is one too many: {self._limit} rooms have entities in "
                "them; take these out of some, or give Rooms a larger limit"
            )
            raise LocalProtocolError(msg)
        self._bits[room] = number
        return number

    def _close_empty(self) -> None:
        self.refresh()
        used = np.bitwise_or.reduce(self._masks, axis=1)
        bits = ((name, *self._bit(bit)) for name, bit in self._bits.items())
        empty = [name for name, word, mask in bits if not used[word] & mask]
        for name in empty:
            del self._bits[name]

    def _bit(self, number: int) -> tuple[int, np.uint64]:
        word, shift = divmod(number, WORD_BITS)
        return word, np.uint64(1 << shift)

    def _rows_of(self, who: Who) -> Rows:
        if isinstance(who, int | np.integer):
            return np.array([self._world.row_of(EntityId(int(who)))], np.intp)
        ids = self._world.ids_of(who)
        return (ids & np.uint64(ROW_MASK)).astype(np.intp)

    def _forget(self, rows: Rows) -> None:
        if len(rows):
            self._masks[:, rows] = 0
            self._generation[rows] = 0
            self.version += 1
