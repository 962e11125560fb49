# SPDX-License-Identifier: MIT
"""Hand out numpy arrays that stay right: read-only views, and checked row indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError

__all__ = ["RowIndices", "RowsLike", "as_rows", "read_only"]

RowIndices = NDArray[np.intp]
"""Row numbers: (n,) intp."""

RowsLike = NDArray[np.integer[Any]] | NDArray[np.bool_] | Sequence[int]
"""Row numbers in any integer array or sequence, or a bool for each row of a world."""

AnyScalar = TypeVar("AnyScalar", bound=np.generic)


def read_only(array: NDArray[AnyScalar]) -> NDArray[AnyScalar]:
    """Return a view that shows the array as it changes, and cannot change it."""
    view = array.view()
    view.flags.writeable = False
    return view


def as_rows(rows: RowsLike, capacity: int) -> RowIndices:
    """Return row numbers as an index array, after checking each.

    numpy takes -1 for the last row and a float for nothing at all; here both are
    errors, because a batch that hits the wrong rows is found late.

    Raises:
        LocalProtocolError: if one is no row of a world with this capacity.
    """
    array = np.asarray(rows)
    if array.dtype == np.bool_ and array.shape == (capacity,):
        return np.flatnonzero(array)
    if not array.size:
        return np.empty(0, dtype=np.intp)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        msg = (
            f"rows are an array {array.shape} of {array.dtype}: give a flat array of "
            f"integers, or a bool for each of the {capacity} rows"
        )
        raise LocalProtocolError(msg)
    lowest, highest = int(array.min()), int(array.max())
    if lowest < 0 or highest >= capacity:
        wrong = lowest if lowest < 0 else highest
        msg = f"there is no row {wrong}: rows go from 0 to {capacity - 1}"
        raise LocalProtocolError(msg)
    return array.astype(np.intp, copy=False)
