# SPDX-License-Identifier: MIT
"""Find where two values differ that a game keeps: arrays, containers, plain objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["first_unlike"]

Unlike = tuple[str, Any, Any]
ABSENT = "nothing"


def first_unlike(one: Any, other: Any, path: str) -> Unlike | None:
    """Return the path to where two values differ, and both values there; or None.

    Floats are compared bit by bit, so that NaN is like itself. Objects that compare by
    identity are compared by their attributes.

    Args:
        one: a value.
        other: another value.
        path: how the value is called.

    Example:
        >>> first_unlike({"a": [1, 2]}, {"a": [1, 3]}, "self.score")
        ("self.score['a'][1]", 2, 3)
    """
    return _Comparison().first(one, other, path)


class _Comparison:
    """Compare two values, each pair of objects once: they may refer to one another."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, int]] = set()

    def first(self, one: Any, other: Any, path: str) -> Unlike | None:
        if one is other:
            return None
        if type(one) is not type(other):
            return path, one, other
        if isinstance(one, np.ndarray):
            return self._first_in_arrays(one, other, path)
        if isinstance(one, float | np.generic):
            is_same = np.asarray(one).tobytes() == np.asarray(other).tobytes()
            return None if is_same else (path, one, other)
        if isinstance(one, Mapping) and list(one) != list(other):
            # Their order counts, too: who goes through a mapping depends on it.
            return f"keys of {path}", list(one), list(other)
        parts = self._parts(one, other, path)
        if parts is None:
            return None if one == other else (path, one, other)
        if isinstance(one, Sized) and len(one) != len(other):
            return f"length of {path}", len(one), len(other)
        if (id(one), id(other)) in self._seen:
            return None
        self._seen.add((id(one), id(other)))
        found = (self.first(mine, yours, where) for where, mine, yours in parts)
        return next((each for each in found if each is not None), None)

    def _first_in_arrays(
        self, one: NDArray[Any], other: NDArray[Any], path: str
    ) -> Unlike | None:
        for what in ("shape", "dtype"):
            mine, yours = getattr(one, what), getattr(other, what)
            if mine != yours:
                return f"{path}.{what}", mine, yours
        for name in one.dtype.names or ():
            found = self._first_in_arrays(one[name], other[name], f"{path}[{name!r}]")
            if found is not None:
                return found
        if one.dtype.hasobject:
            return None if one.dtype.names else self.first(*_lists(one, other), path)
        if one.dtype.names or one.tobytes() == other.tobytes():
            return None
        index = next(
            index
            for index in np.ndindex(one.shape)
            if one[index].tobytes() != other[index].tobytes()
        )
        return f"{path}[{', '.join(map(str, index))}]", one[index], other[index]

    def _parts(self, one: Any, other: Any, path: str) -> Iterator[Unlike] | None:
        """Return the pairs of what two values consist of; None if of nothing else."""
        if isinstance(one, str | bytes | bytearray | AbstractSet | range):
            return None
        if isinstance(one, Mapping):
            return _of_mappings(one, other, path)
        if isinstance(one, Sequence) or hasattr(one, "appendleft"):
            return _of_sequences(one, other, path)
        is_plain = getattr(type(one), "__eq__", None) is object.__eq__
        if is_plain and hasattr(one, "__dict__"):
            return _of_objects(one, other, path)
        return None


def _of_mappings(one: Any, other: Any, path: str) -> Iterator[Unlike]:
    for key in one:
        yield f"{path}[{key!r}]", one[key], other[key]


def _of_sequences(one: Any, other: Any, path: str) -> Iterator[Unlike]:
    for i, (mine, yours) in enumerate(zip(one, other, strict=True)):
        yield f"{path}[{i}]", mine, yours


def _of_objects(one: Any, other: Any, path: str) -> Iterator[Unlike]:
    mine, yours = vars(one), vars(other)
    for name in mine | yours:
        yield f"{path}.{name}", mine.get(name, ABSENT), yours.get(name, ABSENT)


def _lists(one: NDArray[Any], other: NDArray[Any]) -> tuple[Any, Any]:
    return one.tolist(), other.tolist()
