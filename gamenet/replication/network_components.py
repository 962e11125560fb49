# SPDX-License-Identifier: MIT
"""Components that tell of the network itself, for games that want to show it.

A game lists those that it uses, like components of its own: a scoreboard shows
`NetworkConnection`, a name tag the owner of a `NetworkIdentity`. What keeps their
values right is in `network_figures`; settings of single entities in `sync_settings`.
"""

from __future__ import annotations

from enum import IntEnum

from gamenet.wire import enum, fixed, float16, nbits, uint8, uint16, uint32
from gamenet.world import Audience, Component, Sync

__all__ = [
    "LOSS_STEPS",
    "Authority",
    "InterpolationState",
    "NetworkConnection",
    "NetworkIdentity",
    "PredictionState",
    "Quality",
    "Teleported",
]

LOSS_STEPS = 255
"""Steps of a loss from none to all, one byte on the wire."""


class Authority(IntEnum):
    """Who decides what an entity's state is."""

    SERVER = 0
    """The server alone."""
    OWNER = 1
    """The owner's client may write some components, those with `owner_writes`."""


class Quality(IntEnum):
    """How good a player's connection is, in a word."""

    GONE = 0
    """No connection, or none measured."""
    POOR = 1
    """More than 250 ms there and back, or more than 5 % lost."""
    FAIR = 2
    """More than 100 ms there and back, or more than 1 % lost."""
    GOOD = 3
    """Neither."""


class NetworkIdentity(Component):
    """Which entity this is, whose, and who decides about it; kept by the server."""

    row: int = nbits(24)
    authority: Authority = enum(Authority)
    generation: int = uint32()
    owner: int = uint32()  # player id, 0 = nobody


class PredictionState(Component):
    """How well the owner's client predicts its entity; that client writes it."""

    sync = Sync(audience=Audience.OWNER, owner_writes=True, rate=2.0)

    confirmed: int = uint32()  # the last tick that the server has confirmed
    corrections: int = uint32()  # how often the server said something else
    correction: float = float16()  # size of the last one, in the game's own unit


class InterpolationState(Component):
    """What a client's buffer holds of an entity; each client keeps its own.

    The server leaves it alone, and what never changes is never told.
    """

    oldest: int = uint32()  # tick of the oldest sample
    newest: int = uint32()  # tick of the newest one
    delay: float = fixed(0, 255, step=1 / 256)  # ticks that it is shown late


class NetworkConnection(Component):
    """A player's connection, as scoreboards show it; once a second is often enough."""

    sync = Sync(rate=1.0)

    player: int = uint32()  # player id; 0 takes the entity's owner
    rtt_ms: int = uint16()
    loss: float = fixed(0, 1, step=1 / LOSS_STEPS)  # the worse of the two directions
    quality: Quality = enum(Quality)


class Teleported(Component):
    """Say that an entity has jumped: whoever draws it does not slide it there.

    Change `count` in the tick in which the entity is put elsewhere, or add the
    component in that tick. Motion that is only fast needs none of it.
    """

    count: int = uint8()  # how often, modulo 256
