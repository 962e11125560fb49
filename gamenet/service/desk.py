# SPDX-License-Identifier: MIT
"""Decide who gets a connect token at the web address, and count them.

There are three kinds of servers. An open one, without a key of its own, gives a token
to everybody: for development. One with a key and a secret gives tokens to whoever shows
the secret: a web service that knows the players. One with a key alone gives none.

Asking costs the server little, and yet not nothing, so callers without a secret are
held to a rate, each address by itself. Those on this machine are not, at an open
server: they are its developer's bots.
"""

from __future__ import annotations

import hmac
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Any

__all__ = ["Allowances", "Objection", "TokenDesk"]

_REFILL = 30.0
"""Seconds in which an address regains all that it may have at once."""
_MOST_ADDRESSES = 4096
"""Addresses that are told apart; those beyond share one allowance."""
_OTHERS = "others"
_CLOSED = (
    "this server gives no tokens: it has a key, but no connect_secret is configured"
)
_CHALLENGE = "a token needs Authorization: Bearer with the server's connect_secret"


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a caller gets no token."""

    code: int
    """Status of the answer."""
    name: str
    """Under which it is counted."""
    text: str
    """What the caller is told."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Further headers of the answer."""


class Allowances:
    """Let each address have so many at once, and then at a rate; in bounded memory.

    Of each address one number is kept: when it will have regained everything. After
    that moment nothing needs to be known of it (the generic cell rate algorithm).

    Args:
        burst: how many an address may have at once.
        seconds: monotonic time.
    """

    def __init__(self, burst: int, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._interval = _REFILL / burst
        self._full_at: dict[str, float] = {}
        self._swept_at = -math.inf

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, address: str) -> float:
        """Take one of an address's allowance.

        Returns:
            0 if there was one, else the seconds after which there is.
        """
        now = self._seconds()
        name = self._place(_network(address), now)
        full_at = max(self._full_at.get(name, now), now) + self._interval
        wait = full_at - now - _REFILL
        if wait > 1e-9:
            return wait
        self._full_at[name] = full_at
        return 0.0

    def _place(self, name: str, now: float) -> str:
        is_full = len(self._full_at) >= _MOST_ADDRESSES
        if is_full and name not in self._full_at and now >= self._swept_at + 1:
            self._swept_at = now
            known = self._full_at.items()
            self._full_at = {each: full_at for each, full_at in known if full_at > now}
            is_full = len(self._full_at) >= _MOST_ADDRESSES
        return _OTHERS if is_full and name not in self._full_at else name


class TokenDesk:
    """Decide who gets a token.

    Args:
        is_open: whether everybody does.
        secret: what a caller has to show otherwise; empty if nobody can.
        burst: how many an address may have at once.
        seconds: monotonic time.
    """

    def __init__(
        self,
        *,
        is_open: bool,
        secret: str,
        burst: int,
        seconds: Callable[[], float],
    ) -> None:
        self._is_open = is_open
        self._secret = secret.encode()
        self._allowances = Allowances(burst, seconds)
        self._n_issued = 0
        self._refused: Counter[str] = Counter()

    @property
    def mode(self) -> str:
        """Return "open", "secret" or "closed": to everybody, to some, to nobody."""
        return "open" if self._is_open else "secret" if self._secret else "closed"

    def objection(self, address: str, authorization: bytes) -> Objection | None:
        """Return why a caller gets no token, or None if it does.

        Args:
            address: of the caller.
            authorization: the header of that name, empty without one.
        """
        objection = self._judge(address, authorization)
        if objection is not None:
            self._refused[objection.name] += 1
        return objection

    def _judge(self, address: str, authorization: bytes) -> Objection | None:
        if self._is_open:
            return None if _is_here(address) else self._hold_to_rate(address)
        if self._secret and self._is_shown(authorization):
            return None
        too_fast = self._hold_to_rate(address)
        if too_fast is not None:
            return too_fast
        if not self._secret:
            return Objection(403, "no_connect_secret", _CLOSED)
        challenge = (b"www-authenticate", b'Bearer realm="gamenet"')
        return Objection(401, "wrong_secret", _CHALLENGE, (challenge,))

    def _is_shown(self, authorization: bytes) -> bool:
        scheme, _, shown = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and hmac.compare_digest(
            shown.strip(), self._secret
        )

    def _hold_to_rate(self, address: str) -> Objection | None:
        wait = self._allowances.take(address)
        if not wait:
            return None
        seconds = math.ceil(wait)
        return Objection(
            429,
            "too_many",
            "too many tokens were asked for from your address; try again in "
            f"{seconds} s",
            ((b"retry-after", str(seconds).encode()),),
        )

    def refused(self, name: str) -> None:
        """Count a caller who got no token for another reason."""
        self._refused[name] += 1

    def issued(self) -> None:
        """Count a token."""
        self._n_issued += 1

    def stats(self) -> dict[str, Any]:
        """Return what was counted, ready for JSON."""
        return {
            "mode": self.mode,
            "issued": self._n_issued,
            "refused": dict(self._refused),
        }


def _network(address: str) -> str:
    """Return what stands for an address: of IPv6, the network that one caller has."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    mapped = ip.ipv4_mapped
    return str(mapped) if mapped else ip.packed[:8].hex()


def _is_here(address: str) -> bool:
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback
