# SPDX-License-Identifier: MIT
"""Remember which entities came, went or changed shape since somebody last asked.

Replication and game hooks need the net effect, not the history: an entity that came
and went between two drains was never there for them. The journal keeps four ordered
sets and cancels as it goes, so it holds a few entries at most for each row that was
alive at the last drain or is alive now, even in a world that nobody ever drains.

Changed values are not in here: those are `Columns.changed_tick`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gamenet.world.entity import EntityId

__all__ = ["Changes", "Journal"]


@dataclass(frozen=True, slots=True)
class Changes:
    """Tell what happened to a world's entities between two drains.

    A replica follows by applying `despawned` first, because an entity of `spawned` may
    live in the row of one of them. No entity is in two of the lists, but one that was
    reshaped may have another owner, too.
    """

    spawned: list[EntityId]
    """Entities that exist now and did not at the last drain, oldest spawn first."""

    despawned: list[EntityId]
    """Entities that existed at the last drain and do not now."""

    reshaped: list[EntityId]
    """Entities that existed at both times and whose set of components was touched."""

    reowned: list[EntityId] = field(default_factory=list)
    """Entities that existed at both times and were given to another owner."""


class Journal:
    """Collect spawns, despawns and reshapes, and give out their net effect."""

    def __init__(self) -> None:
        self._spawned: dict[EntityId, None] = {}
        self._despawned: dict[EntityId, None] = {}
        self._reshaped: dict[EntityId, None] = {}
        self._reowned: dict[EntityId, None] = {}

    def spawned(self, entity: EntityId) -> None:
        """Note a new entity.

        One that went since the last drain and is restored with the same id was only
        replaced: its values and components may differ, so it counts as reshaped.
        """
        if entity in self._despawned:
            del self._despawned[entity]
            self._reshaped[entity] = None
            self._reowned[entity] = None
        else:
            self._spawned[entity] = None

    def spawned_many(self, entities: Iterable[EntityId]) -> None:
        """Note new entities.

        A world that went back gives ids again, so some may have gone just before.
        """
        if not self._despawned:
            self._spawned.update(dict.fromkeys(entities))
            return
        for entity in entities:
            self.spawned(entity)

    def despawned(self, entity: EntityId) -> None:
        """Note that an entity is gone."""
        if entity in self._spawned:
            del self._spawned[entity]
        else:
            self._reshaped.pop(entity, None)
            self._reowned.pop(entity, None)
            self._despawned[entity] = None

    def reshaped(self, entity: EntityId) -> None:
        """Note that an entity gained or lost a component."""
        if entity not in self._spawned:
            self._reshaped[entity] = None

    def reowned(self, entity: EntityId) -> None:
        """Note that an entity was given to another owner."""
        if entity not in self._spawned:
            self._reowned[entity] = None

    def drain(self) -> Changes:
        """Return the net effect since the last drain, and start anew."""
        changes = Changes(
            list(self._spawned),
            list(self._despawned),
            list(self._reshaped),
            list(self._reowned),
        )
        self._spawned.clear()
        self._despawned.clear()
        self._reshaped.clear()
        self._reowned.clear()
        return changes
