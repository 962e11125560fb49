# SPDX-License-Identifier: MIT
"""The few loops over rows that a snapshot spends its time in.

This module is a seam: the same bytes may come from numpy, as here, or from compiled
code. Everything above calls these functions and no other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError

__all__ = ["bitmap_size", "read_bitmap", "read_words", "write_bitmap", "write_words"]

_WORDS = {
    name: np.dtype("<" + name) for name in "u1 u2 u4 u8 i1 i2 i4 i8 f2 f4 f8".split()
}

Buffer = bytearray | memoryview
Bytes = bytes | bytearray | memoryview


def bitmap_size(count: int) -> int:
    """Return the bytes of a bitmap of `count` bits."""
    return (count + 7) >> 3


def write_bitmap(buffer: Buffer, at: int, bits: NDArray[np.bool_]) -> int:
    """Write bools as bits, lowest bit first; return the position after them."""
    packed = np.packbits(bits, bitorder="little")
    end = at + len(packed)
    buffer[at:end] = packed.tobytes()
    return end


def read_bitmap(data: Bytes, at: int, count: int) -> tuple[NDArray[np.bool_], int]:
    """Read `count` bits; return them as bools, and the position after them.

    Raises:
        RemoteProtocolError: the data end before the bitmap, or an unused bit is set.
    """
    end = at + bitmap_size(count)
    if end > len(data):
        msg = f"a bitmap of {count} bits ends at byte {end}, the data at {len(data)}"
        raise RemoteProtocolError(msg)
    packed = np.frombuffer(data, np.uint8, end - at, at)
    if count & 7 and data[end - 1] >> (count & 7):
        msg = f"a bitmap of {count} bits has an unused bit set: it must be zero"
        raise RemoteProtocolError(msg)
    bits = np.unpackbits(packed, count=count, bitorder="little")
    return bits.view(np.bool_), end


def write_words(buffer: Buffer, at: int, words: NDArray[Any]) -> int:
    """Write words of one width; return the position after them."""
    end = at + words.nbytes
    buffer[at:end] = words.tobytes()
    return end


def read_words(
    data: Bytes, at: int, count: int, dtype: str
) -> tuple[NDArray[Any], int]:
    """Read `count` words without a copy; return them and the position after them.

    Raises:
        RemoteProtocolError: the data end before the words.
    """
    wide = _WORDS[dtype]
    end = at + count * wide.itemsize
    if end > len(data):
        msg = f"a plane of {count} words ends at byte {end}, the data at {len(data)}"
        raise RemoteProtocolError(msg)
    return np.frombuffer(data, wide, count, at), end
