# SPDX-License-Identifier: MIT
"""Run the rules of a game alone: no server, no network, no clock.

Whoever has the inputs of all players can make the ticks of a match: a rollback session
does, and so does the test that makes each tick twice. What a game tells players goes
nowhere but into `emitted`.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import numpy as np

from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.game.game import Game
from gamenet.game.savedgame import SavedGame, load_game, save_game
from gamenet.ids import PlayerId
from gamenet.prediction import Input, Rounding
from gamenet.replication import Event, apply_dirty, fill_identity
from gamenet.world import EntityId, World

__all__ = ["LonePlayer", "Serverless"]

Emitted = tuple[Event, Any, int | None, int | None]


class LonePlayer:
    """Somebody who plays without a connection; what is sent to them goes nowhere.

    Args:
        number: the player's id.
        name: what the player is called.
    """

    is_connected = True
    """Whether messages can reach the player; there is nothing between."""
    is_dropped = False
    """Whether the player's link is lost."""
    is_leaving = False
    """Whether the player's link is over."""

    def __init__(self, number: int, name: str = "") -> None:
        self.id = PlayerId(number)
        self.name = name or f"player {number}"
        self.avatar: EntityId | None = None
        """The entity that the game gave this player; the game sets it."""
        self.eye: EntityId | Sequence[float] | None = None
        """What the player looks from; the game sets it."""
        self.sight: float | None = None
        """How far the player sees; the game sets it."""
        self.rooms: Collection[Hashable] = frozenset()
        """The rooms that the player is in; the game sets them."""

    def __repr__(self) -> str:
        return f"<LonePlayer {self.id} {self.name!r}>"

    def send(self, message: Any) -> None:
        """Do nothing: there is no one at the other end."""

    def kick(self, detail: str = "") -> None:
        """Do nothing: who plays is up to whoever runs the game."""

    def disconnect(self, reason: CloseReason, detail: str = "") -> None:
        """Do nothing: who plays is up to whoever runs the game."""


class _Present:
    """Stand where a server settles its ticks, and keeps what shots go back to.

    Args:
        world: of the match.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def rewound(self, player: Any, limit: float | None) -> AbstractContextManager[Any]:
        """Leave the world as it is: everybody who plays here sees it so."""
        return nullcontext(self._world)


class Serverless:
    """Be to a game what the server is, as far as its rules can tell.

    Args:
        game: the game, as an instance or a class to make one of.
        seed: of the game's chance; all who play together need the same.

    Example:
        >>> class Count(Game):
        ...     kept = ["score"]
        ...     def started(self):
        ...         self.score = 0
        ...     def step(self, dt):
        ...         self.score += 1
        >>> match = Serverless(Count)
        >>> before = match.save()
        >>> match.advance()
        >>> match.game.score
        1
        >>> match.load(before)
        >>> match.game.score
        0
    """

    def __init__(self, game: Game | type[Game], seed: int | None = 0) -> None:
        self.game = game() if isinstance(game, type) else game
        self.world = World(self.game.components, self.game.max_entities)
        self.players: dict[int, LonePlayer] = {}
        """Who plays, by id."""
        self.emitted: list[Emitted] = []
        """The events of the newest tick: event, whom to tell, row seen, row of origin.
        """
        self.settling = _Present(self.world)
        """What `Game.rewound` asks."""
        self.game.bind(self.world, np.random.default_rng(seed))
        self.game.players = cast("dict[int, Any]", self.players)
        self.game.attach(cast("Any", self))
        self._dt = 1.0 / self.game.tick_rate
        predicted = self.game.predicted_components()
        self._rounding = Rounding(self.world, predicted) if predicted else None
        # What is written between two ticks is told with the later one.
        self.world.tick = 1
        self.game.prepare()
        self.game.started()

    def join(self, number: int, name: str = "") -> LonePlayer:
        """Let a player in, and tell the game.

        Raises:
            LocalProtocolError: a player with this id is there already.
        """
        if number in self.players:
            msg = f"player {number} plays already: give each player another id"
            raise LocalProtocolError(msg)
        player = self.players[number] = LonePlayer(number, name)
        self.game.player_joined(cast("Any", player))
        return player

    def leave(self, number: int, reason: CloseReason = CloseReason.NORMAL) -> None:
        """Take a player out, and tell the game.

        Raises:
            LocalProtocolError: there is no such player.
        """
        player = self.players.pop(number, None)
        if player is None:
            msg = f"there is no player {number}: there are {sorted(self.players)}"
            raise LocalProtocolError(msg)
        self.game.player_left(cast("Any", player), reason)

    def advance(self, inputs: Mapping[int, Iterable[Input]] | None = None) -> None:
        """Make one tick, as a server makes it.

        Args:
            inputs: of the players, by id; in whatever order, as they are taken in that
                of the ids.
        """
        game, world = self.game, self.world
        game.tick += 1
        self.emitted = []
        for due in game.schedule.due(game.tick):
            due()
        taken = inputs or {}
        for number in sorted(taken.keys() & self.players.keys()):
            player = cast("Any", self.players[number])
            for item in taken[number]:
                game.input_received(player, item)
        game.step(self._dt)
        game.pull_tracked()
        fill_identity(world)
        apply_dirty(world)
        if self._rounding is not None:
            self._rounding.round(game.predicted_rows())
        world.tick = game.tick + 1

    def save(self, into: SavedGame | None = None) -> SavedGame:
        """Copy the state of the game; see `save_game`."""
        return save_game(self.game, into)

    def load(self, saved: SavedGame) -> None:
        """Go back to a state of the game; see `load_game`."""
        load_game(self.game, saved)

    # -- what the game calls -------------------------------------------------------

    def emit(
        self, event: Event, *, to: Any, seen: int | None, origin: int | None
    ) -> None:
        """Take an event of the tick; `Game.emit` calls it."""
        self.emitted.append((event, to, seen, origin))

    def broadcast(self, message: Any) -> None:
        """Do nothing: there is no one to hear it."""
