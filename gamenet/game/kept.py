# SPDX-License-Identifier: MIT
"""Keep what a game holds beside its world, so that a tick can be made once more.

A function may read what `input_received` has left in an array of the game's own. When
ticks are predicted once more, that must be what it was then. A game names such
attributes in `Game.kept`; of arrays with a place for each row only those of the
player's own rows are kept, because nothing else is predicted.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError

__all__ = ["KeptState"]

Rows = NDArray[np.intp]


class KeptState:
    """Remember the attributes of a game at its last ticks.

    Args:
        game: whose attributes; its `kept` names them.
        capacity: rows of its world.
        depth: how many ticks are remembered.

    Raises:
        ConfigError: the game has no attribute of a name.
    """

    def __init__(self, game: Any, capacity: int, depth: int) -> None:
        self._game = game
        self._capacity = capacity
        self._depth = depth
        self._states: dict[int, tuple[Rows, list[Any]]] = {}
        for name in game.kept:
            if not hasattr(game, name):
                msg = (
                    f"{type(game).__name__}.kept names {name!r}, which is no attribute "
                    "after prepare(): make it there, or take the name out"
                )
                raise ConfigError(msg)

    def save(self, tick: int, rows: Rows) -> None:
        """Remember what the attributes are at the end of a tick."""
        if not self._game.kept:
            return
        self._states.pop(tick, None)
        values = [self._taken(getattr(self._game, n), rows) for n in self._game.kept]
        self._states[tick] = rows, values
        while len(self._states) > self._depth:
            del self._states[next(iter(self._states))]

    def load(self, tick: int) -> bool:
        """Have the attributes be what they were; return whether that is known."""
        state = self._states.get(tick)
        if state is None:
            return False
        rows, values = state
        for name, value in zip(self._game.kept, values, strict=True):
            present = getattr(self._game, name)
            if self._is_by_row(present):
                present[rows] = value
            else:
                setattr(self._game, name, deepcopy(value))
        return True

    def clear(self) -> None:
        """Forget everything."""
        self._states.clear()

    def _taken(self, value: Any, rows: Rows) -> Any:
        return value[rows] if self._is_by_row(value) else deepcopy(value)

    def _is_by_row(self, value: Any) -> bool:
        return (
            isinstance(value, np.ndarray)
            and value.ndim > 0
            and len(value) == self._capacity
        )
