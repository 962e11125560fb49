# SPDX-License-Identifier: MIT
"""What a player does in a tick, and what stands in for it where it did not come."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

from gamenet.wire import Schema

__all__ = ["Input", "Missing"]


class Missing(Enum):
    """What a tick gets of a class of inputs when the player's frame did not come."""

    REPEAT = "repeat"
    """What the player did last: a stick stays where it was."""
    NEUTRAL = "neutral"
    """An instance of the defaults: the stick is let go."""
    NOTHING = "nothing"
    """Nothing: a button is not pressed by itself."""


class Input(Schema):
    """Base of a game's inputs: one thing a player can do in a tick.

    A player does at most one of a class in a tick. An instance may be given to several
    ticks: do not change it.
    """

    missing: ClassVar[Missing] = Missing.REPEAT
    """What stands in for an input of this class that did not come in time."""
