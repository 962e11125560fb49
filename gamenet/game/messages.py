# SPDX-License-Identifier: MIT
"""The messages of every game, and the base of a game's own.

The first sixteen numbers are kept for these; a game's own messages follow from
`FIRST_GAME_MESSAGE` on.
"""

from __future__ import annotations

from gamenet.wire import Registry, Schema, blob, float32, text, uint8, uint32

__all__ = [
    "FIRST_GAME_MESSAGE",
    "MAX_CAPACITY",
    "MAX_NAME",
    "MAX_TICK_RATE",
    "Description",
    "Message",
    "PlayerEntered",
    "PlayerExited",
    "Resync",
    "Welcome",
    "WriteRefused",
    "Written",
    "control_registry",
]

FIRST_GAME_MESSAGE = 16
MAX_NAME = 64
MAX_TICK_RATE = 1000
MAX_CAPACITY = 1 << 20  # rows of a world: a client takes memory for all of them
MAX_WRITTEN = 1024


class Message(Schema):
    """Base of a game's own messages, either way.

    They travel reliably and in order, unless the class names one of the game's
    channels: `channel = "chat"`.
    """

    channel = ""


class Description(Schema):
    """Server: what this game speaks, for a client that asked for it."""

    document: bytes = blob(65536)


class Welcome(Schema):
    """Server: who you are, and how this world goes."""

    player_id: int = uint32()
    tick: int = uint32()
    tick_rate: float = float32()
    capacity: int = uint32()


class PlayerEntered(Schema):
    """Server: a player is here; sent for those who were here before, too."""

    player_id: int = uint32()
    name: str = text(MAX_NAME)


class PlayerExited(Schema):
    """Server: a player has left, and the number of the close reason."""

    player_id: int = uint32()
    reason: int = uint8()


class Resync(Schema):
    """Client: forget what you think I hold; I am told against what I have not."""

    tick: int = uint32()


class Written(Schema):
    """Client: I wrote a component of an entity of mine, having seen a tick."""

    row: int = uint32()
    generation: int = uint32()
    component: int = uint8()
    tick: int = uint32()
    body: bytes = blob(MAX_WRITTEN)


class WriteRefused(Schema):
    """Server: that write was not taken, and why; what is true comes in a snapshot."""

    row: int = uint32()
    generation: int = uint32()
    component: int = uint8()
    reason: int = uint8()


def control_registry() -> Registry:
    """Return a registry with the messages of every game, before the game's own."""
    return Registry(
        Description,
        Welcome,
        PlayerEntered,
        PlayerExited,
        Resync,
        Written,
        WriteRefused,
    )
