# SPDX-License-Identifier: MIT
"""The field functions: what stands on the right of `name: type =` in a schema.

They return `Any`, so that a type checker believes the annotation on the left. The
default of a field is what an instance has when the field is left out.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from gamenet.wire.bits import BitField
from gamenet.wire.compounds import ArrayField, NestedField, OptionalField, VarintField
from gamenet.wire.counted import BlobField, TextField, WrappedField
from gamenet.wire.fields import EnumField, Field, NumberField
from gamenet.wire.quantized import AngleField, FixedField, QuaternionField

if TYPE_CHECKING:
    from gamenet.wire.schema import Schema

__all__ = [
    "angle",
    "array",
    "blob",
    "enum",
    "fixed",
    "flag",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "nbits",
    "nested",
    "optional",
    "quaternion",
    "text",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "varint",
    "wrapped",
    "zigzag",
]


def uint8(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from 0 to 255."""
    return NumberField("uint8", default, appended=appended)


def uint16(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from 0 to 65,535."""
    return NumberField("uint16", default, appended=appended)


def uint32(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from 0 to 2**32 - 1."""
    return NumberField("uint32", default, appended=appended)


def uint64(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from 0 to 2**64 - 1."""
    return NumberField("uint64", default, appended=appended)


def int8(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from -128 to 127."""
    return NumberField("int8", default, appended=appended)


def int16(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from -32,768 to 32,767."""
    return NumberField("int16", default, appended=appended)


def int32(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from -2**31 to 2**31 - 1."""
    return NumberField("int32", default, appended=appended)


def int64(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from -2**63 to 2**63 - 1."""
    return NumberField("int64", default, appended=appended)


def float16(default: float = 0.0, *, appended: bool = False) -> Any:
    """Declare a half-precision float (11 bits of precision)."""
    return NumberField("float16", default, appended=appended)


def float32(default: float = 0.0, *, appended: bool = False) -> Any:
    """Declare a single-precision float (24 bits of precision)."""
    return NumberField("float32", default, appended=appended)


def float64(default: float = 0.0, *, appended: bool = False) -> Any:
    """Declare a double-precision float."""
    return NumberField("float64", default, appended=appended)


def varint(default: int = 0, *, appended: bool = False) -> Any:
    """Declare an integer from 0 to 2**64 - 1, one byte if below 128, ten at most."""
    return VarintField(default, is_signed=False, appended=appended)


def zigzag(default: int = 0, *, appended: bool = False) -> Any:
    """Declare a signed 64-bit integer, one byte from -64 to 63, ten at most."""
    return VarintField(default, is_signed=True, appended=appended)


def flag(default: bool = False, *, appended: bool = False) -> Any:
    """Declare a bool of one bit; neighbouring bits share a word."""
    return BitField(1, default, is_flag=True, appended=appended)


def nbits(bits: int, default: int = 0, *, appended: bool = False) -> Any:
    """Declare an unsigned integer of 1 to 32 bits; neighbouring bits share a word."""
    return BitField(bits, default, is_flag=False, appended=appended)


def fixed(
    lo: float,
    hi: float,
    *,
    step: float,
    default: float | None = None,
    appended: bool = False,
) -> Any:
    """Declare a float between two bounds, in steps; values outside saturate.

    Args:
        lo: smallest value.
        hi: largest value.
        step: distance between two representable values.
        default: 0 if it lies within the bounds, else `lo`.
        appended: see `Field`.
    """
    if default is None:
        default = 0.0 if lo <= 0.0 <= hi else lo
    return FixedField(lo, hi, step, default, appended=appended)


def angle(bits: int = 16, default: float = 0.0, *, appended: bool = False) -> Any:
    """Declare an angle in radians, read as [-pi, pi), in 2**bits steps a turn."""
    return AngleField(bits, default, appended=appended)


def quaternion(bits: int = 10, *, appended: bool = False) -> Any:
    """Declare a unit quaternion (x, y, z, w), smallest three of `bits` each."""
    return QuaternionField(bits, appended=appended)


def enum(
    members: type[Enum], default: Enum | None = None, *, appended: bool = False
) -> Any:
    """Declare a member of an Enum; the default is its first one."""
    return EnumField(members, default, appended=appended)


def text(
    limit: int, default: str = "", *, length: str = "varint", appended: bool = False
) -> Any:
    """Declare text of at most `limit` bytes of UTF-8."""
    return TextField(limit, default, length, appended=appended)


def blob(
    limit: int, default: bytes = b"", *, length: str = "varint", appended: bool = False
) -> Any:
    """Declare at most `limit` bytes."""
    return BlobField(limit, default, length, appended=appended)


def array(
    item: Field, limit: int, *, length: str = "varint", appended: bool = False
) -> Any:
    """Declare a list of at most `limit` values of another field."""
    return ArrayField(item, limit, length, appended=appended)


def optional(item: Field, *, appended: bool = False) -> Any:
    """Declare a value of another field, or None."""
    return OptionalField(item, appended=appended)


def nested(schema: type[Schema], *, appended: bool = False) -> Any:
    """Declare an instance of another schema."""
    return NestedField(schema, appended=appended)


def wrapped(
    subcon: Any, limit: int, default: Any = None, *, appended: bool = False
) -> Any:
    """Declare whatever a construct subconstruct describes, in at most `limit` bytes.

    It runs construct itself, microseconds a value: for rare messages.
    """
    return WrappedField(subcon, limit, default, appended=appended)
