# SPDX-License-Identifier: MIT
"""Snapshot messages for tests, written block by block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gamenet.replication.cells import Cells
from gamenet.replication.layout import RowLayout
from gamenet.replication.rowlists import write_rows
from gamenet.wire import fixed, flag, nbits, uint8
from gamenet.world import Component


class Place(Component):
    """Three lanes in one group."""

    x: float = fixed(-8, 8, step=1 / 1024)
    y: float = fixed(-8, 8, step=1 / 1024)
    z: float = fixed(-8, 8, step=1 / 1024)


class Life(Component):
    """One small lane, and a run of bits."""

    points: int = uint8()
    is_hurt: bool = flag()
    kind: int = nbits(3)


class Marked(Component):
    """Nothing but its name."""


COMPONENTS = (Place, Life, Marked)
LAYOUT = RowLayout(COMPONENTS)
UNIFORM, MIXED, GONE = 0, 1, 2
SHAPE = 1
"""The group that tells which components there are."""


def folded(changes: dict[tuple[int, int, int], int], n_rows: int) -> Any:
    """Return differences of rows: by lane of the group, group and index of the row."""
    words = np.zeros((3, LAYOUT.n_groups, n_rows), np.uint32)
    for where, word in changes.items():
        words[where] = word
    return words


def message(tick: int, *blocks: bytes, part: int = 0, n_parts: int = 1) -> bytes:
    """Return a snapshot of blocks."""
    return tick.to_bytes(4, "little") + bytes([part, n_parts]) + b"".join(blocks)


def told(rows: Sequence[int], ages: int | Sequence[int], differences: Any) -> bytes:
    """Return a block of rows against one base, or each against its own."""
    mode, names = write_rows(np.array(rows, np.intp))
    kind = UNIFORM if isinstance(ages, int) else MIXED
    given = bytes([ages]) if isinstance(ages, int) else bytes(ages)
    cells = Cells(LAYOUT, differences).write()
    return bytes([mode | kind << 2]) + names + given + cells


def entered(rows: Sequence[int], shape: int, points: int = 9) -> bytes:
    """Return a block of rows that were not known: of a shape, with so many points."""
    changes = {}
    for i in range(len(rows)):
        changes[0, 0, i] = 2  # generation 1
        changes[0, SHAPE, i] = 2 * shape if shape < 4 else 2 * (8 - shape) - 1
        if shape & 2:
            changes[0, 3, i] = 2 * points
    return told(rows, 0, folded(changes, len(rows)))


def gone(rows: Sequence[int], has_left: Sequence[bool]) -> bytes:
    """Return a block of rows that left the view, or are no more."""
    mode, names = write_rows(np.array(rows, np.intp))
    bits = np.packbits(np.array(has_left, np.bool_), bitorder="little").tobytes()
    return bytes([mode | GONE << 2]) + names + bits
