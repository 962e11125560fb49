# SPDX-License-Identifier: MIT
"""How wrong a client's estimate of the server's time is.

Round trips of 100 ms with 20 ms of jitter (a normal distribution's standard deviation,
on each way) and 5 % loss, ten a second, to a server whose clock runs 100 ppm fast; from
5 seconds after the welcome to 10 minutes. Simulated time and seeded chance, so the
figures are the same on every machine. On asymmetric links no estimate can be better
than half of the asymmetry; there the error is that of the time at which what is sent
now arrives, which is what a client needs.
"""

from __future__ import annotations

from random import Random
from typing import Any

from benchmarks.percentiles import percentile
from gamenet.prediction import ClockSync

__all__ = ["run"]

TICK_RATE = 30.0
SECONDS = 600.0
SETTLING = 5.0
INTERVAL = 0.1
JITTER = 0.02
LOSS = 0.05
DRIFT = 100e-6
HELD = 0.03
"""Seconds for which the server keeps an echo at most."""
N_SEEDS = 8


def run() -> dict[str, Any]:
    """Return percentiles of the error in milliseconds."""
    even = [_errors(seed, 0.05, 0.05) for seed in range(N_SEEDS)]
    uneven = [_errors(seed, 0.12, 0.03) for seed in range(N_SEEDS)]
    return {
        "error_ms_p99": _p99(even, SETTLING, SECONDS),
        "first_second_ms_p99": _p99(even, SETTLING, SETTLING + 1.0),
        "last_minute_ms_p99": _p99(even, SECONDS - 60.0, SECONDS),
        "asymmetric_ms_p99": _p99(uneven, SETTLING, SECONDS),
    }


def _p99(runs: list[list[tuple[float, float]]], begin: float, end: float) -> float:
    """Return what 99 of 100 errors between two instants are at most."""
    chosen = [error for run in runs for now, error in run if begin <= now <= end]
    return percentile(chosen, 99) * 1e3


def _errors(seed: int, up: float, down: float) -> list[tuple[float, float]]:
    """Return when, and by how many seconds beside half the asymmetry, it was wrong.

    Args:
        seed: of all chance.
        up: mean seconds to the server.
        down: mean seconds from it.
    """
    random, clock = Random(seed), ClockSync(TICK_RATE)
    clock.seed(_server_tick(-down), up + down, 0.0)
    underway: list[tuple[float, float, float, float]] = []
    errors = []
    for n in range(1, round(SECONDS / INTERVAL) + 1):
        now = n * INTERVAL
        known = clock.server_tick(now) / TICK_RATE - (up - down) / 2
        wrong = known - _server_tick(now) / TICK_RATE
        errors.append((now, abs(wrong)))
        there = max(random.gauss(up, JITTER), 0.0)
        back = max(random.gauss(down, JITTER), 0.0)
        held = random.random() * HELD
        if random.random() >= LOSS and random.random() >= LOSS:
            answered = now + there + held
            underway.append((answered + back, now, answered, held))
        due = now + INTERVAL
        for received, sent, answered, held in sorted(underway):
            if received <= due:
                clock.sample(sent, received, _server_tick(answered), held)
        underway = [each for each in underway if each[0] > due]
    return errors


def _server_tick(now: float) -> float:
    return 9000.0 + now * (1.0 + DRIFT) * TICK_RATE
