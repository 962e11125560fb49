# SPDX-License-Identifier: MIT
"""A slow link that several flows share, in simulated time.

Each `Flow` sends through one `Bottleneck` as its `CongestionControl` allows, and gets
acknowledgements as a gamenet peer sends them: once a tick for all that came since, with
the round trip of the newest packet only, corrected by how long that waited there; and
at once after 32 packets. Losses are found as acks tell them, three packets later, or by
a timeout. Timers ring late, as those of a reactor do. One seed, one course of events.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Protocol

from gamenet.connection.congestion import CongestionControl

__all__ = ["Bottleneck", "Flow", "Reno", "Simulation", "percentile"]

ACK_SPAN = 32
REORDER = 3


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Control(Protocol):
    """What a flow asks, and what it tells."""

    def budget(self, now: float) -> int:
        """Return how many bytes may leave."""

    def next_send(self, now: float) -> float | None:
        """Return when to ask again."""

    def sent(self, size: int, now: float) -> None:
        """Note a packet."""

    def acked(self, size: int, sent_at: float, rtt: float | None, now: float) -> None:
        """Note that it arrived."""

    def lost(self, size: int, sent_at: float, now: float) -> None:
        """Note that it is lost."""

    def limited(self, now: float) -> None:
        """Note that there is no more to send."""


class Bottleneck:
    """A link with a queue that drops what finds it full.

    Args:
        rate: bytes a second.
        queue: longest wait in seconds.
        loss: share of packets and acks that are lost at random.
        seed: of the losses.
    """

    def __init__(
        self, rate: float, queue: float = 1.0, *, loss: float = 0.0, seed: int = 0
    ) -> None:
        self.rate, self.queue, self.loss = rate, queue, loss
        self.random = Random(seed)
        self.waits: list[tuple[float, float]] = []
        self._backlog = self._since = 0.0

    def wait(self, now: float) -> float:
        """Return how long a packet would wait before its first byte leaves."""
        gone = (now - self._since) * self.rate
        self._backlog = max(0.0, self._backlog - gone)
        self._since = now
        return self._backlog / self.rate

    def admit(self, size: int, now: float) -> float | None:
        """Return when the last byte of a packet has left, None if it is dropped."""
        wait = self.wait(now)
        self.waits.append((now, wait))
        if wait > self.queue:
            return None
        self._backlog += size
        return now + self._backlog / self.rate

    def loses(self) -> bool:
        """Return whether a packet is lost on its way."""
        return self.random.random() < self.loss

    def change(self, rate: float, now: float) -> None:
        """Carry more or less from now on."""
        self.wait(now)
        self.rate = rate


class Simulation:
    """Flows on one link, and what happens when."""

    def __init__(self, link: Bottleneck) -> None:
        self.link = link
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._serial = count()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Do something later."""
        heappush(self._events, (moment, next(self._serial), action))

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            self.now, _, action = heappop(self._events)
            action()
        self.now = until

    def queued(self, share: float, begin: float = 0.0, end: float = math.inf) -> float:
        """Return a percentile of the waits in the queue, in seconds."""
        waits = [wait for moment, wait in self.link.waits if begin <= moment < end]
        return percentile(waits or [0.0], share)


class Flow:
    """A sender and its peer.

    Args:
        simulation: where it takes place.
        control: says what may leave; a `CongestionControl` unless another is given.
        size: bytes of each packet.
        start: when it begins.
        delay: seconds of travel there and back, in equal parts.
        tick: how often the peer acknowledges.
        jitter: largest random delay of a round trip; it does not reorder packets.
        timer: how coarse the timers of the sender are.
        load: bytes that a game has to send each tick; without it there is always more.
        chatter: bytes of a packet that leaves each tick whatever the budget is.
        is_strict: whether only what fits the budget is sent.
        seed: of jitter and phases.
    """

    game_tick = 1 / 30

    def __init__(
        self,
        simulation: Simulation,
        *,
        control: Control | None = None,
        size: int = 1200,
        start: float = 0.0,
        delay: float = 0.06,
        tick: float = 0.02,
        jitter: float = 0.005,
        timer: float = 0.001,
        load: Callable[[], int] | None = None,
        chatter: int = 0,
        is_strict: bool = False,
        seed: int = 1,
    ) -> None:
        self.control: Control = control or CongestionControl()
        self.simulation, self.size, self.delay, self.tick = (
            simulation,
            size,
            delay,
            tick,
        )
        self.jitter, self.timer, self.load, self.chatter = jitter, timer, load, chatter
        self.least_budget = size if is_strict else 1
        self.random = Random(seed)
        self.arrivals: list[tuple[float, int]] = []
        self.n_sent = self.n_lost = self.n_blocked = 0
        self._next = 0
        self._unsent = math.inf if load is None else 0
        self._flying: dict[int, tuple[float, int]] = {}
        self._late: dict[int, tuple[float, int]] = {}
        self._come: list[tuple[int, float]] = []
        self._newest_arrival = self._round_trip = 0.0
        self._timer_at = math.inf
        self._has_ack_timer = False
        self._n_doublings = 0
        self._phase = self.random.random()
        simulation.at(start, self._begin)

    @property
    def own(self) -> CongestionControl:
        """Return the control, which is ours."""
        assert isinstance(self.control, CongestionControl)
        return self.control

    def carried(self, begin: float, end: float) -> float:
        """Return the bytes a second that came to the peer."""
        total = sum(size for moment, size in self.arrivals if begin <= moment < end)
        return total / (end - begin)

    # -- the sender -----------------------------------------------------------

    def _begin(self) -> None:
        if self.load is not None or self.chatter:
            self._play()
        self._check_timeouts()

    def _play(self) -> None:
        simulation = self.simulation
        simulation.at(simulation.now + self.game_tick, self._play)
        if self.chatter:
            self._send(self.chatter)
        if self.load is not None:
            self._unsent += self.load()
            self._pump()
            self.n_blocked += self._unsent > 0

    def _pump(self) -> None:
        now, control = self.simulation.now, self.control
        while self._unsent > 0 and control.budget(now) >= self.least_budget:
            size = int(min(self.size, self._unsent))
            self._unsent -= size
            self._send(size)
        if self._unsent <= 0:
            control.limited(now)
            return
        due = control.next_send(now)
        if due is not None:
            # Half a step later, so that rounding cannot make it now.
            ring = (math.floor(due / self.timer) + 1.5) * self.timer
            if ring < self._timer_at:
                self._timer_at = ring
                self.simulation.at(ring, self._ring)

    def _ring(self) -> None:
        if self.simulation.now >= self._timer_at:
            self._timer_at = math.inf
        self._pump()

    def _send(self, size: int) -> None:
        now, link = self.simulation.now, self.simulation.link
        self.control.sent(size, now)
        self.n_sent += 1
        sequence, self._next = self._next, self._next + 1
        self._flying[sequence] = (now, size)
        left = link.admit(size, now)
        if left is None or link.loses():
            return
        arrival = max(left + self._travel(), self._newest_arrival)
        self._newest_arrival = arrival
        self.simulation.at(arrival, lambda: self._arrive(sequence, size))

    def _travel(self) -> float:
        return (self.delay + self.random.random() * self.jitter) / 2

    # -- the peer -------------------------------------------------------------

    def _arrive(self, sequence: int, size: int) -> None:
        now = self.simulation.now
        self.arrivals.append((now, size))
        self._come.append((sequence, now))
        if len(self._come) >= ACK_SPAN:
            self._acknowledge()
        elif not self._has_ack_timer:
            self._has_ack_timer = True
            n_ticks = math.floor(now / self.tick - self._phase) + 1
            self.simulation.at((n_ticks + self._phase) * self.tick, self._ack_tick)

    def _ack_tick(self) -> None:
        self._has_ack_timer = False
        if self._come:
            self._acknowledge()

    def _acknowledge(self) -> None:
        simulation = self.simulation
        if simulation.link.loses():
            return  # the next ack says it again
        come, self._come = self._come, []
        waited = simulation.now - come[-1][1]
        sequences = [sequence for sequence, _ in come]
        simulation.at(
            simulation.now + self._travel(), lambda: self._take_ack(sequences, waited)
        )

    # -- the sender again -----------------------------------------------------

    def _take_ack(self, sequences: list[int], waited: float) -> None:
        now, newest = self.simulation.now, sequences[-1]
        for sequence in sequences:
            packet = self._flying.pop(sequence, None) or self._late.pop(sequence, None)
            if packet is None:
                continue
            sent_at, size = packet
            rtt = now - sent_at - waited if sequence == newest else None
            if rtt is not None:
                self._round_trip += (rtt - self._round_trip) / 8
            self._n_doublings = 0
            self.control.acked(size, sent_at, rtt, now)
        self._lose([s for s in self._flying if s <= newest - REORDER])
        self._pump()

    def _lose(self, sequences: list[int]) -> None:
        for sequence in sequences:
            sent_at, size = self._flying.pop(sequence)
            # An ack that comes all the same measures the round trip, and no more.
            self._late[sequence] = (sent_at, 0)
            self.n_lost += 1
            self.control.lost(size, sent_at, self.simulation.now)

    def _check_timeouts(self) -> None:
        now = self.simulation.now
        usual = max(2 * self._round_trip, 0.1) + 0.05 if self._round_trip else 1.0
        limit = min(usual * (1 << self._n_doublings), max(usual, 2.0))
        overdue = [s for s, (t, _) in self._flying.items() if now - t > limit]
        if overdue:
            self._n_doublings = min(self._n_doublings + 1, 8)
        self._lose(overdue)
        self.simulation.at(now + 0.05, self._check_timeouts)
        self._pump()


class Reno:
    """Send as TCP did for long: a packet more each round trip, half after a loss."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.window = 12000.0
        self._is_starting = True
        self._cut_at = -math.inf

    def budget(self, now: float) -> int:
        """Return what the window leaves."""
        return int(self.window - self.in_flight)

    def next_send(self, now: float) -> float | None:
        """Wait for acks only."""
        return None

    def sent(self, size: int, now: float) -> None:
        """Note a packet."""
        self.in_flight += size

    def acked(self, size: int, sent_at: float, rtt: float | None, now: float) -> None:
        """Grow."""
        self.in_flight -= size
        self.window += size if self._is_starting else 1200 * size / self.window

    def lost(self, size: int, sent_at: float, now: float) -> None:
        """Halve, once a round trip."""
        self.in_flight -= size
        self._is_starting = False
        if sent_at > self._cut_at:
            self._cut_at = now
            self.window = max(2400.0, self.window / 2)

    def limited(self, now: float) -> None:
        """Take no notice."""
