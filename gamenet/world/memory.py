# SPDX-License-Identifier: MIT
"""One block of memory for all that a world stores, and where each array lies in it.

Going back to an earlier state is then one copy, whatever the number of components, and
whoever holds an array of the world still holds the right one. The block has two parts:
the structure (who lives where, whose it is, which components it has), which most ticks
leave alone, and the values, which most ticks change.

    structure   alive | generation | ids | owner | for each component: holders, present
    values      for each component: changed_tick, the columns of its fields
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import SchemaError
from gamenet.world.component import Component, ComponentType

__all__ = ["Arrays", "Key", "Layout", "Memory", "component_names", "new_block"]

Key = tuple[type[Component] | None, str]
"""An array's component, None for those of the rows themselves, and its name."""

Arrays = dict[Key, NDArray[Any]]
"""The arrays of one block, by component and name."""

ALIGNMENT = 64
"""Where arrays begin: a cache line, so that no two share one."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Where an array lies in the block."""

    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def end(self) -> int:
        """Return where the array ends."""
        return self.offset + self.dtype.itemsize * prod(self.shape)

    def view(self, block: NDArray[np.uint8]) -> NDArray[Any]:
        """Return the array that lies here in a block."""
        return block[self.offset : self.end].view(self.dtype).reshape(self.shape)


class Layout:
    """Say where each array of a world lies; worlds of one shape have equal layouts.

    Args:
        components: the component classes of the world.
        capacity: number of rows.

    Raises:
        SchemaError: if one is no component, or is listed twice.
    """

    pieces: dict[Key, Piece]
    """Each array."""
    tables: dict[type[Component], Piece]
    """The columns of a component as one array (n_fields, capacity), where they are."""
    n_structure: int
    """Bytes of the structure."""
    n_bytes: int
    """Bytes of the whole block."""

    def __init__(self, components: Sequence[type[Component]], capacity: int) -> None:
        _check(components)
        self.components = tuple(components)
        self.capacity = capacity
        self.pieces, self.tables = {}, {}
        self._end = 0
        # First, so that the lowest free row can be found in the block itself.
        self._add(None, "alive", "?")
        self._add(None, "generation", "u4")
        self._add(None, "ids", "u8")
        self._add(None, "owner", "u4")
        for component in components:
            self._add(component, "_holders", "u8")
            self._add(component, "present", "?")
        self.n_structure = self._end
        for component in components:
            self._add(component, "changed_tick", "u4")
            self._add_columns(component)
        self.n_bytes = self._end

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Layout):
            return NotImplemented
        ours = self.components, self.capacity
        return ours == (other.components, other.capacity)

    def __hash__(self) -> int:
        return hash((self.components, self.capacity))

    def __str__(self) -> str:
        return f"{self.capacity} rows of {component_names(self.components)}"

    def views(self, block: NDArray[np.uint8]) -> Arrays:
        """Return all arrays of a block.

        Shapes:
            block: (n_bytes,).
        """
        return {key: piece.view(block) for key, piece in self.pieces.items()}

    def _add(self, component: type[Component] | None, name: str, dtype: str) -> None:
        piece = Piece(self._end, np.dtype(dtype), (self.capacity,))
        self.pieces[component, name] = piece
        self._end = _aligned(piece.end)

    def _add_columns(self, component: type[Component]) -> None:
        fields = component.schema_fields
        kinds = [_kind_of(field) for field in fields]
        # Those of one kind follow one another without a gap: a table.
        is_table = len(set(kinds)) == 1 and not kinds[0][1]
        begin = self._end
        for field, (dtype, shape) in zip(fields, kinds, strict=True):
            piece = Piece(self._end, dtype, (self.capacity, *shape))
            self.pieces[component, field.name] = piece
            self._end = piece.end if is_table else _aligned(piece.end)
        self._end = _aligned(self._end)
        if is_table:
            shape = (len(fields), self.capacity)
            self.tables[component] = Piece(begin, kinds[0][0], shape)


class Memory:
    """Take the memory of one world.

    Args:
        layout: what lies where.
    """

    __slots__ = ("arrays", "begin", "block", "layout", "room", "structure", "values")

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.room = bytearray(layout.n_bytes + ALIGNMENT)
        """What the block lies in; a bytearray, which finds a free row by `find`."""
        self.block, self.begin = _aligned_part(np.frombuffer(self.room, np.uint8))
        """All bytes of the world."""
        self.arrays: Arrays = layout.views(self.block)
        """The arrays in it."""
        self.structure = self.block[: layout.n_structure]
        """The bytes of the structure."""
        self.values = self.block[layout.n_structure :]
        """The bytes of the values."""

    def table(self, component: type[Component]) -> NDArray[Any] | None:
        """Return the columns of a component as one array, where they are."""
        piece = self.layout.tables.get(component)
        return None if piece is None else piece.view(self.block)


def new_block(layout: Layout) -> NDArray[np.uint8]:
    """Return memory for the bytes of a world, to copy them to."""
    return _aligned_part(np.empty(layout.n_bytes + ALIGNMENT, np.uint8))[0]


def _aligned_part(room: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """Return the part of some bytes that is a block, and where it begins.

    Copies are a sixth faster where both sides begin alike within 32 bytes (AVX).
    """
    begin = -room.ctypes.data % ALIGNMENT
    return room[begin : len(room) - ALIGNMENT + begin], begin


def component_names(components: Iterable[type[Component]]) -> str:
    """Return the names of components, as error messages list them."""
    return ", ".join(component.__name__ for component in components) or "none"


def _check(components: Iterable[object]) -> None:
    known: list[type[Component]] = list(_components(components))
    if len(set(known)) < len(known):
        msg = f"a world has each component once, but got {component_names(known)}"
        raise SchemaError(msg)


def _components(listed: Iterable[object]) -> Iterator[Any]:
    for component in listed:
        if not isinstance(component, ComponentType):
            msg = f"{component!r} is no component class: subclass Component"
            raise SchemaError(msg)
        yield component


def _kind_of(field: Any) -> tuple[np.dtype[Any], tuple[int, ...]]:
    # The machine's byte order, which is what a memoryview can index.
    return np.dtype(field.column_dtype).newbyteorder("="), field.column_shape


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT
