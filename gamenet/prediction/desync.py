# SPDX-License-Identifier: MIT
"""Find where two peers differ, without sending either's world.

Both peers hold a state of the same tick, and their checksums differ. They tell each
other digests of all columns; of those columns that differ they tell digests of sixteen
ranges of rows, and go on in the first range that differs; in the end they tell the
values of one row. Each answers what the other says with the same about its own state,
so both come to the same place, after a few messages of a few hundred bytes.

    tick u32 | stage u8 | low u32 | high u32 | n u16 | n x digest u32      (stages 0, 1)
    tick u32 | stage u8 | low u32 | high u32 | n u16 | n x (length varint | value)
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.wire import read_varint, varint_bytes
from gamenet.world import Component, EntityId, SavedWorld

__all__ = ["Desync", "Divergence"]

HEAD = struct.Struct("<IBIIH")
DIGEST = struct.Struct("<I")
N_RANGES = 16
MAX_VALUE = 512
"""Bytes of one value that are told."""
MAX_MESSAGES = 16
"""Enough to halve 2**24 rows by sixteen, and to spare."""


@dataclass(frozen=True, slots=True)
class Desync:
    """The first value in which a peer's state differs from ours."""

    tick: int
    """The confirmed tick in which both states were taken."""
    entity: EntityId | None
    """Whose value it is; None for what is no entity's."""
    component: type[Component] | None
    """The component; None for what is the entity's own, or no entity's."""
    field: str
    """The field; "id", "owner" or "present" as in `Difference`, or the name of what the
    game keeps beside the world."""
    ours: Any
    """Its value here."""
    theirs: Any
    """Its value there; that of a byte string where the peer's is not to be read."""
    differing: tuple[str, ...]
    """All columns that differ, by name."""

    @property
    def place(self) -> str:
        """Return component, field and entity in words."""
        name = "" if self.component is None else f"{self.component.__name__}."
        if self.entity is None:
            return f"{name}{self.field}"
        row = self.entity & 0xFFFFFFFF
        return f"{name}{self.field} of entity {self.entity} (row {row})"

    def __str__(self) -> str:
        return (
            f"tick {self.tick}: {self.place} is {self.ours!r} here and "
            f"{self.theirs!r} there"
        )


class Stage(IntEnum):
    """What a message tells."""

    COLUMNS = 0
    RANGES = 1
    VALUES = 2


@dataclass(frozen=True, slots=True)
class _Column:
    component: type[Component] | None
    field: str
    array: NDArray[Any]

    @property
    def name(self) -> str:
        head = "" if self.component is None else f"{self.component.__name__}."
        return head + self.field


class Divergence:
    """Search a state for the first difference from a peer's.

    Args:
        tick: of the state.
        world: the state of the world.
        extras: what else there is to compare: names, and values as text.
    """

    def __init__(self, tick: int, world: SavedWorld, extras: Mapping[str, str]) -> None:
        self.tick = tick
        self.found: Desync | None = None
        """What was found."""
        self._columns = _columns(world)
        self._extras = sorted(extras.items())
        self._n_rows = world.layout.capacity
        self._ids = world.arrays[None, "ids"].copy()
        self._stage = Stage.COLUMNS
        self._low, self._high = 0, self._n_rows
        self._differing: list[int] = []
        self._n_messages = 0

    def opening(self) -> bytes:
        """Return the first message."""
        return self._message()

    def receive(self, data: bytes) -> bytes | None:
        """Take a message of the peer; return the next one of ours, None at the end.

        Raises:
            RemoteProtocolError: it is none that can come now.
        """
        self._n_messages += 1
        theirs = self._read(data)
        if self._stage is Stage.COLUMNS:
            ours = self._digests_of_columns()
            self._differing = [i for i, d in enumerate(ours) if d != theirs[i]]
            if not self._differing:
                msg = f"tick {self.tick}: the peer's digests are ours, not its checksum"
                raise RemoteProtocolError(msg)
            is_in_world = self._differing[0] < len(self._columns)
            if not is_in_world:
                self._high = 0
            self._narrow()
        elif self._stage is Stage.RANGES:
            ranges, ours = self._ranges(), self._digests_of_ranges()
            unlike = [i for i, d in enumerate(ours) if d != theirs[i]]
            if not unlike:
                raise RemoteProtocolError("columns differ, but none of their rows do")
            self._low, self._high = ranges[unlike[0]]
            self._narrow()
        else:
            self._conclude(theirs)
            return None
        return self._message()

    def _narrow(self) -> None:
        """Go on with values where only a row is left."""
        is_row = self._high - self._low <= 1
        self._stage = Stage.VALUES if is_row else Stage.RANGES

    def _ranges(self) -> list[tuple[int, int]]:
        size = -(-(self._high - self._low) // N_RANGES)
        starts = range(self._low, self._high, size)
        return [(start, min(start + size, self._high)) for start in starts]

    def _digests_of_columns(self) -> list[int]:
        return [_digest(column.array) for column in self._columns] + [
            crc32(f"{name}={value}".encode()) for name, value in self._extras
        ]

    def _digests_of_ranges(self) -> list[int]:
        digests = []
        for low, high in self._ranges():
            crc = 0
            for column in self._told():
                crc = _digest(column.array[low:high], crc)
            digests.append(crc)
        return digests

    def _told(self) -> list[_Column]:
        """Return the columns that differ."""
        return [self._columns[i] for i in self._differing if i < len(self._columns)]

    def _values(self) -> list[bytes]:
        """Return what the row holds in the columns that differ, then the extras."""
        if self._high:
            cells = [column.array[self._low] for column in self._told()]
            return [_little(np.asarray(cell)) for cell in cells]
        n_columns = len(self._columns)
        extras = [self._extras[i - n_columns][1] for i in self._differing]
        return [text.encode()[:MAX_VALUE] for text in extras]

    def _message(self) -> bytes:
        if self._stage is Stage.VALUES:
            items = [varint_bytes(len(v)) + v for v in self._values()]
        else:
            is_first = self._stage is Stage.COLUMNS
            digests = self._digests_of_columns if is_first else self._digests_of_ranges
            items = [DIGEST.pack(digest) for digest in digests()]
        place = self._low, self._high
        head = HEAD.pack(self.tick, self._stage, *place, len(items))
        return head + b"".join(items)

    def _read(self, data: bytes) -> list[Any]:
        """Return the digests or values of a message that fits where we are.

        Raises:
            RemoteProtocolError: it does not fit.
        """
        try:
            head = HEAD.unpack_from(data)
            expected = self.tick, self._stage, self._low, self._high, self._n_items()
            if head != expected or self._n_messages > MAX_MESSAGES:
                msg = f"a search for a difference is at {expected}, not at {head}"
                raise RemoteProtocolError(msg)
            at, items = HEAD.size, []
            for _ in range(head[-1]):
                length = DIGEST.size
                if self._stage is Stage.VALUES:
                    length, at = read_varint(data, at)
                items.append(data[at : at + length])
                at += length
        except (struct.error, IndexError) as error:
            msg = f"a search for a difference broke off: {error}"
            raise RemoteProtocolError(msg) from error
        if at != len(data):
            msg = f"a search for a difference has {len(data)} bytes, not {at}"
            raise RemoteProtocolError(msg)
        if self._stage is Stage.VALUES:
            return items
        return [DIGEST.unpack(item)[0] for item in items]

    def _n_items(self) -> int:
        if self._stage is Stage.COLUMNS:
            return len(self._columns) + len(self._extras)
        return len(self._ranges() if self._stage is Stage.RANGES else self._values())

    def _conclude(self, theirs: list[bytes]) -> None:
        ours = self._values()
        unlike = [i for i, value in enumerate(ours) if value != theirs[i]]
        if not unlike:
            raise RemoteProtocolError("a row differs, but none of its values do")
        n = unlike[0]
        if not self._high:
            name = self._extras[self._differing[n] - len(self._columns)][0]
            texts = [each[n].decode("utf-8", "replace") for each in (ours, theirs)]
            self.found = Desync(
                self.tick, None, None, name, texts[0], texts[1], self._names()
            )
            return
        column = self._told()[n]
        mine, yours = (_shown(column.array, each[n]) for each in (ours, theirs))
        entity = EntityId(int(self._ids[self._low]))
        if column.component is None and column.field == "id":
            entity = EntityId(mine or yours)
            mine, yours = mine or None, yours or None
        self.found = Desync(
            self.tick,
            entity,
            column.component,
            column.field,
            mine,
            yours,
            self._names(),
        )

    def _names(self) -> tuple[str, ...]:
        names = [column.name for column in self._columns]
        names += [name for name, _ in self._extras]
        return tuple(names[i] for i in self._differing)


def _columns(world: SavedWorld) -> list[_Column]:
    """Return all that a world's checksum counts, with zeros where nothing is."""
    arrays = world.arrays
    alive = arrays[None, "alive"]
    columns = [
        _Column(None, "id", np.where(alive, arrays[None, "ids"], 0)),
        _Column(None, "owner", np.where(alive, arrays[None, "owner"], 0)),
    ]
    for component in world.layout.components:
        present = arrays[component, "present"]
        columns.append(_Column(component, "present", present.copy()))
        for field in component.schema_fields:
            column = arrays[component, field.name]
            here = present.reshape(-1, *(1,) * (column.ndim - 1))
            shown = np.where(here, column, np.zeros((), column.dtype))
            columns.append(_Column(component, field.name, shown))
    return columns


def _little(array: NDArray[Any]) -> bytes:
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


def _digest(array: NDArray[Any], crc: int = 0) -> int:
    return crc32(_little(np.ascontiguousarray(array)), crc)


def _shown(array: NDArray[Any], value: bytes) -> Any:
    """Return a cell's value from its bytes, the bytes where they are none."""
    dtype = array.dtype.newbyteorder("<")
    if len(value) != dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64)):
        return value
    return np.frombuffer(value, dtype).reshape(array.shape[1:]).tolist()
