# SPDX-License-Identifier: MIT
"""A bad link in user space: every datagram arrives late, and some never.

Real sockets on both sides, so whatever speaks UDP can be measured through it. Each flow
has a seed of its own, and each direction of a flow draws its losses apart from the
other. Datagrams leave when they are due to a fraction of a millisecond: the last part
of each wait is spent spinning, because a sleeping process wakes up late, and where the
system allows it the link goes before all other processes, as a network does. How late
it really was is counted, and belongs to the figures that were measured through it.

A client that comes from another port is given another port towards the server, too.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import math
import os
import random
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.percentiles import percentile
from benchmarks.roles import Pipe

__all__ = ["Carried", "Condition", "carry"]

SPIN = 0.0003
LONGEST_SLEEP = 0.05
LARGEST = 65_536
HOST = "127.0.0.1"

Give = Callable[[bytes], object]
Address = tuple[str, int]


@dataclass(frozen=True)
class Condition:
    """What the link does to datagrams, in each direction."""

    delay: float
    """Seconds that a datagram travels."""
    loss: float
    """Share of the datagrams that are lost."""


@dataclass
class Carried:
    """What one direction of a flow was given to carry, losses included."""

    n_datagrams: int = 0
    n_bytes: int = 0
    n_lost: int = 0


class _Fate:
    """Decide which datagrams of one direction are lost, and count all."""

    def __init__(self, loss: float, seed: str) -> None:
        self.carried = Carried()
        self.is_blocked = False
        self._loss = loss
        self._draw = random.Random(seed).random

    def spares(self, data: bytes) -> bool:
        """Tell whether a datagram arrives."""
        self.carried.n_datagrams += 1
        self.carried.n_bytes += len(data)
        is_lost = self._draw() < self._loss or self.is_blocked
        self.carried.n_lost += is_lost
        return not is_lost


class _Flow:
    """The clients of one port, on their way to one server and back."""

    def __init__(self, link: _Link, port: int, seed: int, loss: float) -> None:
        self._link = link
        self._server = (HOST, port)
        self._fars: dict[Address, socket.socket] = {}
        self.there = _Fate(loss, f"there {seed}")
        self.back = _Fate(loss, f"back {seed}")
        self.near = _bound()
        link.watch(self.near, self._take_there)

    def _take_there(self) -> None:
        data, address = self.near.recvfrom(LARGEST)
        far = self._fars.get(address) or self._make_far(address)
        if self.there.spares(data):
            self._link.put(far.send, data)

    def _make_far(self, address: Address) -> socket.socket:
        far = self._fars[address] = _bound()
        far.connect(self._server)

        def give(data: bytes) -> None:
            self.near.sendto(data, address)

        def take_back() -> None:
            data = far.recv(LARGEST)
            if self.back.spares(data):
                self._link.put(give, data)

        self._link.watch(far, take_back)
        return far


class _Link:
    """What all flows have on its way, and when it is due."""

    def __init__(self, delay: float) -> None:
        self.lateness: list[float] = []
        self._delay = delay
        self._takers: dict[Any, Callable[[], None]] = {}
        self._underway: list[tuple[float, int, Give, bytes]] = []
        self._n_put = 0

    def watch(self, source: Any, take: Callable[[], None]) -> None:
        """Call `take` whenever there is something to read."""
        self._takers[source] = take

    def put(self, give: Give, data: bytes) -> None:
        """Let a datagram arrive after the delay, counted from now."""
        self._n_put += 1
        due = time.monotonic() + self._delay
        heapq.heappush(self._underway, (due, self._n_put, give, data))

    def turn(self) -> None:
        """Wait for the next thing to do, and do it."""
        due = self._underway[0][0] if self._underway else math.inf
        sleep = min(max(due - time.monotonic() - SPIN, 0.0), LONGEST_SLEEP)
        for source in select.select([*self._takers], [], [], sleep)[0]:
            try:
                self._takers[source]()
            except ConnectionRefusedError:
                continue  # the server has gone
        self._deliver()

    def _deliver(self) -> None:
        underway = self._underway
        while underway and underway[0][0] <= (now := time.monotonic()):
            due, _, give, data = heapq.heappop(underway)
            self.lateness.append(now - due)
            try:
                give(data)
            except ConnectionRefusedError:
                continue


def carry(pipe: Pipe, targets: list[tuple[int, int]], condition: Condition) -> None:
    """Carry a flow to each target, a port and a seed: the role of the link.

    Sends the ports for the clients. Answers "carried" with a pair of `Carried` for each
    flow, there and back; "lateness" with its own 99th percentile and the largest, in
    milliseconds; "block" with nothing of value, but carries nothing from then on.
    """
    link = _Link(condition.delay)
    flows = [_Flow(link, port, seed, condition.loss) for port, seed in targets]
    is_over = False

    def answer() -> None:
        nonlocal is_over
        try:
            pipe.send(_answer(link, flows, pipe.recv()))
        except EOFError:
            is_over = True

    link.watch(pipe, answer)
    pipe.send([flow.near.getsockname()[1] for flow in flows])
    gc.disable()
    _go_first()
    while not is_over:
        link.turn()


def _answer(link: _Link, flows: list[_Flow], question: str) -> Any:
    if question == "carried":
        return [(flow.there.carried, flow.back.carried) for flow in flows]
    if question == "block":
        for flow in flows:
            flow.there.is_blocked = flow.back.is_blocked = True
        return "blocked"
    return percentile(link.lateness, 99) * 1e3, max(link.lateness) * 1e3


def _bound() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    return made


def _go_first() -> None:
    with contextlib.suppress(AttributeError, OSError):  # not here, or not for us
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
