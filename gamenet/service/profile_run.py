# SPDX-License-Identifier: MIT
"""Watch a server for some seconds: where its ticks spend time and leave memory.

The times of stages are kept always, so to look at them costs nothing. How many blocks
of memory are retained is counted before and after. Which lines of code allocate them
says tracemalloc, which has every allocation cost several times as much: only on
request, for a bounded time, and one at a time.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from gamenet.errors import LocalProtocolError
from gamenet.game import StageTimes

__all__ = ["MOST_SECONDS", "ProfileRun"]

MOST_SECONDS = 60.0
MOST_SECONDS_TRACED = 30.0
_MOST_LINES = 25


class ProfileRun:
    """Profile a server.

    Args:
        stages: the times that the server keeps.
        clock: gives delayed calls.
        blocks: counts the blocks of memory that are in use.
    """

    def __init__(
        self,
        stages: StageTimes,
        clock: Any,
        blocks: Callable[[], int] = sys.getallocatedblocks,
    ) -> None:
        self._stages = stages
        self._clock = clock
        self._blocks = blocks
        self._call: Any = None

    def start(self, seconds: float, *, has_lines: bool) -> Deferred[dict[str, Any]]:
        """Watch for some seconds.

        Args:
            seconds: how long.
            has_lines: whether to ask which lines of code allocate memory.

        Returns:
            A Deferred of the figures, ready for JSON; cancel it to give up.

        Raises:
            LocalProtocolError: too long, or somebody else does it already.
        """
        limit = MOST_SECONDS_TRACED if has_lines else MOST_SECONDS
        if not 0 < seconds <= limit:
            kind = " with memory" if has_lines else ""
            msg = f"{seconds:g} seconds{kind}: allowed: above 0, at most {limit:g}"
            raise LocalProtocolError(msg)
        if self._call is not None:
            msg = "a profile is being made already; try again when it is done"
            raise LocalProtocolError(msg)
        if has_lines and tracemalloc.is_tracing():
            msg = "tracemalloc runs in this server already, for somebody else"
            raise LocalProtocolError(msg)
        result: Deferred[dict[str, Any]] = Deferred(lambda _: self._end(has_lines))
        if has_lines:
            tracemalloc.start()
        n_ticks, n_blocks = self._stages.n_ticks, self._blocks()
        self._call = self._clock.callLater(
            seconds, self._done, result, seconds, has_lines, n_ticks, n_blocks
        )
        return result

    def _done(
        self,
        result: Deferred[dict[str, Any]],
        seconds: float,
        has_lines: bool,
        n_ticks: int,
        n_blocks: int,
    ) -> None:
        gained = self._blocks() - n_blocks
        figures = {"seconds": seconds, **self._stages.figures(n_ticks)}
        made = self._stages.n_ticks - n_ticks
        figures["blocks"] = gained
        figures["blocks_per_tick"] = round(gained / made, 2) if made else 0.0
        figures["memory"] = _lines() if has_lines else None
        self._end(has_lines)
        result.callback(figures)

    def _end(self, has_lines: bool) -> None:
        """Make place for the next one; a call that was cancelled is, too."""
        call, self._call = self._call, None
        if call is not None and call.active():
            call.cancel()
        if has_lines:
            tracemalloc.stop()


def _lines() -> dict[str, Any]:
    """Return which lines hold memory that was allocated since tracing began."""
    now, peak = tracemalloc.get_traced_memory()
    snapshot = tracemalloc.take_snapshot()
    own = tracemalloc.Filter(inclusive=False, filename_pattern=tracemalloc.__file__)
    statistics = snapshot.filter_traces([own]).statistics("lineno")
    return {
        "kib": now / 1024,
        "peak_kib": peak / 1024,
        "lines": [
            {
                "file": each.traceback[0].filename,
                "line": each.traceback[0].lineno,
                "kib": each.size / 1024,
                "blocks": each.count,
            }
            for each in statistics[:_MOST_LINES]
        ],
    }
