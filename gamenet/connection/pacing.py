# SPDX-License-Identifier: MIT
"""Spread the packets of a window over the round trip.

A window sent at once would fill a queue by itself, and the bursts of others and ours
would meet there. So packets are granted at a rate, by a token bucket.

Timers ring late, by 10 ms and more on a busy machine. Who waits for one gets what it
came late, so that this costs no speed; who waits for anything else, or has nothing to
send, does not save up for a burst.

Source: pacing as in RFC 9002, section 7.7.
"""

from __future__ import annotations

from gamenet.connection.buckets import TokenBucket

__all__ = ["Pacer"]

FIRST_ROUND_TRIP = 0.1
"""Seconds that the first packets are spread over, before anything is measured."""
FINEST = 0.01
"""Seconds; as timers are late, a window is not spread over a shorter round trip."""
PACE, PACE_AT_START = 1.25, 2.0
"""Windows a round trip. More than 1, because pacing smooths and the window limits."""
BURST, LATE_BURST = 0.005, 0.02
"""Seconds of sending that are granted at once, and to one who waits for a timer."""
PACKETS_AT_ONCE, MOST_PACKETS_AT_ONCE = 2, 4
"""Packets that are granted at once on any path, and of a large window."""


class Pacer(TokenBucket):
    """Grant packets at the rate of a window in a round trip."""

    __slots__ = ("_burst",)

    def __init__(self, window: int, packet_size: int) -> None:
        super().__init__(1.0, window)
        self._burst = 0.0
        self.follow(window, 0.0, packet_size, is_starting=True)

    def follow(
        self, window: int, round_trip: float, packet_size: int, *, is_starting: bool
    ) -> float:
        """Adopt a window and a round trip; return their rate in bytes a second."""
        rate = window / max(round_trip or FIRST_ROUND_TRIP, FINEST)
        self.rate = rate * (PACE_AT_START if is_starting else PACE)
        at_once = max(
            PACKETS_AT_ONCE * packet_size,
            min(window / 4, MOST_PACKETS_AT_ONCE * packet_size),
        )
        self.burst = self._burst = max(at_once, BURST * self.rate)
        return rate

    def wait(self, size: int, now: float) -> float:
        """Return when `size` bytes are granted, to one who waits for a timer."""
        self.burst = max(self._burst, LATE_BURST * self.rate)
        return self.ready_at(size, now)

    def pause(self) -> None:
        """Note that nobody waits for a timer."""
        self.burst = self._burst
