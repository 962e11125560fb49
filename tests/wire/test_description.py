# SPDX-License-Identifier: MIT
"""Schemas rebuilt from what a peer says of them."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.wire import Schema, protocol_hash, schema_from_description, uint8
from tests.strategies import messages

ITEM = {"name": "", "kind": "uint8"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["name", "kind", "fields", "item"]), inner)
    ),
    max_leaves=20,
)


def described(*fields: Any, name: Any = "Peer") -> dict[str, Any]:
    """Return a description with these fields."""
    return {"name": name, "fields": list(fields)}


def field(kind: Any, name: Any = "f", **parameters: Any) -> dict[str, Any]:
    """Return the description of a field."""
    return {"name": name, "kind": kind, **parameters}


def deep(kind: str, depth: int) -> dict[str, Any]:
    """Return a field inside so many others."""
    inner: dict[str, Any] = dict(ITEM)
    for _ in range(depth):
        if kind == "nested":
            inner = field("nested", schema=described(inner | {"name": "f"}))
        else:
            inner = field(kind, "", item=inner, limit=2, length="u8")
    return inner | {"name": "f"}


class RebuiltTests(SynchronousTestCase):
    """A schema that was described can be spoken by who has no class for it."""

    @given(messages())
    def test_same_bytes(self, message: Schema) -> None:
        """The rebuilt schema reads the bytes and writes them again."""
        description = json.loads(json.dumps(type(message).describe()))
        rebuilt = schema_from_description(description)
        again = rebuilt.decode(message.encode())
        self.assertEqual(again.encode(), message.encode())
        if "wrapped" not in json.dumps(description):
            self.assertEqual(rebuilt.describe(), description)
            self.assertEqual(
                protocol_hash(rebuilt.describe()), protocol_hash(description)
            )

    def test_base(self) -> None:
        """The rebuilt class derives from the one that is asked for."""

        class Base(Schema):
            """What a game would derive from."""

        rebuilt = schema_from_description(described(field("uint8")), Base)
        self.assertTrue(issubclass(rebuilt, Base))
        self.assertEqual((rebuilt.__name__, rebuilt(f=3).encode()), ("Peer", b"\3"))

    def test_values_of_a_twin(self) -> None:
        """Values can be given to the rebuilt class by the described names."""

        class Point(Schema):
            """Two numbers."""

            x: int = uint8()
            y: int = uint8()

        rebuilt = schema_from_description(Point.describe())
        self.assertEqual(rebuilt(x=1, y=2).encode(), Point(1, 2).encode())


class HostileTests(SynchronousTestCase):
    """A description comes from a peer: it gives a class or RemoteProtocolError."""

    def refuse(self, description: Any) -> None:
        """Fail unless a description is refused, in few words."""
        error = self.assertRaises(
            RemoteProtocolError, schema_from_description, description
        )
        self.assertLess(len(str(error)), 400)

    def test_names(self) -> None:
        """Names that are no plain identifiers are refused, whatever they would run."""
        for name in (
            "x: __import__('os')",
            "x=__import__('os').abort()",
            "x\nimport os",
            "a b",
            "",
            "class",
            "lambda",
            "None",
            "__class__",
            "__dict__",
            "__init__",
            "__x",
            "encode",
            "decode",
            "codec",
            "self",
            "ﬁ",  # one letter, which Python reads as two
            "\ud800",
            "a\0",
            None,
            5,
            ["x"],
            {"x": 1},
            "x " * 5000,
        ):
            self.refuse(described(field("uint8", name)))

    def test_schema_names(self) -> None:
        """The name of a schema is an identifier, too."""
        for name in ("", "a b", "\0", "x\n", "\ud800", None, 5, ["x"], "'" * 5000):
            self.refuse(described(field("uint8"), name=name))
            self.refuse(
                described(field("nested", schema=described(field("uint8"), name=name)))
            )

    def test_same_name_twice(self) -> None:
        """Two fields of one name are refused, for one would be lost."""
        self.refuse(described(field("uint8"), field("uint16")))

    def test_kinds(self) -> None:
        """A kind that is none is refused, also one that Python has."""
        for kind in ("uint24", "", "__class__", "number", "Field", None, 5, [], {}):
            self.refuse(described(field(kind)))

    def test_missing_parameters(self) -> None:
        """A kind without what it needs is refused."""
        kinds = "nbits fixed angle quaternion enum text blob wrapped array optional "
        for kind in (*kinds.split(), "nested"):
            self.refuse(described(field(kind)))

    def test_parameters(self) -> None:
        """Parameters out of range or of another type are refused."""
        for bad in (
            field("nbits", bits=0),
            field("nbits", bits=10**9),
            field("nbits", bits="3"),
            field("nbits", bits=2.5),
            field("angle", bits=33),
            field("angle", bits="1"),
            field("quaternion", bits=99),
            field("fixed", lo=0, hi=1, step=0),
            field("fixed", lo="0", hi="1", step="0.5"),
            field("fixed", lo=0, hi=10**400, step=1),
            field("fixed", lo=-1e308, hi=1e308, step=1e-308),
            field("fixed", lo=float("nan"), hi=1, step=1),
            field("text", limit=0, length="u8"),
            field("text", limit=1 << 40, length="varint"),
            field("text", limit=10**400, length="varint"),
            field("text", limit=256, length="u8"),
            field("text", limit=5.5, length="u8"),
            field("text", limit="5", length="u8"),
            field("text", limit=5, length="u24"),
            field("text", limit=5, length=[]),
            field("blob", limit=float("inf"), length="u32"),
            field("array", item=5, limit=5, length="u8"),
            field(
                "array", item=ITEM | {"name": "x", "kind": "no"}, limit=5, length="u8"
            ),
            field("array", item=ITEM | {"appended": True}, limit=5, length="u8"),
            field("array", item=field("nested", "", schema=described()), limit=5)
            | {"length": "u32"},
            field("optional", item=None),
            field("nested", schema=None),
            field("nested", schema=described(field("uint8", appended=True))),
            field("nested", schema={"name": "X", "fields": 5}),
        ):
            self.refuse(described(bad))

    def test_enums(self) -> None:
        """Members that would be hooks of Enum, or no numbers, are refused."""
        for members in (
            {},
            {"A": -1},
            {"A": 1 << 20},
            {"A": 1.5},
            {"A": "1"},
            {"A": None},
            {"_missing_": 5, "A": 1},
            {"__getattribute__": 5, "A": 1},
            {"mro": 1},
            {"a b": 1},
            ["A"],
            "A B",
            5,
        ):
            self.refuse(described(field("enum", members=members)))

    def test_order(self) -> None:
        """A field of a message cannot come after an appended one."""
        self.refuse(described(field("uint8", appended=True), field("uint8", "g")))

    def test_depth(self) -> None:
        """Sixteen levels are enough for anybody; more are refused, however made."""
        for kind in ("array", "optional", "nested"):
            rebuilt = schema_from_description(described(deep(kind, 12)))
            self.assertEqual(rebuilt.decode(rebuilt().encode()), rebuilt())
            for depth in (17, 40, 70, 300):
                self.refuse(described(deep(kind, depth)))

    def test_size(self) -> None:
        """A description of too many values is refused before any is used."""
        self.refuse(described(*[field("uint8", f"f{i}") for i in range(5000)]))
        wide = described(*[field("uint8", f"f{i}") for i in range(100)])
        self.refuse(
            described(*[field("nested", f"n{i}", schema=wide) for i in range(100)])
        )
        self.refuse(
            described(field("enum", members={f"A{i}": i for i in range(60000)}))
        )
        rebuilt = schema_from_description(
            described(*[field("uint8", f"f{i}") for i in range(1000)])
        )
        self.assertEqual(len(rebuilt().encode()), 1000)

    def test_other_json(self) -> None:
        """What is no description at all is refused."""
        for other in (None, 5, "Peer", [], {}, {"name": "X"}, {"fields": []}, [[]]):
            self.refuse(other)
        self.refuse({"name": "X", "fields": {"f": "uint8"}})
        self.refuse({"name": "X", "fields": "uint8"})
        self.refuse(described("uint8"))
        self.refuse(described(["name", "kind"]))

    @given(JSON)
    def test_any_json(self, other: Any) -> None:
        """Any JSON gives a class or the one error."""
        for description in (other, described(other), described(field(other))):
            try:
                made = schema_from_description(description)
            except RemoteProtocolError:
                continue
            self.assertTrue(issubclass(made, Schema))

    def test_huge_limits(self) -> None:
        """A limit of four gigabytes may be declared; the bytes must still be there."""
        huge = field("text", limit=(1 << 32) - 1, length="u32")
        rebuilt = schema_from_description(described(huge))
        with self.assertRaises(RemoteProtocolError):
            rebuilt.decode(b"\xff\xff\xff\xff")
