# SPDX-License-Identifier: MIT
"""Follow a sender: write what arrives straight into a world's columns.

A row takes a value only if the block means the entity that lives there, and only if
nothing newer was written to it before. Whatever is malformed is refused whole, before
anything was written.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.replication.blocks import Block, BlockCodec
from gamenet.replication.messages import Despawned, Spawned
from gamenet.replication.sender import SNAPSHOT_HEAD
from gamenet.sequence import is_newer32
from gamenet.world import World, entity_id

__all__ = ["Receiver"]


class Receiver:
    """Keep a copy of the authority's world.

    Args:
        world: the copy; the same components in the same order, the same capacity.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._codec = BlockCodec(world)
        self._columns = [world.columns(component) for component in world.components]
        self._row_tick: NDArray[np.uint32] = np.zeros(world.capacity, np.uint32)
        self.tick: int | None = None
        """Newest tick of which a part has come; None before the first."""
        self.n_rows_unknown = 0
        """Rows skipped because their entity is not here, or not any more."""
        self.n_rows_stale = 0
        """Rows skipped because something newer had been written."""

    def receive_spawned(self, message: Spawned) -> None:
        """Take entities that are new, or whose set of components is.

        A snapshot may have overtaken the message. Then the values that it wrote are
        newer and stay; only the components that it could not write are taken.

        Raises:
            RemoteProtocolError: the block is malformed; nothing was changed.
        """
        block = self._codec.read(message.block, 0, with_identity=True)
        if block.owners is None or not (block.generations & 0xFFFF).all():
            msg = "a spawned entity of generation 0 (modulo 65,536): there is none"
            raise RemoteProtocolError(msg)
        rows = block.rows
        is_here = self._world.alive[rows]
        is_here &= self._world.generation[rows] == block.generations
        is_due = ~is_here | self._is_fresh(rows, message.tick)
        wanted = [
            is_due | ~self._columns[part.component].present[rows]
            for part in block.parts
        ]
        shapes = [
            [
                self._world.components[part.component]
                for part in block.parts
                if part.mask[i]
            ]
            for i in range(len(block.rows))
        ]
        for row, generation, owner, shape in zip(
            block.rows.tolist(),
            block.generations.tolist(),
            block.owners.tolist(),
            shapes,
            strict=True,
        ):
            self._world.restore(entity_id(row, generation), shape, owner)
        self._row_tick[rows[is_due]] = message.tick
        self._write(block, wanted)

    def receive_despawned(self, message: Despawned) -> None:
        """Take entities that are gone; those that are not here are no matter."""
        for ref in message.entities:
            entity = entity_id(ref.row, ref.generation)
            if entity in self._world:
                self._world.despawn(entity)

    def receive_snapshot(self, data: bytes) -> tuple[int, int]:
        """Take one part of a snapshot.

        Returns:
            Its tick, and in how many parts that tick was sent.

        Raises:
            RemoteProtocolError: the part is malformed; nothing was changed.
        """
        try:
            tick, part, n_parts = SNAPSHOT_HEAD.unpack_from(data)
        except struct.error:
            msg = (
                f"a snapshot of {len(data)} bytes: it has at least {SNAPSHOT_HEAD.size}"
            )
            raise RemoteProtocolError(msg) from None
        if part >= n_parts:
            msg = f"part {part} of a snapshot of {n_parts} parts"
            raise RemoteProtocolError(msg)
        if len(data) > SNAPSHOT_HEAD.size:
            block = self._codec.read(data, SNAPSHOT_HEAD.size, with_identity=False)
            self._write(block, [self._wanted(block, tick)] * len(block.parts))
        if self.tick is None or is_newer32(tick, self.tick):
            self.tick = tick
        return tick, n_parts

    def _wanted(self, block: Block, tick: int) -> NDArray[np.bool_]:
        """Return which rows mean a living entity and bring nothing old."""
        rows = block.rows
        here = (self._world.generation[rows] & 0xFFFF) == block.generations
        here &= self._world.alive[rows]
        fresh = self._is_fresh(rows, tick)
        self.n_rows_unknown += int(np.count_nonzero(~here))
        self.n_rows_stale += int(np.count_nonzero(here & ~fresh))
        wanted: NDArray[np.bool_] = here & fresh
        self._row_tick[rows[wanted]] = tick
        return wanted

    def _is_fresh(self, rows: NDArray[np.intp], tick: int) -> NDArray[np.bool_]:
        """Return which rows were not written at a later tick."""
        age = np.uint32(tick) - self._row_tick[rows]
        fresh: NDArray[np.bool_] = age < np.uint32(0x80000000)
        return fresh

    def _write(self, block: Block, wanted: list[NDArray[np.bool_]]) -> None:
        """Write each component to those of the block's rows that want it."""
        for part, wanting in zip(block.parts, wanted, strict=True):
            columns = self._columns[part.component]
            rows = block.rows[part.mask]
            take = wanting[part.mask] & columns.present[rows]
            if np.count_nonzero(take) == len(take):
                for name, values in part.fields.items():
                    getattr(columns, name)[rows] = values
                columns.changed(rows)
                continue
            rows = rows[take]
            for name, values in part.fields.items():
                getattr(columns, name)[rows] = values[take]
            columns.changed(rows)
