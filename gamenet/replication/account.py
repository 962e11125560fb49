# SPDX-License-Identifier: MIT
"""What one client was sent in the last ticks: sums, a line for each tick, each row."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.replication.celltable import CellTable
from gamenet.replication.dissect import REASONS, Dissection, SnapshotBlock
from gamenet.replication.tally import Masks, Tally, type_names

__all__ = ["Account", "Entry"]

KEPT_BYTES = 1 << 20
"""Most messages that an account holds on to, in bytes."""
SHOWN_ROWS = 200
"""Rows that a report lists, of a tick and of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One message, and what it was decided by."""

    dissection: Dissection
    """The message."""
    masks: list[Masks]
    """Which components the rows of each block have."""
    budget: float
    """Bytes that the client could be sent in this tick."""
    n_left_out: int
    """Rows that were due, and that the budget had no place for."""
    priorities: NDArray[Any] | None
    """Of each row of the message, in its order: (n_rows,)."""
    levels: NDArray[Any]
    """What the client is told of each: (n_rows,)."""


@dataclass(slots=True, eq=False)
class _Tick:
    """The messages of a tick."""

    tick: int
    tally: Tally
    entries: list[Entry] = field(default_factory=list)

    def line(self) -> dict[str, Any]:
        """Return the tick in a few numbers."""
        blocks = [block for one in self.entries for block in one.dissection.blocks]
        n_told, last = sum(self.tally.told.values()), self.entries[-1]
        return {
            "tick": self.tick,
            "bytes": self.tally.n_bytes,
            "parts": len(self.entries),
            "oldest": max((int(block.ages.max()) for block in blocks), default=0),
            "budget": last.budget if math.isfinite(last.budget) else None,
            "told": n_told,
            "wanted": n_told + last.n_left_out,
            "left_out": last.n_left_out,
        }


class Account:
    """The messages of one client.

    Args:
        table: of their components.
        keep: ticks to go back.
        is_endless: whether what is older still counts in the sums.
    """

    def __init__(self, table: CellTable, keep: int, *, is_endless: bool) -> None:
        self._table = table
        self._keep = keep
        self._is_endless = is_endless
        self._past = Tally(table)
        self._n_past = 0
        self._n_bytes = 0
        self._ticks: deque[_Tick] = deque()

    def enter(self, entry: Entry) -> None:
        """Take the next message."""
        ticks, dissection = self._ticks, entry.dissection
        if not ticks or ticks[-1].tick != dissection.tick:
            ticks.append(_Tick(dissection.tick, Tally(self._table)))
        ticks[-1].entries.append(entry)
        ticks[-1].tally.add(dissection, entry.masks)
        self._n_bytes += dissection.size
        while len(ticks) > self._keep or (
            self._n_bytes > KEPT_BYTES and len(ticks) > 1
        ):
            self._let_go(ticks.popleft())

    def _let_go(self, oldest: _Tick) -> None:
        self._n_bytes -= oldest.tally.n_bytes
        if self._is_endless:
            self._past.merge(oldest.tally)
            self._n_past += 1

    def report(self, tick: int | None = None) -> dict[str, Any]:
        """Return what was sent, ready for JSON.

        Args:
            tick: to be shown row by row; the newest if left out.

        Raises:
            LocalProtocolError: the tick is not kept.
        """
        total = Tally(self._table)
        total.merge(self._past)
        for each in self._ticks:
            total.merge(each.tally)
        return {
            "ticks": self._n_past + len(self._ticks),
            **total.sums(SHOWN_ROWS),
            "history": [each.line() for each in self._ticks],
            "detail": self._detail(self._find(tick)) if self._ticks else None,
        }

    def _find(self, tick: int | None) -> _Tick:
        if tick is None:
            return self._ticks[-1]
        for each in self._ticks:
            if each.tick == tick:
                return each
        first, last = self._ticks[0].tick, self._ticks[-1].tick
        msg = f"tick {tick} is not kept: allowed are those from {first} to {last}"
        raise LocalProtocolError(msg)

    def _detail(self, one: _Tick) -> dict[str, Any]:
        """Return one tick, row by row."""
        rows = [
            row for entry in one.entries for row in _rows_of(entry, self._table.columns)
        ]
        rows.sort(key=lambda row: row["bytes"], reverse=True)
        sums = one.tally.sums()
        return {**one.line(), **sums, "rows": rows[:SHOWN_ROWS]}


def _rows_of(entry: Entry, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the rows of a message, and all that is known of each."""
    found: list[dict[str, Any]] = []
    for block, masks in zip(entry.dissection.blocks, entry.masks, strict=True):
        names, kinds = type_names(entry.dissection.table, block, masks)
        per_row = block.row_bits + block.cell_bits.sum(axis=0)
        spent = _spent(block, entry.dissection.table.column[block.groups], columns)
        for i, row in enumerate(block.rows.tolist()):
            at = len(found)
            found.append(
                {
                    "row": row,
                    "type": names[kinds[i]],
                    "reason": REASONS[block.reasons[i]],
                    "age": int(block.ages[i]),
                    "level": int(entry.levels[at]),
                    "priority": _number(entry.priorities, at),
                    "bytes": int(per_row[i]) / 8,
                    "components": [
                        {"name": name, "bytes": size} for name, size in spent[i].items()
                    ],
                }
            )
    return found


def _spent(
    block: SnapshotBlock, of_group: NDArray[Any], columns: tuple[str, ...]
) -> list[dict[str, float]]:
    """Return the bytes of each row's components."""
    spent: list[dict[str, float]] = [{} for _ in block.rows]
    for column, bits in zip(of_group.tolist(), block.cell_bits.tolist(), strict=True):
        name = columns[column]
        for mine, count in zip(spent, bits, strict=True):
            # One that did not change has a bit that says so, and is no news.
            if count > 1:
                mine[name] = mine.get(name, 0.0) + count / 8
    return spent


def _number(values: NDArray[Any] | None, at: int) -> float | None:
    value = None if values is None else values[at].item()
    return None if value is None or math.isnan(value) else round(value, 3)
