# SPDX-License-Identifier: MIT
"""Measure which stage of a tick takes how long, always, at next to no cost.

A tick calls `begin`, then `mark` at the end of each stage, then `end`. The times stand
in one buffer that is made once; a mark is a look at the clock and an addition, and
leaves no object behind.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from gamenet.stats import percentile

__all__ = ["STAGES", "StageTimes"]

STAGES = ("inputs", "step", "mirror", "interest", "encode", "send")
"""The stages of a server's tick, in their order."""
KEPT_TICKS = 2048
"""Ticks that can be looked back on: a minute at 30 Hz."""


class StageTimes:
    """Time the stages of ticks.

    Args:
        names: of the stages.
        stopwatch: tells the time in seconds.
        keep: how many ticks to look back on.
    """

    def __init__(
        self,
        names: Sequence[str] = STAGES,
        stopwatch: Callable[[], float] = time.perf_counter,
        keep: int = KEPT_TICKS,
    ) -> None:
        self.names = tuple(names)
        self.n_ticks = 0
        """Ticks that were measured."""
        self._index = {name: i for i, name in enumerate(self.names)}
        self._stopwatch = stopwatch
        self._keep = keep
        # A line for each tick: its stages, then the whole of it.
        self._width = len(self.names) + 1
        self._times = array("d", bytes(8 * self._width * keep))
        self._blank = array("d", bytes(8 * self._width))
        self._line = 0
        self._began = self._last = 0.0

    def begin(self) -> None:
        """Start to measure a tick."""
        self._line = self.n_ticks % self._keep * self._width
        self._times[self._line : self._line + self._width] = self._blank
        self._began = self._last = self._stopwatch()

    def mark(self, name: str) -> None:
        """End a stage, which began where the one before it ended.

        What a tick does in turns, as encoding and sending, may be marked several times.
        """
        now = self._stopwatch()
        self._times[self._line + self._index[name]] += now - self._last
        self._last = now

    def end(self) -> float:
        """End the tick; return how long it took, in seconds."""
        took = self._stopwatch() - self._began
        self._times[self._line + self._width - 1] = took
        self.n_ticks += 1
        return took

    def newest(self) -> dict[str, float]:
        """Return how long each stage of the newest tick took, in seconds."""
        times = self._times[self._line : self._line + len(self.names)]
        return dict(zip(self.names, times, strict=True))

    def figures(self, since: int = 0) -> dict[str, Any]:
        """Return how long ticks and their stages took, ready for JSON.

        Args:
            since: ticks that had been measured when this began.
        """
        first = max(since, self.n_ticks - self._keep)
        lines = [tick % self._keep for tick in range(first, self.n_ticks)]
        columns = [
            [self._times[line * self._width + i] for line in lines]
            for i in range(self._width)
        ]
        whole = columns[-1]
        total = sum(whole)
        rest = [t - sum(parts) for t, *parts in zip(whole, *columns[:-1], strict=True)]
        stages = zip((*self.names, "rest"), (*columns[:-1], rest), strict=True)
        return {
            "ticks": len(lines),
            "tick": _figures(whole, total),
            "stages": [{"name": name, **_figures(c, total)} for name, c in stages],
        }


def _figures(times: Sequence[float], total: float) -> dict[str, float]:
    """Return milliseconds, and the share of all time."""
    return {
        "p50_ms": percentile(times, 0.5) * 1000,
        "p99_ms": percentile(times, 0.99) * 1000,
        "max_ms": max(times, default=0.0) * 1000,
        "share": sum(times) / total if total else 0.0,
    }
