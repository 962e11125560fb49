# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.bar_plot."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.bar_plot import Panel, bar_plot

SVG = "{http://www.w3.org/2000/svg}"


class BarPlotTests(SynchronousTestCase):
    """Figures become bars."""

    def drawn(self, *panels: Panel) -> tuple[list[float], list[str]]:
        """Return the lengths of the bars, and the texts."""
        root = ET.fromstring(bar_plot("A < B & C", panels))
        bars = [float(each.get("width", "")) for each in root.iter(f"{SVG}rect")]
        return bars[1:], [each.text or "" for each in root.iter(f"{SVG}text")]

    def test_lengths(self) -> None:
        """Each panel has a scale of its own, from 0."""
        first = Panel("us", "lower is better", {"udp": 50.0, "tcp": 100.0, "ws": 0.0})
        second = Panel("/s", "higher is better", {"udp": 120_000.0, "tcp": 3.0})
        bars, texts = self.drawn(first, second)
        self.assertEqual(bars[0] * 2, bars[1])
        self.assertEqual((bars[1], bars[2]), (bars[3], 0.0))
        for text in ("A < B & C", "us", "lower is better", "udp", "120,000", "50.0"):
            self.assertIn(text, texts)
        self.assertIn("3.00", texts)

    def test_nothing(self) -> None:
        """Nothing at all is a plot, too."""
        self.assertEqual(self.drawn()[0], [])
        self.assertEqual(self.drawn(Panel("x", "y", {"udp": 0.0}))[0], [0.0])
