# SPDX-License-Identifier: MIT
"""What the server tells a player about their inputs, some ten times a second.

    echo u32 | held u16 | tick u32 | fraction u16 | acked u32 | slack i16 | wanted u16 |
    late u8 | missing u8 | depth u8

One message closes three loops: the echo and the server's time feed the client's
`ClockSync`, slack and wanted its `Lead`, and acked ends what `InputBuffer` repeats.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gamenet.errors import RemoteProtocolError

__all__ = ["Feedback", "wire_clock"]

_LAYOUT = struct.Struct("<IHIHIhHBBB")
SIZE = _LAYOUT.size
HELD_UNIT = 1e-5  # seconds: 10 us, so that 16 bits reach 0.65 s
HELD_UNKNOWN = 0xFFFF
PER_TICK = 128  # steps of slack and wanted


def wire_clock(now: float) -> int:
    """Return a client's time as its packets say it: microseconds modulo 2**32.

    Args:
        now: seconds of a clock that never goes back.
    """
    return int(now * 1e6) & 0xFFFFFFFF


@dataclass(slots=True)
class Feedback:
    """The server's answer to the inputs that came of late."""

    echo: int
    """Clock of the input packet that came last: the client's microseconds modulo
    2**32."""
    held: float | None
    """Seconds between that packet's arrival and this; None: the echo is too old."""
    server_tick: float
    """Server time, in ticks, when this was sent."""
    acked: int
    """Tick of the newest frame that came; 0 before the first."""
    slack: float
    """How many ticks before their use frames came of late, on average."""
    wanted: float
    """What `slack` should be on this link, in ticks."""
    late: int = 0
    """Frames that came too late, modulo 256."""
    missing: int = 0
    """Ticks that were made without their frame, modulo 256."""
    depth: int = 0
    """Frames that wait for their tick, 255 at most."""

    def sent_at(self, now: float) -> float:
        """Return when the echoed packet was sent, on the clock that stamped it."""
        return now - ((wire_clock(now) - self.echo) & 0xFFFFFFFF) * 1e-6

    def encode(self) -> bytes:
        """Return the bytes; what does not fit saturates."""
        held = HELD_UNKNOWN if self.held is None else round(self.held / HELD_UNIT)
        steps = round(self.server_tick * 65536)
        return _LAYOUT.pack(
            self.echo & 0xFFFFFFFF,
            min(max(held, 0), HELD_UNKNOWN),
            (steps >> 16) & 0xFFFFFFFF,
            steps & 0xFFFF,
            self.acked & 0xFFFFFFFF,
            min(max(round(self.slack * PER_TICK), -0x8000), 0x7FFF),
            min(max(round(self.wanted * PER_TICK), 0), 0xFFFF),
            self.late & 0xFF,
            self.missing & 0xFF,
            min(self.depth, 0xFF),
        )

    @classmethod
    def decode(cls, data: bytes) -> Feedback:
        """Return what some bytes say.

        Raises:
            RemoteProtocolError: they are not as many as a feedback has.
        """
        if len(data) != SIZE:
            msg = f"a feedback of {len(data)} bytes: it has {SIZE}"
            raise RemoteProtocolError(msg)
        echo, held, tick, fraction, acked, slack, wanted, late, missing, depth = (
            _LAYOUT.unpack(data)
        )
        return cls(
            echo,
            None if held == HELD_UNKNOWN else held * HELD_UNIT,
            tick + fraction / 65536,
            acked,
            slack / PER_TICK,
            wanted / PER_TICK,
            late,
            missing,
            depth,
        )
