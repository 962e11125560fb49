# SPDX-License-Identifier: MIT
"""What the wire has said of some components at each of the last ticks, and of whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.prediction.past import Past
from gamenet.replication import Mirror, Teleported
from gamenet.world import Component

__all__ = ["PastWorld"]

Rows = NDArray[np.intp]

NO_ROWS: Rows = np.empty(0, np.intp)
NEVER = -1


class PastWorld:
    """Keep lines of values, and who had each component then.

    Args:
        mirror: of the world; its words are what clients are told.
        components: whose values are kept, all of them replicated.
        n_lines: how many ticks are kept.
    """

    def __init__(
        self, mirror: Mirror, components: Sequence[type[Component]], n_lines: int
    ) -> None:
        self.world = mirror.world
        self.components = tuple(components)
        self.places = {each: i for i, each in enumerate(components)}
        """The number of each component."""
        self.n_lines = n_lines
        self.tick = 0
        """The newest tick; 0 before any."""
        self.oldest = 0
        """The oldest tick of those that follow one another up to the newest."""
        self.n_rows = 0
        """Rows that the newest line has."""
        self.is_shown = False
        """Whether the columns of the world hold the past."""
        self._teleports: NDArray[np.int16] | None = None
        if Teleported in mirror.components:
            shape = (n_lines, self.world.capacity)
            self._teleports = np.full(shape, NEVER, np.int16)
        self.pasts = [
            Past(self.world.columns(each), n_lines, self._teleports)
            for each in components
        ]
        self.holders = [dict.fromkeys(self.components, NO_ROWS)] * n_lines
        """Of each line and component, the rows that had it, as a query gave them."""
        self.generations = np.zeros((n_lines, self.world.capacity), np.uint32)
        """Of each line, the generation of each row's entity; 0 where nobody lived."""
        self._mirror = mirror
        self._numbers = [mirror.components.index(each) for each in components]

    def record(self, tick: int) -> None:
        """Keep the state of a tick, right after the mirror has taken it.

        Raises:
            LocalProtocolError: the tick is not that of the mirror, or not newer than
                the last one, or the past is shown.
        """
        mirror = self._mirror
        if tick != mirror.tick or tick <= self.tick or self.is_shown:
            msg = (
                f"record({tick}) after tick {self.tick}, the mirror at {mirror.tick}, "
                f"{'in' if self.is_shown else 'outside of'} a rewound block: call it "
                "outside of one, once a tick, right after Mirror.update"
            )
            raise LocalProtocolError(msg)
        line, n_rows = tick % self.n_lines, mirror.n_rows
        last = self.tick % self.n_lines
        alive = mirror.alive(tick)[:n_rows]
        before = None
        if tick == self.tick + 1 and mirror.has(self.tick):
            rows = mirror.changed_since(self.tick)
            before = last
        else:  # what was before is not told by what has changed since
            rows = alive.nonzero()[0]
            self.oldest = tick
        for past in self.pasts:
            past.begin(line, n_rows, before)
        self.oldest = max(self.oldest, tick - self.n_lines + 1)
        self.tick, self.n_rows = tick, n_rows
        self.generations[line, :n_rows] = alive
        self.holders[line] = {each: self.world.query(each) for each in self.components}
        self._put(line, rows)
        if self._teleports is not None:
            self._teleports[line] = self._teleports[last]
            self._teleports[line, rows] = self._counts(rows)

    def _counts(self, rows: Rows) -> NDArray[np.int16]:
        """Return what the mirror says of `Teleported.count`, `NEVER` if nothing."""
        number = self._mirror.components.index(Teleported)
        layout, words = self._mirror.layout, self._mirror.words(self.tick)
        has = self.world.columns(Teleported).present[rows]
        lanes = words[layout.positions[number][:, None], rows]
        counts = layout.lanes[number].from_lanes(lanes)["count"].astype(np.int16)
        counts[~has] = NEVER
        return counts

    def _put(self, line: int, rows: Rows) -> None:
        """Write what the mirror says of rows to a line."""
        layout, words = self._mirror.layout, self._mirror.words(self.tick)
        for past, number in zip(self.pasts, self._numbers, strict=True):
            having = rows[past.columns.present[rows]]
            if len(having):
                lanes = words[layout.positions[number][:, None], having]
                past.put(line, having, layout.lanes[number].from_lanes(lanes))

    def have_lived(self, tick: int, rows: Rows) -> NDArray[np.bool_]:
        """Return which living rows have the entity that they had at a kept tick."""
        now: NDArray[np.uint32] = self.world.generation[rows]
        then: NDArray[np.uint32] = self.generations[tick % self.n_lines, rows]
        is_same: NDArray[np.bool_] = now == then
        return is_same

    def had(
        self, tick: int, component: type[Component], rows: Rows
    ) -> NDArray[np.bool_]:
        """Return which rows have had a component since a kept tick."""
        holders = self.holders[tick % self.n_lines][component]
        held = np.zeros(self.world.capacity, np.bool_)
        held[holders] = True
        held_on: NDArray[np.bool_] = held[rows] & self.have_lived(tick, rows)
        return held_on
