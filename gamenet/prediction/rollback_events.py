# SPDX-License-Identifier: MIT
"""What a rollback session tells whoever runs it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from gamenet.prediction.desync import Desync
from gamenet.wire import Schema

__all__ = [
    "CaughtUp",
    "DesyncFound",
    "EffectCancelled",
    "EffectPlayed",
    "FellBehind",
    "Held",
    "PlayerChanged",
    "RollbackEvent",
    "RolledBack",
    "Started",
]


@dataclass(slots=True)
class Started:
    """The state of the match has come: ticks can be made."""

    tick: int


@dataclass(slots=True)
class RolledBack:
    """Inputs were other than predicted: ticks were made again."""

    tick: int
    """The first that was wrong."""
    n_ticks: int
    """How many were made again."""


@dataclass(slots=True)
class Held:
    """No tick can be made before inputs of these players come."""

    tick: int
    players: tuple[int, ...]
    """Empty where it is the host's word that is missing."""


@dataclass(slots=True)
class PlayerChanged:
    """A player joins, is away, is back or leaves, from a tick on."""

    tick: int
    player: int
    kind: int
    """A `ChangeKind`."""
    is_ours: bool
    """Whether the player's inputs come from this session."""


@dataclass(slots=True)
class CaughtUp:
    """A peer that came late has all that was; the host is told."""

    peer: Hashable


@dataclass(slots=True)
class FellBehind:
    """A peer cannot be kept in the match any more; the host is told, and lets it go."""

    peer: Hashable
    detail: str


@dataclass(slots=True)
class DesyncFound:
    """A peer has gone another way than we have."""

    peer: Hashable
    desync: Desync


@dataclass(slots=True)
class EffectPlayed:
    """Something happens in a tick: show it."""

    tick: int
    event: Schema
    row: int | None


@dataclass(slots=True)
class EffectCancelled:
    """What was shown has not happened after all."""

    tick: int
    event: Schema


RollbackEvent = (
    Started
    | RolledBack
    | Held
    | PlayerChanged
    | CaughtUp
    | FellBehind
    | DesyncFound
    | EffectPlayed
    | EffectCancelled
)
