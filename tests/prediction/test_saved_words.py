# SPDX-License-Identifier: MIT
"""Tests of the ring of words."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction.saved_words import SavedWords


class SavedWordsTests(SynchronousTestCase):
    """The newest ticks are kept, each row's from its own beginning."""

    def setUp(self) -> None:
        self.saved = SavedWords(2, 4)
        self.saved.rearrange(np.array([-1, -1]))
        self.saved.begin(10, np.array([[10, 110], [10, 110]], np.uint32))
        for tick in (11, 12):
            self.saved.append(np.array([[tick, tick + 100]] * 2, np.uint32))

    def test_kept(self) -> None:
        """Each tick is where it was put."""
        self.assertEqual(self.saved.at(11).tolist(), [[11, 111], [11, 111]])
        self.assertEqual(self.saved.since.tolist(), [10, 10])
        self.assertEqual(
            [tick for tick in range(5, 16) if self.saved.reaches(tick)], [9, 10, 11, 12]
        )

    def test_lost(self) -> None:
        """What falls out of the ring is known no more."""
        for tick in (13, 14):
            self.saved.append(np.full((2, 2), tick, np.uint32))
        self.assertEqual(self.saved.since.tolist(), [11, 11])
        self.assertFalse(self.saved.reaches(10))
        self.assertEqual(self.saved.at(11).tolist(), [[11, 111], [11, 111]])

    def test_rearranged(self) -> None:
        """Rows that stay keep what is known of them, wherever they stand."""
        self.saved.rearrange(np.array([1, -1]))
        self.assertEqual(self.saved.since.tolist(), [10, 12])
        self.assertEqual(self.saved.at(11)[:, 0].tolist(), [111, 111])

    def test_anew(self) -> None:
        """A new beginning forgets all."""
        self.saved.begin(7, np.zeros((2, 2), np.uint32))
        self.assertEqual((self.saved.newest, self.saved.since.tolist()), (7, [7, 7]))
