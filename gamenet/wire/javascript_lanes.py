# SPDX-License-Identifier: MIT
"""Write what the browser does with lanes: check them, show them, make them.

Replication moves a component as lanes, unsigned numbers of at most 32 bits: one for
a word of up to 32 bits, two for a wider one, low bits first, three for a rotation.
The code here is straight-line: one statement for each lane that has a limit, and one
for each field that is written into its column.

Source: docs/STANDARD.md, "Lanes".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gamenet.errors import SchemaError
from gamenet.wire.bits import BitField, BitRun, bit_runs
from gamenet.wire.fields import EnumField, Field, NumberField
from gamenet.wire.javascript_fields import Names, number_literal
from gamenet.wire.quantized import AngleField, FixedField, QuaternionField
from gamenet.wire.schema import Schema

__all__ = ["lane_source", "lane_widths"]

LANE = 32
"""Bits of the widest lane."""


def lane_widths(schema: type[Schema]) -> list[int]:
    """Return the bits of each lane of a component, in order.

    Raises:
        SchemaError: a field of variable width, or an appended one.
    """
    return [width for item in _items(schema) for width in _widths(item)]


def lane_source(schema: type[Schema], names: Names) -> list[str]:
    """Return the members that check lanes, write them into columns and read those.

    Raises:
        SchemaError: a field of variable width, or an appended one.
    """
    return [
        "  /** Bits of each lane. */",
        f"  laneWidths: Object.freeze({lane_widths(schema)}),",
        "  /** Refuse lanes, from `at` on, that no value has. */",
        "  checkLanes(words, at) {",
        *(f"    {line}" for line in _each(schema, _checks, names)),
        "  },",
        "  /** Write checked lanes into the columns of a row. */",
        "  lanesToColumns(words, at, columns, row) {",
        *(f"    {line}" for line in _each(schema, _writes, names)),
        "  },",
        "  /** Write the columns of a row as lanes, rounded as the wire rounds. */",
        "  columnsToLanes(columns, row, words, at) {",
        *(f"    {line}" for line in _each(schema, _makes, names)),
        "  },",
    ]


def _items(schema: type[Schema]) -> list[Any]:
    for field in schema.schema_fields:
        if not field.is_fixed_width or field.appended:
            msg = (
                f"{schema.__name__}.{field.name} is {field.kind}"
                f"{' (appended)' if field.appended else ''}: lanes need fields of "
                "fixed width; send it in a message instead"
            )
            raise SchemaError(msg)
    return list(bit_runs(schema.schema_fields))


def _widths(item: Any) -> list[int]:
    """Return the widths of a field's lanes, or of a run's."""
    if isinstance(item, QuaternionField):
        bits = item.quantizer.bits
        return [bits + 2, bits, bits]
    bits = _bits(item)
    return [bits] if bits <= LANE else [LANE, bits - LANE]


def _bits(item: Any) -> int:
    if isinstance(item, BitRun):
        return item.bits
    if isinstance(item, FixedField | AngleField):
        return item.quantizer.bits
    return 8 * int(item.word_size)


def _each(
    schema: type[Schema],
    make: Callable[[Any, list[str], Names], Iterable[str]],
    names: Names,
) -> Iterator[str]:
    """Yield what `make` says of each word, given the expressions of its lanes."""
    position = 0
    for item in _items(schema):
        n_lanes = len(_widths(item))
        at = ["at" if n == 0 else f"at + {n}" for n in range(position, position + 3)]
        yield from make(item, [f"words[{n}]" for n in at[:n_lanes]], names)
        position += n_lanes


def _checks(item: Any, lanes: list[str], names: Names) -> Iterator[str]:
    if isinstance(item, EnumField):
        yield f"known({lanes[0]}, {names(item.members)});"
    elif isinstance(item, QuaternionField):
        top = item.quantizer.top
        parts = [f"{lanes[0]} >>> 2", *lanes[1:]]
        yield from (f"within({part}, {top});" for part in parts)
    elif isinstance(item, FixedField):
        steps = item.quantizer.steps
        if steps != (1 << item.quantizer.bits) - 1:
            yield f"within({_number(lanes)}, {steps});"


def _writes(item: Any, lanes: list[str], names: Names) -> Iterator[str]:
    if isinstance(item, BitRun):
        for field, shift in zip(item.fields, item.shifts, strict=True):
            bits = _bits_in(field, shift, lanes)
            yield f"columns.{field.name}[row] = {bits};"
    elif isinstance(item, QuaternionField):
        into = f"columns.{item.name}, 4 * row"
        parts = f"{', '.join(lanes)}, {item.quantizer.bits}"
        yield f"quaternionOfSteps({parts}, {into});"
    else:
        yield f"columns.{item.name}[row] = {_value(item, lanes)};"


def _value(field: Field, lanes: list[str]) -> str:
    """Return the expression of a one-word field's value."""
    if isinstance(field, FixedField):
        low, step = map(number_literal, (field.quantizer.lo, field.quantizer.step))
        return f"{low} + {_number(lanes)} * {step}"
    if isinstance(field, AngleField):
        return f"angleValue({lanes[0]}, {field.quantizer.turn})"
    if isinstance(field, NumberField) and field.kind in OF_BITS:
        return f"{OF_BITS[field.kind]}({', '.join(lanes)})"
    return lanes[0]  # the typed array makes a negative number of it


def _makes(item: Any, lanes: list[str], names: Names) -> Iterator[str]:
    """Yield what makes the lanes of a field, or of a run, from its columns."""
    if isinstance(item, BitRun):
        for n, lane in enumerate(lanes):
            yield f"{lane} = {' | '.join(_run_parts(item, n))};"
    elif isinstance(item, QuaternionField):
        at = lanes[0].removeprefix("words[").removesuffix("]")
        given = f"columns.{item.name}, 4 * row, {item.quantizer.bits}, words, {at}"
        yield f"quaternionToSteps({given});"
    else:
        yield from _made(item, f"columns.{item.name}[row]", lanes, names)


def _made(field: Field, value: str, lanes: list[str], names: Names) -> Iterator[str]:
    """Yield what makes the lanes of a one-word field; an array cuts off high bits."""
    kind = field.kind
    if isinstance(field, FixedField):
        q = field.quantizer
        low, high, step = map(number_literal, (q.lo, q.hi, q.step))
        number = f"stepOf({value}, {low}, {high}, {step}, {q.steps})"
        yield f"{lanes[0]} = {number};"
        yield from (f"{lane} = {number} / {1 << LANE};" for lane in lanes[1:])
    elif isinstance(field, AngleField):
        yield f"{lanes[0]} = turnOf({value}, {field.quantizer.turn});"
    elif isinstance(field, EnumField):
        yield f"{lanes[0]} = member({value}, {names(field.members)});"
    elif kind in TO_BITS:
        for n, lane in enumerate(lanes):
            more = f", {n}" if len(lanes) > 1 else ""
            yield f"{lane} = {TO_BITS[kind]}({value}{more});"
    else:
        bits = _bits(field)
        mask = f" & {(1 << bits) - 1}" if bits < LANE else ""
        yield f"{lanes[0]} = {value}{mask};"


def _run_parts(run: BitRun, lane: int) -> Iterator[str]:
    """Yield the bits that the fields of a run have in one lane of it."""
    for field, shift in zip(run.fields, run.shifts, strict=True):
        start, end = shift - LANE * lane, shift + field.bits - LANE * lane
        if end <= 0 or start >= LANE:
            continue
        mask = f" & {(1 << field.bits) - 1}" if field.bits < LANE else ""
        value = f"(columns.{field.name}[row]{mask})"
        yield f"{value} << {start}" if start >= 0 else f"{value} >>> {-start}"


TO_BITS = {
    "float16": "numberToHalf",
    "float32": "bitsOfFloat32",
    "float64": "bitsOfFloat64",
    "int64": "bitsOfInt64",
    "uint64": "bitsOfInt64",
}
"""Function of numbers.js that makes a lane of the value of a field."""

OF_BITS = {
    "float16": "halfToNumber",
    "float32": "float32OfBits",
    "float64": "float64OfBits",
    "int64": "int64OfBits",
    "uint64": "uint64OfBits",
}
"""Function of numbers.js that makes the value of a field from its lanes."""


def _number(lanes: list[str]) -> str:
    """Return the expression of a number of at most 53 bits."""
    low, *high = lanes
    return f"({high[0]} * {1 << LANE} + {low})" if high else low


def _bits_in(field: BitField, shift: int, lanes: list[str]) -> str:
    """Return the expression of one field's number within the lanes of a run."""
    end = shift + field.bits
    mask = (1 << field.bits) - 1
    if shift >= LANE:
        shift, end, lanes = shift - LANE, end - LANE, lanes[1:]
    if end <= LANE:
        part = f"{lanes[0]} >>> {shift}" if shift else lanes[0]
        return part if end == LANE else f"({part}) & {mask}"
    part = f"({lanes[0]} >>> {shift} | {lanes[1]} << {LANE - shift})"
    return f"{part} >>> 0" if field.bits == LANE else f"{part} & {mask}"
