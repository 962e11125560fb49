# SPDX-License-Identifier: MIT
"""Buffers that are used again."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.wire import BufferPool


class BufferPoolTests(SynchronousTestCase):
    """Lending and taking back."""

    def test_default_size(self) -> None:
        """A buffer holds a packet that fits every path of the Internet."""
        self.assertEqual(len(BufferPool().acquire()), 1200)

    def test_counters(self) -> None:
        """What was made and what was lent again is counted."""
        pool = BufferPool(16)
        self.assertEqual((pool.n_made, pool.n_reused, pool.reuse), (0, 0, 0.0))
        first, second = pool.acquire(), pool.acquire()
        self.assertEqual((pool.n_made, pool.n_reused), (2, 0))
        pool.release(second)
        self.assertIs(pool.acquire(), second)
        self.assertEqual((pool.n_made, pool.n_reused), (2, 1))
        self.assertEqual(pool.reuse, 1 / 3)
        self.assertIsNot(first, second)

    def test_steady_use(self) -> None:
        """In steady use nearly every buffer was there before."""
        pool = BufferPool(64)
        for _ in range(200):
            held = [pool.acquire() for _ in range(5)]
            for buffer in held:
                pool.release(buffer)
        self.assertGreater(pool.reuse, 0.95)
        self.assertEqual(pool.n_made, 5)

    def test_lend(self) -> None:
        """A buffer lent for a `with` block comes back, also when the block fails."""
        pool = BufferPool(8)
        with pool.lend() as buffer:
            self.assertEqual(len(buffer), 8)
        with self.assertRaises(ZeroDivisionError), pool.lend() as again:
            self.assertIs(again, buffer)
            _ = 1 / 0
        self.assertIs(pool.acquire(), buffer)
        self.assertEqual((pool.n_made, pool.n_reused), (1, 2))

    def test_foreign_buffer(self) -> None:
        """A buffer that this pool has not lent is refused, whatever its size."""
        pool, other = BufferPool(8), BufferPool(8)
        for foreign in (bytearray(8), bytearray(9), other.acquire()):
            with self.assertRaisesRegex(LocalProtocolError, "not lent out"):
                pool.release(foreign)

    def test_twice(self) -> None:
        """A buffer released twice is refused: it would be lent to two at once."""
        pool = BufferPool(8)
        buffer = pool.acquire()
        pool.release(buffer)
        with self.assertRaisesRegex(LocalProtocolError, "release each once"):
            pool.release(buffer)
        self.assertIsNot(pool.acquire(), pool.acquire())

    def test_resized(self) -> None:
        """A buffer that has grown is refused: the next one would not expect it."""
        pool = BufferPool(8)
        buffer = pool.acquire()
        buffer += b"more"
        with self.assertRaisesRegex(LocalProtocolError, "12 bytes"):
            pool.release(buffer)

    def test_keeps_so_many(self) -> None:
        """Free buffers beyond the limit are let go."""
        pool = BufferPool(8, keep=2)
        for buffer in [pool.acquire() for _ in range(5)]:
            pool.release(buffer)
        for _ in range(5):
            pool.acquire()
        self.assertEqual((pool.n_made, pool.n_reused), (8, 2))

    def test_sizes(self) -> None:
        """A size or a number of buffers below 1 is refused, with both values."""
        for size, keep in ((0, 1), (1, 0), (-5, 1)):
            with self.assertRaisesRegex(LocalProtocolError, f"{size}, keep={keep}"):
                BufferPool(size, keep)
