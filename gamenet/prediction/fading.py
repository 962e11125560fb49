# SPDX-License-Identifier: MIT
"""Let what a wrong guess leaves in the view go away little by little.

Where nothing was heard for a while, the view goes on by guessing. The next snapshot
says what was true instead, and the lines are that from then on. What the view is off at
that moment is kept beside them and added to what is drawn, less with each frame.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction.glides import FADE
from gamenet.prediction.planes import Planes

__all__ = ["Fading"]

Values = NDArray[Any]


class Fading:
    """Keep by how much each row is drawn beside what is true.

    Args:
        planes: what slides.
        capacity: number of rows.
        tick_rate: ticks a second.
    """

    def __init__(self, planes: Planes, capacity: int, tick_rate: float) -> None:
        self._planes = planes
        self._offset = np.zeros((planes.n_planes, capacity))
        self._since = -math.inf
        self._n_ticks = FADE * tick_rate

    def begin(self, tick: float, drawn: Values, true: Values) -> Values:
        """Fade from what is drawn at a moment to what is true.

        Shapes:
            drawn, true: (n_planes, n_rows).

        Returns:
            What is added at first: (n_planes, capacity), to be written to.
        """
        self._planes.way(true, drawn, self._offset[:, : true.shape[1]])
        self._since = tick
        return self._offset

    def forget(self, placed: list[tuple[slice, NDArray[np.intp]]]) -> None:
        """Add nothing any more to rows of planes."""
        for planes, rows in placed:
            self._offset[planes][:, rows] = 0.0

    def add(self, tick: float, values: Values) -> None:
        """Add what is left at a moment.

        Shapes:
            values: (n_planes, n_rows).
        """
        left = 1.0 - (tick - self._since) / self._n_ticks
        if left > 0.0:
            offset = self._offset[:, : values.shape[1]]
            self._planes.along(values.copy(), offset, min(left, 1.0), values)
