# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.replay_table."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.replay_ghost import Mistake
from gamenet.service.replay_run import ReplayedTick
from gamenet.service.replay_table import (
    WIDTH,
    Summary,
    head_line,
    tick_dict,
    tick_lines,
)


def line(tick: int = 40, **others: Any) -> ReplayedTick:
    """Return a tick in which all went well, but for what is given."""
    known: dict[str, Any] = {
        "newest": tick + 3,
        "depth": 2,
        "slack": 2.5,
        "wanted": 2.25,
        "taken": 1,
        "late": 0,
        "missing": 0,
        "n_bytes": 33,
        "own": tick + 6,
        "confirmed": tick,
    }
    return ReplayedTick(tick, **{**known, **others})


def wrong(size: float, **others: Any) -> ReplayedTick:
    """Return a tick with a correction."""
    mistake = Mistake(5, "Position", size, {"x": 1.0, "y": 2}, {"x": 1.5, "y": 2})
    known: dict[str, Any] = {"n_corrections": 1, "size": size, "resimulated": 6}
    return line(**{**known, "mistakes": [mistake], **others})


class LineTests(SynchronousTestCase):
    """A line for each tick."""

    def test_plain(self) -> None:
        """Without the game it says what the server knew."""
        (text,) = tick_lines(line(missing=1), 0.0, is_predicted=False)
        head = head_line(is_predicted=False).replace("told B", "told-B").split()
        shown = dict(zip(head, text.split(), strict=True))
        expected = {
            "tick": "40",
            "depth": "2",
            "slack": "2.50",
            "wanted": "2.25",
            "late": "-",
            "miss": "1",
            "own": "+3",
            "told-B": "33",
        }
        self.assertEqual(shown, expected)

    def test_predicted(self) -> None:
        """With the game it says what the client knew, too."""
        (text,) = tick_lines(line(late=2), 9.0, is_predicted=True)
        head = head_line(is_predicted=True).replace("off by", "off").split()
        shown = dict(zip(head, text.split(), strict=True))
        expected = {
            "tick": "40",
            "depth": "2",
            "slack": "2.50",
            "wanted": "2.25",
            "late": "2",
            "miss": "-",
            "own": "+6",
            "confirmed": "40",
            "redone": "-",
            "off": "-",
        }
        self.assertEqual(shown, expected)

    def test_correction(self) -> None:
        """A correction has a bar, and what differs, below it."""
        first, below = tick_lines(wrong(0.5), 0.5, is_predicted=True)
        self.assertIn(" 0.5 ####", first)
        self.assertEqual(below.strip(), "row 5 Position: x 1 was 1.5")

    def test_bar(self) -> None:
        """Bars are as long as corrections are large, and none is without any."""
        sizes = (0.0, 0.01, 0.25, 0.5, 1.0)
        lengths = [
            tick_lines(wrong(size), 1.0, is_predicted=True)[0].count("#")
            for size in sizes
        ]
        self.assertEqual(lengths, sorted(lengths))
        self.assertEqual(lengths[0], 1)
        self.assertEqual(lengths[3], lengths[4] / 2)
        self.assertEqual(
            tick_lines(wrong(0.0), 0.0, is_predicted=True)[0].count("#"), 1
        )

    def test_unknown(self) -> None:
        """What is not known is a dash, and what was not kept is left out."""
        (text,) = tick_lines(line(own=None, confirmed=None), 0.0, is_predicted=True)
        self.assertEqual(text.split()[-4:], ["-"] * 4)
        (text,) = tick_lines(line(newest=0), 0.0, is_predicted=False)
        self.assertEqual(text.split()[-2], "-")
        mistake = Mistake(5, "Turn", 1.0, None, {"at": [0.5, 1.0, None, 0.25]})
        found = tick_lines(wrong(1.0, mistakes=[mistake]), 1.0, is_predicted=True)
        self.assertEqual(found[1].strip(), "row 5 Turn: confirmed at (0.5 1 None 0.25)")

    def test_width(self) -> None:
        """No line is longer than a terminal's, whatever is in it."""
        values = {f"a_long_name_{n}": n / 7 for n in range(9)}
        mistake = Mistake(99999, "A" * 40, 1e9, None, values)
        large = wrong(
            123456.789,
            tick=2**32 - 1,
            mistakes=[mistake],
            own=2**32 + 500,
            confirmed=2**32 - 1,
            slack=-99.25,
            wanted=48.0,
            late=99,
            missing=1,
            resimulated=1024,
        )
        for is_predicted in (True, False):
            lines = tick_lines(large, 123456.789, is_predicted=is_predicted)
            lines.append(head_line(is_predicted=is_predicted))
            for text in lines:
                self.assertLessEqual(len(text), WIDTH, text)

    def test_json(self) -> None:
        """As an object there is all that is known, and no more."""
        found = json.loads(json.dumps(tick_dict(wrong(0.5), is_predicted=True)))
        self.assertEqual(found["mistakes"][0]["confirmed"], {"x": 1.5, "y": 2})
        plain = tick_dict(wrong(0.5), is_predicted=False)
        self.assertEqual(
            sorted(set(found) - set(plain)),
            ["confirmed", "mistakes", "n_corrections", "own", "resimulated", "size"],
        )


class SummaryTests(SynchronousTestCase):
    """What the ticks come to."""

    def setUp(self) -> None:
        self.summary = Summary()

    def test_none(self) -> None:
        """Of nothing there is no share."""
        figures = self.summary.figures(is_predicted=True)
        self.assertEqual(figures["late_share"], 0.0)
        self.assertIsNone(figures["worst_tick"])
        self.assertIn("corrections  0", self.summary.lines(is_predicted=True))

    def test_sums(self) -> None:
        """Sums, shares, means and the worst."""
        for each in (
            line(1),
            line(2, taken=0, missing=1, depth=0),
            wrong(0.5, tick=3, late=1),
            wrong(0.25, tick=4),
        ):
            self.summary.add(each)
        self.assertEqual(
            self.summary.figures(is_predicted=True),
            {
                "ticks": 4,
                "frames": 4,
                "late": 1,
                "late_share": 0.25,
                "missing": 1,
                "missing_share": 0.25,
                "mean_depth": 1.5,
                "mean_slack": 2.5,
                "corrections": 2,
                "worst": 0.5,
                "worst_tick": 3,
                "resimulated": 12,
            },
        )
        self.assertNotIn("worst", self.summary.figures(is_predicted=False))
        self.assertEqual(
            self.summary.lines(is_predicted=True),
            [
                "inputs       4 frames, 1 late (25.0%); of 4 ticks 1 without (25.0%)",
                "queue        1.50 frames deep, slack 2.50 ticks, on average",
                "corrections  2, the worst by 0.5 in tick 3",
                "redone       12 ticks",
            ],
        )
        self.assertEqual(len(self.summary.lines(is_predicted=False)), 2)

    def test_no_size(self) -> None:
        """A correction of what cannot slide has no size, and counts."""
        self.summary.add(wrong(0.0, tick=3))
        self.assertEqual(self.summary.figures(is_predicted=True)["worst_tick"], 3)
