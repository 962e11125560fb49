# SPDX-License-Identifier: MIT
"""Checksums of confirmed ticks, and the states that they are of.

A tick is confirmed when the inputs of all players are known up to it, so all peers must
have come to the same state there. The states are kept for a while: if a peer's checksum
is another one, it is they that are searched for the first difference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Checkpoint", "Checkpoints"]

KEPT_TICKS = 64
"""For so many ticks at least, a peer can still come with its checksum."""
KEPT = 4
"""So many checkpoints at least are kept."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A confirmed tick."""

    tick: int
    checksum: int
    saved: Any


class Checkpoints:
    """Keep the last checkpoints.

    Args:
        every: how many ticks are between two of them.
    """

    def __init__(self, every: int) -> None:
        self.every = every
        self._limit = max(KEPT, KEPT_TICKS // every + 1)
        self._kept: dict[int, Checkpoint] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def is_due(self, tick: int) -> bool:
        """Return whether a tick is to be kept."""
        return tick % self.every == 0

    def add(self, checkpoint: Checkpoint) -> Checkpoint | None:
        """Keep a checkpoint, newer than all others; return one that is forgotten."""
        self._kept[checkpoint.tick] = checkpoint
        if len(self._kept) <= self._limit:
            return None
        return self._kept.pop(next(iter(self._kept)))

    def at(self, tick: int) -> Checkpoint | None:
        """Return the checkpoint of a tick, if it is there."""
        return self._kept.get(tick)

    def after(self, tick: int) -> list[Checkpoint]:
        """Return the checkpoints after a tick, oldest first."""
        return [each for each in self._kept.values() if each.tick > tick]

    def is_over(self, tick: int) -> bool:
        """Return whether the checkpoint of a tick is gone, or was never made."""
        return tick < next(iter(self._kept), 0) or (
            tick not in self._kept and tick < max(self._kept, default=0)
        )
