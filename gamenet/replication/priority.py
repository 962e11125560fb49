# SPDX-License-Identifier: MIT
"""Decide who is told now, when not everything fits into what a client may get.

Every row with something unsent gathers importance, tick by tick, by its weight. What
goes out are the rows with most of it, as many as fit, and only they begin anew. So an
important row goes out often, any other row gathers until its turn has come, and a row
whose packet was lost is where it would be had it never been sent.

**Nothing starves.** Let N rows always have something unsent, let their weights be at
least `low` and at most `high`, with q = high / low, and let at least k of them go out
each time. Then none waits longer than

    floor(q * floor((N - 1) / k)) + 1

times. Proof: let a row wait for T times without going out. After t of them it has at
least t * low, and so has whatever goes out then. If another row goes out at t and again
at u, it has at most (u - t) * high there, so (u - t) * high >= u * low, which is
t <= u * (1 - 1/q). In the last ceil(T / q) times, those after T * (1 - 1/q), each other
row therefore goes out at most once. They are N - 1, and k go each time, so
ceil(T / q) <= floor((N - 1) / k), and T <= q * floor((N - 1) / k).

With the bounds of `Weights` q is at most 256, with equal weights it is 1: then rows
take strict turns. Rounding to float32 changes q by less than 1/100 while a row waits
for less than 65,536 times. Of what is lost, only what arrives counts into k.

Source: the priority accumulator of Gaffer on Games, "State Synchronization".
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication.sync_settings import SyncSettings, row_priority
from gamenet.world import Component, World

__all__ = ["MAX_WEIGHT", "MIN_WEIGHT", "Priorities", "Rule", "Weights", "nearness"]

MIN_WEIGHT, MAX_WEIGHT = 1 / 16, 16.0
"""What a row can gather in one tick: nothing stands still, nothing drowns the rest."""
NEARNESS_FLOOR = 1 / 8
"""Weight of what is at the rim of a view, where that of the viewer's own place is 1."""
FOREMOST = np.float32(1e9)
"""What a row has that goes out before all others; none gathers as much."""

SPARE = 3
"""So many times the rows that went out last are sorted: with 2, one choice in twenty
would find too few and have to sort all."""
LOW, HIGH = (0, 1) if sys.byteorder == "little" else (1, 0)
"""Where the halves of a 64-bit word are."""

Rows = NDArray[np.intp]
Floats = NDArray[np.float32]
Rule = Callable[[Rows], NDArray[Any]]
"""A game's own rule: row numbers in, a factor for each out."""


class Priorities:
    """Hold what each row has gathered for one client, and choose what goes out.

    Args:
        capacity: number of rows.

    Example:
        >>> priorities = Priorities(3)
        >>> rows = np.arange(3)
        >>> priorities.grow(rows, np.array([1, 4, 2], np.float32)).tolist()
        [1.0, 4.0, 2.0]
        >>> chosen = priorities.choose(rows, np.full(3, 10.0), budget=25.0)
        >>> chosen.tolist()
        [False, True, True]
        >>> saved = priorities.sent(rows[chosen])
        >>> priorities.gathered.tolist()
        [1.0, 0.0, 0.0]
        >>> priorities.lost(rows[chosen], saved)
        >>> priorities.gathered.tolist()
        [1.0, 4.0, 2.0]
    """

    def __init__(self, capacity: int) -> None:
        self.gathered: Floats = np.zeros(capacity, np.float32)
        """What each row has gathered since it went out: (capacity,) float32."""
        self._least = np.float32(0.0)

    def grow(self, rows: Rows, weights: Floats | float) -> Floats:
        """Add a tick's weight to rows that have something unsent.

        Returns:
            What each of them has now.

        Shapes:
            rows: (n,) distinct row numbers; weights: (n,), or one for all.
        """
        # Cheaper than `gathered[rows] += weights`.
        gathered = self.gathered.take(rows)
        gathered += weights
        self.gathered[rows] = gathered
        return gathered

    def choose(
        self,
        rows: Rows,
        sizes: NDArray[np.floating[Any]],
        budget: float,
        gathered: Floats | None = None,
    ) -> NDArray[np.bool_]:
        """Return which rows go out: the most important ones, as many as fit.

        The first that does not fit ends the choice: a large row is not passed over for
        small ones for ever. The most important row goes out if there is any budget, so
        that one which is larger than the budget does not wait for ever either. Of
        equals the first in `rows` goes first: neighbours are told in fewer bytes.

        Args:
            rows: distinct row numbers.
            sizes: bytes that each is expected to take, 0 or more.
            budget: bytes that may go.
            gathered: what `grow` has just returned for the same rows, if it is at hand.

        Shapes:
            rows, sizes, gathered: (n,); returns (n,) bool.
        """
        n_rows = len(rows)
        if budget <= 0 or not n_rows:
            return np.zeros(n_rows, np.bool_)
        if gathered is None:
            gathered = self.gathered.take(rows)
        chosen = np.zeros(n_rows, np.bool_)
        chosen[self._foremost(gathered, sizes, budget)] = True
        return chosen

    def put_first(self, rows: Rows) -> None:
        """Let rows go out before all others, the next time that anything does."""
        self.gathered[rows] = FOREMOST

    def sent(self, rows: Rows) -> Floats:
        """Note that rows went out; return what they had, for `lost`."""
        saved = self.gathered[rows]
        self.gathered[rows] = 0.0
        return saved

    def lost(self, rows: Rows, saved: Floats) -> None:
        """Give rows back what they had when they went out, as that did not arrive.

        Leave out those that went out once more since then: they were told anew.

        Args:
            rows: distinct row numbers.
            saved: what `sent` returned for them.
        """
        self.gathered[rows] += saved

    def forget(self, rows: Rows) -> None:
        """Note that rows are told no more: their entity is gone or out of view."""
        self.gathered[rows] = 0.0

    def _foremost(
        self, gathered: Floats, sizes: NDArray[Any], budget: float
    ) -> Rows | slice:
        """Return the places of those that go out."""
        # To sort all would cost more than all the rest. What went out last time tells
        # how much it takes; if all that have as much fit, it was too much to ask.
        if self._least > 0.0:
            first = _in_order(gathered, (gathered >= self._least).nonzero()[0])
            n_fitting = _fitting(sizes, first, budget)
            if n_fitting < len(first):
                return self._cut(gathered, first, n_fitting)
        if np.add.reduce(sizes) <= budget:
            self._least = np.float32(0.0)
            return slice(None)
        first = _in_order(gathered, np.arange(len(gathered)))
        return self._cut(gathered, first, _fitting(sizes, first, budget))

    def _cut(self, gathered: Floats, first: Rows, n_fitting: int) -> Rows:
        n_chosen = max(n_fitting, 1)
        self._least = gathered[first[min(SPARE * n_chosen, len(first)) - 1]]
        return first[:n_chosen]


class Weights:
    """Say how important the rows of a world are, to all clients and to each.

    Args:
        world: the world.
        components: those of its components that clients are told.
    """

    def __init__(self, world: World, components: Sequence[type[Component]]) -> None:
        self.factor: Floats = np.ones(world.capacity, np.float32)
        """A factor for each entity that the game may set: (capacity,) float32."""
        self._world = world
        self._has_settings = SyncSettings in world.components
        self._settings: Floats = np.ones(world.capacity, np.float32)
        self._columns = [
            (world.columns(component).present, np.float32(component.sync.priority))
            for component in components
        ]
        self._shared: Floats = np.ones(world.capacity, np.float32)

    def refresh(self) -> None:
        """Weigh what is the same for all clients; once a tick, before `of`.

        An entity is as important as the most important of its components.
        """
        shared = self._shared
        shared.fill(0.0)
        for present, priority in self._columns:
            np.maximum(shared, priority, out=shared, where=present)
        # What has no components is told, too: that it is there.
        shared[shared == 0.0] = 1.0
        with np.errstate(all="ignore"):
            shared *= self.factor
            if self._has_settings:
                shared *= row_priority(self._world, self._settings)

    def of(
        self, rows: Rows, near: Floats | None = None, rule: Rule | None = None
    ) -> Floats:
        """Return the weights of rows for one client, MIN_WEIGHT to MAX_WEIGHT.

        Args:
            rows: row numbers.
            near: how near each is, as `nearness` tells; left out if that is all one.
            rule: the game's own rule. What is not finite counts as 1.

        Raises:
            LocalProtocolError: if the rule does not return one factor for each row.

        Shapes:
            rows, near: (n,); returns (n,) float32.
        """
        weights = self._shared.take(rows)
        with np.errstate(all="ignore"):
            if near is not None:
                weights *= near
            if rule is not None:
                weights *= _ruled(rule, rows)
        is_finite = np.isfinite(weights)
        if not is_finite.all():
            weights[~is_finite] = 1.0
        return np.clip(weights, MIN_WEIGHT, MAX_WEIGHT, out=weights)


def nearness(squared_distances: NDArray[np.floating[Any]], radius: float) -> Floats:
    """Return a factor for what lies within a radius of a viewer.

    It is 1 where the viewer is, and falls with the square of the distance to
    `NEARNESS_FLOOR` at the radius and beyond.

    Example:
        >>> nearness(np.array([0.0, 25.0, 100.0, 400.0]), radius=10.0).tolist()
        [1.0, 0.78125, 0.125, 0.125]
    """
    slope = (1 - NEARNESS_FLOOR) / (radius * radius)
    near: Floats = np.asarray(squared_distances, np.float32) * np.float32(-slope)
    near += 1
    return np.maximum(near, np.float32(NEARNESS_FLOOR), out=near)


def _ruled(rule: Rule, rows: Rows) -> Floats:
    factors = np.asarray(rule(rows), np.float32)
    if factors.shape != rows.shape:
        msg = (
            f"the rule {rule!r} returned an array {factors.shape} for {len(rows)} "
            f"rows: return one factor for each, an array {rows.shape}"
        )
        raise LocalProtocolError(msg)
    return factors


def _fitting(sizes: NDArray[Any], order: Rows, budget: float) -> int:
    """Return how many of the first fit."""
    return bisect_right(np.add.accumulate(sizes.take(order)), budget)


def _in_order(gathered: Floats, places: Rows) -> Rows:
    """Return places from the highest down, and of equals the first first.

    The bits of floats that are not negative are in the order of the floats. So one sort
    of plain integers does it, several times as fast as a stable `argsort`.
    """
    keys = np.empty(len(places), np.uint64)
    halves = keys.view(np.uint32)
    np.invert(gathered.view(np.uint32)[places], out=halves[HIGH::2])
    halves[LOW::2] = places
    keys.sort()
    return halves[LOW::2].astype(np.intp)
