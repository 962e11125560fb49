# SPDX-License-Identifier: MIT
"""Schemas of every kind of field, and random ones, for the codec's shared vectors."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum
from random import Random
from typing import Any

import construct as cs

from gamenet.wire import (
    Schema,
    angle,
    array,
    blob,
    enum,
    fixed,
    flag,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    nbits,
    nested,
    optional,
    quaternion,
    text,
    uint8,
    uint16,
    uint32,
    uint64,
    varint,
    wrapped,
    zigzag,
)


class Weapon(IntEnum):
    """An enum of one byte."""

    NONE = 0
    LASER = 3
    MINE = 7


class Region(Enum):
    """An enum of two bytes, whose members are no integers."""

    NORTH = 1
    SOUTH = 40000


class Integers(Schema):
    """Whole numbers of every width."""

    a: int = uint8(7)
    b: int = uint16()
    c: int = uint32()
    d: int = uint64(1 << 60)
    e: int = int8(-3)
    f: int = int16()
    g: int = int32()
    h: int = int64(-1)
    i: int = varint(300)
    j: int = zigzag(-300)


class Floats(Schema):
    """Floats of every width, and quantized ones."""

    half: float = float16(0.5)
    single: float = float32()
    double: float = float64(1e300)
    small: float = fixed(-1, 1, step=0.01)
    middle: float = fixed(-512, 512, step=1 / 64)
    large: float = fixed(0, 1e6, step=0.001)
    huge: float = fixed(-1e9, 1e9, step=1e-6, default=12.5)
    turn: float = angle(default=1.5)
    fine: float = angle(bits=32)
    coarse: float = angle(bits=3)
    rotation: tuple[float, ...] = quaternion()
    precise: tuple[float, ...] = quaternion(bits=20)


class Bits(Schema):
    """Bit fields in runs of every width, one of them cut by another field."""

    one: bool = flag(default=True)
    three: int = nbits(3)
    alone: int = uint8()
    ten: int = nbits(10, 1000)
    two: bool = flag()
    between: int = uint8()
    whole: int = nbits(32)
    again: int = int8()
    low: int = nbits(31)
    high: int = nbits(31)
    top: bool = flag()
    rest: bool = flag()
    over: int = nbits(5)
    finish: float = float32()
    exact: int = nbits(7)
    last: bool = flag()


class Texts(Schema):
    """What has a length, with every kind of it."""

    name: str = text(64, "Ada")
    short: str = text(10, length="u8")
    longer: str = text(2000, length="u16")
    raw: bytes = blob(5000, b"\x00\xff")
    wide: bytes = blob(100, length="u32")


class Point(Schema):
    """Nested in others; the text ends a comment: */ alert(1)."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)
    seen: bool = flag()


class Compounds(Schema):
    """Fields inside fields."""

    numbers: list[int] = array(int16(), 20)
    flags: list[bool] = array(flag(), 8, length="u8")
    threes: list[int] = array(nbits(3), 8)
    path: list[Point] = array(nested(Point), 10)
    maybe: float | None = optional(float32())
    target: Point | None = optional(nested(Point))
    home: Point = nested(Point)
    weapon: Weapon = enum(Weapon, Weapon.LASER)
    region: Region = enum(Region)
    regions: list[Region] = array(enum(Region), 4)
    names: list[str] = array(text(20), 4)
    table: list[list[int]] = array(array(varint(), 5), 5)
    boxed: Any = wrapped(cs.Int16ub, 8, default=258)


class Growing(Schema):
    """A message with appended fields."""

    id: int = uint16()
    note: str = text(20, "-", appended=True)
    level: int = nbits(5, 9, appended=True)
    where: list[float] = array(float32(), 3, appended=True)


class Grown(Schema):
    """The same message, two versions later."""

    id: int = uint16()
    note: str = text(20, "-", appended=True)
    level: int = nbits(5, 9, appended=True)
    where: list[float] = array(float32(), 3, appended=True)
    extra: int = varint(77, appended=True)
    ready: bool = flag(appended=True)


class Empty(Schema):
    """A message without fields."""


class function(Schema):  # noqa: N801 - a class name that JavaScript reserves
    """Words of JavaScript as names."""

    new: int = uint8(1)
    var: int = nbits(2, 1)
    constructor: int = uint8(2)
    m: int = uint8(3)
    out: int = uint8(4)


class Map(Schema):
    """A name that the module itself uses."""

    cells: bytes = blob(9)


SCHEMAS: tuple[type[Schema], ...] = (
    Integers,
    Floats,
    Bits,
    Texts,
    Compounds,
    Growing,
    Grown,
    Empty,
    function,
    Map,
)


class Body(Schema):
    """Every kind of field that a component may have."""

    a: int = uint8()
    b: int = uint16()
    c: int = uint32()
    d: int = uint64()
    e: int = int8()
    f: int = int16()
    g: int = int32()
    h: int = int64()
    half: float = float16()
    single: float = float32()
    double: float = float64()
    alive: bool = flag()
    level: int = nbits(4)
    x: float = fixed(-512, 512, step=1 / 64)
    huge: float = fixed(-1e9, 1e9, step=1e-6)
    turn: float = angle()
    rotation: tuple[float, ...] = quaternion()
    precise: tuple[float, ...] = quaternion(bits=20)
    weapon: Weapon = enum(Weapon)
    whole: int = nbits(32)
    wide: int = nbits(32)
    last: bool = flag()


def random_schema(random: Random, name: str) -> type[Schema]:
    """Return a schema of one to eight random fields."""
    n_fields = random.randrange(1, 9)
    n_appended = random.choice((0, 0, 0, 1, 2))
    body = {
        f"f{n}": random_field(random, 2, appended=n >= n_fields - n_appended)
        for n in range(n_fields)
    }
    return type(Schema)(name, (Schema,), body)


def random_field(random: Random, depth: int, *, appended: bool = False) -> Any:
    """Return a field of a random kind, with random parameters."""
    makers: list[Callable[..., Any]] = [
        random.choice((uint8, uint16, uint32, uint64, int8, int16, int32, int64)),
        random.choice((float16, float32, float64, varint, zigzag, flag)),
        lambda **late: nbits(random.randrange(1, 33), **late),
        lambda **late: fixed(
            -random.randrange(1, 999),
            random.random(),
            step=2 ** -random.randrange(30),
            **late,
        ),
        lambda **late: angle(random.randrange(1, 33), **late),
        lambda **late: quaternion(random.randrange(2, 21), **late),
        lambda **late: enum(random.choice((Weapon, Region)), **late),
        lambda **late: text(random.randrange(1, 99), **late),
        lambda **late: blob(random.randrange(1, 99), length="u8", **late),
    ]
    if depth:
        makers += [
            lambda **late: array(random_field(random, depth - 1), 6, **late),
            lambda **late: optional(random_field(random, depth - 1), **late),
            lambda **late: nested(Point, **late),
        ]
    return random.choice(makers)(appended=appended)
