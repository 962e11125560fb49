# SPDX-License-Identifier: MIT
"""What a player did last, and saw last, in the order of their own ticks.

Frames may come late and out of order; what stands in for one that did not come follows
the newest that has come.
"""

from __future__ import annotations

from gamenet.prediction.frames import Frame, Sight
from gamenet.prediction.inputs import Input

__all__ = ["LastFrames"]


class LastFrames:
    """Remember of a player's frames what can stand in for the next one."""

    def __init__(self) -> None:
        self._newest = Frame(-1)
        self._inputs: dict[type[Input], tuple[int, Input]] = {}
        self._sight: tuple[int, Sight] | None = None

    def note(self, frame: Frame) -> None:
        """Learn what a frame says whose tick is over, or is being made."""
        for item in frame.inputs:
            before = self._inputs.get(type(item))
            if before is None or before[0] < frame.tick:
                self._inputs[type(item)] = frame.tick, item
        if frame.tick > self._newest.tick:
            self._newest = frame
            if frame.sight is not None:
                self._sight = frame.tick, frame.sight

    def held(self) -> dict[type[Input], Input]:
        """Return what the newest frame has: what was let go in it is not there."""
        return {type(item): item for item in self._newest.inputs}

    def last(self, kind: type[Input]) -> Input | None:
        """Return the last input of a class, however long ago; None before any."""
        return self._inputs.get(kind, (0, None))[1]

    def sight_at(self, tick: int) -> Sight | None:
        """Return what the player sees in a tick of which nothing came, if known.

        Their view goes on as their ticks do.
        """
        if self._sight is None:
            return None
        seen_at, sight = self._sight
        n_ticks = tick - seen_at
        ends = n_ticks if sight.newer > sight.older else 0
        return Sight(sight.tick + n_ticks, sight.older + ends, sight.newer + ends)
