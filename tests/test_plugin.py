# SPDX-License-Identifier: MIT
"""twistd finds gamenet from wherever it is started, and pays nothing for looking."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

TWISTD = "from twisted.scripts.twistd import run; run()"
MAKERS = """
from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
found = [plugin for plugin in getPlugins(IServiceMaker) if plugin.tapname == "gamenet"]
print([plugin.module for plugin in found])
"""
LOADED = """
import sys
import twisted.plugins.gamenet_plugin
print([name for name in ("gamenet", "twisted.internet.reactor") if name in sys.modules])
"""


class PluginTests(SynchronousTestCase):
    """What a new interpreter in another directory sees of the plugin."""

    def run_elsewhere(self, program: str, *arguments: str) -> str:
        """Run a program in an empty directory and return what it prints."""
        elsewhere = Path(self.mktemp()).absolute()
        elsewhere.mkdir(parents=True)
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, *arguments],
            cwd=elsewhere,
            env={**os.environ, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_found(self) -> None:
        """The plugin is found once, from another directory than the checkout.

        If this fails with an empty list, the editable install hides the plugin: install
        with `pip install --config-settings editable_mode=compat --editable .`
        """
        self.assertEqual(self.run_elsewhere(MAKERS), "['gamenet.service.tap']\n")

    def test_help(self) -> None:
        """`twistd --help` lists gamenet with a description."""
        lines = self.run_elsewhere(TWISTD, "--help").splitlines()
        listed = [line.split(maxsplit=1) for line in lines if "gamenet" in line]
        self.assertEqual([line[0] for line in listed], ["gamenet"])
        self.assertIn("multiplayer", listed[0][1])

    def test_own_help(self) -> None:
        """`twistd gamenet --help` names the options that a server is started with."""
        text = self.run_elsewhere(TWISTD, "gamenet", "--help")
        for option in ("--config", "--game", "--listen", "--bots"):
            self.assertIn(option, text)

    def test_cheap(self) -> None:
        """Looking at the plugin imports neither gamenet nor a reactor."""
        self.assertEqual(self.run_elsewhere(LOADED), "[]\n")
