# SPDX-License-Identifier: MIT
"""Read monotonic seconds from whatever clock a reactor has.

Twisted's reactors tell the time of day (`time.time`), which an administrator or NTP may
move by hours; every connection would then time out at once. A reactor that tells the
time of day is therefore asked for its timers only, and the operating system for the
time. Any other clock, above all `task.Clock` in tests, is taken at its word.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["monotonic_seconds"]


def monotonic_seconds(reactor: Any) -> Callable[[], float]:
    """Return the function that tells `now` for everything that runs on a reactor."""
    seconds: Callable[[], float] = reactor.seconds
    return time.monotonic if seconds is time.time else seconds
