# SPDX-License-Identifier: MIT
"""Run ahead of the server with one's own entities, and come back to what it confirms.

Each tick the game's predicted functions run at once, in a world of their own, and the
words of what they made are kept. When the server says what a row was at a tick, that is
compared with what had been predicted for the tick, in words or within the tolerance of
a component. If it is something else, the rows go back to that tick, take what was
confirmed, and all ticks since then are computed again with the inputs of their time.

Nothing of what is confirmed is mixed into a prediction that was right: a difference
within the tolerance stays as it is, and is measured anew against each confirmed tick,
so that such differences do not add up.

Source: Gabriel Gambetta, "Client-Side Prediction and Server Reconciliation".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError
from gamenet.prediction.corrections import Correction, Measure, Values
from gamenet.prediction.effects import EffectLedger
from gamenet.prediction.own_rows import NEVER, OwnRows
from gamenet.prediction.rounding import Rounding
from gamenet.wire import Schema
from gamenet.world import Component, World

__all__ = ["Predictor"]

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]
Mask = NDArray[np.bool_]

LOG = 256
MOST_TICKS = 1 << 16


class Predictor:
    """Predict some components of some rows.

    Args:
        world: the predicted world: of these rows, nothing but prediction writes these
            components.
        components: those that the predicted functions change.
        advance: computes a tick: called with its number, it makes the state of the tick
            before into that of the tick, with the inputs of the tick.
        depth: ticks that can be computed again at most.
        effects: told which ticks are computed again, if given.

    Raises:
        ConfigError: if the depth is not 2 to 65,536.
    """

    def __init__(
        self,
        world: World,
        components: Sequence[type[Component]],
        advance: Callable[[int], None],
        *,
        depth: int = 1024,
        effects: EffectLedger | None = None,
    ) -> None:
        if not 2 <= depth <= MOST_TICKS:
            msg = (
                f"a predictor cannot keep {depth} ticks: allowed are 2 to {MOST_TICKS}"
            )
            raise ConfigError(msg)
        self.tick: int | None = None
        """Newest tick that was computed; None before any."""
        self.confirmed: int | None = None
        """Newest tick of which the server told a row; None before any."""
        self.is_replaying = False
        """Whether `advance` is called for a tick that was computed before."""
        self.n_confirmed = 0
        """How often a confirmed tick was taken."""
        self.n_corrections = 0
        """How often something else had been predicted: the mispredictions."""
        self.n_resimulated = 0
        """Ticks that were computed again."""
        self.log: deque[Correction] = deque(maxlen=LOG)
        """The newest corrections, oldest first."""
        self.cancelled: list[tuple[Schema, int]] = []
        """Events that replay did not make again, with their ticks; empty it."""
        self._advance = advance
        self._effects = effects
        self._rounding = Rounding(world, components)
        self._measure = Measure(self._rounding)
        self._own = OwnRows(world, self._rounding, depth)

    @property
    def rows(self) -> Rows:
        """Return the rows that are predicted, ascending."""
        return self._own.rows

    def follow(self, rows: Rows) -> None:
        """Predict these rows from now on, and no others.

        A row that is new starts from what its columns hold; what is confirmed of it
        first is taken, and is no misprediction. So does a row in which another entity
        lives than before.

        Raises:
            LocalProtocolError: if no entity lives in one of them.

        Shapes:
            rows: (n_rows,), in any order.
        """
        self._own.follow(rows)

    # -- ahead ----------------------------------------------------------------------

    def reset(self, tick: int) -> None:
        """Take what the world holds for the state of a tick, and forget all before.

        Call it when the own time line was set anew. What is confirmed of earlier ticks
        after that is still taken.
        """
        self._own.drop_gone()
        self.tick = tick
        self._own.saved.begin(tick, self._rounding.round(self.rows))

    def advance(self, tick: int) -> None:
        """Compute the next tick.

        After a gap, what the world holds is taken for the state of the tick before. A
        tick that was computed already, or whose state the server has told, is left.
        """
        if self.tick is None or tick > self.tick + 1:
            self.reset(tick - 1)
        elif tick <= self.tick:
            return
        self._own.drop_gone()
        self._advance(tick)
        self.tick = tick
        self._own.saved.append(self._rounding.round(self.rows))

    # -- and back -------------------------------------------------------------------

    def confirm(
        self,
        tick: int,
        rows: Rows,
        words: Sequence[Words],
        present: Sequence[Mask] | None = None,
    ) -> Correction | None:
        """Take what the server says that rows were at a tick.

        Rows that are not predicted are left out, and so are those of which this tick
        or a later one was confirmed before. A tick that we have not reached is taken as
        it is; so is one from so long ago that the ticks since then are not known any
        more, as if it was the newest.

        Args:
            tick: of the snapshot.
            rows: those that it tells, each once.
            words: of each component the lanes of the rows.
            present: of each component, which rows have it; None: those that do now.

        Returns:
            What has changed in rows that were known before; None if nothing.

        Raises:
            RemoteProtocolError: a word that no value has.

        Shapes:
            rows: (n_rows,); words: each (n_lanes, n_rows); present: each (n_rows,).
        """
        own = self._own
        own.drop_gone()
        if not len(own.rows):
            return None
        places, is_known = own.places(rows)
        which = (is_known & (own.told_tick[places] < tick)).nonzero()[0]
        if not len(which):
            return None
        told = self._rounding.joined(words, present, rows)[:, which]
        places = places[which]
        is_shown = own.told_tick != NEVER
        own.note(tick, places, told)
        self.confirmed = max(tick, self.confirmed or 0)
        self.n_confirmed += 1
        if self.tick is None or tick > self.tick:
            self._rounding.put(own.rows[places], told)
            self.reset(tick)
            return None
        is_wrong, is_mispredicted = self._judge(tick, places, told)
        if not is_wrong.any():
            return None
        return self._correct(tick, places, told, is_mispredicted, is_shown)

    def _judge(self, tick: int, places: Rows, told: Words) -> tuple[Mask, Mask]:
        """Return which rows have to change, and which of them were mispredicted."""
        saved = self._own.saved
        if not saved.reaches(tick):
            return np.ones(len(places), np.bool_), np.zeros(len(places), np.bool_)
        # Nothing was kept of a tick before a row's first, and that first one was taken
        # from somewhere, not predicted.
        since = saved.since[places]
        is_wrong = since > tick
        words = saved.at(tick)[:, places]
        if not np.array_equal(words, told):
            known = (~is_wrong).nonzero()[0]
            is_wrong[known] = self._measure.is_other(words[:, known], told[:, known])
        return is_wrong, is_wrong & (since < tick)

    def _correct(
        self,
        tick: int,
        places: Rows,
        told: Words,
        is_mispredicted: Mask,
        is_shown: Mask,
    ) -> Correction | None:
        """Go back to what was confirmed, and say what became of the newest tick."""
        assert self.tick is not None
        own, sizes = self._own, {}
        mispredicted = places[is_mispredicted]
        if len(mispredicted):
            words = own.saved.at(tick)[:, mispredicted]
            sizes = self._measure.sizes(words, told[:, is_mispredicted])
            self.n_corrections += 1
        before = own.saved.at(self.tick).copy()
        n_ticks = self._replay(tick, places, told)
        after = own.saved.at(self.tick)
        is_shown[mispredicted] = True
        moved = (is_shown & (before != after).any(axis=0)).nonzero()[0]
        if not len(moved) and not len(mispredicted):
            return None
        correction = Correction(
            tick=tick,
            n_ticks=n_ticks,
            rows=own.rows[moved],
            mispredicted=own.rows[mispredicted],
            sizes=sizes,
            before=self._measure.before(before[:, moved], after[:, moved]),
            after=self._rounding.all_values(after[:, moved]),
        )
        self.log.append(correction)
        return correction

    def _replay(self, tick: int, places: Rows, told: Words) -> int:
        """Compute all ticks after one again; return how many those are."""
        assert self.tick is not None
        own, saved, rounding = self._own, self._own.saved, self._rounding
        if saved.reaches(tick):
            saved.since[places] = np.minimum(saved.since[places], tick)
        else:  # what was kept of the ticks before does not lead to what is told
            saved.since[places] = tick = self.tick
        start = saved.at(tick)
        start[:, places] = told
        begun = saved.since <= tick
        rounding.put(own.rows[begun], start[:, begun])
        later = own.later(tick)
        if self._effects is not None:
            self._effects.begin_replay(tick)
        self.is_replaying = True
        try:
            for number in range(tick + 1, self.tick + 1):
                self._advance(number)
                words = rounding.round(own.rows)
                for place, known in later.get(number, ()):
                    rounding.put(own.rows[[place]], known[:, None])
                    words[:, place] = known
                saved.at(number)[:] = words
        finally:
            self.is_replaying = False
            if self._effects is not None:
                self.cancelled += self._effects.end_replay()
        self.n_resimulated += self.tick - tick
        return self.tick - tick

    # -- what is known --------------------------------------------------------------

    def state(self, tick: int) -> dict[type[Component], Values] | None:
        """Return the columns of all predicted rows as they are known for a tick.

        Returns:
            Of each component the columns by name, each (n_rows,) or (n_rows, 4), with
            defaults where a row does not have it; None if a row is not known then.
        """
        saved = self._own.saved
        if self.tick is None or not saved.reaches(tick) or (saved.since > tick).any():
            return None
        return self._rounding.all_values(saved.at(tick))

    def told(self) -> dict[type[Component], Values]:
        """Return the columns of all predicted rows as the server told them last.

        Returns:
            As `state` does; with defaults where it has told nothing.
        """
        return self._rounding.all_values(self._own.told)
