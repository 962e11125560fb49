# SPDX-License-Identifier: MIT
"""Tests of the window's growth."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.window import Window


class WindowTests(SynchronousTestCase):
    """It grows by steps, and shrinks by shares."""

    def setUp(self) -> None:
        self.window = Window(1200)

    def grow(self, n_rounds: int, *, is_empty: bool, is_careful: bool = False) -> int:
        """Grow for some rounds; return by how many bytes."""
        before = self.window.size
        for _ in range(n_rounds):
            self.window.grow(is_empty=is_empty, is_careful=is_careful)
        return self.window.size - before

    def test_first(self) -> None:
        """It begins with ten packets."""
        self.assertEqual(self.window.size, 12_000)

    def test_steps(self) -> None:
        """While there is a queue all steps are small, and smaller after losses."""
        self.assertEqual(self.grow(20, is_empty=False), 20 * 200)
        self.assertEqual(self.grow(20, is_empty=True, is_careful=True), 20 * 100)

    def test_steps_double(self) -> None:
        """On an empty path they double, up to an eighth of the window."""
        self.assertEqual(self.grow(8, is_empty=True), 5 * 200 + 2 * 400 + 800)
        self.assertEqual(self.grow(1, is_empty=False), 200)
        self.grow(40, is_empty=True)
        before = self.window.size
        self.assertEqual(self.grow(1, is_empty=True), before // 8)

    def test_shrinks(self) -> None:
        """A share is kept, and a least size; after that, steps are small again."""
        self.grow(40, is_empty=True)
        before = self.window.size
        self.window.shrink(0.5, 1200)
        self.assertEqual(self.window.size, before // 2)
        self.assertEqual(self.grow(3, is_empty=True), 600)
        self.window.shrink(0.001, 2400)
        self.assertEqual(self.window.size, 2400)

    def test_narrow(self) -> None:
        """It may be one packet for a while."""
        self.window.narrow()
        self.assertEqual(self.window.size, 1200)
        self.window.widen()
        self.assertEqual(self.window.size, 12_000)
