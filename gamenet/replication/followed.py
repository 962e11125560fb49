# SPDX-License-Identifier: MIT
"""What a client learns from snapshots: who came and went, and which values changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamenet.world import Component, EntityId

__all__ = ["Followed", "Resolved", "Told", "Written"]

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]


@dataclass(slots=True)
class Resolved:
    """A block whose words are known and found legal."""

    rows: Rows
    words: Words
    before: Words
    is_new: NDArray[np.bool_]
    """Of each row, whether its identity differs from what is shown."""
    has_new: bool
    """Whether that of any row does."""
    columns: list[tuple[int, Rows, dict[str, NDArray[np.generic]]]]
    """Component, indices of its rows, and their values by field."""
    has_left: NDArray[np.bool_] | None


@dataclass(slots=True)
class Written:
    """Rows of one component whose words a message changed."""

    component: type[Component]
    rows: Rows
    told: Resolved
    """The block that changed them."""
    which: Rows
    """Indices of the rows in the block."""
    positions: Rows
    """Where the component's lanes stand among the words."""

    @property
    def flipped(self) -> Words:
        """Return the words before, exclusive or those after: (n_lanes, n_rows)."""
        place = self.positions[:, None]
        before: Words = self.told.before[place, self.which]
        return before ^ self.told.words[place, self.which]


@dataclass(slots=True)
class Told:
    """What a message says of rows, whether that is new or not."""

    tick: int
    """Of which tick it is; there may have been a newer one before."""
    rows: Rows
    """The rows, ascending: (n_rows,)."""
    words: Words
    """What they were at that tick, laid out by `RowLayout`: (n_words, n_rows)."""


@dataclass(slots=True)
class Followed:
    """What became of the world since somebody last asked."""

    spawned: list[EntityId]
    """Entities that are new here."""
    despawned: list[EntityId]
    """Entities that exist no more."""
    left: list[EntityId]
    """Entities that we do not see any more."""
    reshaped: list[EntityId]
    """Entities that gained or lost components."""
    reowned: list[EntityId]
    """Entities that have another owner."""
    written: list[Written]
    """Values that changed."""
    told: list[Told]
    """All that was said of rows."""
