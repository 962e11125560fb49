# SPDX-License-Identifier: MIT
"""Find the rows that have some components and lack others, and remember the answer.

Games ask the same few questions every tick, and most ticks the answer is the same. Each
table counts its changes of membership; an answer is kept as long as the counts of the
tables it came from stand still.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.world.arrays import RowIndices, read_only
from gamenet.world.catalogue import Catalogue
from gamenet.world.component import Component
from gamenet.world.rows import Rows
from gamenet.world.table import Table

__all__ = ["Queries"]

Components = tuple[type[Component], ...]


class Queries:
    """Answer which rows match, computing an answer only when it can have changed.

    Args:
        rows: the rows of the world.
        catalogue: the components of the world.
    """

    def __init__(self, rows: Rows, catalogue: Catalogue) -> None:
        self._rows = rows
        self._catalogue = catalogue
        self._known: dict[tuple[Components, Components], _Query] = {}

    def find(self, components: Components, without: Components) -> RowIndices:
        """Return the rows that have all of some components and none of others.

        Shapes:
            returns (n,) intp, ascending; read-only, as whoever asks the same gets it.
        """
        try:
            query = self._known[components, without]
        except KeyError:
            query = self._known[components, without] = _Query(
                self._rows,
                [self._catalogue.table(component) for component in components],
                [self._catalogue.table(component) for component in without],
            )
        return query.find()


class _Query:
    """One question and its newest answer."""

    def __init__(self, rows: Rows, tables: list[Table], others: list[Table]) -> None:
        wanted = [table.columns.present for table in tables]
        self._wanted = wanted or [rows.alive]
        self._unwanted = [table.columns.present for table in others]
        self._counters: list[Any] = [*tables, *others] if wanted else [rows, *others]
        self._version = -1
        self._found: RowIndices = np.empty(0, np.intp)

    def find(self) -> RowIndices:
        """Return the matching rows."""
        # Counts only rise, so an equal sum means that none of them has moved.
        version = 0
        for counter in self._counters:
            version += counter.version
        if version != self._version:
            self._found = read_only(np.flatnonzero(self._mask()))
            self._version = version
        return self._found

    def _mask(self) -> NDArray[np.bool_]:
        mask = self._wanted[0]
        for present in self._wanted[1:]:
            mask = mask & present
        for present in self._unwanted:
            mask = mask & ~present
        return mask
