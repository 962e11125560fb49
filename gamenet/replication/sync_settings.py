# SPDX-License-Identifier: MIT
"""Settings of single entities: how often, how urgently, and whether at all.

`Component.sync` holds for a component of every entity. A game that lists `SyncSettings`
can give an entity its own: the functions here read them as one value for each row, with
what holds by default where an entity has none, and in worlds that do not list it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.wire import fixed, flag, nbits
from gamenet.world import Audience, Component, Sync, World

__all__ = [
    "SyncSettings",
    "apply_dirty",
    "dirty_mask",
    "row_hidden",
    "row_period",
    "row_priority",
]

DIRTY_BITS = 32
ALL_DIRTY = np.uint32(0xFFFFFFFF)


class SyncSettings(Component):
    """How one entity is told of, beside what `Component.sync` says for all of them.

    It never leaves the server.
    """

    sync = Sync(audience=Audience.SERVER)

    frequency: float = fixed(0, 1000, step=1 / 64)  # times a second, 0 = every tick
    priority: float = fixed(0, 63, step=1 / 1024, default=1.0)  # a factor
    hidden: bool = flag()  # the entity stays on the server
    dirty: int = nbits(DIRTY_BITS)  # see `dirty_mask`


def row_priority(
    world: World, out: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """Return the factor of each row's priority: 1 where no `SyncSettings` says else.

    Shapes:
        out, returned: (capacity,) float32.
    """
    factors = np.empty(world.capacity, np.float32) if out is None else out
    factors[:] = 1.0
    if SyncSettings in world.components:
        rows = world.query(SyncSettings)
        factors[rows] = world.columns(SyncSettings).priority[rows]
    return factors


def row_hidden(world: World) -> NDArray[np.bool_]:
    """Return which rows stay on the server: (capacity,) bool."""
    hidden = np.zeros(world.capacity, np.bool_)
    if SyncSettings in world.components:
        columns = world.columns(SyncSettings)
        np.logical_and(columns.present, columns.hidden, out=hidden)
    return hidden


def row_period(world: World, tick_rate: float) -> NDArray[np.uint32]:
    """Return how many ticks apart each row may be told of: (capacity,), at least 1."""
    periods = np.ones(world.capacity, np.uint32)
    if SyncSettings in world.components:
        rows = world.query(SyncSettings)
        frequency = world.columns(SyncSettings).frequency[rows]
        rows, frequency = rows[frequency > 0], frequency[frequency > 0]
        # A frequency of next to nothing must not overflow the column.
        ticks = np.rint(tick_rate / np.maximum(frequency, 1e-6))
        periods[rows] = np.clip(ticks, 1, 0x7FFFFFFF)
    return periods


def dirty_mask(world: World, *components: type[Component]) -> int:
    """Return the bits of `SyncSettings.dirty` that stand for components.

    Raises:
        LocalProtocolError: one is not of this world, or comes after the 32nd.
    """
    mask = 0
    for component in components:
        world.columns(component)  # says so if the world does not have it
        number = world.components.index(component)
        if number >= DIRTY_BITS:
            msg = (
                f"{component.__name__} is component {number} of this world: dirty has "
                f"bits for the first {DIRTY_BITS}; list it earlier"
            )
            raise LocalProtocolError(msg)
        mask |= 1 << number
    return mask


def apply_dirty(world: World) -> NDArray[np.intp]:
    """Let components count as changed whose bit is set in `dirty`, and clear the bits.

    Where the settings themselves are new in this tick, all components count: what has
    waited for its turn under the old ones must not wait for ever under the new ones.

    Returns:
        The rows where a component counts as changed for one of the two reasons.
    """
    if SyncSettings not in world.components:
        return np.empty(0, np.intp)
    settings = world.columns(SyncSettings)
    holders = world.query(SyncSettings)
    masks = settings.dirty[holders]
    masks[settings.changed_tick[holders] == world.tick] = ALL_DIRTY
    rows: NDArray[np.intp] = holders[masks != 0]
    if len(rows):
        _mark(world, rows, masks[masks != 0])
        settings.dirty[rows] = 0
    return rows


def _mark(world: World, rows: NDArray[np.intp], masks: NDArray[np.uint32]) -> None:
    for number, component in enumerate(world.components):
        # What has no bit of its own counts where all do.
        if number < DIRTY_BITS:
            is_wanted = (masks >> np.uint32(number)) & np.uint32(1) != 0
        else:
            is_wanted = masks == ALL_DIRTY
        columns = world.columns(component)
        if component is not SyncSettings:
            columns.changed(rows[is_wanted & columns.present[rows]])
