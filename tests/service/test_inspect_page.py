# SPDX-License-Identifier: MIT
"""The page /inspect shows what the server answers: here without a browser's window."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.browser.javascript import run_program
from tests.service.accounts import Watched

HEAD = {
    "now": 42,
    "tick_rate": 30.0,
    "players": [{"id": 7, "name": "ada"}, {"id": 12, "name": "<b>"}],
}


def account(player_id: int, tick: int | None = None) -> dict[str, Any]:
    """Return what the server answers for a player."""
    watched = Watched()
    watched.inspection.watch(player_id, 42)
    watched.send(player_id)
    return {**HEAD, "name": "x", **watched.inspection.report(player_id, tick)}


class PageTests(SynchronousTestCase):
    """What the page shows."""

    def show(self, *deeds: Any, **answers: Any) -> dict[str, Any]:
        """Return what is on the page after what a user did."""
        given = {
            "/inspect.json": [200, HEAD],
            "/inspect.json?player=7": [200, account(7)],
            "/inspect.json?player=12": [200, account(12)],
            "/inspect.json?player=7&tick=41": [200, account(7, 41)],
            **{f"/inspect.json{path}": answer for path, answer in answers.items()},
        }
        argument = {"answers": given, "deeds": list(deeds)}
        found: dict[str, Any] = run_program("inspect_page.js", argument, engine="node")
        return found

    def test_first_player(self) -> None:
        """It begins with the first player, and goes on once a second."""
        found = self.show(("time",), ("time",))
        paths = [path for path, _ in found["asked"]]
        self.assertEqual(paths, ["/inspect.json", *["/inspect.json?player=7"] * 3])
        self.assertEqual(found["players"], ["7 ada", "12 <b>"])
        self.assertEqual((found["state"], found["notice"]), ("showing", "tick 42"))
        self.assertEqual(found["isHidden"], {"access": True, "report": False})
        self.assertEqual(found["timers"], 1)

    def test_tables(self) -> None:
        """The figures are those of the answer."""
        found, wanted = self.show(), account(7)
        self.assertIn(["packets", "3"], found["figures"])
        head, *types = found["types"]
        self.assertEqual(head, ["", "kB", "share", "told", "B each"])
        names = [each["name"] for each in wanted["types"]]
        self.assertEqual([line[0] for line in types], names)
        self.assertEqual(len(found["components"]), 1 + len(wanted["components"]))
        talkers = [line[1] for line in found["talkers"][1:]]
        self.assertEqual(talkers, [str(row["row"]) for row in wanted["rows"]])

    def test_detail(self) -> None:
        """The newest tick is shown row by row."""
        found = self.show()
        self.assertEqual(found["title"], "Tick 42")
        self.assertIn(
            "in 1 packet, budget 500 B; 5 entities were due", found["decided"]
        )
        rows = {line[0]: line[1:] for line in found["rows"][1:]}
        behind = ["Place+Life", "behind", "2 ticks back", "everyone + team", "0.50"]
        self.assertEqual(rows["0"][:5], behind)
        self.assertEqual(rows["1"][2], "1 tick back")
        self.assertEqual(rows["2"][:4], ["(gone)", "left", "-", "everyone"])

    def test_choose(self) -> None:
        """Another player or tick can be chosen; a new player begins with the newest."""
        found = self.show(("tick", "enter", "41"), ("tick", "change"))
        self.assertEqual(found["title"], "Tick 41")
        found = self.show(
            *(("tick", "enter", "41"), ("player", "enter", "12"), ("player", "change"))
        )
        self.assertEqual(found["asked"][-1][0], "/inspect.json?player=12")

    def test_pause(self) -> None:
        """A page that is paused asks nothing, until it goes on."""
        found = self.show(("pause", "click"), ("time",))
        self.assertEqual(found["timers"], 0)
        found = self.show(("pause", "click"), ("time",), ("pause", "click"))
        self.assertEqual(found["timers"], 1)

    def test_secret(self) -> None:
        """A server that wants a secret is shown what the user enters."""
        refused = {"": [401, {"error": "a secret is needed"}]}
        found = self.show(**refused)
        self.assertEqual(
            (found["state"], found["notice"]), ("failed", "a secret is needed")
        )
        self.assertEqual(found["isHidden"], {"access": False, "report": True})
        found = self.show(
            *(("secret", "enter", " hush "), ("access", "submit")), **refused
        )
        self.assertEqual(found["asked"][-1], ["/inspect.json", "Bearer hush"])

    def test_nobody(self) -> None:
        """Without players it waits for one."""
        found = self.show(**{"": [200, {**HEAD, "players": []}]})
        self.assertEqual(
            (found["state"], found["notice"]), ("waiting", "Nobody plays.")
        )
        self.assertEqual(found["timers"], 1)

    def test_player_left(self) -> None:
        """When the player leaves, the page says so and offers the others."""
        others = {
            **HEAD,
            "players": HEAD["players"][1:],
            "error": "there is no player 7",
        }
        found = self.show(**{"?player=7": [404, others]})
        self.assertEqual(found["notice"], "there is no player 7")
        self.assertEqual((found["players"], found["chosen"]), (["12 <b>"], "12"))

    def test_no_limit(self) -> None:
        """What is not limited or weighed is shown so, and an empty account, too."""
        answer = account(7)
        answer["detail"]["budget"] = None
        for row in answer["detail"]["rows"]:
            row.update(priority=None, level=0, age=0, reason="entered")
        found = self.show(**{"?player=7": [200, answer]})
        self.assertIn("budget without limit", found["decided"])
        self.assertEqual(found["rows"][1][3:6], ["nothing", "-", "-"])
        watched = Watched()
        watched.inspection.watch(7, 42)
        empty = {**HEAD, **watched.inspection.report(7)}
        found = self.show(**{"?player=7": [200, empty]})
        self.assertEqual((found["state"], found["rows"]), ("showing", []))
