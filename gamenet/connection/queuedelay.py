# SPDX-License-Identifier: MIT
"""Measure how long packets wait in queues on their way.

A round trip is that of the empty path, plus the wait in queues, plus noise. The
shortest known stands for the empty path. The shortest of one round, minus that, is the
standing queue: what even the luckiest packet had to wait. Noise and our own bursts only
ever make a round trip longer, so that minima drop both.

Two things are easily got wrong:

- A large packet takes longer on a slow link than a small one (1,200 bytes take 38 ms
  at 256 kbit/s), so that each kind has a shortest round trip of its own.
- A path may become longer, and a flow that begins while others fill the queue has never
  seen it empty. So what was not seen again for a while is stale: then the sender should
  make room for a round, and believe what that round shows.

Sources: the standing queue is that of Copa (Arun and Balakrishnan, NSDI 2018); making
room to measure anew that of BBR (Cardwell and others, ACM Queue 2016) and of LEDBAT++
(draft-irtf-iccrg-ledbat-plus-plus).
"""

from __future__ import annotations

import math

__all__ = ["QueueDelay"]

LARGE = 600
"""Bytes above which a packet is a large one."""
NOISE = 0.012
"""Seconds of waiting that may come of ticks, late timers and our own bursts."""
NOISE_SHARE = 1 / 16
"""Part of a long round trip that may."""
SPREAD, MOST_SPREAD = 2.5, 0.05
"""Times the usual spread of round trips that are noise, and seconds at most."""
NEAR, NEAR_SHARE = 0.005, 1 / 32
"""Seconds, or part of the round trip, that are as good as an empty path."""
STALE, STALE_ROUNDS = 5.0, 16
"""Seconds and rounds after which the shortest round trip is stale."""


class QueueDelay:
    """Compare round trips with those of the empty path."""

    __slots__ = (
        "_large",
        "_least",
        "_n",
        "_seen_at",
        "_small",
        "_spread",
        "_total",
        "delay",
        "n_samples",
    )

    def __init__(self) -> None:
        self.delay = 0.0
        """The standing queue of the last round, in seconds."""
        self.n_samples = 0
        """Round trips that it is the minimum of."""
        self._small = self._large = math.inf
        self._seen_at = -math.inf
        self._spread = 0.0
        self._least, self._total, self._n = math.inf, 0.0, 0

    @property
    def shortest(self) -> float:
        """Return the round trip of the empty path in seconds; infinite if unknown."""
        return min(self._small, self._large)

    @property
    def is_sampled(self) -> bool:
        """Return whether this round has a sample."""
        return self._n > 0

    @property
    def noise(self) -> float:
        """Return the seconds of waiting that may mean nothing."""
        shortest = self.shortest
        share = shortest * NOISE_SHARE if shortest < math.inf else 0.0
        return max(NOISE, share, min(self._spread * SPREAD, MOST_SPREAD))

    def add(self, rtt: float, size: int, now: float) -> float:
        """Take the round trip of a packet; return how long it waited in queues."""
        if size > LARGE:
            wait = rtt - self._large
            if wait < 0:
                self._large = rtt
        else:
            wait = rtt - self._small
            if wait < 0:
                self._small = rtt
        if wait < 0:
            if wait < -NEAR:
                # All flows on a link see this at once. So they will make room at once
                # when it is stale, and then the queue becomes really empty.
                self._seen_at = now
            wait = 0.0
        self._least = min(wait, self._least)
        self._total += wait
        self._n += 1
        return wait

    def end_round(self, packet_time: float, now: float) -> None:
        """Begin a new round, if this one has a sample.

        Args:
            packet_time: seconds between full packets at the present rate.
            now: the present time.
        """
        if not self._n:
            return
        self.delay, self.n_samples = self._least, self._n
        if self.delay < NEAR or self.delay < self.shortest * NEAR_SHARE:
            self._seen_at = now
        if self.delay < self.noise:
            # That packets on a slow link wait for each other is no noise.
            spread = max(self._total / self._n - self._least - packet_time / 2, 0.0)
            self._spread += (spread - self._spread) / 8
        self._least, self._total, self._n = math.inf, 0.0, 0

    def is_stale(self, round_trip: float, now: float) -> bool:
        """Return whether the empty path was not seen for a long time."""
        return now - self._seen_at > max(STALE, STALE_ROUNDS * round_trip)

    def doubt(self) -> None:
        """Consider it stale: the path seems to have changed."""
        self._seen_at = -math.inf

    def believe(self, now: float) -> None:
        """Take what even the luckiest packet of this round waited for a longer path."""
        if self._n:
            self._small += self._least
            self._large += self._least
            self._total -= self._least * self._n
            self._least = 0.0
        self._seen_at = now
