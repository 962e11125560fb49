# SPDX-License-Identifier: MIT
"""Tick arithmetic: a tick is one step of the game, counted from 0, `rate` a second."""

from __future__ import annotations

__all__ = ["seconds_of", "tick_at"]


def tick_at(elapsed: float, rate: float) -> int:
    """Return how many whole ticks fit into the elapsed seconds.

    A millionth of a tick is forgiven, so that `n / rate` seconds are n ticks in spite
    of rounding.
    """
    return int(elapsed * rate + 1e-6)


def seconds_of(tick: int, rate: float) -> float:
    """Return how many seconds after tick 0 a tick begins."""
    return tick / rate
