# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.answered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.answered import Answered, aligned, sparkline


class AnsweredTests(SynchronousTestCase):
    """Figures are read from whatever was answered."""

    def test_numbers(self) -> None:
        """Numbers are written in the unit that people want."""
        stats = Answered({"x": 0.01234, "n": 12345, "share": 0.987})
        self.assertEqual(stats.ms("x"), "12.3")
        self.assertEqual(stats.kilo("n"), "12.3")
        self.assertEqual(stats.percent("share"), "98.7")
        self.assertEqual(stats.percent_if_any("share"), "98.7")
        self.assertEqual(stats.percent_if_any("nothing"), "-")
        self.assertEqual(stats.ratio("share"), "0.99")
        self.assertEqual(stats.whole("n"), "12345")
        self.assertEqual(
            (stats.kilo_if_any("n"), stats.kilo_if_any("z")), ("12.3", "-")
        )

    def test_no_numbers(self) -> None:
        """What is no finite number counts as 0."""
        for value in (None, "5", [], {}, float("nan"), float("inf"), 10**400):
            self.assertEqual(Answered({"x": value}).number("x"), 0.0)
        self.assertEqual(Answered({}).number("x"), 0.0)

    def test_structure(self) -> None:
        """Objects and lists are there, or empty."""
        stats = Answered({"a": {"b": 1}, "c": [{"d": 2}, 3, None], "e": [1, "x", 2.5]})
        self.assertEqual(stats.table("a").number("b"), 1)
        self.assertEqual([row.number("d") for row in stats.rows("c")], [2, 0, 0])
        self.assertEqual(stats.numbers("e"), [1, 0, 2.5])
        for value in (None, 5, "x", []):
            empty = Answered(value)
            self.assertEqual(empty.table("a").table("b").number("c"), 0)
            self.assertEqual((empty.rows("c"), empty.numbers("e")), ([], []))

    def test_text(self) -> None:
        """A text is one line that cannot command a terminal."""
        stats = Answered({"x": "a\x1b[31m\nb\u202ec", "y": 5})
        self.assertEqual(stats.text("x"), "a [31m b c")
        self.assertEqual((stats.text("y"), stats.text("z")), ("5", ""))

    def test_counts(self) -> None:
        """Counts come with the largest first."""
        stats = Answered({"x": {"few": 1, "ma\nny": 7, "odd": None}, "y": {}})
        self.assertEqual(stats.counts("x"), "ma ny 7, few 1, odd 0")
        self.assertEqual((stats.counts("y"), stats.counts("z")), ("none", "none"))


class LayoutTests(SynchronousTestCase):
    """Lines for a terminal."""

    def test_aligned(self) -> None:
        """Columns stand below each other, texts to the left, numbers to the right."""
        rows = [("id", "name", "ms"), ("1", "ada", "12.0"), ("10", "b", "3.5")]
        self.assertEqual(
            aligned(rows, n_left=2),
            ["id  name    ms", "1   ada   12.0", "10  b      3.5"],
        )

    def test_sparkline(self) -> None:
        """Bars go from nothing to the largest value."""
        self.assertEqual(sparkline([0, 1, 2, 3, 4, 5, 6, 7]), "▁▂▃▄▅▆▇█")
        self.assertEqual(sparkline([0, 0]), "▁▁")
        self.assertEqual(sparkline([]), "")
        self.assertEqual(sparkline([-5, 5]), "▁█")

    def test_peak(self) -> None:
        """A peak among many values is not lost."""
        values = [1.0] * 120
        values[77] = 50.0
        line = sparkline(values, width=60)
        self.assertEqual((len(line), line.count("█"), line.index("█")), (60, 1, 38))

    @given(st.lists(st.floats(-1e9, 1e9), max_size=300))
    def test_any_values(self, values: list[float]) -> None:
        """Any values make a row of at most the width."""
        self.assertEqual(len(sparkline(values, width=60)), min(len(values), 60))
