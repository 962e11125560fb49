# SPDX-License-Identifier: MIT
"""Draw what was measured: one plot of a kind, the same bytes for the same figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

__all__ = [
    "Row",
    "plot_feel",
    "plot_latency",
    "plot_reach",
    "plot_throughput",
    "plot_transports",
]

Row = tuple[str, str, float, str, float, bool]
"""Benchmark, key, what was measured, direction, limit, and whether it was reached."""

GREEN, BLUE, SAND, RED = "#2a7f62", "#3a6ea5", "#c9a24b", "#b3412e"
Bar = tuple[str, str, str]
"""A key, its label and its colour."""


def plot_reach(rows: list[Row], path: Path) -> None:
    """Draw each figure against its limit; left of the line is good."""
    shown = [row for row in rows if row[4]]
    labels = [f"{name} {key}" for name, key, *_ in shown]
    shares = [
        value / limit if way == "at most" else limit / value
        for _, _, value, way, limit, _ in shown
    ]
    colours = [GREEN if row[5] else RED for row in shown]
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(shown) + 1))
    axes.barh(labels, shares, color=colours)
    axes.axvline(1.0, color="#444444", linewidth=1)
    axes.set_xlabel("share of the figure to reach (left of the line is good)")
    _save(figure, axes, path)


def plot_latency(stacks: dict[str, Any], path: Path) -> None:
    """Draw how long messages of each stack are on their way over a bad link."""
    bars = (
        ("p50_ms", "half of the messages", GREEN),
        ("p99_ms", "99 of 100", BLUE),
        ("max_ms", "all", SAND),
    )
    _plot_groups(stacks, bars, "milliseconds one way, 25 of them the link's", path)


def plot_throughput(stacks: dict[str, Any], path: Path) -> None:
    """Draw how many messages a second each stack gets across."""
    bars = (
        ("reliable_per_s", "reliable-ordered", GREEN),
        ("unreliable_per_s", "unreliable", BLUE),
    )
    _plot_groups(stacks, bars, "64-byte messages a second", path)


def plot_transports(figures: dict[str, dict[str, float]], path: Path) -> None:
    """Draw how long a player of each transport waits in the arena."""
    bars = (
        ("connect_ms_p50", "connect", GREEN),
        ("rtt_ms_p50", "round trip", BLUE),
    )
    _plot_groups(figures, bars, "milliseconds, median of the bots", path)


def plot_feel(points: list[dict[str, float]], path: Path) -> None:
    """Draw what a player notices over the round trip: a panel for each figure."""
    panels = (
        ("ahead_ticks", "ticks ahead of the server", 1, GREEN),
        ("others_late_ms", "others are shown late, in ms", 1, BLUE),
        ("corrections_per_min", "corrections a minute", 1, SAND),
        ("stale_frames", "frames without fresh data, in %", 100, RED),
    )
    figure, all_axes = plt.subplots(2, 2, figsize=(8, 5), sharex=True)
    trips = [each["rtt_ms"] for each in points]
    for axes, (key, title, scale, colour) in zip(all_axes.flat, panels, strict=True):
        values = [each[key] * scale for each in points]
        axes.plot(trips, values, marker="o", color=colour)
        axes.set_ylim(0, max(*values, 0.5) * 1.15)
        axes.set_title(title, fontsize=10)
    for axes in all_axes[1]:
        axes.set_xlabel("round trip in ms")
    _write(figure, path)


def _plot_groups(
    groups: dict[str, Any], bars: tuple[Bar, ...], unit: str, path: Path
) -> None:
    """Draw a group of bars for each name; a figure that a group lacks is no bar."""
    thickness = 0.8 / len(bars)
    height = 0.35 * len(bars) * len(groups) + 1
    figure, axes = plt.subplots(figsize=(8, height))
    for turn, (key, label, colour) in enumerate(bars):
        offset = (turn - (len(bars) - 1) / 2) * thickness
        places = [place + offset for place in range(len(groups))]
        values = [figures.get(key, 0.0) for figures in groups.values()]
        axes.barh(places, values, thickness * 0.95, label=label, color=colour)
    axes.set_yticks(range(len(groups)), list(groups))
    axes.set_xlabel(unit)
    axes.legend()
    _save(figure, axes, path)


def _save(figure: Any, axes: Any, path: Path) -> None:
    """Write a plot of bars, the first one on top."""
    axes.invert_yaxis()
    _write(figure, path)


def _write(figure: Any, path: Path) -> None:
    """Write a plot without a date and with ids that do not change."""
    mpl.rcParams["svg.hashsalt"] = "gamenet"
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
