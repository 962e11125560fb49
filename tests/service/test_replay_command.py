# SPDX-License-Identifier: MIT
"""Tests of the command replay, also as a user runs it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from gamenet.service.replay_table import WIDTH
from tests.service.recorded import recorded
from tests.service.running import GAMENET, PATIENCE, ROOT, RunningServer, gamenet
from tests.service.test_command import CommandCase

CRAFTS = "tests.game.playing:Crafts"


class ReplayTests(CommandCase):
    """gamenet replay."""

    def setUp(self) -> None:
        self.made = recorded()
        self.path = self.made.file(self.mktemp())
        self.player = str(self.made.pushed)

    def replay(self, *words: str) -> list[str]:
        """Run the command; return the lines that it prints."""
        self.assertEqual(self.command("replay", self.path, *words), 0, self.err)
        return self.out.splitlines()

    def failed(self, *words: str) -> str:
        """Return the one line that the command prints which fails."""
        self.assertEqual(self.command("replay", *words), 1, self.out)
        self.assertEqual((self.out, self.err.count("\n")), ("", 1), self.err)
        return self.err.removeprefix("gamenet replay: ").rstrip("\n")

    def test_all(self) -> None:
        """Without choices all ticks of the first player are shown, and who that is."""
        lines = self.replay()
        text = f"gamenet replay: {self.path}: shows player 1 of 1, 2; see --player\n"
        self.assertEqual(self.err, text)
        self.assertIn("told B", lines[0])
        end = lines.index("")
        ticks = [int(each.split()[0]) for each in lines[1:end]]
        self.assertEqual(ticks, list(range(ticks[0], ticks[0] + len(ticks))))
        self.assertEqual(lines[end + 1], "player 1     30 ticks a second")
        self.assertTrue(all(len(each) <= WIDTH for each in lines))

    def test_predicted(self) -> None:
        """With the game, a correction shows with what was predicted instead."""
        tick = self.made.tick + 1
        words = ("--from", str(tick - 1), "--to", str(tick + 1))
        lines = self.replay("--player", self.player, "--game", CRAFTS, *words)
        self.assertEqual(self.err, "")
        head, before, at, below, after, *_ = lines
        self.assertIn("confirmed", head)
        self.assertTrue(before.endswith(" -"), before)
        self.assertTrue(at.startswith(f"{tick:8} "), at)
        self.assertIn(" 3 ####", at)
        self.assertIn("Position: x ", below)
        self.assertTrue(after.endswith(" -"), after)
        (found,) = [each for each in lines if each.startswith("corrections")]
        self.assertEqual(found, f"corrections  1, the worst by 3 in tick {tick}")

    def test_json(self) -> None:
        """With --json it is one object."""
        self.replay("--player", self.player, "--game", CRAFTS, "--json")
        found = json.loads(self.out)
        self.assertEqual(
            (found["player"], found["players"]), (int(self.player), [1, 2])
        )
        self.assertEqual(found["summary"]["ticks"], len(found["ticks"]))
        corrected = [each["tick"] for each in found["ticks"] if each["n_corrections"]]
        self.assertIn(self.made.tick + 1, corrected)
        self.assertEqual(found["warnings"], [])
        self.replay("--json")
        self.assertNotIn("own", json.loads(self.out)["ticks"][0])

    def test_warnings(self) -> None:
        """Damage is said beside what was read."""
        data = Path(self.path).read_bytes()
        Path(self.path).write_bytes(data[:-3])
        self.replay("--player", "1")
        self.assertIn("is cut off: nothing behind it was read\n", self.err)

    def test_wrong(self) -> None:
        """What cannot be done is one line, and the exit status is 1."""
        path = self.path
        for words, text in (
            ((), "the following arguments are required: FILE"),
            (("no-such.rec",), "no-such.rec: cannot be read: No such file"),
            ((__file__,), f"{__file__}: is no recording of gamenet"),
            ((path, "--player", "9"), f"--player 9: is not in {path}; there are: 1, 2"),
            ((path, "--player", "x"), "--player: 'x' is no whole number from 0"),
            (
                (path, "--game", "examples.arena:Arena"),
                "which speaks otherwise: differ",
            ),
            ((path, "--game", "nonsense"), "allowed: module:Class"),
            ((path, "--from", "9", "--to", "8"), "--from 9 is after --to 8"),
            ((path, "--player", "1", "--from", "99999"), "1 has ticks from "),
            ((path, "--step", "--json"), "not allowed with argument"),
        ):
            self.assertIn(text, self.failed(*words), words)


class ProcessTests(CommandCase):
    """gamenet replay in a process of its own."""

    def test_match(self) -> None:
        """What a server has recorded of a match of bots is played with the game."""
        path = str(Path(self.mktemp()).absolute())
        game = "examples.arena:Arena"
        server = RunningServer("--record", path, game=game)
        try:
            status, out, err = gamenet(
                *("bots", "--server", server.url, "--n", "2", "--seconds", "2")
            )
        finally:
            server.stop()
        self.assertEqual(status, 0, out + err)
        status, out, err = gamenet(
            *("replay", path, "--player", "2", "--game", game, "--json")
        )
        self.assertEqual((status, err), (0, ""))
        found = json.loads(out)
        summary = found["summary"]
        self.assertEqual(found["players"], [1, 2])
        self.assertGreater(summary["frames"], 20)
        self.assertGreater(len({each["confirmed"] for each in found["ticks"]}), 20)
        status, out, err = gamenet("replay", path, "--player", "2")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out.count("\n"), summary["ticks"] + 5)

    def test_step(self) -> None:
        """On a terminal --step waits for Enter after each tick, and q ends it."""
        path = recorded().file(self.mktemp())
        words = ("replay", path, "--player", "1", "--step")
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        with subprocess.Popen(
            [sys.executable, "-c", GAMENET, *words],
            cwd=ROOT,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            os.close(theirs)
            assert process.stdout is not None
            head, first = process.stdout.readline(), process.stdout.readline()
            os.write(ours, b"\n")
            second = process.stdout.readline()
            os.write(ours, b"q\n")
            out, err = process.communicate(timeout=PATIENCE)
        self.assertIn("depth", head)
        self.assertEqual(int(second.split()[0]), int(first.split()[0]) + 1)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertIn("of 2 ticks", out)

    def test_no_terminal(self) -> None:
        """Without a terminal there is nobody to press Enter."""
        path = recorded().file(self.mktemp())
        text = "gamenet replay: --step: needs a terminal, where Enter can be pressed\n"
        self.assertEqual(gamenet("replay", path, "--step"), (1, "", text))
