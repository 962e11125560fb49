# SPDX-License-Identifier: MIT
"""Tests of what keeps peers from filling the log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from gamenet.transport.quiet import Throttle, printable


class ThrottleTests(SynchronousTestCase):
    """A few lines at once, one a second on the whole."""

    def test_held_back(self) -> None:
        """The next line says how many there were before it."""
        clock = Clock()
        throttle = Throttle(clock.seconds, burst=2)
        self.assertEqual([throttle.more() for _ in range(5)], ["", "", *[None] * 3])
        clock.advance(1)
        said = [throttle.more() for _ in range(2)]
        self.assertEqual(said, [" (held back before this: 3)", None])
        clock.advance(100)
        self.assertEqual(throttle.more(), " (held back before this: 1)")
        self.assertEqual(throttle.more(), "")

    @given(st.lists(st.floats(0, 3), max_size=200))
    def test_rate(self, waits: list[float]) -> None:
        """Whatever peers do, no more lines are written than the time allows."""
        clock = Clock()
        throttle = Throttle(clock.seconds)
        n_written = 0
        for wait in waits:
            clock.advance(wait)
            n_written += throttle.more() is not None
        self.assertLessEqual(n_written, 10 + clock.seconds())


class PrintableTests(SynchronousTestCase):
    """What a peer said fits in a line."""

    def test_words(self) -> None:
        """Words stay as they are."""
        self.assertEqual(printable("až tu, 你好"), "až tu, 你好")

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """Nothing moves the cursor, and nothing is long."""
        shown = printable(text + "\x1b[2J\r\n")
        self.assertTrue(shown.isprintable())
        self.assertLessEqual(len(shown), 200)
