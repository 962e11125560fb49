# SPDX-License-Identifier: MIT
"""Decide each tick which rows each viewer may see, and how much of them.

What is the same for all viewers is found once a tick by `refresh`: the grid, who is
seen everywhere, whose rows are whose, and which rows changed hands. `look` then takes a
viewer's levels of the tick before to those of this tick, in a few numpy calls whatever
the number of rows. A level is 0 for what is not seen, else a sum of bits: 1 for what
everyone may know of it, 2 for what the owner's team may, 4 for what the owner may.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.replication.interest import Eye, Interest
from gamenet.replication.nearby import REPLACED, Nearby
from gamenet.replication.rooms import Rooms
from gamenet.replication.sync_settings import SyncSettings, row_hidden
from gamenet.replication.teams import Ownership, Teams
from gamenet.world import Audience, World

__all__ = ["Rule", "Visibility"]

Rows = NDArray[np.intp]
Levels = NDArray[np.uint8]

Rule = Callable[[int, Rows], NDArray[np.bool_]]
"""Says which of some ascending rows the player with an id may see."""

EVERYONE, TEAM, OWNER = 1, 2, 4

NOTHING: Rows = np.empty(0, np.intp)


class Visibility:
    """Keep what viewers see of a world.

    Args:
        world: the authority's world.
        interest: what players see; None for everything.
        rooms: which entities are in which rooms; None where a game has no rooms.
        teams: which players are in which teams; None where a game has no teams.
        rule: what the game itself decides, asked last, for each viewer. It is asked
            about rows that would be seen, save those that `Interest.owned` shows.

    Raises:
        ConfigError: if the interest speaks of components that the world has not.

    Example:
        visibility = Visibility(world, Interest((Position, "x", "y"), radius=60))
        level = np.zeros(world.capacity, np.uint8)
        eye = Eye(player.id, where=ship)
        visibility.refresh(tick)
        changed = visibility.look(eye, level)
    """

    def __init__(
        self,
        world: World,
        interest: Interest | None = None,
        rooms: Rooms | None = None,
        teams: Teams | None = None,
        rule: Rule | None = None,
    ) -> None:
        self.interest = Interest() if interest is None else interest
        self.rooms = Rooms(world) if rooms is None else rooms
        self.teams = Teams() if teams is None else teams
        self.rule = rule
        self.tick = -1
        """Tick of the newest refresh."""
        _check_components(world, self.interest)
        self.ownership = Ownership(world, self.teams)
        self.nearby = Nearby(world, self.interest) if self.interest.position else None
        """Who is where; None where entities have no places."""
        self._world = world
        self._has_settings = SyncSettings in world.components
        self._hidden = np.zeros(world.capacity, np.bool_)
        self._tenants = _Tenants(world)
        self._private = _Private(world, self.ownership)
        # Of all rows ever used: who is seen everywhere; what one viewer saw, and sees.
        self._everywhere, self._was, self._seen = np.zeros((3, 0), np.uint8)
        self._no_distances = np.zeros(world.capacity)
        self._rooms_version = -1
        self._stirred = 0

    def refresh(self, tick: int) -> None:
        """Take in the world as it is now: once a tick, after the step, before looks.

        Raises:
            LocalProtocolError: if the tick is not later than that of the last refresh.
        """
        if tick <= self.tick:
            msg = f"tick {tick} was refreshed: the newest is {self.tick}; go on from it"
            raise LocalProtocolError(msg)
        self.tick = tick
        is_stirred = self._tenants.refresh(tick)
        is_stirred |= self.ownership.refresh()
        if self._has_settings:
            hidden = row_hidden(self._world)
            is_stirred |= not np.array_equal(hidden, self._hidden)
            self._hidden = hidden
        self.rooms.refresh()
        if is_stirred or self.rooms.version != self._rooms_version:
            self._stirred = tick
        self._rooms_version = self.rooms.version
        n_rows = self._tenants.extent
        if n_rows != len(self._seen):
            self._everywhere, self._was, self._seen = np.zeros((3, n_rows), np.uint8)
        np.copyto(self._everywhere, self._world.alive[:n_rows])
        if self.nearby is not None:
            self.nearby.refresh()
            self._everywhere[self.nearby.rows] = 0

    def look(self, eye: Eye, level: Levels) -> Rows:
        """Bring a viewer's levels up to date, as of the newest refresh.

        Args:
            eye: what the viewer looks with, the same object every time.
            level: at first, what they see already, mostly all zeros; then as the last
                look with this eye left it.

        Returns:
            Ascending rows whose level changed. A row that another entity took over
            counts, too, if either was seen.

        Shapes:
            level: (capacity,) uint8, written; returns (n,) intp.

        Raises:
            LocalProtocolError: if the eye's coordinates or radius make no sense, or the
                rule's answer does; the levels are unchanged.
        """
        if self._is_unmoved(eye):
            return NOTHING
        team = self.teams.of(eye.player) if eye.team is None else eye.team
        seen = self._seen
        was = self._was_seen(eye, level)
        seen[:] = self._everywhere
        if self.nearby is not None:
            self.nearby.see(eye, was, seen)
        self._judge(eye, team, seen)
        if self._private.is_used:
            self._private.add(eye.player, team, seen)
        if self._has_settings:
            seen[self._hidden[: len(seen)]] = 0
        changed: Rows = (seen != was).nonzero()[0]
        if len(changed):
            level[: len(seen)] = seen
        eye.looked = self.tick
        if self.nearby is None:
            eye.looked_as = eye.team, frozenset(eye.rooms)
        return changed

    def lose_replaced(self, eye: Eye, level: Levels) -> Rows:
        """Let a viewer, whose look has failed, see nothing that took over a seen row.

        Returns:
            As `look` does.
        """
        replaced = self._tenants.replaced_since(eye.looked)
        lost: Rows = np.sort(replaced[level[replaced] != 0])
        level[lost] = 0
        return lost

    def distances(self, eye: Eye) -> NDArray[np.float64]:
        """Return the squared distance of each row that a viewer's look found near.

        Rows that are seen for another reason have 0. The array is the same every time:
        it holds until the next call.

        Shapes:
            returns (capacity,) float64.
        """
        if self.nearby is None:
            return self._no_distances
        return self.nearby.distances(eye)

    def _is_unmoved(self, eye: Eye) -> bool:
        """Return whether a viewer is sure to see what they saw at their last look."""
        return (
            self.nearby is None
            and self.rule is None
            and eye.looked >= self._stirred
            and eye.looked_as == (eye.team, frozenset(eye.rooms))
        )

    def _was_seen(self, eye: Eye, level: Levels) -> Levels:
        """Return the levels of before, with marks where a row changed hands."""
        before = level[: len(self._seen)]
        replaced = self._tenants.replaced_since(eye.looked)
        if not len(replaced):
            return before
        self._was[:] = before
        self._was[replaced[before[replaced] != 0]] = REPLACED
        return self._was

    def _judge(self, eye: Eye, team: int, seen: Levels) -> None:
        """Apply what does not ask for distances: teams, rooms, the rule, ownership."""
        if self.interest.teams and team in self.ownership.by_team:
            seen[self.ownership.by_team[team]] = 1
        is_open = self.rooms.open_to(eye.rooms)
        if is_open is not None:
            seen &= is_open[: len(seen)]
        if self.rule is not None:
            rows = seen.nonzero()[0]
            seen[rows] = _judged(self.rule, eye.player, rows)
        if self.interest.owned and eye.player in self.ownership.by_player:
            seen[self.ownership.by_player[eye.player]] = 1


class _Private:
    """Tell who may know more of a row that they see than everyone may."""

    def __init__(self, world: World, ownership: Ownership) -> None:
        audiences = {each.sync.audience for each in world.components}
        self.is_used = bool(audiences & {Audience.TEAM, Audience.OWNER})
        """Whether the world has components that only some are told."""
        self._has_team = Audience.TEAM in audiences
        self._ownership = ownership

    def add(self, player: int, team: int, seen: Levels) -> None:
        """Raise the level of rows that a player sees and that they or allies own."""
        if self._has_team and team in self._ownership.by_team:
            seen[self._ownership.by_team[team]] *= np.uint8(EVERYONE | TEAM)
        own = self._ownership.by_player.get(player)
        if own is not None:
            seen[own] = (seen[own] != 0) * np.uint8(EVERYONE | TEAM | OWNER)


class _Tenants:
    """Note when another entity lives in a row than at the refresh before."""

    def __init__(self, world: World) -> None:
        self.extent = 0
        """Number of rows up to the highest that was ever used."""
        self._world = world
        self._alive = np.zeros_like(world.alive)
        self._generation = np.zeros_like(world.generation)
        self._since = np.full(world.capacity, -1, np.int64)
        self._replaced: Rows = NOTHING
        self._tick = self._tick_before = -1

    def refresh(self, tick: int) -> bool:
        """Compare with the refresh before; return whether anyone came or went."""
        alive, generation = self._world.alive, self._world.generation
        self._tick_before, self._tick = self._tick, tick
        new = np.flatnonzero(generation != self._generation)
        is_same = not len(new) and np.array_equal(alive, self._alive)
        # A row that was free at the last refresh was seen by nobody who looked then.
        self._replaced = new[self._alive[new]]
        self._since[new] = tick
        self._generation[new] = generation[new]
        np.copyto(self._alive, alive)
        if len(new):
            self.extent = max(self.extent, int(new[-1]) + 1)
        return not is_same

    def replaced_since(self, tick: int) -> Rows:
        """Return rows that changed hands after a tick, and maybe some more."""
        if tick >= self._tick or tick < 0:
            return NOTHING
        if tick >= self._tick_before:
            return self._replaced
        return np.flatnonzero(self._since > tick)


def _check_components(world: World, interest: Interest) -> None:
    for component in [*(interest.position or ())[:1], *interest.always]:
        if component not in world.components:
            names = ", ".join(each.__name__ for each in world.components)
            msg = (
                f"the interest speaks of {component.__name__}, which the world does "
                f"not have: list it among its components ({names})"
            )
            raise ConfigError(msg)


def _judged(rule: Rule, player: int, rows: Rows) -> NDArray[np.bool_]:
    answer = rule(player, rows)
    is_mask = isinstance(answer, np.ndarray) and answer.dtype == np.bool_
    if not is_mask or answer.shape != rows.shape:
        shown = f"{answer.dtype} {answer.shape}" if is_mask else repr(answer)[:60]
        msg = (
            f"the rule of who sees what answered {shown} for {len(rows)} rows: return "
            "a bool array with one for each"
        )
        raise LocalProtocolError(msg)
    return answer
