# SPDX-License-Identifier: MIT
"""Decide in which ticks a client is sent something: fewer and fuller, where bytes lack.

Each packet costs a header, whatever it carries. A client whose ticks bring fewer bytes
than what changed needs is sent every second tick, or third, with what all of them have
brought. So less goes into headers, and an entity that changed twice is told once.

A rate that wavers is worse than a low one, because the client interpolates between what
comes. So nothing changes within a second of the last change: to send less often, all of
a second must have been too little; to send more often again, there must have been room
to spare all the time. If that was the wrong guess, the next one takes twice as long.
"""

from __future__ import annotations

import math

from gamenet.errors import ConfigError

__all__ = ["MAX_INTERVAL", "Pace"]

MAX_INTERVAL = 6
"""Ticks from one sending to the next, at most: 0.2 s at 30 Hz can be interpolated."""
HOLD = 1.0
"""Seconds for which things must be so before the pace changes."""
LONGEST_HOLD = 16.0
"""Seconds before a faster pace is tried, after several tries that failed."""
SPARE = 1.25
"""There is room to spare when so many times what is wanted would fit."""


class Pace:
    """Say tick by tick whether to send to one client now.

    Args:
        rate: ticks a second.
        full: bytes that fill a packet; a tick that brings as many is not waited with,
            because it gains nothing. By default any size gains by waiting.

    Raises:
        ConfigError: if one is not above 0.

    Example:
        >>> pace = Pace(rate=2.0)
        >>> budgets = [500.0, 500.0, 500.0, 1000.0, 500.0, 1000.0]
        >>> [pace.is_due(900.0, budget) for budget in budgets]
        [True, True, False, True, False, True]
        >>> pace.interval
        2
    """

    interval: int
    """Ticks from one sending to the next, 1 to MAX_INTERVAL."""
    _n_short: int
    """Ticks for which it was too little, without a break."""
    _n_roomy: int
    """Ticks for which there was room to spare, without a break."""
    _least_enough: int
    """The interval that would have been enough at the best of the short times."""

    def __init__(self, rate: float, full: float = math.inf) -> None:
        if not 0 < rate < math.inf or not full > 0:
            msg = (
                f"{rate} ticks a second, packets of {full} bytes: both must be above 0"
            )
            raise ConfigError(msg)
        self.interval = 1
        self._full = full
        self._hold = self._patience = math.ceil(HOLD * rate)
        self._longest = math.ceil(LONGEST_HOLD * rate)
        self._is_trial = False
        self._waited = 0
        self._start_over()

    def is_due(self, wanted: float, budget: float) -> bool:
        """Return whether to send in this tick; ask once in each.

        Args:
            wanted: bytes that all which is unsent would take.
            budget: bytes that may go now, with what the ticks since the last sending
                have brought; with 0 nothing is due.
        """
        self._waited += 1
        if self._waited < self.interval or budget <= 0:
            return False
        self._judge(min(wanted, self._full), budget)
        self._waited = 0
        return True

    def _judge(self, needed: float, budget: float) -> None:
        """Note whether it was enough, and change the pace if it was so for long."""
        if needed > budget:
            self._n_roomy = 0
            self._n_short += self._waited
            enough = math.ceil(min(needed / budget * self._waited, MAX_INTERVAL))
            self._least_enough = min(self._least_enough, enough)
            if self._n_short >= self._hold and self.interval < MAX_INTERVAL:
                self._slow_down()
            return
        self._n_short = 0
        self._least_enough = MAX_INTERVAL
        # One tick's share of the budget may be left over from before.
        lasting = budget * self._waited / (self._waited + 1)
        is_roomy = needed * SPARE <= lasting
        self._n_roomy = self._n_roomy + self._waited if is_roomy else 0
        if self._is_trial and self._n_roomy >= self._hold:
            self._is_trial = False
            self._patience = self._hold
        if self._n_roomy >= self._patience and self.interval > 1:
            self._speed_up()

    def _slow_down(self) -> None:
        # What was no trial says nothing about how trials go now.
        patience = 2 * self._patience if self._is_trial else self._hold
        self._patience = min(patience, self._longest)
        self._is_trial = False
        self.interval = max(self._least_enough, self.interval + 1)
        self._start_over()

    def _speed_up(self) -> None:
        self._is_trial = True
        self.interval -= 1
        self._start_over()

    def _start_over(self) -> None:
        self._n_short = self._n_roomy = 0
        self._least_enough = MAX_INTERVAL
