# SPDX-License-Identifier: MIT
"""Decide whether one more connection may come in: in total, and from one address.

One `Admission` is shared by all listeners of a factory, so that the limits hold over
all transports together. A stream takes its place when its socket is accepted, a
datagram peer when its handshake has shown that the address is its own.
"""

from __future__ import annotations

from collections import Counter

from gamenet.errors import CloseReason

__all__ = ["Admission"]


class Admission:
    """Count connections against their limits.

    Args:
        total: most connections at once.
        per_address: most connections at once from one address.
    """

    def __init__(self, total: int, per_address: int) -> None:
        self._total = total
        self._per_address = per_address
        self._by_host: Counter[str] = Counter()
        self._n_entered = 0

    def __len__(self) -> int:
        return self._n_entered

    def reason_against(self, host: str) -> CloseReason | None:
        """Return why a host may not have another connection, None if it may."""
        if self._n_entered >= self._total:
            return CloseReason.SERVER_FULL
        if self._by_host[host] >= self._per_address:
            return CloseReason.TOO_MANY_FROM_ADDRESS
        return None

    def enter(self, host: str) -> None:
        """Take a place for a host."""
        self._by_host[host] += 1
        self._n_entered += 1

    def leave(self, host: str) -> None:
        """Give a host's place back."""
        self._n_entered -= 1
        self._by_host[host] -= 1
        if not self._by_host[host]:
            del self._by_host[host]
