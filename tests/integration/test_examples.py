# SPDX-License-Identifier: MIT
"""The clients among the examples, run as their first lines say."""

from __future__ import annotations

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.service.running import PATIENCE, ROOT, shared_server

ARENA = "examples.arena:Arena"
STARS = "examples.tutorial.stars:Stars"


class ExampleTests(SynchronousTestCase):
    """They join by the server's web address, play, and leave."""

    def play(self, module: str, game: str, seconds: str) -> str:
        """Run a client beside a server; return what it prints."""
        server = shared_server(game=game)
        done = subprocess.run(
            [sys.executable, "-m", module, server.url, seconds],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        server.wait_for("left: NORMAL")
        return done.stdout

    def test_reactor_client(self) -> None:
        """In a Twisted reactor."""
        said = self.play("examples.reactor_client", ARENA, "2.5")
        self.assertIn("Ada is here", said)
        self.assertRegex(said, r"tick \d+\n")
        self.assertRegex(said, r"round trip \d+\.\d ms")

    def test_polled_client(self) -> None:
        """In a loop of its own."""
        said = self.play("examples.polled_client", ARENA, "2")
        self.assertRegex(said, r"joined as player \d+")
        self.assertIn("Grace is here", said)
        self.assertRegex(said, r"tick \d+: at -?\d+\.\d -?\d+\.\d")

    def test_explorer(self) -> None:
        """In the tutorial."""
        said = self.play("examples.tutorial.explorer", STARS, "2")
        self.assertRegex(said, r"joined as player \d+")
