# SPDX-License-Identifier: MIT
"""Time small pieces of code, alone or against one another."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable
from typing import Any

__all__ = ["nanoseconds", "ratio"]

N_PAIRS = 31
SECONDS_A_SIDE = 0.01


def ratio(subject: Callable[[], Any], floor: Callable[[], Any]) -> float:
    """Return how many times longer the subject takes than the floor.

    Both run in turns, and the median of the pairs' ratios is taken: a machine that is
    slow for a while is slow for both.
    """
    first, second = timeit.Timer(subject), timeit.Timer(floor)
    n_first, n_second = _enough(first), _enough(second)
    pairs = []
    for _ in range(N_PAIRS):
        one = first.timeit(n_first) / n_first
        other = second.timeit(n_second) / n_second
        pairs.append(one / other)
    return statistics.median(pairs)


def nanoseconds(subject: Callable[[], Any]) -> float:
    """Return the median time of one call."""
    timer = timeit.Timer(subject)
    number = _enough(timer)
    runs = [timer.timeit(number) / number for _ in range(N_PAIRS)]
    return statistics.median(runs) * 1e9


def _enough(timer: timeit.Timer) -> int:
    timer.timeit(100)
    once = max(timer.timeit(100) / 100, 1e-9)
    return max(1, int(SECONDS_A_SIDE / once))
