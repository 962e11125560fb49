# SPDX-License-Identifier: MIT
"""Write what was measured as a table, with plots, for the docs."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import plots
from benchmarks.plots import Row

__all__ = ["write_report"]

REACH: tuple[tuple[str, str, str, float], ...] = (
    ("codec", "flat.encode_ratio", "at most", 1.6),
    ("codec", "flat.decode_ratio", "at most", 2.3),
    ("codec", "state_update.encode_ratio", "at most", 2.5),
    ("codec", "state_update.decode_ratio", "at most", 3.5),
    ("codec", "state_update.batch_encode_ns", "at most", 200.0),
    ("codec", "state_update.batch_decode_ns", "at most", 250.0),
    ("codec", "construct_speedup", "at least", 10.0),
    ("udp_floor", "ratio", "at least", 0.35),
    ("latency", "p99_ms", "at most", 45.0),
    ("latency", "max_ms", "at most", 80.0),
    ("latency", "bytes_per_message", "at most", 330.0),
    ("throughput", "reliable_per_s", "at least", 250_000.0),
    ("throughput", "unreliable_per_s", "at least", 250_000.0),
    ("throughput", "times_aioquic", "at least", 1.0),
    ("throughput", "times_websockets", "at least", 1.0),
    ("handshake", "connect_ms", "at most", 5.0),
    ("handshake", "flood_rtt_growth_ms", "at most", 20.0),
    ("congestion", "queue_ms_p95", "at most", 100.0),
    ("congestion", "utilisation", "at least", 0.8),
    ("congestion", "share_ratio", "at most", 2.0),
    ("connections", "kib_each", "at most", 20.0),
    ("connections", "broadcast_ms", "at most", 20.0),
    ("connections", "cpu_us_per_client_tick", "at most", 30.0),
    ("resume", "lost", "at most", 0.0),
    ("resume", "duplicated", "at most", 0.0),
    ("resume", "gap_rtts", "at most", 2.0),
    ("replication", "encode_us", "at most", 130.0),
    ("replication", "decode_us", "at most", 90.0),
    ("replication", "encode_10k_ms", "at most", 2.5),
    ("replication", "bytes_per_changed", "at most", 12.8),
    ("replication", "fanout_ms", "at most", 2.0),
    ("replication", "views_ms", "at most", 9.0),
    ("interest", "ms", "at most", 2.0),
    ("priority", "ms", "at most", 2.0),
    ("bandwidth", "bytes_per_player_s", "at most", 10_000.0),
    ("allocations", "retained_per_tick", "at most", 50.0),
    ("allocations", "peak_kib", "at most", 64.0),
    ("allocations", "reuse", "at least", 0.95),
    ("rollback", "us_1k", "at most", 60.0),
    ("rollback", "us_10k", "at most", 250.0),
    ("clock", "error_ms_p99", "at most", 5.0),
    ("feel", "input_ticks", "at most", 0.0),
    ("feel", "corrections_per_min", "at most", 0.0),
    ("feel", "view_error_m", "at most", 0.1),
    ("feel", "stale_frames", "at most", 0.005),
    ("interpolate", "python_us_1k", "at most", 100.0),
    ("interpolate", "python_us_10k", "at most", 1000.0),
    ("interpolate", "js_us_1k", "at most", 100.0),
    ("interpolate", "js_us_10k", "at most", 1000.0),
    ("tick", "p99_ms", "at most", 25.0),
    ("arena", "tick_ms_p99", "at most", 15.0),
    ("arena", "connect_ms_p50", "at most", 20.0),
    ("arena", "rtt_ms_p50", "at most", 40.0),
    ("arena", "errors", "at most", 0.0),
    ("rewind", "us", "at most", 15.0),
)
"""Benchmark, key, direction and the figure that this release set out to reach."""

_LATENCY = (
    "Reliable-ordered messages of 64 bytes, 60 a second, over a link of 25 ms and 5 % "
    "loss each way: milliseconds from sending to delivery, and bytes of datagrams a "
    "message, in the direction of the sender. gamenet's are encrypted, ENet's are not."
)
_THROUGHPUT = (
    "Messages of 64 bytes that share datagrams, from one client to one server, in two "
    "processes: how many a second arrive. gamenet's and aioquic's are encrypted, the "
    "others are not; ENet is written in C."
)

_REPLICATION = (
    "A world of 1,000 bodies, of which a fresh 10 % move in each tick: place, rotation "
    "and velocity. `write_us` is what it takes to write the moves into the world, "
    "`encode_us` to encode a tick for one client, `views_ms` for 100 clients that see "
    "200 bodies each, `encode_10k_ms` for 10,000 bodies that all move. gamenet is "
    "Python, quantizes, and encodes against what each client has acknowledged; "
    "@colyseus/schema is JavaScript, keeps floats, and needs an ordered stream."
)
_TICK = (
    "A tick of 100 UDP clients among 2,000 entities, at 30 ticks a second, by stage: "
    "milliseconds in half of the ticks and in 99 of 100, and the share of all time."
)
_FEEL = (
    "What a player notices, by the round trip of the link, with up to 20 ms of jitter "
    "on each way and 5 % loss: own ticks until a key press shows, corrections a minute "
    "while nobody interferes, share of frames without fresh data of others, how far "
    "one's own time runs ahead of the server's, and how late the others are shown."
)


def write_report(results: dict[str, Any], folder: str) -> None:
    """Write benchmarks.md and its plots into a folder."""
    rows = list(_rows(results))
    text = ["# Benchmarks", "", "Written by `make bench`; do not edit.", ""]
    text += [_machine(), "", *_reached(rows), ""]
    text += _picture("Measured figures as a share of the figure to reach", "benchmarks")
    plots.plot_reach(rows, Path(folder, "benchmarks.svg"))
    for name, write in _SECTIONS.items():
        if name in results:
            text += write(results[name], folder)
    Path(folder, "benchmarks.md").write_text("\n".join(text))


def _machine() -> str:
    return (
        f"Python {platform.python_version()} on {platform.system()} "
        f"{platform.machine()}; medians of repeated runs on one machine."
    )


def _rows(results: dict[str, Any]) -> Iterator[Row]:
    """Judge what was measured; what needs a peer that is absent is left out."""
    for name, key, way, limit in REACH:
        value = results.get(name)
        for part in key.split("."):
            value = None if value is None else value.get(part)
        if value is not None:
            is_reached = value <= limit if way == "at most" else value >= limit
            yield name, key, value, way, limit, is_reached


def _reached(rows: list[Row]) -> list[str]:
    return _table(
        ("benchmark", "figure", "measured", "to reach", "reached"),
        [
            (
                f"`{name}`",
                f"`{key}`",
                f"{value:.4g}" if value < 10_000 else f"{value:,.0f}",
                f"{way} {limit:,g}",
                "yes" if is_reached else "**no**",
            )
            for name, key, value, way, limit, is_reached in rows
        ],
    )


def _latency(figures: dict[str, Any], folder: str) -> list[str]:
    """Tell gamenet's one-way times beside those of its peers."""
    stacks = {"gamenet": figures, **figures["peers"]}
    keys = ("p50_ms", "p95_ms", "p99_ms", "max_ms", "bytes_per_message")
    text = [_LATENCY, "", *_stacks(stacks, keys), ""]
    title = "Percentiles of the time from sending to delivery, by stack"
    plots.plot_latency(_present(stacks), Path(folder, "latency.svg"))
    return text + _picture(title, "latency")


def _throughput(figures: dict[str, Any], folder: str) -> list[str]:
    """Tell gamenet's messages a second beside those of its peers."""
    stacks = {"gamenet": figures, **figures["peers"]}
    keys = ("reliable_per_s", "unreliable_per_s")
    text = [_THROUGHPUT, "", *_stacks(stacks, keys), ""]
    title = "Messages a second, by stack and mode"
    plots.plot_throughput(_present(stacks), Path(folder, "throughput.svg"))
    return text + _picture(title, "throughput")


def _replication(figures: dict[str, Any], folder: str) -> list[str]:
    """Tell gamenet's times and bytes beside the peer's, and their ratios."""
    peer = figures["peers"]["colyseus"]
    name = "@colyseus/schema"
    if "absent" in peer:
        return [_REPLICATION, "", f"{name} is absent: {peer['absent']}.", ""]
    rows = [
        (f"`{key}`", *(f"{value:.4g}" for value in (figures[key], peer[key], times)))
        for key in peer
        if (times := peer.get(f"times_{key}")) is not None
    ]
    head = ("figure", "gamenet", name, "gamenet / peer")
    return [_REPLICATION, "", *_table(head, rows), ""]


def _tick(figures: dict[str, Any], folder: str) -> list[str]:
    """Tell what the stages of a tick take."""
    rows = [
        (
            f"`{name}`",
            f"{each['p50_ms']:.2f}",
            f"{each['p99_ms']:.2f}",
            f"{each['share']:.0%}",
        )
        for name, each in figures["stages"].items()
    ]
    return [_TICK, "", *_table(("stage", "p50", "p99", "share"), rows), ""]


def _arena(figures: dict[str, Any], folder: str) -> list[str]:
    """Show how the arena's transports compare."""
    plots.plot_transports(figures["by_transport"], Path(folder, "transports.svg"))
    title = "Time to connect and round trip in the arena, by transport"
    return _picture(title, "transports")


def _feel(figures: dict[str, Any], folder: str) -> list[str]:
    """Show what players notice at each latency."""
    points = figures["by_latency"]
    keys = (
        ("input_ticks", ".0f"),
        ("corrections_per_min", ".2g"),
        ("stale_frames", ".2%"),
        ("ahead_ticks", ".1f"),
        ("others_late_ms", ".0f"),
    )
    rows = [
        (f"{each['rtt_ms']:.0f} ms", *(f"{each[key]:{form}}" for key, form in keys))
        for each in points
    ]
    head = ("round trip", *(f"`{key}`" for key, _ in keys))
    plots.plot_feel(points, Path(folder, "feel.svg"))
    text = [_FEEL, "", *_table(head, rows), ""]
    return text + _picture("What a player notices, over the round trip", "feel")


_SECTIONS: dict[str, Callable[[dict[str, Any], str], list[str]]] = {
    "latency": _latency,
    "throughput": _throughput,
    "replication": _replication,
    "feel": _feel,
    "tick": _tick,
    "arena": _arena,
}


def _present(stacks: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in stacks.items() if "absent" not in each}


def _stacks(stacks: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    """Return a table of some figures of several stacks, and why others are absent."""
    rows = [
        (name, *(_cell(figures.get(key)) for key in keys))
        for name, figures in _present(stacks).items()
    ]
    head = ("stack", *(f"`{key}`" for key in keys))
    absent = [
        f"{name} is absent: {figures['absent']}."
        for name, figures in stacks.items()
        if "absent" in figures
    ]
    return _table(head, rows) + [line for each in absent for line in ("", each)]


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 10_000 else f"{value:.1f}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [head, ("---",) * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _picture(title: str, name: str) -> list[str]:
    return [f"![{title}]({name}.svg)", ""]
