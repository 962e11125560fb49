# SPDX-License-Identifier: MIT
"""Tell losses that we cause from losses that are there anyway.

A radio link loses packets at random, and sending less does not help. A router that
drops instead of queueing loses what is too much, and only sending less helps. The
difference shows when we do send less: the first link goes on losing as before, and
that share is then the usual one, which is no reason to slow down again.

Source: that a share of losses means nothing is an idea of BBR version 2 (Cardwell and
others, draft-cardwell-iccrg-bbr-congestion-control-02).
"""

from __future__ import annotations

__all__ = ["LossShare"]

COUNT = 100
"""Packets that one judgement is made of: at 10 % random loss, 3 % more or less."""
EXCESS = 0.1
"""Share of losses above the usual one that is too much."""
MOST_USUAL = 0.2
"""No larger share ever counts as usual: we would flood a link that drops."""
CAREFUL = 3
"""Judgements that have to be good after a bad one, until all is forgotten."""


class LossShare:
    """Count what was lost, and say when that is too much."""

    __slots__ = (
        "_is_bad",
        "_is_settling",
        "_n_acked",
        "_n_careful",
        "_usual",
        "n_lost",
    )

    def __init__(self) -> None:
        self.n_lost = 0
        """Packets lost since the last judgement; who learns of a loss adds to it."""
        self._n_acked = 0
        self._n_careful = 0
        self._is_bad = self._is_settling = False
        self._usual = 0.0

    @property
    def is_careful(self) -> bool:
        """Return whether too much was lost not long ago."""
        return self._n_careful > 0

    def judge(self, n_acked: int) -> float:
        """Count packets that arrived; return the share lost if that is too much."""
        self._n_acked += n_acked
        n_packets = self._n_acked + self.n_lost
        if n_packets < COUNT and not self._is_settling:
            return 0.0
        n_lost, self.n_lost, self._n_acked = self.n_lost, 0, 0
        if self._is_settling:
            # These were sent before we slowed down.
            self._is_settling = False
            return 0.0
        share = n_lost / n_packets
        # What is lost even though we have just slowed down is usual.
        self._usual = min(share, MOST_USUAL if self._is_bad else self._usual)
        self._is_bad = self._is_settling = share > self._usual + EXCESS
        self._n_careful = CAREFUL if self._is_bad else max(0, self._n_careful - 1)
        return share if self._is_bad else 0.0
