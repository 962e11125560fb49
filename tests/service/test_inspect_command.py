# SPDX-License-Identifier: MIT
"""Tests of the commands inspect and profile, and of how they ask."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gamenet.errors import CloseReason, ConnectError
from gamenet.game import Packet, Protocol, Recorder
from gamenet.service import inspect_access, inspect_asking, inspect_command
from gamenet.service.inspect_access import inspection_pass
from tests.replication.snapshots import COMPONENTS
from tests.service.accounts import MESSAGES, Watched
from tests.service.test_command import CommandCase

URL = "http://127.0.0.1:8080"
KEY = bytes(range(32))
STAGES = {
    "seconds": 2.0,
    "ticks": 60,
    "tick": {"p50_ms": 1.5, "p99_ms": 4.0, "max_ms": 4.5, "share": 1.0},
    "stages": [{"name": "step", "p50_ms": 1, "p99_ms": 2, "max_ms": 2, "share": 0.25}],
    "blocks": 30,
    "blocks_per_tick": 0.5,
    "memory": None,
}
MEMORY = {
    "kib": 20.0,
    "peak_kib": 30.5,
    "lines": [{"file": "/a/b/c/d.py", "line": 7, "kib": 12.5, "blocks": 3}],
}


class AskingCase(CommandCase):
    """A case with a server that answers what it is told to."""

    def setUp(self) -> None:
        watched = Watched()
        watched.inspection.watch(7, 42)
        watched.send()
        head = {"players": [{"id": 7, "name": "ada"}], "now": 42, "tick_rate": 30.0}
        self.account = {**head, "name": "ada", **watched.inspection.report(7)}
        self.asked: list[tuple[str, dict[str, str], float]] = []
        self.pauses: list[float] = []
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.answer("/inspect.json", head)
        self.answer("/inspect.json?player=7", self.account)
        self.answer("/profile?seconds=5", STAGES)
        self.patch(inspect_asking, "ask_web", self.ask)
        self.patch(inspect_access.os, "environ", {})
        self.patch(inspect_command, "time", SimpleNamespace(sleep=self.pauses.append))

    def answer(self, path: str, found: Any, code: int = 200) -> None:
        """Have the server answer something."""
        self.answers[path] = (code, json.dumps(found).encode())

    def ask(
        self, url: str, *, headers: Any = None, timeout: float = 10.0, **_: Any
    ) -> tuple[int, bytes]:
        """Answer as a server would."""
        path = url.removeprefix(URL)
        self.asked.append((path, dict(headers or {}), timeout))
        return self.answers.get(path, (404, b"<html>"))

    def failed(self, *words: str) -> str:
        """Return the one line that a command prints which fails."""
        self.assertEqual(self.command(*words), 1, self.out)
        self.assertEqual((self.out, self.err.count("\n")), ("", 1), self.err)
        return self.err.removeprefix(f"gamenet {words[0]}: ").rstrip("\n")


class InspectTests(AskingCase):
    """gamenet inspect, of a server."""

    def test_player(self) -> None:
        """A player is watched for a while, and then shown."""
        words = ("inspect", URL, "--player", "7", "--seconds", "3")
        self.assertEqual(self.command(*words), 0, self.err)
        self.assertTrue(self.out.startswith("player 7 (ada): 3 ticks"), self.out)
        self.assertEqual(self.pauses, [3.0])
        self.assertEqual(
            [path for path, *_ in self.asked], ["/inspect.json?player=7"] * 2
        )

    def test_only_player(self) -> None:
        """The only player need not be named."""
        self.assertEqual(self.command("inspect", f"{URL}/"), 0, self.err)
        self.assertTrue(self.out.startswith("player 7 (ada)"), self.out)

    def test_players(self) -> None:
        """Of several there is a list."""
        players = [{"id": 7, "name": "ada"}, {"id": 8, "name": "eve"}]
        self.answer("/inspect.json", {"players": players})
        self.assertEqual(self.command("inspect", URL), 0)
        self.assertIn("8       eve", self.out)
        self.assertEqual(self.pauses, [])

    def test_tick(self) -> None:
        """A tick that is kept is shown at once."""
        self.answer("/inspect.json?player=7&tick=41", self.account)
        words = ("inspect", URL, "--player", "7", "--tick", "41")
        self.assertEqual(self.command(*words), 0, self.err)
        self.assertEqual(self.pauses, [])

    def test_json(self) -> None:
        """With --json the answer is one object."""
        self.command("inspect", URL, "--player", "7", "--json")
        self.assertEqual(json.loads(self.out), self.account)

    def test_secret(self) -> None:
        """What shows that one may look goes along."""
        self.command("inspect", URL, "--secret", "a-secret-of-some-length")
        shown = {headers["authorization"] for _, headers, _ in self.asked}
        self.assertEqual(shown, {"Bearer a-secret-of-some-length"})

    def test_pass(self) -> None:
        """The pass of a key is printed, and nothing is asked."""
        self.assertEqual(self.command("inspect", "--pass", "--key", KEY.hex()), 0)
        self.assertEqual(self.out, f"{inspection_pass(KEY)}\n")
        self.assertEqual(self.asked, [])
        self.assertIn("the server's key is needed", self.failed("inspect", "--pass"))

    def test_refused(self) -> None:
        """What the server objects is said, and cannot command the terminal."""
        self.answer("/inspect.json?player=9", {"error": "no\x1b[2J player 9"}, 404)
        self.assertEqual(
            self.failed("inspect", URL, "--player", "9"), "no [2J player 9"
        )
        for code in (401, 403, 409, 429):
            self.answer("/inspect.json", {"error": "no"}, code)
            self.assertEqual(self.failed("inspect", URL), "no")

    def test_older(self) -> None:
        """A server of an older gamenet is told from what is none."""
        self.answers.clear()
        text = "it answered 404 to GET /inspect.json"
        self.assertEqual(
            self.failed("inspect", URL), f"{URL} is no game server: {text}"
        )
        self.answer("/health", {"status": "stalled", "tick": 3}, 503)
        self.assertEqual(
            self.failed("inspect", URL),
            f"{URL} is a game server of an older gamenet, which cannot be inspected: "
            + text,
        )

    def test_nonsense(self) -> None:
        """Nor is what answers nonsense a server."""
        for body in (b"[]", b"{}", b"[" * 9999, b"\xff"):
            self.answers = {"/inspect.json": (200, body)}
            self.assertIn("is no game server", self.failed("inspect", URL))

    def test_unreachable(self) -> None:
        """A server that does not answer is one line."""

        def ask(url: str, **_: Any) -> None:
            reason = CloseReason.UNREACHABLE
            raise ConnectError(f"{url} does not answer: Connection refused", reason)

        self.patch(inspect_asking, "ask_web", ask)
        text = f"{URL}/inspect.json does not answer: Connection refused"
        self.assertEqual(self.failed("inspect", URL), text)

    def test_wrong_words(self) -> None:
        """A wrong address or value is one line, before anything is asked."""
        for words, text in (
            ((), "nothing to do: give a server as http://127.0.0.1:8080, or a file"),
            (("no-such.rec",), "'no-such.rec' is no file, and no web address: give"),
            (("127.0.0.1:8080",), "'127.0.0.1:8080' is no file, and no web address"),
            (("udp:127.0.0.1:7777",), "is no file, and no web address"),
            ((URL, "--player", "x"), "--player: 'x' is no whole number from 0"),
            ((URL, "--seconds", "0"), "--seconds: '0' is no number of seconds"),
        ):
            self.assertIn(text, self.failed("inspect", *words))
        self.assertEqual(self.asked, [])


class RecordingTests(AskingCase):
    """gamenet inspect, of a file."""

    def record(self, *players: int) -> str:
        """Return a recording of players."""
        path = str(Path(self.mktemp()).absolute())
        recorder = Recorder(path, Protocol("r", COMPONENTS, [], []), 64, 30.0)
        for tick, payload in enumerate(MESSAGES, 40):
            for player in players:
                recorder.sent(Packet(player, tick, 1, payload, 500.0, 2))
        recorder.stop()
        return path

    def test_file(self) -> None:
        """A file is shown like a server, and none is asked."""
        path = self.record(7, 8)
        self.assertEqual(self.command("inspect", path, "--player", "8"), 0, self.err)
        self.assertTrue(self.out.startswith("player 8: 3 ticks (0.1 s)"), self.out)
        self.assertEqual(self.command("inspect", path), 0, self.err)
        self.assertIn("40 to 42", self.out)
        self.assertEqual(self.asked, [])

    def test_damage(self) -> None:
        """Damage is said beside what was read."""
        path = Path(self.record(7))
        path.write_bytes(path.read_bytes()[:-3])
        self.assertEqual(self.command("inspect", str(path), "--json"), 0)
        self.assertEqual(json.loads(self.out)["ticks"], 2)
        self.assertIn("is cut off: nothing behind it was read", self.err)

    def test_no_recording(self) -> None:
        """Another file is one line."""
        text = f"{__file__}: is no recording of gamenet"
        self.assertEqual(self.failed("inspect", __file__), text)


class ProfileTests(AskingCase):
    """gamenet profile."""

    def profile(self, *words: str) -> str:
        """Return the table with single spaces."""
        self.assertEqual(self.command("profile", URL, *words), 0, self.err)
        return "\n".join(" ".join(line.split()) for line in self.out.splitlines())

    def test_table(self) -> None:
        """Stages, the whole, and memory."""
        self.assertEqual(
            self.profile().splitlines(),
            [
                "60 ticks in 2 s",
                "stage p50 ms p99 ms max ms share %",
                "step 1.000 2.000 2.000 25.0",
                "whole tick 1.500 4.000 4.500 100.0",
                "memory: 0.50 blocks more after each tick, 30 in all",
            ],
        )
        ((_, _, timeout),) = self.asked
        self.assertGreater(timeout, 5)

    def test_memory(self) -> None:
        """With --memory the lines that hold it are shown."""
        self.answer("/profile?seconds=2.5&memory=1", {**STAGES, "memory": MEMORY})
        text = self.profile("--seconds", "2.5", "--memory")
        self.assertIn("20 KiB were taken and are held, 30 at most", text)
        self.assertIn("\nb/c/d.py:7 12.5 3", text)

    def test_json(self) -> None:
        """With --json the answer is one object."""
        self.command("profile", URL, "--json")
        self.assertEqual(json.loads(self.out), STAGES)

    def test_help(self) -> None:
        """The help warns of what slows the server."""
        self.command("profile", "--help")
        self.assertIn("the server is slower", self.out)

    def test_busy(self) -> None:
        """One profile is made at a time."""
        self.answer("/profile?seconds=5", {"error": "try again"}, 409)
        self.assertEqual(self.failed("profile", URL), "try again")

    def test_older(self) -> None:
        """An older server cannot."""
        self.answers = {"/health": (200, b'{"tick": 3}')}
        found = self.failed("profile", URL)
        self.assertIn("of an older gamenet", found)
        self.assertTrue(found.endswith("it answered 404 to GET /profile"), found)

    def test_wrong_words(self) -> None:
        """A wrong address or value is one line."""
        for words, text in (
            (("a.rec",), "allowed: a web address"),
            ((URL, "--seconds", "61"), "'61' is no number of seconds above 0 and"),
        ):
            self.assertIn(text, self.failed("profile", *words))
