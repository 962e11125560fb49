# SPDX-License-Identifier: MIT
"""What lines say that no snapshot has told of yet: that everything goes on.

A guess goes on as in the tick before the newest snapshot, for as long as `Shown` of its
component allows, and then stands.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.lines import Lines
from gamenet.world import Component

__all__ = ["Guesses", "longest_guess"]


def longest_guess(component: type[Component], tick_rate: float) -> float:
    """Return for how many ticks a component's values go on without being told."""
    return component.shown.extrapolate * tick_rate


class Guesses:
    """Add lines after the newest snapshot.

    Args:
        lines: where to add them.
        tick_rate: ticks a second.
    """

    def __init__(self, lines: Lines, tick_rate: float) -> None:
        self._lines = lines
        planes = lines.planes
        self._limits = np.zeros((planes.n_planes, 1))
        for i, component in enumerate(lines.world.components):
            for part in planes.parts[i]:
                limit = longest_guess(component, tick_rate)
                self._limits[part.planes] = limit
        self.n_lines = math.ceil(self._limits.max(initial=0.0))
        """How many lines there can be: after those nothing moves any more."""

    def extend(self, newest: int, to: int, drift: NDArray[np.float64]) -> None:
        """Add lines up to a tick.

        Args:
            newest: the newest line that is none of ours.
            to: a tick, at most `n_lines` after that.
            drift: how values change in a tick.

        Shapes:
            drift: (n_planes, capacity).
        """
        lines = self._lines
        while lines.top < to:
            lines.advance(lines.top + 1)
            lines.planes.along(
                lines.at(newest),
                drift[:, : lines.n_rows],
                np.minimum(self._limits, lines.top - newest),
                lines.at(lines.top),
            )
