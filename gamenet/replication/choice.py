# SPDX-License-Identifier: MIT
"""Choose what of the due rows one client is told now, where not all has room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.deltas import Delta
from gamenet.replication.priority import Priorities

__all__ = ["SMALLEST_ROW", "Share", "Weigh", "choose", "keep_foremost"]

SMALLEST_ROW = 4
"""Bytes that a row takes at least, on average."""

Rows = NDArray[np.intp]
Weigh = Callable[[Rows], NDArray[np.float32]]
"""Says what each of some rows gathers now."""


@dataclass(slots=True)
class Share:
    """What one client is told of a delta."""

    delta: Delta
    picked: Rows | None
    """Indices of its rows, ascending; None for all."""

    @property
    def rows(self) -> Rows:
        """Return the rows."""
        rows = self.delta.rows
        return rows if self.picked is None else rows.take(self.picked)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Return the bytes that each row is expected to take."""
        sizes = self.delta.sizes
        return sizes if self.picked is None else sizes.take(self.picked)

    def keep(self, chosen: NDArray[np.bool_]) -> None:
        """Leave out the rows that were not chosen."""
        kept = chosen.nonzero()[0]
        self.picked = kept if self.picked is None else self.picked.take(kept)


def keep_foremost(
    rows: Rows, priorities: Priorities, weigh: Weigh | None, budget: float
) -> tuple[Rows, int]:
    """Keep no more rows than might go; return them, and how many are left out.

    To work out the size of what cannot go anyway would be in vain.
    """
    most = int(max(budget, 0.0) / SMALLEST_ROW) + 1
    if len(rows) <= most:
        return rows, 0
    gathered = priorities.gathered.take(rows)
    is_kept = np.zeros(len(rows), np.bool_)
    is_kept[np.argpartition(gathered, -most)[-most:]] = True
    waiting = rows[~is_kept]
    priorities.grow(waiting, 1.0 if weigh is None else weigh(waiting))
    return rows[is_kept], len(waiting)


def choose(
    shares: list[Share],
    priorities: Priorities,
    weigh: Weigh | None,
    budget: float,
    is_short: bool,
) -> int:
    """Keep of shares what has room, the most important first.

    Args:
        shares: what is due; rows are left out of them.
        priorities: what the client's rows have gathered.
        weigh: says what rows gather now.
        budget: bytes that may go.
        is_short: whether something was left out already.

    Returns:
        How many rows were left out.
    """
    if not shares:
        return 0
    sizes = [share.sizes for share in shares]
    if not is_short and sum(float(each.sum()) for each in sizes) <= budget:
        return 0
    rows = np.concatenate([share.rows for share in shares])
    gathered = priorities.grow(rows, 1.0 if weigh is None else weigh(rows))
    chosen = priorities.choose(rows, np.concatenate(sizes), budget, gathered)
    n_left_out = len(rows) - int(np.count_nonzero(chosen))
    if n_left_out:
        ends = np.cumsum([len(each) for each in sizes])[:-1]
        for share, its in zip(shares, np.split(chosen, ends), strict=True):
            share.keep(its)
    return n_left_out
