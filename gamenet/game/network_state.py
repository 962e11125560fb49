# SPDX-License-Identifier: MIT
"""Say of entities how well this client predicts them, and what it has buffered of them.

`PredictionState` of what is our own goes to the server, by writes like a game's own.
`InterpolationState` stays here: snapshots that bring back the server's are overwritten.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.game.foresight import Foresight
from gamenet.replication import (
    InterpolationState,
    PredictionState,
    fill_interpolation,
    note_confirmed,
)
from gamenet.world import Component, EntityId, World

__all__ = ["NetworkState"]

INTERVAL = 0.5
"""Seconds between two times; more often no owner is told of it."""
MOST_DELAY = 255.0
"""Ticks that an `InterpolationState` can say."""
SMALLEST = float(np.finfo(np.float16).smallest_subnormal)
"""The size of a correction that has none: it counts, too."""

Rows = NDArray[np.intp]
Write = Callable[[EntityId, Component], bytes]


class NetworkState:
    """Keep the network components of one client right.

    Args:
        world: the confirmed one.
        foresight: what is predicted and shown of it.
        player_id: who we are.
    """

    def __init__(self, world: World, foresight: Foresight, player_id: int) -> None:
        self._world = world
        self._foresight = foresight
        self._player_id = player_id
        self._due_at = -math.inf
        self._noted = -1
        """The newest tick whose corrections are in."""

    @staticmethod
    def is_wanted(world: World) -> bool:
        """Return whether the game lists any of the components."""
        return bool({PredictionState, InterpolationState} & set(world.components))

    def update(self, now: float, write: Write) -> list[bytes]:
        """Bring the components up to date, if it is time to.

        Args:
            now: in monotonic seconds.
            write: writes a component of an entity of ours; returns the packet.

        Returns:
            The packets to send, reliably.
        """
        if now < self._due_at:
            return []
        self._due_at = now + INTERVAL
        self._fill()
        return [
            write(self._world.id_of(row), self._state_of(row))
            for row in self._confirmed_rows().tolist()
        ]

    def _fill(self) -> None:
        """Say what the view has of others; who draws none has nothing buffered."""
        view, lines = self._foresight.drawn, self._foresight.lines
        if view is None or view.newest is None or view.oldest is None:
            return
        worlds = [self._world]
        if self._foresight.predicting is not None:
            worlds.append(self._foresight.predicting.world)
        delay = min(lines.playout.delay * lines.tick_rate, MOST_DELAY)
        for world in worlds:
            if InterpolationState in world.components:
                rows = world.query(InterpolationState)
                fill_interpolation(
                    world, rows, oldest=view.oldest, newest=view.newest, delay=delay
                )

    def _confirmed_rows(self) -> Rows:
        """Note what was confirmed since the last time; return the rows it is of."""
        predicting, world = self._foresight.predicting, self._world
        if predicting is None or PredictionState not in world.components:
            return np.empty(0, np.intp)
        predictor = predicting.predictor
        rows = predicting.rows[self._is_writable(predicting.rows)]
        tick = predictor.confirmed
        if tick is None or tick <= self._noted:
            return rows[:0]
        for each in predictor.log:
            if each.tick > self._noted and len(each.mispredicted):
                wrong = each.mispredicted[np.isin(each.mispredicted, rows)]
                note_confirmed(world, wrong, each.tick, max(each.size, SMALLEST))
        note_confirmed(world, rows, tick, 0.0)
        self._noted = tick
        return rows

    def _is_writable(self, rows: Rows) -> NDArray[np.bool_]:
        """Return which rows are ours and say how they are predicted."""
        is_ours: NDArray[np.bool_] = self._world.owner[rows] == self._player_id
        return is_ours & self._world.columns(PredictionState).present[rows]

    def _state_of(self, row: int) -> PredictionState:
        columns: Any = self._world.columns(PredictionState)
        return PredictionState(
            confirmed=int(columns.confirmed[row]),
            corrections=int(columns.corrections[row]),
            correction=float(columns.correction[row]),
        )
