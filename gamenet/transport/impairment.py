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
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace
from random import Random

from gamenet.errors import ConfigError
from gamenet.transport.quantities import parse_probability, parse_rate, parse_seconds

__all__ = ["REORDER_HOLD", "Impairment", "ImpairmentStats"]

REORDER_HOLD = 0.05
"""Seconds that a reordered packet is held back: one or two packets at 30 a second."""

_PROBABILITIES = ("loss", "duplicate", "reorder")
_DURATIONS = ("latency", "jitter", "queue")
_TEXT_FORM = (
    "latency=80ms jitter=20ms loss=5% burst=3 dup=1% reorder=1% rate=1mbit "
    "queue=200ms seed=1"
)


@dataclass(frozen=True, slots=True)
class ImpairmentStats:
    """What an impairment did to the packets offered to it."""

    offered: int = 0
    """Packets offered."""
    lost: int = 0
    """Packets lost at random."""
    overflowed: int = 0
    """Packets dropped because the queue of the slow link was full."""
    duplicated: int = 0
    """Packets that arrive twice."""
    reordered: int = 0
    """Packets held back so that later ones overtake them."""


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

    def __post_init__(self) -> None:
        self._check()
        self._random = Random(self.seed)
        self._counts = dict.fromkeys((f.name for f in fields(ImpairmentStats)), 0)

    @classmethod
    def from_text(cls, text: str) -> Impairment:
        """Read settings such as "latency=80ms jitter=20ms loss=5% rate=1mbit".

        Raises:
            ConfigError: an unknown key, or a value that is not of its kind.
        """
        settings: dict[str, float | int | None] = {}
        for word in text.split():
            key, _, value = word.partition("=")
            reader = _READERS.get(key)
            if reader is None:
                allowed = ", ".join(sorted(_READERS))
                raise ConfigError(
                    f"impairment {text!r}: {word!r} has no known key; allowed are "
                    f"{allowed}, as in {_TEXT_FORM!r}"
                )
            name, read = reader
            settings[name] = read(f"impairment {key}", value)
        return cls(**settings)  # type: ignore[arg-type]

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
        if self.rate is None:
            return now
        start = max(now, self._free_at)
        if start - now > self.queue:
            return None
        self._free_at = start + size / self.rate
        return self._free_at

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


def _read_number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{name} is {text!r}; it must be a number") from None


def _read_integer(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ConfigError(f"{name} is {text!r}; it must be a whole number") from None


_READERS = {
    "latency": ("latency", parse_seconds),
    "jitter": ("jitter", parse_seconds),
    "loss": ("loss", parse_probability),
    "burst": ("burst", _read_number),
    "dup": ("duplicate", parse_probability),
    "duplicate": ("duplicate", parse_probability),
    "reorder": ("reorder", parse_probability),
    "rate": ("rate", parse_rate),
    "queue": ("queue", parse_seconds),
    "seed": ("seed", _read_integer),
}
