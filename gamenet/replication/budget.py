# SPDX-License-Identifier: MIT
"""How many bytes one client may get now: what the network and the game's cap allow.

Source: the token bucket of RFC 2475, section 2.3.3.
"""

from __future__ import annotations

import math

from gamenet.errors import ConfigError

__all__ = ["Allotment"]


class Allotment:
    """Grant the bytes of a cap tick by tick, and no more than the connection takes.

    A tick that is not used up is kept for the next one, but not for later: a client
    that was sent nothing for a while gets no burst. What is sent in intervals of
    several ticks gets what these bring. It begins with what it holds at most.

    Args:
        rate: ticks a second.
        cap: bytes a second that the client is sent at most; by default there is none.

    Raises:
        ConfigError: if one is not above 0.

    Example:
        >>> allotment = Allotment(rate=20.0, cap=10_000.0)
        >>> allotment.available(connection=64_000.0)
        1000.0
        >>> allotment.spend(1_200)
        >>> allotment.pass_tick()
        >>> allotment.available(connection=64_000.0), allotment.available(connection=50)
        (300.0, 50)
    """

    def __init__(self, rate: float, cap: float = math.inf) -> None:
        if not 0 < rate < math.inf or not cap > 0:
            msg = (
                f"a cap of {cap} bytes a second at {rate} ticks a second: both must be "
                "above 0; leave the cap out to have none"
            )
            raise ConfigError(msg)
        self.share = cap / rate
        """Bytes of the cap that each tick brings."""
        self._cap = cap
        self._left = 2 * self.share

    def pass_tick(self, interval: int = 1) -> None:
        """Grant what a tick brings.

        Args:
            interval: ticks from one sending to the next, as `Pace.interval` tells.
        """
        most = (interval + 1) * self.share
        self._left = min(self._left + self.share, most)

    def available(self, connection: float) -> float:
        """Return how many bytes may go now: 0 or more.

        Args:
            connection: bytes that the connection lets out now.
        """
        return max(0.0, min(self._left, connection))

    def spend(self, n_bytes: float) -> None:
        """Note that bytes went, also when they were more than there was.

        The debt is paid before anything else goes; more than a second's is forgiven.
        """
        # Without a cap there is no debt either: infinity stays what it is.
        self._left = max(self._left - n_bytes, -self._cap)
