# SPDX-License-Identifier: MIT
"""Colyseus' @colyseus/schema in Node: deltas of floats for an ordered stream.

A program in JavaScript gets the moves of a world as bytes and does with them what a
Colyseus server and one client would do. `make peers` installs the package.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.swarm import Moves

__all__ = ["measure"]

FOLDER = Path(sys.prefix, "peers")
"""Where `tools/install_peers.py` puts what comes from npm."""
PROGRAM = Path(__file__).with_suffix(".mjs")
PATIENCE = 60.0
NODE = shutil.which("node")

if NODE is None:
    raise ImportError("there is no node on this machine")
if not Path(FOLDER, "node_modules", "@colyseus", "schema").is_dir():
    raise ImportError(f"no @colyseus/schema in {FOLDER}")


def measure(
    start: Moves,
    moves: Sequence[Moves],
    *,
    n_warm: int,
    views: Sequence[NDArray[np.intp]] = (),
) -> dict[str, float]:
    """Return what its program measures, medians over the ticks.

    Args:
        start: the state of all bodies.
        moves: of each tick, all with the same number of rows.
        n_warm: ticks that are not measured, until the compiler has seen the code.
        views: rows that each client sees, all of the same number; none measures no
            views.

    Raises:
        RuntimeError: the program failed.
    """
    head = {
        "n_bodies": len(start.rows),
        "n_ticks": len(moves),
        "n_moving": len(moves[0].rows),
        "n_warm": n_warm,
        "n_views": len(views),
        "n_seen": len(views[0]) if views else 0,
    }
    pieces = [json.dumps(head).encode(), b"\n", _values(start)]
    for each in moves:
        pieces += [each.rows.astype("<u4").tobytes(), _values(each)]
    pieces += [rows.astype("<u4").tobytes() for rows in views]
    return _run(b"".join(pieces))


def _values(moves: Moves) -> bytes:
    """Return the ten numbers of each row, as the floats that the peer keeps."""
    columns = (moves.position, moves.rotation, moves.velocity)
    return np.concatenate(columns, axis=1).astype("<f4").tobytes()


def _run(trace: bytes) -> Any:
    done = subprocess.run(  # noqa: S603 - our own program
        [str(NODE), str(PROGRAM), str(FOLDER)],
        input=trace,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace")
        raise RuntimeError(f"{PROGRAM.name} ended with {done.returncode}: {said}")
    return json.loads(done.stdout.splitlines()[-1])
