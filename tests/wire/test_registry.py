# SPDX-License-Identifier: MIT
"""Messages by their numbers, and the hash that tells peers apart."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError, SchemaError
from gamenet.wire import (
    Registry,
    Schema,
    UnknownMessage,
    array,
    nested,
    protocol_hash,
    text,
    uint8,
    uint16,
)
from tests.strategies import schemas


class Ping(Schema):
    """A number."""

    n: int = uint8()


class Chat(Schema):
    """A text."""

    text: str = text(20)


class Point(Schema):
    """Two numbers."""

    x: int = uint8()
    y: int = uint16()


class Path(Schema):
    """Points."""

    points: list[Point] = array(nested(Point), 9)


def made(name: str, **fields: Any) -> type[Schema]:
    """Return a schema class of these fields."""
    return type(Schema)(name, (Schema,), fields)


class IdTests(SynchronousTestCase):
    """Numbers are positional or explicit."""

    def test_positional(self) -> None:
        """Without a number, each schema has the one after the last."""
        registry = Registry(Ping, Chat, first=7)
        self.assertEqual(registry.add(Point), 9)
        self.assertEqual([registry.id_of(s) for s in (Ping, Chat, Point)], [7, 8, 9])

    def test_explicit(self) -> None:
        """A number can be given; the next follows it."""
        registry = Registry(Ping)
        self.assertEqual(registry.add(Chat, 300), 300)
        self.assertEqual(registry.add(Point), 301)
        self.assertEqual(registry.encode(Chat("a")), b"\xac\x02\x01a")

    def test_taken(self) -> None:
        """A number or a schema cannot be there twice, and no number is negative."""
        registry = Registry(Ping, Chat)
        for schema, number in ((Point, 1), (Ping, None), (Ping, 9), (Point, -1)):
            with self.assertRaisesRegex(
                SchemaError, f"{schema.__name__} cannot have id"
            ):
                registry.add(schema, number)
        self.assertEqual(registry.add(Point), 2)

    def test_contents(self) -> None:
        """A registry can be looked through, in the order of its numbers."""
        registry = Registry(Ping, first=5)
        registry.add(Chat, 2)
        self.assertEqual(list(registry), [(2, Chat), (5, Ping)])
        self.assertIn(Chat, registry)
        self.assertNotIn(Point, registry)


class CodecTests(SynchronousTestCase):
    """A message travels as its number and its body."""

    def setUp(self) -> None:
        self.registry = Registry(Ping, Chat)

    def test_round_trip(self) -> None:
        """The number says what the body is."""
        for message, encoded in ((Ping(5), b"\0\5"), (Chat("hi"), b"\1\2hi")):
            self.assertEqual(self.registry.encode(message), encoded)
            self.assertEqual(self.registry.decode(encoded), message)
            self.assertEqual(self.registry.decode(memoryview(encoded)), message)

    def test_unregistered(self) -> None:
        """A message without a number cannot be sent; those that can are named."""
        with self.assertRaisesRegex(LocalProtocolError, "Point .* are Ping, Chat"):
            self.registry.encode(Point())
        with self.assertRaisesRegex(LocalProtocolError, "known are none"):
            Registry().encode(Point())

    def test_unknown(self) -> None:
        """A number of a newer peer is skipped, whatever comes behind it."""
        for encoded, number, length in ((b"\2", 2, 0), (b"\xac\x02abc", 300, 3)):
            skipped = self.registry.decode(encoded)
            assert isinstance(skipped, UnknownMessage)
            self.assertEqual((skipped.number, skipped.length), (number, length))

    def test_malformed(self) -> None:
        """Bytes without a whole number, or with a malformed body, are refused."""
        for bad in (b"", b"\x80", b"\x80\x00\5", b"\0", b"\0\5\5", b"\xff" * 11):
            with self.assertRaises(RemoteProtocolError):
                self.registry.decode(bad)

    @given(st.binary(max_size=12))
    def test_hostile(self, data: bytes) -> None:
        """Any bytes give a message, a skipped one, or RemoteProtocolError."""
        try:
            message = self.registry.decode(data)
        except RemoteProtocolError:
            return
        if isinstance(message, Schema):
            self.assertEqual(self.registry.encode(message), data)


class HashTests(SynchronousTestCase):
    """Eight bytes that differ when peers could not understand one another."""

    def hash_of(self, *schemas: type[Schema], first: int = 0) -> bytes:
        """Return the hash of a registry of these."""
        return protocol_hash(Registry(*schemas, first=first).describe())

    def test_stable(self) -> None:
        """The same declarations have the same eight bytes, today and tomorrow."""
        self.assertEqual(self.hash_of(Ping, Chat), self.hash_of(Ping, Chat))
        self.assertEqual(self.hash_of(Ping, Chat).hex(), "1d3f47a152fc4c1b")

    def test_appended(self) -> None:
        """What older peers skip is not part of the hash."""
        old = Registry(Ping, Chat)
        new = Registry(made("Ping", n=uint8(), late=text(5, appended=True)), Chat)
        new.add(Point, appended=True)
        self.assertNotEqual(old.describe(), new.describe())
        self.assertEqual(protocol_hash(old.describe()), protocol_hash(new.describe()))

    def test_any_other_change(self) -> None:
        """Names, kinds, arguments, order and numbers are all part of it."""
        variants = [
            (Ping, Chat),
            (Chat, Ping),
            (Ping,),
            (Ping, Chat, Point),
            (made("Pong", n=uint8()), Chat),
            (made("Ping", m=uint8()), Chat),
            (made("Ping", n=uint16()), Chat),
            (made("Ping", n=uint8(), m=uint8()), Chat),
            (Ping, made("Chat", text=text(21))),
            (Ping, made("Chat", text=text(20, length="u8"))),
            (Path,),
            (made("Path", points=array(nested(made("Point", x=uint8())), 9)),),
        ]
        hashes = {self.hash_of(*schemas) for schemas in variants}
        hashes.add(self.hash_of(Ping, Chat, first=1))
        self.assertEqual(len(hashes), len(variants) + 1)

    def test_defaults_are_not(self) -> None:
        """A default is not on the wire: changing it changes no hash."""
        self.assertEqual(self.hash_of(made("Ping", n=uint8(9))), self.hash_of(Ping))

    @given(schemas(max_appended=0), st.data())
    def test_any_value_counts(self, schema: type[Schema], data: st.DataObject) -> None:
        """Whatever value of a description is changed, the hash is another."""
        description = schema.describe()
        changed = copy.deepcopy(description)
        places = list(_places(changed))
        holder, key = places[data.draw(st.integers(0, len(places) - 1))]
        holder[key] = "other" if holder[key] != "other" else "another"
        self.assertNotEqual(protocol_hash(changed), protocol_hash(description))


def _places(value: Any) -> Any:
    """Yield where each plain value of a JSON object stands."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from _places(inner)
        else:
            yield value, key
