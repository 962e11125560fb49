# SPDX-License-Identifier: MIT
"""Turn what snapshots tell into lines that a view can move along without a jump.

A row slides to its new place if nothing says otherwise, and is at once there if it is
new, has been teleported, or belongs to a component that steps. Where the view comes to
the end of the lines, more are guessed; they are given up when a snapshot comes, and
`View` fades out what that changes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.blend import slides
from gamenet.prediction.glides import Glides
from gamenet.prediction.guesses import Guesses, longest_guess
from gamenet.prediction.lines import Lines
from gamenet.replication import Teleported
from gamenet.world import Component, Show, World

__all__ = ["Samples"]

NONE = np.iinfo(np.int64).min

Rows = NDArray[np.intp]
Told = Iterable[tuple[type[Component], Rows]]


class Samples:
    """Keep the lines of a client's world.

    Args:
        world: the client's copy of the server's world.
        tick_rate: ticks a second.
        slots: how many ticks to keep; the view is never further behind.
    """

    def __init__(self, world: World, *, tick_rate: float, slots: int) -> None:
        self.world = world
        longest = max(
            (longest_guess(each, tick_rate) for each in world.components), default=0.0
        )
        self.lines = lines = Lines(world, slots, n_spare=math.ceil(longest))
        self._glides = Glides(lines, tick_rate)
        self._guesses = Guesses(lines, tick_rate)
        self._first = 0
        self.newest: int | None = None
        """Tick of the newest snapshot."""
        self.version = 0
        """Rises with every change of lines."""
        components = world.components
        self._ids = {component: i for i, component in enumerate(components)}
        self._default_stands = [not _slides(component) for component in components]
        self._stands = np.zeros((len(components), world.capacity), np.bool_)
        self._stands[self._default_stands] = True
        self._has_standing = list(self._default_stands)
        self._drift = np.zeros((self.lines.planes.n_planes, world.capacity))
        self._ticks = np.full(lines.n_slots, NONE, np.int64)
        self._teleported = np.zeros(world.capacity, np.bool_)

    def arrived(self, tick: int, told: Told, frozen: int) -> None:
        """Take what the world has become by a part of a snapshot.

        Lines that were guessed are given up.

        Args:
            tick: the snapshot's.
            told: which rows of which components it changed.
            frozen: the newest line that the view needs now.
        """
        lines = self.lines
        lines.grow()
        if self.newest is None:
            self.newest = self._first = tick
        lines.top = self.newest
        tick = max(tick, lines.oldest + 1)  # the earliest line that can slide
        frozen = min(frozen, self.newest)
        lines.advance(tick)
        if tick >= self.newest:
            self.newest = tick
            self._ticks[tick % lines.n_slots] = tick
        told = list(told)
        self._identify(tick)
        self._note_teleported(told)
        for component, rows in told:
            if component in self._ids and len(rows):
                self._tell(self._ids[component], rows, tick, frozen)
        self._teleported[: lines.n_rows] = False
        self._glides.chase()
        self.version += 1

    def extend(self, tick: float) -> float:
        """Guess what lines are missing up to a moment.

        Returns:
            The moment, or the nearest one to it of which there are lines.
        """
        assert self.newest is not None
        lines, newest = self.lines, self.newest
        tick = min(max(tick, lines.oldest), newest + self._guesses.n_lines)
        if lines.top < math.ceil(tick):
            if lines.top == newest:
                self.way(newest - 1, self._drift)
            self._guesses.extend(newest, math.ceil(tick), self._drift)
        return tick

    def surrounding(self, tick: float) -> tuple[int, int]:
        """Return the ticks of the snapshots before and after a moment, or (0, 0)."""
        older, newer = math.floor(tick), math.floor(tick) + 1
        first, last = self.lines.oldest, self.newest
        if last is None or newer > last or older < first:
            return 0, 0
        while older >= first and self._ticks[older % self.lines.n_slots] != older:
            older -= 1
        while self._ticks[newer % self.lines.n_slots] != newer:
            newer += 1
        return (older, newer) if older >= first else (0, 0)

    def show(self, rows: Rows, show: Show | None) -> None:
        """Let rows slide or step, or None: as their components say."""
        for i, component in enumerate(self.world.components):
            if show is None:
                self._stands[i, rows] = self._default_stands[i]
            else:
                stands = show is Show.SNAPPED or not slides(component)
                self._stands[i, rows] = stands
            self._has_standing[i] = bool(self._stands[i].any())
        self.version += 1

    def way(self, older: int, out: NDArray[np.float64]) -> None:
        """Write how values go from a line to the next; 0 where they step.

        Shapes:
            out: (n_planes, capacity).
        """
        self.lines.way(older, out)
        self.keep_standing(out)

    def keep_standing(self, out: NDArray[np.float64]) -> None:
        """Write 0 for all that steps.

        Shapes:
            out: (n_planes, capacity).
        """
        n = self.lines.n_rows
        for i, has_standing in enumerate(self._has_standing):
            if has_standing:
                for part in self.lines.planes.parts[i]:
                    np.copyto(out[part.planes, :n], 0.0, where=self._stands[i, :n])

    def take_placed(self) -> list[tuple[slice, Rows]]:
        """Return which rows of which planes were put elsewhere since the last call."""
        placed = [
            (part.planes, rows)
            for component, rows in self._glides.placed
            for part in self.lines.planes.parts[component]
        ]
        self._glides.placed.clear()
        return placed

    def _identify(self, tick: int) -> None:
        """Note who lives in the rows from a tick on, and what they have."""
        lines, world, n = self.lines, self.world, self.lines.n_rows
        # What was there before we came is drawn from the first frame on.
        since = lines.oldest if tick == self._first else tick
        top, slots = lines.top % lines.n_slots, lines.since(since)
        generation = world.generation[:n] * world.alive[:n]
        is_other = generation != lines.generation[top, :n]
        other = is_other.nonzero()[0]
        if len(other):
            for slot in slots:
                lines.generation[slot, other] = generation[other]
            self._stands[:, other] = np.array(self._default_stands)[:, None]
        for i, columns in enumerate(lines.columns):
            present = columns.present[:n]
            differs = present != lines.present[top, i, :n]
            if len(other):
                differs |= is_other
            rows = differs.nonzero()[0]
            if len(rows):
                for slot in slots:
                    lines.present[slot, i, rows] = present[rows]
                gained = rows[present[rows]]
                self._step(i, gained, since)
                self._glides.place(i, gained, tick, since=since)
                if columns.component is Teleported:
                    self._teleported[gained] = True

    def _note_teleported(self, told: Told) -> None:
        for component, rows in told:
            if component is Teleported:
                self._teleported[rows] = True

    def _tell(self, i: int, rows: Rows, tick: int, frozen: int) -> None:
        """Write what rows of a component have become."""
        self._step(i, rows, tick)
        if not self.lines.planes.parts[i]:
            return
        jumps = self._teleported[rows] | self._stands[i, rows]
        if jumps.any():
            self._glides.place(i, rows[jumps], tick)
            rows = rows[~jumps]
        if len(rows):
            self._glides.slide(i, rows, tick, frozen)

    def _step(self, i: int, rows: Rows, tick: int) -> None:
        """Let what steps have the world's values from a tick on."""
        slots = self.lines.since(tick)
        for step in self.lines.planes.step_parts[i]:
            values = self.lines.columns[i].arrays[step.name][rows]
            self.lines.hold_steps(step, rows, values, slots)


def _slides(component: type[Component]) -> bool:
    is_snapped = component.shown.others is Show.SNAPPED
    return slides(component) and not is_snapped
