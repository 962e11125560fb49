# SPDX-License-Identifier: MIT
"""Find out how large packets may be on a path.

Routers drop what is too large for them, often without a word. So a connection begins
with a size that passes nearly everywhere, and tries larger ones with packets that hold
nothing but padding: their loss costs nothing. A size counts once a probe of it was
acknowledged; losses of other packets never count against it, since they have other
causes.

A path may also become narrower. So the size in use is probed, too, when of the packets
larger than the base none has arrived for a while: if three such probes are lost, the
base is in use again, and the search begins anew.

The sizes tried are first those of common paths, then the largest one, and if that
fails the middle of what is left, until little can be gained.

Source: RFC 8899, sections 5.1.1 (timers), 5.1.2 (three probes of one size), 4.3
(black holes) and 5.3.
"""

from __future__ import annotations

import math

__all__ = ["PacketSizeProbe"]

COMMON = (1350, 1452)
"""Bytes of a UDP payload in most tunnels, and in 1,500 bytes over IPv6."""
LEAST_GAIN = 200
"""Bytes; for less than that the search does not go on."""
MOST_LOSSES = 3
"""Lost probes of one size after which it counts as too large."""
RETRY = 1.0
"""Seconds between two probes of one size: a burst of losses should be over."""
GIVE_UP = 5.0
"""Seconds after which a probe counts as lost that nobody reported."""
CONFIRM = 1.0
"""Seconds that larger packets may go unanswered until their size is probed again."""
AGAIN = 600.0
"""Seconds after which larger sizes are tried again."""


class PacketSizeProbe:
    """Say which size to try, and which has passed.

    One probe is under way at a time. Ask `next_probe` when `next_timeout` has come;
    when a probe cannot be sent at that time, the question may be repeated later.

    Args:
        base: bytes that pass everywhere.
        largest: bytes that are never exceeded.

    Example:
        >>> probe = PacketSizeProbe(1200, 1452)
        >>> probe.next_probe(now=5.0)
        1350
        >>> probe.probe_sent(1350, now=5.0)
        >>> probe.probe_acked(1350)
        >>> (probe.size, probe.next_probe(now=5.1))
        (1350, 1452)
    """

    __slots__ = (
        "_base",
        "_ceiling",
        "_confirm_at",
        "_due",
        "_largest",
        "_n_losses",
        "_n_refuted",
        "_probed",
        "_sent_at",
        "_unproved",
        "size",
    )

    def __init__(self, base: int, largest: int) -> None:
        self._base = base
        self._largest = max(base, largest)
        self.reset()

    def reset(self) -> None:
        """Begin anew: the path has changed."""
        self.size = self._base
        """Bytes that are known to pass."""
        self._ceiling = self._largest
        self._n_losses = 0
        self._probed = 0
        self._sent_at = 0.0
        self._due = 0.0
        self._confirm_at = math.inf
        self._n_refuted = 0
        # The largest packet that left, of which none so large arrived since.
        self._unproved = 0

    def used(self, size: int, now: float) -> None:
        """Note that a packet larger than the base left."""
        if self.size == self._base:
            return
        if not self._unproved:
            self._confirm_at = now + CONFIRM
        self._unproved = max(self._unproved, size)

    def confirmed(self, size: int) -> None:
        """Note that a packet larger than the base arrived."""
        if size >= self._unproved:
            self._confirm_at = math.inf
            self._n_refuted = self._unproved = 0

    def next_probe(self, now: float) -> int | None:
        """Return the size to try now, if any."""
        if self._probed:
            if now < self._sent_at + GIVE_UP:
                return None
            self.probe_lost(self._probed)
        if now >= self._confirm_at:
            return self.size
        if now < self._due:
            return None
        if self._candidate() is None and self._ceiling < self._largest:
            self._ceiling = self._largest
        return self._candidate()

    def next_timeout(self) -> float | None:
        """Return when to ask for a probe; None if there is nothing left to try."""
        if self._probed:
            return self._sent_at + GIVE_UP
        if self._candidate() is None and self._ceiling == self._largest:
            return None if self._confirm_at == math.inf else self._confirm_at
        return min(self._due, self._confirm_at)

    def probe_sent(self, size: int, now: float) -> None:
        """Note that a probe of this size left."""
        self._probed = size
        self._sent_at = now

    def probe_acked(self, size: int) -> None:
        """Note that a probe of this size arrived, however late."""
        if size == self._probed:
            self._probed = 0
        self.confirmed(size)
        if self.size < size <= self._largest:
            self.size = size
            self._ceiling = max(size, self._ceiling)
            self._n_losses = 0
            self._plan(self._sent_at)

    def probe_lost(self, size: int) -> None:
        """Note that the probe of this size was lost."""
        if size != self._probed:
            return
        self._probed = 0
        if size <= self.size:
            if size == self.size > self._base:
                self._refute()
            return
        self._n_losses += 1
        self._due = self._sent_at + RETRY
        if self._n_losses >= MOST_LOSSES:
            self._n_losses = 0
            self._ceiling = min(self._ceiling, max(self.size, size - 1))
            self._plan(self._due)

    def _refute(self) -> None:
        """Count the loss of a probe of the size in use; in the end, leave it."""
        self._n_refuted += 1
        self._confirm_at = self._sent_at + RETRY
        if self._n_refuted >= MOST_LOSSES:
            due = self._confirm_at
            self.reset()
            self._due = due

    def _plan(self, due: float) -> None:
        """Set when the next size is tried."""
        is_over = self._candidate() is None
        self._due = self._sent_at + AGAIN if is_over else due

    def _candidate(self) -> int | None:
        """Return the next size to try, None if the search is over."""
        for common in COMMON:
            if self.size < common <= self._ceiling:
                return common
        gain = self._ceiling - self.size
        if self._ceiling == self._largest:
            return self._ceiling if gain else None
        return self.size + (gain + 1) // 2 if gain >= LEAST_GAIN else None
