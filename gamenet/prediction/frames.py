# SPDX-License-Identifier: MIT
"""What a player did in one tick, and what they saw when they did it.

    lag u16 | span u8

A shot is judged by what its player saw. The others were drawn at a moment between two
snapshots, so a frame says both: how far the view was behind the frame's tick, and which
two snapshots it was interpolated from.

Source: docs/STANDARD.md, "Inputs".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from gamenet.errors import RemoteProtocolError
from gamenet.prediction.inputs import Input

__all__ = ["Frame", "Sight", "sight_of", "sight_words"]

PER_TICK = 128  # steps of a view's lag
MAX_SPAN = 15  # ticks between the two snapshots of a view
NO_SIGHT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Sight:
    """Where in the past a player saw the others.

    Args:
        tick: the view tick.
        older: the snapshot before it, of the two between which the view was
            interpolated.
        newer: the snapshot after it; both are 0 if the view was not between two.
    """

    tick: float
    older: int = 0
    newer: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """What a player did in a tick, at most one of a class, and what they saw then."""

    tick: int
    inputs: tuple[Input, ...] = ()
    sight: Sight | None = None


def sight_words(frame: Frame) -> tuple[int, int]:
    """Return lag and span of a frame's view, as the wire says them."""
    sight = frame.sight
    if sight is None:
        return NO_SIGHT, 0
    lag = min(max(round((frame.tick - sight.tick) * PER_TICK), 0), NO_SIGHT)
    n_ticks = sight.newer - sight.older
    # From what the lag says: the reader knows no more.
    into = frame.tick + (-lag // PER_TICK) - sight.older
    if lag == NO_SIGHT or not (0 < n_ticks <= MAX_SPAN and 0 <= into <= n_ticks):
        return lag, 0
    return lag, into << 4 | n_ticks


def sight_of(tick: int, lag: int, span: int) -> Sight | None:
    """Return the view that lag and span of a tick's frame say.

    Raises:
        RemoteProtocolError: the view is not between the two snapshots.
    """
    n_ticks, into = span & 15, span >> 4
    if into > n_ticks:
        msg = f"a view {into} ticks into a span of {n_ticks}: 0 to {n_ticks} are in it"
        raise RemoteProtocolError(msg)
    view = tick - lag / PER_TICK
    if n_ticks == 0:
        return None if lag == NO_SIGHT else Sight(view)
    older = math.floor(view) - into
    return Sight(view, older, older + n_ticks)
