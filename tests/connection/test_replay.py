# SPDX-License-Identifier: MIT
"""Tests of the window that lets no packet count twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.replay import ReplayWindow

LAST = 2**64 - 1
SIZE = 256
starts = st.sampled_from([0, 1, 200, 2**32 - 5, 2**63 - 100, 2**63, LAST - 900])
steps = st.one_of(
    st.just(1),
    st.integers(-3, 4),
    st.sampled_from([-SIZE - 1, -SIZE, -SIZE + 1, SIZE - 1, SIZE, SIZE + 1]),
    st.integers(-600, 600),
)


def received(window: ReplayWindow, *sequences: int) -> list[int]:
    """Receive packets as an opener does; return those that were new."""
    new = []
    for sequence in sequences:
        if window.is_new(sequence):
            window.advance(sequence)
            new.append(sequence)
    return new


class ReplayTests(SynchronousTestCase):
    """Each sequence is new once, while it is no more than the window behind."""

    def setUp(self) -> None:
        self.window = ReplayWindow()

    def test_nothing_yet(self) -> None:
        """Before the first packet every sequence is new."""
        self.assertEqual(self.window.newest, -1)
        for sequence in (0, 1, 255, 256, 2**63, LAST):
            self.assertTrue(self.window.is_new(sequence))

    def test_in_order(self) -> None:
        """Packets in order are new once each."""
        sequences = range(3 * SIZE)
        self.assertEqual(received(self.window, *sequences), list(sequences))
        self.assertEqual(received(self.window, *sequences), [])
        self.assertEqual(self.window.newest, 3 * SIZE - 1)

    def test_backwards(self) -> None:
        """Of packets in reverse order those within the window are new."""
        sequences = range(1000, 0, -1)
        new = received(self.window, *sequences)
        self.assertEqual(new, list(range(1000, 1000 - SIZE, -1)))
        self.assertEqual(received(self.window, *sequences), [])

    def test_edge(self) -> None:
        """A packet as far behind as the window is large is too old."""
        received(self.window, 1000)
        self.assertFalse(self.window.is_new(1000 - SIZE))
        self.assertTrue(self.window.is_new(1000 - SIZE + 1))

    def test_asking_changes_nothing(self) -> None:
        """A packet that turns out forged may come again, authentic."""
        received(self.window, 7)
        for _ in range(2):
            self.assertTrue(self.window.is_new(9))
            self.assertTrue(self.window.is_new(6))
        self.assertEqual(self.window.newest, 7)

    def test_leap(self) -> None:
        """After a leap over more than the window, nothing before the leap is new."""
        received(self.window, *range(10))
        self.assertEqual(received(self.window, 2**63), [2**63])
        self.assertEqual(received(self.window, *range(20)), [])
        late = range(2**63 - SIZE + 1, 2**63)
        self.assertEqual(received(self.window, *late), list(late))

    def test_last(self) -> None:
        """At the end of the 64 bits nothing wraps: 0 is old there, and stays so."""
        last = [LAST - SIZE + 1, LAST - 2, LAST, LAST - 1]
        self.assertEqual(received(self.window, *last), last)
        self.assertEqual(received(self.window, *last, 0, 1, 255), [])
        self.assertTrue(self.window.is_new(LAST - 3))

    def test_too_old_to_advance(self) -> None:
        """Advancing to a packet far behind changes nothing, and costs nothing."""
        received(self.window, 2**63)
        self.window.advance(0)
        self.assertEqual(self.window.newest, 2**63)
        self.assertEqual(received(self.window, 2**63 - 1), [2**63 - 1])

    @given(starts, st.lists(steps, max_size=300), st.sampled_from([1, 2, 64, SIZE]))
    def test_model(self, sequence: int, moves: list[int], size: int) -> None:
        """It says what a memory of everything says."""
        window, seen = ReplayWindow(size), set()
        for move in [0, *moves]:
            sequence = min(max(sequence + move, 0), LAST)
            is_new = sequence not in seen and sequence > max(seen, default=-1) - size
            self.assertEqual(window.is_new(sequence), is_new)
            if is_new:
                window.advance(sequence)
                seen.add(sequence)
            self.assertEqual(window.newest, max(seen))
