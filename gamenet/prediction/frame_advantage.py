# SPDX-License-Identifier: MIT
"""Keep the peers of a rollback match in step: who is ahead slows down.

Each peer sees how far it is ahead of what the other was when it sent; that is more than
the truth by the time that the packet took. The other sees the same with the sign turned
round and the way back on top. Half of the difference is what one is ahead, whatever the
way takes, as long as it takes the same both ways.

Source: GGPO's time synchronization, https://github.com/pond3r/ggpo
"""

from __future__ import annotations

__all__ = ["FrameAdvantage", "RollbackPace"]

SMOOTHING = 1 / 16
"""How much each packet counts."""
ENOUGH = 8
"""Packets before anything is said."""
MAX_DUE = 8
"""Ticks made good after a hold-up; what is beyond it is made at a higher speed."""


class FrameAdvantage:
    """Measure how far we are ahead of a peer."""

    def __init__(self) -> None:
        self.local = 0.0
        """How many ticks we seem to be ahead of the peer, seen from here."""
        self._remote = 0.0
        self._n_heard = 0

    def heard(self, ours: int, theirs: int, remote: float) -> None:
        """Take what a packet says.

        Args:
            ours: our newest tick.
            theirs: the peer's, as of the packet.
            remote: how many ticks the peer seems to be ahead of us, seen from there.
        """
        seen = float(ours - theirs)
        self._n_heard += 1
        if self._n_heard == 1:
            self.local, self._remote = seen, remote
        self.local += (seen - self.local) * SMOOTHING
        self._remote += (remote - self._remote) * SMOOTHING

    @property
    def ticks(self) -> float:
        """Return how many ticks we are ahead; 0 before it is known."""
        if self._n_heard < ENOUGH:
            return 0.0
        return (self.local - self._remote) / 2


class RollbackPace:
    """Say how many ticks are due: the own time line, at a speed that changes a little.

    Args:
        tick_rate: ticks a second.
    """

    def __init__(self, tick_rate: float) -> None:
        self.tick_rate = tick_rate
        self._last: float | None = None
        self._owed = 0.0

    def due(self, now: float, speed: float) -> int:
        """Return how many ticks begin now.

        Args:
            now: seconds.
            speed: how fast time goes at present; 1 is as usual.
        """
        if self._last is not None:
            self._owed += max(now - self._last, 0.0) * self.tick_rate * speed
        self._last = now
        n_due = min(int(self._owed + 1e-6), MAX_DUE)
        self._owed = min(self._owed - n_due, 1.0)
        return n_due

    def give_back(self) -> None:
        """Note that a tick that was due could not be made: it still is."""
        self._owed = 1.0

    def wait(self, speed: float) -> float:
        """Return the seconds until a tick is due, whose inputs are there by then."""
        owed = self._owed if self._owed < 1.0 else 0.0
        return (1.0 - owed) / (self.tick_rate * speed)
