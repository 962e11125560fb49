# SPDX-License-Identifier: MIT
"""Hold the peers of one factory, and pump those that have something to say.

A message that is sent marks its peer. At the end of the reactor turn, or when the game
calls `flush()` at the end of its tick, all marked peers are pumped in one pass: however
many messages were sent to a peer, they leave in as few packets as hold them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gamenet.transport.clock import monotonic_seconds
from gamenet.transport.counters import FactoryStats, Tally
from gamenet.transport.quiet import Throttle
from gamenet.transport.timers import Sleeper, TimerSet

if TYPE_CHECKING:
    from gamenet.transport.shell import Peer

__all__ = ["PeerSet"]


class PeerSet:
    """The peers of one factory, over all its transports.

    Args:
        reactor: gives delayed calls, and the time.
    """

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.seconds: Callable[[], float] = monotonic_seconds(reactor)
        """Tell the time that every connection of the factory lives in."""
        self.timers = TimerSet(reactor, self.seconds)
        self.tally = Tally()
        self.errors = Throttle(self.seconds)
        """Says which exceptions are logged; all are counted."""
        # A dict keeps the order in which peers came, which a set would not: two runs
        # with one seed must send in the same order.
        self._peers: dict[Peer, None] = {}
        self._expected: dict[Sleeper, None] = {}
        self._marked: list[Peer] = []
        self._is_scheduled = False
        self._turn = 0

    def __iter__(self) -> Iterator[Peer]:
        return iter(tuple(self._peers))

    def __len__(self) -> int:
        return len(self._peers)

    def add(self, peer: Peer) -> None:
        """Take a new peer in."""
        self._peers[peer] = None

    def remove(self, peer: Peer) -> None:
        """Let a peer go whose connection ended, and keep its counts."""
        del self._peers[peer]
        self.tally.retire(peer.connection.stats())
        self._forget(peer)

    def expect(self, arrival: Sleeper) -> None:
        """Wake somebody at its timeouts who may become a peer, or not."""
        self._expected[arrival] = None
        self.timers.schedule(arrival)

    def dismiss(self, arrival: Sleeper) -> None:
        """Expect somebody no more: it is a peer now, or it is gone."""
        self._expected.pop(arrival, None)
        self._forget(arrival)

    def _forget(self, sleeper: Sleeper) -> None:
        """Never wake a sleeper again; the last one leaves no delayed call behind."""
        self.timers.forget(sleeper)
        if not self._peers and not self._expected:
            self.timers.stop()

    def mark(self, peer: Peer) -> None:
        """Have a peer pumped at the end of this reactor turn, or at `flush()`."""
        if peer.is_marked:
            return
        peer.is_marked = True
        self._marked.append(peer)
        if not self._is_scheduled:
            self._is_scheduled = True
            self.reactor.callLater(0, self._end_turn)

    def flush(self) -> None:
        """Pump every peer that is marked now, each time beginning with another.

        They may share a bandwidth; who always came first would always empty it.
        """
        marked, self._marked = self._marked, []
        if not marked:
            return
        first = self._turn % len(marked)
        self._turn += 1
        for peer in marked[first:] + marked[:first]:
            peer.is_marked = False
            peer.pump()

    def stats(self) -> FactoryStats:
        """Return what these peers and all that came before them did."""
        return self.tally.freeze(peer.connection.stats() for peer in self._peers)

    def _end_turn(self) -> None:
        self._is_scheduled = False
        self.flush()
