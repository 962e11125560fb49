# SPDX-License-Identifier: MIT
"""The world as it was seen at one moment of the past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.prediction.past_world import PastWorld
from gamenet.world import Component

__all__ = ["Rewound"]

Rows = NDArray[np.intp]

NO_ROWS: Rows = np.empty(0, np.intp)


class Rewound:
    """Show a moment that `Rewind.at` has found.

    In a `with` block the columns of the world hold what was seen; at its end, or after
    an exception, they hold again what they held before. So what the block writes to
    the rewound components is undone, and all else that it writes stays.

    Args:
        past: where the moment lies.
        older: tick of the snapshot before it.
        newer: tick of the snapshot after it, or the same.
        share: how far the moment is from the one to the other, 0 to 1.
        keep_rows: rows that are shown as they are now.

    Example:
        with rewind.at(queue.sight, keep_rows=own_rows) as seen:
            targets = seen.query(Position)
            hits = ray_spheres(eye, aim, centers(targets), radius)
    """

    # What a block remembers; a view that is only asked needs none of it.
    _n_rows = 0
    _holders: Sequence[Rows] = ()
    _generation: NDArray[np.uint32]

    def __init__(
        self,
        past: PastWorld,
        older: int,
        newer: int,
        share: float,
        keep_rows: Iterable[int] | Rows = (),
    ) -> None:
        self.tick = older + (newer - older) * share
        """The moment that is seen, in ticks."""
        self._past = past
        self._world = past.world
        self._older = older
        line = older % past.n_lines
        self._between = (line, newer % past.n_lines, share)
        self._then = past.holders[line]
        """Of each component, the rows that had it."""
        self._made_at = past.tick
        self._kept = _rows(keep_rows, past.world.capacity)

    # -- asking -------------------------------------------------------------------

    def query(self, *components: type[Component]) -> Rows:
        """Return the ascending rows of who has some components, then and now.

        Who did not live then is not among them, nor who lives no more, nor who lives
        in a row that was somebody else's. Of components that are not rewound it
        matters only who has them now.

        Shapes:
            returned: (n,) intp, read-only.
        """
        self._expect_present()
        past = self._past
        rows = self._world.query(*components)
        if len(components) == 1 and rows is self._then.get(components[0]):
            return rows
        rewound = [each for each in components if each in past.places]
        if rewound and all(map(self._is_as_then, rewound)):
            return rows
        have_lived = past.have_lived(self._older, rows)
        for component in rewound:
            have_lived &= past.had(self._older, component, rows)
        rows = rows[have_lived]
        rows.flags.writeable = False
        return rows

    def values(
        self, component: type[Component], rows: Rows | None = None
    ) -> dict[str, NDArray[Any]]:
        """Return what was seen of a component, by field, and leave the world alone.

        Args:
            component: a rewound one.
            rows: whose values; None is all that `query` finds. Of rows that it does
                not find, and of rows that are kept, the values are those of now.

        Raises:
            LocalProtocolError: the component is not rewound, or a row is none.

        Shapes:
            rows: (n,); each value returned: (n,), of a quaternion (n, 4).
        """
        self._expect_present()
        past = self._past
        one = past.pasts[self._place(component)]
        rows = (
            self.query(component) if rows is None else _rows(rows, self._world.capacity)
        )
        found = {name: array[rows] for name, array in one.columns.arrays.items()}
        # Also within a block these rows hold what they hold now.
        is_past = past.had(self._older, component, rows) & ~np.isin(rows, self._kept)
        seen = one.between(*self._between, rows[is_past])
        for name, column in found.items():
            column[is_past] = seen[name]
        return found

    def table(self, component: type[Component]) -> NDArray[Any]:
        """Return what was seen of a component as one table, and leave the world alone.

        It is the fastest way to judge a shot: nothing is put away or put back, and the
        shots of one tick share their work. Give it to a hit test, with the rows of
        `query`. Rows that `query` does not find, and kept ones, are as they are now.

        Args:
            component: a rewound one that has a `Columns.table`: scalars of one type,
                all of which go straight. Of others ask `values`.

        Returns:
            An array that the next `table` of this component overwrites, whoever asks
            for it: copy what is to be kept, and write nothing to it.

        Raises:
            LocalProtocolError: the component is not rewound, or has no such table.

        Shapes:
            returned: (n_fields, n_rows), in the dtype and order of the columns.
        """
        self._expect_present()
        past = self._past
        one = past.pasts[self._place(component)]
        seen = one.table(*self._between)
        now = one.columns.table
        if seen is None or now is None:
            msg = (
                f"{component.__name__} is no table of numbers that go straight: ask "
                "`values` for its fields, or use a `with` block"
            )
            raise LocalProtocolError(msg)
        n_rows = seen.shape[1]
        if len(self._kept):
            kept = self._kept[self._kept < n_rows]
            seen[:, kept] = now[:, kept]
        if not self._is_as_then(component):
            rows = self._now(component)
            others = rows[~past.had(self._older, component, rows)]
            others = others[others < n_rows]
            seen[:, others] = now[:, others]
        return seen

    def _place(self, component: type[Component]) -> int:
        place = self._past.places.get(component)
        if place is None:
            names = ", ".join(each.__name__ for each in self._past.components)
            msg = (
                f"{component.__name__} is not rewound, but {names}: name it in the "
                "game's `rewindable`"
            )
            raise LocalProtocolError(msg)
        return place

    def _is_as_then(self, component: type[Component]) -> bool:
        """Return whether the same entities have had a component since then."""
        # A query gives the same object for as long as nobody gains or loses it.
        return self._now(component) is self._then[component]

    def _now(self, component: type[Component]) -> Rows:
        return self._world.query(component)

    def _expect_present(self) -> None:
        if self._past.tick != self._made_at:
            msg = (
                f"a view of tick {self.tick:.2f} that was made in tick {self._made_at} "
                f"is used in tick {self._past.tick}: make one each time"
            )
            raise LocalProtocolError(msg)

    # -- showing ------------------------------------------------------------------

    def __enter__(self) -> Self:
        past = self._past
        self._expect_present()
        if past.is_shown:
            msg = (
                "the world is rewound already: end that block first, or ask `values` "
                "of the other view"
            )
            raise LocalProtocolError(msg)
        past.is_shown = True
        self._n_rows = past.n_rows
        self._generation = self._world.generation[: self._n_rows].copy()
        self._holders = [self._now(component) for component in past.components]
        try:
            for one in past.pasts:
                one.keep(self._n_rows)
            for i, component in enumerate(past.components):
                past.pasts[i].show(*self._between)
                self._put_back_others(i, component)
        except BaseException:
            self._put_back()
            raise
        return self

    def _put_back_others(self, i: int, component: type[Component]) -> None:
        """Show the rows as they are now that are not to be shown as they were."""
        past = self._past
        kept = self._kept
        if len(kept):
            past.pasts[i].put_back(kept[kept < self._n_rows])
        now = self._holders[i]
        if now is not self._then[component]:
            now = now[now < self._n_rows]
            past.pasts[i].put_back(now[~past.had(self._older, component, now)])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._put_back()

    def _put_back(self) -> None:
        past, n_rows = self._past, self._n_rows
        past.is_shown = False
        for i, component in enumerate(past.components):
            before, now = self._holders[i], self._now(component)
            if now is before:
                past.pasts[i].put_back(slice(0, n_rows))
                continue
            # Who came during the block keeps the values that they came with.
            before = before[before < n_rows]
            is_same = self._generation[before] == self._world.generation[before]
            past.pasts[i].put_back(before[is_same])


def _rows(rows: Iterable[int] | Rows, capacity: int) -> Rows:
    """Return rows as an array.

    Raises:
        LocalProtocolError: one is no row of a world with this capacity.
    """
    if isinstance(rows, tuple) and not rows:
        return NO_ROWS
    if not isinstance(rows, np.ndarray):
        rows = np.array(list(rows), np.intp)
    if len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < capacity:
        msg = f"rows from {rows.min()} to {rows.max()}: a world has 0 to {capacity - 1}"
        raise LocalProtocolError(msg)
    return rows
