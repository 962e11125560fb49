# SPDX-License-Identifier: MIT
"""Tell a prediction from what came true, and how far it was off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.distances import Distance
from gamenet.prediction.rounding import Rounding
from gamenet.world import Component

__all__ = ["Correction", "Measure", "Values"]

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]
Mask = NDArray[np.bool_]

Values = dict[str, NDArray[Any]]
"""Columns of some rows by name, each (n_rows,) or (n_rows, 4)."""


@dataclass(frozen=True, slots=True)
class Correction:
    """What became of predicted rows because something else was confirmed."""

    tick: int
    """The confirmed tick."""
    n_ticks: int
    """How many ticks were computed again."""
    rows: Rows
    """Predicted rows of which the server had told something before this."""
    mispredicted: Rows
    """Rows of which something else had been predicted. None, where the tick was one
    that we had not predicted: after a stall, or when a row is new."""
    sizes: dict[type[Component], float]
    """How far each component that was mispredicted was off at that tick, in units of
    its values, in the row where that was most; 0.0 if only fields that cannot slide
    were wrong."""
    before: dict[type[Component], Values]
    """What was predicted of `rows` for the newest tick until now."""
    after: dict[type[Component], Values]
    """What is predicted of `rows` for the newest tick instead."""

    @property
    def size(self) -> float:
        """Return the largest of the sizes."""
        return max(self.sizes.values(), default=0.0)


class Measure:
    """Compare two blocks of words, within the tolerances of components.

    Args:
        rounding: says what the words mean.
    """

    def __init__(self, rounding: Rounding) -> None:
        self._rounding = rounding
        self._distances = [Distance(component) for component in rounding.components]

    def is_other(self, one: Words, other: Words) -> Mask:
        """Return which rows differ by more than is tolerated.

        Shapes:
            one, other: (n_lines, n_rows); returned: (n_rows,).
        """
        is_other = np.zeros(one.shape[1], np.bool_)
        for _, which, _, is_far in self._differing(one, other):
            is_other[which] |= is_far
        return is_other

    def sizes(self, one: Words, other: Words) -> dict[type[Component], float]:
        """Return how far apart the components are that differ more than is tolerated.

        Shapes:
            one, other: (n_lines, n_rows).
        """
        return {
            component: float(sizes[is_far].max())
            for component, _, sizes, is_far in self._differing(one, other)
            if is_far.any()
        }

    def before(self, before: Words, after: Words) -> dict[type[Component], Values]:
        """Return the columns before a change, as far as they can slide to those after.

        A component that has come or gone has nothing to slide from: what is after the
        change stands for it.

        Shapes:
            before, after: (n_lines, n_rows).
        """
        sliding = before.copy()
        for i, part in enumerate(self._rounding.parts):
            has_come_or_gone = before[i] != after[i]
            sliding[part, has_come_or_gone] = after[part, has_come_or_gone]
        return self._rounding.all_values(sliding)

    def _differing(
        self, one: Words, other: Words
    ) -> Iterator[tuple[type[Component], Rows, NDArray[np.float64], Mask]]:
        """Yield components whose words differ, where, how much, and if that is far."""
        for i, component in enumerate(self._rounding.components):
            part = self._rounding.parts[i]
            has_come_or_gone = one[i] != other[i]
            differs = has_come_or_gone | (one[part] != other[part]).any(axis=0)
            which = differs.nonzero()[0]
            if not len(which):
                continue
            sizes, is_far = np.zeros(len(which)), has_come_or_gone[which]
            ours = self._rounding.values(i, one[:, which])
            theirs = self._rounding.values(i, other[:, which])
            if ours:  # else it is a tag: there or not there
                sizes = np.where(is_far, 0.0, self._distances[i].between(ours, theirs))
                is_far |= ~(sizes <= component.shown.tolerance)
                is_far |= ~self._distances[i].is_same(ours, theirs)
            yield component, which, sizes, is_far
