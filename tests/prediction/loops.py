# SPDX-License-Identifier: MIT
"""A client and a server whose times follow one another, over a link in simulated time.

Only the two programs' outer loops are played here; clock, lead, buffer, queue and
feedback are the real ones.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from gamenet.prediction import (
    ClockSync,
    Feedback,
    Input,
    InputBuffer,
    InputQueue,
    Lead,
    wire_clock,
)
from gamenet.wire import uint32

__all__ = ["Link", "Loop", "Steer"]


class Steer(Input):
    """Says which tick it was meant for."""

    tick: int = uint32()


@dataclass
class Link:
    """One way of a network.

    Attributes:
        delay: seconds.
        jitter: seconds, of the kind.
        kind: "normal" (standard deviation), "uniform" (to either side) or
            "exponential" (mean, only later).
        loss: share of packets.
    """

    delay: float
    jitter: float = 0.0
    kind: str = "normal"
    loss: float = 0.0

    def takes(self, random: Random) -> float | None:
        """Return how long a packet is under way, None if it is lost."""
        if random.random() < self.loss:
            return None
        if self.kind == "normal":
            noise = random.gauss(0.0, self.jitter)
        elif self.kind == "uniform":
            noise = random.uniform(-self.jitter, self.jitter)
        else:
            noise = random.expovariate(1 / self.jitter) if self.jitter else 0.0
        return max(self.delay + noise, 0.0)


@dataclass
class Loop:
    """A server and a client, run in steps of the client's pictures.

    Attributes:
        up: the way of inputs.
        down: the way of feedback.
        rate: ticks a second.
        seed: of all chance.
        picture: seconds between two pictures of the client.
        drift: how much faster the server's clock runs.
        begin: the tick in which the client comes.
        known_rtt: the round trip that the client believes in at first; None: the true
            one.
        now: seconds since then.
        skipped: ticks that the server has left out.
        aheads: at each picture, how many ticks the client is ahead of the server.
    """

    up: Link
    down: Link
    rate: float = 30.0
    seed: int = 0
    picture: float = 1 / 60
    drift: float = 0.0
    begin: int = 5000
    now: float = 0.0
    skipped: float = 0.0
    known_rtt: float | None = None
    aheads: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make both sides; the client has just been welcomed."""
        self.random = Random(self.seed)
        self.clock = ClockSync(self.rate)
        self.lead = Lead(self.rate)
        self.buffer = InputBuffer([Steer])
        self.queue = InputQueue([Steer], self.rate)
        welcomed = self.server_time(-self.down.delay)
        rtt = self.known_rtt
        if rtt is None:
            rtt = self.up.delay + self.down.delay
        self.clock.seed(welcomed, rtt, 0.0)
        self.game_tick = self.begin
        self.taken: list[tuple[int, int]] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._n_events = 0
        self._after(1 / self.rate, self._tick)
        self._after(self.random.random() * self.picture, self._picture)
        self._next_feedback = 0.0
        self.stalled_until = 0.0

    def server_time(self, now: float) -> float:
        """Return the server's time in ticks."""
        return self.begin + now * (1 + self.drift) * self.rate - self.skipped

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self.now, _, call = heapq.heappop(self._events)
            call()
        self.now = end

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self._n_events += 1
        heapq.heappush(self._events, (self.now + seconds, self._n_events, call))

    def _tick(self) -> None:
        """Make a tick on the server."""
        time = self.server_time(self.now)
        tick = round(time)
        self.game_tick = tick
        for item in self.queue.take(tick):
            self.taken.append((tick, item.tick))
        if self.now >= self._next_feedback - 1e-9:
            feedback = self.queue.feedback(time)
            if feedback is not None:
                self._next_feedback = self.now + 0.1
                data = feedback.encode()
                self._send(self.down, lambda: self._hear(data))
        left = tick + 1 - time
        self._after(left / self.rate / (1 + self.drift), self._tick)

    def _picture(self) -> None:
        """Make a picture on the client, and the own ticks that begin with it."""
        if self.now < self.stalled_until:
            self._after(self.stalled_until - self.now, self._picture)
            return
        self._after(self.picture, self._picture)
        ticks = self.lead.advance(self.now, self.clock)
        if self.lead.resynced:
            self.buffer.restart()
        for tick in ticks:
            self.buffer.hold(Steer(tick), tick)
            self.buffer.close(tick)
        if ticks:
            data = self.buffer.packet(wire_clock(self.now))
            self._send(self.up, lambda: self._receive(data))
        ahead = self.lead.position(self.now) - self.server_time(self.now)
        self.aheads.append((self.now, ahead))

    def _send(self, link: Link, call: Callable[[], None]) -> None:
        takes = link.takes(self.random)
        if takes is not None:
            self._after(takes, call)

    def _receive(self, data: bytes) -> None:
        time = self.server_time(self.now)
        self.queue.receive(data, tick=math.floor(time + 1e-9), at=time)

    def _hear(self, data: bytes) -> None:
        if self.now < self.stalled_until:
            self._after(self.stalled_until - self.now, lambda: self._hear(data))
            return
        feedback = Feedback.decode(data)
        sent = feedback.sent_at(self.now)
        self.clock.sample(sent, self.now, feedback.server_tick, feedback.held)
        self.lead.hear(feedback)
        self.buffer.acked(feedback.acked)
        self.buffer.forget(self.game_tick - 10)
