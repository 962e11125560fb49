# SPDX-License-Identifier: MIT
"""The player of a client, as its own copy of the game sees them."""

from __future__ import annotations

from dataclasses import dataclass

from gamenet.world import EntityId

__all__ = ["OwnPlayer"]


@dataclass(slots=True, eq=False)
class OwnPlayer:
    """What the functions of a game get where they predict, in place of a `Player`."""

    id: int
    """The player's id."""
    name: str = ""
    """As the player is called."""
    avatar: EntityId | None = None
    """The first entity of the player's that is predicted; None while there is none."""
