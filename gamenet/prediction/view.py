# SPDX-License-Identifier: MIT
"""The world as a player sees it: others a little in the past, so that they move evenly.

`World` on a client holds the newest that the server has told, which comes in jerks. A
`View` has columns of its own for all of its components, and they belong to one moment,
the view tick: what slides is between two snapshots, what steps is as the older one
says, and the entities are those of that moment. One that has been despawned is there
until the view comes to that tick, also if its row has another one in the newest world.

A player's own entities, which are predicted, are put into the same columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.prediction.blend import Kind, blend, kind_of
from gamenet.prediction.fading import Fading
from gamenet.prediction.frames import Sight
from gamenet.prediction.samples import Samples
from gamenet.prediction.viewcolumns import ViewColumns
from gamenet.world import Component, Show, World

__all__ = ["View"]

SLOTS = 64
NOWHERE = -1
ROW_BITS = np.uint64(32)

Rows = NDArray[np.intp]


class View:
    """Show a client's world at a moment in the past.

    Args:
        world: the client's copy of the server's world.
        tick_rate: ticks a second.
        slots: how many ticks are kept: the view cannot be further behind.

    Example:
        view.arrived(tick, [(each.component, each.rows) for each in followed.written])
        view.update(playout.view_tick(now))
        place = view.columns(Position)
        for row in view.rows(Position).tolist():
            draw(place.x[row], place.y[row])
    """

    def __init__(self, world: World, tick_rate: float, *, slots: int = SLOTS) -> None:
        self.world = world
        self.tick: float | None = None
        """The moment that is shown; None before the first `update`."""
        self._samples = Samples(world, tick_rate=tick_rate, slots=slots)
        self._lines = lines = self._samples.lines
        planes = lines.planes
        self._way = np.zeros((planes.n_planes, world.capacity))
        self._out = np.zeros((planes.n_planes, world.capacity))
        self._steps = [np.zeros_like(block[0]) for block in lines.steps]
        self._columns = {
            component: ViewColumns(component, self._arrays(i))
            for i, component in enumerate(world.components)
        }
        self._fading = Fading(planes, world.capacity, tick_rate)
        self._between: tuple[int, int, int] | None = None
        self._own: Rows = np.empty(0, np.intp)
        self._found: dict[tuple[type[Component], ...], tuple[Any, Any, Rows]] = {}
        for component in world.components:
            self._fill(component)

    @property
    def newest(self) -> int | None:
        """Return the tick of the newest snapshot; None before the first."""
        return self._samples.newest

    @property
    def oldest(self) -> int | None:
        """Return the oldest tick that can be shown; None before the first snapshot."""
        return None if self.newest is None else self._lines.oldest

    @property
    def own(self) -> Rows:
        """The rows of own entities, which are there as the world has them now."""
        return self._own

    @own.setter
    def own(self, rows: Rows) -> None:
        self._own = np.array(rows, np.intp)
        self._found.clear()

    def arrived(
        self, tick: int, told: Iterable[tuple[type[Component], Rows]] = ()
    ) -> None:
        """Take what a snapshot, or a part of one, has made of the world.

        To be called after each part, when the world holds its values. Who came and
        went, and who gained or lost components, is found in the world itself.

        Args:
            tick: of the snapshot; it may be older than one before.
            told: the rows whose values it has changed, by component.
        """
        samples, now = self._samples, self.tick
        is_beyond = False
        if now is not None and samples.newest is not None:
            is_beyond = now > samples.newest
        frozen = NOWHERE if now is None else math.ceil(now)
        with np.errstate(invalid="ignore", over="ignore"):
            samples.arrived(tick, told, frozen)
            if is_beyond and now is not None:
                self._fade_from(now)
        self._fading.forget(samples.take_placed())

    def update(self, view_tick: float) -> None:
        """Move to a moment: write what slides and what steps into the columns.

        Args:
            view_tick: the moment, in ticks with a fraction; never back but after a
                resync.
        """
        self.tick = view_tick
        if self._samples.newest is None:
            return
        # Whoever plays on bad connections sees numbers that are none, and no warnings.
        with np.errstate(invalid="ignore", over="ignore"):
            self._move(view_tick)
            self._fading.add(view_tick, self._out[:, : self._lines.n_rows])

    def _move(self, view_tick: float) -> None:
        """Write what is between two lines."""
        samples, lines, n = self._samples, self._lines, self._lines.n_rows
        view_tick = samples.extend(view_tick)
        older = math.floor(view_tick)
        between = (older, math.ceil(view_tick), samples.version)
        if between != self._between:
            self._turn(older, is_between=view_tick > older)
            self._between = between
        lines.planes.along(
            lines.at(older), self._way[:, :n], view_tick - older, self._out[:, :n]
        )

    def _fade_from(self, now: float) -> None:
        """Let what is drawn now go over into what has turned out to be true."""
        out = self._out[:, : self._lines.n_rows]
        before = out.copy()
        self._move(now)
        self._samples.keep_standing(self._fading.begin(now, before, out))
        out[...] = before

    def columns(self, component: type[Component]) -> ViewColumns:
        """Return the columns of a component: always the same object.

        Raises:
            LocalProtocolError: the world has no such component.
        """
        try:
            return self._columns[component]
        except KeyError:
            names = ", ".join(each.__name__ for each in self._columns) or "none"
            msg = f"a view has no {component.__name__}: its world has {names}"
            raise LocalProtocolError(msg) from None

    def rows(self, *components: type[Component]) -> Rows:
        """Return the rows to draw: those that have all of some components now.

        Others are those of the view tick, own ones those of the world.

        Shapes:
            returned: (n,), ascending; not to be written to.
        """
        queried = self.world.query(*components) if len(self._own) else None
        found = self._found.get(components)
        if found and found[0] == self._between and found[1] is queried:
            return found[2]
        indices = [self._index(component) for component in components]
        mask = self._there() != 0
        if self._between is not None:
            slot = self._between[0] % self._lines.n_slots
            present = self._lines.present[slot, :, : len(mask)]
            for index in indices:
                mask &= present[index]
        if queried is not None:
            is_own = np.zeros(self.world.capacity, np.bool_)
            is_own[queried] = True
            own = self._own[self._own < len(mask)]
            mask[own] = is_own[own]
        rows: Rows = mask.nonzero()[0]
        self._found[components] = (self._between, queried, rows)
        return rows

    def ids_of(self, rows: Rows) -> NDArray[np.uint64]:
        """Return the ids of the entities that rows show; 0 where there is none."""
        generation = np.zeros(self.world.capacity, np.uint64)
        there = self._there()
        generation[: len(there)] = there
        generation[self._own] = self.world.generation[self._own]
        picked = generation[rows]
        ids: NDArray[np.uint64] = picked << ROW_BITS | np.asarray(rows, np.uint64)
        ids[picked == 0] = 0
        return ids

    def show(self, rows: Rows, show: Show | None) -> None:
        """Choose for single entities whether they slide, whatever their components say.

        Args:
            rows: their rows; the choice ends with the entity.
            show: `Show.SNAPPED` or `Show.INTERPOLATED`; None: as the components say.

        Raises:
            LocalProtocolError: for `Show.PREDICTED`: see `put_own`.
        """
        if show is Show.PREDICTED:
            msg = (
                "a view predicts nothing: show PREDICTED is for own entities, whose "
                "values are put with put_own"
            )
            raise LocalProtocolError(msg)
        self._samples.show(np.asarray(rows, np.intp), show)

    def sight(self) -> Sight:
        """Return what is seen now, as the server has to know it for its rewinding."""
        if self.tick is None:
            return Sight(0.0)
        return Sight(self.tick, *self._samples.surrounding(self.tick))

    def put_own(
        self,
        component: type[Component],
        rows: Rows,
        previous: Mapping[str, NDArray[Any]],
        newest: Mapping[str, NDArray[Any]],
        fraction: float,
    ) -> None:
        """Show rows between two predicted ticks; to be called after each `update`.

        Args:
            component: what is put.
            rows: own rows.
            previous: by field, what the rows were in the tick before the newest.
            newest: by field, what they are in the newest tick.
            fraction: how far the own time line is beyond the newest tick, from 0 to 1.

        Shapes:
            rows: (n,); values: (n,), of quaternions (n, 4).
        """
        arrays = self.columns(component).arrays
        for field in component.schema_fields:
            kind, name = kind_of(field), field.name
            if kind is Kind.STEP:
                arrays[name][rows] = newest[name]
            else:
                one = np.asarray(previous[name], np.float64).T
                other = np.asarray(newest[name], np.float64).T
                arrays[name][rows] = blend(kind, one, other, fraction).T

    def _there(self) -> NDArray[np.uint32]:
        """Return the generation of each row in use as of the view tick, 0 for none."""
        if self._between is None:
            return np.zeros(self._lines.n_rows, np.uint32)
        slot = self._between[0] % self._lines.n_slots
        there: NDArray[np.uint32] = self._lines.generation[slot, : self._lines.n_rows]
        return there

    def _turn(self, older: int, *, is_between: bool) -> None:
        """Take up what differs between lines, and what steps at the older one."""
        lines, n = self._lines, self._lines.n_rows
        if is_between:
            self._samples.way(older, self._way)
        else:
            self._way[:, :n] = 0.0
        for out, block in zip(self._steps, lines.steps, strict=True):
            out[:, :n] = block[older % lines.n_slots, :, :n]

    def _index(self, component: type[Component]) -> int:
        self.columns(component)
        return self.world.components.index(component)

    def _arrays(self, index: int) -> dict[str, NDArray[Any]]:
        """Return the arrays of a component in the order of its fields."""
        planes, arrays = self._lines.planes, {}
        for part in planes.parts[index]:
            for name, span in part.places():
                block = self._out[span]
                arrays[name] = block.T if part.kind is Kind.QUATERNION else block[0]
        for step in planes.step_parts[index]:
            arrays[step.name] = self._steps[step.block][step.plane]
        fields = self.world.components[index].schema_fields
        return {field.name: arrays[field.name] for field in fields}

    def _fill(self, component: type[Component]) -> None:
        """Have legal values everywhere, as the world has."""
        for name, array in self._columns[component].arrays.items():
            array[:] = self.world.columns(component).arrays[name]
