# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.stats_command; a real server is in tests/integration."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from gamenet.errors import CloseReason, ConnectError
from gamenet.service import stats_command
from tests.service.test_command import CommandCase
from tests.service.test_stats_table import PLAYER, STATS

URL = "http://127.0.0.1:8080"


class StatsTests(CommandCase):
    """gamenet stats."""

    def setUp(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, Any] = {
            "/stats": (200, json.dumps(STATS).encode()),
            "/history?player=7": (200, b'{"age": [1.0], "rtt": [0.02]}'),
        }
        self.patch(stats_command, "ask_web", self.ask)

    def ask(self, url: str, *, trust: str, largest: int) -> tuple[int, bytes]:
        """Answer as a server would."""
        self.asked.append((url, trust))
        answer: tuple[int, bytes] = self.answers.get(url.removeprefix(URL), (404, b""))
        return answer

    def failed(self, *words: str) -> str:
        """Return the one line that a command prints which fails."""
        self.assertEqual(self.command("stats", *words), 1, self.out)
        self.assertEqual((self.out, self.err.count("\n")), ("", 1))
        return self.err.removeprefix("gamenet stats: ").rstrip("\n")

    def test_table(self) -> None:
        """The table of the server is printed, whatever path the address has."""
        for url in (URL, f"{URL}/", f"{URL}/stats"):
            self.assertEqual(self.command("stats", url, "--trust", "ca.pem"), 0)
            self.assertTrue(self.out.startswith("Here (field): ok, tick 267"))
            self.assertEqual(self.asked.pop(), (f"{URL}/stats", "ca.pem"))

    def test_json(self) -> None:
        """With --json, the answer is one line, as it came."""
        self.assertEqual(self.command("stats", URL, "--json"), 0)
        self.assertEqual(self.out.count("\n"), 1)
        self.assertEqual(json.loads(self.out), STATS)

    def test_player(self) -> None:
        """One player is shown with lanes and history."""
        self.assertEqual(self.command("stats", URL, "--player", "7"), 0)
        for text in ("ada", "chat", "corrupted 9", "round trip  █  20.0 ms now"):
            self.assertIn(text, self.out)
        self.command("stats", URL, "--player", "7", "--json")
        found = json.loads(self.out)
        self.assertEqual(found.pop("history"), {"age": [1.0], "rtt": [0.02]})
        self.assertEqual(found, PLAYER)

    def test_player_who_leaves(self) -> None:
        """A player who leaves between two questions has no history any more."""
        self.assertEqual(self.command("stats", URL, "--player", "12"), 0)
        self.assertIn("no history yet", self.out)

    def test_no_player(self) -> None:
        """A player who is not there is answered by those who are."""
        self.assertEqual(
            self.failed(URL, "--player", "99"),
            "--player 99: is not there; there are: 7, 12",
        )

    def test_watch(self) -> None:
        """A watch asks again after its time, until Ctrl-C, which is no error."""
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                raise KeyboardInterrupt

        self.patch(stats_command, "time", SimpleNamespace(sleep=pause))
        self.assertEqual(self.command("stats", URL, "--watch", "0.5"), 130)
        self.assertEqual((pauses, len(self.asked)), ([0.5] * 3, 3))
        self.assertEqual((self.out.count("Here (field)"), self.err), (3, ""))
        self.assertNotIn("\x1b", self.out)

    def test_no_game_server(self) -> None:
        """Another web server is told from a game's."""
        for answer in (
            *((404, b"<html>"), (200, b"<html>"), (200, b"[]"), (200, b"{}")),
            *((200, b'{"players": 3}'), (500, b'{"players": []}'), (200, b"[" * 9999)),
        ):
            self.answers["/stats"] = answer
            for words in ((), ("--json",), ("--player", "7")):
                self.assertEqual(
                    self.failed(URL, *words),
                    f"{URL}/stats is no game server: it answered {answer[0]} to GET",
                )

    def test_unreachable(self) -> None:
        """A server that does not answer is one line."""

        def ask(url: str, **_: Any) -> None:
            reason = CloseReason.UNREACHABLE
            raise ConnectError(f"{url} does not answer: Connection refused", reason)

        self.patch(stats_command, "ask_web", ask)
        text = f"{URL}/stats does not answer: Connection refused"
        self.assertEqual(self.failed(URL), text)

    def test_wrong_words(self) -> None:
        """A wrong address or value is one line, before anything is asked."""
        for words, text in (
            (("127.0.0.1:8080",), "allowed: a web address"),
            (("udp:127.0.0.1:7777",), "allowed: a web address"),
            ((URL, "--watch", "0"), "--watch: '0' is no number of seconds"),
            ((URL, "--player", "x"), "--player: 'x' is no whole number"),
            ((), "URL"),
        ):
            self.assertIn(text, self.failed(*words))
        self.assertEqual(self.asked, [])
