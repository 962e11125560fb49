# SPDX-License-Identifier: MIT
"""Show what a player has written until the server has it, whatever it said before.

A write is on its way for a while, and snapshots that come meanwhile are from before it:
they would bring back what was, and older writes one by one. So what was written is held
over them, until a snapshot tells it, or the server refuses it, or it should have been
told for long: then the server has written something else since.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.replication import Followed, Receiver, Told, Written
from gamenet.world import Component, EntityId, World, entity_generation, entity_row

__all__ = ["HeldWrites"]

MOST_EARLIER = 256

Key = tuple[EntityId, type[Component]]


@dataclass(slots=True)
class _Held:
    """What was written last."""

    words: NDArray[np.uint32]
    """As a snapshot will tell it: (n_lanes,)."""
    values: dict[str, Any]
    since: float
    """Snapshots of this tick or before it are older than the write."""
    until: float
    """Snapshots of this tick or later ones are right, whatever they say."""
    earlier: deque[bytes]
    """What was written before it, and may still be told."""
    is_doubtful: bool
    """Whether it was so before: to be told it proves nothing."""


class HeldWrites:
    """Hold what was written over snapshots that are older.

    Args:
        receiver: writes snapshots to the world.
        world: the client's copy.
    """

    def __init__(self, receiver: Receiver, world: World) -> None:
        self._receiver = receiver
        self._world = world
        self._held: dict[Key, _Held] = {}

    def __len__(self) -> int:
        """Return how many components are held."""
        return len(self._held)

    def hold(
        self,
        entity: EntityId,
        component: type[Component],
        *,
        since: float,
        until: float,
    ) -> None:
        """Hold what the world has now, in place of an earlier write.

        Args:
            entity: of ours.
            component: what was written of it.
            since: the server's tick when it was written.
            until: the tick in which it must have arrived.
        """
        layout, row = self._receiver.layout, entity_row(entity)
        columns = self._world.columns(component)
        lanes = layout.lanes[layout.components.index(component)]
        words = lanes.to_lanes(columns, np.array([row], np.intp))[:, 0]
        before = self._held.get((entity, component))
        if before is None:
            told = self._receiver.last_told(entity, component)
            earlier = deque([told[:, 0].tobytes()], MOST_EARLIER)
        else:
            earlier = before.earlier
            earlier.append(before.words.tobytes())
        self._held[entity, component] = _Held(
            words,
            {name: array[row].copy() for name, array in columns.arrays.items()},
            since,
            until,
            earlier,
            is_doubtful=before is not None and words.tobytes() in earlier,
        )

    def drop(self, entity: EntityId, component: type[Component]) -> None:
        """Hold a component no longer: its write was refused."""
        self._held.pop((entity, component), None)

    def keep(self, followed: Followed, tick: int) -> list[Key]:
        """Bring back what a snapshot has overwritten, and take it out of what changed.

        Args:
            followed: what the snapshot has made of the world.
            tick: of the snapshot.

        Returns:
            Entities and components that show again what the server said last.
        """
        shown = []
        for key, held in list(self._held.items()):
            entity, component = key
            if entity not in self._world or not self._world.has(entity, component):
                del self._held[key]
            elif tick >= held.until or self._is_told(key, held, followed):
                del self._held[key]
                # A newer snapshot may have come before, and say otherwise.
                self._receiver.show_again(entity, component)
                shown.append(key)
            else:
                self._bring_back(key, held)
        if self._held:
            followed.written = [
                rest
                for each in followed.written
                if len((rest := self._without_held(each)).rows)
            ]
        return shown

    def _is_told(self, key: Key, held: _Held, followed: Followed) -> bool:
        """Return whether the server says what was written."""
        if held.is_doubtful:
            return False
        layout = self._receiver.layout
        positions = layout.positions[layout.components.index(key[1])]
        for told in followed.told:
            place = _place_of(told, key[0], layout.generation_position)
            if place is not None and told.tick > held.since:
                words = told.words[positions, place]
                if np.array_equal(words, held.words):
                    return True
        return False

    def _bring_back(self, key: Key, held: _Held) -> None:
        entity, component = key
        row, columns = entity_row(entity), self._world.columns(component)
        for name, value in held.values.items():
            columns.arrays[name][row] = value

    def _without_held(self, written: Written) -> Written:
        """Return what was written of the rows whose component is not held."""
        held = [
            entity_row(entity)
            for entity, component in self._held
            if component is written.component
        ]
        kept = ~np.isin(written.rows, held)
        return replace(written, rows=written.rows[kept], which=written.which[kept])


def _place_of(told: Told, entity: EntityId, generation_position: int) -> int | None:
    """Return where an entity stands among what is told; None if it does not."""
    places = np.nonzero(told.rows == entity_row(entity))[0]
    if not len(places):
        return None
    place = int(places[0])
    is_it = told.words[generation_position, place] == entity_generation(entity)
    return place if is_it else None
