# SPDX-License-Identifier: MIT
"""Who has been challenged and has not answered yet: a table with a bound.

An address may have shown several tokens: a client that begins again has a new one,
while packets of its last attempt are still under way, and may come later. So they are
kept side by side, and an answer counts for the one whose keys open it. When one of them
has become a connection, those before it are stale.

Nobody is pushed out of the table by others: at the bound, new ones have to wait. But a
token has few places in it: who sends one from port after port, or sends on from forged
addresses a request that was seen under way, pushes out that token's own oldest place.
"""

from __future__ import annotations

from dataclasses import dataclass

from gamenet.connection.netcode import PacketOpener, PacketSealer
from gamenet.connection.outcomes import Pass
from gamenet.errors import CloseReason

__all__ = ["Pending", "PendingTable"]

LONGEST = 10.0
"""Seconds for which a client has time to answer; less if its token says so."""
MOST_OF_ONE = 4
"""How many tokens of one address are kept, and how many addresses of one token."""


@dataclass(slots=True, eq=False)
class Pending:
    """A client that was challenged."""

    pass_: Pass
    sealer: PacketSealer
    opener: PacketOpener
    answer: bytes
    """What its Response or Join has to begin with."""
    challenge: bytes
    """The packet, sent again as it is for each further request."""
    until: float = 0.0
    told: CloseReason | None = None
    """Why it may not come in, if that was counted already."""

    def renew(self, now: float) -> None:
        """Give the client time to answer."""
        timeout = self.pass_.timeout
        self.until = now + (min(timeout, LONGEST) if timeout > 0 else LONGEST)


class PendingTable:
    """Find the clients that were challenged by their address.

    Args:
        most: how many clients are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._sources: dict[str, list[Pending]] = {}
        # The addresses of each token, in the order in which they came.
        self._places: dict[bytes, list[str]] = {}
        self._n_pending = 0
        self._crowded_until = 0.0

    def __len__(self) -> int:
        return self._n_pending

    def find(self, source: str, mac: bytes) -> Pending | None:
        """Return the client at an address with a token, if there is one."""
        for pending in self._sources.get(source, ()):
            if pending.pass_.mac == mac:
                return pending
        return None

    def at(self, source: str, *, now: float) -> list[Pending]:
        """Return the clients at an address that have time left, the oldest first."""
        return [held for held in self._sources.get(source, ()) if now < held.until]

    def add(self, source: str, pending: Pending) -> None:
        """Keep a client; ask `has_room` first."""
        mac = pending.pass_.mac
        if len(self._places.get(mac, ())) == MOST_OF_ONE:
            oldest = self._places[mac][0]
            held = self.find(oldest, mac)
            assert held is not None
            self._forget(oldest, held)
        if len(self._sources.get(source, ())) == MOST_OF_ONE:
            self._forget(source, self._sources[source][0])
        self._sources.setdefault(source, []).append(pending)
        self._places.setdefault(mac, []).append(source)
        self._n_pending += 1

    def connected(self, source: str, pending: Pending) -> None:
        """Forget a client that is connected now, and those before it."""
        held = self._sources[source]
        for stale in held[: held.index(pending) + 1]:
            self._forget(source, stale)

    def _forget(self, source: str, pending: Pending) -> None:
        held, places = self._sources[source], self._places[pending.pass_.mac]
        held.remove(pending)
        places.remove(source)
        self._n_pending -= 1
        if not held:
            del self._sources[source]
        if not places:
            del self._places[pending.pass_.mac]

    def has_room(self, *, now: float) -> bool:
        """Return whether one more can be kept."""
        if self._n_pending < self._most:
            return True
        if now < self._crowded_until:
            return False
        self._sweep(now)
        return self._n_pending < self._most

    def _sweep(self, now: float) -> None:
        for source, held in tuple(self._sources.items()):
            for pending in [each for each in held if each.until <= now]:
                self._forget(source, pending)
        left = [each.until for held in self._sources.values() for each in held]
        # The next look is worth while when the next one's time is over.
        self._crowded_until = min(left, default=now)
