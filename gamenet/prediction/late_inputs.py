# SPDX-License-Identifier: MIT
"""Inputs that came after their tick, and wait for one that has none of their class.

Of a player who sends a frame for every tick, only the newest of a class is worth
anything, and only if no newer one was used, nor anything in its place. Who sends an
input now and then means each of them.
"""

from __future__ import annotations

from collections import deque

from gamenet.prediction.frames import Frame
from gamenet.prediction.inputs import Input

__all__ = ["LateInputs"]

MAX_LATE = 4  # inputs of each class


class LateInputs:
    """Keep the late inputs of one player."""

    def __init__(self) -> None:
        self._waiting: dict[type[Input], deque[tuple[Frame, Input]]] = {}
        self._used: dict[type[Input], int] = {}
        self._replaced: dict[type[Input], int] = {}
        self.n_dropped = 0
        """Inputs that were never used."""

    def keep(self, frame: Frame) -> None:
        """Let the inputs of a late frame wait; of too many the oldest are dropped.

        Dropped is also what something has stood in for: it would act twice.
        """
        for item in frame.inputs:
            if frame.tick <= self._replaced.get(type(item), -1):
                self.n_dropped += 1
                continue
            waiting = self._waiting.setdefault(type(item), deque())
            waiting.append((frame, item))
            if len(waiting) > MAX_LATE:
                waiting.popleft()
                self.n_dropped += 1

    def used(self, kind: type[Input], tick: int) -> None:
        """Note that the input of a class was used that its player meant for a tick."""
        self._used[kind] = max(tick, self._used.get(kind, -1))

    def replaced(self, kind: type[Input], tick: int) -> None:
        """Note that something has stood in for the input of a class in a tick."""
        self.used(kind, tick)
        self._replaced[kind] = tick

    def take(
        self, kind: type[Input], *, newest_only: bool
    ) -> tuple[Frame, Input] | tuple[None, None]:
        """Return the next input of a class with its frame, None twice without one.

        Args:
            kind: the class.
            newest_only: whether what is older than the newest, or than one that was
                used, is dropped.
        """
        waiting = self._waiting.get(kind)
        if not waiting:
            return None, None
        if not newest_only:
            frame, item = waiting.popleft()
        else:
            frame, item = max(waiting, key=lambda each: each[0].tick)
            self.n_dropped += len(waiting) - 1
            waiting.clear()
            if frame.tick <= self._used.get(kind, -1):
                self.n_dropped += 1
                return None, None
        self.used(kind, frame.tick)
        return frame, item
