# SPDX-License-Identifier: MIT
"""What many UDP clients cost one server.

1,000 idle connections: the memory of each, as the process grows. 100 clients: how long
a broadcast takes from the first `sendMessage` until the last client has it. 200 clients
at 30 ticks a second, 200 bytes down and 40 bytes up in each, encrypted: the CPU time of
the server's process for a client and tick, everything included. The clients are bare
cores in another process.
"""

from __future__ import annotations

import gc
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from twisted.internet.task import LoopingCall

from benchmarks.crowd import Crowd, Member
from benchmarks.percentiles import percentile
from benchmarks.roles import Pipe, playing
from benchmarks.serving import RELIABLE, UNRELIABLE, serve
from benchmarks.stamped import STAMP, stamped
from gamenet.connection import ConnectionConfig
from gamenet.transport import GameProtocol, GameServerFactory

__all__ = ["run"]

N_WARM, N_IDLE = 50, 1000
N_AUDIENCE, N_BROADCASTS = 100, 40
N_PLAYERS = 200
RATE = 30.0
DOWN, UP = 200, 40
PLAY = 8.0
WATCH = 5.0
"""Seconds of the play that are measured, after the first one."""
QUIET = ConnectionConfig(heartbeat=1.0)
"""One packet a second and direction is idle."""


def run() -> dict[str, Any]:
    """Return memory, broadcast time and CPU time."""
    return {**_memory(), **_broadcast(), **_cpu()}


def hold(pipe: Pipe, n_tokens: int) -> None:
    """Hold idle connections and tell the process's size: a role of the server."""
    serve(pipe, GameProtocol, n_tokens, lambda factory, question: _resident(), QUIET)


def stay(pipe: Pipe, port: int, tokens: list[bytes], n_warm: int) -> None:
    """Connect some clients, and the others when told to: a role of the crowd."""
    crowds = [
        Crowd(port, tokens[:n_warm], QUIET),
        Crowd(port, tokens[n_warm:], QUIET),
    ]
    for crowd in crowds:
        crowd.connect()
        pipe.send("connected")
        while not pipe.poll():
            for each in crowds:
                each.idle()
        pipe.recv()
    for crowd in crowds:
        crowd.leave()
    pipe.send("left")


def _memory() -> dict[str, float]:
    """Return what a connection takes, not counting what the first ones took."""
    with playing(hold, N_WARM + N_IDLE) as server:
        port, tokens = server.hear()
        with playing(stay, port, tokens, N_WARM) as crowd:
            crowd.hear()
            before = server.ask("memory")
            crowd.ask("go on")
            time.sleep(2.0)
            after = server.ask("memory")
            crowd.ask("go on")
    return {"kib_each": (after - before) / N_IDLE}


def announce(pipe: Pipe, n_tokens: int) -> None:
    """Send a message to every client when told to: a role of the server."""

    def reply(factory: GameServerFactory, number: int) -> int:
        message = stamped(0, number, DOWN)
        for protocol in factory.connections:
            protocol.sendMessage(RELIABLE, message)
        factory.flush()
        return number

    serve(pipe, GameProtocol, n_tokens, reply)


def listen(pipe: Pipe, port: int, tokens: list[bytes]) -> None:
    """Time every message: a role of the crowd."""
    took: defaultdict[int, list[float]] = defaultdict(list)

    def hear(payload: bytes) -> None:
        _, number, sent = STAMP.unpack_from(payload)
        took[number].append(time.monotonic() - sent)

    crowd = Crowd(port, tokens, hear=hear)
    crowd.connect()
    pipe.send("connected")
    while not pipe.poll():
        crowd.idle()
    pipe.send(dict(took))
    crowd.leave()


def _broadcast() -> dict[str, float]:
    """Return how long after its start a broadcast has reached everybody."""
    with playing(announce, N_AUDIENCE) as server:
        port, tokens = server.hear()
        with playing(listen, port, tokens) as crowd:
            crowd.hear()
            for number in range(N_BROADCASTS):
                server.ask(number)
                time.sleep(0.1)
            took = crowd.ask("result")
    last = [max(times) * 1e3 for times in took.values() if len(times) == N_AUDIENCE]
    return {
        "broadcast_ms": percentile(last, 50),
        "broadcast_ms_p99": percentile(last, 99),
        "broadcasts_incomplete": N_BROADCASTS - len(last),
    }


def tick(pipe: Pipe, n_tokens: int) -> None:
    """Send every client a payload each tick: a role of the server."""
    n_ticks = n_inputs = 0

    class Playing(GameProtocol):
        def messageReceived(self, channel: int, payload: bytes) -> None:
            nonlocal n_inputs
            n_inputs += 1

    def step(factory: GameServerFactory) -> None:
        nonlocal n_ticks
        n_ticks += 1
        payload = os.urandom(DOWN)
        for protocol in factory.connections:
            protocol.sendMessage(UNRELIABLE, payload)
        factory.flush()

    def reply(factory: GameServerFactory, question: str) -> Any:
        if question == "begin":
            LoopingCall(step, factory).start(1 / RATE)
        return time.process_time(), n_ticks, n_inputs

    serve(pipe, Playing, n_tokens, reply)


def play(pipe: Pipe, port: int, tokens: list[bytes]) -> None:
    """Send an input each tick: a role of the crowd."""
    n_heard = 0

    def hear(payload: bytes) -> None:
        nonlocal n_heard
        n_heard += 1

    def act(member: Member) -> None:
        member.send(UNRELIABLE, bytes(UP))

    crowd = Crowd(port, tokens, hear=hear)
    crowd.connect()
    pipe.send("connected")
    begin = time.monotonic()
    crowd.play(PLAY, RATE, act)
    pipe.send((n_heard, time.monotonic() - begin))
    crowd.leave()


def _cpu() -> dict[str, float]:
    """Return the server's CPU time, and how much of the load really happened."""
    with playing(tick, N_PLAYERS) as server:
        port, tokens = server.hear()
        with playing(play, port, tokens) as crowd:
            crowd.hear()
            server.ask("begin")
            time.sleep(1.0)
            cpu_0, ticks_0, inputs_0 = server.ask("count")
            time.sleep(WATCH)
            cpu, ticks, inputs = server.ask("count")
            n_heard, seconds = crowd.hear()
    shares = N_PLAYERS * (ticks - ticks_0)
    return {
        "cpu_us_per_client_tick": (cpu - cpu_0) / shares * 1e6,
        "ticks_per_s": (ticks - ticks_0) / WATCH,
        "inputs_per_client_tick": (inputs - inputs_0) / shares,
        "heard_per_client_s": n_heard / N_PLAYERS / seconds,
    }


def _resident() -> float:
    """Return the KiB of memory that this process holds."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024
