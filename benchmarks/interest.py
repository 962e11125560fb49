# SPDX-License-Identifier: MIT
"""What it costs to know who sees what, against asking each viewer about each row.

10,000 entities walk on a square kilometre, and 100 of them are players, who see 60
metres far with 6 metres of hysteresis. A tick takes in all positions and brings the
levels of all players up to date. Brute force does the same by numpy: for each player
the distance of each entity. Both see the same, which is checked.
"""

from __future__ import annotations

import statistics
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.replication import Eye, Interest, Visibility
from gamenet.wire import fixed
from gamenet.world import Component, World

__all__ = ["run"]

N_ENTITIES = 10_000
N_CLIENTS = 100
N_TICKS = 100
N_BRUTE_TICKS = 20
HALF_SIDE = 512.0
RADIUS = 60.0
HYSTERESIS = 6.0
STEP = 0.2

Levels = NDArray[np.uint8]


class Position(Component):
    """Where an entity is, in metres."""

    x: float = fixed(-HALF_SIDE, HALF_SIDE, step=1 / 64)
    y: float = fixed(-HALF_SIDE, HALF_SIDE, step=1 / 64)


class Crowd:
    """Entities that walk at random, and those who look at them."""

    def __init__(self, interest: Interest | None) -> None:
        self.random = np.random.default_rng(4)
        self.world = World([Position], N_ENTITIES)
        self.world.spawn_rows(N_ENTITIES, Position())
        self.position = self.world.columns(Position)
        for axis in (self.position.x, self.position.y):
            axis[:] = self.random.uniform(-HALF_SIDE, HALF_SIDE, N_ENTITIES)
        self.visibility = Visibility(self.world, interest)
        rows = range(0, N_ENTITIES, N_ENTITIES // N_CLIENTS)
        self.eyes = [
            Eye(i + 1, where=self.world.id_of(row)) for i, row in enumerate(rows)
        ]
        self.levels = np.zeros((N_CLIENTS, N_ENTITIES), np.uint8)
        self.expected = np.zeros((N_CLIENTS, N_ENTITIES), np.uint8)

    def walk(self) -> None:
        """Let everybody take a step."""
        for axis in (self.position.x, self.position.y):
            np.add(axis, self.random.normal(0.0, STEP, N_ENTITIES), out=axis)

    def look(self, tick: int) -> None:
        """Bring the levels of all viewers up to date."""
        self.visibility.refresh(tick)
        for eye, level in zip(self.eyes, self.levels, strict=True):
            self.visibility.look(eye, level)

    def look_by_force(self) -> None:
        """Do the same without a grid."""
        x, y = self.position.x.astype(float), self.position.y.astype(float)
        near, far = RADIUS**2, (RADIUS + HYSTERESIS) ** 2
        rows = range(0, N_ENTITIES, N_ENTITIES // N_CLIENTS)
        for row, level in zip(rows, self.expected, strict=True):
            squared = (x - x[row]) ** 2 + (y - y[row]) ** 2
            seen = (squared <= near) | ((squared <= far) & (level != 0))
            changed = np.flatnonzero(seen != level)
            level[changed] = seen[changed]


def run() -> dict[str, Any]:
    """Return the figures by their keys."""
    position = (Position, "x", "y")
    crowd = Crowd(Interest(position, radius=RADIUS, hysteresis=HYSTERESIS))
    both = [_tick(crowd, tick) for tick in range(N_BRUTE_TICKS)]
    assert (crowd.levels == crowd.expected).all()
    ours = [
        _tick(crowd, N_BRUTE_TICKS + tick, by_force=False) for tick in range(N_TICKS)
    ]
    everything = Crowd(None)
    whole = [_tick(everything, tick, by_force=False) for tick in range(N_TICKS)]
    return {
        "ms": statistics.median(each[0] for each in ours),
        "brute_force_ms": statistics.median(each[1] for each in both),
        "times_brute_force": statistics.median(b / a for a, b in both[1:]),
        "without_interest_ms": statistics.median(each[0] for each in whole),
        "seen_per_client": float((crowd.levels != 0).sum() / N_CLIENTS),
    }


def _tick(crowd: Crowd, tick: int, *, by_force: bool = True) -> tuple[float, float]:
    """Return the milliseconds of a tick, and those of brute force."""
    crowd.walk()
    begin = perf_counter()
    crowd.look(tick)
    between = perf_counter()
    if by_force:
        crowd.look_by_force()
    end = perf_counter()
    return (between - begin) * 1e3, (end - between) * 1e3
