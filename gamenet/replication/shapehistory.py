# SPDX-License-Identifier: MIT
"""Know what kind of entity each row of a stream of snapshots is, from the stream alone.

Which components an entity has is told as a difference like everything else. So whoever
reads all snapshots of one client from the first on, as a recording holds them, keeps of
each row what was told of its shape and when, and finds the base of the next difference
there. Values are of no interest here, and are not kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.cells import add_differences, read_cells
from gamenet.replication.celltable import CellTable, cell_table
from gamenet.replication.dissect import Dissection, SnapshotBlock
from gamenet.world import Component

__all__ = ["ShapeHistory"]

_KEPT = 32
"""Ticks back that a base may be."""

Masks = NDArray[np.bool_]
Shape = tuple[int, ...]


class ShapeHistory:
    """Follow the snapshots of one client.

    Args:
        components: those that are replicated, in the order of their numbers.
    """

    def __init__(self, components: Sequence[type[Component]]) -> None:
        self._table: CellTable = cell_table(tuple(components))
        self._nothing: Shape = (0,) * len(self._table.layout.shape_positions)
        self._told: dict[int, list[tuple[int, Shape]]] = {}

    def follow(self, payload: bytes, dissection: Dissection) -> list[Masks]:
        """Take the next message; return what its entities are made of.

        Of one that is gone that is what it was made of before.

        Args:
            payload: the message.
            dissection: of the same message.

        Shapes:
            returned: of each block, (n_rows, n_components).
        """
        return [
            self._follow(payload, block, dissection.tick) for block in dissection.blocks
        ]

    def _follow(self, payload: bytes, block: SnapshotBlock, tick: int) -> Masks:
        rows = block.rows.tolist()
        if not block.body_at:
            before = [self._at(row, tick) for row in rows]
            for row in rows:
                self._keep(row, tick, self._nothing)
            return self._masks(before)
        bases = [
            self._at(row, tick - age) if age else self._nothing
            for row, age in zip(rows, block.ages.tolist(), strict=True)
        ]
        shapes = self._moved(payload, block, bases)
        for row, shape in zip(rows, shapes, strict=True):
            self._keep(row, tick, shape)
        return self._masks(shapes)

    def _moved(
        self, payload: bytes, block: SnapshotBlock, bases: list[Shape]
    ) -> list[Shape]:
        """Return the shapes that differ from those of the base as a block says."""
        layout = self._table.layout
        first = block.groups[np.searchsorted(block.groups, 1) :]
        if not (len(first) and first[0] <= layout.n_shape_groups):
            return bases
        n_rows = len(bases)
        folded, _ = read_cells(layout, payload, block.body_at, n_rows)
        old = np.zeros_like(folded)
        flat: Any = old.reshape(layout.n_words, n_rows)
        flat[layout.shape_positions] = np.array(bases, np.uint32).T
        new = add_differences(layout, old, folded).reshape(layout.n_words, n_rows)
        return list(map(tuple, new[layout.shape_positions].T.tolist()))

    def _at(self, row: int, tick: int) -> Shape:
        """Return what was known of a row at a tick."""
        for when, shape in reversed(self._told.get(row, ())):
            if when <= tick:
                return shape
        return self._nothing

    def _keep(self, row: int, tick: int, shape: Shape) -> None:
        told = self._told.setdefault(row, [])
        if self._at(row, tick) != shape:
            told.append((tick, shape))
            told.sort()  # parts of a tick may be recorded in any order
        while len(told) > 1 and told[1][0] <= tick - _KEPT:
            del told[0]

    def _masks(self, shapes: list[Shape]) -> Masks:
        n = self._table.n_components
        masks = np.zeros((len(shapes), n), np.bool_)
        words = np.array(shapes, np.uint32).reshape(len(shapes), -1)
        for i in range(n):
            masks[:, i] = words[:, i // 32] >> np.uint32(i % 32) & np.uint32(1)
        return masks
