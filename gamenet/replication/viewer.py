# SPDX-License-Identifier: MIT
"""What one client sees of a world, and what of it the client is known to hold.

For each row the client holds the state at `base`, the newest tick it has acknowledged
for that row. `told` is the newest tick at which the row was sent and not found lost: a
row is due when it has changed after that. Nothing is ever sent again as it was; what is
lost becomes due, and is told from the state that is current then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gamenet.ids import MessageId

__all__ = ["MAX_FLIGHTS", "Part", "Viewer"]

MAX_FLIGHTS = 1024
"""Messages of which no receipt has come; beyond that the oldest count as lost."""

Rows = NDArray[np.intp]


@dataclass(slots=True)
class Part:
    """One message of a snapshot."""

    payload: bytes
    tick: int
    rows: Rows
    """Rows that it tells."""
    levels: NDArray[np.uint8]
    """What of each row it tells: 0 where the row is gone."""
    ages: NDArray[np.int64]
    """How many ticks ago the base of each row was; 0 for none."""
    has_gone: bool = False
    """Whether any row is told to be gone."""


class Viewer:
    """Remember what one client sees and holds.

    Args:
        player_id: whose client it is; entities of this owner are the client's own.
        capacity: rows of the world.
    """

    def __init__(self, player_id: int, capacity: int) -> None:
        self.player_id = player_id
        self.acked = 0
        """Newest tick of which a message was acknowledged; 0 before any."""
        self.since = 0
        """Tick of the last snapshot that was made for it."""
        self.has_backlog = True
        """Whether something may be due that did not change after that tick."""
        self.level = np.zeros(capacity, np.uint8)
        """What the client may see of each row now: see `Audience`."""
        self.touched = np.zeros(capacity, np.uint32)
        """Tick at which the level of each row last changed."""
        self.base = np.zeros(capacity, np.uint32)
        """Newest tick of which the client holds each row's state."""
        self.base_level = np.zeros(capacity, np.uint8)
        """What of each row was told at that tick."""
        self.told = np.zeros(capacity, np.uint32)
        """Newest tick of which each row was sent, and not found lost."""
        self.held = np.zeros(capacity, np.bool_)
        """Whether the client may hold something of each row."""
        self.once = np.zeros(capacity, np.uint32)
        """Newest tick at which each row was told, of what may have arrived although it
        was found lost, of what is gone, and of what was before a reset."""
        self.has_touched = False
        """Whether anybody looks at levels; if not, everything is for everybody."""
        self.n_left_out = 0
        """Rows that had no room the last time."""
        self.n_lost = 0
        """Messages that were lost."""
        self._flights: dict[MessageId, Part] = {}
        self._insisted: Rows = np.empty(0, np.intp)

    def see(self, rows: Rows, tick: int) -> None:
        """Note that the levels of rows have just changed."""
        self.has_touched = True
        if len(rows):
            self.touched[rows] = tick
            self.has_backlog = True

    def last_told(self, rows: Rows) -> NDArray[np.uint32]:
        """Return the newest tick of each row that the client most likely knows."""
        told = np.maximum(self.told.take(rows), self.base.take(rows))
        # What was lost counts where nothing else can be there.
        once = np.where(self.base_level.take(rows) == 0, self.once.take(rows), 0)
        return np.maximum(told, once)

    @property
    def n_flights(self) -> int:
        """Return how many messages are on their way."""
        return len(self._flights)

    def sent(self, part: Part, message_id: MessageId) -> None:
        """Note that a part was sent."""
        if len(self._flights) >= MAX_FLIGHTS:
            self.lose(next(iter(self._flights)))
        self._flights[message_id] = part
        self.told[part.rows] = part.tick
        self.held[part.rows] = True

    def acknowledge(self, message_id: MessageId) -> Part | None:
        """Note that a message has arrived; return its part if we know of it."""
        part = self._flights.pop(message_id, None)
        if part is not None:
            self.settle(part)
        return part

    def settle(self, part: Part) -> None:
        """Take for certain that the client has a part, or will before the next one."""
        tick, rows, levels = part.tick, part.rows, part.levels
        if tick > self.acked:
            self.acked = tick
        else:
            # No row can have been acknowledged later than the newest tick of all.
            is_newer = self.base.take(rows) < tick
            rows, levels = rows[is_newer], levels[is_newer]
        self.base[rows] = tick
        self.base_level[rows] = levels
        if part.has_gone:
            gone = rows[levels == 0]
            self.once[gone] = tick
            # Who was told of it again meanwhile may hold it again.
            self.held[gone[self.told[gone] == tick]] = False

    def lose(self, message_id: MessageId) -> Part | None:
        """Note that a message was lost; return its part if we know of it."""
        part = self._flights.pop(message_id, None)
        if part is not None:
            self.n_lost += 1
            rows = part.rows
            self.once[rows] = np.maximum(self.once.take(rows), part.tick)
            rows = rows[self.told[rows] == part.tick]
            self.told[rows] = self.base[rows]
            self.has_backlog = True
        return part

    def insist(self, rows: Rows) -> None:
        """Tell what some rows are now with every snapshot until it is acknowledged."""
        self._insisted = np.union1d(self._insisted, rows)

    def repeat_insisted(self, changed_at: NDArray[np.uint32]) -> None:
        """Make due again what is insisted on, and not acknowledged yet.

        Args:
            changed_at: when each row last changed: (capacity,).
        """
        rows = self._insisted
        if not len(rows):
            return
        rows = rows[self.base.take(rows) < changed_at.take(rows)]
        self.told[rows] = np.minimum(self.told.take(rows), self.base.take(rows))
        self.has_backlog |= len(rows) > 0
        self._insisted = rows

    def forget(self, rows: Rows) -> None:
        """Forget what the client holds of some rows: they are told against nothing."""
        self.once[rows] = np.maximum(self.once.take(rows), self.told.take(rows))
        self.base[rows] = 0
        self.base_level[rows] = 0
        self.told[rows] = 0
        self.has_backlog = True

    def reset(self) -> None:
        """Forget what the client holds: it is told everything again."""
        self._flights.clear()
        self.acked = 0
        np.maximum(self.once, self.told, out=self.once, where=self.held)
        # The message that told of the end of it may have come too late to be of use.
        self.held |= self.once != 0
        self.base[:] = 0
        self.base_level[:] = 0
        self.told[:] = 0
        self.has_backlog = True
