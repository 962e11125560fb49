# SPDX-License-Identifier: MIT
"""The client's own time, so far ahead of the server's as its inputs need to arrive.

The server says how early frames came and how early it wants them. When the frame was
made of which it speaks is known, and so is when it should have been made: the answer
may be old, but never wrong, and nothing swings however long the round trip is. What the
client believes of the server's time is no part of it, but for the beginning and as a
bound. The own time approaches it by its speed, a tenth at most; only when it is far
off, or the program stood still, does it jump, and says so.
"""

from __future__ import annotations

import math

from gamenet.prediction.clock import ClockSync
from gamenet.prediction.feedback import Feedback
from gamenet.sequence import distance32

__all__ = ["Lead"]

LEAST = 1.0  # ticks: on a loopback an input must still be there before its tick
MOST = 10.0  # seconds
STALL, STALL_TICKS = 0.5, 2.5  # seconds, and ticks: the longer of both
LEAST_FAR = 2.0  # ticks
FAR = 0.25  # seconds
MOST_JITTER = 0.5  # seconds: no server can make us believe in more
JITTERS = 4.0  # mean deviations of the round trip that are no reason to jump
MAX_CHANGE = 0.1  # of the speed
CATCH_UP = 0.5  # seconds in which an error would be made up, were it not for the limit
SMOOTHING = 0.1
N_KEPT = 2048  # ticks: 34 seconds at 60 a second


class Lead:
    """Run the client's own time line.

    Args:
        tick_rate: ticks a second.
    """

    def __init__(self, tick_rate: float) -> None:
        self._tick_rate = tick_rate
        self._position = 0.0
        self._now: float | None = None
        # What the own time should be, less what passes of it in seconds of ours.
        self._line: float | None = None
        self._feedback: Feedback | None = None
        self._begun: dict[int, float] = {}
        self._n_heard = 0
        self._is_guess = True
        self.tick = 0
        """The newest own tick that has begun."""
        self.ahead = 0.0
        """How many ticks the own time is ahead of the server's."""
        self.speed = 1.0
        """Own seconds in a second: 0.9 to 1.1."""
        self.resynced = False
        """Whether the last `advance` jumped."""
        self.n_resyncs = 0
        """How often the own time jumped, the first answer aside."""

    @property
    def is_running(self) -> bool:
        """Return whether the own time has begun."""
        return self._now is not None

    def hear(self, feedback: Feedback) -> None:
        """Take what the server says of the inputs; the next `advance` acts on it."""
        self._feedback = feedback

    def advance(self, now: float, clock: ClockSync) -> range:
        """Return the own ticks that begin now, none before the clock is synced.

        After a jump it is the one tick that the own time is in then.

        Args:
            now: seconds of the clock that `clock` knows too.
            clock: the estimate of the server's time.
        """
        self.resynced = False
        if not clock.is_synced:
            return range(0)
        if self._now is None:
            return self._set(now, clock)
        passed = now - self._now
        if passed <= 0.0:
            return range(0)
        began = self._position
        self._position += passed * self.speed * self._tick_rate
        self._now = now
        self._learn()
        error = self._wanted(now, clock) - self._position
        if self._is_guess and self._n_heard:
            # The beginning was a guess; the first answer says how wrong it was.
            self._is_guess = False
            self.resynced = abs(error) > LEAST
        jitter = min(clock.jitter, MOST_JITTER)
        far = max(FAR * self._tick_rate, LEAST_FAR) + JITTERS * jitter * self._tick_rate
        if passed > max(STALL, STALL_TICKS / self._tick_rate) or abs(error) > far:
            self.resynced = True
            self.n_resyncs += 1
        if self.resynced:
            return self._set(now, clock)
        ticks = range(self.tick + 1, math.floor(self._position) + 1)
        for tick in ticks:
            share = (tick - began) / (self._position - began)
            self._note(tick, now - passed * (1 - share))
        self.tick += len(ticks)
        change = error / self._tick_rate / CATCH_UP
        self.speed = 1.0 + min(max(change, -MAX_CHANGE), MAX_CHANGE)
        self.ahead = self._position - clock.server_tick(now)
        return ticks

    def position(self, now: float) -> float:
        """Return the own time, in ticks."""
        passed = 0.0 if self._now is None else max(now - self._now, 0.0)
        return self._position + passed * self.speed * self._tick_rate

    def next_at(self, now: float) -> float:
        """Return in how many seconds the next own tick begins; 0 if it is due."""
        left = self.tick + 1 - self.position(now)
        return max(left, 0.0) / (self.speed * self._tick_rate)

    def _wanted(self, now: float, clock: ClockSync) -> float:
        """Return what the own time should be."""
        server = clock.server_tick(now)
        if self._line is None:
            # The server has said nothing yet.
            way = (clock.rtt / 2 + 2 * clock.jitter) * self._tick_rate
            wanted = server + way + 2 * LEAST
        else:
            wanted = self._line + now * self._tick_rate
        return min(max(wanted, server + LEAST), server + MOST * self._tick_rate)

    def _set(self, now: float, clock: ClockSync) -> range:
        """Put the own time where it should be."""
        self._now, self.speed = now, 1.0
        self._position = self._wanted(now, clock)
        self.ahead = self._position - clock.server_tick(now)
        self.tick = math.floor(self._position)
        # What the server says of frames from before is about another time line.
        self._begun.clear()
        self._feedback = None
        self._n_heard = 0
        self._note(self.tick, now - (self._position - self.tick) / self._tick_rate)
        return range(self.tick, self.tick + 1)

    def _note(self, tick: int, began: float) -> None:
        """Keep when a tick began."""
        self._begun[tick] = began
        if len(self._begun) > N_KEPT:
            del self._begun[next(iter(self._begun))]

    def _learn(self) -> None:
        """Take the newest feedback into the line."""
        feedback, self._feedback = self._feedback, None
        if feedback is None:
            return
        acked = self.tick + distance32(feedback.acked, self.tick & 0xFFFFFFFF)
        began = self._begun.get(acked)
        if began is None:
            return
        self._n_heard += 1
        # The line on which that frame would have been as early as wanted.
        line = acked - began * self._tick_rate + feedback.wanted - feedback.slack
        if self._line is None:
            self._line = line
        self._line += (line - self._line) * max(SMOOTHING, 1 / self._n_heard)
