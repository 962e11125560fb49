# SPDX-License-Identifier: MIT
"""What a predicting client knows of its own rows: predicted by tick, and told last.

Rows come and go while ticks are computed and confirmed, and each is confirmed at ticks
of its own, because a snapshot tells what fits. So each has its own beginning, and its
own newest tick of which the server said something.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.prediction.rounding import Rounding
from gamenet.prediction.saved_words import SavedWords
from gamenet.world import World

__all__ = ["OwnRows"]

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]
Mask = NDArray[np.bool_]

NEVER = -1


class OwnRows:
    """Keep what is known of some rows.

    Args:
        world: in which they live.
        rounding: says what their words mean.
        depth: ticks whose words are kept.
    """

    def __init__(self, world: World, rounding: Rounding, depth: int) -> None:
        self._world = world
        self._rounding = rounding
        self._generations = np.empty(0, np.uint32)
        self.rows: Rows = np.empty(0, np.intp)
        """Which rows, ascending."""
        self.saved = SavedWords(rounding.n_lines, depth)
        """What was predicted of them."""
        self.told = rounding.blank(0)
        """What the server said last of each: (n_lines, n_rows)."""
        self.told_tick = np.empty(0, np.int64)
        """Of which tick that was; -1 before any: (n_rows,)."""

    def follow(self, rows: Rows) -> None:
        """Keep these rows and no others; of a new one nothing is known.

        Raises:
            LocalProtocolError: if no entity lives in one of them.
        """
        rows = np.unique(rows).astype(np.intp, copy=False)
        is_empty = ~self._world.alive[rows]
        if is_empty.any():
            msg = f"rows {rows[is_empty].tolist()} are empty: there is none to predict"
            raise LocalProtocolError(msg)
        generations = self._world.generation[rows]
        places, is_known = self.places(rows)
        before = self._generations[places[is_known]]
        is_known[is_known] = before == generations[is_known]
        if len(rows) == len(self.rows) and is_known.all():
            return
        self._rearrange(np.where(is_known, places, NEVER), rows, generations)

    def drop_gone(self) -> None:
        """Keep no row any more whose entity is gone."""
        rows, world = self.rows, self._world
        is_there = world.alive[rows] & (world.generation[rows] == self._generations)
        if np.count_nonzero(is_there) < len(rows):
            left = is_there.nonzero()[0]
            self._rearrange(left, rows[left], self._generations[left])

    def places(self, rows: Rows) -> tuple[Rows, Mask]:
        """Return where rows stand among ours, and which of them do."""
        places = np.searchsorted(self.rows, rows)
        if not len(self.rows):
            return places, np.zeros(len(rows), np.bool_)
        np.minimum(places, len(self.rows) - 1, out=places)
        return places, self.rows[places] == rows

    def note(self, tick: int, places: Rows, told: Words) -> None:
        """Remember what was told of some of them.

        Shapes:
            places: (n_told,); told: (n_lines, n_told).
        """
        self.told[:, places] = told
        self.told_tick[places] = tick

    def later(self, tick: int) -> dict[int, list[tuple[int, Words]]]:
        """Return what is known for ticks after one, which replay has to take up there.

        That is where a row begins, and what the server told of others since then.

        Returns:
            By tick, places and their words, in the order in which they hold.
        """
        saved = self.saved
        later: dict[int, list[tuple[int, Words]]] = {}
        for place in (saved.since > tick).nonzero()[0].tolist():
            since = int(saved.since[place])
            first = saved.at(since)[:, place].copy()
            later.setdefault(since, []).append((place, first))
        for place in (self.told_tick > tick).nonzero()[0].tolist():
            known = self.told[:, place]
            later.setdefault(int(self.told_tick[place]), []).append((place, known))
        return later

    def _rearrange(
        self, places: Rows, rows: Rows, generations: NDArray[np.uint32]
    ) -> None:
        """Change the rows; `places` says where each was before, -1 for nowhere."""
        is_new = places < 0
        told = self._rounding.blank(len(rows))
        told_tick = np.full(len(rows), NEVER, np.int64)
        told[:, ~is_new] = self.told[:, places[~is_new]]
        told_tick[~is_new] = self.told_tick[places[~is_new]]
        self.told, self.told_tick = told, told_tick
        self.rows, self._generations = rows, generations
        self.saved.rearrange(places)
        words = self._rounding.round(rows[is_new])
        self.saved.at(self.saved.newest)[:, is_new] = words
