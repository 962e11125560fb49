# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.inspect_site."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from gamenet.replication.ledger import MOST_WATCHED
from gamenet.service.answers import protect
from gamenet.service.inspect_access import InspectDesk
from gamenet.service.inspect_site import InspectAnswer, InspectPage
from gamenet.testing import Clock
from tests.service.accounts import Player, Watched
from tests.service.browsing import Answer, ask

BROWSER = Path(__file__).parent.parent.parent / "gamenet" / "browser"
HERE = {"peer": "127.0.0.1", "host": "127.0.0.1:8080"}


class Root(Resource):
    """A site with the two addresses on it."""

    def getChildWithDefault(self, path: bytes, request: Any) -> Any:
        protect(request)
        return super().getChildWithDefault(path, request)


class InspectCase(SynchronousTestCase):
    """A case with a site."""

    def setUp(self) -> None:
        self.watched = Watched()
        desk = InspectDesk(key=b"", secret="", seconds=Clock().seconds)
        self.root = Root()
        self.root.putChild(b"inspect", InspectPage(BROWSER / "inspect.html"))
        self.root.putChild(b"inspect.json", InspectAnswer(self.watched, desk))

    def ask(self, path: str = "/inspect.json", **headers: str) -> Answer:
        """Return the answer to who asks from the same machine."""
        return ask(self.root, path, **{**HERE, **headers})


class PageTests(InspectCase):
    """The page."""

    def test_page(self) -> None:
        """It is there for everybody: what it shows is not in it."""
        found = self.ask("/inspect", peer="192.0.2.7")
        self.assertEqual(found.code, 200)
        self.assertEqual(found.headers["content-type"], "text/html; charset=utf-8")
        self.assertTrue(found.body.startswith(b"<!doctype html>"))

    def test_policy(self) -> None:
        """A browser is told to load its module and style, and nothing else."""
        policy = self.ask("/inspect").headers["content-security-policy"]
        self.assertIn("default-src 'none'; script-src 'self'", policy)
        self.assertNotIn("unsafe", policy)
        self.assertNotIn("ws:", policy)

    def test_plain(self) -> None:
        """There is no script or style in it, and what it names is there."""
        page = (BROWSER / "inspect.html").read_text()
        self.assertEqual(re.findall(r"<script(?![^>]*\bsrc=)", page), [])
        self.assertEqual(re.findall(r"<style|\sstyle=|\son\w+=", page), [])
        for address in re.findall(r'(?:src|href)="/gamenet/([^"]+)"', page):
            self.assertTrue((BROWSER / address).is_file(), address)


class AnswerTests(InspectCase):
    """The answers."""

    def test_players(self) -> None:
        """Without a player, the answer says who could be looked at."""
        found = self.ask().json
        names = [{"id": 7, "name": "ada"}, {"id": 12, "name": "<b>"}]
        self.assertEqual(found, {"now": 42, "tick_rate": 30.0, "players": names})
        self.assertFalse(self.watched.inspection.watched)

    def test_account(self) -> None:
        """To ask for a player begins the account; then it says what was sent."""
        first = self.ask("/inspect.json?player=7").json
        self.assertEqual((first["ticks"], first["detail"]), (0, None))
        sent = self.watched.send()
        found = self.ask("/inspect.json?player=7").json
        self.assertEqual((found["player"], found["name"]), (7, "ada"))
        self.assertEqual((found["bytes"], found["ticks"]), (sent, 3))
        self.assertEqual(found["detail"]["tick"], 42)
        self.assertEqual(list(self.watched.inspection.watched), [7])

    def test_tick(self) -> None:
        """A tick can be chosen; one that is not kept is an error."""
        self.ask("/inspect.json?player=7")
        self.watched.send()
        found = self.ask("/inspect.json?player=7&tick=40").json
        self.assertEqual(found["detail"]["tick"], 40)
        gone = self.ask("/inspect.json?player=7&tick=9")
        self.assertEqual(gone.code, 404)
        self.assertIn("allowed are those from 40 to 42", gone.json["error"])

    def test_no_player(self) -> None:
        """A player who is not there is told from those who are."""
        found = self.ask("/inspect.json?player=8")
        self.assertEqual(
            (found.code, found.json["error"]),
            (404, "there is no player 8; there are: 7, 12"),
        )
        self.assertEqual(len(found.json["players"]), 2)

    def test_too_many(self) -> None:
        """Only so many are looked at at a time."""
        for number in range(100, 100 + MOST_WATCHED):
            self.watched.players[number] = Player("x")
            self.ask(f"/inspect.json?player={number}")
        found = self.ask("/inspect.json?player=7")
        self.assertEqual(found.code, 409)
        self.assertIn("player 7 cannot be inspected: 4 others", found.json["error"])

    def test_nonsense(self) -> None:
        """What is no number is refused."""
        for query in ("player=x", "player=", "player=7&tick=-1", "player=12345678901"):
            found = self.ask(f"/inspect.json?{query}")
            self.assertEqual(found.code, 400, query)
            self.assertIn("?player=ID and &tick=T", found.json["error"])

    def test_strangers(self) -> None:
        """A stranger learns nothing, and has no account begun."""
        found = self.ask("/inspect.json?player=7", peer="192.0.2.7")
        self.assertEqual((found.code, list(found.json)), (403, ["error"]))
        self.assertFalse(self.watched.inspection.watched)
