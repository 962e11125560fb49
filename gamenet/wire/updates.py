# SPDX-License-Identifier: MIT
"""The two reference messages, byte for byte, and batches of state updates.

    StateUpdate  = timestamp u64 | entity_id u64 | priority u8 | sequence u32
                 | component count u16
                 | each: type length u16, type | data length u32, data
    InputCommand = player_id u64 | timestamp u64 | sequence u32
                 | type length u16, type | data length u32, data

Everything is little-endian. They serve peers that know neither a game's schemas nor
its planes: bridges, recorders, tools.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.wire.declare import array, blob, nested, text, uint8, uint32, uint64
from gamenet.wire.layouts import LayoutTable
from gamenet.wire.schema import Schema

__all__ = ["ComponentUpdate", "InputCommand", "StateUpdate", "StateUpdateBatch"]

MAX_TYPE = 64
MAX_PAYLOAD = 65536
MAX_COMPONENTS = 64


class ComponentUpdate(Schema):
    """The state of one component: the name of its type, and its bytes."""

    type: str = text(MAX_TYPE, length="u16")
    data: bytes = blob(MAX_PAYLOAD, length="u32")


class StateUpdate(Schema):
    """The state of one entity."""

    timestamp: int = uint64()
    entity_id: int = uint64()
    priority: int = uint8()
    sequence: int = uint32()
    components: list[ComponentUpdate] = array(
        nested(ComponentUpdate), MAX_COMPONENTS, length="u16"
    )


class InputCommand(Schema):
    """One input of one player."""

    player_id: int = uint64()
    timestamp: int = uint64()
    sequence: int = uint32()
    type: str = text(MAX_TYPE, length="u16")
    data: bytes = blob(MAX_PAYLOAD, length="u32")


_LAYOUTS = LayoutTable(StateUpdate, ComponentUpdate)
StateUpdate.encode = _LAYOUTS.encoder()  # type: ignore[method-assign, assignment]
StateUpdate.decode = staticmethod(_LAYOUTS.decoder())  # type: ignore[method-assign, assignment]


_HEADER = (
    ("timestamp", "<u8"),
    ("entity_id", "<u8"),
    ("priority", "u1"),
    ("sequence", "<u4"),
    ("count", "<u2"),
)


class StateUpdateBatch:
    """Encode and decode many state updates of one layout at once.

    Args:
        layout: for each component its type and the numpy dtype of its payload, such as
            ("position", "(3,)<f4").

    Example:
        >>> batch = StateUpdateBatch([("health", "<u2")])
        >>> rows = batch.rows(2)
        >>> rows["entity_id"] = [7, 8]
        >>> rows["health"] = [100, 50]
        >>> data = batch.encode(rows)
        >>> StateUpdate.decode(data[: batch.size]).entity_id
        7
    """

    def __init__(self, layout: Sequence[tuple[str, str]]) -> None:
        if len(layout) > MAX_COMPONENTS:
            msg = f"a layout of {len(layout)} components: the limit is {MAX_COMPONENTS}"
            raise LocalProtocolError(msg)
        fields: list[tuple[str, Any]] = list(_HEADER)
        constants: dict[str, Any] = {"count": len(layout)}
        for i, (name, dtype) in enumerate(layout):
            encoded, payload = _checked(name, dtype)
            fields += [
                (f"type_length_{i}", "<u2"),
                (f"type_{i}", f"S{len(encoded)}"),
                (f"data_length_{i}", "<u4"),
                (name, payload),
            ]
            constants |= {
                f"type_length_{i}": len(encoded),
                f"type_{i}": encoded,
                f"data_length_{i}": payload.itemsize,
            }
        names = [key for key, _ in fields]
        if len(set(names)) < len(names):
            msg = f"the columns {names} of a layout: each name may be there once"
            raise LocalProtocolError(msg)
        self._dtype = np.dtype(fields)
        self._template = np.zeros(1, self._dtype)
        for key, value in constants.items():
            self._template[key] = value
        self._constants = list(constants)
        self.size = self._dtype.itemsize
        """Bytes of one update."""

    def rows(self, count: int) -> NDArray[Any]:
        """Return `count` rows to fill: header columns, and one for each component."""
        return np.repeat(self._template, count)

    def encode(self, rows: NDArray[Any]) -> bytes:
        """Return the updates of rows, one after another."""
        if rows.dtype != self._dtype:
            msg = f"rows of {rows.dtype} are not of this layout: make them by rows()"
            raise LocalProtocolError(msg)
        return rows.tobytes()

    def decode(self, data: bytes | memoryview) -> NDArray[Any]:
        """Return the rows of updates, without a copy.

        Raises:
            RemoteProtocolError: the bytes are not whole updates of this layout.
        """
        count, rest = divmod(len(data), self.size)
        if rest:
            msg = f"{len(data)} bytes are no whole number of {self.size}-byte updates"
            raise RemoteProtocolError(msg)
        rows = np.frombuffer(data, self._dtype, count)
        for key in self._constants:
            if (rows[key] != self._template[key]).any():
                msg = f"an update of another layout: {key} differs"
                raise RemoteProtocolError(msg)
        return rows


def _checked(name: str, dtype: str) -> tuple[bytes, np.dtype[Any]]:
    """Return the bytes of a component's type, and the dtype of its payload."""
    try:
        encoded, payload = name.encode(), np.dtype(dtype)
    except (TypeError, ValueError) as error:
        msg = f"component type {name!r} with payload {dtype!r}: {error}"
        raise LocalProtocolError(msg) from error
    if not 0 < len(encoded) <= MAX_TYPE:
        msg = f"component type {name!r}: allowed are 1 to {MAX_TYPE} bytes of UTF-8"
        raise LocalProtocolError(msg)
    if payload.hasobject or payload.itemsize > MAX_PAYLOAD:
        msg = (
            f"component type {name!r} with payload {dtype!r}: allowed are plain values "
            f"of at most {MAX_PAYLOAD} bytes"
        )
        raise LocalProtocolError(msg)
    return encoded, payload
