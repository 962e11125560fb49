# SPDX-License-Identifier: MIT
"""Read and write one row of one column as plain Python values.

numpy is quick for a thousand rows and slow for one, and its scalars leak into game
code. A memoryview of the same memory is indexed twice as fast, gives Python numbers,
and refuses an integer that does not fit instead of wrapping it. So each kind of field
gets a `read` and a `write` of its own here, mostly those of a memoryview.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError

__all__ = ["Cells", "ColumnField"]

Read = Callable[[int], Any]
Write = Callable[[int, Any], None]


class ColumnField(Protocol):
    """What a column needs to know of a wire field of fixed width."""

    name: str
    kind: str
    column_dtype: str
    column_shape: tuple[int, ...]


class Cells:
    """Hold the column of one field, and reach its single values.

    Args:
        component_name: what error messages call the component.
        field: the field.
        array: its column.

    Shapes:
        array: (capacity,) or (capacity, k), of the field's column dtype.
    """

    __slots__ = ("_component_name", "_limit", "_write", "array", "name", "read")

    read: Read
    """Return the value of a row as a Python number, tuple or Enum member."""

    def __init__(self, component_name: str, field: Any, array: NDArray[Any]) -> None:
        self.name: str = field.name
        self._component_name = component_name
        self.array = array
        self.read, self._write, self._limit = _access(field, self.array)

    def write(self, row: int, value: Any) -> None:
        """Set the value of a row.

        Raises:
            LocalProtocolError: if the column cannot hold the value; it is unchanged.
        """
        try:
            self._write(row, value)
        except (TypeError, ValueError, OverflowError) as error:
            msg = (
                f"{self._component_name}.{self.name} cannot be {value!r}: "
                f"it holds {self._limit}"
            )
            raise LocalProtocolError(msg) from error


def _access(field: Any, array: NDArray[Any]) -> tuple[Read, Write, str]:
    if array.ndim > 1:
        return _vector_access(array)
    if field.kind == "enum":
        return _enum_access(field.members, array.data)
    if field.kind == "nbits":
        return _bits_access(field.bits, array.data)
    if array.dtype.kind == "f":
        return _float_access(array)
    cells = array.data
    if array.dtype.kind == "b":
        return cells.__getitem__, cells.__setitem__, "a bool"
    limits = np.iinfo(array.dtype)
    limit = f"an integer from {limits.min} to {limits.max}"
    return cells.__getitem__, cells.__setitem__, limit


def _float_access(array: NDArray[Any]) -> tuple[Read, Write, str]:
    if array.dtype.itemsize > 2:
        cells = array.data
        return cells.__getitem__, cells.__setitem__, "a float"

    # Python 3.11 cannot index a memoryview of half floats.
    def write(row: int, value: float) -> None:
        # The sum refuses None and text, which numpy would turn into numbers.
        array[row] = value + 0.0

    return array.item, write, "a float"


def _bits_access(bits: int, cells: memoryview) -> tuple[Read, Write, str]:
    bound = 1 << bits

    def write(row: int, value: int) -> None:
        if value >= bound:
            raise ValueError(value)
        cells[row] = value

    return cells.__getitem__, write, f"an integer from 0 to {bound - 1}"


def _enum_access(members: Any, cells: memoryview) -> tuple[Read, Write, str]:
    by_number = {member.value: member for member in members}
    numbers = {member: member.value for member in members}
    numbers.update({number: number for number in by_number})

    def read(row: int) -> Any:
        number = cells[row]
        try:
            return by_number[number]
        except KeyError:
            # Only a write through the column array can have put it there.
            msg = f"row {row} holds {number}, which is no member of {members.__name__}"
            raise LocalProtocolError(msg) from None

    def write(row: int, value: Any) -> None:
        number = numbers.get(value)
        if number is None:
            raise ValueError(value)
        cells[row] = number

    return read, write, f"a member of {members.__name__}"


def _vector_access(array: NDArray[Any]) -> tuple[Read, Write, str]:
    width = array.shape[1]

    def read(row: int) -> tuple[Any, ...]:
        return tuple(array[row].tolist())

    def write(row: int, value: Any) -> None:
        # Counted here, because numpy would repeat a single number along the row.
        numbers = [number + 0.0 for number in value]
        if len(numbers) != width:
            raise ValueError(value)
        array[row] = numbers

    return read, write, f"{width} floats"
