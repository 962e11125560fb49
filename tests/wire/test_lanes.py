# SPDX-License-Identifier: MIT
"""Tests of lanes: the words of a schema, none wider than 32 bits."""

from __future__ import annotations

import struct
from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.wire import (
    Lanes,
    Schema,
    angle,
    enum,
    fixed,
    flag,
    float32,
    float64,
    int8,
    int64,
    nbits,
    quaternion,
    uint8,
    uint16,
    uint64,
)
from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.quantized import AngleField, FixedField, QuaternionField
from tests.strategies import ROWS, Colour, Region, instance


def lanes_of(schema: type[Schema], one: Schema) -> tuple[list[int], list[int]]:
    """Return the widths and the lanes of an instance, as the standard says."""
    widths: list[int] = []
    lanes: list[int] = []
    data, at = one.encode(), 0
    for item in bit_runs(schema.schema_fields):
        size = np.dtype(item.word_dtype).itemsize  # type: ignore[attr-defined]
        word = int.from_bytes(data[at : at + size], "little")
        at += size
        if isinstance(item, QuaternionField):
            bits = item.quantizer.bits
            steps = [word >> 2 + k * bits & (1 << bits) - 1 for k in range(3)]
            widths += [bits + 2, bits, bits]
            lanes += [word & 3 | steps[0] << 2, *steps[1:]]
            continue
        if isinstance(item, FixedField):
            width = item.quantizer.steps.bit_length()
        elif isinstance(item, AngleField):
            width = item.quantizer.bits
        else:
            width = item.bits if isinstance(item, BitRun) else 8 * size
        if width <= 32:
            widths.append(width)
            lanes.append(word)
        else:
            widths += [32, width - 32]
            lanes += [word & 0xFFFFFFFF, word >> 32]
    return widths, lanes


def columns_of(schema: type[Schema], rows: list[Schema]) -> Any:
    """Return instances as columns."""
    columns = {}
    for field in schema.schema_fields:
        values = [getattr(row, field.name) for row in rows]
        if field.kind == "enum":
            values = [value.value for value in values]
        shape = (len(rows), *field.column_shape)
        columns[field.name] = np.array(values, field.column_dtype).reshape(shape)
    return SimpleNamespace(**columns)


class LanesTests(SynchronousTestCase):
    """The lanes of a schema are those of the standard."""

    @settings(max_examples=60)
    @given(ROWS, st.integers(1, 4), st.data())
    def test_standard(self, schema: type[Schema], n_rows: int, data: Any) -> None:
        """Widths and words are what the standard says of the encoded instance."""
        rows = [instance(data.draw, schema) for _ in range(n_rows)]
        lanes = Lanes(schema)
        columns = columns_of(schema, rows)
        order = np.arange(n_rows)[::-1]
        words = lanes.to_lanes(columns, order)
        self.assertEqual(words.dtype, np.uint32)
        for i, row in enumerate(reversed(rows)):
            widths, expected = lanes_of(schema, row)
            self.assertEqual(lanes.widths, tuple(widths))
            self.assertEqual(words[:, i].tolist(), expected)
        again = lanes.from_lanes(words)
        for field in schema.schema_fields:
            column = getattr(columns, field.name)[order]
            np.testing.assert_array_equal(again[field.name], column)

    @settings(max_examples=60)
    @given(ROWS, st.data())
    def test_any_words(self, schema: type[Schema], data: Any) -> None:
        """Words within the widths are values, or are refused."""
        lanes = Lanes(schema)
        words = [
            [data.draw(st.integers(0, (1 << width) - 1))] for width in lanes.widths
        ]
        given_words = np.array(words, np.uint32).reshape(len(words), 1)
        try:
            columns = SimpleNamespace(**lanes.from_lanes(given_words))
        except RemoteProtocolError as error:
            self.assertIn("Drawn", str(error))
            return
        quaternions = [f for f in schema.schema_fields if f.kind == "quaternion"]
        if not quaternions:  # several words name the same rotation
            again = lanes.to_lanes(columns, np.arange(1))
            self.assertEqual(again.tolist(), given_words.tolist())

    def test_widths(self) -> None:
        """Lanes are as wide as their values need."""

        class Many(Schema):
            tiny: int = int8()
            place: float = fixed(0, 10, step=1)
            height: float = fixed(0, 10, step=1)
            fine: float = fixed(0, 2**20, step=2**-20)
            is_on: bool = flag()
            level: int = nbits(4)
            heading: float = angle(11)
            turn: tuple[float, ...] = quaternion(9)
            real: float = float64()

        lanes = Lanes(Many)
        self.assertEqual(lanes.widths, (8, 4, 4, 32, 9, 5, 11, 11, 9, 9, 32, 32))

    @settings(max_examples=60)
    @given(ROWS, st.data())
    def test_changed_fields(self, schema: type[Schema], data: Any) -> None:
        """The bits that changed tell which fields did, also of those that share."""
        rows = [instance(data.draw, schema) for _ in range(2)]
        columns = columns_of(schema, rows)
        words = Lanes(schema).to_lanes(columns, np.arange(2))
        changed = Lanes(schema).changed_fields(words[:, :1] ^ words[:, 1:])
        for field in schema.schema_fields:
            one, other = getattr(columns, field.name)
            is_other = one.tobytes() != other.tobytes()
            self.assertEqual(changed[field.name].tolist(), [is_other])

    def test_many_bits(self) -> None:
        """A run of bits of more than 32 is two lanes, of more than 64 three."""
        body = {f"f{i}": nbits(10) for i in range(7)}
        schema = type(Schema)("Bits", (Schema,), body)
        self.assertEqual(Lanes(schema).widths, (32, 28, 10))

    def test_two_complement(self) -> None:
        """Signed numbers and floats are their bits."""

        class Signed(Schema):
            small: int = int8()
            large: int = int64()
            real: float = float32()

        columns = columns_of(Signed, [Signed(-1, -2, -0.0)])
        words = Lanes(Signed).to_lanes(columns, np.arange(1))[:, 0].tolist()
        self.assertEqual(words, [0xFF, 0xFFFFFFFE, 0xFFFFFFFF, 0x80000000])

    def test_not_a_number(self) -> None:
        """Any bits are a float, and stay as they are."""

        class Real(Schema):
            value: float = float32()

        bits = 0x7FA00001
        (column,) = Lanes(Real).from_lanes(np.array([[bits]], np.uint32)).values()
        self.assertEqual(column.tobytes(), struct.pack("<I", bits))

    def test_nothing(self) -> None:
        """No fields are no lanes; no rows are no words."""

        class Tag(Schema):
            """No fields at all."""

        self.assertEqual(Lanes(Tag).widths, ())
        self.assertEqual(Lanes(Tag).to_lanes(None, np.arange(3)).shape, (0, 3))

        class Few(Schema):
            a: int = uint8()
            b: float = fixed(0, 1, step=0.5)
            c: tuple[float, ...] = quaternion()

        columns = columns_of(Few, [])
        words = Lanes(Few).to_lanes(columns, np.empty(0, np.intp))
        self.assertEqual(words.shape, (5, 0))
        self.assertEqual(len(Lanes(Few).from_lanes(words)["a"]), 0)


class IllegalTests(SynchronousTestCase):
    """A word that no value has is refused."""

    def refused(self, field: Any, *words: int) -> None:
        """Check that the words of a field are refused."""
        schema = type(Schema)("One", (Schema,), {"value": field})
        lanes = Lanes(schema)
        self.assertEqual(len(lanes.widths), len(words))
        given_words = np.array([[0, word] for word in words], np.uint32)
        error = self.assertRaises(RemoteProtocolError, lanes.from_lanes, given_words)
        self.assertIn("One", str(error))

    def test_fixed(self) -> None:
        """A fixed-point word above its last step."""
        self.refused(fixed(0, 10, step=1), 11)
        steps = 2**40
        self.refused(fixed(0, steps, step=1), 1, steps >> 32)

    def test_quaternion(self) -> None:
        """A step above the last one, in each of the three places."""
        top = (1 << 10) - 1
        self.refused(quaternion(10), top << 2, 0, 0)
        self.refused(quaternion(10), 0, top, 0)
        self.refused(quaternion(10), 3, 0, top)

    def test_enum(self) -> None:
        """A number that is no member."""
        self.refused(enum(Colour), 4)
        self.refused(enum(Region), 257)

    def test_legal(self) -> None:
        """The last legal words are legal."""
        for field, words in (
            (fixed(0, 10, step=1), (10,)),
            (quaternion(10), ((1 << 12) - 5, 1022, 1022)),
            (uint16(), (65535,)),
            (uint64(), (2**32 - 1, 2**32 - 1)),
        ):
            schema = type(Schema)("One", (Schema,), {"value": field})
            Lanes(schema).from_lanes(np.array([[w] for w in words], np.uint32))
