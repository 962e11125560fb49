# SPDX-License-Identifier: MIT
"""Say each kind of field in JavaScript: how it is read, written, and defaulted.

The expressions stand on `Reader` and `Writer` of browser/bytes.js, whose methods bear
the names of the field kinds, and on the arithmetic of browser/quantize.js. A kind of
field is one entry in each of the tables below: a kind that lacks one fails when a codec
is generated, not in a browser.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import construct as cs

from gamenet.errors import SchemaError
from gamenet.wire.bits import BitField, BitRun
from gamenet.wire.compounds import ArrayField, NestedField, OptionalField, VarintField
from gamenet.wire.counted import BlobField, TextField, WrappedField
from gamenet.wire.fields import EnumField, Field, NumberField
from gamenet.wire.quantized import AngleField, FixedField, QuaternionField

__all__ = [
    "WORDS",
    "Names",
    "bits_of",
    "default_literal",
    "number_literal",
    "read_expression",
    "write_expression",
]

_Maker = TypeVar("_Maker")

Names = Callable[[type], str]
"""Gives the JavaScript name of a schema, or of an enum's set of numbers."""

WORDS = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64"}
"""Method of Reader and Writer by size of the word."""
LENGTHS = {"varint": "varint", "u8": "uint8", "u16": "uint16", "u32": "uint32"}
"""Method of Reader and Writer by kind of length."""
MAX_SAFE = (1 << 53) - 1
"""Largest integer that a JavaScript number holds exactly."""


def read_expression(field: Field, names: Names, reader: str) -> str:
    """Return the expression that reads a value from the Reader named `reader`."""
    return _entry(READ, field)(field, names, reader)


def write_expression(field: Field, value: str, names: Names, writer: str) -> str:
    """Return the expression that writes a value to the Writer named `writer`."""
    return _entry(WRITE, field)(field, value, names, writer)


def default_literal(field: Field) -> str:
    """Return the default of a field as a JavaScript expression."""
    if isinstance(field, WrappedField):
        return _bytes_literal(_built_default(field))
    return _literal(field, field.default)


def number_literal(value: float) -> str:
    """Return a number as JavaScript writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    return (
        str(int(value))
        if abs(value) <= MAX_SAFE and value == int(value)
        else repr(value)
    )


def bits_of(field: BitField, value: str) -> str:
    """Return the expression of a bit field's number, checked."""
    if field.is_flag:
        return f"{value} ? 1 : 0"
    return f"ranged({value}, 0, {(1 << field.bits) - 1})"


def _entry(table: Mapping[type[Field], _Maker], field: Field) -> _Maker:
    found = table.get(type(field))
    if found is None:
        msg = (
            f"{field.name or 'a field'} is {type(field).__name__}, which has no "
            "JavaScript: add it to gamenet.wire.javascript_fields"
        )
        raise SchemaError(msg)
    return found


def _number_value(field: NumberField, word: str, names: Names) -> str:
    return f"halfToNumber({word})" if field.kind == "float16" else word


def _fixed_value(field: FixedField, word: str, names: Names) -> str:
    q = field.quantizer
    number = f"Number({word})" if field.word_size == 8 else word
    low, step = number_literal(q.lo), number_literal(q.step)
    return f"fixedValue({number}, {low}, {step}, {q.steps})"


def _angle_value(field: AngleField, word: str, names: Names) -> str:
    return f"angleValue({word}, {field.quantizer.turn})"


def _enum_value(field: EnumField, word: str, names: Names) -> str:
    return f"known({word}, {names(field.members)})"


FROM_WORD: dict[type[Field], Callable[[Any, str, Names], str]] = {
    NumberField: _number_value,
    FixedField: _fixed_value,
    AngleField: _angle_value,
    EnumField: _enum_value,
}


def _length(field: Any) -> str:
    return f'"{LENGTHS[field.length]}", {field.limit}'


def _read_named(field: Field, names: Names, reader: str) -> str:
    return f"{reader}.{field.kind}()"


def _read_word(field: Any, names: Names, reader: str) -> str:
    word = f"{reader}.{WORDS[field.word_size]}()"
    return _entry(FROM_WORD, field)(field, word, names)


def _read_quaternion(field: QuaternionField, names: Names, reader: str) -> str:
    word = f"{reader}.{WORDS[field.word_size]}()"
    return f"quaternionValue({word}, {field.quantizer.bits}, [0, 0, 0, 1])"


def _read_bits(field: BitField, names: Names, reader: str) -> str:
    word = f"{reader}.{WORDS[BitRun([field]).word_size]}()"
    value = f"within({word}, {(1 << field.bits) - 1})"
    return f"{value} === 1" if field.is_flag else value


def _read_text(field: TextField, names: Names, reader: str) -> str:
    return f"{reader}.text({_length(field)})"


def _read_blob(field: BlobField | WrappedField, names: Names, reader: str) -> str:
    return f"{reader}.blob({_length(field)})"


def _read_array(field: ArrayField, names: Names, reader: str) -> str:
    item = read_expression(field.item, names, reader)
    return f"{reader}.list({_length(field)}, () => {item})"


def _read_optional(field: OptionalField, names: Names, reader: str) -> str:
    return f"{reader}.optional(() => {read_expression(field.item, names, reader)})"


def _read_nested(field: NestedField, names: Names, reader: str) -> str:
    return f"{names(field.schema)}.read({reader})"


READ: dict[type[Field], Callable[[Any, Names, str], str]] = {
    NumberField: _read_named,
    VarintField: _read_named,
    FixedField: _read_word,
    AngleField: _read_word,
    EnumField: _read_word,
    QuaternionField: _read_quaternion,
    BitField: _read_bits,
    TextField: _read_text,
    BlobField: _read_blob,
    WrappedField: _read_blob,
    ArrayField: _read_array,
    OptionalField: _read_optional,
    NestedField: _read_nested,
}


def _write_named(field: Field, value: str, names: Names, writer: str) -> str:
    return f"{writer}.{field.kind}({value})"


def _write_fixed(field: FixedField, value: str, names: Names, writer: str) -> str:
    q = field.quantizer
    bounds = ", ".join(map(number_literal, (q.lo, q.hi, q.step)))
    word = f"fixedWord({value}, {bounds}, {q.steps})"
    return f"{writer}.{WORDS[field.word_size]}({word})"


def _write_angle(field: AngleField, value: str, names: Names, writer: str) -> str:
    word = f"angleWord({value}, {field.quantizer.turn})"
    return f"{writer}.{WORDS[field.word_size]}({word})"


def _write_quaternion(
    field: QuaternionField, value: str, names: Names, writer: str
) -> str:
    word = f"quaternionWord({value}, {field.quantizer.bits})"
    word = word if field.word_size == 8 else f"Number({word})"
    return f"{writer}.{WORDS[field.word_size]}({word})"


def _write_enum(field: EnumField, value: str, names: Names, writer: str) -> str:
    return f"{writer}.{WORDS[field.word_size]}({_enum_value(field, value, names)})"


def _write_bits(field: BitField, value: str, names: Names, writer: str) -> str:
    return f"{writer}.{WORDS[BitRun([field]).word_size]}({bits_of(field, value)})"


def _write_text(field: TextField, value: str, names: Names, writer: str) -> str:
    return f"{writer}.text({value}, {_length(field)})"


def _write_blob(
    field: BlobField | WrappedField, value: str, names: Names, writer: str
) -> str:
    return f"{writer}.blob({value}, {_length(field)})"


def _write_array(field: ArrayField, value: str, names: Names, writer: str) -> str:
    item = write_expression(field.item, "item", names, writer)
    return f"{writer}.list({value}, {_length(field)}, (item) => {item})"


def _write_optional(field: OptionalField, value: str, names: Names, writer: str) -> str:
    item = write_expression(field.item, "item", names, writer)
    return f"{writer}.optional({value}, (item) => {item})"


def _write_nested(field: NestedField, value: str, names: Names, writer: str) -> str:
    return f"{names(field.schema)}.write({writer}, {value})"


WRITE: dict[type[Field], Callable[[Any, str, Names, str], str]] = {
    NumberField: _write_named,
    VarintField: _write_named,
    FixedField: _write_fixed,
    AngleField: _write_angle,
    EnumField: _write_enum,
    QuaternionField: _write_quaternion,
    BitField: _write_bits,
    TextField: _write_text,
    BlobField: _write_blob,
    WrappedField: _write_blob,
    ArrayField: _write_array,
    OptionalField: _write_optional,
    NestedField: _write_nested,
}


def _literal(field: Field, value: Any) -> str:
    return _entry(LITERAL, field)(field, value)


def _number_default(field: NumberField, value: float) -> str:
    return f"{value}n" if field.kind in {"uint64", "int64"} else number_literal(value)


def _varint_default(field: VarintField, value: int) -> str:
    return str(value) if abs(value) <= MAX_SAFE else f"{value}n"


def _plain_default(field: Field, value: float) -> str:
    return number_literal(value)


def _bits_default(field: BitField, value: int) -> str:
    return ("true" if value else "false") if field.is_flag else str(value)


def _enum_default(field: EnumField, value: Any) -> str:
    return str(field.members(value).value)


def _nested_default(field: NestedField, value: Any) -> str:
    parts = [
        f"{inner.name}: {_literal(inner, getattr(value, inner.name))}"
        for inner in field.schema.schema_fields
    ]
    return f"{{ {', '.join(parts)} }}"


def _bytes_literal(value: bytes) -> str:
    return f"Uint8Array.of({', '.join(map(str, value))})"


def _built_default(field: WrappedField) -> bytes:
    """Return the bytes of the default; none where construct cannot build it."""
    try:
        built: bytes = field.wrapped.build(field.default)
    except (cs.ConstructError, TypeError, KeyError, AttributeError):
        return b""
    return built


LITERAL: dict[type[Field], Callable[[Any, Any], str]] = {
    NumberField: _number_default,
    VarintField: _varint_default,
    FixedField: _plain_default,
    AngleField: _plain_default,
    EnumField: _enum_default,
    QuaternionField: lambda _, value: f"[{', '.join(map(number_literal, value))}]",
    BitField: _bits_default,
    TextField: lambda _, value: json.dumps(value),
    BlobField: lambda _, value: _bytes_literal(value),
    WrappedField: lambda _, value: _bytes_literal(b""),
    ArrayField: lambda field, value: (
        f"[{', '.join(_literal(field.item, item) for item in value)}]"
    ),
    OptionalField: lambda field, value: (
        "null" if value is None else _literal(field.item, value)
    ),
    NestedField: _nested_default,
}
