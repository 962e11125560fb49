# SPDX-License-Identifier: MIT
"""Hypothesis strategies: schema classes of every kind of field, and their values.

A value drawn here survives the wire unchanged: quantized ones are representable, and
no float is NaN. What a codec makes of other values, its own tests say.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum
from functools import cache
from typing import Any

import construct as cs
from hypothesis import assume
from hypothesis import strategies as st

from gamenet.wire import (
    Field,
    Schema,
    angle,
    array,
    blob,
    enum,
    fixed,
    flag,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    nbits,
    nested,
    optional,
    quaternion,
    text,
    uint8,
    uint16,
    uint32,
    uint64,
    varint,
    wrapped,
    zigzag,
)
from gamenet.wire.bits import BitField
from gamenet.wire.compounds import ArrayField, NestedField, OptionalField, VarintField
from gamenet.wire.counted import BlobField, TextField, WrappedField
from gamenet.wire.fields import EnumField, NumberField
from gamenet.wire.quantized import AngleField, FixedField, QuaternionField


class Colour(IntEnum):
    """An enum of one byte."""

    RED = 0
    GREEN = 5
    BLUE = 255


class Region(Enum):
    """An enum of two bytes, whose members are no integers."""

    NORTH = 3
    SOUTH = 256
    WEST = 65535


NUMBERS = (uint8, uint16, uint32, uint64, int8, int16, int32, int64)
FLOATS = (float16, float32, float64)
FIXED = ((-512.0, 512.0, 1 / 64), (0.0, 1.0, 0.1), (-3.0, 900.0, 1e-9), (5, 250, 1))
LENGTHS = ("varint", "u8", "u16", "u32")
WRAPPED = (
    (cs.Int24ub, 7),
    (cs.CString("utf8"), ""),
    (cs.Struct("a" / cs.Int8ul, "b" / cs.Flag), cs.Container(a=1, b=True)),
)

FIXED_WIDTH = st.one_of(
    st.sampled_from(NUMBERS).map(lambda declare: declare()),
    st.sampled_from(FLOATS).map(lambda declare: declare()),
    st.booleans().map(lambda _: flag()),
    st.integers(1, 32).map(nbits),
    st.sampled_from(FIXED).map(lambda bounds: fixed(*bounds[:2], step=bounds[2])),
    st.integers(1, 32).map(angle),
    st.integers(2, 20).map(quaternion),
    st.sampled_from((Colour, Region)).map(enum),
)
"""Fields that may stand in a column. Each draw makes a new one."""
BITS = st.lists(st.integers(1, 40), min_size=1, max_size=6).map(
    lambda widths: [flag() if bits > 32 else nbits(bits) for bits in widths]
)
"""Neighbouring bit fields, often more than one word holds."""
WORDS = st.lists(st.one_of(FIXED_WIDTH.map(lambda field: [field]), BITS), max_size=5)


@cache
def fields(depth: int = 2) -> st.SearchStrategy[Field]:
    """Return fields of every kind; compounds nest to a depth."""
    limits = st.tuples(st.integers(1, 40), st.sampled_from(LENGTHS))
    plain = [
        FIXED_WIDTH,
        st.booleans().map(lambda signed: zigzag() if signed else varint()),
        limits.map(lambda drawn: text(drawn[0], length=drawn[1])),
        limits.map(lambda drawn: blob(drawn[0], length=drawn[1])),
        st.sampled_from(WRAPPED).map(lambda pair: wrapped(pair[0], 100, pair[1])),
    ]
    if not depth:
        return st.one_of(plain)
    inner = fields(depth - 1)
    items = st.tuples(inner.filter(_takes_bytes), limits)
    return st.one_of(
        *plain,
        items.map(lambda drawn: array(drawn[0], drawn[1][0], length=drawn[1][1])),
        inner.map(optional),
        schemas(depth=depth - 1, max_appended=0).map(nested),
    )


def _takes_bytes(field: Field) -> bool:
    return not isinstance(field, NestedField) or any(
        map(_takes_bytes, field.schema.schema_fields)
    )


@st.composite
def schemas(draw: st.DrawFn, *, depth: int = 2, max_appended: int = 2) -> type[Schema]:
    """Return schema classes; the last fields may be appended ones."""
    return _schema(draw(_declared(depth)), draw(_appended(min(depth, 1), max_appended)))


@cache
def _declared(depth: int) -> st.SearchStrategy[list[list[Field]]]:
    one = fields(depth).map(lambda field: [field])
    return st.lists(st.one_of(one, BITS), max_size=4)


@cache
def _appended(depth: int, most: int) -> st.SearchStrategy[list[Field]]:
    return st.lists(fields(depth), max_size=most)


def _schema(own: list[list[Field]], late: list[Field]) -> type[Schema]:
    for field in late:
        field.appended = True
    declared = [field for part in own for field in part] + late
    body = {f"f{i}": field for i, field in enumerate(declared)}
    return type(Schema)("Drawn", (Schema,), body)


ROWS = WORDS.filter(bool).map(lambda drawn: _schema(drawn, []))
"""Schema classes whose fields all have a fixed width."""


@st.composite
def messages(draw: st.DrawFn, *, max_appended: int = 2) -> Schema:
    """Return an instance of a drawn schema class; it survives the wire unchanged."""
    return instance(draw, draw(schemas(max_appended=max_appended)))


def instance(draw: st.DrawFn, schema: type[Schema]) -> Schema:
    """Draw an instance of a schema that survives the wire unchanged."""
    # Functions that draw, where strategies of strategies would take most of the time.
    return schema(*[value(draw, field) for field in schema.schema_fields])


def value(draw: st.DrawFn, field: Field) -> Any:
    """Draw a value of a field that survives the wire unchanged."""
    return _VALUES[type(field)](draw, field)


def _number(draw: st.DrawFn, field: NumberField) -> Any:
    return draw(_NUMBERS[field.kind])


def _bits(draw: st.DrawFn, field: BitField) -> Any:
    bits = draw(st.integers(0, (1 << field.bits) - 1))
    return bool(bits) if field.is_flag else bits


def _step(draw: st.DrawFn, field: FixedField) -> float:
    return field.quantizer.from_word(draw(st.integers(0, field.quantizer.steps)))


def _angle(draw: st.DrawFn, field: AngleField) -> float:
    return field.quantizer.from_word(draw(st.integers(0, field.quantizer.turn - 1)))


def _rotation(draw: st.DrawFn, field: QuaternionField) -> tuple[float, ...]:
    rotation: tuple[float, ...] = draw(_QUATERNIONS)
    for _ in range(8):
        before = rotation
        rotation = field.quantizer.from_word(field.quantizer.to_word(before))
    assume(before == rotation)
    return rotation


def _varint(draw: st.DrawFn, field: VarintField) -> int:
    return draw(_NUMBERS["int64" if field.is_signed else "uint64"])


def _text(draw: st.DrawFn, field: TextField) -> str:
    return draw(_LETTERS).encode()[: field.limit].decode(errors="ignore")


def _items(draw: st.DrawFn, field: ArrayField) -> list[Any]:
    n_items = draw(st.integers(0, min(field.limit, 3)))
    return [value(draw, field.item) for _ in range(n_items)]


def _maybe(draw: st.DrawFn, field: OptionalField) -> Any:
    return value(draw, field.item) if draw(st.booleans()) else None


def _wrapped(draw: st.DrawFn, field: WrappedField) -> Any:
    return draw(_WRAPPED_VALUES[id(field.wrapped)])


_NUMBERS: dict[str, st.SearchStrategy[Any]] = {
    f"{sign}int{bits}": st.integers(lo << (bits - 1), (1 << bits + lo) - 1)
    for bits in (8, 16, 32, 64)
    for sign, lo in (("u", 0), ("", -1))
} | {
    "float16": st.floats(width=16, allow_nan=False),
    "float32": st.floats(width=32, allow_nan=False),
    "float64": st.floats(width=64, allow_nan=False),
}
_PART = st.floats(-1, 1, allow_subnormal=False)
_QUATERNIONS = st.tuples(_PART, _PART, _PART, _PART)
_LETTERS = st.text(st.characters(codec="utf-8"), max_size=20)
_WRAPPED_VALUES: dict[int, st.SearchStrategy[Any]] = {
    id(WRAPPED[0][0]): st.integers(0, (1 << 24) - 1),
    id(WRAPPED[1][0]): st.text(st.characters(codec="ascii", min_codepoint=1)),
    id(WRAPPED[2][0]): st.builds(cs.Container, a=st.integers(0, 255), b=st.booleans()),
}
_VALUES: dict[type[Field], Callable[[st.DrawFn, Any], Any]] = {
    NumberField: _number,
    BitField: _bits,
    FixedField: _step,
    AngleField: _angle,
    QuaternionField: _rotation,
    EnumField: lambda draw, field: draw(st.sampled_from(field.members)),
    VarintField: _varint,
    TextField: _text,
    BlobField: lambda draw, field: draw(st.binary(max_size=field.limit)),
    ArrayField: _items,
    OptionalField: _maybe,
    NestedField: lambda draw, field: instance(draw, field.schema),
    WrappedField: _wrapped,
}
