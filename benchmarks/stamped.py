# SPDX-License-Identifier: MIT
"""Messages that carry their flow, their number and the time at which they left.

One machine has one monotonic clock, so the time that a message took one way is the
difference of two readings of it, whichever processes read them.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Arrivals", "Plan", "Sending", "stamped"]

STAMP = struct.Struct("<BId")


def stamped(flow: int, number: int, size: int) -> bytes:
    """Return a message that leaves now."""
    return STAMP.pack(flow, number, time.monotonic()).ljust(size, b"\0")


@dataclass(frozen=True)
class Sending:
    """One message that is to leave at its time."""

    due: float
    flow: int
    number: int


@dataclass(frozen=True)
class Plan:
    """Who sends how much how often."""

    n_flows: int
    n_messages: int
    """Of each flow."""
    rate: float
    """Messages a second, of each flow."""
    size: int
    """Bytes of a message."""

    def sendings(self, start: float) -> Iterator[Sending]:
        """Tell all messages by time; the flows take turns, evenly spaced."""
        for turn in range(self.n_messages * self.n_flows):
            number, flow = divmod(turn, self.n_flows)
            yield Sending(start + turn / (self.rate * self.n_flows), flow, number)


class Arrivals:
    """Note which messages came, and how long each was on its way."""

    def __init__(self, n_flows: int) -> None:
        self.one_way: list[list[float]] = [[] for _ in range(n_flows)]
        """Seconds of each message, by flow, in the order of arrival."""
        self.n_misplaced = 0
        """Messages that came twice, or not in the order in which they were sent."""

    def note(self, message: bytes) -> None:
        """Take a message that came just now."""
        now = time.monotonic()
        flow, number, sent = STAMP.unpack_from(message)
        times = self.one_way[flow]
        self.n_misplaced += number != len(times)
        times.append(now - sent)
