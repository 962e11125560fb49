# SPDX-License-Identifier: MIT
"""What a crowd of bots measured, as one record: for people a table, else JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

__all__ = ["Report"]


@dataclass(frozen=True)
class Report:
    """What bots saw of a server; rates are the mean of a client, over its own time."""

    transport: str
    """Transport of all bots."""
    wanted: int
    """Bots that were started."""
    seconds: float = 0.0
    """Time from the first bot's start to the last one's end."""
    connected: int = 0
    """Bots that joined the game."""
    refused: int = 0
    """Bots that the server turned away, for whatever reason it gave."""
    snapshots_per_s: float = 0.0
    """Snapshots of the world that arrived, a second and client."""
    connect_ms_p50: float = 0.0
    """Milliseconds from the call to having joined, median over the bots."""
    rtt_ms_p50: float = 0.0
    """Milliseconds of a round trip as measured, median over the last 1,024 snapshots of
    every bot."""
    rtt_ms_p99: float = 0.0
    """The same, the value that one sample in a hundred exceeds."""
    bytes_down_per_s: float = 0.0
    """Bytes received, a second and client, without the headers of UDP or TCP."""
    bytes_up_per_s: float = 0.0
    """Bytes sent, a second and client, without the headers of UDP or TCP."""
    errors: int = 0
    """Connections that failed otherwise, or ended before the bots did."""

    @property
    def is_complete(self) -> bool:
        """Return whether every bot joined."""
        return self.connected == self.wanted

    def to_json(self) -> str:
        """Return one JSON object on one line."""
        values = asdict(self)
        return json.dumps(
            {
                name: round(value, 3) if isinstance(value, float) else value
                for name, value in values.items()
            }
        )

    def to_table(self) -> str:
        """Return a table of a row each."""
        rows = (
            ("bots connected", f"{self.connected} of {self.wanted} ({self.transport})"),
            ("refused", f"{self.refused}"),
            ("errors", f"{self.errors}"),
            ("time", f"{self.seconds:.1f} s"),
            ("connect, median", f"{self.connect_ms_p50:.1f} ms"),
            ("round trip, median", f"{self.rtt_ms_p50:.1f} ms"),
            ("round trip, 99 %", f"{self.rtt_ms_p99:.1f} ms"),
            ("snapshots", f"{self.snapshots_per_s:.1f} /s each"),
            ("down", f"{self.bytes_down_per_s / 1000:.1f} kB/s each"),
            ("up", f"{self.bytes_up_per_s / 1000:.1f} kB/s each"),
        )
        return "\n".join(f"{name:<20}{value}" for name, value in rows)
