# SPDX-License-Identifier: MIT
"""What every client shows of its match."""

from __future__ import annotations

from gamenet.errors import LocalProtocolError
from gamenet.game.match import Match
from gamenet.game.protocol import Protocol
from gamenet.world import World

__all__ = ["MatchView"]


class MatchView:
    """What every client shows of its match.

    Args:
        protocol: what the game speaks; None learns it from the server.
    """

    def __init__(self, protocol: Protocol | None) -> None:
        self.match = Match(protocol)
        """The match without I/O."""

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
