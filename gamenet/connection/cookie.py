# SPDX-License-Identifier: MIT
"""Stateless proof that a client receives at the address it sends from.

The server answers a request with a cookie and forgets it; only who receives at that
address can send the cookie back. Nothing is stored before that, so a flood of requests
from forged addresses costs one hash each and no memory.

Source: RFC 9293's SYN cookies in spirit; RFC 7693 (BLAKE2) for the keyed hash.
"""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["CookieJar"]


class CookieJar:
    """Bake and check cookies.

    Args:
        secret: 32 random bytes, new at each start.
        lifetime: seconds for which a cookie is good.
    """

    def __init__(self, secret: bytes, lifetime: float) -> None:
        self._secret = secret
        self._lifetime_ms = int(lifetime * 1000)

    def bake(self, address: str, salt: int, *, now: float) -> tuple[int, int, int]:
        """Return the time (milliseconds) and the two halves of a cookie."""
        issued = int(now * 1000)
        return (issued, *self._mac(address, salt, issued))

    def is_good(
        self, cookie: tuple[int, int, int], address: str, salt: int, *, now: float
    ) -> bool:
        """Return whether we baked this cookie for this address, not long ago."""
        issued, low, high = cookie
        if not 0 <= int(now * 1000) - issued <= self._lifetime_ms:
            return False
        expected_low, expected_high = self._mac(address, salt, issued)
        return hmac.compare_digest(
            low.to_bytes(8, "little") + high.to_bytes(8, "little"),
            expected_low.to_bytes(8, "little") + expected_high.to_bytes(8, "little"),
        )

    def _mac(self, address: str, salt: int, issued: int) -> tuple[int, int]:
        text = b"%d %d %s" % (salt, issued, address.encode())
        digest = hashlib.blake2s(text, key=self._secret, digest_size=16).digest()
        low, high = digest[:8], digest[8:]
        return int.from_bytes(low, "little"), int.from_bytes(high, "little")
