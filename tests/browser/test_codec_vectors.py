# SPDX-License-Identifier: MIT
"""The generated JavaScript codec does what the Python codec does, byte for byte."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason, GamenetError, SchemaError
from gamenet.wire import Planes, Schema
from gamenet.wire.fields import NumberField
from gamenet.wire.javascript import javascript_module
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
    Texts,
    random_schema,
)

HASH = bytes(range(8))
SEED = 20


def codec(schemas: tuple[type[Schema], ...]) -> str:
    """Return the codec whose messages are these schemas, by their position."""
    return javascript_module(
        protocol_hash=HASH,
        version=1,
        components=[Body],
        inputs=[Empty],
        messages=dict(enumerate(schemas)),
        close_reasons=CloseReason,
    )


def run(schemas: tuple[type[Schema], ...] = SCHEMAS, **argument: Any) -> Any:
    """Return what programs/codec_vectors.js answers."""
    engine = argument.pop("engine", None)
    return run_program(
        "codec_vectors.js", argument, protocol=codec(schemas), engine=engine
    )


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


class PlaneTests(SynchronousTestCase):
    """Columns are decoded as numpy decodes them."""

    def setUp(self) -> None:
        """Encode planes of random bodies."""
        random = Random(SEED)
        self.planes = Planes(Body)
        self.bodies = [Body.sample(random) for _ in range(40)]
        self.data = bytearray(self.planes.row_size * len(self.bodies))
        self.planes.write(self.data, 0, columns_of(self.bodies), np.arange(40))

    def read(self, data: bytes, rows: list[int]) -> Any:
        """Return what the browser reads into columns of 64 rows."""
        asked = {"component": 0, "bytes": data.hex(), "rows": rows, "capacity": 64}
        return run(toRead=[asked])["planes"][0]

    def test_equal(self) -> None:
        """Each value lands in the row that it is for."""
        rows = list(range(60, 20, -1))
        answer = self.read(bytes(self.data), rows)
        arrays, _ = self.planes.read(self.data, 0, len(rows))
        self.assertEqual(answer["size"], self.planes.row_size)
        for name, array in arrays.items():
            width = array.size // len(rows)
            column = np.array([number_of(v) for v in answer["columns"][name]])
            read = column.reshape(64, width)[rows]
            wanted = np.array([number_of(marked(v)) for v in array.ravel().tolist()])
            self.assertEqual(read.ravel().tolist(), wanted.tolist(), name)

    def test_malformed(self) -> None:
        """Planes that are cut short, or hold an illegal word, are refused."""
        rows = list(range(40))
        self.assertEqual(self.read(bytes(self.data[:-1]), rows), {"refused": True})
        self.assertEqual(self.read(b"\xff" * len(self.data), rows), {"refused": True})


def columns_of(bodies: list[Body]) -> SimpleNamespace:
    """Return the columns of rows."""
    columns = {}
    for field in Body.schema_fields:
        values = [getattr(body, field.name) for body in bodies]
        values = [getattr(value, "value", value) for value in values]
        columns[field.name] = np.array(values, field.column_dtype)
    return SimpleNamespace(**columns)


def number_of(value: Any) -> Any:
    """Return the number that a marked value stands for."""
    if isinstance(value, dict):
        ((kind, held),) = value.items()
        return {"$integer": int, "$flag": int, "$float": float}[kind](held)
    return value


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
