# SPDX-License-Identifier: MIT
"""Let a rollback session run a `Game`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

from gamenet.errors import CloseReason
from gamenet.game.game import Game
from gamenet.game.portable_game import game_from_bytes, game_texts, game_to_bytes
from gamenet.game.savedgame import SavedGame
from gamenet.game.serverless import LonePlayer, Serverless
from gamenet.prediction import Input
from gamenet.replication import Event
from gamenet.world import SavedWorld

__all__ = ["GameRules"]

MAX_GONE = 256
"""Players who have left and are remembered, to go back to ticks that they were in."""


class GameRules:
    """Run a game for a `RollbackSession`.

    Args:
        game: the game, as an instance or a class to make one of.
        seed: of the game's chance; that of the host counts.
        report: called with a hook's name when the game raises; a game must raise on
            all peers alike, and goes on all the same.
        is_told: says whether somebody here is among those whom an event is for.
    """

    def __init__(
        self,
        game: Game | type[Game],
        seed: int,
        report: Callable[[str], None],
        is_told: Callable[[Any], bool],
    ) -> None:
        self.match = Serverless(game, seed)
        """The game, and what it takes for its server."""
        self._report, self._is_told = report, is_told
        self._known: dict[int, LonePlayer] = {}

    def save(self, into: SavedGame | None) -> SavedGame:
        """Copy the state of the game."""
        return self.match.save(into)

    def load(self, saved: SavedGame) -> None:
        """Go back to a state of the game, and to who played then."""
        players = self.match.players
        players.clear()
        players.update({number: self._known[number] for number in saved.players})
        self.match.load(saved)

    def advance(
        self,
        tick: int,
        inputs: Mapping[int, Sequence[Input]],
        joined: Sequence[tuple[int, bytes]],
        left: Sequence[tuple[int, int]],
    ) -> Iterable[tuple[Event, int | None]]:
        """Make a tick; return what happened in it that is for somebody here."""
        match = self.match
        match.emitted = []
        for number, reason in left:
            self._run("player_left", match.leave, number, CloseReason.from_wire(reason))
        for number, about in joined:
            self._run("player_joined", self._join, number, about)
        before = match.emitted
        self._run("step", match.advance, inputs)
        match.world.tick = match.game.tick + 1
        return [
            (event, origin)
            for event, to, _, origin in before + match.emitted
            if to is None or self._is_told(to)
        ]

    def checksum(self, saved: SavedGame) -> int:
        """Return a number for all of a state that a peer's can be compared with."""
        texts = json.dumps(self.extras(saved), sort_keys=True)
        return crc32(texts.encode(), saved.world.checksum())

    def world(self, saved: SavedGame) -> SavedWorld:
        """Return the world of a state."""
        return saved.world

    def extras(self, saved: SavedGame) -> Mapping[str, str]:
        """Return what a state has beside the world."""
        return game_texts(saved, self._known)

    def to_bytes(self, saved: SavedGame) -> bytes | None:
        """Return a state for a peer."""
        return game_to_bytes(saved, self._known)

    def from_bytes(self, tick: int, data: bytes) -> None:
        """Go to a state that a peer sent."""
        known: dict[int, LonePlayer] = {}

        def player(number: int, name: str) -> LonePlayer:
            return known.setdefault(number, LonePlayer(number, name))

        saved = game_from_bytes(self.match, tick, data, player)
        self._known = known
        self.load(saved)

    def missing(
        self, player: int, kind: type[Input], last: Input | None
    ) -> Input | None:
        """Ask the game what stands in for an input."""
        who: Any = self._known.get(player)
        if who is None:
            return None
        return self.match.game.input_missing(who, kind, last)

    def _join(self, number: int, about: bytes) -> None:
        """Let a player in: the same object each time that their tick is made."""
        name = about.decode("utf-8", "replace")
        try:
            self.match.join(number, name)
        finally:
            # Also where the game's hook has raised: the player is in.
            self._known[number] = self.match.players[number]
        for old in sorted(self._known.keys() - self.match.players.keys())[:-MAX_GONE]:
            del self._known[old]

    def _run(self, hook: str, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - an author's errors must not stop the match
            self._report(hook)
