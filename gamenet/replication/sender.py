# SPDX-License-Identifier: MIT
"""Tell clients a world: to each what it sees, against what it has acknowledged.

Once a tick `begin` takes the world's state; then `parts` says, for one client after the
other, what is due. Most rows of most clients are told against the newest tick that the
client acknowledged, and that work is shared. Rows that a client missed, has just begun
to see, or sees otherwise than everybody does, are told against a base of their own.
"""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication.blocks import SNAPSHOT_HEAD
from gamenet.replication.choice import (
    SMALLEST_ROW,
    Share,
    Weigh,
    choose,
    keep_foremost,
)
from gamenet.replication.deltas import OwnDelta, SharedDelta
from gamenet.replication.due import EVERYONE, Due, find_due, has_base, is_held
from gamenet.replication.mirror import Mirror
from gamenet.replication.packing import (
    BLOCK_HEAD,
    Told,
    gone_blocks,
    packed,
    row_blocks,
)
from gamenet.replication.priority import Priorities
from gamenet.replication.viewer import Part, Viewer
from gamenet.wire import BufferPool
from gamenet.world import Changes, Component, World

__all__ = ["Sender"]

FRESH = (-1, -1)  # the key of what is told against nothing
NO_ROWS: NDArray[np.intp] = np.empty(0, np.intp)

Rows = NDArray[np.intp]


class Sender:
    """Encode a world for its clients.

    Args:
        world: the authority's world.
        part_size: largest message in bytes, so that it fits a packet.
        tick_rate: ticks a second, for components with a rate of their own.
        predicted: components that players predict.

    Raises:
        LocalProtocolError: a single row would not fit a message.
    """

    def __init__(
        self,
        world: World,
        *,
        part_size: int,
        tick_rate: float = 30.0,
        predicted: Collection[type[Component]] = (),
    ) -> None:
        self._world = world
        self.mirror = Mirror(world, tick_rate=tick_rate, predicted=predicted)
        self._room = part_size - SNAPSHOT_HEAD.size
        self._deltas: dict[tuple[int, int], SharedDelta] = {}
        self._entering = NO_ROWS
        self._insisted: dict[int, Rows] = {}
        self.n_blocks_made = 0
        """Blocks whose bytes had to be made."""
        self.n_blocks_shared = 0
        """Blocks whose bytes had been made for another client."""
        layout = self.mirror.layout
        needed = BLOCK_HEAD + 2 * layout.n_groups + int(layout.full.sum())
        if needed > self._room:
            msg = (
                f"one entity with all components takes up to {needed} bytes: the limit "
                f"of a packet is {self._room}; use fewer or smaller components"
            )
            raise LocalProtocolError(msg)

    @property
    def pools(self) -> tuple[BufferPool, ...]:
        """Return where the buffers of differences come from."""
        return self.mirror.scratch.pools

    def admit(self, player_id: int = 0) -> Viewer:
        """Return a new client, who sees everything until told otherwise."""
        viewer = Viewer(player_id, self._world.capacity)
        viewer.level.fill(EVERYONE)
        return viewer

    def begin(self, tick: int, insisted: Rows = NO_ROWS) -> Changes:
        """Take the state of the world for a tick.

        Args:
            tick: which one.
            insisted: rows of living entities that each snapshot for their owner tells,
                whether they have changed or not, and as they are in this tick.

        Returns:
            Who came, went and changed shape or owner.

        Raises:
            LocalProtocolError: the tick is not newer than the last one.
        """
        for delta in self._deltas.values():
            self.n_blocks_made += delta.n_made
            self.n_blocks_shared += delta.n_shared
        self._deltas.clear()
        self._entering = NO_ROWS
        changes = self.mirror.update(tick, insisted)
        self._insist(insisted)
        return changes

    def _insist(self, rows: Rows) -> None:
        """Make rows due for their owners, and remember whose they are."""
        self._insisted = {}
        if len(rows):
            self.mirror.touch(rows)
            owner = self._world.owner.take(rows)
            order = owner.argsort(kind="stable")
            owners, starts = np.unique(owner.take(order), return_index=True)
            groups = np.split(rows.take(order), starts[1:])
            self._insisted = dict(zip(owners.tolist(), groups, strict=True))

    def parts(
        self,
        viewer: Viewer,
        budget: float = math.inf,
        priorities: Priorities | None = None,
        weigh: Weigh | None = None,
    ) -> list[Part]:
        """Return the messages that tell a client what is due, at least one.

        All of them must be sent, or be told lost.

        Args:
            viewer: the client.
            budget: bytes that may go; what has no room is told later.
            priorities: what the client's rows have gathered; needed for a budget.
            weigh: returns what each of some rows gathers now; all the same if left out.
        """
        viewer.repeat_insisted(self.mirror.changed_at(self.mirror.tick))
        common = self._common_parts(viewer, budget)
        if common is not None:
            return common
        due = find_due(self.mirror, viewer)
        told = gone_blocks(self.mirror, viewer, due.gone, self._room)
        budget -= sum(len(block.payload) for block in told)
        n_left_out = 0
        if priorities is not None and viewer.player_id in self._insisted:
            priorities.put_first(self._insisted[viewer.player_id])
        if priorities is not None and len(due.own) * SMALLEST_ROW > budget:
            due.own, n_left_out = keep_foremost(due.own, priorities, weigh, budget)
        shares = self._shares(viewer, due)
        if priorities is not None:
            n_left_out += choose(shares, priorities, weigh, budget, n_left_out > 0)
        parts, n_cut = self._parts(viewer, shares, told)
        viewer.since = self.mirror.tick
        viewer.n_left_out = n_left_out + n_cut
        viewer.has_backlog = viewer.n_left_out > 0
        return parts

    def expect(self, rows: Rows) -> None:
        """Learn which rows clients begin to see in this tick, to share that work.

        Args:
            rows: ascending.
        """
        self._entering = rows

    def _shares(self, viewer: Viewer, due: Due) -> list[Share]:
        """Return the differences that are due, and which of their rows."""
        shares: list[Share] = []
        if len(due.shared):
            shares.append(_share(self._shared(viewer), due.shared))
        own = due.own
        if len(own) and len(self._entering):
            fresh = self._fresh_delta()
            is_fresh = _is_fresh(self.mirror, viewer, own, fresh.rows)
            if np.count_nonzero(is_fresh):
                shares.append(_share(fresh, own[is_fresh]))
                own = own[~is_fresh]
        if len(own):
            shares.append(Share(OwnDelta(self.mirror, viewer, own), None))
        return shares

    def _shared(self, viewer: Viewer) -> SharedDelta:
        """Return the differences against what a client has acknowledged."""
        base = viewer.acked
        key = base, base if viewer.has_backlog else viewer.since
        delta = self._deltas.get(key)
        if delta is None:
            rows = self.mirror.changed_since(key[1])
            delta = self._deltas[key] = SharedDelta(self.mirror, rows, base)
        return delta

    def _fresh_delta(self) -> SharedDelta:
        """Return what is told of rows to those who have just begun to see them."""
        delta = self._deltas.get(FRESH)
        if delta is None:
            delta = self._deltas[FRESH] = SharedDelta(self.mirror, self._entering, None)
        return delta

    def _common_parts(self, viewer: Viewer, budget: float) -> list[Part] | None:
        """Return the messages of all who are told the same, if a client is of them.

        It sees everything, was told all of before, and holds what it acknowledged.
        """
        mirror = self.mirror
        if viewer.has_backlog or viewer.has_touched or not has_base(mirror, viewer):
            return None
        delta = self._shared(viewer)
        if not delta.is_whole or delta.size > budget or mirror.layout.is_restricted:
            return None
        assert delta.changed_before is not None
        is_other = viewer.base.take(delta.rows) < delta.changed_before
        if np.count_nonzero(is_other):
            return None
        if delta.parts is None:
            parts, n_cut = self._parts(viewer, [Share(delta, None)], [])
            if n_cut:
                return None
            delta.parts = parts
        else:
            delta.n_shared += len(delta.parts)
        viewer.since = mirror.tick
        viewer.n_left_out = 0
        return delta.parts

    def _parts(
        self, viewer: Viewer, shares: list[Share], told: list[Told]
    ) -> tuple[list[Part], int]:
        """Return messages, and how many rows had no place in them."""
        for share in shares:
            if len(share.delta.rows if share.picked is None else share.picked):
                told += row_blocks(share.delta, share.picked, viewer, self._room)
        return packed(self.mirror.tick, told, self._room)

    def is_held(self, viewer: Viewer, tick: int) -> bool:
        """Return whether a client is known to hold all that it sees, as of a tick."""
        return is_held(self.mirror, viewer, tick)


def _share(delta: SharedDelta, rows: Rows) -> Share:
    """Return the share of those rows of a delta that are due."""
    if len(rows) == len(delta.rows):
        return Share(delta, None)
    return Share(delta, delta.rows.searchsorted(rows))


def _is_fresh(
    mirror: Mirror, viewer: Viewer, rows: Rows, among: Rows
) -> NDArray[np.bool_]:
    """Return which rows a client holds nothing of, and are among others."""
    if not len(among):
        return np.zeros(len(rows), np.bool_)
    is_fresh: NDArray[np.bool_] = viewer.base_level.take(rows) == 0
    if mirror.layout.is_restricted:
        is_fresh &= viewer.level.take(rows) == EVERYONE
    is_fresh &= among.take(among.searchsorted(rows), mode="clip") == rows
    return is_fresh
