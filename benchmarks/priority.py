# SPDX-License-Identifier: MIT
"""What it costs to choose who is told now, against sorting all candidates.

A hundred clients have 2,000 candidates each, scattered over a world of 4,096 rows, and
room for 64 of them. A tick is what a server does for each client: every candidate
gathers importance, the most important that fit are chosen, and begin anew. `sort_ms` is
the same with a whole sort, in the same run, and `ratio` is what ours takes of it.
`weights_ms` is what it takes besides to weigh the candidates by component and distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import nanoseconds, ratio
from gamenet.replication import Priorities, Weights, nearness
from gamenet.wire import float32
from gamenet.world import Component, Sync, World

__all__ = ["run"]

N_CLIENTS = 100
N_CANDIDATES = 2000
CAPACITY = 4096
N_CHOSEN = 64
BYTES = 14.0
"""What a row takes on average."""
WARM_UP = 100
"""Ticks until what the rows have gathered is as it stays."""


class Place(Component):
    """Where something is."""

    sync = Sync(priority=2.0)
    x: float = float32()
    y: float = float32()


@dataclass(frozen=True, slots=True)
class Client:
    """One client, and what it might be told."""

    priorities: Priorities
    rows: NDArray[np.intp]
    weights: NDArray[np.float32]
    sizes: NDArray[np.float32]
    squared_distances: NDArray[np.float32]


def run() -> dict[str, Any]:
    """Return the figures by their keys."""
    ours, sorting = _clients(), _clients()
    world = World([Place], CAPACITY)
    world.spawn_rows(CAPACITY, Place())
    weights = Weights(world, world.components)

    def choose() -> None:
        for client in ours:
            _choose(client)

    def sort() -> None:
        for client in sorting:
            _sort(client)

    def weigh() -> None:
        weights.refresh()
        for client in ours:
            weights.of(client.rows, nearness(client.squared_distances, radius=10.0))

    for _ in range(WARM_UP):
        choose()
        sort()
    chosen = [_choose(client) for client in ours]
    assert abs(sum(map(len, chosen)) / N_CLIENTS - N_CHOSEN) < 5
    return {
        "ms": nanoseconds(choose) / 1e6,
        "sort_ms": nanoseconds(sort) / 1e6,
        "ratio": ratio(choose, sort),
        "weights_ms": nanoseconds(weigh) / 1e6,
    }


def _clients() -> list[Client]:
    random = np.random.default_rng(1)
    return [
        Client(
            Priorities(CAPACITY),
            np.sort(random.choice(CAPACITY, N_CANDIDATES, replace=False)),
            random.uniform(0.25, 4.0, N_CANDIDATES).astype(np.float32),
            random.uniform(BYTES / 2, BYTES * 3 / 2, N_CANDIDATES).astype(np.float32),
            random.uniform(0.0, 100.0, N_CANDIDATES).astype(np.float32),
        )
        for _ in range(N_CLIENTS)
    ]


def _choose(client: Client) -> NDArray[np.intp]:
    priorities, rows = client.priorities, client.rows
    gathered = priorities.grow(rows, client.weights)
    mask = priorities.choose(rows, client.sizes, N_CHOSEN * BYTES, gathered)
    chosen = rows[mask]
    priorities.sent(chosen)
    return chosen


def _sort(client: Client) -> NDArray[np.intp]:
    gathered = client.priorities.gathered
    gathered[client.rows] += client.weights
    order = np.negative(gathered[client.rows]).argsort()
    used = client.sizes[order].cumsum()
    chosen = client.rows[order[: used.searchsorted(N_CHOSEN * BYTES, "right")]]
    gathered[chosen] = 0.0
    return chosen
