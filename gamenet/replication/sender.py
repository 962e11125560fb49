# SPDX-License-Identifier: MIT
"""Tell clients the state of a world: membership reliably, values every tick.

Each tick gives one set of bytes that all clients share: the snapshot, split into parts
that fit a packet and stand alone, so that a lost part costs only its rows, and only
until the next tick. Who is there at all is told reliably; a late joiner gets it whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication.blocks import MAX_SPAN, BlockCodec
from gamenet.replication.messages import (
    MAX_BLOCK,
    MAX_DESPAWNED,
    Despawned,
    EntityRef,
    Spawned,
)
from gamenet.wire import BufferPool
from gamenet.world import EntityId, World, entity_generation, entity_row

__all__ = ["SNAPSHOT_HEAD", "Sender"]

SNAPSHOT_HEAD = struct.Struct("<IBB")
"""Tick, part, number of parts."""
MAX_PARTS = 255
IDENTITY_SIZE = 6  # owner and upper half of the generation, where entities are new


class Sender:
    """Encode a world for its clients.

    Args:
        world: the authority's world.
        part_size: largest part of a snapshot in bytes, so that it fits a packet.

    Raises:
        LocalProtocolError: a single row would not fit a part.
    """

    def __init__(self, world: World, *, part_size: int) -> None:
        self._world = world
        self._codec = BlockCodec(world)
        self._part_size = part_size
        self._parts_pool = BufferPool(part_size)
        self._blocks_pool = BufferPool(MAX_BLOCK)
        self.pools = (self._parts_pool, self._blocks_pool)
        """Where the buffers come from; their counters tell about reuse."""
        self.n_rows_left_out = 0
        """Rows left out of snapshots because these had too many parts."""
        needed = SNAPSHOT_HEAD.size + self._codec.overhead + self._codec.largest_row
        limit = min(part_size, MAX_BLOCK - IDENTITY_SIZE)
        if needed > limit:
            msg = (
                f"one entity with all components takes up to {needed} bytes: the limit "
                f"of a packet is {limit}; use fewer or smaller components"
            )
            raise LocalProtocolError(msg)

    def snapshot(self, tick: int) -> list[bytes]:
        """Return the parts of the snapshot of all living rows at a tick.

        Where nothing lives, the tick itself is told. Of a world that takes more than
        255 parts the highest rows are left out, and counted.
        """
        rows = self._world.query()
        if not len(rows):
            return [SNAPSHOT_HEAD.pack(tick & 0xFFFFFFFF, 0, 1)]
        budget = self._part_size - SNAPSHOT_HEAD.size
        slices = list(self._slices(rows, budget, identity=0))
        self.n_rows_left_out += sum(len(left_out) for left_out in slices[MAX_PARTS:])
        del slices[MAX_PARTS:]
        parts = []
        for i, part_rows in enumerate(slices):
            with self._parts_pool.lend() as buffer:
                SNAPSHOT_HEAD.pack_into(buffer, 0, tick & 0xFFFFFFFF, i, len(slices))
                end = self._codec.write(
                    buffer, SNAPSHOT_HEAD.size, part_rows, with_identity=False
                )
                parts.append(bytes(memoryview(buffer)[:end]))
        return parts

    def changes(self, tick: int) -> list[Despawned | Spawned]:
        """Return who went and who came since the last call, in this order."""
        changes = self._world.drain_changes()
        messages: list[Despawned | Spawned] = list(_despawned(changes.despawned, tick))
        new = [entity_row(entity) for entity in changes.spawned + changes.reshaped]
        messages += self._spawned(np.array(sorted(new), np.intp), tick)
        return messages

    def everything(self, tick: int) -> list[Spawned]:
        """Return all living entities, for a client that joins."""
        return list(self._spawned(self._world.query(), tick))

    def _spawned(self, rows: NDArray[np.intp], tick: int) -> Iterator[Spawned]:
        for block_rows in self._slices(rows, MAX_BLOCK, identity=IDENTITY_SIZE):
            with self._blocks_pool.lend() as buffer:
                end = self._codec.write(buffer, 0, block_rows, with_identity=True)
                block = bytes(memoryview(buffer)[:end])
            yield Spawned(tick & 0xFFFFFFFF, block)

    def _slices(
        self, rows: NDArray[np.intp], budget: int, *, identity: int
    ) -> Iterator[NDArray[np.intp]]:
        """Cut rows into runs whose blocks fit the budget.

        Args:
            rows: ascending.
            budget: bytes of a block.
            identity: bytes that each row takes in addition.
        """
        if not len(rows):
            return
        # Bytes of everything up to a row: a run's block is a difference of two.
        total = np.cumsum(self._codec.sizes(rows) + identity) + rows / 8
        room = budget - self._codec.overhead
        begin, before = 0, rows[0] / 8
        while begin < len(rows):
            end = int(np.searchsorted(total, before + room, side="right"))
            end = min(end, int(np.searchsorted(rows, rows[begin] + MAX_SPAN)))
            end = max(end, begin + 1)
            yield rows[begin:end]
            if end < len(rows):
                before = total[end - 1] + (rows[end] - rows[end - 1]) / 8
            begin = end


def _despawned(entities: list[EntityId], tick: int) -> Iterator[Despawned]:
    for i in range(0, len(entities), MAX_DESPAWNED):
        refs = [
            EntityRef(entity_row(entity), entity_generation(entity))
            for entity in entities[i : i + MAX_DESPAWNED]
        ]
        yield Despawned(tick & 0xFFFFFFFF, refs)
