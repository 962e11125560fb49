# SPDX-License-Identifier: MIT
"""The graph of a prediction shows what happened, when it happened."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.javascript import run_program
from tests.browser.serving import BrowserTestCase, ServerProcess, join

STATS = {
    "slack": 1.25,
    "wanted": 2.0,
    "late": 3,
    "missing": 4,
    "unacknowledged": 5,
    "speed": 1.004,
    "resyncs": 1,
    "stale": 2,
}
SHOWN = ["netgraph", "foresight"]


def drawn(*stats: dict[str, Any], more: Any = (), seconds: float = 0.1) -> Any:
    """Return samples and figures of what a client says, one after the other."""
    every = [{**STATS, **each} for each in stats]
    argument = {"seconds": seconds, "stats": every, "more": list(more)}
    return run_program("foresight_figures.js", argument)


class SampleTests(SynchronousTestCase):
    """What is drawn over time."""

    def test_corrections(self) -> None:
        """A correction is drawn once, with its size, and what it cost in a second."""
        counts = [(0, 0, 0.0), (1, 8, 0.5), (1, 8, 0.5), (3, 20, 0.25)]
        names = ("corrections", "resimulated", "correctionSize")
        stats = [dict(zip(names, each, strict=True)) for each in counts]
        wanted = [[0, 0], [0.5, 80], [0, 0], [0.25, 120]]
        self.assertEqual(drawn(*stats)["samples"], wanted)

    def test_nothing_predicted(self) -> None:
        """A page that predicts nothing has no corrections."""
        answer = drawn({}, {})
        self.assertEqual(answer["samples"], [[0, 0], [0, 0]])
        figures = dict(answer["figures"])
        self.assertEqual(figures["Predicted"], "nothing")
        self.assertEqual(figures["Corrections"], "-")

    def test_bounded(self) -> None:
        """Only the last samples are kept."""
        self.assertEqual(drawn(*[{}] * 500)["kept"], 120)

    def test_figures(self) -> None:
        """Each figure is the client's, and those of the page come last."""
        predicted = {"corrections": 7, "confirmed": 90, "predictedRows": 1}
        figures = drawn(predicted, more=[["Ghost", "1 m"]])["figures"]
        self.assertEqual(
            dict(figures),
            {
                "Corrections": "7",
                "Confirmed": "90",
                "Slack": "1.3 of 2.0 t",
                "Late": "3 + 4",
                "Unacked": "5",
                "Speed": "100.4 %",
                "Resyncs": "1",
                "Stale": "2",
                "Predicted": "1 own",
                "Ghost": "1 m",
            },
        )
        self.assertEqual(figures[-1], ["Ghost", "1 m"])


class DefaultPageTests(BrowserTestCase):
    """The page of games that have none of their own."""

    def test_both(self) -> None:
        """Key and button show it; a small screen has room for one graph."""
        server = ServerProcess("examples.drift:Drift")
        self.addCleanup(server.stop)
        page = self.browser.open(server.address)
        page.set_viewport_size({"width": 390, "height": 664})
        join(page, "Ada")
        page.keyboard.press("KeyN")
        page.click("#ahead")
        page.wait_for_selector("#foresight", state="visible")
        self.assertEqual([page.is_visible(f"#{each}") for each in SHOWN], [False, True])
        page.set_viewport_size({"width": 1280, "height": 800})
        page.wait_for_selector("#netgraph", state="visible")
        self.assertEqual([page.is_visible(f"#{each}") for each in SHOWN], [True, True])
        page.keyboard.press("KeyP")
        page.wait_for_selector("#ahead[aria-pressed=false]")
        self.assertFalse(page.is_visible("#foresight"))
        self.assertEqual(self.browser.errors, [])
