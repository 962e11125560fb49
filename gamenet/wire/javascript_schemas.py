# SPDX-License-Identifier: MIT
"""Write one schema as a JavaScript object: its fields, `create`, `write`, `read`.

A component has `columns` besides, which makes typed arrays, and what is done with its
lanes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gamenet.wire.bits import BitField, BitRun, bit_runs
from gamenet.wire.fields import Field, NumberField
from gamenet.wire.javascript_fields import (
    WORDS,
    Names,
    bits_of,
    default_literal,
    number_literal,
    read_expression,
    write_expression,
)
from gamenet.wire.javascript_lanes import lane_source
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


def schema_source(schema: type[Schema], names: Names) -> str:
    """Return the object of a message or an input."""
    return _object_source(schema, names, [])


def component_source(
    schema: type[Schema], names: Names, shown: Mapping[str, Any]
) -> str:
    """Return the object of a component, with how it is shown."""
    lanes = lane_source(schema, names)  # refuses fields that have none, nor a column
    members = [
        "  /** How it is shown; what is left out is as the view has it. */",
        f"  shown: Object.freeze({{ {_settings(shown)} }}),",
        "  /** Make the columns of a number of rows. */",
        f"  columns: (rows) => ({{ {_columns(schema.schema_fields)} }}),",
        *lanes,
    ]
    return _object_source(schema, names, members)


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


def _settings(shown: Mapping[str, Any]) -> str:
    """Return settings as the members of an object: words, numbers and nulls."""
    return ", ".join(
        f"{name}: "
        f"{number_literal(value) if isinstance(value, float) else json.dumps(value)}"
        for name, value in shown.items()
    )


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
