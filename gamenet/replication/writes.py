# SPDX-License-Identifier: MIT
"""Let players write what is theirs, and nothing else.

A component with `Sync(owner_writes=True)` may also be written by the client of the
entity's owner. The server stays the authority: it checks each such write before it
reaches a column, and where both wrote, its own word stands. The writer says which tick
it had seen; if the server wrote the same component of the same entity after that tick,
the writer did not know, and its write is refused. It will see the server's soon.

What the server wrote is known by `Columns.changed_tick`. Applied writes are stamped
there as well, or nobody else would be told of them; so each is remembered, with its
stamp and its values, and a row where either differs was written by the server since.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from gamenet.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from gamenet.world import Columns, Component, EntityId, World

__all__ = ["Refusal", "Writes", "check_write"]

WRITES_A_SECOND = 240.0
"""Two components at 60 frames a second, and as much again."""
TICKS = 1 << 32
"""Ticks are counted in 32 bits, and wrap around."""


class Refusal(IntEnum):
    """Why a player's write was refused: one byte on the wire, 0 for nothing."""

    NOT_YOURS = 1
    """The entity belongs to somebody else, or to nobody."""
    NOT_WRITABLE = 2
    """Only the server writes this component."""
    NO_SUCH = 3
    """There is no such entity or component, or the entity does not have it."""
    OVERRULED = 4
    """The server wrote it after the tick that the player had seen."""
    MALFORMED = 5
    """The values cannot be read, are not finite or do not fit, or the tick is ahead."""
    TOO_MANY = 6
    """The player writes more often than allowed."""


class Writes:
    """Check and apply what players write to the world of a server.

    Take writes in the tick after which they are to be seen, with `World.tick` set and
    before the game's step, as inputs are: then the step has the last word in its tick.

    Args:
        world: the world of the server.
        components: those that clients are told, in the order of their numbers.
        rate: writes a second that each player may make, and as many at once.

    Raises:
        ConfigError: if the rate is not at least 1.
    """

    def __init__(
        self,
        world: World,
        components: Sequence[type[Component]],
        rate: float = WRITES_A_SECOND,
    ) -> None:
        if not 1 <= rate < math.inf:
            msg = f"players cannot make {rate} writes a second: allowed are 1 and more"
            raise ConfigError(msg)
        self.refused: Counter[Refusal] = Counter()
        """How many writes were refused, by reason."""
        self.n_applied = 0
        """How many writes were applied."""
        self._world = world
        self._components = tuple(components)
        self._authors = {
            component: _Authorship(world.columns(component))
            for component in components
            if component.sync.owner_writes
        }
        self._applied: dict[tuple[int, int, int, int], None] = {}
        self._rate = rate
        self._seconds = 0.0
        self._allowances: dict[int, tuple[float, float]] = {}

    def pass_time(self, seconds: float) -> None:
        """Grant every player what the time brings."""
        self._seconds += seconds

    def forget(self, player_id: int) -> None:
        """Forget a player who is gone."""
        self._allowances.pop(player_id, None)

    def take(
        self,
        player_id: int,
        row: int,
        generation: int,
        component: int,
        tick: int,
        body: bytes,
    ) -> Refusal | None:
        """Apply a write, or return why not; then nothing is changed.

        Args:
            player_id: who wrote.
            row: row of the entity.
            generation: generation of the entity.
            component: number of the component.
            tick: tick of the newest snapshot that the writer had seen.
            body: the component's values, encoded.
        """
        refusal = (
            self._count(player_id)
            or self._check_target(player_id, row, generation, component)
            or self._apply(row, generation, self._components[component], tick, body)
        )
        if refusal is None:
            self.n_applied += 1
            self._applied[player_id, row, generation, component] = None
        else:
            self.refused[refusal] += 1
        return refusal

    def overruled(self) -> list[tuple[int, int, int, int]]:
        """Return the writes since the last call that the server has undone or altered.

        It does so after they were applied: the game's step has the last word. Where it
        writes back what was there before, no snapshot would tell.

        Returns:
            Player, row, generation and component of each, once.
        """
        applied, self._applied = self._applied, {}
        overruled = [
            (player_id, row, generation, component)
            for player_id, row, generation, component in applied
            if self._check_target(player_id, row, generation, component) is None
            and not self._authors[self._components[component]].is_as_noted(row)
        ]
        if overruled:
            self.refused[Refusal.OVERRULED] += len(overruled)
        return overruled

    def _count(self, player_id: int) -> Refusal | None:
        left, at = self._allowances.get(player_id, (self._rate, self._seconds))
        left = min(left + self._rate * (self._seconds - at), self._rate)
        refusal = Refusal.TOO_MANY if left < 1.0 else None
        spent = left if refusal else left - 1.0
        self._allowances[player_id] = spent, self._seconds
        return refusal

    def _check_target(
        self, player_id: int, row: int, generation: int, component: int
    ) -> Refusal | None:
        world = self._world
        if not (0 <= component < len(self._components) and 0 <= row < world.capacity):
            return Refusal.NO_SUCH
        if not world.alive[row] or world.generation[row] != generation:
            return Refusal.NO_SUCH
        kind = self._components[component]
        if not world.columns(kind).present[row]:
            return Refusal.NO_SUCH
        if kind not in self._authors:
            return Refusal.NOT_WRITABLE
        # Nobody is player 0, and owns nothing.
        if player_id == 0 or world.owner[row] != player_id:
            return Refusal.NOT_YOURS
        return None

    def _apply(
        self,
        row: int,
        generation: int,
        kind: type[Component],
        tick: int,
        body: bytes,
    ) -> Refusal | None:
        values = _decoded(kind, body)
        age = (self._world.tick - tick) % TICKS
        # Nobody has seen what is still to come: who says so wants to be always right.
        if values is None or age >= TICKS // 2:
            return Refusal.MALFORMED
        authorship = self._authors[kind]
        if (self._world.tick - authorship.server_tick(row, generation)) % TICKS < age:
            return Refusal.OVERRULED
        try:
            self._world.add(self._world.id_of(row), values)
        except LocalProtocolError:
            return Refusal.MALFORMED
        authorship.note(row, generation)
        return None


def check_write(
    world: World, player_id: int, entity: EntityId, component: type[Component]
) -> None:
    """Refuse what the server would refuse, before it is sent.

    Args:
        world: the client's copy of the world.
        player_id: the client's own player.
        entity: what it wants to write to.
        component: what it wants to write there.

    Raises:
        StaleEntityError: if the entity is gone.
        LocalProtocolError: if it does not have the component, or if the player may not
            write it.
    """
    row = world.row_of(entity)
    name = component.__name__
    if not world.has(entity, component):
        msg = f"entity {entity} has no {name} to write: ask world.has first"
        raise LocalProtocolError(msg)
    if not component.sync.owner_writes:
        msg = (
            f"only the server writes {name}: send an input or a message instead, or "
            f"declare it with sync = Sync(owner_writes=True)"
        )
        raise LocalProtocolError(msg)
    owner = int(world.owner[row])
    if player_id == 0 or owner != player_id:
        whose = f"player {owner}" if owner else "nobody"
        msg = (
            f"player {player_id} cannot write {name} of entity {entity}, which belongs "
            f"to {whose}: the server gives it away with world.set_owner"
        )
        raise LocalProtocolError(msg)


class _Authorship:
    """Tell what the server wrote into one component from what players wrote.

    Args:
        columns: the component's columns.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        n_rows = len(columns.present)
        self._generation = np.zeros(n_rows, np.uint32)
        self._stamp = np.zeros(n_rows, np.uint32)
        self._values = {
            name: np.zeros_like(array) for name, array in columns.arrays.items()
        }
        self._server_tick = np.zeros(n_rows, np.uint32)

    def server_tick(self, row: int, generation: int) -> int:
        """Return the newest tick in which the server wrote, as far as it shows."""
        changed = self._columns.changed_tick[row]
        if (
            self._generation[row] != generation
            or self._stamp[row] != changed
            or not self.is_as_noted(row)
        ):
            self._server_tick[row] = changed
        return int(self._server_tick[row])

    def note(self, row: int, generation: int) -> None:
        """Note that what the row holds now is what a player wrote."""
        self._generation[row] = generation
        self._stamp[row] = self._columns.changed_tick[row]
        for name, array in self._columns.arrays.items():
            self._values[name][row] = array[row]

    def is_as_noted(self, row: int) -> bool:
        """Return whether a row still holds what a player wrote."""
        return all(
            self._values[name][row].tobytes() == array[row].tobytes()
            for name, array in self._columns.arrays.items()
        )


def _decoded(kind: type[Component], body: bytes) -> Any:
    """Return the values, or None if they are malformed or not all finite."""
    try:
        values = kind.decode(body)
    except RemoteProtocolError:
        return None
    for field in kind.schema_fields:
        value = getattr(values, field.name)
        if isinstance(value, float) and not math.isfinite(value):
            return None
    return values
