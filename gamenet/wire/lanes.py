# SPDX-License-Identifier: MIT
"""The fields of a schema as lanes: columns of unsigned words of at most 32 bits.

Snapshots tell differences of lanes. A field that fits 32 bits is one lane, a wider one
is two, a quaternion is three, so that a small turn is a small difference in each.

Source: docs/STANDARD.md, "Lanes".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.fields import WordField
from gamenet.wire.quantized import AngleField, FixedField, QuaternionField
from gamenet.wire.schema import Schema

__all__ = ["Lanes"]

Words = NDArray[np.uint32]
Rows = NDArray[Any]

ALL_BITS = 0xFFFFFFFF


class _Part(Protocol):
    """Some lanes, and the fields that they are made of."""

    widths: tuple[int, ...]
    names: tuple[str, ...]

    def write(self, columns: Any, rows: Rows, out: Words) -> None:
        """Put the words of rows into the lanes."""

    def read(self, lanes: Words) -> Iterator[NDArray[Any]]:
        """Yield the column of each field; an illegal word raises ValueError."""

    def bits(self) -> Iterator[tuple[str, int, int]]:
        """Yield a field's name, a lane of it, and which bits of that lane are its."""


class Lanes:
    """Turn columns of a schema into lanes, and lanes into columns.

    Args:
        schema: whose fields all have a fixed width.
    """

    widths: tuple[int, ...]
    """Bits of each lane, 1 to 32."""

    def __init__(self, schema: type[Schema]) -> None:
        self.schema = schema
        self._parts = [_part_of(items) for items in _alike(schema)]
        self.widths = tuple(width for part in self._parts for width in part.widths)
        self._bits: dict[str, list[tuple[int, np.uint32]]] = {}
        at = 0
        self._slices: list[tuple[_Part, slice]] = []
        for part in self._parts:
            end = at + len(part.widths)
            self._slices.append((part, slice(at, end)))
            for name, lane, mask in part.bits():
                self._bits.setdefault(name, []).append((at + lane, np.uint32(mask)))
            at = end

    def to_lanes(self, columns: Any, rows: Rows) -> Words:
        """Return the lanes of rows.

        Args:
            columns: an object with one array for each field, by name.
            rows: which rows, in any order.

        Shapes:
            returned: (number of lanes, n_rows).
        """
        out = np.empty((len(self.widths), len(rows)), np.uint32)
        for part, lanes in self._slices:
            part.write(columns, rows, out[lanes])
        return out

    def changed_fields(self, flipped: Words) -> dict[str, NDArray[np.bool_]]:
        """Return for each field in which rows it changed.

        Shapes:
            flipped: the words before, exclusive or those after: (number of lanes,
                n_rows). Each value returned: (n_rows,).
        """
        changed = {}
        for name, bits in self._bits.items():
            masks = [(flipped[lane] & mask) != 0 for lane, mask in bits]
            changed[name] = np.logical_or.reduce(masks)
        return changed

    def from_lanes(self, lanes: Words) -> dict[str, NDArray[Any]]:
        """Return the column of each field.

        Shapes:
            lanes: (number of lanes, n_rows).

        Raises:
            RemoteProtocolError: a word that no value has.
        """
        columns: dict[str, NDArray[Any]] = {}
        try:
            for part, where in self._slices:
                columns.update(zip(part.names, part.read(lanes[where]), strict=True))
        except ValueError as error:
            msg = f"{self.schema.__name__}: {error}"
            raise RemoteProtocolError(msg) from error
        return columns


class _Fixed:
    """Neighbouring fixed-point fields of one kind, quantized together."""

    def __init__(self, fields: list[FixedField]) -> None:
        self.names = tuple(field.name for field in fields)
        self._quantizer = fields[0].quantizer
        width = self._quantizer.steps.bit_length()
        self.widths = (width,) * len(fields)

    def write(self, columns: Any, rows: Rows, out: Words) -> None:
        values = np.empty(out.shape)
        for i, name in enumerate(self.names):
            getattr(columns, name).take(rows, out=values[i], mode="clip")
        out[:] = self._quantizer.to_words(values)

    def read(self, lanes: Words) -> Iterator[NDArray[Any]]:
        yield from self._quantizer.from_words(lanes)

    def bits(self) -> Iterator[tuple[str, int, int]]:
        yield from ((name, i, ALL_BITS) for i, name in enumerate(self.names))


class _Quaternion:
    """A rotation: the largest component's index with the first step, two more steps."""

    names: tuple[str, ...]
    widths: tuple[int, ...]

    def __init__(self, field: QuaternionField) -> None:
        self.names = (field.name,)
        self._quantizer = field.quantizer
        bits = field.quantizer.bits
        self.widths = (bits + 2, bits, bits)

    def write(self, columns: Any, rows: Rows, out: Words) -> None:
        column = getattr(columns, self.names[0])
        largest, steps = self._quantizer.to_steps(column.take(rows, axis=0))
        out[:] = steps
        out[0] <<= 2
        out[0] |= largest.astype(np.uint32)

    def read(self, lanes: Words) -> Iterator[NDArray[Any]]:
        steps = lanes.copy()
        steps[0] >>= 2
        yield self._quantizer.from_steps((lanes[0] & 3).astype(np.intp), steps)

    def bits(self) -> Iterator[tuple[str, int, int]]:
        yield from ((self.names[0], i, ALL_BITS) for i in range(3))


class _Word:
    """Fields of one word: a number, an angle, an enum, or a run of bits."""

    names: tuple[str, ...]
    widths: tuple[int, ...]

    def __init__(self, item: WordField | BitRun) -> None:
        self._item: Any = item
        self._dtype = np.dtype("<" + item.word_dtype)
        self._unsigned = np.dtype(f"<u{self._dtype.itemsize}")
        fields = item.fields if isinstance(item, BitRun) else [item]
        self.names = tuple(field.name for field in fields)
        bits = 8 * self._dtype.itemsize
        if isinstance(item, BitRun):
            bits = item.bits
        elif isinstance(item, AngleField | FixedField):
            bits = item.quantizer.bits
        self.widths = (bits,) if bits <= 32 else (32, bits - 32)

    def write(self, columns: Any, rows: Rows, out: Words) -> None:
        parts = [getattr(columns, name)[rows] for name in self.names]
        item = self._item
        words = item.words_of(parts if isinstance(item, BitRun) else parts[0])
        words = words.view(self._unsigned)
        if len(self.widths) == 1:
            out[0] = words
        else:
            out[0] = words & np.uint64(0xFFFFFFFF)
            out[1] = words >> np.uint64(32)

    def read(self, lanes: Words) -> Iterator[NDArray[Any]]:
        words = lanes[0].astype(self._unsigned)
        if len(self.widths) == 2:
            words |= lanes[1].astype(np.uint64) << np.uint64(32)
        words = words.view(self._dtype)
        if isinstance(self._item, BitRun):
            yield from self._item.columns_of(words)
        else:
            yield self._item.column_of(words)

    def bits(self) -> Iterator[tuple[str, int, int]]:
        item = self._item
        masks = [(1 << 64) - 1]
        if isinstance(item, BitRun):
            shifts = zip(item.fields, item.shifts, strict=True)
            masks = [(1 << field.bits) - 1 << shift for field, shift in shifts]
        for name, mask in zip(self.names, masks, strict=True):
            for lane in range(len(self.widths)):
                yield name, lane, mask >> 32 * lane & ALL_BITS


def _alike(schema: type[Schema]) -> Iterator[list[Any]]:
    """Yield the words of a schema, neighbours of one fixed-point kind together."""
    waiting: list[Any] = []
    for item in bit_runs(schema.schema_fields):
        if waiting and not _is_alike(waiting[-1], item):
            yield waiting
            waiting = []
        waiting.append(item)
    if waiting:
        yield waiting


def _is_alike(one: Any, other: Any) -> bool:
    if not (isinstance(one, FixedField) and isinstance(other, FixedField)):
        return False
    is_small = one.quantizer.bits <= 32
    return is_small and one.parameters() == other.parameters()


def _part_of(items: list[Any]) -> _Part:
    if isinstance(items[0], FixedField) and items[0].quantizer.bits <= 32:
        return _Fixed(items)
    if isinstance(items[0], QuaternionField):
        return _Quaternion(items[0])
    return _Word(items[0])
