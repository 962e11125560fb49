# SPDX-License-Identifier: MIT
"""Tell by one number whether two worlds are the same to their players.

Only what lives counts: the ids and owners of the living, which components they have,
and the values of these, bit by bit. What an earlier use left behind in a row does not.
"""

from __future__ import annotations

from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from gamenet.world.memory import Arrays, Layout

__all__ = ["checksum_of"]


def checksum_of(layout: Layout, arrays: Arrays) -> int:
    """Return the CRC-32 of what lives in the arrays of a world, on any machine.

    Args:
        layout: of the world.
        arrays: of its memory.
    """
    living = np.flatnonzero(arrays[None, "alive"])
    crc = _added(0, arrays[None, "ids"][living])
    crc = _added(crc, arrays[None, "owner"][living])
    for component in layout.components:
        present = arrays[component, "present"]
        rows = np.flatnonzero(present)
        crc = _added(crc, rows.astype(np.uint32))
        is_full = len(rows) == layout.capacity
        for field in component.schema_fields:
            column = arrays[component, field.name]
            crc = _added(crc, column if is_full else column[rows])
    return crc


def _added(crc: int, array: NDArray[Any]) -> int:
    if not array.size:
        return crc
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return crc32(np.ascontiguousarray(little).view(np.uint8).data, crc)
