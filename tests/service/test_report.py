# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.report."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.report import Report

REPORT = Report(
    transport="udp",
    wanted=3,
    seconds=10.0,
    connected=2,
    refused=1,
    snapshots_per_s=29.98765,
    connect_ms_p50=3.2,
    rtt_ms_p50=12.0,
    rtt_ms_p99=20.5,
    bytes_down_per_s=45678.0,
    bytes_up_per_s=1234.0,
    errors=0,
)


class ReportTests(SynchronousTestCase):
    """What bots measured can be read by machines and by people."""

    def test_json(self) -> None:
        """The JSON is one line with the promised names."""
        text = REPORT.to_json()
        self.assertNotIn("\n", text)
        values = json.loads(text)
        self.assertEqual(values["connected"], 2)
        self.assertEqual(values["snapshots_per_s"], 29.988)
        for name in (
            "refused",
            "rtt_ms_p50",
            "rtt_ms_p99",
            "bytes_down_per_s",
            "bytes_up_per_s",
            "errors",
            "connect_ms_p50",
        ):
            self.assertIn(name, values)

    def test_table(self) -> None:
        """The table has a row for each figure, with its unit."""
        text = REPORT.to_table()
        self.assertIn("2 of 3 (udp)", text)
        self.assertIn("20.5 ms", text)
        self.assertIn("45.7 kB/s each", text)

    def test_complete(self) -> None:
        """A report is complete when every bot joined."""
        self.assertFalse(REPORT.is_complete)
