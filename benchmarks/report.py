# SPDX-License-Identifier: MIT
"""Write what was measured as a table, with plots, for the docs."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

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
    ("arena", "tick_ms_p99", "at most", 15.0),
    ("arena", "connect_ms_p50", "at most", 20.0),
    ("arena", "rtt_ms_p50", "at most", 40.0),
    ("arena", "errors", "at most", 0.0),
)
"""Benchmark, key, direction and the figure that this release set out to reach."""


def write_report(results: dict[str, Any], folder: str) -> None:
    """Write benchmarks.md and benchmarks.svg into a folder."""
    rows = list(_rows(results))
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit.",
        "",
        _machine(),
        "",
        "| benchmark | figure | measured | to reach | reached |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | `{key}` | {value:.4g} | {way} {limit:g} | "
        f"{'yes' if is_reached else '**no**'} |"
        for name, key, value, way, limit, is_reached in rows
    ]
    lines += [
        "",
        "![Measured figures as a share of the figure to reach](benchmarks.svg)",
        "",
        "![Time to connect and round trip in the arena, by transport](transports.svg)",
        "",
    ]
    Path(folder, "benchmarks.md").write_text("\n".join(lines))
    _plot(rows, Path(folder, "benchmarks.svg"))
    _plot_transports(results["arena"]["by_transport"], Path(folder, "transports.svg"))


def _machine() -> str:
    return (
        f"Python {platform.python_version()} on {platform.system()} "
        f"{platform.machine()}; medians of repeated runs on one machine."
    )


def _rows(
    results: dict[str, Any],
) -> Iterator[tuple[str, str, float, str, float, bool]]:
    for name, key, way, limit in REACH:
        if name not in results:
            continue
        value = results[name]
        for part in key.split("."):
            value = value[part]
        reached = value <= limit if way == "at most" else value >= limit
        yield name, key, value, way, limit, reached


def _plot(rows: list[tuple[str, str, float, str, float, bool]], path: Path) -> None:
    """Draw each figure against its limit; left of the line is good."""
    shown = [row for row in rows if row[4]]
    labels = [f"{name} {key}" for name, key, *_ in shown]
    shares = [
        value / limit if way == "at most" else limit / value
        for _, _, value, way, limit, _ in shown
    ]
    colours = ["#2a7f62" if row[5] else "#b3412e" for row in shown]
    mpl.rcParams["svg.hashsalt"] = "gamenet"
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(shown) + 1))
    axes.barh(labels, shares, color=colours)
    axes.axvline(1.0, color="#444444", linewidth=1)
    axes.set_xlabel("share of the figure to reach (left of the line is good)")
    axes.invert_yaxis()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _plot_transports(figures: dict[str, dict[str, float]], path: Path) -> None:
    """Draw how long a player of each transport waits in the arena."""
    names = list(figures)
    figure, axes = plt.subplots(figsize=(8, 0.7 * len(names) + 1))
    places = range(len(names))
    for offset, key, label, colour in (
        (-0.2, "connect_ms_p50", "connect", "#2a7f62"),
        (0.2, "rtt_ms_p50", "round trip", "#3a6ea5"),
    ):
        values = [figures[name][key] for name in names]
        axes.barh([p + offset for p in places], values, 0.38, label=label, color=colour)
    axes.set_yticks(list(places), names)
    axes.set_xlabel("milliseconds, median of the bots")
    axes.invert_yaxis()
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
