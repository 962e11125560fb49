# SPDX-License-Identifier: MIT
"""What the groups of lanes of a row mean to people: identity, or which component."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.layout import RowLayout
from gamenet.world import Component

__all__ = ["HEADERS", "IDENTITY", "ROWS", "CellTable", "cell_table"]

HEADERS, ROWS, IDENTITY = range(3)
"""Columns of an account beside those of the components."""
_BESIDE = ("(headers)", "(rows)", "(identity)")


@dataclass(frozen=True, slots=True, eq=False)
class CellTable:
    """The groups of a row.

    Shapes:
        column: (n_groups,); raw: (n_components,).
    """

    layout: RowLayout
    """Where the lanes are."""
    columns: tuple[str, ...]
    """What bits may have been spent on: headers, rows, identity, each component."""
    column: NDArray[np.intp]
    """Of each group, an index into `columns`."""
    raw: NDArray[np.int64]
    """Bytes of each component if it were sent whole."""

    @property
    def n_components(self) -> int:
        """Return how many components there are."""
        return len(self.raw)


@lru_cache(maxsize=8)
def cell_table(components: tuple[type[Component], ...]) -> CellTable:
    """Return the groups of the rows of a world.

    Args:
        components: those that are replicated, in the order of their numbers.
    """
    layout = RowLayout(components)
    column = np.full(layout.n_groups, IDENTITY, np.intp)
    for i, groups in enumerate(layout.component_groups):
        column[groups] = IDENTITY + 1 + i
    raw = [int(layout.full[groups].sum()) for groups in layout.component_groups]
    names = (*_BESIDE, *(each.__name__ for each in components))
    return CellTable(layout, names, column, np.array(raw, np.int64))
