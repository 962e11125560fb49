# SPDX-License-Identifier: MIT
"""What it takes to tell clients of a world: time to encode and decode it, and bytes.

`benchmarks/swarm.py` is the world: 1,000 bodies of which a fresh 10 % move in a tick.
`encode_us` is one tick for one client: quantize what changed, take the difference to
the tick before, which the client has acknowledged, and pack it. `decode_us` is what the
client needs to take it into its columns. All of a tick does not fit one datagram:
`packets_*` is the same where it is split into messages that do, and their sizes, heads
included, are what `bytes_per_changed` counts.
`fanout_ms` is one tick for 100 clients that see everything, `views_ms` for 100 that see
200 bodies each; the newest tick that a client has acknowledged is 3 to 10 ticks back.
`settle_us` and `*_settle_ms` are what it takes in addition to note what was sent and
what was acknowledged.

The peer is @colyseus/schema in Node, on the same bodies and moves in the same run. It
keeps floats and writes one ordered stream: all changes since its last tick.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import numpy as np

from benchmarks.audience import PART_SIZE, Audience
from benchmarks.peers import Absent, find
from benchmarks.swarm import COMPONENTS
from gamenet.replication import Receiver
from gamenet.world import World

__all__ = ["run"]

N_ROUNDS = 3
N_BODIES, N_MANY = 1000, 10_000
N_CLIENTS, N_SEEN = 100, 200
DELAYS = (3, 10)
"""Fewest and most ticks between a tick and its acknowledgement."""
N_WARM, N_TICKS = 40, 120
N_WARM_MANY, N_TICKS_MANY = 5, 15
N_FEW_TICKS = 40
ONE_MESSAGE, ONE_LARGE_MESSAGE = 16_384, 262_144
"""Bytes that one message has room for."""
PEER_WARM = 150
"""Ticks in which the peer's compiler learns the code."""
TOLERANCE = np.array([[0.0011], [0.0021]])
"""Half a step of position and velocity, and a little for the rounding."""


class Stopwatch:
    """Collect the seconds that things take, and what else there is of each tick."""

    def __init__(self) -> None:
        self.taken: defaultdict[str, list[float]] = defaultdict(list)

    def time(self, name: str, work: Callable[[], Any]) -> Any:
        """Do something, note the seconds that it took, and return its result."""
        begin = time.perf_counter()
        result = work()
        self.taken[name].append(time.perf_counter() - begin)
        return result

    def note(self, name: str, value: float) -> None:
        """Note something else."""
        self.taken[name].append(value)

    def median(self, name: str) -> float:
        """Return the median of what was noted."""
        return statistics.median(self.taken[name])

    def mean(self, name: str) -> float:
        """Return the mean of what was noted."""
        return statistics.mean(self.taken[name])


def run() -> dict[str, Any]:
    """Return times, sizes, and the same of the peer."""
    rounds = [_round(seed) for seed in range(1, N_ROUNDS + 1)]
    figures: dict[str, Any] = {
        key: statistics.median(each[key] for each in rounds) for key in rounds[0]
    }
    peer = find("colyseus")
    if isinstance(peer, Absent):
        return {**figures, "peers": {"colyseus": peer.figures()}}
    measured = _peer(peer.measure)
    ratios = {
        f"times_{key}": figures[key] / measured[key]
        for key in measured
        if key in figures
    }
    return {**figures, "peers": {"colyseus": {**measured, **ratios}}}


def _round(seed: int) -> dict[str, float]:
    return {
        **_one_client(seed, ONE_MESSAGE),
        **_large_world(seed, ONE_LARGE_MESSAGE),
        **_packets(seed),
        **_clients("fanout", seed),
        **_clients("views", seed, n_seen=N_SEEN),
        **_clients("fanout_steady", seed, is_steady=True),
        **_clients("views_steady", seed, n_seen=N_SEEN, is_steady=True),
    }


def _one_client(seed: int, part_size: int) -> dict[str, float]:
    """Measure both ends of one client."""
    audience = Audience(N_BODIES, [1], seed=seed, part_size=part_size)
    copy = World(COMPONENTS, N_BODIES)
    receiver = Receiver(copy)

    def take(payloads: list[bytes]) -> None:
        for payload in payloads:
            receiver.receive(payload)
        receiver.take_followed()

    watch = Stopwatch()
    for tick in range(N_WARM + N_TICKS):
        if tick == N_WARM:
            watch = Stopwatch()
        payloads = [part.payload for part in _tick(audience, watch)[0]]
        watch.time("decode", partial(take, payloads))
        watch.note("bytes", sum(map(len, payloads)) / audience.swarm.n_moving)
        watch.note("messages", len(payloads))
    _compare(audience.world, copy)
    return {
        "write_us": watch.median("write") * 1e6,
        "encode_us": watch.median("encode") * 1e6,
        "decode_us": watch.median("decode") * 1e6,
        "settle_us": watch.median("settle") * 1e6,
        "bytes_per_changed": watch.mean("bytes"),
        "messages_per_tick": watch.mean("messages"),
    }


def _packets(seed: int) -> dict[str, float]:
    """Measure the same in messages that fit a datagram."""
    figures = _one_client(seed, PART_SIZE) | _large_world(seed, PART_SIZE)
    keys = ("encode_us", "decode_us", "encode_10k_ms", "messages_per_tick")
    sizes = {"bytes_per_changed": figures["bytes_per_changed"]}
    return {f"packets_{key}": figures[key] for key in keys} | sizes


def _large_world(seed: int, part_size: int) -> dict[str, float]:
    """Measure 10,000 bodies that all move."""
    audience = Audience(N_MANY, [1], share=1.0, seed=seed, part_size=part_size)
    watch = Stopwatch()
    for tick in range(N_WARM_MANY + N_TICKS_MANY):
        if tick == N_WARM_MANY:
            watch = Stopwatch()
        _tick(audience, watch)
    return {
        "encode_10k_ms": watch.median("encode") * 1e3,
        "write_10k_ms": watch.median("write") * 1e3,
    }


def _clients(name: str, seed: int, **options: Any) -> dict[str, float]:
    """Measure 100 clients, each with a delay of its own."""
    random = Random(seed)
    delays = [random.randint(*DELAYS) for _ in range(N_CLIENTS)]
    audience = Audience(N_BODIES, delays, seed=seed, **options)
    audience.pass_ticks(N_WARM)
    watch = Stopwatch()
    for _ in range(N_FEW_TICKS):
        told = _tick(audience, watch)
        n_bytes = sum(len(part.payload) for parts in told for part in parts)
        watch.note("bytes", n_bytes / N_CLIENTS)
    return {
        f"{name}_ms": watch.median("encode") * 1e3,
        f"{name}_settle_ms": watch.median("settle") * 1e3,
        f"{name}_bytes_each": watch.mean("bytes"),
    }


def _tick(audience: Audience, watch: Stopwatch) -> list[list[Any]]:
    """Make a tick and time what it is made of; return what each viewer was told."""
    moves = audience.move()
    watch.time("write", partial(audience.write, moves))
    told: list[list[Any]] = watch.time("encode", audience.encode)

    def settle() -> None:
        audience.send(told)
        audience.acknowledge()

    watch.time("settle", settle)
    return told


def _compare(world: World, copy: World) -> None:
    """Make sure that what was measured did arrive."""
    rows = world.query()
    for component, tolerance in zip(COMPONENTS[::2], TOLERANCE, strict=True):
        arrays = world.columns(component).arrays
        others = copy.columns(component).arrays
        apart = [np.abs(arrays[name] - others[name])[rows].max() for name in arrays]
        if max(apart) > tolerance:
            raise RuntimeError(f"{component.__name__} is off by up to {max(apart):g}")


def _peer(measure: Callable[..., dict[str, float]]) -> dict[str, float]:
    """Measure the peer on the same moves."""
    audience = Audience(N_BODIES, [1] * N_CLIENTS, n_seen=N_SEEN)
    moves = [audience.move() for _ in range(PEER_WARM + N_TICKS)]
    figures = measure(audience.start, moves, n_warm=PEER_WARM, views=audience.views)
    figures["views_ms"] = figures.pop("views_us") / 1e3
    figures["views_write_ms"] = figures.pop("views_write_us") / 1e3
    many = Audience(N_MANY, [1], share=1.0)
    moves = [many.move() for _ in range(N_WARM_MANY + N_TICKS_MANY)]
    large = measure(many.start, moves, n_warm=N_WARM_MANY)
    figures["encode_10k_ms"] = large["encode_us"] / 1e3
    figures["write_10k_ms"] = large["write_us"] / 1e3
    return figures
