# SPDX-License-Identifier: MIT
"""Send numbered messages as fast as the other end counts them.

The counter reports from time to time how far it is, and the sender keeps no more than a
window of messages ahead of that: a stack that queues without limit is not flooded, and
one that loses what comes too fast is not measured by what it lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Blast", "Tally"]

REPORT_EVERY = 256
WARM_UP = 0.3
"""Seconds that are left out: windows open and rates are found in them."""
STUCK = 0.05
"""Seconds without a report after which messages that may be lost are lost."""
NUMBER = 8
BATCH = 64


class Tally:
    """Count what comes, and measure the rate of all but the first moments."""

    def __init__(self) -> None:
        self._n = self._n_before = 0
        self._highest = 0
        self._start = self._base = self._last = 0.0
        self._cpu_base = self._cpu_last = 0.0

    def note(self, message: bytes) -> bool:
        """Take a message; tell whether a report is due."""
        self._n += 1
        if self._n % REPORT_EVERY:
            return False
        self._highest = int.from_bytes(message[:NUMBER], "little")
        self._last = time.monotonic()
        self._cpu_last = time.process_time()
        self._start = self._start or self._last
        if not self._base and self._last - self._start >= WARM_UP:
            self._base, self._cpu_base = self._last, self._cpu_last
            self._n_before = self._n
        return True

    def report(self) -> bytes:
        """Return the message that tells the sender how far we are."""
        return self._highest.to_bytes(NUMBER, "little")

    def result(self) -> dict[str, float]:
        """Return messages a second, and what one costs the counting process."""
        n = self._n - self._n % REPORT_EVERY - self._n_before
        if not self._base or not n:
            return {"n_messages": self._n, "per_s": 0.0, "cpu_us": 0.0}
        return {
            "n_messages": self._n,
            "per_s": n / (self._last - self._base),
            "cpu_us": (self._cpu_last - self._cpu_base) / n * 1e6,
        }


@dataclass
class Blast:
    """What a sender has sent, and how much more it may send now."""

    seconds: float
    """How long to send."""
    size: int
    """Bytes of a message."""
    window: int
    """Messages that may be ahead of the counter's last report."""
    can_lose: bool
    """Whether messages may be lost; then the window must not wait for them."""

    def __post_init__(self) -> None:
        self._n = 0
        self._counted = 0
        self._padding = bytes(self.size - NUMBER)
        self._start = self._heard = time.monotonic()
        self._cpu = time.process_time()

    def begin(self) -> None:
        """Start the time: the connection stands."""
        self._start = self._heard = time.monotonic()
        self._cpu = time.process_time()

    def is_over(self) -> bool:
        """Tell whether the time is up."""
        return time.monotonic() - self._start >= self.seconds

    def room(self) -> int:
        """Return how many messages may leave now."""
        room = self.window - (self._n - self._counted)
        if room <= 0 and self.can_lose and time.monotonic() - self._heard > STUCK:
            self._counted, self._heard = self._n, time.monotonic()
            return self.window
        return room

    def hear(self, report: bytes) -> None:
        """Take a report of the counter."""
        self._counted = max(self._counted, int.from_bytes(report, "little"))
        self._heard = time.monotonic()

    def next_message(self) -> bytes:
        """Return the next message."""
        self._n += 1
        return self._n.to_bytes(NUMBER, "little") + self._padding

    def messages(self, reports: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
        """Yield messages until the time is up, and ask for reports between them."""
        self.begin()
        while not self.is_over():
            for report in reports():
                self.hear(report)
            for _ in range(min(BATCH, self.room())):
                yield self.next_message()

    def result(self) -> dict[str, Any]:
        """Return how many messages left, and what one costs the sending process."""
        cpu = time.process_time() - self._cpu
        return {"n_sent": self._n, "cpu_us": cpu / max(self._n, 1) * 1e6}
