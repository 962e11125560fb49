# SPDX-License-Identifier: MIT
"""What memory a tick of replication takes, and what of it stays.

The swarm of 1,000 bodies, 10 % of which move in a tick, and 32 clients that see all of
them and acknowledge 3 to 10 ticks later. `retained_per_tick` is by how many memory
blocks the process grows in a tick over hundreds of them; cyclic garbage counts, because
the collector is off. `held_per_tick` is what a tick adds until it is acknowledged.
`peak_kib` is the most memory that one tick needs at any moment beyond what it began
with, the messages of all clients included. `reuse` is the share of buffers that were
lent again instead of made.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tracemalloc
from typing import Any

from benchmarks.audience import Audience

__all__ = ["run"]

N_BODIES = 1000
N_CLIENTS = 32
DELAYS = [3 + i % 8 for i in range(N_CLIENTS)]
N_WARM = 80
N_TICKS = 300
N_TRACED = 20


def run() -> dict[str, Any]:
    """Return blocks, kibibytes and the share of reuse."""
    audience = Audience(N_BODIES, DELAYS)
    audience.pass_ticks(N_WARM)
    made_before, reused_before = _lent(audience)
    figures = {**_blocks(audience), **_peaks(audience)}
    made, reused = _lent(audience)
    made, reused = made - made_before, reused - reused_before
    return {**figures, "reuse": reused / max(made + reused, 1), "buffers_made": made}


def _blocks(audience: Audience) -> dict[str, float]:
    """Return how many memory blocks a tick adds, for now and for good."""
    held = []
    gc.collect()
    gc.disable()
    try:
        first = sys.getallocatedblocks()
        for _ in range(N_TICKS):
            audience.write(audience.move())
            begin = sys.getallocatedblocks()
            audience.send(audience.encode())
            held.append(sys.getallocatedblocks() - begin)
            audience.acknowledge()
        last = sys.getallocatedblocks()
    finally:
        gc.enable()
    return {
        # The list of samples is ours: each of its numbers is a block at most.
        "retained_per_tick": max(last - first - len(held), 0) / N_TICKS,
        "held_per_tick": statistics.median(held),
    }


def _peaks(audience: Audience) -> dict[str, float]:
    """Return the transient peak of a tick, and what is left of it until it is acked."""
    peaks, left = [], []
    tracemalloc.start()
    try:
        # Until all that is freed in a tick was also allocated under the tracer's eyes.
        audience.pass_ticks(N_WARM)
        for _ in range(N_TRACED):
            audience.write(audience.move())
            tracemalloc.reset_peak()
            begin, _ = tracemalloc.get_traced_memory()
            told = audience.encode()
            now, peak = tracemalloc.get_traced_memory()
            peaks.append((peak - begin) / 1024)
            left.append((now - begin) / 1024)
            audience.send(told)
            audience.acknowledge()
    finally:
        tracemalloc.stop()
    return {"peak_kib": statistics.median(peaks), "told_kib": statistics.median(left)}


def _lent(audience: Audience) -> tuple[int, int]:
    """Return how many buffers were made, and how often one was lent again."""
    pools = getattr(audience.sender, "pools", ())
    return sum(pool.n_made for pool in pools), sum(pool.n_reused for pool in pools)
