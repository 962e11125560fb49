# SPDX-License-Identifier: MIT
"""The net graph writes what the connection measures, and fits a phone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.javascript import run_program
from tests.browser.serving import BrowserTestCase, ServerProcess, join

FRESH = {
    "rttMin": 0,
    "rttMax": 0,
    "deliveryRatio": 1,
    "transferWindow": 0,
    "resent": 0,
    "duplicates": 0,
    "dropped": {},
    "snapshotErrors": 0,
    "baselinesMissing": 0,
}
WRITTEN = """() => {
    const { prototype } = CanvasRenderingContext2D;
    const { fillText } = prototype;
    window.written = [];
    prototype.fillText = function (text, x, y, free) {
        const width = Math.min(this.measureText(text).width, free ?? Infinity);
        const left = this.textAlign === "right" ? x - width : x;
        if (this.canvas.id === "netgraph") written.push([text, left, left + width, y]);
        fillText.call(this, text, x, y, free);
    };
}"""
FAULTY = """async () => {
    const { GameClient } = await import("/gamenet/client.js");
    const { stats } = GameClient.prototype;
    GameClient.prototype.stats = function () {
        return { ...stats.call(this), snapshotErrors: 98765, baselinesMissing: 98765 };
    };
    written.length = 0;
}"""
PLACE = """() => {
    const { left, right, top, bottom } = document.getElementById("netgraph")
        .getBoundingClientRect();
    return { left, right, top, bottom, width: innerWidth, height: innerHeight };
}"""


def figures(**changed: Any) -> dict[str, str]:
    """Return what is written of a connection."""
    (pairs,) = run_program("netgraph_figures.js", [{**FRESH, **changed}])
    return dict(pairs)


class FiguresTests(SynchronousTestCase):
    """The figures without a graph."""

    def test_fresh(self) -> None:
        """Before anything is measured there are zeros, and no window."""
        self.assertEqual(
            figures(),
            {
                "Min trip": "0 ms",
                "Max trip": "0 ms",
                "Arrived": "100.0 %",
                "Window": "-",
                "Resent": "0",
                "Duplicates": "0",
                "Dropped": "0",
            },
        )

    def test_times(self) -> None:
        """From the welcome on there is what the time lines measure."""
        timing = {"ahead": 3.14, "clockError": 0.00123, "slack": 1.55, "wanted": 2.0}
        timing |= {"late": 3, "missing": 250_000, "delay": 0.0666, "resyncs": 1}
        found = figures(**timing)
        self.assertEqual(
            {name: found[name] for name in found if name not in figures()},
            {
                "Ahead": "3.1 t",
                "Clock": "± 1.2 ms",
                "Slack": "1.6 of 2.0 t",
                "Late": "3 + 250 k",
                "View": "67 ms",
                "Resyncs": "1",
            },
        )

    def test_values(self) -> None:
        """Each figure is the connection's, in a unit that people want."""
        found = figures(
            rttMin=0.0204,
            rttMax=0.3,
            deliveryRatio=0.98765,
            transferWindow=19_200,
            resent=28,
            duplicates=1_234_567,
        )
        self.assertEqual(
            list(found.values())[:-1],
            ["20 ms", "300 ms", "98.8 %", "19 kB", "28", "1235 k"],
        )

    def test_dropped(self) -> None:
        """Packets not taken are counted together, and most of them have a reason."""
        for dropped, text in (
            ({"replayed": 4}, "4 replayed"),
            ({"replayed": 4, "malformed": 9}, "13, malformed 9"),
        ):
            self.assertEqual(figures(dropped=dropped)["Dropped"], text)

    def test_faults(self) -> None:
        """Snapshots that were of no use are told of only if there were any."""
        for changed, wanted in (
            ({"snapshotErrors": 2}, ["Malformed", "Dropped"]),
            ({"baselinesMissing": 3}, ["No base", "Dropped"]),
            (
                {"snapshotErrors": 2, "baselinesMissing": 3},
                ["Malformed", "No base", "Dropped"],
            ),
        ):
            found = figures(**changed)
            self.assertEqual(list(found)[6:], wanted)
            told = [found[name] for name in wanted[:-1]]
            self.assertEqual(told, [str(count) for count in changed.values()])


class SmallScreenTests(BrowserTestCase):
    """The graph on a phone."""

    def test_narrow(self) -> None:
        """At 390 pixels it is on the screen, and no text leaves it or meets another."""
        server = ServerProcess("examples.drift:Drift")
        self.addCleanup(server.stop)
        page = self.browser.open(server.address)
        page.set_viewport_size({"width": 390, "height": 664})
        join(page, "Ada")
        page.evaluate(WRITTEN)
        page.keyboard.press("KeyN")
        page.wait_for_selector("#netgraph", state="visible")
        texts = self.check_place(page)
        self.assertIn("Duplicates", texts)
        self.assertNotIn("No base", texts)
        page.evaluate(FAULTY)
        self.assertIn("No base", self.check_place(page))

    def check_place(self, page: Any) -> list[str]:
        """Check that all of the graph can be seen; return its texts."""
        page.wait_for_function("() => written.length > 0")
        written = page.evaluate("() => written")
        texts = [text for text, *_ in written]
        place = page.evaluate(PLACE)
        self.assertGreaterEqual(min(place["left"], place["top"]), 0)
        self.assertLessEqual(place["right"], place["width"])
        self.assertLessEqual(place["bottom"], place["height"])
        n_each = texts.index("Dropped") + 2
        self.check_apart(written[:n_each], place)
        return texts[:n_each]

    def check_apart(self, written: list[Any], place: dict[str, float]) -> None:
        """Check that texts on a line are beside each other, and all inside."""
        lines: dict[float, list[Any]] = {}
        for text, left, right, middle in written:
            self.assertGreaterEqual(left, 0, text)
            self.assertLessEqual(right, place["right"] - place["left"], text)
            self.assertLess(middle, place["bottom"] - place["top"], text)
            lines.setdefault(middle, []).append((left, right, text))
        for line in lines.values():
            line.sort()
            for (_, right, text), (left, _, _) in pairwise(line):
                self.assertLess(right, left, text)
