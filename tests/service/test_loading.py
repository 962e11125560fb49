# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.loading."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.game import Game
from gamenet.service.loading import load_game

GAME = "from gamenet.game import Game\nclass Drift(Game):\n    pass\n"
_numbers = itertools.count()


class LoadGameTests(SynchronousTestCase):
    """A game is found by its name, or what is wrong with it is said."""

    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        self.patch(sys, "path", [str(folder), *sys.path])
        self.folder = folder
        # Every test has a name of its own, because modules stay imported.
        self.name = f"loadedgame{next(_numbers)}"
        self.addCleanup(sys.modules.pop, self.name, None)

    def write(self, source: str) -> None:
        """Write the module."""
        (self.folder / f"{self.name}.py").write_text(source)

    def refused(self, name: str) -> str:
        """Return what is said about a name."""
        return str(self.assertRaises(ConfigError, load_game, name))

    def test_found(self) -> None:
        """The class of the module is returned."""
        self.write(GAME)
        game = load_game(f"{self.name}:Drift")
        self.assertTrue(issubclass(game, Game))
        self.assertEqual(game.__name__, "Drift")

    def test_current_directory(self) -> None:
        """The current directory is searched, as one expects of a command."""
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        self.patch(sys, "path", [path for path in sys.path[1:] if path != here])
        os.chdir(self.folder)
        self.write(GAME)
        self.assertEqual(load_game(f"{self.name}:Drift").__name__, "Drift")

    def test_form(self) -> None:
        """A name without its class is answered by the form."""
        for name in ("", "arena", "arena:", ":Arena"):
            self.assertIn("allowed: module:Class", self.refused(name))

    def test_no_module(self) -> None:
        """A module that is not there is named, with the place it was looked for."""
        text = self.refused("no_such_module.inner:Game")
        self.assertIn("there is no module no_such_module;", text)
        self.assertIn(os.getcwd(), text)

    def test_no_class(self) -> None:
        """A class that is not there is answered by the nearest one."""
        self.write(GAME)
        self.assertIn(
            f"{self.name} has no class Drft; did you mean Drift?",
            self.refused(f"{self.name}:Drft"),
        )
        self.assertIn("its games: Drift", self.refused(f"{self.name}:Zzz"))

    def test_no_game(self) -> None:
        """A module without any game is said to have none."""
        self.write("x = 1\n")
        self.assertIn(
            "no subclass of gamenet.game.Game", self.refused(f"{self.name}:A")
        )

    def test_another_class(self) -> None:
        """What is no game is said to be none."""
        self.write("from gamenet.game import Game\nx = 1\nclass A: pass\n")
        for name in ("x", "A"):
            self.assertIn("is no subclass", self.refused(f"{self.name}:{name}"))
        self.assertIn("is the base class", self.refused(f"{self.name}:Game"))

    def test_exception(self) -> None:
        """An exception in the module is shown with the place in its source, short."""
        self.write("def deep(n):\n    return deep(n - 1) if n else 1 / 0\ndeep(50)\n")
        text = self.refused(f"{self.name}:A")
        self.assertIn("fails when it is imported", text)
        self.assertIn(f"{self.name}.py", text)
        self.assertIn("ZeroDivisionError: division by zero", text)
        self.assertLess(text.count("\n"), 12)
        self.assertNotIn("importlib", text)

    def test_syntax(self) -> None:
        """A mistake of syntax is shown with its line."""
        self.write("class A(:\n")
        text = self.refused(f"{self.name}:A")
        self.assertIn("SyntaxError", text)
        self.assertIn("line 1", text)

    def test_missing_dependency(self) -> None:
        """A module that the game's module lacks is not mistaken for the game's."""
        self.write("import no_such_dependency\n")
        text = self.refused(f"{self.name}:A")
        self.assertIn("fails when it is imported", text)
        self.assertIn("No module named 'no_such_dependency'", text)
