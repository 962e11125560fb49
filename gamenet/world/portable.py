# SPDX-License-Identifier: MIT
"""A world's state as bytes, for a peer that joins late or a file.

    version u8 | shape u32 | tick u32 | n u32 | n generations u32 | alive, n bits |
    owners of the living u32 |
    for each component: has it, a bit for each of the living | changed ticks u32 |
    for each field: values

All little-endian; bits are packed lowest first into whole bytes. `n` counts the rows
that were ever used. Generations of free rows are there because the next spawn counts on
from them. The bytes may come from anybody: each count is checked against the world's
capacity, each length against the bytes that are there, before it is used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from struct import Struct
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.world.entity import entity_ids
from gamenet.world.memory import Arrays, Layout

__all__ = ["check_portable", "read_portable", "write_portable"]

VERSION = 1
HEAD = Struct("<BIII")


def write_portable(layout: Layout, arrays: Arrays, tick: int) -> bytes:
    """Return the bytes of a state.

    Args:
        layout: of the world.
        arrays: of its memory.
        tick: the world's.
    """
    return b"".join(_parts(layout, arrays, tick))


def _parts(layout: Layout, arrays: Arrays, tick: int) -> Iterator[bytes]:
    generation = arrays[None, "generation"]
    used = np.flatnonzero(generation)
    n_used = int(used[-1]) + 1 if len(used) else 0
    yield HEAD.pack(VERSION, _shape(layout), tick, n_used)
    yield _little(generation[:n_used])
    alive = arrays[None, "alive"][:n_used]
    living = np.flatnonzero(alive)
    yield np.packbits(alive, bitorder="little").tobytes()
    yield _little(arrays[None, "owner"][living])
    for component in layout.components:
        present = arrays[component, "present"][living]
        rows = living[present]
        yield np.packbits(present, bitorder="little").tobytes()
        yield _little(arrays[component, "changed_tick"][rows])
        for field in component.schema_fields:
            yield _little(arrays[component, field.name][rows])


def check_portable(data: bytes, layout: Layout) -> None:
    """Check that some bytes begin as such a state does, before memory is taken for it.

    Raises:
        RemoteProtocolError: they do not.
    """
    _read_head(_Reader(data), layout)


def read_portable(data: bytes, layout: Layout, arrays: Arrays) -> tuple[int, int]:
    """Write the state of some bytes to the memory of an empty world.

    Args:
        data: from `write_portable`, or from anybody.
        layout: of the world.
        arrays: of its memory, where nobody lives and all values are legal.

    Returns:
        The world's tick, and how many entities live.

    Raises:
        RemoteProtocolError: they are no state of such a world.
    """
    reader = _Reader(data)
    tick, n_used = _read_head(reader, layout)
    generation = arrays[None, "generation"][:n_used]
    generation[:] = reader.array(np.dtype("u4"), n_used)
    alive = reader.bits(n_used)
    living = np.flatnonzero(alive)
    if not generation[living].all():
        raise RemoteProtocolError("a saved world has an entity of generation 0")
    arrays[None, "alive"][:n_used] = alive
    arrays[None, "ids"][living] = entity_ids(living, generation[living])
    arrays[None, "owner"][living] = reader.array(np.dtype("u4"), len(living))
    for component in layout.components:
        _read_component(reader, component, arrays, living)
    reader.finish()
    return tick, len(living)


def _read_head(reader: _Reader, layout: Layout) -> tuple[int, int]:
    version, shape, tick, n_used = HEAD.unpack(reader.take(HEAD.size))
    if version != VERSION or shape != _shape(layout):
        msg = (
            f"a saved world of version {version} and shape {shape:#x} came for one of "
            f"version {VERSION} and shape {_shape(layout):#x}: both sides need the "
            "same game"
        )
        raise RemoteProtocolError(msg)
    if n_used > layout.capacity:
        msg = f"a saved world has {n_used} rows: the limit is {layout.capacity}"
        raise RemoteProtocolError(msg)
    return tick, n_used


def _read_component(
    reader: _Reader, component: Any, arrays: Arrays, living: NDArray[np.intp]
) -> None:
    rows = living[reader.bits(len(living))]
    arrays[component, "present"][rows] = True
    arrays[component, "_holders"][rows] = arrays[None, "ids"][rows]
    ticks = arrays[component, "changed_tick"]
    ticks[rows] = reader.array(ticks.dtype, len(rows))
    for field in component.schema_fields:
        column = arrays[component, field.name]
        values = reader.array(column.dtype, len(rows), *column.shape[1:])
        if not _is_legal(field, values):
            msg = f"a saved world has an illegal {component.__name__}.{field.name}"
            raise RemoteProtocolError(msg)
        column[rows] = values


def _is_legal(field: Any, values: NDArray[Any]) -> bool:
    """Tell whether all values are ones that a write would have taken."""
    if values.dtype.kind == "b":
        return bool((values.view(np.uint8) <= 1).all())
    if field.kind == "nbits":
        return bool(int(values.max(initial=0)) < 1 << int(field.bits))
    if field.kind == "enum":
        members = [member.value for member in field.members]
        return bool(np.isin(values, members).all())
    return True


class _Reader:
    """Take pieces from the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)

    def take(self, n_bytes: int) -> memoryview:
        if n_bytes > len(self._data):
            msg = f"a saved world ends {n_bytes - len(self._data)} bytes too early"
            raise RemoteProtocolError(msg)
        taken, self._data = self._data[:n_bytes], self._data[n_bytes:]
        return taken

    def array(self, dtype: np.dtype[Any], *shape: int) -> NDArray[Any]:
        little = dtype.newbyteorder("<")
        taken = self.take(little.itemsize * int(np.prod(shape, dtype=np.int64)))
        return np.frombuffer(taken, little).reshape(shape).astype(dtype)

    def bits(self, count: int) -> NDArray[np.bool_]:
        packed = np.frombuffer(self.take(-(-count // 8)), np.uint8)
        bits = np.unpackbits(packed, bitorder="little")
        if bits[count:].any():
            raise RemoteProtocolError("a saved world has bits set beyond its rows")
        return bits[:count].astype(np.bool_)

    def finish(self) -> None:
        if len(self._data):
            msg = f"a saved world has {len(self._data)} bytes too many"
            raise RemoteProtocolError(msg)


def _shape(layout: Layout) -> int:
    """Return a number that worlds of the same shape share."""
    described = [
        [component.__name__, [field.describe() for field in component.schema_fields]]
        for component in layout.components
    ]
    return crc32(json.dumps([layout.capacity, described], sort_keys=True).encode())


def _little(array: NDArray[Any]) -> bytes:
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
