# SPDX-License-Identifier: MIT
"""How fast clients get in, and what players notice of those who may not.

First clients connect one after another, then many at a time. Then 32 play: 30 times a
second each sends a message that the server sends back. While they do, another process
sends 100,000 connection requests that cannot be opened, and garbage, from 64 ports.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.crowd import Crowd, Member
from benchmarks.flood import Flood, flood
from benchmarks.percentiles import percentile
from benchmarks.roles import Pipe, Role, playing
from benchmarks.serving import UNRELIABLE, serve
from benchmarks.stamped import STAMP, stamped
from gamenet.transport import GameProtocol

__all__ = ["run"]

N_ALONE = 100
N_TOGETHER = 400
N_PLAYERS = 32
RATE = 30.0
SIZE = 40
CALM = 4.0
"""Seconds that the players have to themselves."""
FLOOD = Flood(n_requests=100_000, n_garbage=10_000, per_s=20_000.0)
PLAY = CALM + (FLOOD.n_requests + FLOOD.n_garbage) / FLOOD.per_s + 1.0

Trips = list[tuple[float, float]]
"""When each round trip began, and how long it took."""


def run() -> dict[str, Any]:
    """Return connects a second, the time of one, and how round trips grow."""
    with playing(echo, N_ALONE + N_TOGETHER + N_PLAYERS) as server:
        port, tokens = server.hear()
        alone, rest = tokens[:N_ALONE], tokens[N_ALONE:]
        return {
            **_alone(port, alone),
            **_together(server, port, rest[:N_TOGETHER]),
            **_flooded(server, port, rest[N_TOGETHER:]),
        }


def echo(pipe: Pipe, n_tokens: int) -> None:
    """Send every message back: the role of the server."""

    class Echoing(GameProtocol):
        def messageReceived(self, channel: int, payload: bytes) -> None:
            self.sendMessage(channel, payload)

    serve(pipe, Echoing, n_tokens, lambda factory, question: time.process_time())


def enter(pipe: Pipe, port: int, tokens: list[bytes], at_once: int) -> None:
    """Connect clients and tell how long each and all took: the role of a crowd."""
    crowd = Crowd(port, tokens)
    begin = time.monotonic()
    each = crowd.connect(at_once)
    pipe.send((each, time.monotonic() - begin))
    crowd.leave()


def play(pipe: Pipe, port: int, tokens: list[bytes]) -> None:
    """Play and measure round trips: the role of the players."""
    trips: Trips = []
    n_sent = 0

    def hear(payload: bytes) -> None:
        _, _, sent = STAMP.unpack_from(payload)
        trips.append((sent, time.monotonic() - sent))

    def act(member: Member) -> None:
        nonlocal n_sent
        member.send(UNRELIABLE, stamped(0, n_sent, SIZE))
        n_sent += 1

    crowd = Crowd(port, tokens, hear=hear)
    crowd.connect()
    pipe.send("connected")
    crowd.play(PLAY, RATE, act)
    pipe.send((trips, n_sent))
    crowd.leave()


def _alone(port: int, tokens: list[bytes]) -> dict[str, float]:
    with playing(enter, port, tokens, 1) as crowd:
        each, _ = crowd.hear()
    return {
        "connect_ms": percentile(each, 50) * 1e3,
        "connect_ms_p99": percentile(each, 99) * 1e3,
    }


def _together(server: Role, port: int, tokens: list[bytes]) -> dict[str, float]:
    before = server.ask("cpu")
    with playing(enter, port, tokens, 16) as crowd:
        _, seconds = crowd.hear()
    spent = server.ask("cpu") - before
    return {
        "connects_per_s": len(tokens) / seconds,
        "connect_cpu_us": spent / len(tokens) * 1e6,
    }


def _flooded(server: Role, port: int, tokens: list[bytes]) -> dict[str, float]:
    with (
        playing(flood, port, tokens[0], FLOOD) as attacker,
        playing(play, port, tokens) as players,
    ):
        attacker.hear()
        players.hear()
        calm = server.ask("cpu")
        time.sleep(CALM)
        before = server.ask("cpu")
        begin, end = attacker.ask("go")
        spent = server.ask("cpu") - before - (before - calm) / CALM * (end - begin)
        trips, n_sent = players.hear()
    quiet = [took for sent, took in trips if sent < begin]
    loud = [took for sent, took in trips if begin <= sent <= end]
    p99 = [percentile(times, 99) * 1e3 for times in (quiet, loud)]
    return {
        "calm_rtt_ms_p99": p99[0],
        "flood_rtt_ms_p99": p99[1],
        "flood_rtt_growth_ms": p99[1] - p99[0],
        "flood_cpu_us": spent / (FLOOD.n_requests + FLOOD.n_garbage) * 1e6,
        "flood_per_s": (FLOOD.n_requests + FLOOD.n_garbage) / (end - begin),
        "lost": 1 - len(trips) / n_sent,
    }
