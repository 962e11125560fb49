# SPDX-License-Identifier: MIT
"""The state of a world as clients may know it: quantized, and of the last ticks.

Once a tick the rows that were marked as changed are quantized into the newest line of a
ring. What is told to clients is told from here, and each difference is taken against a
tick of this ring that a client has acknowledged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication.layout import RowLayout
from gamenet.replication.scratch import Scratch
from gamenet.replication.sync_settings import SyncSettings, row_period
from gamenet.world import Audience, Changes, Component, EntityId, World, entity_row

__all__ = ["HISTORY", "Mirror", "replicated"]

HISTORY = 32
"""Ticks of which the state is kept."""

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]
NO_ROWS: Rows = np.empty(0, np.intp)


def replicated(components: Iterable[type[Component]]) -> list[type[Component]]:
    """Return the components that ever leave the server."""
    return [
        component
        for component in components
        if component.sync.audience is not Audience.SERVER
    ]


class Mirror:
    """Keep the words of all rows at the last ticks, and when each row changed.

    Args:
        world: the authority's world.
        tick_rate: ticks a second, for components with a rate of their own.
        predicted: components that players predict.
    """

    def __init__(
        self,
        world: World,
        *,
        tick_rate: float = 30.0,
        predicted: Collection[type[Component]] = (),
    ) -> None:
        self.world = world
        self.components = replicated(world.components)
        self.layout = RowLayout(self.components)
        self.scratch = Scratch()
        """Memory for differences."""
        self.tick = 0
        """The newest tick; 0 before any."""
        self.n_rows = 0
        """Rows up to the highest that was ever in use."""
        self.changed_rows: Rows = NO_ROWS
        """Rows whose words the newest tick has changed, ascending."""
        # Memory of rows that are never used is never touched, so it costs nothing.
        shape = (HISTORY, self.layout.n_words, world.capacity)
        self._ring = np.zeros(shape, np.uint32)
        self._changed_at = np.zeros((HISTORY, world.capacity), np.uint32)
        self._public_changed_at = self._changed_at
        if self.layout.is_restricted:
            self._public_changed_at = np.zeros_like(self._changed_at)
        self._ticks = np.full(HISTORY, -1, np.int64)
        self._ticks[0] = 0
        self._columns = [world.columns(component) for component in self.components]
        self._tick_rate = tick_rate
        self._has_settings = SyncSettings in world.components
        self._periods = [
            max(1, round(tick_rate / component.sync.rate)) if component.sync.rate else 1
            for component in self.components
        ]
        self._is_predicted = [each in predicted for each in self.components]
        self.born = np.zeros(world.capacity, np.uint32)
        """Tick at which the entity of each row was first here."""
        self._taken = np.zeros((len(self.components), world.capacity), np.uint32)
        self._marks = np.zeros(world.capacity, np.bool_)
        self._before = 0
        self._flipped = np.zeros((self.layout.n_words, 0), np.uint32)
        self._since: dict[int, Rows] = {}

    def has(self, tick: int) -> bool:
        """Return whether a tick is in the ring."""
        return bool(self._ticks[tick % HISTORY] == tick)

    def words(self, tick: int) -> NDArray[np.uint32]:
        """Return the words of a tick in the ring: (n_words, capacity)."""
        words: NDArray[np.uint32] = self._ring[tick % HISTORY]
        return words

    def copy_words(self, tick: int, rows: Rows, out: NDArray[np.uint32]) -> None:
        """Copy the words of rows at a tick in the ring.

        Shapes:
            rows: (n,), ascending; out: (n_words, n).
        """
        if len(rows) == self.n_rows:
            np.copyto(out, self.words(tick)[:, : self.n_rows])
        else:
            self.words(tick).take(rows, axis=1, out=out, mode="clip")

    def words_of(self, rows: Rows, ticks: NDArray[Any]) -> NDArray[np.uint32]:
        """Return the words of rows, each at a tick of its own in the ring.

        Shapes:
            rows, ticks: (n,); returned: (n_words, n).
        """
        n_words, capacity = self._ring.shape[1:]
        at = (ticks % HISTORY).astype(np.intp) * (n_words * capacity) + rows
        at = at + np.arange(0, n_words * capacity, capacity)[:, None]
        return self._ring.reshape(-1).take(at)

    def changed_at(self, tick: int) -> NDArray[np.uint32]:
        """Return when each row had last changed, as of a tick in the ring."""
        changed: NDArray[np.uint32] = self._changed_at[tick % HISTORY]
        return changed

    def public_changed_at(self, tick: int) -> NDArray[np.uint32]:
        """Return the same of what everybody may know of a row."""
        changed: NDArray[np.uint32] = self._public_changed_at[tick % HISTORY]
        return changed

    def changed_since(self, tick: int) -> Rows:
        """Return the rows that changed after a tick, ascending."""
        rows = self._since.get(tick)
        if rows is None:
            newest = self.changed_at(self.tick)[: self.n_rows]
            rows = self._since[tick] = np.flatnonzero(newest > tick)
        return rows

    def changed_values(self, component: type[Component]) -> tuple[Rows, Words]:
        """Return which rows of a component the newest tick changed, and which bits.

        Rows that have just gained the component, or lost it, are left out.

        Shapes:
            returned: (n,), and (n_lanes, n): the words before, exclusive or after.
        """
        i = self.components.index(component)
        flipped = self._flipped[self.layout.positions[i]]
        changed = np.logical_or.reduce(flipped, axis=0)
        shape = self._flipped[self.layout.shape_positions[i // 32]]
        changed &= (shape & np.uint32(1 << i % 32)) == 0
        which = changed.nonzero()[0]
        return self.changed_rows[which], flipped.take(which, axis=1)

    def alive(self, tick: int) -> NDArray[np.uint32]:
        """Return of each row something else than 0 if an entity lived there."""
        generation: NDArray[np.uint32]
        generation = self.words(tick)[self.layout.generation_position]
        return generation

    def update(self, tick: int, always: Rows = NO_ROWS) -> Changes:
        """Take the world as it is now for the state of a tick.

        Args:
            tick: which one.
            always: rows of living entities that players predict. They are taken as
                they are in every tick, whatever `SyncSettings` says of them, and so is
                what is predicted, whatever its own rate: who predicts is corrected to
                what is told, and must not be to what is over.

        Returns:
            Who came, went and changed shape or owner since the last call.

        Raises:
            LocalProtocolError: the tick is not newer than the last one.
        """
        if tick <= self.tick:
            msg = f"tick {tick} comes after tick {self.tick}: ticks must rise"
            raise LocalProtocolError(msg)
        changes = self.world.drain_changes()
        touched = [
            entity_row(entity)
            for entities in (changes.spawned, changes.reshaped, changes.reowned)
            for entity in entities
        ]
        if touched:
            self.n_rows = max(self.n_rows, max(touched) + 1)
        old, new = self._turn(tick)
        self._marks[: self.n_rows] = False
        self._identify(new, touched, changes.despawned)
        self._quantize(new, tick, always)
        self._compare(old, new, tick)
        return changes

    def touch(self, rows: Rows) -> None:
        """Take rows for changed in the newest tick, although they may be as they were.

        They are told again, with whatever differs: to everybody who sees them, which
        costs next to nothing, as all are told the same; or, where some components are
        for some players only, to those who may know more than everybody.

        Args:
            rows: of living entities.
        """
        self._changed_at[self.tick % HISTORY, rows] = self.tick
        self._since.clear()

    def _turn(self, tick: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Begin a line of the ring as a copy of the newest; return both."""
        n, last, slot = self.n_rows, self.tick % HISTORY, tick % HISTORY
        old, new = self._ring[last], self._ring[slot]
        if slot == last:  # so many ticks were left out that the line is the same
            old = old.copy()
        new[:, :n] = old[:, :n]
        self._changed_at[slot, :n] = self._changed_at[last, :n]
        self._public_changed_at[slot, :n] = self._public_changed_at[last, :n]
        self._ticks[slot] = tick
        self._before, self.tick = self.tick, tick
        return old, new

    def _identify(
        self, new: NDArray[np.uint32], touched: list[int], despawned: list[EntityId]
    ) -> None:
        """Write who lives in the rows that were touched, and clear their values."""
        if not touched and not despawned:
            return
        everyone = touched + [entity_row(entity) for entity in despawned]
        rows = np.unique(np.array(everyone, np.intp))
        layout = self.layout
        self._marks[rows] = True
        is_other = self.world.generation[rows] != new[layout.generation_position, rows]
        self.born[rows[is_other]] = self.tick
        new[:, rows] = 0
        rows = rows[self.world.alive[rows]]
        new[layout.generation_position, rows] = self.world.generation[rows]
        new[layout.owner_position, rows] = self.world.owner[rows]
        present = [columns.present[rows] for columns in self._columns]
        if present:
            shape = layout.shape_positions[:, None]
            new[shape, rows] = layout.shape_words(present)
        for i, has in enumerate(present):
            self._write(new, i, rows[has])

    def _quantize(self, new: NDArray[np.uint32], tick: int, always: Rows) -> None:
        """Write the values that were marked as changed."""
        n = self.n_rows
        apart = np.ones(n, np.int64)
        if self._has_settings:
            apart[:] = row_period(self.world, self._tick_rate)[:n]
            apart[always] = 1
        for i, (columns, period) in enumerate(
            zip(self._columns, self._periods, strict=True)
        ):
            if period == 1 and not self._has_settings:
                due = columns.changed_tick[:n] > self._before
            else:
                # Each row has its own tick in the period, so that not all come at once.
                due = columns.changed_tick[:n] > self._taken[i, :n]
                periods = np.maximum(period, apart)
                if self._is_predicted[i]:
                    periods[always] = 1
                due &= (np.arange(n) + tick) % periods == 0
            due &= columns.present[:n]
            rows = due.nonzero()[0]
            if len(rows):
                if self._has_settings or period > 1:
                    self._taken[i, rows] = tick
                self._write(new, i, rows)
                self._marks[rows] = True

    def _write(self, new: NDArray[np.uint32], component: int, rows: Rows) -> None:
        positions = self.layout.positions[component]
        if len(positions) and len(rows):
            lanes = self.layout.lanes[component].to_lanes(
                self._columns[component], rows
            )
            if len(rows) == self.n_rows:
                new[positions, : self.n_rows] = lanes
            else:
                new[positions[:, None], rows] = lanes

    def _compare(
        self, old: NDArray[np.uint32], new: NDArray[np.uint32], tick: int
    ) -> None:
        """Note which of the marked rows differ from the tick before."""
        n = self.n_rows
        rows = self._marks[:n].nonzero()[0]
        if len(rows) == n:
            flipped = new[:, :n] ^ old[:, :n]
        else:
            flipped = new.take(rows, axis=1)
            flipped ^= old.take(rows, axis=1)
        differs = np.bitwise_or.reduce(flipped, axis=0) != 0
        if np.count_nonzero(differs) < len(rows):
            rows, flipped = rows[differs], flipped[:, differs]
        self.changed_rows, self._flipped = rows, flipped
        self._since = {self._before: rows}
        self._changed_at[tick % HISTORY, rows] = tick
        if self.layout.is_restricted:
            is_public = flipped & self.layout.level_masks[:, Audience.EVERYONE, None]
            rows = rows[is_public.any(axis=0)]
            self._public_changed_at[tick % HISTORY, rows] = tick
