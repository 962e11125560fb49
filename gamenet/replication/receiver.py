# SPDX-License-Identifier: MIT
"""Follow a sender: write what arrives straight into a world's columns.

A message says how rows differ from what this client is known to have held at a tick
before. It is checked whole before anything is changed. A message of an older tick than
a row shows is kept, because a later one may be told against it, but not shown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.replication.blocks import Block, read_snapshot
from gamenet.replication.cells import add_differences
from gamenet.replication.followed import Followed, Resolved, Told, Written
from gamenet.replication.history import History
from gamenet.replication.layout import LANES, RowLayout
from gamenet.replication.mirror import HISTORY, replicated
from gamenet.world import Component, EntityId, World, entity_id, entity_row

__all__ = ["Receiver"]

NO_DOUBT = -1

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]


class Receiver:
    """Keep a copy of the authority's world.

    Args:
        world: the copy; the same components in the same order, the same capacity.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.components = replicated(world.components)
        self.layout = RowLayout(self.components)
        self._columns = [world.columns(component) for component in self.components]
        self._history = History(self.layout.n_words, world.capacity)
        self._written: list[Written] = []
        self._told: list[Told] = []
        self._left: set[EntityId] = set()
        # The tick of the newest message that was dropped with each row; -1 for none.
        self._doubted = np.full(world.capacity, NO_DOUBT, np.int64)
        self._has_doubts = False
        self.tick: int | None = None
        """Newest tick of which a part has come; None before the first."""
        self.n_late = 0
        """Messages that came too late to be of use."""
        self.n_baselines_missing = 0
        """Messages that are told against a tick of which we know nothing any more."""
        self.needs_everything = False
        """Whether a base was missing: the server should be asked to begin anew."""

    def receive(self, data: bytes | memoryview) -> tuple[int, int]:
        """Take one part of a snapshot.

        Returns:
            Its tick, and in how many parts that tick was sent.

        Raises:
            RemoteProtocolError: the part is malformed; nothing was changed.
        """
        try:
            snapshot = read_snapshot(self.layout, data, self._world.capacity)
        except RemoteProtocolError:
            self.needs_everything = True
            raise
        tick = snapshot.tick
        newest = tick if self.tick is None else max(tick, self.tick)
        if tick <= newest - HISTORY:
            self.n_late += 1
            self._doubt(snapshot.blocks, tick)
        elif not self._has_bases(snapshot.blocks, tick, newest):
            self.n_baselines_missing += 1
            self._doubt(snapshot.blocks, tick)
        else:
            told = self._checked(snapshot.blocks, tick)
            self.tick = self._world.tick = newest
            for each in told:
                self._apply(each, tick)
        return tick, snapshot.n_parts

    def _checked(self, blocks: list[Block], tick: int) -> list[Resolved]:
        """Find out what blocks say; nothing of them is believed if one is malformed."""
        try:
            _refuse_doubles(blocks)
            return [self._resolve(block, tick) for block in blocks]
        except RemoteProtocolError:
            self._doubt(blocks, tick)
            raise

    def _doubt(self, blocks: list[Block], tick: int) -> None:
        """Trust no difference of rows any more until they are told against nothing.

        The server learns that the message has arrived, and thinks that we have it.
        """
        for block in blocks:
            doubted = np.maximum(self._doubted[block.rows], tick)
            self._doubted[block.rows] = doubted
            self.needs_everything = self._has_doubts = True

    def take_followed(self) -> Followed:
        """Return what happened since the last call."""
        changes = self._world.drain_changes()
        written, self._written = self._written, []
        told, self._told = self._told, []
        left, self._left = self._left, set()
        return Followed(
            spawned=changes.spawned,
            despawned=[each for each in changes.despawned if each not in left],
            left=[each for each in changes.despawned if each in left],
            reshaped=changes.reshaped,
            reowned=changes.reowned,
            written=written,
            told=told,
        )

    def show_again(self, entity: EntityId, component: type[Component]) -> None:
        """Write to a component what the server said of it last, if it is there."""
        if entity not in self._world or not self._world.has(entity, component):
            return
        i = self.components.index(component)
        rows = np.array([entity_row(entity)], np.intp)
        words = self.last_told(entity, component)
        for name, column in self.layout.lanes[i].from_lanes(words).items():
            self._columns[i].arrays[name][rows] = column
        self._columns[i].changed(rows)

    def last_told(self, entity: EntityId, component: type[Component]) -> Words:
        """Return what the server said last of a component of an entity.

        Shapes:
            returned: (n_lanes, 1).
        """
        rows = np.array([entity_row(entity)], np.intp)
        self._history.make_room(int(rows[0]))
        positions = self.layout.positions[self.components.index(component)]
        words: Words = self._history.current(rows)[positions]
        return words

    def _has_bases(self, blocks: list[Block], tick: int, newest: int) -> bool:
        """Return whether every base is within what is remembered."""
        most = min(tick, tick - newest + HISTORY - 1)
        return all(
            block.ages is None or (block.oldest <= most and not self._is_doubted(block))
            for block in blocks
        )

    def _is_doubted(self, block: Block) -> bool:
        """Return whether a row of a block has a base that we do not trust."""
        if not self._has_doubts or block.ages is None:
            return False
        is_doubted = self._doubted[block.rows] != NO_DOUBT
        return bool((is_doubted & (block.ages > 0)).any())

    def _resolve(self, block: Block, tick: int) -> Resolved:
        """Find out what a block says; change nothing."""
        self._history.make_room(int(block.rows[-1]))
        rows, layout = block.rows, self.layout
        before = self._history.current(rows)
        if block.folded is None or block.ages is None:
            words = np.zeros_like(before)
        else:
            words = self._words_of(block, tick, before)
            generation = words[layout.generation_position]
            if np.count_nonzero(generation) < len(rows):
                msg = "an entity of generation 0: there is none"
                raise RemoteProtocolError(msg)
        shape = (LANES, layout.n_groups, len(rows))
        differs = np.logical_or.reduce((words != before).reshape(shape), axis=0)
        is_new = np.logical_or.reduce(differs[: 1 + layout.n_shape_groups], axis=0)
        has_new = bool(is_new.any())
        values = self._values(words, differs, is_new if has_new else None)
        return Resolved(rows, words, before, is_new, has_new, values, block.has_left)

    def _words_of(self, block: Block, tick: int, current: Words) -> Words:
        assert block.ages is not None
        assert block.folded is not None
        shape = (LANES, self.layout.n_groups, len(block.rows))
        bases = np.where(block.ages == 0, -1, tick - block.ages)
        base = self._history.at(block.rows, bases, current).reshape(shape)
        words = add_differences(self.layout, base, block.folded)
        return words.reshape(self.layout.n_words, -1)

    def _values(
        self,
        words: Words,
        differs: NDArray[np.bool_],
        is_new: NDArray[np.bool_] | None,
    ) -> list[tuple[int, Rows, dict[str, NDArray[np.generic]]]]:
        """Return the values that differ from what is shown, by component.

        Args:
            words: of the rows: (n_words, n_rows).
            differs: whether a group of a row does: (n_groups, n_rows).
            is_new: whether a row's identity does: all its values are wanted then; None
                if that of none does.
        """
        layout = self.layout
        shapes = words.take(layout.shape_positions, axis=0)
        common = np.bitwise_and.reduce(shapes, axis=1).tolist()
        values = []
        for i, groups in enumerate(layout.component_groups):
            wanted = np.logical_or.reduce(differs[groups], axis=0)
            if is_new is not None:
                wanted |= is_new
            if not common[i // 32] >> i % 32 & 1:  # not all rows have it
                wanted &= (shapes[i // 32] & np.uint32(1 << i % 32)) != 0
            which = wanted.nonzero()[0]
            if len(which):
                lanes = words.take(layout.positions[i], axis=0).take(which, axis=1)
                values.append((i, which, layout.lanes[i].from_lanes(lanes)))
        return values

    def _apply(self, told: Resolved, tick: int) -> None:
        """Write what a block says, where it is newer than what is shown."""
        shown = self._history.newest(told.rows) <= tick
        self._history.store(tick, told.rows, told.words, told.before)
        self._told.append(Told(tick, told.rows, told.words))
        if self._has_doubts:
            over = told.rows[self._doubted[told.rows] <= tick]
            self._doubted[over] = NO_DOUBT
            self._has_doubts = bool((self._doubted != NO_DOUBT).any())
        is_all_shown = np.count_nonzero(shown) == len(shown)
        is_other = told.is_new & shown
        for index in is_other.nonzero()[0].tolist():
            self._identify(told, index)
        for i, which, values in told.columns:
            if not is_all_shown:
                kept = shown[which]
                which = which[kept]  # noqa: PLW2901 - what is left of it
                values = {name: each[kept] for name, each in values.items()}  # noqa: PLW2901
            if len(which):
                self._write(i, told, which, values)

    def _identify(self, told: Resolved, index: int) -> None:
        """Make the right entity live in a row."""
        layout, row = self.layout, int(told.rows[index])
        generation = int(told.words[layout.generation_position, index])
        if generation:
            owner = int(told.words[layout.owner_position, index])
            shape = self._shape(told.words[:, index])
            self._world.restore(entity_id(row, generation), shape, owner)
            return
        if self._world.alive[row]:
            entity = self._world.id_of(row)
            if told.has_left is not None and told.has_left[index]:
                self._left.add(entity)
            self._world.despawn(entity)

    def _shape(self, words: Words) -> list[type[Component]]:
        lanes = [int(words[place]) for place in self.layout.shape_positions]
        return [
            component
            for i, component in enumerate(self.components)
            if lanes[i // 32] >> i % 32 & 1
        ]

    def _write(
        self,
        i: int,
        told: Resolved,
        which: Rows,
        values: dict[str, NDArray[np.generic]],
    ) -> None:
        """Write values of one component into its columns."""
        columns = self._columns[i]
        rows = told.rows[which]
        for name, column in values.items():
            columns.arrays[name][rows] = column
        columns.changed(rows)
        if told.has_new:
            # What has just gained the component has it new: nothing of it has changed.
            shape = self.layout.shape_positions[i // 32]
            flipped = told.words[shape, which] ^ told.before[shape, which]
            which = which[(flipped & np.uint32(1 << i % 32)) == 0]
            rows = told.rows[which]
        if len(rows):
            self._written.append(
                Written(self.components[i], rows, told, which, self.layout.positions[i])
            )


def _refuse_doubles(blocks: list[Block]) -> None:
    if len(blocks) < 2:
        return
    rows = np.concatenate([block.rows for block in blocks])
    if len(np.unique(rows)) < len(rows):
        msg = "a snapshot that tells a row twice: each is told once"
        raise RemoteProtocolError(msg)
