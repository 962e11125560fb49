# SPDX-License-Identifier: MIT
"""Flags and small integers that share words."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire import Schema, flag, nbits, uint8
from gamenet.wire.bits import BitField, BitRun, bit_runs


class Body(Schema):
    """A run of twelve bits, a field between, a run of one."""

    first: bool = flag()
    three: int = nbits(3)
    eight: int = nbits(8)
    between: int = uint8()
    last: bool = flag()


def run(*widths: int) -> BitRun:
    """Return a run of fields of these widths."""
    return BitRun([BitField(bits, 0, is_flag=False) for bits in widths])


class LayoutTests(SynchronousTestCase):
    """Where the bits are."""

    def test_first_field_lowest(self) -> None:
        """The first field has the lowest bits, in a little-endian word."""
        word = 1 | 0b101 << 1 | 0xAB << 4
        encoded = Body(True, 0b101, 0xAB, 7, True).encode()
        self.assertEqual(encoded, word.to_bytes(2, "little") + b"\x07\x01")

    def test_smallest_word(self) -> None:
        """A run takes the smallest of 8, 16, 32 and 64 bits that holds it."""
        for bits, size in ((1, 1), (8, 1), (9, 2), (16, 2), (17, 4), (32, 4), (33, 8)):
            self.assertEqual(run(*[1] * bits).word_size, size, bits)

    def test_split_at_64(self) -> None:
        """What would pass 64 bits goes into a further word; none is cut in two."""
        runs = bit_runs(
            BitField(bits, 0, is_flag=False) for bits in (32, 31, 1, 1, 32, 32)
        )
        self.assertEqual(
            [[field.bits for field in item.fields] for item in runs],  # type: ignore[union-attr]
            [[32, 31, 1], [1, 32], [32]],
        )

    def test_unused_bits(self) -> None:
        """Bits beyond the last field are zero, and refused when they are not."""
        good = Body(True, 7, 255, 0, False).encode()
        self.assertEqual(Body.decode(good), Body(True, 7, 255, 0, False))
        for bad in (b"\xff\x1f\x00\x00", b"\x00\x80\x00\x00", b"\x00\x00\x00\x02"):
            with self.assertRaisesRegex(RemoteProtocolError, "unused bits"):
                Body.decode(bad)

    @given(st.lists(st.integers(1, 32), min_size=1, max_size=12), st.data())
    def test_columns_equal_words(self, widths: list[int], data: st.DataObject) -> None:
        """Columns are packed and unpacked as single values are."""
        for part in bit_runs(BitField(bits, 0, is_flag=False) for bits in widths):
            assert isinstance(part, BitRun)
            rows = [
                [data.draw(st.integers(0, (1 << f.bits) - 1)) for f in part.fields]
                for _ in range(3)
            ]
            columns = [
                np.array(column, field.column_dtype)
                for column, field in zip(
                    zip(*rows, strict=True), part.fields, strict=True
                )
            ]
            words = part.words_of(columns)
            expected = [
                sum(v << shift for v, shift in zip(row, part.shifts, strict=True))
                for row in rows
            ]
            self.assertEqual(words.tolist(), expected)
            for again, column in zip(part.columns_of(words), columns, strict=True):
                self.assertEqual(again.tolist(), column.tolist())


class ValueTests(SynchronousTestCase):
    """What a bit field takes."""

    def test_too_large(self) -> None:
        """A value that does not fit is refused, with field and value."""
        for value in (8, -1, 1 << 40):
            with self.assertRaisesRegex(LocalProtocolError, f"Body.three = {value} "):
                Body(three=value).encode()

    def test_no_integer(self) -> None:
        """A value that is no integer is refused."""
        for value in (1.0, "1", None, [1]):
            with self.assertRaisesRegex(LocalProtocolError, r"Body\.three"):
                Body(three=value).encode()

    def test_numpy(self) -> None:
        """Narrow integers of numpy are not cut off by shifting."""
        self.assertEqual(
            Body(three=np.uint8(5), eight=np.uint8(200)).encode(),
            Body(three=5, eight=200).encode(),
        )

    def test_flags_are_bools(self) -> None:
        """A flag is what the truth of its value is, and decodes to a bool."""
        for value in (True, 1, "yes", np.True_):
            self.assertIs(Body.decode(Body(first=value).encode()).first, True)
        for value in (False, 0, "", None, np.False_):
            self.assertIs(Body.decode(Body(first=value).encode()).first, False)

    def test_widths(self) -> None:
        """One to 32 bits are allowed."""
        for bits in (0, 33, -1):
            with self.assertRaisesRegex(SchemaError, "1 to 32 bits"):
                nbits(bits)

    def test_description(self) -> None:
        """A flag has no parameter; the others tell their width."""
        kinds = [field.describe() for field in Body.schema_fields[:2]]
        self.assertEqual(
            kinds,
            [
                {"name": "first", "kind": "flag"},
                {"name": "three", "kind": "nbits", "bits": 3},
            ],
        )
        self.assertEqual(Body.schema_fields[0].layout, "1 bit")
        self.assertEqual(Body.schema_fields[1].layout, "3 bits")
