# SPDX-License-Identifier: MIT
"""Add up what snapshots were spent on: by type of entity, by component, by reason.

A type of entity is the set of its components, because nothing else about it is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.replication.celltable import HEADERS, ROWS, CellTable
from gamenet.replication.dissect import (
    DESPAWNED,
    LEFT,
    OVERHEAD,
    REASONS,
    Dissection,
    SnapshotBlock,
)

__all__ = ["Tally", "type_names"]

_MOST_TYPES = 256
"""Types that are told apart; those beyond share one name."""
_OTHERS = "(others)"
_NO_TYPE = "(no entity)"
_GONE_TYPE = "(gone)"
_BARE_TYPE = "(no components)"

Masks = NDArray[np.bool_]
Key = tuple[str, int, int]


class Tally:
    """Bits by type, component and reason, and bits by row.

    Args:
        table: of the messages that are added.
    """

    def __init__(self, table: CellTable) -> None:
        self._table = table
        self.n_messages = 0
        """Messages added."""
        self.n_bytes = 0
        """Their length."""
        self.raw = 0
        """Bytes of the same rows if each were sent whole."""
        self.bits: Counter[Key] = Counter()
        """Bits by type, index of the column, index of the reason."""
        self.told: Counter[str] = Counter()
        """How many times an entity of a type was told."""
        self.reasons: Counter[int] = Counter()
        """How many times an entity was told for a reason."""
        self.row_bits: Counter[int] = Counter()
        """Bits by row."""
        self.row_types: dict[int, str] = {}
        """The type that was last seen in each row."""

    def add(self, dissection: Dissection, masks: Sequence[Masks]) -> None:
        """Add a message.

        Args:
            dissection: of the message.
            masks: of each block, which components its rows have.

        Shapes:
            masks: each (n_rows, n_components).
        """
        self.n_messages += 1
        self.n_bytes += dissection.size
        self.bits[_NO_TYPE, HEADERS, OVERHEAD] += dissection.overhead
        for block, of_block in zip(dissection.blocks, masks, strict=True):
            self._add(block, of_block)

    def _add(self, block: SnapshotBlock, masks: Masks) -> None:
        table, n_columns = self._table, len(self._table.columns)
        names, kinds = type_names(table, block, masks)
        names = [self._name(name) for name in names]
        # One number for each type, reason and column.
        base = (kinds * len(REASONS) + block.reasons) * n_columns
        of_group = table.column[block.groups]
        keys = np.concatenate([base + ROWS, (base + of_group[:, None]).ravel()])
        spent = np.concatenate([block.row_bits, block.cell_bits.ravel()])
        sums = np.bincount(keys, spent)
        for key in sums.nonzero()[0].tolist():
            rest, column = divmod(key, n_columns)
            kind, reason = divmod(rest, len(REASONS))
            self.bits[names[kind], column, reason] += int(sums[key])
        for column in of_group.tolist():
            self.bits[_NO_TYPE, column, OVERHEAD] += block.group_bits
        per_row = block.row_bits + block.cell_bits.sum(axis=0)
        self._add_rows(block, [names[kind] for kind in kinds.tolist()], per_row)
        is_here = (block.reasons != LEFT) & (block.reasons != DESPAWNED)
        self.raw += int((masks[is_here] @ table.raw).sum())

    def _add_rows(
        self, block: SnapshotBlock, names: list[str], per_row: NDArray[np.int64]
    ) -> None:
        rows = block.rows.tolist()
        for row, bits in zip(rows, per_row.tolist(), strict=True):
            self.row_bits[row] += bits
        for row, name in zip(rows, names, strict=True):
            if name != _GONE_TYPE or row not in self.row_types:
                self.row_types[row] = name
        self.told.update(names)
        self.reasons.update(block.reasons.tolist())

    def _name(self, name: str) -> str:
        is_full = len(self.told) >= _MOST_TYPES and name not in self.told
        return _OTHERS if is_full else name

    def merge(self, other: Tally) -> None:
        """Add everything that another tally holds."""
        self.n_messages += other.n_messages
        self.n_bytes += other.n_bytes
        self.raw += other.raw
        for (name, column, reason), bits in other.bits.items():
            self.bits[self._name(name), column, reason] += bits
        for name, count in other.told.items():
            self.told[self._name(name)] += count
        self.reasons.update(other.reasons)
        self.row_bits.update(other.row_bits)
        for row, name in other.row_types.items():
            if name != _GONE_TYPE or row not in self.row_types:
                self.row_types[row] = name

    def sums(self, n_rows: int = 0) -> dict[str, Any]:
        """Return bytes, the largest first, ready for JSON.

        Args:
            n_rows: how many of the rows that took most.
        """
        columns = self._table.columns
        return {
            "messages": self.n_messages,
            "bytes": self.n_bytes,
            "raw": self.raw,
            "ratio": round(self.raw / self.n_bytes, 3) if self.n_bytes else 0.0,
            "types": self._by(lambda key: key[0], self.told),
            "components": self._by(lambda key: columns[key[1]], {}),
            "reasons": self._by(
                lambda key: REASONS[key[2]],
                {REASONS[reason]: count for reason, count in self.reasons.items()},
            ),
            "rows": [
                {"row": row, "type": self.row_types[row], "bytes": bits / 8}
                for row, bits in self.row_bits.most_common(n_rows)
            ],
        }

    def _by(self, name_of: Callable[[Key], str], told: Any) -> list[dict[str, Any]]:
        bits: Counter[str] = Counter()
        for key, count in self.bits.items():
            bits[name_of(key)] += count
        return [
            {"name": name, "bytes": count / 8, "told": told.get(name, 0)}
            for name, count in bits.most_common()
        ]


def type_names(
    table: CellTable, block: SnapshotBlock, masks: Masks
) -> tuple[list[str], NDArray[np.intp]]:
    """Return the types that occur in a block, and which of them each row is.

    Args:
        table: of the components.
        block: the rows.
        masks: which components each row has.

    Shapes:
        masks: (n_rows, n_components); returned: (n_rows,).
    """
    is_gone = (block.reasons == LEFT) | (block.reasons == DESPAWNED)
    marked = np.column_stack([masks, is_gone])
    codes = np.ascontiguousarray(np.packbits(marked, axis=1))
    words = codes.view(np.dtype((np.void, codes.shape[1]))).ravel()
    _, firsts, kinds = np.unique(words, return_index=True, return_inverse=True)
    return [_type_name(table, marked[i]) for i in firsts.tolist()], kinds.ravel()


def _type_name(table: CellTable, marked: Masks) -> str:
    components = table.columns[-table.n_components :] if table.n_components else ()
    has = compress(components, marked[:-1].tolist())
    return "+".join(has) or (_GONE_TYPE if marked[-1] else _BARE_TYPE)
