# SPDX-License-Identifier: MIT
"""Read the conditions of a network as people write them: `lte; up: loss=10%`.

    text    = part (";" part)*
    part    = ["down:" | "up:"] [profile] (key "=" value)*

A part without a direction is about both. Parts are read from left to right, and what is
said later counts: `lte; up: loss=10%` is LTE, but for the loss on the way up. "down" is
from the server to the client, "up" from the client to the server, on whichever side the
text is given. An empty text is a network that does nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from gamenet.errors import ConfigError
from gamenet.transport.quantities import parse_probability, parse_rate, parse_seconds

__all__ = ["PROFILES", "Direction", "Settings", "read_conditions"]

Direction = Literal["down", "up"]
"""From the server to the client, or from the client to the server."""

Settings = dict[str, float | int]
"""Arguments of an `Impairment`."""

PROFILES = {
    # A switched gigabit network: nothing but the time that kernels and switches take.
    "lan": "latency=0.3ms jitter=0.2ms rate=1gbit queue=10ms",
    # A home: the round trip of 28 ms is that of WebPageTest's "Cable"; the radio adds
    # jitter, and losses of a packet or two when somebody walks through its way.
    "wifi": (
        "latency=14ms jitter=10ms loss=0.5% burst=2 reorder=0.1% rate=40mbit "
        "queue=100ms; up: loss=1% rate=10mbit"
    ),
    # WebPageTest's "LTE" (70 ms round trip, 12 Mbit/s). Cells hand over and schedule
    # uplinks: jitter, and losses that come several at a time.
    "lte": (
        "latency=35ms jitter=15ms loss=0.5% burst=3 rate=12mbit queue=200ms; "
        "up: jitter=20ms"
    ),
    # WebPageTest's "3G" (300 ms round trip, 1.6 Mbit/s down, 768 kbit/s up), with the
    # deep queues for which such networks are known.
    "3g": (
        "latency=150ms jitter=50ms loss=1% burst=3 rate=1.6mbit queue=500ms; "
        "up: rate=768kbit"
    ),
    # A geostationary satellite: 239.6 ms one way are the speed of light (RFC 2488,
    # section 2), the rest is access to the channel; rain fades take packets in a row.
    "satellite": (
        "latency=280ms jitter=20ms loss=1% burst=5 rate=25mbit queue=500ms; "
        "up: rate=3mbit"
    ),
    # The network in the hotel: everything at once, and each as bad as a game that wants
    # to be played there has to bear.
    "bad": (
        "latency=100ms jitter=60ms loss=10% burst=2 dup=1% reorder=2% rate=1mbit "
        "queue=300ms; up: rate=512kbit"
    ),
}
"""Conditions with a name, as text. Latencies are those of one direction."""

_FORM = "lte; up: latency=80ms jitter=20ms loss=5% burst=3 dup=1% reorder=1% rate=1mbit"
_PART = re.compile(r"\s*(?:(down|up)\s*:)?(.*)", re.DOTALL)


def read_conditions(text: str) -> dict[Direction, Settings]:
    """Return the settings of each direction.

    Raises:
        ConfigError: an unknown key or profile, or a value that is not of its kind.
    """
    conditions: dict[Direction, Settings] = {"down": {}, "up": {}}
    for part in text.split(";"):
        match = _PART.fullmatch(part)
        only, words = match.groups() if match else ("", part)
        for direction, settings in conditions.items():
            if only in (None, direction):
                settings.update(_read_words(words.split(), direction, text))
    return conditions


def _read_words(words: list[str], direction: Direction, text: str) -> Settings:
    settings: Settings = {}
    for number, word in enumerate(words):
        key, equals, value = word.partition("=")
        if key in _READERS:
            name, read = _READERS[key]
            settings[name] = read(f"impairment {key}", value)
        elif equals:
            allowed = ", ".join(sorted(_READERS))
            raise ConfigError(
                f"impairment {text!r}: {word!r} has no known key; allowed are "
                f"{allowed}, as in {_FORM!r}"
            )
        elif word in PROFILES and not number:
            settings.update(read_conditions(PROFILES[word])[direction])
        else:
            raise ConfigError(
                f"impairment {text!r}: {word!r} is no profile, or does not stand "
                f"first; there are {', '.join(PROFILES)}, as in {_FORM!r}"
            )
    return settings


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


_READERS: dict[str, tuple[str, Callable[[str, str], float]]] = {
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
