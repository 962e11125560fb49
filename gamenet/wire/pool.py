# SPDX-License-Identifier: MIT
"""Buffers that are used again instead of being made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gamenet.errors import LocalProtocolError

__all__ = ["BufferPool"]


class BufferPool:
    """Lend byte buffers of one size, and count how often one is reused.

    Args:
        size: bytes of a buffer.
        keep: how many free buffers to hold on to.
    """

    def __init__(self, size: int = 1200, keep: int = 64) -> None:
        if size < 1 or keep < 1:
            msg = f"BufferPool(size={size}, keep={keep}): both must be at least 1"
            raise LocalProtocolError(msg)
        self.size = size
        self._keep = keep
        self._free: list[bytearray] = []
        self._lent: set[int] = set()
        self.n_made = 0
        """Buffers that had to be allocated."""
        self.n_reused = 0
        """Buffers that were lent again."""

    def acquire(self) -> bytearray:
        """Return a buffer of `size` bytes, whatever they hold."""
        if self._free:
            self.n_reused += 1
            buffer = self._free.pop()
        else:
            self.n_made += 1
            buffer = bytearray(self.size)
        self._lent.add(id(buffer))
        return buffer

    def release(self, buffer: bytearray) -> None:
        """Give a buffer back; nothing may use it afterwards.

        Raises:
            LocalProtocolError: the buffer is not lent out by this pool, or its size
                was changed.
        """
        if id(buffer) not in self._lent or len(buffer) != self.size:
            msg = (
                f"a buffer of {len(buffer)} bytes is not lent out by this pool of "
                f"{self.size}-byte buffers: release each once, where it was acquired"
            )
            raise LocalProtocolError(msg)
        self._lent.remove(id(buffer))
        if len(self._free) < self._keep:
            self._free.append(buffer)

    @contextmanager
    def lend(self) -> Iterator[bytearray]:
        """Lend a buffer for the length of a `with` block."""
        buffer = self.acquire()
        try:
            yield buffer
        finally:
            self.release(buffer)

    @property
    def reuse(self) -> float:
        """Return the share of acquisitions that reused a buffer, 0 to 1."""
        total = self.n_made + self.n_reused
        return self.n_reused / total if total else 0.0
