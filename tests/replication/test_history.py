# SPDX-License-Identifier: MIT
"""Tests of what a client remembers of rows, against a plain list of samples."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication import HISTORY
from gamenet.replication.history import MAX_HISTORY_BYTES, History

N_WORDS, N_ROWS = 3, 5
ROWS = np.arange(N_ROWS)


def keep(history: History, tick: int, rows: Any, words: Any) -> None:
    """Store samples as a receiver does."""
    history.store(tick, rows, words, history.current(rows))


def words_at(history: History, ticks: Any) -> Any:
    """Return the words of all rows, each at a tick."""
    bases = np.broadcast_to(np.array(ticks, np.int64), N_ROWS)
    return history.at(ROWS, bases, history.current(ROWS))


class HistoryTests(SynchronousTestCase):
    """The state at a tick is the newest sample that is not newer."""

    @settings(max_examples=25)
    @given(st.integers(0, 2**32))
    def test_any_order(self, seed: int) -> None:
        """Whatever comes in whatever order, the last 32 ticks are told rightly."""
        random = Random(seed)
        history = History(N_WORDS, 64)
        history.make_room(N_ROWS - 1)
        samples: list[dict[int, list[int]]] = [{} for _ in range(N_ROWS)]
        newest = 0
        for _ in range(60):
            tick = max(0, newest + random.choice((-31, -9, -1, 0, 1, 1, 2, 9, 40)))
            newest = max(newest, tick)
            rows = sorted(random.sample(range(N_ROWS), random.randint(1, N_ROWS)))
            # Who tells a row twice for one tick says the same.
            told = [
                samples[row].get(
                    tick, [random.randrange(2**32) for _ in range(N_WORDS)]
                )
                for row in rows
            ]
            words = [list(lane) for lane in zip(*told, strict=True)]
            keep(history, tick, np.array(rows), np.array(words, np.uint32))
            for i, row in enumerate(rows):
                samples[row][tick] = [lane[i] for lane in words]
            for base in range(max(0, newest - HISTORY + 1), newest + 1):
                expected = [self.expected(kept, base) for kept in samples]
                self.assertEqual(words_at(history, base).T.tolist(), expected)
            current = [self.expected(kept, newest) for kept in samples]
            self.assertEqual(history.current(ROWS).T.tolist(), current)
            newest_of = [max(kept, default=-1) for kept in samples]
            self.assertEqual(history.newest(ROWS).tolist(), newest_of)

    @staticmethod
    def expected(samples: dict[int, list[int]], base: int) -> list[int]:
        """Return the state at a tick."""
        ticks = [tick for tick in samples if tick <= base]
        return samples[max(ticks)] if ticks else [0] * N_WORDS

    def test_nothing(self) -> None:
        """Before any sample, and at the tick before any tick, there are zeros."""
        history = History(N_WORDS, 64)
        history.make_room(N_ROWS - 1)
        self.assertFalse(history.current(ROWS).any())
        keep(history, 0, ROWS, np.ones((N_WORDS, N_ROWS), np.uint32))
        self.assertFalse(words_at(history, -1).any())
        self.assertTrue(words_at(history, 0).all())

    def test_each_its_own(self) -> None:
        """Each row is told of a tick of its own."""
        history = History(1, 64)
        history.make_room(N_ROWS - 1)
        for tick in range(3, 8):
            keep(history, tick, ROWS, np.full((1, N_ROWS), tick, np.uint32))
        words = words_at(history, [2, 3, 5, 7, 99])
        self.assertEqual(words.tolist(), [[0, 3, 5, 7, 7]])


class RoomTests(SynchronousTestCase):
    """Memory grows with the highest row, up to a limit."""

    def test_grows(self) -> None:
        """What was there stays when there is more room."""
        history = History(1, 1000)
        history.make_room(3)
        keep(history, 5, np.array([3]), np.array([[7]], np.uint32))
        for highest in (2, 63, 64, 200, 999):
            history.make_room(highest)
            rows = np.array([3, highest])
            words = history.at(rows, np.array([6, 6]), history.current(rows))
            expected = [[7, 7 if highest == 3 else 0]]
            self.assertEqual(words.tolist(), expected)
            self.assertEqual(history.newest(rows).tolist(), [5, -1])
        self.assertEqual(history._now.shape[1], 1000)

    def test_limit(self) -> None:
        """More than the limit is refused, and takes nothing."""
        history = History(200, 1 << 24)
        history.make_room(100)
        before = history._now
        error = self.assertRaises(RemoteProtocolError, history.make_room, (1 << 24) - 1)
        self.assertIn(f"the limit is {MAX_HISTORY_BYTES >> 20} MiB", str(error))
        self.assertIs(history._now, before)
        history.make_room(101)
