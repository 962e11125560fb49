# SPDX-License-Identifier: MIT
"""Let rows come to where snapshots say they are, without a jump on their way.

The view is between two lines, and these two stay as they are: whatever arrives changes
only lines that the view has not come to. A row that was told in time is at its sample
in the line of that tick. One that was left out for some ticks glides from the line
where it was known last, or from where the view is, in equal parts. One that comes too
late catches up within `FADE`; each line on its way lies between the line before and the
sample, so it leaves nobody's bounds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.blend import along, distance, way
from gamenet.prediction.lines import Lines
from gamenet.prediction.planes import Part
from gamenet.world import Component

__all__ = ["FADE", "Glides"]

FADE = 0.1
"""Seconds in which what was elsewhere than it should is back."""

Rows = NDArray[np.intp]
Ticks = NDArray[np.int64]


class Glides:
    """Write what slides into lines.

    Args:
        lines: where to write; its columns are those of the world.
        tick_rate: ticks a second.
    """

    def __init__(self, lines: Lines, tick_rate: float) -> None:
        self._lines = lines
        components = lines.world.components
        self._snaps = [component.shown.snap for component in components]
        self._fades = [
            max(1, round(tick_rate * max(FADE, _period(component))))
            for component in components
        ]
        shape = (len(components), lines.world.capacity)
        # Of each row of a component: the last line up to which it is known, the lines
        # that it still needs to catch up, and the line to which it last jumped.
        self._reach = np.zeros(shape, np.int64)
        self._lag = np.zeros(shape, np.int64)
        self._floor = np.zeros(shape, np.int64)
        self.placed: list[tuple[int, Rows]] = []
        """Rows of components that were put elsewhere at once; the reader clears it."""

    def place(self, i: int, rows: Rows, tick: int, *, since: int | None = None) -> None:
        """Let what slides have the world's values from a tick on, and not slide.

        Args:
            i: the component.
            rows: of it.
            tick: from when on it is there.
            since: from which line on it is drawn, if that is another one.
        """
        lines = self._lines
        slots = lines.since(tick if since is None else since)
        for part in lines.planes.parts[i]:
            lines.hold(part, rows, part.read(lines.columns[i], rows), slots)
        lines.jump(tick, i, rows)
        self.placed.append((i, rows))
        self._reach[i, rows] = self._floor[i, rows] = tick
        self._lag[i, rows] = 0

    def slide(self, i: int, rows: Rows, tick: int, frozen: int) -> None:
        """Let rows of a component come to where the world has them."""
        lines = self._lines
        is_there = self._floor[i, rows] == tick
        if is_there.any():  # what has jumped in this tick has jumped here
            self.place(i, rows[is_there], tick)
            rows = rows[~is_there]
        parts = lines.planes.parts[i]
        targets = [part.read(lines.columns[i], rows) for part in parts]
        base, span = self._departure(i, rows, tick, frozen)
        if self._snaps[i] < math.inf:
            old = lines.picked(parts[0], base, rows)
            first = parts[0].spans[0]
            apart = distance(parts[0].kind, old[first], targets[0][first])
            far = apart > self._snaps[i]
            if far.any():
                self.place(i, rows[far], tick)
                rows, base, span = rows[~far], base[~far], span[~far]
                targets = [target[:, ~far] for target in targets]
        if len(rows):
            self._fill(i, rows, base, span, targets)
            end = base + span
            self._reach[i, rows] = reach = np.maximum(np.minimum(end, lines.top), tick)
            self._lag[i, rows] = np.maximum(end - reach, 0)

    def chase(self) -> None:
        """Let rows that have not caught up yet do so in the lines that are new."""
        lines, n = self._lines, self._lines.n_rows
        for i, parts in enumerate(lines.planes.parts):
            if not parts:
                continue
            behind = (self._lag[i, :n] > 0) & (self._reach[i, :n] < lines.top)
            behind &= lines.present[lines.top % lines.n_slots, i, :n]
            rows = behind.nonzero()[0]
            if len(rows):
                base, span = self._reach[i, rows], self._lag[i, rows]
                targets = [part.read(lines.columns[i], rows) for part in parts]
                self._fill(i, rows, base, span, targets)
                end = base + span
                self._reach[i, rows] = reach = np.minimum(end, lines.top)
                self._lag[i, rows] = end - reach

    def _departure(
        self, i: int, rows: Rows, tick: int, frozen: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return from which line each row sets out, and in how many it is there."""
        reach, lag = self._reach[i, rows], self._lag[i, rows]
        # A row on its way may be told again in a line to which it has gone already.
        base = np.where(lag > 0, np.minimum(reach, tick - 1), reach)
        base = np.maximum(base, max(frozen, self._lines.oldest))
        base = np.maximum(base, self._floor[i, rows])
        span = np.maximum(lag + np.maximum(reach - base, 0), tick - base)
        late = np.minimum(self._fades[i], tick - reach)
        span = np.maximum(span, np.where(reach < frozen, late, 0))
        return base, np.maximum(span, 1)

    def _fill(
        self, i: int, rows: Rows, base: Any, span: Any, targets: list[NDArray[Any]]
    ) -> None:
        """Write the lines of rows after those where they set out.

        Args:
            i: the component.
            rows: of it.
            base: the line where each sets out.
            span: in how many lines it is there.
            targets: where it goes, by parts of the component.
        """
        lines, first = self._lines, int(base.min()) + 1
        if first == lines.top and span.max() == 1 and int(base.max()) + 1 == first:
            for part, target in zip(lines.planes.parts[i], targets, strict=True):
                lines.hold(part, rows, target, [first % lines.n_slots])
            return
        for part, target in zip(lines.planes.parts[i], targets, strict=True):
            start = lines.picked(part, base, rows)
            for line in range(first, lines.top + 1):
                on = base < line
                share = np.minimum((line - base) / span, 1.0)[on]
                values = _between(part, start[:, on], target[:, on], share)
                lines.hold(part, rows[on], values, [line % lines.n_slots])


def _period(component: type[Component]) -> float:
    return 1.0 / component.sync.rate if component.sync.rate else 0.0


def _between(
    part: Part, start: NDArray[Any], target: NDArray[Any], share: NDArray[Any]
) -> NDArray[Any]:
    """Return values on their way; exactly those of the target where they are there."""
    values = np.empty_like(start)
    for span in part.spans:
        to_target = way(part.kind, start[span], target[span])
        along(part.kind, start[span], to_target, share, values[span])
    return np.where(share >= 1.0, target, values)
