# SPDX-License-Identifier: MIT
"""Hypothesis strategies: schema classes of every kind of field, and their values.

A value drawn here survives the wire unchanged: quantized ones are representable, and
no float is NaN. What a codec makes of other values, its own tests say.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum
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
from gamenet.wire.compounds import (
    ArrayField,
    BlobField,
    NestedField,
    OptionalField,
    TextField,
    VarintField,
    WrappedField,
)
from gamenet.wire.fields import (
    AngleField,
    EnumField,
    FixedField,
    NumberField,
    QuaternionField,
)


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
WRAPPED = (cs.Int24ub, cs.CString("utf8"), cs.Struct("a" / cs.Int8ul, "b" / cs.Flag))

FixedWidth = st.one_of(
    st.sampled_from(NUMBERS).map(lambda declare: declare()),
    st.sampled_from(FLOATS).map(lambda declare: declare()),
    st.builds(flag),
    st.builds(nbits, st.integers(1, 32)),
    st.sampled_from(FIXED).map(lambda bounds: fixed(*bounds[:2], step=bounds[2])),
    st.builds(angle, st.integers(1, 32)),
    st.builds(quaternion, st.integers(2, 20)),
    st.sampled_from((Colour, Region)).map(enum),
)
"""Fields that may stand in a column. Each draw makes a new one."""


def fields(depth: int = 2) -> st.SearchStrategy[Field]:
    """Return fields of every kind; compounds nest to a depth."""
    plain = [
        FixedWidth,
        FixedWidth,
        st.builds(varint),
        st.builds(zigzag),
        st.builds(text, st.integers(1, 40), length=st.sampled_from(LENGTHS)),
        st.builds(blob, st.integers(1, 40), length=st.sampled_from(LENGTHS)),
        st.sampled_from(WRAPPED).map(lambda subcon: wrapped(subcon, 100)),
    ]
    if not depth:
        return st.one_of(plain)
    inner = fields(depth - 1)
    return st.one_of(
        *plain,
        st.builds(
            array,
            inner.filter(lambda field: not _is_empty(field)),
            st.integers(1, 6),
            length=st.sampled_from(LENGTHS),
        ),
        st.builds(optional, inner),
        st.builds(nested, schemas(depth=depth - 1, max_fields=3, max_appended=0)),
    )


def _is_empty(field: Field) -> bool:
    return isinstance(field, NestedField) and all(
        map(_is_empty, field.schema.schema_fields)
    )


@st.composite
def schemas(
    draw: st.DrawFn,
    *,
    depth: int = 2,
    max_fields: int = 6,
    max_appended: int = 2,
    base: type[Schema] = Schema,
) -> type[Schema]:
    """Return schema classes; the last fields may be appended ones."""
    own = draw(st.lists(st.one_of(fields(depth), _bits()), max_size=max_fields))
    late = draw(st.lists(fields(min(depth, 1)), max_size=max_appended))
    for field in late:
        field.appended = True
    body = {f"f{i}": field for i, field in enumerate([*own, *late])}
    return type(base)("Drawn", (base,), body)


def rows(*, max_fields: int = 6) -> st.SearchStrategy[type[Schema]]:
    """Return schema classes whose fields all have a fixed width."""
    drawn = st.lists(st.one_of(FixedWidth, _bits()), min_size=1, max_size=max_fields)
    return drawn.map(
        lambda own: type(Schema)(
            "Row", (Schema,), {f"f{i}": field for i, field in enumerate(own)}
        )
    )


def _bits() -> st.SearchStrategy[Field]:
    """Return bit fields, so that runs of them are long enough to be split."""
    return st.one_of(st.builds(flag), st.builds(nbits, st.integers(1, 32)))


def instances(schema: type[Schema]) -> st.SearchStrategy[Schema]:
    """Return instances that survive the wire unchanged."""
    return st.builds(schema, **{f.name: values(f) for f in schema.schema_fields})


@st.composite
def messages(draw: st.DrawFn, **options: Any) -> Schema:
    """Return an instance of a drawn schema class."""
    return draw(instances(draw(schemas(**options))))


def values(field: Field) -> st.SearchStrategy[Any]:
    """Return values of a field that survive the wire unchanged."""
    return _VALUES[type(field)](field)


def _numbers(field: NumberField) -> st.SearchStrategy[Any]:
    if field.is_float:
        width = 8 * field.word_size
        return st.floats(width=width, allow_nan=False)  # type: ignore[arg-type]
    return st.integers(*field.bounds)


def _bit_values(field: BitField) -> st.SearchStrategy[Any]:
    return st.booleans() if field.is_flag else st.integers(0, (1 << field.bits) - 1)


@st.composite
def _rotations(draw: st.DrawFn, field: QuaternionField) -> tuple[float, ...]:
    part = st.floats(-1, 1, allow_subnormal=False)
    value: tuple[float, ...] = draw(st.tuples(part, part, part, part))
    for _ in range(8):
        before, value = value, field.quantizer.from_word(field.quantizer.to_word(value))
    assume(before == value)
    return value


def _texts(field: TextField) -> st.SearchStrategy[str]:
    letters = st.characters(codec="utf-8")
    drawn = st.text(letters, max_size=field.limit)
    return drawn.filter(lambda value: len(value.encode()) <= field.limit)


def _wrapped_values(field: WrappedField) -> st.SearchStrategy[Any]:
    number, word, pair = WRAPPED
    letters = st.characters(codec="utf-8", exclude_characters="\0")
    return {
        id(number): st.integers(0, (1 << 24) - 1),
        id(word): st.text(letters, max_size=8),
        id(pair): st.builds(cs.Container, a=st.integers(0, 255), b=st.booleans()),
    }[id(field.wrapped)]


_VALUES: dict[type[Field], Callable[[Any], st.SearchStrategy[Any]]] = {
    NumberField: _numbers,
    BitField: _bit_values,
    FixedField: lambda field: st.integers(0, field.quantizer.steps).map(field.from_word),
    AngleField: lambda field: st.integers(0, field.quantizer.turn - 1).map(
        field.from_word
    ),
    QuaternionField: _rotations,
    EnumField: lambda field: st.sampled_from(field.members),
    VarintField: lambda field: (
        st.integers(-(1 << 63), (1 << 63) - 1)
        if field.is_signed
        else st.integers(0, (1 << 64) - 1)
    ),
    TextField: _texts,
    BlobField: lambda field: st.binary(max_size=field.limit),
    ArrayField: lambda field: st.lists(values(field.item), max_size=field.limit),
    OptionalField: lambda field: st.none() | values(field.item),
    NestedField: lambda field: instances(field.schema),
    WrappedField: _wrapped_values,
}
