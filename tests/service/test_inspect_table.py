# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.inspect_table."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.service.inspect_table import account_table, players_table
from tests.service.accounts import Watched

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "players id ticks bytes types name told rows detail history row level "
                "components reason age priority budget tick_rate messages".split()
            ),
            inner,
        )
    ),
    max_leaves=12,
)


class PlayersTests(SynchronousTestCase):
    """Who could be looked at."""

    def test_server(self) -> None:
        """A server's players have names; theirs cannot command the terminal."""
        players = [{"id": 7, "name": "ada"}, {"id": 12, "name": "\x1b[2J"}]
        lines = players_table({"players": players}).splitlines()
        self.assertEqual(
            [line.split() for line in lines[:2]], [["player", "name"], ["7", "ada"]]
        )
        self.assertNotIn("\x1b", lines[2])
        self.assertEqual(lines[-1], "choose one: --player ID")

    def test_recording(self) -> None:
        """Those of a recording have ticks and bytes."""
        line = {"id": 7, "first": 40, "last": 42, "messages": 3, "bytes": 1500}
        table = players_table({"players": [line]})
        self.assertIn("7       40 to 42        3  1.5", table)

    def test_nobody(self) -> None:
        """Nobody is said in words."""
        self.assertEqual(players_table({}), "there is no player to inspect")


class AccountTests(SynchronousTestCase):
    """What a player was sent."""

    def setUp(self) -> None:
        watched = Watched()
        watched.inspection.watch(7, 42)
        self.size = watched.send()
        self.report = watched.inspection.report(7)
        self.report.update(name="ada", tick_rate=30.0)

    def table(self) -> str:
        """Return the tables with single spaces."""
        lines = account_table(self.report).splitlines()
        return "\n".join(" ".join(line.split()) for line in lines)

    def test_head(self) -> None:
        """First there is how much it was, and how well it was packed."""
        first, second, third, *_ = self.table().splitlines()
        self.assertEqual(first, "player 7 (ada): 3 ticks (0.1 s)")
        self.assertTrue(second.startswith("sent 3 packets, 0.1 kB, "), second)
        self.assertIn("if every component were sent whole: ", third)
        self.assertIn(" to 1", third)

    def test_shares(self) -> None:
        """Then what it was spent on: by type, component and reason."""
        text = self.table()
        for line in ("type of entity kB share % told B each", "component kB share %"):
            self.assertIn(line, text)
        for name in (
            "Place+Life",
            "(headers)",
            "entered",
            "behind",
            "top talkers: row",
        ):
            self.assertIn(f"\n{name} ", text)

    def test_tick(self) -> None:
        """Then one tick, with what it was decided by, row by row."""
        text = self.table()
        self.assertIn("in 1 packet, budget 500 B; 5 entities were due, 2 had no", text)
        self.assertIn("oldest base 2 ticks back", text)
        self.assertIn("\n1 Place+Life behind 1 tick back everyone 2.00 ", text)
        self.assertIn("\n0 Place+Life behind 2 ticks back everyone+team 0.50 ", text)
        self.assertIn("\n2 (gone) left - everyone 1.00 ", text)

    def test_beside(self) -> None:
        """What was sent beside snapshots has a line, where that is known."""
        self.assertNotIn("beside", self.table())
        self.report["beside"] = {"events": 8, "control": 12}
        wanted = "\nbeside bytes of messages: control 12, events 8\n"
        self.assertIn(wanted, self.table())

    def test_no_limit(self) -> None:
        """Where nothing limits, and nothing was weighed, that is said."""
        self.report["detail"]["budget"] = None
        for row in self.report["detail"]["rows"]:
            row.update(priority=None, level=0, age=0, reason="entered")
        text = self.table()
        self.assertIn("budget without limit;", text)
        self.assertIn("\n1 Place+Life entered nothing - - ", text)

    def test_many(self) -> None:
        """Long lists are cut, and say so."""
        detail = self.report["detail"]
        detail["rows"] = detail["rows"] * 50
        detail["told"] = 150
        self.assertTrue(self.table().endswith("\n... and 110 more"))

    def test_nothing(self) -> None:
        """A player who was sent nothing has a line for it."""
        watched = Watched()
        watched.inspection.watch(7, 42)
        table = account_table(watched.inspection.report(7))
        self.assertIn("nothing was sent to this player meanwhile", table)

    @settings(max_examples=60)
    @given(JSON)
    def test_any_answer(self, answer: object) -> None:
        """Whatever a server answers, it is a table of what can be shown."""
        for table in (account_table(answer), players_table(answer)):
            self.assertTrue(all(c.isprintable() or c == "\n" for c in table))
