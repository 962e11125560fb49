# SPDX-License-Identifier: MIT
"""Nine ready codecs for the components of a state update.

The keys of `COMPONENT_CODECS` are the type names that travel in a `ComponentUpdate`.
"""

from __future__ import annotations

from gamenet.wire.declare import (
    array,
    float32,
    int32,
    nested,
    text,
    uint8,
    uint16,
    uint32,
)
from gamenet.wire.schema import Schema

__all__ = ["COMPONENT_CODECS"]


class Position(Schema):
    """A place, in metres."""

    x: float = float32()
    y: float = float32()
    z: float = float32()


class Velocity(Schema):
    """A velocity, in metres a second."""

    x: float = float32()
    y: float = float32()
    z: float = float32()


class Rotation(Schema):
    """A rotation, as a unit quaternion."""

    x: float = float32()
    y: float = float32()
    z: float = float32()
    w: float = float32(1.0)


class Health(Schema):
    """Hit points, present and at most."""

    points: int = uint16()
    maximum: int = uint16(100)


class Stats(Schema):
    """What a character can do."""

    strength: int = uint16()
    agility: int = uint16()
    intellect: int = uint16()
    stamina: int = uint16()


class Team(Schema):
    """Which side somebody is on."""

    team: int = uint8()


class Level(Schema):
    """Level, and experience towards the next."""

    level: int = uint16(1)
    experience: int = uint32()


class Animation(Schema):
    """Which animation plays, and how far it is."""

    state: int = uint16()
    progress: float = float32()
    speed: float = float32(1.0)


class Item(Schema):
    """So many of one thing."""

    name: str = text(64)
    count: int = int32(1)


class Inventory(Schema):
    """What somebody carries."""

    items: list[Item] = array(nested(Item), 256)


COMPONENT_CODECS: dict[str, type[Schema]] = {
    "position": Position,
    "velocity": Velocity,
    "rotation": Rotation,
    "health": Health,
    "stats": Stats,
    "team": Team,
    "level": Level,
    "animation": Animation,
    "inventory": Inventory,
}
"""Type name in a `ComponentUpdate` -> schema of its data."""
