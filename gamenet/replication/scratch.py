# SPDX-License-Identifier: MIT
"""Memory for the words of a delta while it is worked out, used again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from gamenet.wire import BufferPool

__all__ = ["Scratch"]

SMALLEST = 1 << 12
KEPT = 4  # free buffers of each size
WORD_SIZE = 4


class Scratch:
    """Lend tables of words from buffers of a few sizes, each twice the one before."""

    def __init__(self) -> None:
        self._pools: dict[int, BufferPool] = {}

    @contextmanager
    def words(self, n_words: int, n_rows: int) -> Iterator[NDArray[np.uint32]]:
        """Lend a table for the length of a `with` block: (n_words, n_rows)."""
        count = n_words * n_rows
        size = max(SMALLEST, 1 << (WORD_SIZE * count - 1).bit_length())
        pool = self._pools.get(size)
        if pool is None:
            pool = self._pools[size] = BufferPool(size, KEPT)
        buffer = pool.acquire()
        try:
            yield np.frombuffer(buffer, np.uint32, count).reshape(n_words, n_rows)
        finally:
            pool.release(buffer)

    @property
    def pools(self) -> tuple[BufferPool, ...]:
        """Return the pools; their counters tell about reuse."""
        return tuple(self._pools.values())
