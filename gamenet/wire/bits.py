# SPDX-License-Identifier: MIT
"""Flags and small unsigned integers, packed into shared words.

Neighbouring bit fields of a schema form a run: one word, the smallest of 8, 16, 32 or
64 bits that holds them, the first field in the lowest bits, unused bits zero. A run
that would pass 64 bits is continued in a further word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import index
from typing import Any

import construct as cs
import numpy as np
from numpy.typing import NDArray

from gamenet.errors import SchemaError
from gamenet.wire.emit import ReadEmitter, WriteEmitter
from gamenet.wire.fields import WORD_CODES, Field, RandomSource

__all__ = ["BitField", "BitRun", "bit_runs"]


class BitField(Field):
    """A flag (one bit, a bool) or an unsigned integer of n bits."""

    is_fixed_width = True
    column_shape: tuple[int, ...] = ()

    def __init__(
        self, bits: int, default: int, *, is_flag: bool, appended: bool = False
    ) -> None:
        if not 1 <= bits <= 32:
            msg = f"nbits({bits}): allowed are 1 to 32 bits"
            raise SchemaError(msg)
        super().__init__(default, appended=appended)
        self.kind = "flag" if is_flag else "nbits"  # type: ignore[misc]
        self.bits = bits
        self.is_flag = is_flag
        size = next(n for n in (1, 2, 4) if bits <= 8 * n)
        self.column_dtype = "?" if is_flag else f"u{size}"

    def to_bits(self, value: int) -> int:
        """Return the bits of a value; one that does not fit raises ValueError."""
        if not 0 <= value < 1 << self.bits:
            msg = f"{value} does not fit into {self.bits} bits"
            raise ValueError(msg)
        return index(value)  # numpy's integers would overflow while shifting

    def write_code(self, out: WriteEmitter, value: str) -> None:
        """Emit this field as a run of its own."""
        BitRun([self]).write_values(out, [value])

    def read_code(self, out: ReadEmitter, target: str) -> None:
        """Emit this field as a run of its own."""
        BitRun([self]).read_targets(out, [target])

    def subcon(self) -> Any:
        """Return this field as a run of its own, adapted to its value."""
        run = BitRun([self])
        return cs.ExprAdapter(
            run.subcon(),
            decoder=lambda parsed, _context: run.values(parsed)[self.name],
            encoder=lambda value, _context: run.container({self.name: value}),
        )

    def parameters(self) -> dict[str, Any]:
        """Return the bits, unless this is a flag."""
        return {} if self.is_flag else {"bits": self.bits}

    def sample(self, random: RandomSource) -> int:
        """Return any value."""
        number = random.randrange(0, 1 << self.bits)
        return bool(number) if self.is_flag else number

    @property
    def layout(self) -> str:
        """Return the number of bits."""
        return "1 bit" if self.is_flag else f"{self.bits} bits"


class BitRun:
    """Several bit fields in one word.

    Args:
        fields: in order; the first one is in the lowest bits.
    """

    def __init__(self, fields: Sequence[BitField]) -> None:
        self.fields = list(fields)
        self.bits = sum(field.bits for field in fields)
        self.word_size = next(n for n in (1, 2, 4, 8) if self.bits <= 8 * n)
        self.word_dtype = f"u{self.word_size}"
        self.shifts = [
            sum(field.bits for field in self.fields[:i])
            for i in range(len(self.fields))
        ]

    def subcon(self) -> Any:
        """Return the run in construct: a byte-swapped BitStruct, highest bits first."""
        padding = 8 * self.word_size - self.bits
        parts = [cs.Const(0, cs.BitsInteger(padding))] if padding else []
        parts += [
            f"bits_{i}" / cs.BitsInteger(field.bits)
            for i, field in reversed(list(enumerate(self.fields)))
        ]
        return cs.ByteSwapped(cs.BitStruct(*parts))

    def container(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return construct's mapping for the fields' values."""
        return {
            f"bits_{i}": int(values[field.name]) for i, field in enumerate(self.fields)
        }

    def values(self, parsed: Any) -> dict[str, Any]:
        """Return the fields' values of construct's mapping."""
        raw = {field.name: parsed[f"bits_{i}"] for i, field in enumerate(self.fields)}
        return {
            field.name: bool(raw[field.name]) if field.is_flag else raw[field.name]
            for field in self.fields
        }

    def write_values(self, out: WriteEmitter, values: Sequence[str]) -> None:
        """Emit the word of the fields' expressions."""
        parts = []
        for field, shift, value in zip(self.fields, self.shifts, values, strict=True):
            if field.is_flag:
                parts.append(f"({1 << shift} if {value} else 0)")
            else:
                parts.append(f"{out.bind('bits', field.to_bits)}({value}) << {shift}")
        out.word(WORD_CODES[self.word_size], " | ".join(parts))

    def read_targets(self, out: ReadEmitter, targets: Sequence[str]) -> None:
        """Emit the word and the fields' targets."""
        word = out.local("b")
        out.word(WORD_CODES[self.word_size], word)
        if self.bits < 8 * self.word_size:
            check = out.bind("unused", _refuse_unused_bits)
            out.after_words(f"if {word} >= {1 << self.bits}: {check}({word})")
        for field, shift, target in zip(self.fields, self.shifts, targets, strict=True):
            if field.is_flag:
                out.after_words(f"{target} = {word} & {1 << shift} != 0")
            else:
                mask = (1 << field.bits) - 1
                out.after_words(f"{target} = {word} >> {shift} & {mask}")

    def words_of(self, columns: Sequence[NDArray[Any]]) -> NDArray[Any]:
        """Return the words of the fields' columns; higher bits are cut off."""
        dtype = np.dtype("<" + self.word_dtype)
        words = np.zeros(len(columns[0]), dtype)
        for field, shift, column in zip(self.fields, self.shifts, columns, strict=True):
            part = column.astype(dtype) & dtype.type((1 << field.bits) - 1)
            words |= part << dtype.type(shift)
        return words

    def columns_of(self, words: NDArray[Any]) -> list[NDArray[Any]]:
        """Return the fields' columns; a set unused bit raises ValueError."""
        if self.bits < 8 * self.word_size and words.size:
            highest = int(words.max())
            if highest >= 1 << self.bits:
                _refuse_unused_bits(highest)
        dtype = words.dtype
        return [
            (words >> dtype.type(shift) & dtype.type((1 << field.bits) - 1)).astype(
                field.column_dtype
            )
            for field, shift in zip(self.fields, self.shifts, strict=True)
        ]


def bit_runs(fields: Iterable[Field]) -> list[Field | BitRun]:
    """Gather neighbouring bit fields into runs of at most 64 bits."""
    grouped: list[Field | BitRun] = []
    waiting: list[BitField] = []
    for field in fields:
        is_bits = isinstance(field, BitField)
        full = is_bits and sum(f.bits for f in waiting) + field.bits > 64  # type: ignore[attr-defined]
        if waiting and (full or not is_bits):
            grouped.append(BitRun(waiting))
            waiting = []
        if is_bits:
            waiting.append(field)  # type: ignore[arg-type]
        else:
            grouped.append(field)
    if waiting:
        grouped.append(BitRun(waiting))
    return grouped


def _refuse_unused_bits(word: int) -> None:
    msg = f"bit word {word:#x} has unused bits set: they must be zero"
    raise ValueError(msg)
