# SPDX-License-Identifier: MIT
"""What every client shows of its match."""

from __future__ import annotations

from collections.abc import Callable

from gamenet.errors import LocalProtocolError
from gamenet.game.foresight import Foresight
from gamenet.game.game import Game
from gamenet.game.match import Match
from gamenet.game.protocol import Protocol
from gamenet.prediction import View
from gamenet.world import World

__all__ = ["MatchView"]


class MatchView:
    """What every client shows of its match.

    Args:
        game: the game's class; None learns what it speaks from the server.
        predict: whether the game's predicted functions run here.
        delay: seconds that others are shown late; None follows what is measured.
        report: called with a hook's name where a prediction has raised, while that is
            handled; None lets it pass on.
    """

    def __init__(
        self,
        game: type[Game] | None,
        *,
        predict: bool,
        delay: float | None,
        report: Callable[[str], None] | None = None,
    ) -> None:
        self.match = Match(
            None if game is None else Protocol.of(game),
            game() if predict and game and game.predicted_components() else None,
            delay=delay,
            report=report,
        )
        """The match without I/O."""

    @property
    def foresight(self) -> Foresight:
        """Return our time lines, what is predicted, and the view.

        Raises:
            LocalProtocolError: not joined yet.
        """
        if self.match.foresight is None:
            msg = "there are no ticks before the match is joined: wait for that"
            raise LocalProtocolError(msg)
        return self.match.foresight

    @property
    def own_tick(self) -> int:
        """Return the newest tick of our own, which is ahead of the server's."""
        return self.foresight.lines.lead.tick

    @property
    def view(self) -> View:
        """Return what is to be drawn, as of the last `look`."""
        return self.foresight.view

    @property
    def predicted(self) -> World:
        """Return the world in which our own entities are ahead of the server.

        Raises:
            LocalProtocolError: not joined yet, or nothing is predicted here.
        """
        predicting = self.foresight.predicting
        if predicting is None:
            msg = (
                "nothing is predicted here: mark functions of the game with "
                "@predicted, and give the client the game's class"
            )
            raise LocalProtocolError(msg)
        return predicting.world

    @property
    def world(self) -> World:
        """Return the copy of the server's world.

        Raises:
            LocalProtocolError: not joined yet.
        """
        if self.match.world is None:
            msg = "the world is not there before the match is joined: wait for that"
            raise LocalProtocolError(msg)
        return self.match.world

    @property
    def tick(self) -> int:
        """Return the newest tick that we know of."""
        return self.match.tick

    @property
    def players(self) -> dict[int, str]:
        """Return the names of who is here, by id."""
        return self.match.players

    @property
    def player_id(self) -> int:
        """Return who we are; 0 until joined."""
        return self.match.player_id
