# SPDX-License-Identifier: MIT
"""A whole game's state as bytes, for a peer that comes late.

    n_head u32 | head | state of the world

The head is text: who plays, the game's chance, and what it keeps. Functions cannot be
sent, so a game in which something is scheduled waits until nothing is.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.game.plain import plain_texts, read_plain
from gamenet.game.savedgame import SCHEDULE, SET_BY_GAME, SavedGame
from gamenet.game.serverless import LonePlayer, Serverless
from gamenet.world import SavedWorld

__all__ = ["game_from_bytes", "game_texts", "game_to_bytes"]

SIZE = struct.Struct("<I")
MAX_PLAYERS = 64


def game_texts(saved: SavedGame, players: Mapping[int, Any]) -> dict[str, str]:
    """Return all that a state has beside its world, by name, as text.

    What cannot be written as text is left out: it cannot be compared with a peer's.
    """
    texts: dict[str, str] = {}
    for name, value in _beside(saved).items():
        try:
            texts |= plain_texts({name: value}, players)
        except LocalProtocolError:
            continue
    return texts


def game_to_bytes(saved: SavedGame, players: Mapping[int, LonePlayer]) -> bytes | None:
    """Return a state as bytes; None while something is scheduled in it.

    Args:
        saved: the state.
        players: everybody whom it may refer to, by id.

    Raises:
        LocalProtocolError: the game keeps what cannot be sent.
    """
    if len(saved.kept[SCHEDULE]):
        return None
    players = {number: players[number] for number in saved.players}
    head = {
        "tick": saved.tick,
        "names": [[number, players[number].name] for number in saved.players],
        # All at once, so that what is kept twice is noticed.
        "state": plain_texts(_beside(saved), players),
    }
    packed = json.dumps(head).encode()
    return SIZE.pack(len(packed)) + packed + saved.world.to_bytes()


def game_from_bytes(
    match: Serverless, tick: int, data: bytes, player: Callable[[int, str], LonePlayer]
) -> SavedGame:
    """Return the state that a peer sent, ready to be loaded.

    Args:
        match: that is to load it.
        tick: of the state.
        data: what `game_to_bytes` returned there.
        player: returns the player of an id and a name.

    Raises:
        RemoteProtocolError: the bytes are no state of this game in that tick.
    """
    game, world = match.game, match.world
    names_of = ["self.players", "self.random", *(f"self.{name}" for name in game.kept)]
    saved = SavedGame()
    try:
        (n_head,) = SIZE.unpack_from(data)
        head = json.loads(data[SIZE.size : SIZE.size + n_head])
        names = [(int(number), str(name)[:64]) for number, name in head["names"]]
        _check(head["tick"] == tick and len(names) <= MAX_PLAYERS)
        players = {number: player(number, name) for number, name in names}
        read = {name: read_plain(head["state"][name], players) for name in names_of}
        of_players, random = read["self.players"], read["self.random"]
        saved.players = {
            number: {name: of_players[number][name] for name in SET_BY_GAME}
            for number in players
        }
        saved.random = _random(game, random)
        saved.kept = {name: read[f"self.{name}"] for name in game.kept}
    except (
        struct.error,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        msg = f"the state of a match cannot be read: {error!r:.200}"
        raise RemoteProtocolError(msg) from error
    saved.world = SavedWorld.from_bytes(
        data[SIZE.size + n_head :], world.components, world.capacity
    )
    saved.tick = tick
    saved.kept[SCHEDULE] = type(game.schedule)()
    return saved


def _check(is_right: bool) -> None:
    if not is_right:
        msg = "another tick, or too many players"
        raise ValueError(msg)


def _random(game: Any, state: Any) -> Any:
    """Return a state of chance that the game's generator takes.

    Raises:
        ValueError: it takes none, or not this.
    """
    if not isinstance(game.random, np.random.Generator):
        return None
    trial = type(game.random.bit_generator)()
    trial.state = state
    return trial.state


def _beside(saved: SavedGame) -> dict[str, Any]:
    kept = {f"self.{name}": v for name, v in saved.kept.items() if name != SCHEDULE}
    return {"self.players": saved.players, "self.random": saved.random, **kept}
