# SPDX-License-Identifier: MIT
"""What rollback costs: go back eight ticks, and make them again, saving each.

Bodies of ten float32 columns, of which five are the speeds of the others, in a world
that has a row for each. A rollback loads the oldest of a ring of saved worlds, and
eight times advances the world and saves it over the next of the ring. The floor is
the same copies of bare columns, without a world around them and without advancing.
ggrs 0.13, in Rust, takes 20 and 205 microseconds for as much.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from gamenet.wire import float32
from gamenet.world import Component, World

__all__ = ["run"]

N_TICKS = 8
DT = np.float32(1 / 60)
N_ROUNDS, N_WARM_UP = 400, 40


class Body(Component):
    """Five places and their speeds."""

    a: float = float32()
    b: float = float32()
    c: float = float32()
    d: float = float32()
    e: float = float32()
    va: float = float32()
    vb: float = float32()
    vc: float = float32()
    vd: float = float32()
    ve: float = float32()


class Bodies:
    """A world of bodies, and a ring of what it was."""

    def __init__(self, n_bodies: int) -> None:
        self.world = World([Body], n_bodies)
        self.world.spawn_rows(n_bodies, Body())
        columns = self.world.columns(Body)
        assert columns.table is not None
        columns.table[:] = np.random.default_rng(5).normal(size=(10, n_bodies))
        self.columns = columns
        self.places, self.speeds = columns.table[:5], columns.table[5:]
        self._moves = np.empty_like(self.places)
        self.ring = [self.world.save() for _ in range(N_TICKS + 1)]

    def advance(self) -> None:
        """Move all bodies by one tick."""
        self.world.tick += 1
        np.multiply(self.speeds, DT, out=self._moves)
        np.add(self.places, self._moves, out=self.places)
        self.columns.changed(slice(None))

    def roll_back(self) -> None:
        """Go back to the oldest, and make the ticks up to now again."""
        self.world.load(self.ring[0])
        for saved in self.ring[1:]:
            self.advance()
            self.world.save(saved)


def run() -> dict[str, Any]:
    """Return the figures by their keys."""
    return {**_measure("1k", 1000), **_measure("10k", 10_000)}


def _measure(name: str, n_bodies: int) -> dict[str, float]:
    bodies, copies = Bodies(n_bodies), _copies(n_bodies)
    _check(bodies)
    both = [(_us(bodies.roll_back), _us(copies)) for _ in range(N_ROUNDS)][N_WARM_UP:]
    advance = [_us(bodies.advance) for _ in range(N_ROUNDS)][N_WARM_UP:]
    return {
        f"us_{name}": statistics.median(each[0] for each in both),
        f"floor_us_{name}": statistics.median(each[1] for each in both),
        f"advance_us_{name}": statistics.median(advance),
        f"times_floor_{name}": statistics.median(a / b for a, b in both),
    }


def _check(bodies: Bodies) -> None:
    """Make sure that what is measured does its work: it moves, and it goes back."""
    bodies.roll_back()
    first = [saved.checksum() for saved in bodies.ring]
    bodies.roll_back()
    assert [saved.checksum() for saved in bodies.ring] == first
    assert len(set(first)) == len(first)


def _copies(n_bodies: int) -> Callable[[], None]:
    """Return what copies the bare columns as often as a rollback does."""
    columns = np.ones((10, n_bodies), np.float32)
    ring = [columns.copy() for _ in range(N_TICKS + 1)]

    def copy() -> None:
        np.copyto(columns, ring[0])
        for saved in ring[1:]:
            np.copyto(saved, columns)

    return copy


def _us(function: Callable[[], None]) -> float:
    begin = perf_counter()
    function()
    return (perf_counter() - begin) * 1e6
