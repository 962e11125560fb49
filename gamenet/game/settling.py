# SPDX-License-Identifier: MIT
"""Keep the server's world such that clients can predict it, and remember it for shots.

After the game's step what players predict of their own is rounded to what the wire can
say: their clients go on from the same numbers. Once the mirror has taken the tick, the
history that `Game.rewound` goes back in takes it, too.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.game.game import Game
from gamenet.game.player import Player
from gamenet.prediction import Rewind, Rounding
from gamenet.replication import (
    Mirror,
    NetworkConnection,
    apply_dirty,
    fill_connections,
    fill_identity,
)
from gamenet.world import World

__all__ = ["Settling"]

NO_ROWS: NDArray[np.intp] = np.empty(0, np.intp)


class Settling:
    """Settle each tick of a game.

    Args:
        game: says what is predicted, and what is rewound.
        world: the authority's world.
        mirror: of that world.
    """

    def __init__(self, game: Game, world: World, mirror: Mirror) -> None:
        self._game = game
        self._world = world
        components = game.predicted_components()
        self._rounding = Rounding(world, components) if components else None
        self.rewind: Rewind | None = None
        """The history; None where the game names nothing to rewind."""
        if game.rewindable:
            rate, limit = game.tick_rate, game.max_rewind
            self.rewind = Rewind(mirror, game.rewindable, rate, limit)

    def settle(self) -> NDArray[np.intp]:
        """Bring in order what the game's step has left, for the mirror to take it.

        Returns:
            The rows that players predict, which every snapshot tells their owners.
        """
        self._fill_network()
        return self._round()

    def _fill_network(self) -> None:
        """Say in the components that tell of the network what is so."""
        world, game = self._world, self._game
        fill_identity(world)
        lists_connections = NetworkConnection in world.components
        if lists_connections and game.tick % max(1, round(game.tick_rate)) == 0:
            players = game.players.values()
            fill_connections(world, {each.id: each.stats() for each in players})
        apply_dirty(world)

    def _round(self) -> NDArray[np.intp]:
        """Round what players predict; return the rows."""
        if self._rounding is None:
            return NO_ROWS
        rows = self._game.predicted_rows()
        if len(rows):
            self._rounding.round(rows)
        return rows

    def record(self, tick: int) -> None:
        """Remember a tick that the mirror has just taken."""
        if self.rewind is not None:
            self.rewind.record(tick)

    def rewound(
        self, player: Player, limit: float | None
    ) -> AbstractContextManager[Any]:
        """Return the world as a player saw it when they sent what is done now.

        Raises:
            LocalProtocolError: the game names nothing to rewind, or it is used within
                itself.
        """
        if self.rewind is None:
            msg = f"{self._game.game_name()} names nothing in `rewindable`"
            raise LocalProtocolError(msg)
        own = self._game.owned_rows(player)
        return self.rewind.at(player.inputs.sight, own, limit)

    def stats(self) -> dict[str, Any]:
        """Return what was counted so far, ready for JSON."""
        rewind = self.rewind
        return {
            "rewinds": 0 if rewind is None else rewind.n_views,
            "rewinds_clamped": 0 if rewind is None else rewind.n_clamped,
        }
