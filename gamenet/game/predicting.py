# SPDX-License-Identifier: MIT
"""Run a game's predicted functions on a client, ahead of the server.

The client has two worlds. In the confirmed one is what the server said last. The
predicted one begins as its copy; there the player's own entities are moved on, tick by
tick, by the game's own functions and the player's own inputs. What the server says of a
tick is compared with what was predicted for it, and where that differs the own entities
go back to what the server said, and through the ticks since once more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gamenet.game.game import Game
from gamenet.game.kept import KeptState
from gamenet.game.own_player import OwnPlayer
from gamenet.game.predicted_world import PredictedWorld
from gamenet.prediction import (
    Correction,
    Distance,
    EffectLedger,
    Input,
    Offsets,
    Predictor,
    View,
)
from gamenet.replication import Event, Followed, RowLayout, Told
from gamenet.world import Component, EntityId, Show, World, entity_ids, entity_row

__all__ = ["OwnInputs", "Predicting"]

Rows = NDArray[np.intp]
Values = dict[str, NDArray[Any]]
Report = Callable[[str], None] | None

KEPT_EFFECTS = 512
"""Ticks for which it is remembered what was played."""
REORDERED = 64
"""Ticks by which snapshots may overtake one another."""
DEPTH = 1024
"""Ticks that can be made once more."""


class OwnInputs(Protocol):
    """What tells what the player did: an `InputBuffer`, or a recording."""

    def at(self, tick: int) -> Sequence[Input]:
        """Return the inputs of a tick, as the server decodes them."""

    def forget(self, before_tick: int) -> None:
        """Note that ticks before one will not be asked for again."""


class Predicting:
    """Predict what becomes of one player's own entities.

    Args:
        game: an instance of its own; its functions are called in the predicted world.
        world: the confirmed one.
        layout: of what snapshots tell of a row.
        player: whose entities are predicted.
        inputs: what the player did in each tick.
        report: called with a hook's name where it has raised, while that is handled;
            None lets it pass on.
    """

    def __init__(
        self,
        game: Game,
        world: World,
        layout: RowLayout,
        player: OwnPlayer,
        inputs: OwnInputs,
        report: Report,
    ) -> None:
        self.game = game
        self.player = player
        self.confirmed = world
        self.world = PredictedWorld(world.components, world.capacity)
        """The predicted world."""
        self.components = tuple(game.predicted_components())
        """What is predicted of own entities."""
        self.effects = EffectLedger()
        """What own entities have caused, so that it is played once."""
        self.predictor = Predictor(
            self.world,
            self.components,
            self._step,
            depth=DEPTH,
            effects=self.effects,
        )
        """Keeps what was predicted, and compares."""
        self.played: list[tuple[Event, int]] = []
        """Events that are to be played now, with their ticks; empty it."""
        self.corrections: list[Correction] = []
        """Corrections that were made; empty it."""
        self.offsets = Offsets(self.components, world.capacity)
        """What corrections leave in the view."""
        self._decayed_at: float | None = None
        self._layout = layout
        self._distances = {each: Distance(each) for each in self.components}
        self._numbers = [layout.components.index(each) for each in self.components]
        self._inputs = inputs
        self._report = report
        self._dt = 1.0 / game.tick_rate
        game.begin_predicting(self.world, player, self._made)
        self._kept = KeptState(game, world.capacity, DEPTH)
        self._stepped: int | None = None
        self._own: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._is_own = np.zeros(world.capacity, np.bool_)

    @property
    def rows(self) -> Rows:
        """Return the rows of the entities that are predicted, ascending."""
        return self.predictor.rows

    # -- what the server says -----------------------------------------------------

    def follow(self, followed: Followed, now: float) -> None:
        """Take what a snapshot has made of the confirmed world.

        Args:
            followed: what that was.
            now: when it came.
        """
        self._decay(now)
        for entity in (*followed.despawned, *followed.left):
            if entity in self.world:
                self.world.despawn(entity)
        for entity in (*followed.spawned, *followed.reshaped, *followed.reowned):
            self._copy_entity(entity)
        for written in followed.written:
            rows = written.rows
            if written.component in self.components:
                rows = rows[~self._is_own[rows]]
            self._copy_values(written.component, rows)
        self._find_own(max((told.tick for told in followed.told), default=0))
        for told in followed.told:
            self._confirm(told)

    def copy(self, entity: EntityId, component: type[Component]) -> None:
        """Take what the player has written to a component of an entity."""
        row = np.array([entity_row(entity)], np.intp)
        self._copy_values(component, row)

    def _copy_entity(self, entity: EntityId) -> None:
        """Have an entity in the predicted world as it is in the confirmed one."""
        confirmed = self.confirmed
        if entity not in confirmed:  # another message has ended it already
            return
        row = entity_row(entity)
        shape = [each for each in confirmed.components if confirmed.has(entity, each)]
        kept = self._predicted_of(entity)
        self.world.restore(entity, shape, int(confirmed.owner[row]))
        for component in shape:
            if component not in kept:
                self._copy_values(component, np.array([row], np.intp))

    def _predicted_of(self, entity: EntityId) -> set[type[Component]]:
        """Return the components of an entity whose values are ahead of the server."""
        if entity not in self.world or entity_row(entity) not in self.rows:
            return set()
        return {each for each in self.components if self.world.has(entity, each)}

    def _copy_values(self, component: type[Component], rows: Rows) -> None:
        source, target = (
            self.confirmed.columns(component),
            self.world.columns(component),
        )
        for name, column in source.arrays.items():
            target.arrays[name][rows] = column[rows]

    def _find_own(self, tick: int) -> None:
        """Find out which entities are predicted now, as of a tick of the server's."""
        rows = self.game.predicted_rows()
        own = entity_ids(rows, self.world.generation[rows])
        if np.array_equal(own, self._own):
            return
        self.offsets.drop(rows[~np.isin(own, self._own)])
        gone = [
            entity_row(EntityId(each)) for each in np.setdiff1d(self._own, own).tolist()
        ]
        self._own = own
        self._is_own[:] = False
        self._is_own[rows] = True
        self.predictor.follow(rows)
        self.player.avatar = EntityId(int(own[0])) if len(own) else None
        self._let_go(gone, tick)

    def _let_go(self, gone: list[int], tick: int) -> None:
        """Have rows that are not predicted any more be as the server says."""
        left = [row for row in gone if self.confirmed.alive[row]]
        rows = np.array([row for row in left if not self._is_own[row]], np.intp)
        for component in self.components:
            self._copy_values(component, rows)
        self.predictor.cancelled += self.effects.drop(gone, tick)

    def _confirm(self, told: Told) -> None:
        """Compare what a snapshot says of own entities with what was predicted."""
        layout, world = self._layout, self.world
        is_own = self._is_own[told.rows]
        is_own &= told.words[layout.generation_position] == world.generation[told.rows]
        which = is_own.nonzero()[0]
        if not len(which):
            return
        words = told.words[:, which]
        correction = self.predictor.confirm(
            told.tick,
            told.rows[which],
            [words[layout.positions[i]] for i in self._numbers],
            [_has(layout, words, i) for i in self._numbers],
        )
        if correction is not None:
            self.corrections.append(correction)
            self.offsets.correct(correction)
        # Another part of an older snapshot may come, and have us begin before it.
        self._inputs.forget(told.tick - REORDERED)
        self.effects.forget(told.tick - KEPT_EFFECTS)

    def heard(self, event: Event, tick: int, row: int | None) -> bool:
        """Take an event of the server's; return whether it is new to us.

        Args:
            event: what happened.
            tick: when.
            row: of the entity that caused it; None if it is not said.
        """
        return row is None or self.effects.heard(tick, event, row)

    def take_cancelled(self) -> list[tuple[Event, int]]:
        """Return the events that were played, and have not happened after all."""
        predictor = self.predictor
        cancelled, predictor.cancelled = predictor.cancelled, []
        return [(event, tick) for event, tick in cancelled if isinstance(event, Event)]

    # -- what we do ---------------------------------------------------------------

    def advance(self, tick: int) -> None:
        """Predict a tick, with the inputs of its frame."""
        self.predictor.advance(tick)

    def restart(self, tick: int) -> None:
        """Begin anew at another tick, from what is confirmed."""
        for component in self.components:
            self._copy_values(component, self.rows)
        self.predictor.reset(tick)
        self._kept.clear()
        self.offsets.drop(self.rows)
        # What was made of later ticks is not made again where our time went back.
        self.effects.begin_replay(tick)
        self.predictor.cancelled += self.effects.end_replay()

    def show(self, view: View, fraction: float, now: float) -> None:
        """Put our own entities into a view, where they are predicted to be.

        Args:
            view: up to date for all others.
            fraction: how far our own time is from the newest own tick to the next.
            now: when it is drawn.
        """
        view.own = rows = self.rows
        self._decay(now)
        newest = self._state(0)
        if newest is None or not len(rows):
            return
        previous = self._state(-1) or newest
        for component, values in newest.items():
            if component.shown.own in (None, Show.PREDICTED):
                before = self._shown_from(component, previous[component], values)
                view.put_own(component, rows, before, values, fraction)
                self._offset(view.columns(component).arrays, component, rows)

    def _shown_from(
        self, component: type[Component], previous: Values, newest: Values
    ) -> Values:
        """Return where own rows slide from: where they are, if that is a jump."""
        if component.shown.snap == math.inf:
            return previous
        sizes = self._distances[component].between(previous, newest)
        jumps = sizes >= component.shown.snap
        if not jumps.any():
            return previous
        shown = {name: column.copy() for name, column in previous.items()}
        for name, column in shown.items():
            column[jumps] = newest[name][jumps]
        return shown

    def _decay(self, now: float) -> None:
        """Let what corrections have left become less, as of now."""
        passed = 0.0 if self._decayed_at is None else now - self._decayed_at
        self.offsets.decay(max(passed, 0.0))
        self._decayed_at = now

    def _state(self, back: int) -> dict[type[Component], Values] | None:
        """Return what is predicted for the newest tick, or for one before it."""
        newest = self.predictor.tick
        return None if newest is None else self.predictor.state(newest + back)

    def _offset(
        self, arrays: dict[str, Any], component: type[Component], rows: Rows
    ) -> None:
        """Move what is shown by what corrections have left of it."""
        values = {name: array[rows] for name, array in arrays.items()}
        self.offsets.apply(component, rows, values)
        for name, array in arrays.items():
            array[rows] = values[name]

    def _step(self, tick: int) -> None:
        """Have the game make a tick: now, or once more."""
        game = self.game
        if tick - 1 != self._stepped:
            self._kept.load(tick - 1)
        self._stepped = game.tick = tick
        for item in self._inputs.at(tick):
            self._call("input_received", game.input_received, self.player, item)
        self._call("predict", game.predict, self._dt)
        self._kept.save(tick, self.rows)

    def _call(self, name: str, function: Callable[..., Any], *arguments: Any) -> None:
        try:
            function(*arguments)
        except Exception:
            if self._report is None:
                raise
            self._report(name)

    def _made(self, event: Event, row: int) -> None:
        """Take an event that the game makes of an own entity."""
        if self.effects.make(self.game.tick, event, row):
            self.played.append((event, self.game.tick))


def _has(layout: RowLayout, words: NDArray[np.uint32], i: int) -> NDArray[np.bool_]:
    """Return which rows have a component, by its number: (n_rows,)."""
    shape = words[layout.shape_positions[i // 32]]
    return (shape & np.uint32(1 << i % 32)) != 0
