# SPDX-License-Identifier: MIT
"""The components that the tests of `gamenet.world` share."""

from __future__ import annotations

from enum import Enum

from gamenet.wire import (
    angle,
    enum,
    fixed,
    flag,
    float16,
    float32,
    int16,
    nbits,
    quaternion,
    uint8,
    uint64,
)
from gamenet.world import Component


class Team(Enum):
    """An Enum whose members are no integers themselves."""

    RED = 1
    BLUE = 7


class Position(Component):
    """Two floats, quantized on the wire."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Velocity(Component):
    """Two floats, and the same field names as `Position`."""

    x: float = float32()
    y: float = float32()


class Health(Component):
    """A small integer with a default."""

    points: int = uint8(5)


class Dead(Component):
    """A tag: no fields at all."""


class Everything(Component):
    """One field of each kind that can be a column."""

    tiny: int = uint8()
    signed: int = int16()
    huge: int = uint64()
    half: float = float16()
    single: float = float32()
    bounded: float = fixed(-1, 1, step=0.5)
    heading: float = angle()
    is_on: bool = flag()
    level: int = nbits(3, 2)
    team: Team = enum(Team)
    turn: tuple[float, ...] = quaternion()
