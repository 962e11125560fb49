# SPDX-License-Identifier: MIT
"""Write one schema as a JavaScript object: its fields, `create`, `write`, `read`.

A component has `columns` and `readPlanes` besides, which decode all rows of a field
straight into a typed array.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from gamenet.wire.bits import BitField, BitRun, bit_runs
from gamenet.wire.fields import Field, NumberField
from gamenet.wire.javascript_fields import (
    WORDS,
    Names,
    bits_of,
    default_literal,
    read_expression,
    value_of_word,
    write_expression,
)
from gamenet.wire.planes import Planes
from gamenet.wire.quantized import QuaternionField
from gamenet.wire.schema import Schema

__all__ = ["component_source", "schema_source"]

ARRAYS = {
    "?": "Uint8Array",
    "u1": "Uint8Array",
    "u2": "Uint16Array",
    "u4": "Uint32Array",
    "u8": "BigUint64Array",
    "i1": "Int8Array",
    "i2": "Int16Array",
    "i4": "Int32Array",
    "i8": "BigInt64Array",
    "f2": "Float32Array",  # holds every half, and no browser needs a Float16Array
    "f4": "Float32Array",
    "f8": "Float64Array",
}
"""Typed array of a column by its numpy dtype."""

GETTERS = {
    "u1": "getUint8",
    "u2": "getUint16",
    "u4": "getUint32",
    "u8": "getBigUint64",
    "i1": "getInt8",
    "i2": "getInt16",
    "i4": "getInt32",
    "i8": "getBigInt64",
    "f2": "getUint16",
    "f4": "getFloat32",
    "f8": "getFloat64",
}
"""Method of DataView that reads a word of a plane, by its numpy dtype."""


def schema_source(schema: type[Schema], names: Names) -> str:
    """Return the object of a message or an input."""
    return _object_source(schema, names, [])


def component_source(schema: type[Schema], names: Names) -> str:
    """Return the object of a component."""
    planes = [
        f"  rowSize: {Planes(schema).row_size},",
        "  /** Make the columns of a number of rows. */",
        f"  columns: (rows) => ({{ {_columns(schema.schema_fields)} }}),",
        "  /** Decode the planes of `count` rows into columns. */",
        "  readPlanes(from, rows, count, columns) {",
        "    const view = from.view;",
        *_plane_lines(schema.schema_fields, names),
        "  },",
    ]
    return _object_source(schema, names, planes)


def _object_source(schema: type[Schema], names: Names, more: list[str]) -> str:
    fields = schema.schema_fields
    plain = [field for field in fields if not field.appended]
    tail = [(i, field) for i, field in enumerate(fields) if field.appended]
    defaults = ", ".join(f"{f.name}: {default_literal(f)}" for f in fields)
    lines = [
        f"/** {_summary(schema)} */",
        f"const {names(schema)} = Object.freeze({{",
        f"  name: {json.dumps(schema.__name__)},",
        "  fields: Object.freeze([",
        *(f"    {json.dumps(_descriptor(field))}," for field in fields),
        "  ]),",
        f"  create: () => ({{ {defaults} }}),",
        "  write(out, m) {",
        *_write_lines(plain, tail, names),
        "  },",
        "  read(from) {",
        "    const m = {};",
        *_read_lines(plain, tail, names),
        "    return m;",
        "  },",
        *more,
        "});\n",
    ]
    return "\n".join(lines)


def _summary(schema: type[Schema]) -> str:
    """Return the first line of the docstring, or the name."""
    lines = (schema.__doc__ or "").strip().splitlines()
    return (lines[0] if lines else schema.__name__).replace("*/", "* /")


def _descriptor(field: Field) -> dict[str, Any]:
    """Return what a page may want to know of a field."""
    described = field.describe()
    if isinstance(field, NumberField) and not field.is_float and field.word_size < 8:
        described["minimum"], described["maximum"] = field.bounds
    if isinstance(field, BitField) and not field.is_flag:
        described["minimum"], described["maximum"] = 0, (1 << field.bits) - 1
    return described


def _write_lines(
    fields: Sequence[Field], tail: Iterable[tuple[int, Field]], names: Names
) -> Iterable[str]:
    for item in bit_runs(fields):
        if isinstance(item, BitRun):
            yield f"    out.{WORDS[item.word_size]}({_run_word(item)});"
        else:
            yield f"    {write_expression(item, f'm.{item.name}', names, 'out')};"
    for index, field in tail:
        expression = write_expression(field, f"m.{field.name}", names, "part")
        yield f"    writeTail(out, {index}, (part) => {expression});"


def _run_word(run: BitRun) -> str:
    """Return the expression of a run's word: a sum, as `|` would make it signed."""
    parts = []
    for field, shift in zip(run.fields, run.shifts, strict=True):
        bits = bits_of(field, f"m.{field.name}")
        if run.word_size == 8:
            parts.append(f"BigInt({bits}) * {1 << shift}n")
        else:
            parts.append(f"({bits}) * {1 << shift}")
    return " + ".join(parts)


def _read_lines(
    fields: Sequence[Field], tail: Sequence[tuple[int, Field]], names: Names
) -> Iterable[str]:
    for n, item in enumerate(bit_runs(fields)):
        if isinstance(item, BitRun):
            word = f"word{n}"
            read = f"from.{WORDS[item.word_size]}()"
            yield f"    const {word} = {_checked_word(item, read)};"
            for field, shift in zip(item.fields, item.shifts, strict=True):
                bits = _bits_in(item, field, shift, word)
                value = f"({bits}) === 1" if field.is_flag else bits
                yield f"    m.{field.name} = {value};"
        else:
            yield f"    m.{item.name} = {read_expression(item, names, 'from')};"
    if tail:
        yield from _read_tail_lines(tail, names)


def _read_tail_lines(tail: Iterable[tuple[int, Field]], names: Names) -> Iterable[str]:
    entries = []
    for index, field in tail:
        yield f"    m.{field.name} = {default_literal(field)};"
        expression = read_expression(field, names, "part")
        entries.append(
            f"      {index}: (part) => {{ m.{field.name} = {expression}; }},"
        )
    yield "    readTail(from, {"
    yield from entries
    yield "    });"


def _checked_word(run: BitRun, word: str) -> str:
    """Return the expression of a word whose unused bits must be zero."""
    if run.bits == 8 * run.word_size:
        return word
    suffix = "n" if run.word_size == 8 else ""
    return f"within({word}, {(1 << run.bits) - 1}{suffix})"


def _bits_in(run: BitRun, field: BitField, shift: int, word: str) -> str:
    """Return the expression of one field's number within a run's word."""
    mask = (1 << field.bits) - 1
    if run.word_size == 8:
        return f"Number(({word} >> {shift}n) & {mask}n)"
    if shift + field.bits == 32:
        return f"{word} >>> {shift}"  # a mask of 32 bits would make it signed
    return f"({word} >>> {shift}) & {mask}"


def _columns(fields: Iterable[Any]) -> str:
    parts = []
    for field in fields:
        width = math.prod(field.column_shape)
        rows = f"{width} * rows" if width > 1 else "rows"
        parts.append(f"{field.name}: new {ARRAYS[field.column_dtype]}({rows})")
    return ", ".join(parts)


def _plane_lines(fields: Iterable[Field], names: Names) -> Iterable[str]:
    for item in bit_runs(fields):
        size = int(item.word_dtype[1:])  # type: ignore[union-attr]
        little = "" if size == 1 else ", true"
        at = "at + i" if size == 1 else f"at + {size} * i"
        word = f"view.{GETTERS[item.word_dtype]}({at}{little})"  # type: ignore[union-attr]
        yield "    {"
        yield f"      const at = from.claim({f'{size} * ' if size > 1 else ''}count);"
        yield "      for (let i = 0; i < count; i++) {"
        yield from (f"        {line}" for line in _row_lines(item, word, names))
        yield "      }"
        yield "    }"


def _row_lines(item: Field | BitRun, word: str, names: Names) -> Iterable[str]:
    """Yield what is done with one row's word of a plane."""
    if isinstance(item, BitRun):
        yield f"const word = {_checked_word(item, word)};"
        for field, shift in zip(item.fields, item.shifts, strict=True):
            bits = _bits_in(item, field, shift, "word")
            yield f"columns.{field.name}[rows[i]] = {bits};"
    elif isinstance(item, QuaternionField):
        target = f"columns.{item.name}, 4 * rows[i]"
        yield f"quaternionValue({word}, {item.quantizer.bits}, {target});"
    else:
        yield f"columns.{item.name}[rows[i]] = {value_of_word(item, word, names)};"
