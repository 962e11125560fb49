# SPDX-License-Identifier: MIT
"""Turn lists of attributes into columns and back, as strictly as single values are.

Reading ten thousand attributes is one `map`, and no trick makes that quicker. A typed
array is the quickest way from a list to memory, and it refuses what a column refuses:
text for a number, a float for an integer, an integer that does not fit.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError

__all__ = ["CONVERSION_ERRORS", "Attribute", "differing"]

CONVERSION_ERRORS = (AttributeError, KeyError, OverflowError, TypeError, ValueError)
"""What is raised where an attribute is missing, or its column cannot hold it."""

ARRAY_CODES = {np.dtype(code).str[1:]: code for code in "bBhHiIqQfd"}

Numbers = Callable[[list[Any]], NDArray[Any]]
Values = Callable[[NDArray[Any]], list[Any]]


class Attribute:
    """One attribute of all objects, and its column.

    Args:
        field: the field of the component.
        column: its column.
    """

    def __init__(self, field: Any, column: NDArray[Any]) -> None:
        self.name: str = field.name
        self.column = column
        self.agreed = column.copy()
        """What the column and the attributes were when they were last compared."""
        self._get = attrgetter(field.name)
        self._numbers, self.values = _conversions(field, column)

    def read(self, objects: Sequence[Any]) -> NDArray[Any]:
        """Return the attribute of each object as a column.

        Raises:
            Exception: one of `CONVERSION_ERRORS`, or whatever a property raises.
        """
        return self._numbers(list(map(self._get, objects)))


def _conversions(field: Any, column: NDArray[Any]) -> tuple[Numbers, Values]:
    """Return what makes a column of a list of values, and the other way round."""
    if column.ndim > 1:
        return _vector_conversions(column)
    if field.kind == "enum":
        return _enum_conversions(field.members, column)
    if column.dtype == np.bool_:
        return lambda values: np.array(list(map(bool, values)), np.bool_), _listed
    # Half floats have no array code; they are made of doubles.
    code, dtype = ARRAY_CODES.get(column.dtype.str[1:], "d"), column.dtype
    highest = (1 << field.bits) - 1 if field.kind == "nbits" else None

    def numbers(values: list[Any]) -> NDArray[Any]:
        found = np.array(array(code, values))
        if highest is not None and (found > highest).any():
            raise ValueError(highest)
        with np.errstate(over="ignore"):
            return found.astype(dtype, copy=False)

    return numbers, _listed


def _enum_conversions(members: Any, column: NDArray[Any]) -> tuple[Numbers, Values]:
    by_number = {member.value: member for member in members}
    words = {member: member.value for member in members}
    words.update({number: number for number in by_number})

    def numbers(values: list[Any]) -> NDArray[Any]:
        return np.array([words[value] for value in values], column.dtype)

    def values(found: NDArray[Any]) -> list[Any]:
        try:
            return [by_number[number] for number in found.tolist()]
        except KeyError as error:
            # Only a write through the column array can have put it there.
            msg = f"a row holds {error}, which is no member of {members.__name__}"
            raise LocalProtocolError(msg) from None

    return numbers, values


def _vector_conversions(column: NDArray[Any]) -> tuple[Numbers, Values]:
    width = column.shape[1]

    def numbers(values: list[Any]) -> NDArray[Any]:
        if any(len(value) != width for value in values):
            raise ValueError(width)
        flat = np.array(array("d", list(chain.from_iterable(values))))
        return flat.reshape(-1, width).astype(column.dtype)

    return numbers, lambda found: [tuple(value) for value in found.tolist()]


def _listed(found: NDArray[Any]) -> list[Any]:
    values: list[Any] = found.tolist()
    return values


def differing(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows differ, bit by bit: NaN is equal to itself here."""
    word = f"u{first.dtype.itemsize}"
    differs = np.asarray(first.view(word) != second.view(word))
    return np.asarray(differs.any(axis=1)) if differs.ndim > 1 else differs
