# SPDX-License-Identifier: MIT
"""Tests of gamenet.game.foresight_report: what a live client can say of itself."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.foresight_report import foresight_report
from tests.game.playing import Match


class ReportTests(SynchronousTestCase):
    """A report says what was predicted and what came true."""

    def report(self, match: Match, **options: Any) -> dict[str, Any]:
        """Return the report of the first client, as JSON has it."""
        one = match.one
        now = one._factory.seconds()
        return json.loads(json.dumps(foresight_report(one.foresight, now, **options)))

    def test_own(self) -> None:
        """Where nothing interferes, the ghost is what the server has told."""
        match = Match(0.1, 0.0, 0.0, seed=3)
        match.play(8)
        report = self.report(match)
        self.assertTrue(report["entities"])
        for each in report["entities"]:
            self.assertEqual(each["told"], each["ghost"])
            self.assertIsNotNone(each["predicted"])
        self.assertEqual(report["corrections_log"], [])
        self.assertIn("clock_error_ms", report)

    def test_corrections(self) -> None:
        """What the server did to an own entity is listed, and later is not."""
        match = Match(0.1, 0.0, 0.0, seed=3)
        match.play(8)
        before = self.report(match)["corrections"]
        world = match.stepper.server.world
        row = self.report(match)["entities"][0]["row"]
        position = match.one.foresight.predicting.components[0]
        columns = world.columns(position)
        name = next(iter(columns.arrays))
        columns.arrays[name][row] += 2.0
        columns.changed(row)
        match.play(1)
        report = self.report(match)
        (line,) = report["corrections_log"]
        self.assertEqual(line["rows"], [row])
        self.assertGreater(line["resimulated"], 0)
        self.assertEqual(report["corrections"], before + 1)
        match.play(2)
        self.assertEqual(self.report(match, seconds=1)["corrections_log"], [])
