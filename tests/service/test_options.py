# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.options."""

from __future__ import annotations

import io
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from twisted.python import usage
from twisted.trial.unittest import SynchronousTestCase

from gamenet import __version__
from gamenet.service.config import ServerConfig
from gamenet.service.keys import keys_of
from gamenet.service.options import Options

GAME = ["--game", "examples.arena:Arena"]


def parsed(*words: str) -> ServerConfig:
    """Return the configuration that a command line makes."""
    options = Options()
    options.parseOptions(list(words))
    assert options.config is not None
    return options.config


class OptionsTests(SynchronousTestCase):
    """The command line becomes a configuration."""

    def refused(self, *words: str) -> str:
        """Return the text with which a command line is refused."""
        return str(self.assertRaises(usage.UsageError, parsed, *words))

    def test_every_key(self) -> None:
        """Every key outside of a table is an option, and every option is a key."""
        options = {word.rstrip("=") for word in Options().longOpt}
        keys = {key.option[2:] for key in keys_of(ServerConfig) if "." not in key.name}
        self.assertEqual(options - {"config", "set", "help", "version"}, keys)

    def test_values(self) -> None:
        """Each option is read as the type of its key."""
        config = parsed(
            *GAME, "--bots", "3", "--seed", "7", "--name", "n", "--max-players", "9",
            "--tick-rate", "20", "--public-host", "example.com", "--log-format", "json",
        )  # fmt: skip
        self.assertEqual((config.bots, config.seed, config.name), (3, 7, "n"))
        self.assertEqual((config.max_players, config.tick_rate), (9, 20.0))
        self.assertEqual(
            (config.public_host, config.log_format), ("example.com", "json")
        )

    def test_secrets(self) -> None:
        """Keys come from options or from the environment; wrong ones are not shown."""
        config = parsed(
            *GAME, "--key", "0" * 64, "--protocol-id", "0x10",
            "--connect-secret", "correct-horse-battery", "--impair", "lte; up: loss=5%",
        )  # fmt: skip
        self.assertEqual((config.key, config.protocol_id), ("0" * 64, 16))
        self.assertEqual(config.connect_secret, "correct-horse-battery")
        self.assertEqual(config.impair, "lte; up: loss=5%")
        self.patch(os, "environ", {"GAMENET_KEY": "1" * 64})
        self.assertEqual(parsed(*GAME).key, "1" * 64)
        self.assertEqual(parsed(*GAME, "--key", "0" * 64).key, "0" * 64)
        self.assertNotIn("hush", self.refused(*GAME, "--key", "hush"))
        self.assertNotIn("hush", self.refused(*GAME, "--set", "key=hush"))

    def test_listen(self) -> None:
        """--listen may be given several times, and replaces the default."""
        config = parsed(*GAME, "--listen", "udp:1", "-l", "ws:2:interface=127.0.0.1")
        self.assertEqual(config.listen, ("udp:1", "ws:2:interface=127.0.0.1"))

    def test_set(self) -> None:
        """--set reaches every key."""
        config = parsed(*GAME, "--set", "limits.max_frame=9", "--set", "bots=2")
        self.assertEqual((config.limits.max_frame, config.bots), (9, 2))

    def test_file(self) -> None:
        """--config names a file; an option holds over it."""
        path = Path(self.mktemp()).with_suffix(".toml")
        path.write_text('game = "a:B"\nbots = 2\nname = "file"\n')
        config = parsed("--config", str(path), "--bots", "4")
        self.assertEqual((config.game, config.bots, config.name), ("a:B", 4, "file"))

    def test_no_game(self) -> None:
        """Without a game, one line says what to give."""
        text = self.refused()
        self.assertNotIn("\n", text)
        self.assertIn("--game module:Class", text)
        self.assertIn("--config", text)

    def test_wrong_value(self) -> None:
        """A value that is not allowed is refused with the text of the check."""
        self.assertEqual(
            self.refused(*GAME, "--bots", "x"),
            "--bots x is not an integer; allowed: an integer, 0 to 1000",
        )
        self.assertIn("--listen upd:1 holds", self.refused(*GAME, "--listen", "upd:1"))

    def test_set_form(self) -> None:
        """--set without a value is refused with an example."""
        for word in ("bots", "=3"):
            self.assertIn("KEY=VALUE", self.refused(*GAME, "--set", word))

    def test_help(self) -> None:
        """The help names every option and ends in examples."""
        text = str(Options())
        for name in Options().longOpt:
            self.assertIn(f"--{name}", text)
        self.assertIn("twistd -n gamenet --game examples.arena:Arena", text)

    def test_version(self) -> None:
        """--version prints the version of gamenet, not of Twisted."""
        out = io.StringIO()
        with redirect_stdout(out):
            error = self.assertRaises(SystemExit, parsed, "--version")
        self.assertEqual((out.getvalue(), error.code), (f"gamenet {__version__}\n", 0))


class BeneathTwistdTests(SynchronousTestCase):
    """Beneath twistd, a mistake is one line and exit status 1."""

    def printed(self, *words: str) -> str:
        """Return what a wrong command line prints as it ends the process."""
        options, err = Options(), io.StringIO()
        options.parent = usage.Options()
        with redirect_stderr(err):
            error = self.assertRaises(SystemExit, options.parseOptions, list(words))
        self.assertEqual(error.code, 1)
        return err.getvalue()

    def test_one_line(self) -> None:
        """The line is the complaint alone, with the command before it."""
        self.assertEqual(
            self.printed(*GAME, "--seed", "-1"),
            "twistd gamenet: --seed -1 is out of range; "
            f"allowed: an integer, 0 to {2**64 - 1}\n",
        )

    def test_unknown_option(self) -> None:
        """An unknown option is answered by the nearest one."""
        self.assertEqual(
            self.printed("--botz", "3"),
            "twistd gamenet: unknown option --botz; did you mean --bots?\n",
        )
        self.assertIn("see twistd gamenet --help", self.printed("--zzzzzz"))

    def test_no_value(self) -> None:
        """An option without its value is said to lack one."""
        self.assertIn("--bots", self.printed("--bots"))
