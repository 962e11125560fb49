# SPDX-License-Identifier: MIT
"""Row blocks: the state of some rows of a world as bytes.

A block names its rows by a bitmap from a first row on, tells which use of its row each
entity is (so that a late packet never writes to another entity), and then holds, for
each component, which of those rows have it and its planes. Components that a reader
does not know are skipped by their length.

Source: docs/STANDARD.md, "Row blocks".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.wire import (
    Planes,
    read_bitmap,
    read_words,
    write_bitmap,
    write_words,
)
from gamenet.world import World

__all__ = ["Block", "BlockCodec", "ComponentRows"]

_HEAD = struct.Struct("<IH")
_COMPONENT = struct.Struct("<BI")
MAX_SPAN = 0xFFFF

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class ComponentRows:
    """One component's part of a block."""

    component: int
    """Its index in the world."""
    mask: NDArray[np.bool_]
    """Which of the block's rows have it: (n_rows,)."""
    fields: dict[str, NDArray[Any]]
    """Field name -> values of those rows, in order."""


@dataclass(frozen=True, slots=True)
class Block:
    """A row block that was read, not yet applied to a world."""

    rows: Rows
    """Ascending rows: (n_rows,)."""
    generations: NDArray[Any]
    """Of each row; the low 16 bits only unless the block has owners."""
    owners: NDArray[Any] | None
    """Player id of each row's owner, in blocks with full identity."""
    parts: list[ComponentRows]
    """The components, in order."""


class BlockCodec:
    """Write rows of a world as blocks, and read blocks for a world of that kind.

    Args:
        world: whose rows are written; a reader needs only its components and capacity.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._columns = [world.columns(component) for component in world.components]
        self._planes = [Planes(component) for component in world.components]

    def sizes(self, rows: Rows) -> NDArray[np.float64]:
        """Return the bytes that each row adds to a block, its bitmap bits included.

        Shapes:
            rows, returned: (n_rows,).
        """
        sizes = np.full(len(rows), 2.0)
        for columns, planes in zip(self._columns, self._planes, strict=True):
            sizes += columns.present[rows] * planes.row_size + 0.125
        return sizes

    @property
    def overhead(self) -> int:
        """Return the most bytes that a block has beside its rows and row bitmap."""
        return _HEAD.size + 2 + len(self._planes) * (_COMPONENT.size + 1)

    @property
    def largest_row(self) -> int:
        """Return the bytes of a row that has every component."""
        return 2 + sum(planes.row_size + 1 for planes in self._planes)

    def write(
        self, buffer: bytearray, at: int, rows: Rows, *, with_identity: bool
    ) -> int:
        """Write a block of at least one row; return the position after it.

        Args:
            buffer: large enough.
            at: where to begin.
            rows: ascending rows, spanning at most 65,535.
            with_identity: whether to write whole generations and owners.
        """
        base = int(rows[0])
        span = int(rows[-1]) - base + 1
        _HEAD.pack_into(buffer, at, base, span)
        bits = np.zeros(span, np.bool_)
        bits[rows - base] = True
        at = write_bitmap(buffer, at + _HEAD.size, bits)
        generations = self._world.generation[rows]
        if with_identity:
            at = write_words(buffer, at, generations.astype("<u4", copy=False))
            owners = self._world.owner[rows].astype("<u4", copy=False)
            at = write_words(buffer, at, owners)
        else:
            at = write_words(buffer, at, generations.astype("<u2"))
        return self._write_components(buffer, at, rows)

    def _write_components(self, buffer: bytearray, at: int, rows: Rows) -> int:
        count_at = at
        n_components = 0
        at += 1
        for i, (columns, planes) in enumerate(
            zip(self._columns, self._planes, strict=True)
        ):
            mask = columns.present[rows]
            if not mask.any():
                continue
            n_components += 1
            begin = at + _COMPONENT.size
            end = write_bitmap(buffer, begin, mask)
            end = planes.write(buffer, end, columns, rows[mask])
            _COMPONENT.pack_into(buffer, at, i, end - begin)
            at = end
        buffer[count_at] = n_components
        return at

    def read(self, data: bytes, at: int, *, with_identity: bool) -> Block:
        """Read the block from a position to the end of the bytes.

        Raises:
            RemoteProtocolError: malformed, or a row beyond the world's capacity.
        """
        try:
            base, span = _HEAD.unpack_from(data, at)
            rows, at = self._read_rows(data, at + _HEAD.size, base, span)
            owners = None
            if with_identity:
                generations, at = read_words(data, at, len(rows), "u4")
                owners, at = read_words(data, at, len(rows), "u4")
            else:
                generations, at = read_words(data, at, len(rows), "u2")
            parts = self._read_components(data, at, len(rows))
        except (struct.error, IndexError) as error:
            msg = f"a row block of {len(data)} bytes is cut short: {error}"
            raise RemoteProtocolError(msg) from error
        return Block(rows, generations, owners, parts)

    def _read_rows(
        self, data: bytes, at: int, base: int, span: int
    ) -> tuple[Rows, int]:
        if span == 0 or base + span > self._world.capacity:
            msg = (
                f"a row block of rows {base} to {base + span - 1}: "
                f"allowed are 0 to {self._world.capacity - 1}"
            )
            raise RemoteProtocolError(msg)
        bits, at = read_bitmap(data, at, span)
        rows = np.flatnonzero(bits)
        if not (bits[0] and bits[-1]):
            msg = f"a row block's bitmap of {span} bits does not begin and end with a 1"
            raise RemoteProtocolError(msg)
        return rows + base, at

    def _read_components(
        self, data: bytes, at: int, n_rows: int
    ) -> list[ComponentRows]:
        parts: list[ComponentRows] = []
        n_components = data[at]
        at += 1
        last = -1
        for _ in range(n_components):
            number, length = _COMPONENT.unpack_from(data, at)
            at += _COMPONENT.size
            if number <= last or at + length > len(data):
                msg = f"component {number} of {length} bytes is out of order or cut"
                raise RemoteProtocolError(msg)
            last = number
            if number < len(self._planes):
                parts.append(self._read_component(data, at, length, number, n_rows))
            at += length
        if at != len(data):
            msg = f"a row block ends at byte {at}, but {len(data)} bytes came"
            raise RemoteProtocolError(msg)
        return parts

    def _read_component(
        self, data: bytes, at: int, length: int, number: int, n_rows: int
    ) -> ComponentRows:
        mask, end = read_bitmap(data, at, n_rows)
        n_present = int(np.count_nonzero(mask))
        fields, end = self._planes[number].read(data, end, n_present)
        if end != at + length:
            msg = f"component {number} ends after {end - at} of its {length} bytes"
            raise RemoteProtocolError(msg)
        return ComponentRows(number, mask, fields)
