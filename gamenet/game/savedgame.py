# SPDX-License-Identifier: MIT
"""A whole game as it was in one tick, to go back to.

Beside the world, a game has its tick, its chance, what it has scheduled, what it set of
each player, and whatever its author keeps in attributes: those are saved that
`Game.kept` names. State anywhere else stays as it is when a game goes back, and then
goes another way the second time; `gamenet.testing.synctest` finds that.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from gamenet.errors import LocalProtocolError
from gamenet.game.unlike import first_unlike
from gamenet.world import SavedWorld, first_difference

if TYPE_CHECKING:
    from gamenet.game.game import Game

__all__ = ["SavedGame", "game_difference", "load_game", "save_game"]

SET_BY_GAME = ("avatar", "eye", "sight", "rooms")
"""What a game sets of a player."""

SCHEDULE = "schedule"
"""What every game keeps."""


class SavedGame:
    """Keep what a game was; `save_game` makes it and fills it."""

    __slots__ = ("kept", "players", "random", "tick", "world")

    world: SavedWorld
    """The world."""
    tick: int
    """The game's tick."""
    random: Any
    """State of the game's `random`; None where it has no chance of its own."""
    kept: dict[str, Any]
    """Copies of the attributes that the game keeps, by name."""
    players: dict[int, dict[str, Any]]
    """What the game set of each player, by id."""


def save_game(game: Game, into: SavedGame | None = None) -> SavedGame:
    """Copy the state of a game.

    Args:
        game: bound to its world; between two ticks.
        into: an earlier copy to write over, which is faster; None makes a new one.

    Raises:
        LocalProtocolError: the game keeps an attribute that it does not have, or `into`
            is of a game of another shape.
    """
    saved = SavedGame() if into is None else into
    saved.world = game.world.save(None if into is None else into.world)
    saved.tick = game.tick
    saved.random = _random_state(game)
    saved.kept = deepcopy(_kept(game), _untouched(game))
    saved.players = {
        number: {name: getattr(player, name, None) for name in SET_BY_GAME}
        for number, player in game.players.items()
    }
    return saved


def load_game(game: Game, saved: SavedGame) -> None:
    """Let a game go back to a state, which stays as it is and can be loaded again.

    Arrays that the game keeps stay the same arrays where their shape is the same, so
    views of them stay right. Who plays is up to the caller.

    Args:
        game: which the state is of.
        saved: its state.

    Raises:
        LocalProtocolError: the state is of a game of another shape.
    """
    game.world.load(saved.world)
    game.tick = saved.tick
    if saved.random is not None:
        game.random.bit_generator.state = saved.random
    # Copied at once, so that what two attributes share they share again.
    for name, value in deepcopy(saved.kept, _untouched(game)).items():
        present: Any = getattr(game, name, None)
        if _fits(present, value):
            np.copyto(present, value)
        else:
            setattr(game, name, value)
    for number, values in saved.players.items():
        player = game.players.get(number)
        for name, value in values.items():
            if hasattr(player, name):
                setattr(player, name, value)


def game_difference(one: SavedGame, other: SavedGame) -> tuple[str, Any, Any] | None:
    """Return where two states of a game differ, and the value in each; None if nowhere.

    The world comes first, with entity, component and field. What is scheduled is not
    compared: functions that are made anew are never equal.
    """
    found = first_difference(one.world, other.world)
    if found is not None:
        return found.place, found.one, found.other
    for name in ("tick", "random", "players"):
        unlike = first_unlike(getattr(one, name), getattr(other, name), name)
        if unlike is not None:
            return unlike
    kept = [
        {f"self.{name}": value for name, value in each.kept.items() if name != SCHEDULE}
        for each in (one, other)
    ]
    for name in kept[0] | kept[1]:
        unlike = first_unlike(kept[0].get(name), kept[1].get(name), name)
        if unlike is not None:
            return unlike
    return None


def _kept(game: Game) -> dict[str, Any]:
    kept: dict[str, Any] = {SCHEDULE: game.schedule}
    for name in game.kept:
        if not hasattr(game, name):
            msg = (
                f"{type(game).__name__}.kept names {name!r}, which the game does not "
                "have: set it in prepare() or started(), or leave it out"
            )
            raise LocalProtocolError(msg)
        kept[name] = getattr(game, name)
    return kept


def _untouched(game: Game) -> dict[int, Any]:
    """Return what copies refer to as it is: the game, its world, its players."""
    objects = [game, game.world, game.players, *game.players.values()]
    objects += [game.world.columns(component) for component in game.world.components]
    return {id(each): each for each in objects}


def _random_state(game: Game) -> Mapping[str, Any] | None:
    is_own = isinstance(game.random, np.random.Generator)
    return game.random.bit_generator.state if is_own else None


def _fits(present: Any, value: Any) -> bool:
    return (
        type(present) is type(value) is np.ndarray
        and present.shape == value.shape
        and present.dtype == value.dtype
        and present.flags.writeable
    )
