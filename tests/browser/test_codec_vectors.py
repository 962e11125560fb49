# SPDX-License-Identifier: MIT
"""The generated JavaScript codec does what the Python codec does, byte for byte."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import (
    CloseReason,
    GamenetError,
    RemoteProtocolError,
    SchemaError,
)
from gamenet.wire import Lanes, Schema
from gamenet.wire.fields import NumberField
from gamenet.wire.javascript import javascript_module
from tests.browser import snapshot_bytes as wire
from tests.browser.javascript import marked, run_program
from tests.browser.schemas import (
    SCHEMAS,
    Body,
    Compounds,
    Empty,
    Floats,
    Growing,
    Grown,
    Integers,
    Point,
    Texts,
    random_field,
    random_schema,
)

HASH = bytes(range(8))
SEED = 20


def codec(
    schemas: tuple[type[Schema], ...], components: Sequence[type[Schema]] = (Body,)
) -> str:
    """Return the codec whose messages are these schemas, by their position."""
    return javascript_module(
        protocol_hash=HASH,
        version=1,
        components=components,
        inputs=[Empty],
        messages=dict(enumerate(schemas)),
        events=[Point, Empty],
        close_reasons=CloseReason,
    )


def run(schemas: tuple[type[Schema], ...] = SCHEMAS, **argument: Any) -> Any:
    """Return what programs/codec_vectors.js answers."""
    engine = argument.pop("engine", None)
    module = codec(schemas, argument.pop("components", (Body,)))
    return run_program("codec_vectors.js", argument, protocol=module, engine=engine)


def samples(schemas: tuple[type[Schema], ...], n: int) -> list[tuple[int, Schema]]:
    """Return `n` random instances of each schema, with its position."""
    random = Random(SEED)
    return [
        (i, schema.sample(random)) for i, schema in enumerate(schemas) for _ in range(n)
    ]


def extremes() -> list[Schema]:
    """Return instances at the limits of their fields."""
    infinite = float("inf")
    return [
        Integers(
            255,
            65535,
            2**32 - 1,
            2**64 - 1,
            127,
            32767,
            2**31 - 1,
            2**63 - 1,
            2**64 - 1,
            2**63 - 1,
        ),
        Integers(0, 0, 0, 0, -128, -32768, -(2**31), -(2**63), 0, -(2**63)),
        Integers(i=2**53, j=-(2**53)),
        Integers(i=127, j=-64),
        Integers(i=128, j=64),
        Floats(half=65504.0, single=infinite, double=-infinite),
        Floats(half=6e-8, single=1e-45, double=5e-324, turn=-3.0, fine=3.0),
        Floats(half=-0.0, single=-0.0, double=-0.0, huge=1e9, small=-1.0),
        Texts(name="é" * 32, short="", longer="\N{PILE OF POO}\x00\ufeff" * 99),
        Texts(raw=bytes(5000), wide=b"\x01"),
        Compounds(numbers=list(range(-10, 10)), names=["", "a", "é"]),
    ]


def python_verdict(schema: type[Schema], data: bytes) -> Any:
    """Return what Python makes of bytes, in the words of the program."""
    try:
        return marked(schema.decode(data).encode())
    except GamenetError:
        return None


def javascript_verdict(answer: Any) -> Any:
    """Return what the program made of bytes."""
    return None if answer.get("refused") else answer["again"]


def mutations(random: Random, data: bytes) -> list[bytes]:
    """Return bytes that are nearly those of a message."""
    cut = data[: random.randrange(0, len(data) + 1)]
    changed = bytearray(data or b"\x00")
    changed[random.randrange(0, len(changed))] = random.randrange(0, 256)
    longer = data + random.randbytes(random.randrange(1, 4))
    return [cut, bytes(changed), longer, random.randbytes(random.randrange(0, 40))]


class VectorTests(SynchronousTestCase):
    """Values and bytes mean the same on both sides."""

    def check(
        self, schemas: tuple[type[Schema], ...], vectors: Any, **more: Any
    ) -> None:
        """Fail unless the browser decodes and repeats each message."""
        encoded = [(i, message, message.encode()) for i, message in vectors]
        asked = [{"schema": i, "bytes": data.hex()} for i, _, data in encoded]
        answers = run(schemas, toDecode=asked, **more)["decoded"]
        for (i, _, data), answer in zip(encoded, answers, strict=True):
            message = schemas[i].decode(data)
            wanted = {"value": marked(message), "again": marked(message.encode())}
            if "boxed" in wanted["value"]:  # construct's own, which a browser sees raw
                wanted["value"]["boxed"] = answer["value"]["boxed"]
            self.assertEqual(answer, wanted, schemas[i].__name__)

    def test_every_kind_of_field(self) -> None:
        """Random values of every kind of field are decoded and encoded alike."""
        self.check(SCHEMAS, samples(SCHEMAS, 50))

    def test_extremes(self) -> None:
        """Values at the limits of their fields are decoded and encoded alike."""
        vectors = [(SCHEMAS.index(type(message)), message) for message in extremes()]
        self.check(SCHEMAS, vectors)

    def test_random_schemas(self) -> None:
        """Whatever the schema, its values are decoded and encoded alike."""
        random = Random(SEED)
        schemas = tuple(random_schema(random, f"Random{n}") for n in range(120))
        self.check(schemas, samples(schemas, 5))

    def test_chromium(self) -> None:
        """A browser agrees with the vectors, not Node alone."""
        vectors = samples(SCHEMAS, 10)
        vectors += [(SCHEMAS.index(type(message)), message) for message in extremes()]
        self.check(SCHEMAS, vectors, engine="chromium")

    def test_values(self) -> None:
        """A value that is not on a step is rounded to the same one on both sides."""
        random = Random(SEED)
        messages = [unrounded_floats(random) for _ in range(300)]
        asked = [{"schema": 1, "value": marked(message)} for message in messages]
        answers = run(toEncode=asked)["encoded"]
        self.assertEqual(answers, [marked(message.encode()) for message in messages])

    def test_defaults(self) -> None:
        """Fields that are left out have the same default on both sides."""
        self.assertEqual(
            run()["created"], [marked(schema().encode()) for schema in SCHEMAS]
        )

    def test_appended(self) -> None:
        """An older peer skips what was appended; a newer one takes the default."""
        growing, grown = SCHEMAS.index(Growing), SCHEMAS.index(Grown)
        new, old = Grown(id=5, note="n", extra=3).encode(), Growing(id=6).encode()
        asked = [
            {"schema": growing, "bytes": new.hex()},
            {"schema": grown, "bytes": old.hex()},
        ]
        answers = run(toDecode=asked)["decoded"]
        self.assertEqual(answers[0]["value"], marked(Growing.decode(new)))
        self.assertEqual(answers[1]["value"], marked(Grown.decode(old)))


class RefusalTests(SynchronousTestCase):
    """What one side refuses, the other refuses too; nothing but WireError is thrown."""

    def test_malformed(self) -> None:
        """Cut, changed and random bytes are judged alike."""
        random = Random(SEED)
        cases = [
            (i, bad)
            for i, message in samples(SCHEMAS, 25)
            for bad in mutations(random, message.encode())
            if SCHEMAS[i] is not Compounds  # construct's own part is unknown there
        ]
        asked = [{"schema": i, "bytes": data.hex()} for i, data in cases]
        answers = run(toDecode=asked)["decoded"]
        for (i, data), answer in zip(cases, answers, strict=True):
            self.assertEqual(
                javascript_verdict(answer),
                python_verdict(SCHEMAS[i], data),
                f"{SCHEMAS[i].__name__} {data.hex()}",
            )

    def test_values(self) -> None:
        """A value that does not fit its field is refused, not bent."""
        bad = [
            {"schema": 0, "value": {"a": 256}},
            {"schema": 0, "value": {"b": 1.5}},
            {"schema": 0, "value": {"c": -1}},
            {"schema": 0, "value": {"d": {"$integer": str(2**64)}}},
            {"schema": 0, "value": {"h": {"$integer": str(-(2**63) - 1)}}},
            {"schema": 0, "value": {"i": -1}},
            {"schema": 0, "value": {"unknown": 1}},
            {"schema": 1, "value": {"turn": {"$float": "inf"}}},
            {"schema": 1, "value": {"small": {"$float": "nan"}}},
            {"schema": 1, "value": {"single": None}},
            {"schema": 2, "value": {"three": 8}},
            {"schema": 3, "value": {"name": "é" * 33}},
            {"schema": 4, "value": {"weapon": 1}},
            {"schema": 4, "value": {"numbers": list(range(21))}},
        ]
        for answer, case in zip(run(toEncode=bad)["encoded"], bad, strict=True):
            self.assertEqual(answer, {"refused": True}, case)


RANGES = (70000.0, 1e30, 1e300, 1.2, 600.0, 1.1e6, 1.1e9, 50.0, 9.0, 9.0)
"""How far from 0 the fields of Floats are drawn: somewhat beyond their limits."""


def unrounded_floats(random: Random) -> Floats:
    """Return floats between the steps of their fields, and outside of them."""
    values = [random.uniform(-bound, bound) for bound in RANGES]
    values[0] = random.choice(
        (random.uniform(-65500, 65500), random.uniform(-1e-4, 1e-4))
    )
    values[4] = random.choice((values[4], random.randrange(-999, 999) / 128))
    rotations = [[random.uniform(-1, 1) for _ in range(4)] for _ in range(2)]
    return Floats(*values, *rotations)


class LaneTests(SynchronousTestCase):
    """Lanes become the columns that numpy makes of them."""

    def setUp(self) -> None:
        """Make components of random fields, besides the one that has every kind."""
        random = Random(SEED)
        self.random = random
        self.schemas = [Body, *(random_component(random, n) for n in range(40))]

    def columns(self, schema: Any, lanes: list[list[int]]) -> Any:
        """Return the columns that Python makes of lanes, as the program does."""
        words = np.array(lanes, np.uint32).T
        columns = Lanes(schema).from_lanes(words)
        return {name: marked(each.ravel().tolist()) for name, each in columns.items()}

    def show(self, asked: list[tuple[int, list[list[int]]]]) -> list[Any]:
        """Return what the browser makes of rows of lanes, by component."""
        questions = [{"component": i, "lanes": lanes} for i, lanes in asked]
        answers: list[Any] = run(components=self.schemas, toShow=questions)["lanes"]
        return answers

    def test_equal(self) -> None:
        """Each value lands in its row and its column, as exact as in Python."""
        asked = []
        for i, schema in enumerate(self.schemas):
            parts = [schema.sample(self.random) for _ in range(9)]
            asked.append((i, [wire.lanes_of(part) for part in parts]))
        for (i, lanes), answer in zip(asked, self.show(asked), strict=True):
            schema = self.schemas[i]
            widths = list(Lanes(schema).widths)
            self.assertEqual(answer["widths"], widths)
            self.assertEqual(wire.widths_of(schema), widths)
            wanted = self.columns(schema, lanes)
            self.assertEqual(unflagged(answer["columns"]), unflagged(wanted), schema)
            kept = Lanes(schema).from_lanes(np.array(lanes, np.uint32).T)
            again = Lanes(schema).to_lanes(SimpleNamespace(**kept), np.arange(9))
            self.assertEqual(answer["again"], again.T.ravel().tolist(), schema)

    def test_rounding(self) -> None:
        """Any values of columns become the lanes that Python makes of them."""
        rows = 60
        asked, wanted = [], []
        for i, schema in enumerate(self.schemas):
            columns = wild_columns(schema, rows, self.random)
            lanes = Lanes(schema).to_lanes(SimpleNamespace(**columns), np.arange(rows))
            wanted.append(lanes.T.ravel().tolist())
            given = [marked(each.tolist()) for each in columns.values()]
            asked.append({"component": i, "columns": given})
        answers = run(components=self.schemas, toRound=asked)["rounded"]
        for schema, answer, lanes in zip(self.schemas, answers, wanted, strict=True):
            self.assertEqual(answer, lanes, (schema, SEED))

    def test_malformed(self) -> None:
        """What no value has is refused by both, and nothing else is."""
        asked = []
        for i, schema in enumerate(self.schemas * 12):
            widths = Lanes(schema).widths
            lanes = wire.lanes_of(schema.sample(self.random))
            n = self.random.randrange(len(widths))
            high = max(0, (1 << widths[n]) - self.random.randrange(1, 4))
            lanes[n] = self.random.choice((high, self.random.randrange(high + 1)))
            asked.append((i % len(self.schemas), [lanes]))
        refused = 0
        for (i, lanes), answer in zip(asked, self.show(asked), strict=True):
            try:
                self.columns(self.schemas[i], lanes)
                is_legal = True
            except RemoteProtocolError:
                is_legal = False
            self.assertEqual(
                "refused" not in answer, is_legal, (self.schemas[i], lanes)
            )
            refused += not is_legal
        self.assertGreater(refused, 20)

    def test_variable_width(self) -> None:
        """A field that has no lanes is an error of the generator."""
        for schema in (Texts, Growing):
            with self.assertRaisesRegex(
                SchemaError, "lanes need fields of fixed width"
            ):
                codec(SCHEMAS, [schema])


def random_component(random: Random, number: int) -> type[Schema]:
    """Return a component of random fields that have lanes."""
    body: dict[str, Any] = {}
    while len(body) < 1 + number % 12:
        field = random_field(random, 0)
        if field.is_fixed_width:
            body[f"f{len(body)}"] = field
    return type(Schema)(f"Component{number}", (Schema,), body)


def wild_columns(schema: Any, rows: int, random: Random) -> dict[str, Any]:
    """Return columns of anything that their types can hold."""
    columns = {}
    for field in schema.schema_fields:
        shape = (rows, *field.column_shape)
        dtype = np.dtype(field.column_dtype)
        if dtype.kind == "f":
            scale = 10.0 ** random.randrange(-2, 4)
            column = np.reshape(
                [random.gauss(0, scale) for _ in range(int(np.prod(shape)))], shape
            ).astype(dtype)
            if dtype.itemsize > 2 and field.kind in {"fixed", "angle", "quaternion"}:
                column[0], column[1], column[2] = math.nan, math.inf, -math.inf
                column[3] = 0.0
        else:
            raw = random.randbytes(rows * dtype.itemsize)
            column = np.frombuffer(raw, np.uint8).view("<" + dtype.str[1:]).copy()
            if dtype.kind == "b":
                column = np.frombuffer(raw, np.uint8) & 1 == 1
        columns[field.name] = column
    return columns


def unflagged(columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """Return columns with numbers for flags, which is what typed arrays hold."""
    return {
        name: [
            int(v["$flag"]) if isinstance(v, dict) and "$flag" in v else v
            for v in column
        ]
        for name, column in columns.items()
    }


class ModuleTests(SynchronousTestCase):
    """The generated module says what it is for."""

    def test_tables(self) -> None:
        """Hash, version, close reasons, enums and messages are those of Python."""
        answer = run()
        self.assertEqual(answer["hash"], HASH.hex())
        self.assertEqual(answer["version"], 1)
        reasons = [
            {"number": int(reason), "name": reason.name, "advice": reason.advice}
            for reason in CloseReason
        ]
        self.assertEqual(answer["closeReasons"], reasons)
        self.assertEqual(answer["enums"]["Weapon"], {"NONE": 0, "LASER": 3, "MINE": 7})
        names = [[i, schema.__name__] for i, schema in enumerate(SCHEMAS)]
        self.assertEqual(answer["names"], names)
        self.assertEqual(answer["events"], ["Point", "Empty"])

    def test_older_callers(self) -> None:
        """A game without events has an empty list of them."""
        text = javascript_module(
            protocol_hash=HASH, version=1, components=[], inputs=[], messages={}
        )
        self.assertIn("export const events = Object.freeze([]);", text)

    def test_fields(self) -> None:
        """A page can look up a field's kind and range."""
        fields = {field["name"]: field for field in run()["fields"][0]}
        self.assertEqual(fields["e"]["kind"], "int8")
        self.assertEqual((fields["e"]["minimum"], fields["e"]["maximum"]), (-128, 127))

    def test_unknown_field(self) -> None:
        """A kind of field without JavaScript is an error of the generator."""

        class Odd(NumberField):
            """A field that the tables do not know."""

        schema = type(Schema)("Strange", (Schema,), {"odd": Odd("uint8", 0)})
        with self.assertRaisesRegex(SchemaError, "odd is Odd, which has no JavaScript"):
            codec((schema,))

    def test_repeatable(self) -> None:
        """The same schemas give the same text, so that its hash can name it."""
        self.assertEqual(codec(SCHEMAS), codec(SCHEMAS))
