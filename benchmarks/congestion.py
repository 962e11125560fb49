# SPDX-License-Identifier: MIT
"""A sender that always has more to send, on a slow link with a long queue.

256 kbit/s, a queue of one second, 25 ms each way; two real cores in simulated time, so
the figures are the same on every machine. First one flow alone, then two that share the
link, the second of which comes ten seconds later. The queueing delay is that of every
datagram; the share is counted in payload delivered while both send.
"""

from __future__ import annotations

import heapq
from typing import Any

from benchmarks.percentiles import percentile
from gamenet.connection import Connection, MessageReceived
from gamenet.testing import Pair
from gamenet.transport import Impairment

__all__ = ["run"]

RATE = 32_000.0
"""Bytes a second: 256 kbit/s."""
LATENCY = 0.025
QUEUE = 1.0
SETTLING = 5.0
SECONDS = 60.0
LATE = 10.0
"""Seconds after which the second flow begins."""
MESSAGE = 8_192
AHEAD = 8
"""Messages that the sender has queued or under way at any time."""
SOONEST = 0.0005
"""Seconds between two looks at a timer."""
CHANNEL = 0


def run() -> dict[str, Any]:
    """Return queueing delay, utilisation, and how fairly two flows share."""
    alone, together = _Network([0.0]), _Network([0.0, LATE])
    alone.run()
    together.run()
    (flow,), pair = alone.flows, together.flows
    shares = sorted(each.delivered_after(LATE + SETTLING) for each in pair)
    queued = alone.queued_after(SETTLING)
    return {
        "queue_ms_p95": percentile(queued, 95) * 1e3,
        "queue_ms_p50": percentile(queued, 50) * 1e3,
        "utilisation": alone.carried_after(SETTLING) / RATE / (SECONDS - SETTLING),
        "goodput": flow.delivered_after(SETTLING) / RATE / (SECONDS - SETTLING),
        "share_ratio": shares[1] / max(shares[0], 1),
        "shared_queue_ms_p95": percentile(together.queued_after(LATE + SETTLING), 95)
        * 1e3,
        "lost": alone.link.stats().overflowed,
        "shared_lost": together.link.stats().overflowed,
    }


class _Flow:
    """A sender and its receiver."""

    def __init__(self, number: int, begin: float) -> None:
        pair = Pair(seed=number)
        self.receiver = pair.connect()
        self.sender = pair.client
        self.begin = begin + pair.now
        self._deliveries: list[tuple[float, int]] = []
        self._n_sent = 0

    def delivered_after(self, time: float) -> int:
        """Return the bytes of payload that came after a time."""
        return sum(size for when, size in self._deliveries if when >= time)

    def refill(self, now: float) -> None:
        """Queue messages up to the limit."""
        while now >= self.begin and self._n_sent - len(self._deliveries) < AHEAD:
            self.sender.send(CHANNEL, bytes(MESSAGE), now=now)
            self._n_sent += 1

    def drain(self, now: float) -> None:
        """Note what was delivered."""
        while (event := self.receiver.next_event()) is not None:
            if isinstance(event, MessageReceived):
                self._deliveries.append((now, len(event.payload)))
        while self.sender.next_event() is not None:
            pass


class _Network:
    """Flows that share one slow link; the way back is fast."""

    def __init__(self, begins: list[float]) -> None:
        self.link = Impairment(latency=LATENCY, rate=RATE, queue=QUEUE)
        self.flows = [_Flow(n, begin) for n, begin in enumerate(begins)]
        self._underway: list[tuple[float, int, Connection, bytes]] = []
        self._n_put = 0
        self._carried: list[tuple[float, int, float]] = []

    def run(self) -> None:
        """Simulate it all."""
        now = 0.0
        while now < SECONDS:
            self._deliver(now)
            for flow in self.flows:
                self._work(flow, now)
            now = max(self._next(), now + SOONEST)

    def queued_after(self, time: float) -> list[float]:
        """Return the seconds that each datagram waited for the link after a time."""
        return [wait for when, _, wait in self._carried if when >= time]

    def carried_after(self, time: float) -> int:
        """Return the bytes of datagrams that left the link after a time."""
        return sum(size for when, size, _ in self._carried if time <= when < SECONDS)

    def _deliver(self, now: float) -> None:
        while self._underway and self._underway[0][0] <= now:
            _, _, core, data = heapq.heappop(self._underway)
            core.receive_datagram(data, now=now)

    def _work(self, flow: _Flow, now: float) -> None:
        for core in (flow.sender, flow.receiver):
            due = core.next_timeout()
            if due is not None and due <= now:
                core.handle_timeout(now=now)
        flow.drain(now)
        flow.refill(now)
        for data in flow.sender.datagrams_to_send(now=now):
            for arrival in self.link.admit(len(data), now=now):
                departure = arrival - LATENCY
                wait = departure - now - len(data) / RATE
                self._carried.append((departure, len(data), wait))
                self._put(arrival, flow.receiver, data)
        for data in flow.receiver.datagrams_to_send(now=now):
            self._put(now + LATENCY, flow.sender, data)

    def _put(self, arrival: float, core: Connection, data: bytes) -> None:
        self._n_put += 1
        heapq.heappush(self._underway, (arrival, self._n_put, core, data))

    def _next(self) -> float:
        """Return when something happens next."""
        times = [self._underway[0][0]] if self._underway else []
        for flow in self.flows:
            for core in (flow.sender, flow.receiver):
                due = core.next_timeout()
                if due is not None:
                    times.append(due)
        return min(times, default=SECONDS)
