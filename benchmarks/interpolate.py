# SPDX-License-Identifier: MIT
"""What a frame of a client costs: others' positions, rotations and scales in its view.

Of each entity a position (three fixed-point numbers), a rotation (a quaternion) and a
scale (three floats) are interpolated. Snapshots at 30 a second tell all of them anew,
and a screen draws 60 frames a second, so that every second frame is between two other
snapshots than the one before. The figure is the mean of such a pair; taking a snapshot
in is measured for itself. The browser's view does the same under Node.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gamenet.game.protocol import Protocol
from gamenet.prediction import View
from gamenet.wire import fixed, float32, quaternion
from gamenet.wire.javascript import javascript_module
from gamenet.world import Component, World

__all__ = ["run"]

TICK_RATE = 30
N_TICKS = 200
BEHIND = 3.0
"""Ticks from the newest snapshot to the view."""
COUNTS = {"1k": 1000, "10k": 10_000}
BROWSER = Path(__file__).parent.parent / "gamenet" / "browser"
PROGRAM = Path(__file__).parent / "interpolate.js"


class Position(Component):
    """Where an entity is."""

    x: float = fixed(-512, 512, step=1 / 512)
    y: float = fixed(-512, 512, step=1 / 512)
    z: float = fixed(-512, 512, step=1 / 512)


class Rotation(Component):
    """How it is turned."""

    turn: tuple[float, ...] = quaternion()


class Scale(Component):
    """How large it is."""

    x: float = float32(1.0)
    y: float = float32(1.0)
    z: float = float32(1.0)


COMPONENTS = [Position, Rotation, Scale]


def run() -> dict[str, Any]:
    """Return the figures by their keys."""
    figures: dict[str, Any] = {}
    for name, n_entities in COUNTS.items():
        frame, arrival = _measured(n_entities)
        figures[f"python_us_{name}"] = frame
        figures[f"python_arrival_us_{name}"] = arrival
    for name, us in _in_javascript().items():
        figures[f"js_us_{name}"] = us
    return figures


def _measured(n_entities: int) -> tuple[float, float]:
    """Return the median microseconds of a frame, and of taking a snapshot in."""
    world = World(COMPONENTS, n_entities)
    rows = world.spawn_rows(n_entities, Position(), Rotation(), Scale())
    view = View(world, TICK_RATE)
    told = [(component, rows) for component in COMPONENTS]
    frames, arrivals = [], []
    for tick, _ in enumerate(_moved(world, N_TICKS), start=1):
        arrivals.append(_seconds(partial(view.arrived, tick, told)))
        pair = [
            _seconds(partial(view.update, tick - BEHIND + share))
            for share in (0.25, 0.75)
        ]
        frames.append(statistics.mean(pair))
    _check(world, view)
    return statistics.median(frames) * 1e6, statistics.median(arrivals) * 1e6


def _seconds(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _moved(world: World, n_ticks: int) -> Iterator[None]:
    """Move every entity a little, and yield, for each tick."""
    random = np.random.default_rng(1)
    for _ in range(n_ticks):
        for component in (Position, Scale):
            arrays = world.columns(component).arrays
            for name in arrays:
                arrays[name] += random.uniform(-0.5, 0.5, world.capacity)
        turn = world.columns(Rotation).turn
        turn += random.uniform(-0.1, 0.1, turn.shape)
        turn /= np.linalg.norm(turn, axis=1)[:, None]
        yield


def _check(world: World, view: View) -> None:
    """Make sure that what was measured is right: the view comes to the world."""
    view.update(float(N_TICKS))
    for component in COMPONENTS:
        for name, array in world.columns(component).arrays.items():
            shown = view.columns(component).arrays[name]
            assert np.allclose(np.abs(shown), np.abs(array), atol=1e-6)


def _codec() -> str:
    """Return the browser's codec of these components."""
    protocol = Protocol("interpolate", COMPONENTS, [], [])
    return javascript_module(
        protocol_hash=bytes(8),
        version=1,
        components=COMPONENTS,
        inputs=[],
        messages={},
        shown=protocol.browser_shown(),
    )


def _in_javascript() -> dict[str, float]:
    """Return the microseconds of a frame of the browser's view by count, under Node."""
    node = shutil.which("node")
    if node is None:
        return {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        for source in (*BROWSER.glob("*.js"), PROGRAM):
            shutil.copy(source, folder)
        (folder / "protocol.js").write_text(_codec(), encoding="utf-8")
        (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
        command = [node, str(folder / PROGRAM.name), json.dumps(COUNTS)]
        done = subprocess.run(  # noqa: S603 - a program of ours
            command, capture_output=True, text=True, check=True
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures
