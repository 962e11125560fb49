# SPDX-License-Identifier: MIT
"""Rows as planes: what a codec writes for one row, for many."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError, SchemaError
from gamenet.wire import (
    Planes,
    Schema,
    enum,
    fixed,
    flag,
    float32,
    nbits,
    text,
    uint8,
    uint16,
)
from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.fields import WordField
from tests.strategies import ROWS, Colour, instance


class Body(Schema):
    """A row of five bytes."""

    x: int = uint16()
    a: bool = flag()
    b: int = nbits(3)
    colour: Colour = enum(Colour)
    place: float = fixed(0, 10, step=0.1)


def columns_of(schema: type[Schema], rows: list[Schema]) -> SimpleNamespace:
    """Return the columns of rows."""
    columns = {}
    for field in schema.schema_fields:
        values = [getattr(row, field.name) for row in rows]
        numbers = [getattr(value, "value", value) for value in values]
        shape = (len(rows), *field.column_shape)
        columns[field.name] = np.array(numbers, field.column_dtype).reshape(shape)
    return SimpleNamespace(**columns)


def written(schema: type[Schema], rows: list[Schema], order: Any = None) -> bytes:
    """Return the planes of rows."""
    planes = Planes(schema)
    chosen = np.arange(len(rows)) if order is None else np.array(order, np.intp)
    buffer = bytearray(planes.row_size * len(chosen))
    end = planes.write(buffer, 0, columns_of(schema, rows), chosen)
    assert end == len(buffer)
    return bytes(buffer)


def transposed(schema: type[Schema], rows: list[Schema]) -> bytes:
    """Return planes made of the rows' own encodings, cut word by word."""
    return _transpose(schema, [row.encode() for row in rows])


def _transpose(schema: type[Schema], rows: list[bytes]) -> bytes:
    planes, at = [], 0
    for item in bit_runs(schema.schema_fields):
        assert isinstance(item, BitRun | WordField)
        planes += [row[at : at + item.word_size] for row in rows]
        at += item.word_size
    return b"".join(planes)


class EqualTests(SynchronousTestCase):
    """Planes hold the words that messages hold."""

    @given(ROWS, st.data())
    def test_words(self, schema: type[Schema], data: st.DataObject) -> None:
        """Every word of every row is the one that the single row would have."""
        rows = [
            instance(data.draw, schema) for _ in range(data.draw(st.integers(0, 4)))
        ]
        self.assertEqual(written(schema, rows), transposed(schema, rows))
        self.assertEqual(Planes(schema).row_size, len(schema().encode()))

    @given(ROWS, st.data())
    def test_round_trip(self, schema: type[Schema], data: st.DataObject) -> None:
        """Columns are read as they were written."""
        rows = [
            instance(data.draw, schema) for _ in range(data.draw(st.integers(0, 4)))
        ]
        encoded = written(schema, rows)
        arrays, end = Planes(schema).read(encoded, 0, len(rows))
        self.assertEqual(end, len(encoded))
        for name, column in vars(columns_of(schema, rows)).items():
            self.assertEqual(arrays[name].tolist(), column.tolist())
            self.assertEqual(arrays[name].dtype, column.dtype)

    @given(ROWS, st.binary(max_size=40), st.integers(0, 5))
    def test_hostile(self, schema: type[Schema], data: bytes, count: int) -> None:
        """Any bytes give columns or RemoteProtocolError, as the rows' codec would."""
        planes = Planes(schema)
        data = (data * 60)[: planes.row_size * count]
        rows = [data[i * planes.row_size :][: planes.row_size] for i in range(count)]
        try:
            arrays, _ = planes.read(_transpose(schema, rows), 0, count)
        except RemoteProtocolError:
            with self.assertRaises(RemoteProtocolError):
                for row in rows:
                    schema.decode(row)
            return
        decoded = [schema.decode(row) for row in rows]
        for name, column in vars(columns_of(schema, decoded)).items():
            np.testing.assert_array_equal(arrays[name], column)


class PlanesTests(SynchronousTestCase):
    """What else planes do."""

    ROWS = (
        Body(1, True, 5, Colour.GREEN, 9.9),
        Body(2, False, 7, Colour.BLUE, 0.1),
        Body(3, True, 0, Colour.RED, 10.0),
    )

    def test_layout(self) -> None:
        """Field after field, all rows of a field together; bits share a plane."""
        self.assertEqual(
            written(Body, list(self.ROWS)),
            bytes.fromhex("010002000300 0b0e01 05ff00 630164"),
        )

    def test_order(self) -> None:
        """Rows are written in the order in which they are named, each as often."""
        chosen = [self.ROWS[i] for i in (2, 0, 0)]
        self.assertEqual(
            written(Body, list(self.ROWS), (2, 0, 0)), written(Body, chosen)
        )

    def test_position(self) -> None:
        """Planes can stand anywhere in a buffer, and touch nothing else."""
        data = written(Body, list(self.ROWS))
        buffer = bytearray(b"\xee" * (len(data) + 9))
        columns = columns_of(Body, list(self.ROWS))
        end = Planes(Body).write(memoryview(buffer), 4, columns, np.arange(3))
        self.assertEqual(bytes(buffer), b"\xee" * 4 + data + b"\xee" * 5)
        self.assertEqual(end, 4 + len(data))
        arrays, after = Planes(Body).read(buffer, 4, 3)
        self.assertEqual((arrays["x"].tolist(), after), ([1, 2, 3], end))

    def test_illegal_words(self) -> None:
        """An unused bit, an unknown member or a step beyond the last is refused."""
        good = bytearray(Body(1, True, 5, Colour.GREEN, 9.9).encode())
        for at, bad, words in (
            (2, 0x10, "Body: bit word"),
            (3, 7, "Body: 7 is not a value of Colour"),
            (4, 101, "Body: fixed-point word 101"),
        ):
            data = good.copy()
            data[at] = bad
            with self.assertRaisesRegex(RemoteProtocolError, words):
                Planes(Body).read(data, 0, 1)

    def test_cut_short(self) -> None:
        """Bytes that end early are refused wherever they end."""
        data = written(Body, list(self.ROWS))
        for end in range(len(data)):
            with self.assertRaises(RemoteProtocolError):
                Planes(Body).read(data[:end], 0, 3)

    def test_other_fields(self) -> None:
        """Fields of variable width, or appended ones, cannot be columns."""
        for bad in (text(5), uint8(appended=True)):
            schema = type(Schema)("Bad", (Schema,), {"x": float32(), "f": bad})
            with self.assertRaisesRegex(SchemaError, r"Bad\.f is .*fixed width"):
                Planes(schema)

    def test_nothing(self) -> None:
        """A tag has no planes, and no rows have none either."""
        tag = type(Schema)("Tag", (Schema,), {})
        self.assertEqual(Planes(tag).row_size, 0)
        self.assertEqual(Planes(tag).read(b"", 0, 5), ({}, 0))
        arrays, end = Planes(Body).read(b"", 0, 0)
        self.assertEqual(
            {name: len(array) for name, array in arrays.items()},
            {"x": 0, "a": 0, "b": 0, "colour": 0, "place": 0},
        )
        self.assertEqual(end, 0)
