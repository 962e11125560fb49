# SPDX-License-Identifier: MIT
"""Sample a connection's counters once a second, and keep the last minute.

A sample is a few floats in a ring, so that a thousand connections can afford it.
"""

from __future__ import annotations

from array import array
from dataclasses import fields

from gamenet.connection.traffic import Traffic
from gamenet.stats import Sample

__all__ = ["HISTORY", "Meter"]

HISTORY = 60
"""Samples kept."""
INTERVAL = 1.0
_WIDTH = len(fields(Sample))
_RECENT = 5


class Meter:
    """Turn totals into rates."""

    __slots__ = (
        "_at",
        "_before",
        "_begun",
        "_ring",
        "_since",
        "next_at",
    )

    def __init__(self, now: float) -> None:
        self.next_at = now + INTERVAL
        """When the next sample is due."""
        # In the ring times count from here: a float of 32 bits has no room for more.
        self._begun = now
        self._since = now
        self._ring = array("f")
        self._at = 0
        self._before = (0, 0, 0, 0, 0, 0)

    def take(
        self,
        now: float,
        totals: tuple[int, int, int, int, int, int],
        traffic: Traffic,
    ) -> None:
        """Take a sample.

        Args:
            now: monotonic seconds.
            totals: packets sent, lost, received and missed, bytes sent and received.
            traffic: what else there is to see.
        """
        link = traffic.link
        seconds = max(now - self._since, 1e-3)
        sent, lost, received, missed, bytes_out, bytes_in = (
            max(0, new - old) for new, old in zip(totals, self._before, strict=True)
        )
        row = (
            now - self._begun,
            0.0 if link is None else link.rtt.smoothed,
            0.0 if link is None else link.rtt.variation,
            min(lost / sent, 1.0) if sent else 0.0,
            missed / (received + missed) if missed else 0.0,
            bytes_out / seconds,
            bytes_in / seconds,
            traffic.outbox.queued_bytes,
            0.0 if link is None or link.is_stream else link.congestion.window,
        )
        self._before = totals
        self._since = now
        self.next_at = now + INTERVAL
        self._keep(row)

    def _keep(self, row: tuple[float, ...]) -> None:
        if len(self._ring) < HISTORY * _WIDTH:
            self._ring.extend(row)
        else:
            begin = self._at * _WIDTH
            self._ring[begin : begin + _WIDTH] = array("f", row)
            self._at = (self._at + 1) % HISTORY

    def history(self) -> list[Sample]:
        """Return the samples, oldest first."""
        ring = self._ring
        rows = [
            Sample(self._begun + ring[i], *ring[i + 1 : i + _WIDTH])
            for i in range(0, len(ring), _WIDTH)
        ]
        return rows[self._at :] + rows[: self._at]

    def recent(self) -> Sample:
        """Return the newest sample, with the losses of the last seconds."""
        history = self.history()[-_RECENT:]
        if not history:
            return Sample()
        newest = history[-1]
        n = len(history)
        return Sample(
            newest.time,
            newest.rtt,
            newest.jitter,
            sum(each.loss_out for each in history) / n,
            sum(each.loss_in for each in history) / n,
            newest.bytes_out,
            newest.bytes_in,
            newest.queued,
            newest.window,
        )
