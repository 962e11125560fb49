# SPDX-License-Identifier: MIT
"""The fields of variable width."""

from __future__ import annotations

from typing import Any

import construct as cs
import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire import (
    Field,
    Schema,
    array,
    blob,
    flag,
    nbits,
    nested,
    optional,
    text,
    uint8,
    uint16,
    uint64,
    varint,
    wrapped,
    zigzag,
)
from tests.strategies import LENGTHS

PREFIXES = {
    "varint": cs.VarInt.build,
    "u8": lambda n: n.to_bytes(1, "little"),
    "u16": lambda n: n.to_bytes(2, "little"),
    "u32": lambda n: n.to_bytes(4, "little"),
}
HIGHEST = {"varint": (1 << 64) - 1, "u8": 255, "u16": 65535, "u32": (1 << 32) - 1}


class Point(Schema):
    """Something to nest."""

    x: int = uint8()
    y: int = uint8()


class Nothing(Schema):
    """A schema whose instances take no bytes."""


def one(field: Field) -> type[Schema]:
    """Return a schema with one field, `f`."""
    return type(Schema)("One", (Schema,), {"f": field})


class CountedTests(SynchronousTestCase):
    """Text, blobs and arrays: a length, then as much."""

    KINDS: tuple[tuple[Any, Any], ...] = (
        (text, "a"),
        (blob, b"a"),
        (lambda limit, length: array(uint8(), limit, length=length), [97]),
    )

    def test_prefix(self) -> None:
        """The length stands before the value, in the declared form, up to the limit."""
        for declare, unit in self.KINDS:
            for length in LENGTHS:
                schema = one(declare(200, length=length))
                for n in (0, 1, 127, 128, 200):
                    encoded = schema(unit * n).encode()
                    self.assertEqual(encoded, PREFIXES[length](n) + b"a" * n)
                    self.assertEqual(schema.decode(encoded).f, unit * n)

    def test_long_prefix(self) -> None:
        """Lengths beyond a byte have prefixes as well."""
        for length in ("varint", "u16", "u32"):
            schema = one(blob(1000, length=length))
            encoded = schema(b"a" * 1000).encode()
            self.assertEqual(encoded, PREFIXES[length](1000) + b"a" * 1000)

    def test_overlong_is_refused_unseen(self) -> None:
        """A length above the limit is refused by itself, whatever follows or not."""
        for declare, _ in self.KINDS:
            for length in LENGTHS:
                schema = one(declare(5, length=length))
                for n in (6, HIGHEST[length]):
                    for rest in (b"", b"a" * 300):
                        with self.assertRaisesRegex(
                            RemoteProtocolError, "above limit 5"
                        ):
                            schema.decode(PREFIXES[length](n) + rest)

    def test_promised_but_not_there(self) -> None:
        """A length within a huge limit costs no memory unless the bytes are there."""
        huge = HIGHEST["u32"]
        for declare in (text, blob, lambda *a, **k: array(uint64(), *a, **k)):
            schema = one(declare(huge, length="u32"))
            with self.assertRaises(RemoteProtocolError):
                schema.decode(b"\xff\xff\xff\xff" + bytes(20))

    def test_too_long_to_send(self) -> None:
        """A value above the limit is refused, with its length and the limit."""
        for declare, unit in self.KINDS:
            for length in LENGTHS:
                schema = one(declare(5, length=length))
                message = r"(?s)One\.f = .*length 6 is above its limit 5"
                with self.assertRaisesRegex(LocalProtocolError, message):
                    schema(unit * 6).encode()

    def test_shortest_varint(self) -> None:
        """A length that is written longer than need be is refused."""
        with self.assertRaises(RemoteProtocolError):
            one(blob(5)).decode(b"\x80\x00")


class TextTests(SynchronousTestCase):
    """UTF-8."""

    def test_limit_counts_bytes(self) -> None:
        """The limit is one of bytes, not of letters."""
        schema = one(text(4))
        self.assertEqual(schema.decode(schema("éé").encode()).f, "éé")
        with self.assertRaisesRegex(LocalProtocolError, "length 6"):
            schema("ééé").encode()

    def test_no_utf8(self) -> None:
        """Bytes that are no UTF-8 are refused: broken, overlong or surrogates."""
        for bad in (
            b"\xff",
            b"\xc3",
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
        ):
            with self.assertRaises(RemoteProtocolError):
                one(text(9)).decode(bytes([len(bad)]) + bad)

    def test_no_text(self) -> None:
        """What is no str is refused, even if it has an `encode` of its own."""
        for bad in (b"abc", 5, None, Point(), "\ud800"):
            with self.assertRaisesRegex(LocalProtocolError, r"One\.f = "):
                one(text(9))(bad).encode()


class BlobTests(SynchronousTestCase):
    """Bytes."""

    def test_bytes_like(self) -> None:
        """A bytearray or a memoryview will do, whatever the size of its items."""
        wide = memoryview(np.array([1, 2], "<u2"))
        for held in (bytearray(b"\1\0\2\0"), memoryview(b"\1\0\2\0"), wide):
            self.assertEqual(one(blob(4))(held).encode(), b"\4\1\0\2\0")

    def test_no_bytes(self) -> None:
        """What is not bytes-like is refused."""
        for bad in ("abc", 5, None, [1, 2], np.zeros(2)):
            with self.assertRaisesRegex(LocalProtocolError, r"One\.f = .*bytes"):
                one(blob(9))(bad).encode()

    def test_a_copy(self) -> None:
        """What is decoded owns its bytes, so that the buffer can be used again."""
        buffer = bytearray(b"\3abc")
        decoded = one(blob(9)).decode(memoryview(buffer))
        buffer[:] = b"\3xyz"
        self.assertEqual(decoded.f, b"abc")


class VarintTests(SynchronousTestCase):
    """Integers of as few bytes as they need."""

    def test_illegal(self) -> None:
        """What is out of range or no integer is refused, with field and value."""
        for field, values in (
            (varint(), (-1, 1 << 64, 1.5, "1", None)),
            (zigzag(), (1 << 63, -(1 << 63) - 1, 1.5, "1", None)),
        ):
            schema = one(field)
            for bad in values:
                with self.assertRaisesRegex(LocalProtocolError, r"One\.f = "):
                    schema(bad).encode()


class ArrayTests(SynchronousTestCase):
    """Lists of one kind of value."""

    def test_items(self) -> None:
        """Items follow one another; bits share no word across items."""
        self.assertEqual(one(array(nbits(3), 4))([1, 2, 3]).encode(), b"\3\1\2\3")
        self.assertEqual(one(array(flag(), 4))([True, False]).encode(), b"\2\1\0")
        pairs = one(array(array(uint8(), 2), 2))
        self.assertEqual(pairs([[1], [2, 3]]).encode(), b"\2\1\1\2\2\3")
        self.assertEqual(pairs.decode(b"\2\1\1\2\2\3").f, [[1], [2, 3]])

    def test_any_sequence(self) -> None:
        """A tuple or a numpy array will do; a list comes back."""
        schema = one(array(uint16(), 4))
        for items in ((1, 2), np.array([1, 2]), range(1, 3)):
            self.assertEqual(schema.decode(schema(items).encode()).f, [1, 2])

    def test_no_sequence(self) -> None:
        """What has no length or no legal items is refused."""
        for bad in (5, None, ["a"], [256], iter([1])):
            with self.assertRaisesRegex(LocalProtocolError, r"One\.f = "):
                one(array(uint8(), 4))(bad).encode()

    def test_items_without_bytes(self) -> None:
        """An array of nothings is refused: a count alone could fill the memory."""
        for item in (nested(Nothing), nested(one(nested(Nothing)))):
            with self.assertRaisesRegex(SchemaError, "no bytes"):
                array(item, 5)

    def test_used_fields(self) -> None:
        """A field that has a name, or is appended, cannot be inside another."""
        for item in (Point.schema_fields[0], uint8(appended=True), 5, uint8):
            for declare in (optional, lambda item: array(item, 3)):
                with self.assertRaisesRegex(SchemaError, "give a new one"):
                    declare(item)

    def test_nested_deeply(self) -> None:
        """Arrays in arrays beyond what Python can nest are an error of the schema."""
        field = uint8()
        for _ in range(30):
            field = array(field, 2)
        with self.assertRaisesRegex(SchemaError, "too deeply"):
            one(field)


class OptionalTests(SynchronousTestCase):
    """A value or None."""

    def test_flag(self) -> None:
        """0 is None, 1 is a value, all else is refused."""
        schema = one(optional(uint16()))
        self.assertEqual(schema(None).encode(), b"\0")
        self.assertEqual(schema(513).encode(), b"\1\1\2")
        self.assertIsNone(schema.decode(b"\0").f)
        for bad in (b"\2\1\2", b"\xff", b"\0\0", b"\1\1"):
            with self.assertRaises(RemoteProtocolError):
                schema.decode(bad)

    def test_illegal(self) -> None:
        """A value that the inner field refuses is refused."""
        with self.assertRaisesRegex(LocalProtocolError, r"One\.f = 65536 "):
            one(optional(uint16()))(65536).encode()


class NestedTests(SynchronousTestCase):
    """Schemas inside schemas."""

    def test_inline(self) -> None:
        """The fields of the other schema stand where it is."""
        schema = one(nested(Point))
        self.assertEqual(schema(Point(1, 2)).encode(), b"\1\2")
        self.assertEqual(schema.decode(b"\1\2").f, Point(1, 2))

    def test_illegal(self) -> None:
        """An illegal value inside is refused, under the name of the outer field."""
        for bad in (None, 5, Point(x=256), Nothing()):
            with self.assertRaisesRegex(LocalProtocolError, r"One\.f = "):
                one(nested(Point))(bad).encode()

    def test_appended_inside(self) -> None:
        """A schema with appended fields cannot be nested: its end is not known."""
        growing = one(uint8(appended=True))
        with self.assertRaisesRegex(SchemaError, "appended fields"):
            nested(growing)


class WrappedTests(SynchronousTestCase):
    """Whatever construct can declare."""

    def test_bytes(self) -> None:
        """Construct's bytes stand behind their length."""
        schema = one(wrapped(cs.Int24ub, 3, 0))
        self.assertEqual(schema(0x010203).encode(), b"\3\1\2\3")
        self.assertEqual(schema.decode(b"\3\1\2\3").f, 0x010203)

    def test_malformed(self) -> None:
        """What construct cannot parse, or does not parse to its end, is refused."""
        schema = one(wrapped(cs.Int24ub, 9, 0))
        for bad in (b"\2\1\2", b"\4\1\2\3\4", b"\0", b"\x0a" + bytes(10)):
            with self.assertRaises(RemoteProtocolError):
                schema.decode(bad)

    def test_any_error_of_the_declaration(self) -> None:
        """Whatever a declaration's own code raises is the one error of its side."""

        def fail(*_: Any) -> Any:
            raise RuntimeError("its own")

        schema = one(wrapped(cs.ExprAdapter(cs.Int8ul, fail, fail), 9, 0))
        with self.assertRaisesRegex(RemoteProtocolError, "its own"):
            schema.decode(b"\1\1")
        with self.assertRaisesRegex(LocalProtocolError, r"One\.f = 0 .*its own"):
            schema().encode()

    def test_illegal(self) -> None:
        """What construct cannot build is refused, with field and value."""
        pair = cs.Struct("a" / cs.Int8ul)
        for subcon, bad in ((cs.Int24ub, None), (cs.Int24ub, 1 << 24), (pair, {})):
            with self.assertRaisesRegex(LocalProtocolError, r"One\.f = "):
                one(wrapped(subcon, 9))(bad).encode()
        with self.assertRaisesRegex(LocalProtocolError, "above its limit 2"):
            one(wrapped(cs.Int24ub, 2))(1).encode()

    def test_described_as_limit(self) -> None:
        """Without its class, a peer knows no more of it than that it is bytes."""
        schema = one(wrapped(cs.Int24ub, 3, 0))
        described = {"name": "f", "kind": "wrapped", "limit": 3}
        self.assertEqual(schema.describe()["fields"], [described])
