# SPDX-License-Identifier: MIT
"""Which tokens were shown, and by whom: a token opens the door once.

A token belongs to the address that showed it first, which may show it again while the
connection is being made (its packets, or ours, may be lost); once it has made a
connection it is spent. What is remembered for that has a bound: at the bound new tokens
are refused, and none is forgotten before it has expired.

The wall clock may jump. When it jumps ahead, tokens are forgotten that had not expired.
`forgotten_until` says up to which expiry that may be so: no such token is to be taken.

Source: netcode 1.02, "Processing Connection Requests".
"""

from __future__ import annotations

from enum import Enum
from heapq import heappop, heappush

__all__ = ["Binding", "UsedTokens"]

_GRACE = 15  # s; a connection may still be made that was asked for in time


class Binding(Enum):
    """What became of a token that was shown."""

    OURS = "ours"
    """The source may have it."""
    USED = "used"
    """Another source has it, or it is spent."""
    CROWDED = "crowded"
    """No more tokens can be remembered."""


class UsedTokens:
    """Remember who has shown which token, until it expires.

    Args:
        most: how many tokens are remembered.
    """

    __slots__ = ("_expiries", "_most", "_sources", "forgotten_until")

    def __init__(self, most: int) -> None:
        self.forgotten_until = 0
        """The latest expiry of those forgotten, in seconds of unix time."""
        self._most = most
        self._sources: dict[bytes, str | None] = {}
        self._expiries: list[tuple[int, bytes]] = []

    def __len__(self) -> int:
        return len(self._sources)

    def is_elsewhere(self, mac: bytes, source: str) -> bool:
        """Return whether a token is spent, or belongs to another source."""
        return self._sources.get(mac, source) != source

    def bind(self, mac: bytes, source: str, expires: int, moment: int) -> Binding:
        """Give a token to a source, unless another one has it.

        Args:
            mac: tells the token from every other.
            source: who shows it.
            expires: when it may be forgotten, in seconds of unix time.
            moment: the unix time now.
        """
        self._forget(moment)
        if mac in self._sources:
            return Binding.USED if self._sources[mac] != source else Binding.OURS
        if len(self._sources) >= self._most:
            return Binding.CROWDED
        self._sources[mac] = source
        heappush(self._expiries, (expires, mac))
        return Binding.OURS

    def spend(self, mac: bytes) -> bool:
        """Take a token from its source for good; return whether it had one."""
        if self._sources.get(mac) is None:
            return False
        self._sources[mac] = None
        return True

    def _forget(self, moment: int) -> None:
        expiries = self._expiries
        while expiries and expiries[0][0] + _GRACE <= moment:
            expires, mac = heappop(expiries)
            del self._sources[mac]
            self.forgotten_until = max(self.forgotten_until, expires)
