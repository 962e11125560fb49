# SPDX-License-Identifier: MIT
"""Model a bad network: latency, jitter, loss, duplication, reordering, a slow link.

An `Impairment` is one direction of one link. It is told the size of each packet and
the time, and answers when copies of that packet arrive: no answer is a loss, two are
a duplicate. It moves no bytes and reads no clock, so the same model serves tests in
simulated time, a server option, and a proxy.

The idea, step by step, for each packet:

1. Loss. Independent with probability `loss`, or in bursts of `burst` packets on
   average (a two-state chain, Gilbert 1960) with the same average loss.
2. Rate. The packet waits until the link has sent what is queued before it; a packet
   that would wait longer than `queue` seconds is dropped (a tail-drop router).
3. Delay. `latency`, plus a random part between 0 and `jitter`. Jitter reorders packets
   that are closer together than it; without it the order is kept.
4. Reordering. With probability `reorder` the packet is held back by a further
   `REORDER_HOLD` seconds, so that its followers overtake it.
5. Duplication. With probability `duplicate` a copy arrives with a delay of its own.

Each packet draws the same number of random numbers whatever the settings are: with
one seed, a change of latency does not change which packets are lost.

A stream (TCP) hides all this and makes it delay: see `Impairment.carry`. What arrives
waits for what was sent before it and was lost, until that was sent again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from random import Random

from gamenet.errors import ConfigError
from gamenet.transport.conditions import Direction, read_conditions

__all__ = ["REORDER_HOLD", "Impairment", "ImpairmentStats"]

REORDER_HOLD = 0.05
"""Seconds that a reordered packet is held back: one or two packets at 30 a second."""

_PROBABILITIES = ("loss", "duplicate", "reorder")
_DURATIONS = ("latency", "jitter", "queue")

_SEGMENT = 1460
"""Bytes of a stream that share a packet's fate: TCP over Ethernet and IPv4."""
_MOST_REPEATS = 15
"""Times that a segment is sent again at most: Linux gives up after as many."""
_SHORTEST_PAUSE = 0.02
_LONGEST_PAUSE = 60.0
"""Seconds before a segment is sent again: no less, so that a loss shows without latency
too, and no more (RFC 6298, section 2.5)."""


@dataclass(frozen=True, slots=True)
class ImpairmentStats:
    """What an impairment did to the packets offered to it."""

    offered: int = 0
    """Packets offered."""
    lost: int = 0
    """Packets lost at random; on a stream, those sent again."""
    overflowed: int = 0
    """Packets dropped because the queue of the slow link was full."""
    duplicated: int = 0
    """Packets that arrive twice."""
    reordered: int = 0
    """Packets held back so that later ones overtake them."""

    def __add__(self, other: ImpairmentStats) -> ImpairmentStats:
        return ImpairmentStats(
            *(getattr(self, f.name) + getattr(other, f.name) for f in fields(self))
        )


@dataclass(eq=False)
class Impairment:
    """Decide when, how often and whether each packet of one direction arrives.

    Raises:
        ConfigError: a setting is out of its range; the message names it.

    Example:
        >>> link = Impairment(latency=0.08, seed=7)
        >>> link.admit(100, now=1.0)
        [1.08]
    """

    latency: float = 0.0
    """Seconds that every packet travels."""
    jitter: float = 0.0
    """Largest random delay in seconds, added to the latency."""
    loss: float = 0.0
    """Share of packets that are lost, 0 to 1."""
    burst: float = 0.0
    """Mean number of packets lost in a row, 1 or more; 0 loses each independently."""
    duplicate: float = 0.0
    """Share of packets that arrive twice, 0 to 1."""
    reorder: float = 0.0
    """Share of packets that are overtaken by later ones, 0 to 1."""
    rate: float | None = None
    """Bytes a second that the link carries; None is unlimited."""
    queue: float = 0.2
    """Longest wait in seconds before a link with a `rate`; beyond it packets drop."""
    seed: int = 0
    """Seed of the randomness: one seed and one sequence of calls, one result."""

    _random: Random = field(init=False, repr=False)
    _free_at: float = field(init=False, repr=False, default=-math.inf)
    _losing: bool = field(init=False, repr=False, default=False)
    _last_arrival: float = field(init=False, repr=False, default=-math.inf)

    def __post_init__(self) -> None:
        self._check()
        self._random = Random(self.seed)
        self._counts = dict.fromkeys((f.name for f in fields(ImpairmentStats)), 0)

    @classmethod
    def from_text(cls, text: str, direction: Direction = "down") -> Impairment:
        """Read settings such as "latency=80ms loss=5% rate=1mbit" or "lte loss=5%".

        Args:
            text: in the form that `gamenet.transport.conditions` describes.
            direction: the one to read, where the text tells them apart.

        Raises:
            ConfigError: an unknown key or profile, or a value that is not of its kind.
        """
        return cls(**read_conditions(text)[direction])  # type: ignore[arg-type]

    def reseeded(self, seed: int) -> Impairment:
        """Return a fresh model with the same settings and another seed."""
        return replace(self, seed=seed)

    def admit(self, size: int, *, now: float) -> list[float]:
        """Return the times at which copies of a packet arrive, earliest first.

        Args:
            size: of the packet, in bytes.
            now: monotonic seconds at which the packet is sent, never decreasing.
        """
        draw = self._random.random
        fate, spread, copy_fate, copy_spread, overtaken = (
            draw(),
            draw(),
            draw(),
            draw(),
            draw(),
        )
        self._counts["offered"] += 1
        if self._is_lost(fate):
            self._counts["lost"] += 1
            return []
        departure = self._leave_queue(size, now)
        if departure is None:
            self._counts["overflowed"] += 1
            return []
        arrival = departure + self.latency
        times = [arrival + self.jitter * spread]
        if overtaken < self.reorder:
            self._counts["reordered"] += 1
            times[0] += REORDER_HOLD
        if copy_fate < self.duplicate:
            self._counts["duplicated"] += 1
            times.append(arrival + self.jitter * copy_spread)
            times.sort()
        return times

    def carry(self, size: int, *, now: float) -> float:
        """Return when a piece of a stream arrives: late perhaps, but once and in order.

        A segment that is lost is sent again after two round trips, which is when a tail
        loss probe goes out (RFC 8985, section 7.2), and after twice that each further
        time. The way back is taken to be as long as this one. Nothing is dropped for
        the length of the queue: whoever sends looks at `backlog` and waits.

        Args:
            size: of the piece, in bytes.
            now: monotonic seconds at which it is sent, never decreasing.
        """
        draw = self._random.random
        spread, overtaken = draw(), draw()
        self._counts["offered"] += 1
        n_segments = 1 + max(0, size - 1) // _SEGMENT
        repeats = [self._repeats(draw(), draw()) for _ in range(n_segments)]
        sent = size + sum(repeats) * min(size, _SEGMENT)
        arrival = self._send(sent, now) + self.latency + self.jitter * spread
        if any(repeats):
            self._counts["lost"] += 1
            arrival += self._pause(max(repeats))
        if overtaken < self.reorder:
            self._counts["reordered"] += 1
            arrival += REORDER_HOLD
        self._last_arrival = max(self._last_arrival, arrival)
        return self._last_arrival

    def refuse(self) -> None:
        """Count a packet that found no room on its path, and was dropped there."""
        self._counts["offered"] += 1
        self._counts["overflowed"] += 1

    def backlog(self, *, now: float) -> float:
        """Return for how many seconds the slow link will be busy with what it has."""
        return max(0.0, self._free_at - now)

    def stats(self) -> ImpairmentStats:
        """Return what happened to the packets so far."""
        return ImpairmentStats(**self._counts)

    def _is_lost(self, fate: float) -> bool:
        """Decide by the two-state chain, or by one draw if losses are independent."""
        if not self.burst:
            return fate < self.loss
        if self._losing:
            self._losing = fate >= 1 / self.burst
        else:
            # The chain's share of lost packets is enter / (enter + leave).
            self._losing = fate < self.loss / (self.burst * (1 - self.loss))
        return self._losing

    def _leave_queue(self, size: int, now: float) -> float | None:
        """Return when the slow link has sent the packet, None when it is full."""
        if self.backlog(now=now) > self.queue:
            return None
        return self._send(size, now)

    def _send(self, size: int, now: float) -> float:
        """Return when the slow link has sent so many bytes."""
        if self.rate is None:
            return now
        self._free_at = max(now, self._free_at) + size / self.rate
        return self._free_at

    def _repeats(self, fate: float, luck: float) -> int:
        """Return how often a segment of a stream has to be sent again."""
        if not self._is_lost(fate):
            return 0
        if self.loss == 1 or not luck:
            return _MOST_REPEATS
        # As many further losses as independent draws would give, from one of them.
        further = math.floor(math.log(luck) / math.log(self.loss))
        return min(1 + further, _MOST_REPEATS)

    def _pause(self, repeats: int) -> float:
        """Return how long it takes until a segment comes through."""
        first = max(_SHORTEST_PAUSE, 2 * (2 * self.latency + self.jitter))
        return sum(min(first * 2**i, _LONGEST_PAUSE) for i in range(repeats))

    def _check(self) -> None:
        """Refuse settings that mean nothing, each with its name and its range."""
        for name in _PROBABILITIES:
            _require(name, getattr(self, name), 0, 1, "a share from 0 to 1")
        for name in _DURATIONS:
            _require(name, getattr(self, name), 0, 3600, "seconds from 0 to 3600")
        if self.rate is not None:
            _require("rate", self.rate, 1, 1e12, "bytes a second, 1 or more, or None")
        if self.burst:
            _require("burst", self.burst, 1, 1e6, "0, or packets in a row from 1 on")
            _require(
                "loss",
                self.loss,
                0,
                self.burst / (1 + self.burst),
                f"at most burst / (1 + burst) with bursts of {self.burst:g}",
            )
        if not isinstance(self.seed, int):
            raise ConfigError(f"impairment seed is {self.seed!r}; use a whole number")


def _require(name: str, value: object, low: float, high: float, allowed: str) -> None:
    """Raise unless a setting is a finite number of its range."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:  # type: ignore[operator]
        raise ConfigError(f"impairment {name} is {value!r}; it must be {allowed}")
