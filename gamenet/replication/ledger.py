# SPDX-License-Identifier: MIT
"""Keep accounts of what clients were sent lately, and why, for whoever asks.

An account is kept of clients that somebody looks at, for as long as somebody does: it
closes by itself when it was not asked for a while. When nobody looks, a server pays for
all of this with one look at an empty dict. What is kept is bounded in ticks, in bytes,
and in clients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication.account import Account, Entry
from gamenet.replication.celltable import cell_table
from gamenet.replication.dissect import LEFT, Dissection, dissect
from gamenet.replication.tally import Masks
from gamenet.world import Component, World

__all__ = ["Ledger", "SentPart", "Shapes", "shapes_of"]

MOST_WATCHED = 4
"""Clients of which an account is kept at the same time."""
PATIENCE = 600
"""Ticks after which an account closes that nobody asks for."""
KEPT_TICKS = 128

Shapes = Callable[[bytes, Dissection], list[Masks]]
"""Tells which components the rows of each block of a message have."""


class SentPart(Protocol):
    """What was sent: one part of a snapshot.

    Shapes:
        rows, levels: (n_rows,).
    """

    @property
    def payload(self) -> bytes:
        """Return the whole message."""

    @property
    def rows(self) -> NDArray[Any]:
        """Return the rows that it tells, in any order; none if each to everyone."""

    @property
    def levels(self) -> NDArray[Any]:
        """Return what of each of these rows it tells."""


def shapes_of(world: World, components: Sequence[type[Component]]) -> Shapes:
    """Return what tells the shapes of rows as they are now in a world.

    Args:
        world: the sender's own.
        components: those that are replicated, in the order of their numbers.
    """
    present = [world.columns(component).present for component in components]

    def shapes(payload: bytes, dissection: Dissection) -> list[Masks]:
        found = []
        for block in dissection.blocks:
            masks = np.empty((len(block.rows), len(present)), np.bool_)
            for i, of_component in enumerate(present):
                masks[:, i] = of_component[block.rows]
            found.append(masks)
        return found

    return shapes


class Ledger:
    """Keep accounts of what clients are sent.

    Args:
        components: those that are replicated, in the order of their numbers.
        capacity: rows of the world.
        shapes: tells which components rows have.
        keep: ticks that an account goes back.
        is_endless: whether what is older still counts in the sums.
    """

    def __init__(
        self,
        components: Sequence[type[Component]],
        capacity: int,
        shapes: Shapes,
        *,
        keep: int = KEPT_TICKS,
        is_endless: bool = False,
    ) -> None:
        self._components = tuple(components)
        self._audience = np.array([c.sync.audience for c in components], np.uint8)
        self._table = cell_table(self._components)
        self._capacity = capacity
        self._shapes = shapes
        self._keep = keep
        self._is_endless = is_endless
        self._accounts: dict[int, Account] = {}
        self._until: dict[int, int] = {}

    @property
    def watched(self) -> Mapping[int, int]:
        """Return who is watched, and until which tick; empty when this is off."""
        return self._until

    def watch(self, player_id: int, tick: int) -> None:
        """Keep an account of a client from now on; called again, for longer.

        Args:
            player_id: the client.
            tick: of now.

        Raises:
            LocalProtocolError: there are too many others.
        """
        self._close_idle(tick)
        if player_id not in self._accounts:
            if len(self._accounts) >= MOST_WATCHED:
                others = ", ".join(map(str, self._accounts))
                msg = (
                    f"player {player_id} cannot be inspected: {MOST_WATCHED} others "
                    f"are ({others}); try again when nobody looks at one of them"
                )
                raise LocalProtocolError(msg)
            endless = self._is_endless
            account = Account(self._table, self._keep, is_endless=endless)
            self._accounts[player_id] = account
        self._until[player_id] = tick + PATIENCE

    def forget(self, player_id: int) -> None:
        """Close the account of a client, if there is one."""
        if self._until.pop(player_id, None) is not None:
            del self._accounts[player_id]

    def _close_idle(self, tick: int) -> None:
        for player_id in [p for p, until in self._until.items() if until < tick]:
            self.forget(player_id)

    def sent(
        self,
        player_id: int,
        tick: int,
        part: SentPart,
        budget: float,
        n_left_out: int,
        accumulators: NDArray[Any] | None,
    ) -> None:
        """Enter a message that a client was sent; nothing happens if nobody looks.

        Args:
            player_id: the client.
            tick: of now.
            part: the message.
            budget: bytes that the client could be sent in this tick.
            n_left_out: rows that were due, and that the budget had no place for.
            accumulators: the priority that each of the part's rows had gathered; None
                where there was room for all.

        Raises:
            RemoteProtocolError: the message is malformed.
        """
        if self._until.get(player_id, -1) < tick:
            self.forget(player_id)
            return
        dissection = dissect(part.payload, self._components, self._capacity)
        masks = self._shapes(part.payload, dissection)
        levels = _aligned(dissection, part, part.levels)
        if levels is None:
            is_here = [block.reasons < LEFT for block in dissection.blocks]
            levels = np.concatenate([np.zeros(0, np.uint8), *is_here])
        self._hide(masks, levels)
        priorities = _aligned(dissection, part, accumulators)
        entry = Entry(dissection, masks, budget, n_left_out, priorities, levels)
        self._accounts[player_id].enter(entry)

    def _hide(self, masks: list[Masks], levels: NDArray[Any]) -> None:
        """Take from the rows' components those that the client is not told of."""
        at = 0
        for mask in masks:
            of_block = levels[at : at + len(mask), None]
            np.logical_and(mask, of_block & self._audience, out=mask)
            at += len(mask)

    def report(self, player_id: int, tick: int | None = None) -> dict[str, Any]:
        """Return what a client was sent, ready for JSON.

        Args:
            player_id: the client.
            tick: to be shown row by row; the newest if left out.

        Raises:
            LocalProtocolError: the client is not watched, or the tick is not kept.
        """
        account = self._accounts.get(player_id)
        if account is None:
            msg = f"player {player_id} is not watched: call watch first"
            raise LocalProtocolError(msg)
        return {"player": player_id, **account.report(tick)}


def _aligned(
    dissection: Dissection, part: SentPart, values: NDArray[Any] | None
) -> NDArray[Any] | None:
    """Return what belongs to rows in the order of the message; None without it."""
    rows = dissection.rows
    if values is None or len(part.rows) < len(rows) or len(values) < len(part.rows):
        return None
    order = np.argsort(part.rows, kind="stable")
    at = np.searchsorted(part.rows[order], rows).clip(0, len(order) - 1)
    found: NDArray[Any] = values[order[at]]
    return found
