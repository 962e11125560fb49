# SPDX-License-Identifier: MIT
"""Count what a factory's transports did, let in, refused and dropped.

The counters of a connection live in its core; here is what no connection knows: who was
refused and which bytes belonged to nobody. A flood shows up in these numbers, not in
the log, because a line per hostile packet would be a second flood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gamenet.stats import ConnectionStats

__all__ = ["FactoryStats", "Tally"]


@dataclass(frozen=True, slots=True)
class FactoryStats:
    """What the transports of one factory did since it was made."""

    connections: int = 0
    """Connections that are there now, those that wait to be resumed included."""
    accepted: int = 0
    """Connections whose handshake succeeded."""
    closed: Mapping[str, int] = field(default_factory=dict)
    """Accepted connections that ended, by the name of the close reason."""
    dropped_links: Mapping[str, int] = field(default_factory=dict)
    """Links that were lost while their sessions waited, by the name of the reason."""
    resumed: int = 0
    """Times that a session went on over a new link."""
    migrated: int = 0
    """Times that the address of a peer changed."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """Peers that were refused or gave up before they were accepted, by reason."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Packets thrown away, by reason."""
    packets_received: int = 0
    """Packets that connections accepted."""
    packets_sent: int = 0
    """Packets that connections handed over."""
    bytes_received: int = 0
    """Bytes of the packets received, without the headers of UDP or TCP."""
    bytes_sent: int = 0
    """Bytes of the packets sent, without the headers of UDP or TCP."""
    write_blocked: int = 0
    """Datagrams that the kernel did not take because its send buffer was full."""
    write_failed: int = 0
    """Datagrams that the kernel refused for another reason."""
    paused: int = 0
    """Times that a stream's write buffer was full."""
    callback_errors: int = 0
    """Exceptions raised by callbacks of protocols; of many, not all are in the log."""


class Tally:
    """Collect the counters behind a `FactoryStats`."""

    def __init__(self) -> None:
        self.accepted = 0
        self.closed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.dropped_links: Counter[str] = Counter()
        self.resumed = 0
        self.dropped: Counter[str] = Counter()
        self.write_blocked = 0
        self.write_failed = 0
        self.paused = 0
        self.callback_errors = 0
        self._packets_received = 0
        self._packets_sent = 0
        self._bytes_received = 0
        self._bytes_sent = 0
        self._migrated = 0

    def retire(self, stats: ConnectionStats) -> None:
        """Keep the counts of a connection that ended."""
        self._packets_received += stats.packets_received
        self._packets_sent += stats.packets_sent
        self._bytes_received += stats.bytes_received
        self._bytes_sent += stats.bytes_sent
        self._migrated += stats.migrations
        self.dropped.update(stats.dropped)

    def freeze(self, live: Iterable[ConnectionStats]) -> FactoryStats:
        """Return the counts so far, those of the live connections included."""
        total = Tally()
        total.dropped.update(self.dropped)
        n_live = 0
        for stats in live:
            total.retire(stats)
            n_live += 1
        return FactoryStats(
            connections=n_live,
            accepted=self.accepted,
            closed=dict(self.closed),
            refused=dict(self.refused),
            dropped_links=dict(self.dropped_links),
            resumed=self.resumed,
            migrated=self._migrated + total._migrated,
            dropped=dict(total.dropped),
            packets_received=self._packets_received + total._packets_received,
            packets_sent=self._packets_sent + total._packets_sent,
            bytes_received=self._bytes_received + total._bytes_received,
            bytes_sent=self._bytes_sent + total._bytes_sent,
            write_blocked=self.write_blocked,
            write_failed=self.write_failed,
            paused=self.paused,
            callback_errors=self.callback_errors,
        )
