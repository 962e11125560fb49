# SPDX-License-Identifier: MIT
"""What the server keeps for one player's share of the world."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gamenet.ids import MessageId
from gamenet.replication import (
    MAX_FLIGHTS,
    Allotment,
    Eye,
    Pace,
    Part,
    Priorities,
    Viewer,
)

if TYPE_CHECKING:
    from gamenet.game.player import Player

__all__ = ["Outlook"]

FULL_PACKET = 1100.0
"""Bytes of a snapshot with which it is not worth while to wait for more."""


class Outlook:
    """One player's view of the world, and what may be sent of it.

    Args:
        player: whose it is.
        viewer: what the client sees and holds.
        capacity: rows of the world.
        tick_rate: ticks a second.
        bandwidth: bytes a second for snapshots; 0 is what the network takes.
    """

    def __init__(
        self,
        player: Player,
        viewer: Viewer,
        capacity: int,
        tick_rate: float,
        bandwidth: float,
    ) -> None:
        self.viewer = viewer
        self.eye = Eye(player.id)
        self.priorities = Priorities(capacity)
        self.pace = Pace(tick_rate, FULL_PACKET)
        self.allotment = Allotment(tick_rate, bandwidth or math.inf)
        self.heard: NDArray[np.uint8] | None = None
        """By which levels events of this tick are heard; None takes the viewer's."""
        self.wanted = 0.0
        """Bytes that all which was due took, or would have taken, the last time."""
        self.n_left_out = 0
        """Rows that had to wait for a later tick, over all ticks."""
        self.bytes_sent = 0
        """Of snapshots."""
        # Whether not everything had room, now or the last time: only then is there
        # any priority to speak of.
        self._is_short = False
        self._n_waiting = 0
        self._gathered: dict[MessageId, NDArray[np.float32]] = {}

    def budget(self, connection: float) -> float:
        """Return how many bytes to send now; 0 where this tick is left out.

        Args:
            connection: bytes that the connection takes.
        """
        self.allotment.pass_tick(self.pace.interval)
        available = self.allotment.available(connection)
        return available if self.pace.is_due(self.wanted, available) else 0.0

    def begin(self, n_left_out: int) -> None:
        """Note how much had no room, before the parts are sent."""
        self._is_short = n_left_out > 0 or self._n_waiting > 0
        self._n_waiting = n_left_out

    def spent(self, parts: list[Part], n_bytes: int) -> None:
        """Note what was sent, and guess what would have been."""
        n_left_out = self.viewer.n_left_out
        n_rows = sum(len(part.rows) for part in parts)
        mean = n_bytes / n_rows if n_rows else 0.0
        self.wanted = n_bytes + mean * n_left_out
        self.n_left_out += n_left_out
        self.bytes_sent += n_bytes
        self.allotment.spend(n_bytes)

    def sent(self, part: Part, message_id: MessageId) -> NDArray[np.float32] | None:
        """Note that a part was sent: what it tells begins to gather anew.

        Returns:
            What each of its rows had gathered; None if there was room for all.
        """
        self.viewer.sent(part, message_id)
        if not self._is_short:
            return None
        if len(self._gathered) >= MAX_FLIGHTS:
            # The oldest counts as lost by now, and its rows are due in any case.
            del self._gathered[next(iter(self._gathered))]
        gathered = self._gathered[message_id] = self.priorities.sent(part.rows)
        return gathered

    def acked(self, message_id: MessageId) -> None:
        """Note that a message has arrived."""
        self.viewer.acknowledge(message_id)
        self._gathered.pop(message_id, None)

    def lost(self, message_id: MessageId, *, was_certain: bool = False) -> None:
        """Note that a message was lost: its rows have their priority back.

        Args:
            message_id: which one.
            was_certain: whether it was taken for certain that it would arrive.
        """
        part = self.viewer.lose(message_id)
        if part is not None and was_certain:
            self.viewer.forget(part.rows)
        gathered = self._gathered.pop(message_id, None)
        if part is not None and gathered is not None:
            again = self.viewer.told.take(part.rows) < part.tick
            self.priorities.lost(part.rows[again], gathered[again])

    def restart(self) -> None:
        """Forget what the client holds: it is told everything again."""
        self.viewer.reset()
        self._gathered.clear()
