# SPDX-License-Identifier: MIT
"""Play as somebody would who does not know the game: hold something, then another.

A new random value each tick would average out to standing still. A hand holds what it
presses for a while, so that bots move, turn and shoot.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from gamenet.game import Input

__all__ = ["Hand"]

_HOLD = (0.15, 1.2)
"""Shortest and longest time in seconds that an input is held."""


class Hand:
    """Random legal inputs, each held for a while.

    Args:
        inputs: the classes of inputs that the game takes.
        random: where the choices come from.
    """

    def __init__(self, inputs: Sequence[type[Input]], random: Random) -> None:
        self._inputs = inputs
        self._random = random
        self._held: Input | None = None
        self._until = 0.0

    def input_at(self, now: float) -> Input | None:
        """Return what is held at a time in seconds; None if the game has no inputs."""
        if not self._inputs:
            return None
        if self._held is None or now >= self._until:
            self._held = self._random.choice(self._inputs).sample(self._random)
            self._until = now + self._random.uniform(*_HOLD)
        return self._held
