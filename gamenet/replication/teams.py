# SPDX-License-Identifier: MIT
"""Know whose rows are whose: by player, and by the team of the player."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.world import World

__all__ = ["Ownership", "Teams"]

UINT32_MAX = (1 << 32) - 1

RowsBy = dict[int, NDArray[np.intp]]


class Teams:
    """Say which team each player is in; a player is in one, or in none.

    Example:
        teams = Teams()
        teams.join(player.id, 2)
        assert teams.of(player.id) == 2
    """

    def __init__(self) -> None:
        self.version = 0
        """Rises with each change."""
        self._teams: dict[int, int] = {}

    def join(self, player_id: int, team: int) -> None:
        """Put a player into a team, and take them out of the one before.

        Raises:
            LocalProtocolError: if player or team is no number from 1 to 2**32 - 1.
        """
        for name, number in (("player id", player_id), ("team", team)):
            if not (isinstance(number, int) and 1 <= number <= UINT32_MAX):
                msg = f"{number!r} is no {name}: give a number from 1 to {UINT32_MAX}"
                raise LocalProtocolError(msg)
        self._teams[player_id] = team
        self.version += 1

    def leave(self, player_id: int) -> None:
        """Take a player out of their team, if they have one."""
        if self._teams.pop(player_id, 0):
            self.version += 1

    def of(self, player_id: int) -> int:
        """Return the team of a player, 0 = none."""
        return self._teams.get(player_id, 0)

    def of_many(self, player_ids: NDArray[np.integer[Any]]) -> NDArray[np.uint32]:
        """Return the team of each player, 0 = none.

        Shapes:
            player_ids: (n,); returns (n,) uint32.
        """
        if not self._teams:
            return np.zeros(len(player_ids), np.uint32)
        known = np.array(sorted(self._teams.items()), np.int64)
        place = np.searchsorted(known[:, 0], player_ids)
        place[place == len(known)] = 0
        is_known = known[place, 0] == player_ids
        return np.where(is_known, known[place, 1], 0).astype(np.uint32)


class Ownership:
    """Group the rows of a world by owner and by team, anew only when these change.

    Args:
        world: the world.
        teams: which player is in which team.
    """

    def __init__(self, world: World, teams: Teams) -> None:
        self.by_player: RowsBy = {}
        """Ascending rows of each player who owns any."""
        self.by_team: RowsBy = {}
        """Ascending rows that players of each team own."""
        self._owner = world.owner
        self._teams = teams
        self._grouped = np.zeros_like(world.owner)
        self._teams_version = teams.version

    def refresh(self) -> bool:
        """Group the rows as owners and teams are now; return whether these changed."""
        is_same = np.array_equal(self._owner, self._grouped)
        if is_same and self._teams_version == self._teams.version:
            return False
        np.copyto(self._grouped, self._owner)
        self._teams_version = self._teams.version
        rows = np.flatnonzero(self._owner)
        owners = self._owner[rows]
        self.by_player = _rows_by(owners, rows)
        teams = self._teams.of_many(owners)
        in_team = teams != 0
        self.by_team = _rows_by(teams[in_team], rows[in_team])
        return True


def _rows_by(keys: NDArray[np.uint32], rows: NDArray[np.intp]) -> RowsBy:
    """Return the rows of each key, in their order."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    edges = np.flatnonzero(np.diff(keys)) + 1
    starts = [0, *edges.tolist()] if len(keys) else []
    ends = [*edges.tolist(), len(keys)]
    return {
        int(keys[start]): rows[start:end]
        for start, end in zip(starts, ends[: len(starts)], strict=True)
    }
