# SPDX-License-Identifier: MIT
"""Which ticks one client lives in: its own ahead of the server's, its view behind it.

The client's own ticks run ahead by what its link needs, so that what the player does in
a tick is at the server when the server makes that tick. What others do is shown a
moment late, so that there is always something to slide towards. Between the two is the
server's time, which `ClockSync` estimates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gamenet.errors import LocalProtocolError
from gamenet.prediction import (
    ClockSync,
    Feedback,
    Input,
    InputBuffer,
    Lead,
    Playout,
    Schedule,
    Scheduled,
    Sight,
    wire_clock,
)

__all__ = ["Timelines"]

FEEDBACK_INTERVAL = 0.1
"""Seconds between two times that a server says what inputs it has."""
MIN_PATIENCE = 0.15
ROUNDING = 1e-6
"""Of a tick: so that 0.1 seconds at 30 Hz are 3 ticks."""
MOST_HELD = 8
"""Ticks that inputs may be held ahead."""


class Timelines:
    """Keep the time lines of one client, and the inputs that travel along them.

    Args:
        inputs: the game's input classes, in wire order.
        tick_rate: ticks a second.
        tick: the server's, as its welcome says.
        now: when the welcome came, in monotonic seconds.
        rtt: seconds there and back, 0 if that is not known yet.
        delay: seconds that others are shown late; None follows what is measured.
    """

    def __init__(
        self,
        inputs: Sequence[type[Input]],
        tick_rate: float,
        *,
        tick: int,
        now: float,
        rtt: float = 0.0,
        delay: float | None = None,
    ) -> None:
        self.tick_rate = tick_rate
        self.clock = ClockSync(tick_rate)
        """The server's time."""
        self.clock.seed(tick, rtt, now)
        self.lead = Lead(tick_rate)
        """Our own ticks."""
        self.playout = Playout(tick_rate, delay)
        """The ticks that are shown."""
        self.inputs = InputBuffer(inputs)
        """What the player did, until the server has it."""
        self.schedule = Schedule()
        """What is to be called at a tick of the server's."""
        self.feedback: Feedback | None = None
        """What the server said last about our inputs."""
        self.sampling: int | None = None
        """The own tick whose inputs are being sampled; None between two ticks."""
        self._held = 0
        self.keeps_inputs = False
        """Whether a prediction may want inputs once more that the server has."""
        self.n_late = 0
        """Frames that came to the server after their tick."""
        self.n_missing = 0
        """Frames that the server had to do without."""

    def arrived(self, tick: int, now: float) -> None:
        """Note that a snapshot has come."""
        self.playout.arrived(tick, now)

    def hear(self, payload: bytes, now: float) -> None:
        """Take what the server says about our inputs.

        Raises:
            RemoteProtocolError: malformed.
        """
        feedback = Feedback.decode(payload)
        self.inputs.acked(feedback.acked)
        if not self.keeps_inputs:
            self.inputs.forget(feedback.acked)
        if feedback.held is not None:
            sent = feedback.sent_at(now)
            self.clock.sample(sent, now, feedback.server_tick, feedback.held)
        before, self.feedback = self.feedback, feedback
        if before is not None:
            self.n_late += feedback.late - before.late & 0xFF
            self.n_missing += feedback.missing - before.missing & 0xFF
        self.lead.hear(feedback)

    def begin(self, now: float) -> range:
        """Return our own ticks that begin now, oldest first."""
        ticks = self.lead.advance(now, self.clock)
        if self.lead.resynced:
            self.inputs.restart()
        return ticks

    def hold(self, item: Input, now: float) -> int:
        """Take what the player does, for the tick that is being sampled or the next.

        Returns:
            The tick whose frame has it.

        Raises:
            LocalProtocolError: not an input of this game, or a value cannot be sent.
        """
        if self.sampling is not None:
            return self.inputs.hold(item, self.sampling)
        if self.inputs.is_steady:
            return self.inputs.hold(item, self.lead.tick + 1)
        tick = self._soonest(now)
        if tick + MOST_HELD < self._held:
            # The server has lost time: what we held for ticks to come would block them.
            self.inputs.restart()
        self._held = self.inputs.hold(item, tick)
        return self._held

    def _soonest(self, now: float) -> int:
        """Return the next tick for which an input can be there that is sent now."""
        clock = self.clock
        way = clock.rtt / 2 + 2 * clock.jitter
        return math.floor(clock.server_tick(now) + way * self.tick_rate) + 1

    def close(self, tick: int, sight: Sight | None) -> None:
        """End the frame of a tick.

        Args:
            tick: the tick that was sampled.
            sight: what the player saw when it began.
        """
        self.sampling = None
        self.inputs.close(tick, sight)

    def packet(self, now: float) -> bytes:
        """Return the packet that carries all inputs which the server may lack."""
        return self.inputs.packet(wire_clock(now))

    def at(self, tick: int, function: Any, *args: Any) -> Scheduled:
        """Call a function when the server makes a tick, by our estimate."""
        if tick < 0:
            msg = f"at(tick={tick}): ticks begin at 0"
            raise LocalProtocolError(msg)
        return self.schedule.at(tick, function, *args)

    def at_time(self, seconds: float, function: Any, *args: Any) -> Scheduled:
        """Call a function at a moment of the server's time, in seconds since tick 0."""
        tick = math.ceil(seconds * self.tick_rate - ROUNDING)
        return self.at(tick, function, *args)

    def due(self, now: float) -> list[Any]:
        """Return what is to be called now, in the order of the ticks."""
        return self.schedule.due(math.floor(self.clock.server_tick(now)))

    @property
    def patience(self) -> float:
        """Return after how many seconds inputs go once more if nothing is heard."""
        return max(MIN_PATIENCE, 1.5 * self.clock.rtt + FEEDBACK_INTERVAL)

    def stats(self, now: float) -> dict[str, Any]:
        """Return how the time lines stand, ready for JSON; ticks unless named."""
        clock, lead, feedback = self.clock, self.lead, self.feedback
        return {
            "server_tick": clock.server_tick(now),
            "own_tick": lead.tick,
            "view_tick": self.playout.view_tick(now),
            "ahead": lead.ahead,
            "speed": lead.speed,
            "clock_error_ms": clock.error * 1000,
            "clock_drift_ppm": clock.drift * 1e6,
            "rtt_ms": clock.rtt * 1000,
            "jitter_ms": clock.jitter * 1000,
            "resyncs": clock.n_resyncs + lead.n_resyncs,
            "delay_ms": self.playout.delay * 1000,
            "slack": feedback.slack if feedback else 0.0,
            "wanted": feedback.wanted if feedback else 0.0,
            "queued": feedback.depth if feedback else 0,
            "inputs_late": self.n_late,
            "inputs_missing": self.n_missing,
            "inputs_unacked": self.inputs.n_unacked,
        }
