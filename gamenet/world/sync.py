# SPDX-License-Identifier: MIT
"""How a component is shared: who may see it and write it, and how often it goes out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum

from gamenet.errors import ConfigError

__all__ = ["Audience", "Sync"]


class Audience(IntEnum):
    """Who is told a component of an entity that they see."""

    SERVER = 0
    """Nobody: it never leaves the server."""
    EVERYONE = 1
    """Whoever sees the entity."""
    TEAM = 2
    """Only the entity's owner, and players of the owner's team."""
    OWNER = 4
    """Only the entity's owner."""


@dataclass(frozen=True, slots=True)
class Sync:
    """The settings of a component, the same for every entity that has it.

    Raises:
        ConfigError: a rate or a priority that makes no sense.

    Example:
        class Ammunition(Component):
            sync = Sync(audience=Audience.OWNER, rate=5)
            rounds: int = uint8()
    """

    audience: Audience = Audience.EVERYONE
    """Who is told."""
    owner_writes: bool = False
    """Whether the client of an entity's owner may write it, too."""
    rate: float = 0.0
    """How many times a second at most its values go out; 0 is every tick."""
    priority: float = 1.0
    """How fast its changes gain importance, where not all can be told at once."""

    def __post_init__(self) -> None:
        if not 0 <= self.rate < math.inf:
            msg = f"Sync(rate={self.rate}): give times a second, or 0 for every tick"
            raise ConfigError(msg)
        if not 0 < self.priority < math.inf:
            msg = f"Sync(priority={self.priority}): give a finite number above 0"
            raise ConfigError(msg)
        if self.owner_writes and self.audience is Audience.SERVER:
            msg = "Sync(owner_writes=True) of what only the server knows: see audience"
            raise ConfigError(msg)
