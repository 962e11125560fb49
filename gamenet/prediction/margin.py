# SPDX-License-Identifier: MIT
"""How much earlier than needed a player's inputs must come, so that few are late.

A frame's slack is how many ticks before its use it came. What counts is when a frame
came *first*: one that was lost comes with the next packet, so losses are delays here.
The delays of the last 40 seconds are compared on the player's own time line, which each
packet tells with its clock; otherwise a change of their lead would look like jitter.
The wanted slack is the distance from the mean delay to the longest, and a guard. An
outage is left out: no lead should bridge it. So is what comes while the server stands
still; afterwards all comes sooner than before by its time, and what was learned before
is forgotten.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["Margin"]

MEMORY = 40  # seconds
GUARD = 1.0  # ticks: one loss in a row more than were seen
STRETCH = 1.1  # of the longest delay: the next may be longer
OUTAGE = 0.25  # seconds: a longer delay is no jitter, unless much of it is so
OUTAGE_TICKS = 4.0
OUTAGE_SPREADS = 6.0
MOST = 1.0  # seconds: who wants more has no link to play on
MOST_TICKS = 48.0  # so that what is early enough is not refused as too early
QUICK = 1 / 8
SLOW = 1 / 256
JUMP = 4.0  # ticks: so far a time line moves only when it is set anew


@dataclass(slots=True)
class _Second:
    """The delays of a second, in ticks."""

    number: int
    longest: float
    total: float
    count: int


class Margin:
    """Watch when frames come, and say how early they should.

    Args:
        tick_rate: ticks a second.
    """

    def __init__(self, tick_rate: float) -> None:
        self._tick_rate = tick_rate
        self._seconds: deque[_Second] = deque()
        # Of all seconds together, so that no frame has to look at each of them.
        self._total = 0.0
        self._count = 0
        self._longest = 0.0
        self._clock: int | None = None
        self._sent = 0.0
        self._line: float | None = None
        self._at = -1.0
        self._moved = 0.0
        self._spread = 0.0
        self._n_slacks = 0
        self._n_beyond = 0
        self.slack = 0.0
        """How many ticks before their use frames came of late, on average."""
        self.wanted = GUARD
        """What the slack should be, in ticks."""

    def heard(self, newest: int, clock: int) -> None:
        """Note a packet that is newer than all before.

        Args:
            newest: tick of its newest frame.
            clock: the player's microseconds modulo 2**32, when it was sent.
        """
        if self._clock is not None:
            passed = (clock - self._clock) & 0xFFFFFFFF
            self._sent += passed * 1e-6 * self._tick_rate
        self._clock = clock
        line = newest - self._sent
        if self._line is None or abs(line - self._line) > JUMP:
            self._line = line
            self._n_slacks = 0
        self._line += (line - self._line) * QUICK

    def restart(self) -> None:
        """Forget the player's time line: their clock begins anew."""
        self._clock = self._line = None
        self._forget()

    def arrived(self, tick: int, at: float) -> None:
        """Note a frame that came for the first time.

        Args:
            tick: its tick.
            at: server time, in ticks.
        """
        self._n_slacks += 1
        weight = max(QUICK, 1 / self._n_slacks)
        self.slack += (tick - at - self.slack) * weight
        if at != self._at:
            self._at, self._moved = at, self._sent
        is_still = self._sent - self._moved > OUTAGE * self._tick_rate
        if self._line is not None and not is_still:
            self._delayed(at - tick + self._line, int(at / self._tick_rate))

    def _delayed(self, delay: float, second: int) -> None:
        """Note how much later than the player's time line says a frame came."""
        is_begun = bool(self._seconds) and self._seconds[-1].number == second
        if not is_begun:
            self._drop_old(second)
        mean = self._total / self._count if self._count else delay
        least = max(OUTAGE * self._tick_rate, OUTAGE_TICKS)
        usual = max(least, OUTAGE_SPREADS * self._spread)
        is_usual = abs(delay - mean) < usual
        delay = min(max(delay, mean - usual), mean + usual)
        self._spread += (abs(delay - mean) - self._spread) * SLOW
        if not is_begun:
            self._seconds.append(_Second(second, min(delay, mean), 0.0, 0))
            self._longest = max(each.longest for each in self._seconds)
        last = self._seconds[-1]
        last.total += delay
        last.count += 1
        self._total += delay
        self._count += 1
        if is_usual:
            last.longest = max(last.longest, delay)
            self._longest = max(self._longest, delay)
            self._n_beyond = 0
        elif self._is_new():
            self._forget()
            self.wanted = GUARD
            return
        wanted = (self._longest - self._total / self._count) * STRETCH + GUARD
        self.wanted = min(wanted, MOST_TICKS, max(MOST * self._tick_rate, GUARD))

    def _drop_old(self, second: int) -> None:
        """Drop the seconds that are over for too long when another one begins."""
        seconds = self._seconds
        while seconds and (
            len(seconds) >= MEMORY or second - seconds[0].number >= MEMORY
        ):
            seconds.popleft()
        self._total = sum(each.total for each in seconds)
        self._count = sum(each.count for each in seconds)

    def _forget(self) -> None:
        """Forget all delays."""
        self._seconds.clear()
        self._total, self._count, self._longest = 0.0, 0, 0.0
        self._spread, self._n_beyond = 0.0, 0

    def _is_new(self) -> bool:
        """Return whether no delay of the last second was like those before."""
        # The server's time has jumped, or the way is another.
        self._n_beyond += 1
        return self._n_beyond >= self._tick_rate
