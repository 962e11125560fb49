# SPDX-License-Identifier: MIT
"""What a world consists of, and how it goes back to what it was.

Everything that a later spawn, query or access depends on lies in the world's memory or
is set here; so after `load`, a world goes on exactly as it did after `save`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.world.catalogue import Catalogue
from gamenet.world.changes import Journal
from gamenet.world.checksum import checksum_of
from gamenet.world.columns import TickStamp
from gamenet.world.component import Component
from gamenet.world.entity import NOBODY
from gamenet.world.memory import Arrays, Layout, Memory
from gamenet.world.query import Queries
from gamenet.world.rows import Rows
from gamenet.world.saved import SavedWorld

__all__ = ["Storage"]


class Storage:
    """Hold the parts of one world, over one block of memory.

    Args:
        components: the component classes of the world.
        capacity: number of rows.

    Raises:
        SchemaError: if one is no component, or is listed twice.
        LocalProtocolError: if the default of a field does not fit into its column.
    """

    def __init__(self, components: Sequence[type[Component]], capacity: int) -> None:
        self.layout = Layout(components, capacity)
        self.memory = Memory(self.layout)
        self.stamp = TickStamp()
        self.journal = Journal()
        self.rows = Rows(self.memory)
        self.catalogue = Catalogue(self.memory, self.stamp)
        self.queries = Queries(self.rows, self.catalogue)
        # The structure's name, and the version at which it was called so.
        self._name: object = None
        self._named_version = -1

    def save(self, into: SavedWorld | None) -> SavedWorld:
        """Copy the state, over an earlier copy where there is one.

        Raises:
            LocalProtocolError: the earlier copy is of another shape.
        """
        if into is None:
            into = SavedWorld(self.layout)
        elif into.layout is not self.layout:
            into.check_layout(self.layout)
        version = self._version()
        if version != self._named_version:
            self._name, self._named_version = object(), version
        if into.structure_name is not self._name:
            into.structure_name = self._name
            np.copyto(into.structure, self.memory.structure)
        np.copyto(into.values, self.memory.values)
        into.tick = self.stamp.tick
        into.n_alive = self.rows.n_alive
        into.search_from = self.rows.search_from
        return into

    def load(self, saved: SavedWorld) -> None:
        """Go back to a state.

        Raises:
            LocalProtocolError: it is of a world of another shape, or was never filled.
        """
        if saved.layout is not self.layout:
            saved.check_layout(self.layout)
        saved.check_filled()
        rows = self.rows
        is_same = self._name is saved.structure_name
        if not is_same or self._version() != self._named_version:
            self._load_structure(saved)
        np.copyto(self.memory.values, saved.values)
        self.stamp.tick = saved.tick
        rows.n_alive, rows.search_from = saved.n_alive, saved.search_from

    def checksum(self) -> int:
        """Return the checksum of what lives."""
        return checksum_of(self.layout, self.memory.arrays)

    def _version(self) -> int:
        # Counts only rise, so an equal sum means that none of them has moved.
        version = self.rows.version + self.rows.n_given
        for table in self.catalogue:
            version += table.version
        return version

    def _load_structure(self, saved: SavedWorld) -> None:
        now, then = self.memory.arrays, saved.arrays
        reshaped = np.zeros(self.layout.capacity, np.bool_)
        for table in self.catalogue:
            key = table.component, "present"
            differs = now[key] != then[key]
            if differs.any():
                table.version += 1
                reshaped |= differs
        self._note(now, then, reshaped)
        np.copyto(self.memory.structure, saved.structure)
        self.rows.version += 1
        self._name, self._named_version = saved.structure_name, self._version()

    def _note(self, now: Arrays, then: Arrays, reshaped: NDArray[np.bool_]) -> None:
        """Let the journal tell the net effect, as of any other way to get there."""
        ids_now, ids_then = now[None, "ids"], then[None, "ids"]
        stays = (ids_now == ids_then) & (ids_now != NOBODY)
        for entity in _living(ids_now[~stays]):
            self.journal.despawned(entity)
        for entity in _living(ids_then[~stays]):
            self.journal.spawned(entity)
        for entity in _living(ids_then[stays & reshaped]):
            self.journal.reshaped(entity)
        reowned = now[None, "owner"] != then[None, "owner"]
        for entity in _living(ids_then[stays & reowned]):
            self.journal.reowned(entity)


def _living(ids: NDArray[np.uint64]) -> list[Any]:
    living: list[Any] = ids[ids != NOBODY].tolist()
    return living
