# SPDX-License-Identifier: MIT
"""Keep the columns of the network components right.

Every function works on whole columns, does nothing in a world that does not list its
component, and marks a row as changed only where a value really differs: to call it
every tick sends nothing by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.network_components import (
    LOSS_STEPS,
    Authority,
    InterpolationState,
    NetworkConnection,
    NetworkIdentity,
    PredictionState,
    Quality,
)
from gamenet.stats import ConnectionStats
from gamenet.world import Columns, World

__all__ = [
    "fill_connections",
    "fill_identity",
    "fill_interpolation",
    "note_confirmed",
]

Rows = NDArray[np.intp]

HALF_MAX = 65504.0  # the largest finite float16
# A round trip that players notice, and one that spoils the game; losses likewise.
FAIR_RTT_MS, POOR_RTT_MS = 100, 250
FAIR_LOSS, POOR_LOSS = 0.01, 0.05


def fill_identity(world: World) -> None:
    """Say of each entity with a `NetworkIdentity` who it is, and whose."""
    if NetworkIdentity not in world.components:
        return
    rows = world.query(NetworkIdentity)
    is_written = np.zeros(world.capacity, np.bool_)
    for component in world.components:
        # What a client says of its own prediction decides nothing.
        if component.sync.owner_writes and component is not PredictionState:
            is_written |= world.columns(component).present
    owner = world.owner[rows]
    _store(
        world.columns(NetworkIdentity),
        rows,
        row=rows,
        generation=world.generation[rows],
        owner=owner,
        authority=np.where(
            (owner != 0) & is_written[rows], Authority.OWNER, Authority.SERVER
        ),
    )


def fill_connections(world: World, figures: Mapping[int, ConnectionStats]) -> None:
    """Write what was measured into each `NetworkConnection`.

    Args:
        world: the server's.
        figures: what each player's connection measured, by player id. Who is not
            there has no connection.
    """
    if NetworkConnection not in world.components:
        return
    rows = world.query(NetworkConnection)
    columns = world.columns(NetworkConnection)
    player = np.where(
        columns.player[rows] == 0, world.owner[rows], columns.player[rows]
    )
    rtt_ms, loss, quality = _measured(figures, player)
    _store(columns, rows, player=player, rtt_ms=rtt_ms, loss=loss, quality=quality)


def fill_interpolation(
    world: World, rows: Rows, *, oldest: Any, newest: Any, delay: Any
) -> None:
    """Write the state of a client's buffers into the rows with `InterpolationState`.

    Shapes:
        rows: (n,) intp, distinct; oldest, newest, delay: (n,) each, or one for all.
    """
    if InterpolationState not in world.components:
        return
    columns = world.columns(InterpolationState)
    values = {
        name: np.broadcast_to(value, rows.shape)[columns.present[rows]]
        for name, value in (("oldest", oldest), ("newest", newest), ("delay", delay))
    }
    _store(columns, rows[columns.present[rows]], **values)


def note_confirmed(world: World, rows: Rows, tick: int, sizes: Any) -> None:
    """Note that the server's state of a tick was compared with what was predicted.

    Args:
        world: the predicting client's.
        rows: entities that are predicted, distinct; those without a
            `PredictionState` are skipped.
        tick: which tick was confirmed; an older one than before counts nothing.
        sizes: how far off each prediction was, 0 if it was right: (n,), or one for all.
    """
    if PredictionState not in world.components:
        return
    columns = world.columns(PredictionState)
    wanted = columns.present[rows] & (columns.confirmed[rows] < tick)
    sizes = np.broadcast_to(sizes, rows.shape)[wanted]
    rows = rows[wanted]
    is_off = sizes > 0
    _store(
        columns,
        rows,
        confirmed=np.full(len(rows), tick),
        corrections=columns.corrections[rows] + is_off,
        correction=np.where(
            is_off, np.minimum(sizes, HALF_MAX), columns.correction[rows]
        ),
    )


def _store(columns: Columns, rows: Rows, **values: NDArray[Any]) -> None:
    """Write values into rows, and mark those rows as changed in which one differs."""
    differs = np.zeros(len(rows), np.bool_)
    for name, new in values.items():
        column = columns.arrays[name]
        stored = new.astype(column.dtype)
        differs |= column[rows] != stored
        column[rows] = stored
    columns.changed(rows[differs])


def _measured(
    figures: Mapping[int, ConnectionStats], players: NDArray[np.uint32]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return round trip, loss and quality of each player; zeros of whoever is away."""
    ordered = sorted(figures)
    # Nobody comes first, so that whoever is not found can be shown as nobody.
    ids = np.array([0, *ordered], np.int64)
    stats = [figures[number] for number in ordered]
    rtts = np.array([0.0, *[each.rtt for each in stats]])
    losses = np.array([0.0, *[max(each.loss_out, each.loss_in) for each in stats]])
    found = np.searchsorted(ids, players, side="right") - 1
    found[ids[found] != players] = 0
    rtt_ms = np.clip(np.rint(rtts[found] * 1000), 0, 0xFFFF)
    loss = np.rint(np.clip(losses[found], 0, 1) * LOSS_STEPS) / LOSS_STEPS
    quality = np.full(len(players), Quality.GOOD, np.uint8)
    quality[(rtt_ms > FAIR_RTT_MS) | (losses[found] > FAIR_LOSS)] = Quality.FAIR
    quality[(rtt_ms > POOR_RTT_MS) | (losses[found] > POOR_LOSS)] = Quality.POOR
    quality[found == 0] = Quality.GONE
    return rtt_ms, loss, quality
