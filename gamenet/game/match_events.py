# SPDX-License-Identifier: MIT
"""What happens in a match, as a client is told of it."""

from __future__ import annotations

from dataclasses import dataclass

from gamenet.game.messages import Message
from gamenet.prediction import Correction
from gamenet.replication import Event
from gamenet.world import Component, EntityId

__all__ = [
    "Corrected",
    "EntityDespawned",
    "EntityLeft",
    "EntityReowned",
    "EntityReshaped",
    "EntitySpawned",
    "EventCancelled",
    "EventHappened",
    "Joined",
    "MatchEvent",
    "MessageArrived",
    "PlayerCame",
    "PlayerWent",
    "Resynced",
    "SnapshotArrived",
    "WriteWasRefused",
]


@dataclass(slots=True)
class Joined:
    """The server has told us who we are: the world is there."""

    player_id: int


@dataclass(slots=True)
class PlayerCame:
    """A player is here."""

    player_id: int
    name: str


@dataclass(slots=True)
class PlayerWent:
    """A player has left."""

    player_id: int
    name: str


@dataclass(slots=True)
class EntitySpawned:
    """An entity is new, or has come into view."""

    entity: EntityId


@dataclass(slots=True)
class EntityDespawned:
    """An entity is gone; its id is stale already."""

    entity: EntityId


@dataclass(slots=True)
class EntityLeft:
    """An entity has left our view; its id is stale until it comes back."""

    entity: EntityId


@dataclass(slots=True)
class EntityReshaped:
    """An entity gained or lost components."""

    entity: EntityId


@dataclass(slots=True)
class EntityReowned:
    """An entity has another owner."""

    entity: EntityId


@dataclass(slots=True)
class WriteWasRefused:
    """The server did not take what we wrote; the component shows what is true again."""

    entity: EntityId
    component: type[Component]
    refusal: int
    """A number of `Refusal`."""


@dataclass(slots=True)
class EventHappened:
    """Something happened in a tick that the world has reached."""

    event: Event
    tick: int


@dataclass(slots=True)
class EventCancelled:
    """An event that was predicted, and told of, has not happened after all."""

    event: Event
    tick: int


@dataclass(slots=True)
class Corrected:
    """Our own entities are not where we had predicted them to be."""

    correction: Correction


@dataclass(slots=True)
class Resynced:
    """Our own time was set anew: we were held up, or the server was."""

    tick: int
    """The next one of our own."""


@dataclass(slots=True)
class SnapshotArrived:
    """A newer tick has been written to the world, or what of it has come."""

    tick: int


@dataclass(slots=True)
class MessageArrived:
    """The game said something."""

    message: Message


MatchEvent = (
    Joined
    | PlayerCame
    | PlayerWent
    | EntitySpawned
    | EntityDespawned
    | EntityLeft
    | EntityReshaped
    | EntityReowned
    | WriteWasRefused
    | EventHappened
    | EventCancelled
    | Corrected
    | Resynced
    | SnapshotArrived
    | MessageArrived
)
