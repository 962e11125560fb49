# SPDX-License-Identifier: MIT
"""The states of a world that a view moves through: one line for each of the last ticks.

Lines are dense: a tick of which no snapshot came has one, too. So whoever draws a
moment has to know two lines and a fraction, the same for all rows, and it is one
operation for all of them. Which entity is in a row, and what it has, is in the lines
as well: the moment that is drawn has its own inhabitants.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.planes import Part, Planes, StepPart
from gamenet.world import World

__all__ = ["Lines"]

Rows = NDArray[np.intp]
NEVER = np.iinfo(np.int64).min // 2


class Lines:
    """Keep a ring of lines.

    Args:
        world: whose components and rows; it is read only where rows are new.
        slots: how many lines.
        n_spare: how many more, so that the newest may be given up again.
    """

    def __init__(self, world: World, slots: int, *, n_spare: int = 0) -> None:
        self.world = world
        self.n_slots = slots + n_spare
        """Lines that there is memory for: that of a tick is `tick % n_slots`."""
        self._n_kept = slots
        self.planes = Planes(world.components)
        self.columns = [world.columns(component) for component in world.components]
        self.top = NEVER
        """Tick of the newest line."""
        self.n_rows = 0
        """Rows up to the highest that was ever in use."""
        # Memory of rows that are never used is never touched, so it costs nothing.
        capacity, planes = world.capacity, self.planes
        self.values = np.zeros((self.n_slots, planes.n_planes, capacity))
        """What slides: (n_slots, n_planes, capacity)."""
        self.steps: list[NDArray[Any]] = [
            np.zeros((self.n_slots, n_planes, capacity), dtype)
            for n_planes, dtype in zip(planes.n_stepped, planes.dtypes, strict=True)
        ]
        """What steps, by dtype: (n_slots, n_stepped, capacity)."""
        self.generation = np.zeros((self.n_slots, capacity), np.uint32)
        """Which entity is in each row; 0 for none."""
        self.present = np.zeros((self.n_slots, len(self.columns), capacity), np.bool_)
        """Which components it has."""
        self.jumps: list[list[tuple[int, Rows]]] = [[] for _ in range(self.n_slots)]
        """Of each line, the components' rows that do not slide into it."""

    @property
    def oldest(self) -> int:
        """Return the tick of the oldest line."""
        return self.top - self._n_kept + 1

    def since(self, tick: int) -> list[int]:
        """Return the slots of the lines from a tick on."""
        first = max(tick, self.oldest)
        return [line % self.n_slots for line in range(first, self.top + 1)]

    def grow(self) -> None:
        """Make room for rows that the world uses now; give them its values."""
        beyond = self.world.generation[self.n_rows :]
        if not beyond.size or not beyond.max():
            return
        old = self.n_rows
        self.n_rows = old + int(np.flatnonzero(beyond)[-1]) + 1
        new = slice(old, self.n_rows)
        for i, columns in enumerate(self.columns):
            for part in self.planes.parts[i]:
                self.values[:, part.planes, new] = part.read(columns, new)
            for step in self.planes.step_parts[i]:
                column = columns.arrays[step.name]
                self.steps[step.block][:, step.plane, new] = column[new]

    def advance(self, to: int) -> None:
        """Add lines up to a tick; they say what the newest line says."""
        n, source = self.n_rows, self.top % self.n_slots
        for line in range(max(self.top, to - self.n_slots) + 1, to + 1):
            slot = line % self.n_slots
            self.jumps[slot] = []
            if slot != source:
                self.values[slot, :, :n] = self.values[source, :, :n]
                for block in self.steps:
                    block[slot, :, :n] = block[source, :, :n]
                self.generation[slot, :n] = self.generation[source, :n]
                self.present[slot, :, :n] = self.present[source, :, :n]
        self.top = max(self.top, to)

    def at(self, tick: int) -> NDArray[np.float64]:
        """Return what slides as it is at a line.

        Shapes:
            returned: (n_planes, n_rows), a view.
        """
        line: NDArray[np.float64]
        line = self.values[tick % self.n_slots, :, : self.n_rows]
        return line

    def picked(self, part: Part, ticks: NDArray[np.int64], rows: Rows) -> NDArray[Any]:
        """Return the values of rows, each at a line of its own.

        Shapes:
            ticks, rows: (n,); returned: (n_planes of the part, n).
        """
        planes = np.arange(part.start, part.stop)[:, None]
        return self.values[(ticks % self.n_slots)[None], planes, rows[None]]

    def hold(self, part: Part, rows: Rows, values: NDArray[Any], slots: Any) -> None:
        """Write values of rows to lines.

        Shapes:
            values: (n_planes of the part, n).
        """
        for slot in slots:
            self.values[slot, part.planes][:, rows] = values

    def hold_steps(self, part: StepPart, rows: Rows, values: Any, slots: Any) -> None:
        """Write values of rows of a field that steps to lines.

        Shapes:
            values: (n,).
        """
        block = self.steps[part.block]
        for slot in slots:
            block[slot, part.plane][rows] = values

    def jump(self, tick: int, component: int, rows: Rows) -> None:
        """Let rows of a component not slide into a line."""
        self.jumps[tick % self.n_slots].append((component, rows))

    def way(self, older: int, out: NDArray[np.float64]) -> None:
        """Write how values go from a line to the next; 0 where they jump.

        Shapes:
            out: (n_planes, capacity).
        """
        out = out[:, : self.n_rows]
        self.planes.way(self.at(older), self.at(older + 1), out)
        for component, rows in self.jumps[(older + 1) % self.n_slots]:
            for part in self.planes.parts[component]:
                out[part.planes][:, rows] = 0.0
