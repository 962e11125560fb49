# SPDX-License-Identifier: MIT
"""Read quantities with units as people write them: `80ms`, `5%`, `1mbit`.

Inside gamenet every duration is in seconds and every rate in bytes a second; units
exist only where a person writes a setting.
"""

from __future__ import annotations

import re

from gamenet.errors import ConfigError

__all__ = ["parse_probability", "parse_rate", "parse_seconds"]

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z%]*)\Z")

_SECONDS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
_SHARES = {"": 1.0, "%": 0.01}
# Network rates are decimal bits (tc-netem(8)); a plain number is bytes a second.
_RATES = {"": 1.0, "bit": 1 / 8, "kbit": 125.0, "mbit": 125e3, "gbit": 125e6}


def parse_seconds(name: str, text: str) -> float:
    """Return a duration in seconds from "80ms", "0.2s" or "0.2".

    Args:
        name: of the setting, for the message.
        text: what was written.

    Raises:
        ConfigError: it is not a duration.
    """
    return _parse(name, text, _SECONDS, "a duration such as 80ms or 0.08s")


def parse_probability(name: str, text: str) -> float:
    """Return a share from 0 to 1 from "5%" or "0.05".

    Raises:
        ConfigError: it is not a share.
    """
    return _parse(name, text, _SHARES, "a share such as 5% or 0.05")


def parse_rate(name: str, text: str) -> float:
    """Return bytes a second from "1mbit", "500kbit" or a plain number of bytes.

    Raises:
        ConfigError: it is not a rate.
    """
    return _parse(name, text, _RATES, "a rate such as 500kbit or 1mbit")


def _parse(name: str, text: str, units: dict[str, float], allowed: str) -> float:
    match = _QUANTITY.match(text.lower())
    if match is None or match[2] not in units:
        raise ConfigError(f"{name} is {text!r}; it must be {allowed}")
    return float(match[1]) * units[match[2]]
