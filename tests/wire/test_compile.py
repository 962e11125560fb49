# SPDX-License-Identifier: MIT
"""The generated codecs: equal to construct, strict with bytes, clear about values."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.wire import (
    Field,
    Schema,
    array,
    blob,
    float32,
    nested,
    text,
    uint8,
    uint16,
)
from gamenet.wire.compile import compile_codec
from tests.strategies import messages, schemas


class Flat(Schema):
    """One `struct` call."""

    a: int = uint8()
    b: int = uint16()
    c: float = float32()


class Named(Schema):
    """Something of variable width, and records in a list."""

    name: str = text(8)
    parts: list[Flat] = array(nested(Flat), 4)


class Grown(Schema):
    """A schema to which two fields were appended."""

    a: int = uint8()
    late: int = uint16(7, appended=True)
    later: str = text(8, "hi", appended=True)


class Old(Schema):
    """The same before that."""

    a: int = uint8()


def kinds(schema: type[Schema]) -> Iterator[str]:
    """Yield the kind of every field, also inside others; "appended" for those."""
    for field in schema.schema_fields:
        if field.appended:
            yield "appended"
        yield from _kinds(field)


def _kinds(field: Field) -> Iterator[str]:
    yield field.kind
    if hasattr(field, "item"):
        yield from _kinds(field.item)
    if hasattr(field, "schema"):
        yield from kinds(field.schema)


def is_canonical(schema: type[Schema]) -> bool:
    """Return whether a schema has one encoding for each value, NaN aside.

    Of a rotation near a tie many words are legal, construct is as strict as its
    declaration, and appended fields may be left out or unknown.
    """
    return not {"quaternion", "wrapped", "appended"} & set(kinds(schema))


def mutated(data: st.DataObject, encoded: bytes) -> bytes:
    """Draw bytes that are nearly those of a message."""
    changed = bytearray(encoded)
    for _ in range(data.draw(st.integers(0, 3))):
        if changed:
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        changed += data.draw(st.binary(max_size=3))
    return bytes(changed)


class OracleTests(SynchronousTestCase):
    """Compiled code and construct's declaration are one format."""

    @settings(max_examples=250)
    @given(messages())
    def test_equal(self, message: Schema) -> None:
        """Whatever the schema and the values, both give the same bytes and values."""
        schema = type(message)
        encoded = message.encode()
        declaration = schema.declaration()
        self.assertEqual(encoded, declaration.build(message))
        self.assertEqual(declaration.parse(encoded), message)
        self.assertEqual(schema.decode(encoded), message)
        self.assertEqual(schema.decode(memoryview(encoded)), message)
        self.assertEqual(schema.decode(bytearray(encoded)), message)

    @given(messages())
    def test_types(self, message: Schema) -> None:
        """What is decoded has the types that were declared, not construct's."""
        again = type(message).decode(message.encode())
        for field in message.schema_fields:
            if field.kind != "wrapped":
                wanted = type(getattr(message, field.name))
                self.assertIs(type(getattr(again, field.name)), wanted)


class HostileTests(SynchronousTestCase):
    """Bytes of a peer give a value or RemoteProtocolError, nothing else."""

    @settings(max_examples=200)
    @given(messages(), st.data())
    def test_mutated(self, message: Schema, data: st.DataObject) -> None:
        """Changed bytes of a message are refused, or are those of their value."""
        self.check(type(message), mutated(data, message.encode()))

    @given(schemas(), st.binary(max_size=60))
    def test_random(self, schema: type[Schema], data: bytes) -> None:
        """Bytes that are none of a message are refused, or those of their value."""
        self.check(schema, data)

    def check(self, schema: type[Schema], data: bytes) -> None:
        """Fail if decoding raises what it should not, or forgets a byte."""
        try:
            value = schema.decode(data)
        except RemoteProtocolError:
            return
        encoded = value.encode()
        if is_canonical(schema) and "nan" not in repr(value):
            self.assertEqual(encoded, data)

    @given(messages(max_appended=0))
    def test_cut_short(self, message: Schema) -> None:
        """Bytes that end early are refused wherever they end."""
        encoded = message.encode()
        for end in range(len(encoded)):
            with self.assertRaises(RemoteProtocolError):
                type(message).decode(encoded[:end])

    @given(messages(max_appended=0), st.binary(min_size=1, max_size=3))
    def test_trailing(self, message: Schema, rest: bytes) -> None:
        """Bytes after the message are refused."""
        with self.assertRaises(RemoteProtocolError):
            type(message).decode(message.encode() + rest)

    def test_says_what(self) -> None:
        """An error names the schema and the number of bytes."""
        with self.assertRaisesRegex(
            RemoteProtocolError, "Flat of 3 bytes is malformed"
        ):
            Flat.decode(b"abc")
        with self.assertRaisesRegex(RemoteProtocolError, "Named of 1 bytes"):
            Named.decode(b"\0")
        with self.assertRaisesRegex(
            RemoteProtocolError, "Named ends after 2 bytes, .* 3"
        ):
            Named.decode(b"\0\0\0")


class RefusalTests(SynchronousTestCase):
    """A value that cannot be sent is named, with its field and schema."""

    def test_names_the_field(self) -> None:
        """Schema, field, value and what is allowed are in the message."""
        for message, words in (
            (
                Flat(1, 70000, 0.0),
                r"Flat\.b = 70000 cannot be sent: .* \(it is uint16\)",
            ),
            (Flat(1, 2, "x"), r"Flat\.c = 'x' cannot be sent"),
            (Flat("1"), r"Flat\.a = '1' cannot be sent"),
            (Named("x" * 9), r"Named\.name = 'x{9}' cannot be sent: .*limit 8"),
            (Named(parts=[Flat(300)]), r"Named\.parts = \[Flat\(a=300,"),
            (Grown(late=-1), r"Grown\.late = -1 cannot be sent"),
            (Grown(later=5), r"Grown\.later = 5 cannot be sent"),
        ):
            with self.assertRaisesRegex(LocalProtocolError, words):
                message.encode()

    def test_long_values(self) -> None:
        """A value of a megabyte is not repeated whole."""
        error = self.assertRaises(LocalProtocolError, Named("x" * 10**6).encode)
        self.assertLess(len(str(error)), 500)

    def test_forgotten_field(self) -> None:
        """A field that was deleted is missed by its name."""
        message = Flat()
        del message.b
        with self.assertRaisesRegex(LocalProtocolError, r"Flat\.b = None"):
            message.encode()

    def test_another_class(self) -> None:
        """A schema encodes its own instances only."""
        for other in (None, 5, Old()):
            with self.assertRaisesRegex(LocalProtocolError, "is not a Flat"):
                Flat.encode(other)

    def test_changed_meanwhile(self) -> None:
        """A value that is illegal only sometimes is refused without its field."""

        class Fickle:
            """An integer every second time."""

            n = 0

            def __index__(self) -> int:
                self.n += 1
                if self.n % 2:
                    raise ValueError("not now")
                return 1

        with self.assertRaisesRegex(LocalProtocolError, "Flat cannot be sent: not now"):
            Flat(a=Fickle()).encode()


class TailTests(SynchronousTestCase):
    """Appended fields travel behind the others, each with its index and length."""

    ENCODED = b"\5" + b"\1\2\x07\0" + b"\2\3\2hi"

    def test_bytes(self) -> None:
        """Index, length, bytes of each appended field, in order."""
        self.assertEqual(Grown(5).encode(), self.ENCODED)
        self.assertEqual(Grown.decode(self.ENCODED), Grown(5, 7, "hi"))

    def test_older_bytes(self) -> None:
        """A message of an older peer leaves the defaults."""
        self.assertEqual(Grown.decode(Old(9).encode()), Grown(9, 7, "hi"))
        self.assertEqual(Grown.decode(self.ENCODED[:5]), Grown(5, 7, "hi"))

    def test_newer_bytes(self) -> None:
        """An index that is not known is skipped, whatever its bytes."""
        newer = self.ENCODED + b"\3\2??" + b"\x80\x01\0"
        self.assertEqual(Grown.decode(newer), Grown(5, 7, "hi"))
        self.assertEqual(Grown.declaration().parse(newer), Grown(5, 7, "hi"))

    def test_older_schema(self) -> None:
        """A schema that never had appended fields takes none."""
        with self.assertRaises(RemoteProtocolError):
            Old.decode(self.ENCODED)

    def test_malformed(self) -> None:
        """Tails out of order, cut short or of another length are refused."""
        for tail in (
            b"\1",
            b"\1\2",
            b"\1\2\7",
            b"\1\3\7\0\0",
            b"\1\1\7",
            b"\2\3\2hi\1\2\7\0",
            b"\1\2\7\0\1\2\7\0",
            b"\x81\0\2\7\0",
            b"\2\3\2h\xff",
            b"\3\xff\xff\xff\xff\x0f",
        ):
            with self.assertRaises(RemoteProtocolError):
                Grown.decode(b"\5" + tail)

    @given(messages(max_appended=2), st.data())
    def test_left_out(self, message: Schema, data: st.DataObject) -> None:
        """Wherever a tail ends, the bytes are refused or the defaults are there."""
        encoded = message.encode()
        cut = encoded[: data.draw(st.integers(0, len(encoded)))]
        try:
            again = type(message).decode(cut)
        except RemoteProtocolError:
            return
        for field in message.schema_fields:
            legal = (getattr(message, field.name), field.default)
            self.assertIn(getattr(again, field.name), legal[: 1 + field.appended])


class SourceTests(SynchronousTestCase):
    """What is generated."""

    def test_one_call(self) -> None:
        """Neighbouring fields of fixed width are one `struct` call each way."""
        source = Flat.codec.source
        self.assertEqual(source.count("pack_"), 1 + source.count("unpack_"))
        self.assertEqual(source.count("unpack_"), 1)

    def test_runs(self) -> None:
        """Its source is Python that compiles."""
        for schema in (Flat, Named, Grown):
            compile(schema.codec.source, "source", "exec")

    def test_equal_to_struct(self) -> None:
        """The bytes of such fields are those of `struct`."""
        self.assertEqual(Flat(1, 2, 0.5).encode(), struct.pack("<BHf", 1, 2, 0.5))

    def test_blank(self) -> None:
        """A blank instance is one of the class, and has no values yet."""
        blank = Flat.codec.blank()
        self.assertIs(type(blank), Flat)
        self.assertFalse(hasattr(blank, "a"))

    def test_make(self) -> None:
        """Values are taken by position or by name; defaults fill what is left out."""

        class Plain:
            """A class that is no schema."""

            __slots__ = ("raw",)

        field = blob(5, b"ab")
        field.name = "raw"
        codec = compile_codec(Plain, [field])
        made: list[Any] = [codec.make(), codec.make(b"c"), codec.make(raw=b"d")]
        self.assertEqual([item.raw for item in made], [b"ab", b"c", b"d"])

    def test_infinity_is_a_value(self) -> None:
        """A float may be infinite; that is for the game to judge."""
        again = Flat.decode(Flat(c=math.inf).encode())
        self.assertEqual(again.c, math.inf)
