# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.command; what needs a server is in tests/integration."""

from __future__ import annotations

import io
import os
import stat
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from gamenet import __version__
from gamenet.service import bots_command
from gamenet.service.command import main
from gamenet.service.report import Report
from gamenet.service.run import Outcome
from gamenet.service.tickets import Crowd
from gamenet.transport import parse_listen

COMMANDS = (
    *("check", "keygen", "token", "stats", "bots", "impair", "compare-transports"),
    *("certificate", "inspect", "replay", "profile"),
)


class CommandCase(SynchronousTestCase):
    """A case that runs the command."""

    def command(self, *words: str) -> int:
        """Run the command; its output is in `out` and `err`."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                status = main(words)
            except SystemExit as ended:  # argparse's way to end
                status = int(ended.code or 0)
        self.out, self.err = out.getvalue(), err.getvalue()
        return status


class HelpTests(CommandCase):
    """The command explains itself."""

    def test_help(self) -> None:
        """The help lists the commands, and each has a help with examples."""
        self.assertEqual(self.command("--help"), 0)
        for name in COMMANDS:
            self.assertIn(f"\n    {name}", self.out)
        for name in COMMANDS:
            self.assertEqual(self.command(name, "--help"), 0)
            self.assertIn("examples:", self.out)

    def test_bots_help(self) -> None:
        """Every option of the bots is explained, with its default."""
        self.command("bots", "--help")
        for word in (
            *("--server", "--connect", "--transport", "--n", "--seconds", "--secret"),
            *("--key", "--protocol-id", "--impair"),
        ):
            self.assertIn(word, self.out)
        self.assertIn("default: 10", self.out)

    def test_version(self) -> None:
        """--version prints the version."""
        self.assertEqual(self.command("--version"), 0)
        self.assertEqual(self.out, f"gamenet {__version__}\n")

    def test_nothing(self) -> None:
        """Without a command, the message names what is missing."""
        self.assertEqual(self.command(), 1)
        self.assertEqual(
            self.err,
            "gamenet: the following arguments are required: COMMAND; see gamenet "
            "--help\n",
        )

    def test_wrong_option(self) -> None:
        """A wrong option or value is named, in one line, and the status is 1."""
        for words, text in (
            (("bots", "--server", "http://a", "--sconds", "3"), "--sconds"),
            (("bots", "--server", "http://a", "--transport", "up"), "'up'"),
            (("bots",), "--server"),
            (("bots", "--server", "http://a", "--connect", "udp:a:1"), "--connect"),
            (("chekc",), "chekc"),
            (("keygen", "--ot", "x"), "--ot"),
            (("impair", "--listen", ":1"), "--to, --impair"),
            (("compare-transports", "--seconds", "0"), "--seconds"),
            (("certificate",), "--out"),
            (("check",), "FILE"),
        ):
            self.assertEqual(self.command(*words), 1, words)
            self.assertEqual((self.out, self.err.count("\n")), ("", 1))
            self.assertIn(text, self.err)

    def test_wrong_value(self) -> None:
        """A value that is no number, or out of range, is said to be so plainly."""
        count = "is no whole number from 1 to 10000"
        time = "is no number of seconds above 0 and at most 86400"
        for option, value, text in (
            ("--n", "0", count),
            ("--n", "10001", count),
            ("--n", "x", count),
            ("--n", "1.5", count),
            ("--seconds", "0", time),
            ("--seconds", "nan", time),
            ("--seconds", "x", time),
            ("--seed", "x", f"is no whole number from {-(2**63)} to {2**63 - 1}"),
        ):
            words = ("bots", "--server", "http://a", option, value)
            self.assertEqual(self.command(*words), 1, words)
            self.assertEqual(
                self.err,
                f"gamenet bots: argument {option}: '{value}' {text}; see gamenet bots "
                "--help\n",
            )


class BotsTests(CommandCase):
    """gamenet bots; what needs a server is in tests/integration."""

    def test_address(self) -> None:
        """An address that makes no sense is one line, before anything is tried."""
        for words, text in (
            (("--connect", "upd:a:1"), "no such transport"),
            (("--connect", "memory:a"), "memory"),
            (("--server", "127.0.0.1:8080"), "allowed: a web address"),
            (("--server", "udp://127.0.0.1:1"), "allowed: a web address"),
            (("--server", "http://[::1"), "allowed: a web address"),
            (("--server", "http://a", "--impair", "lag=1"), "lag"),
            (("--server", "http://a", "--address", "b"), "--address is 'b'"),
        ):
            self.assertEqual(self.command("bots", *words), 1)
            self.assertEqual((self.out, self.err.count("\n")), ("", 1), self.err)
            self.assertIn(text, self.err)

    def test_key(self) -> None:
        """A listener without web takes tokens that are made with its key."""
        self.patch(os, "environ", {})
        words = ("bots", "--connect", "udp:127.0.0.1:1")
        self.assertEqual(self.command(*words), 1)
        self.assertIn("give --key HEX, or set GAMENET_KEY", self.err)
        for key in ("hush", "hu" * 32):
            self.assertEqual(self.command(*words, "--key", key), 1)
            self.assertEqual(self.err.count("\n"), 1)
            self.assertNotIn(key, self.err)

    def test_crowd(self) -> None:
        """Everything reaches the bots, secrets from the environment, too."""
        crowds: list[Crowd] = []

        def run_crowd(crowd: Crowd) -> Outcome:
            crowds.append(crowd)
            report = Report("udp", crowd.n, connected=crowd.n)
            return Outcome(report, {}, is_interrupted=False)

        self.patch(bots_command, "run_crowd", run_crowd)
        self.patch(os, "environ", {"GAMENET_CONNECT_SECRET": "from-environment"})
        self.assertEqual(self.command("bots", "--server", "http://a", "--n", "3"), 0)
        self.command("bots", "--server", "http://a", "--secret", "s", "--impair", "lte")
        words = ("--connect", "tcp:a:1", "--key", "ab" * 32, "--protocol-id", "0x10")
        self.command("bots", *words)
        first, second, third = crowds
        self.assertEqual((first.n, first.secret), (3, "from-environment"))
        self.assertEqual((second.secret, second.impair), ("s", "lte"))
        self.assertEqual((third.connect, third.protocol_id), ("tcp:a:1", 16))
        self.assertEqual(third.key.hex(), "ab" * 32)


class CheckTests(CommandCase):
    """gamenet check."""

    def check(self, text: str) -> int:
        """Check a file with a text."""
        self.file = Path(self.mktemp()).with_suffix(".toml")
        self.file.write_text(text)
        return self.command("check", str(self.file))

    def test_ok(self) -> None:
        """A good file is said to be good, with what would be served where."""
        status = self.check(
            'game = "tests.service.games:Field"\nlisten = ["udp:1", "ws:2"]\nbots = 2'
        )
        self.assertEqual((status, self.err), (0, ""))
        self.assertEqual(
            self.out,
            f"ok: {self.file}: Field on udp:1, ws:2; 2 bots, at most 8 players\n",
        )

    def test_wrong(self) -> None:
        """Everything that is wrong is said, and the status is 1."""
        self.assertEqual(self.check("bots = -1\nnmae = 3"), 1)
        self.assertIn("bots = -1 is out of range", self.err)
        self.assertIn("did you mean name?", self.err)
        self.assertEqual(self.out, "")

    def test_game(self) -> None:
        """The game has to be there."""
        self.assertEqual(self.check('game = "tests.service.games:Feild"'), 1)
        self.assertIn("did you mean Field?", self.err)
        self.assertEqual(self.check("bots = 1"), 1)
        self.assertIn("the key game is missing", self.err)

    def test_environment(self) -> None:
        """A wrong key of the environment is found, as the server would find it."""
        self.patch(os, "environ", {"GAMENET_KEY": "hush"})
        self.assertEqual(self.check('game = "tests.service.games:Field"'), 1)
        self.assertIn("gamenet check: GAMENET_KEY is not understood", self.err)
        self.assertNotIn("hush", self.err)

    def test_page(self) -> None:
        """The page that the game names has to be there."""
        self.assertEqual(self.check('game = "tests.service.games:Paged"'), 1)
        self.assertIn("no-such-folder", self.err)

    def test_bots(self) -> None:
        """Bots leave a place for a person, in a game whose places are known by now."""
        text = 'game = "tests.service.games:Field"\nbots = 8'
        self.assertEqual(self.check(text), 1)
        self.assertIn(f"{self.file}: bots = 8 leaves no place for a person", self.err)
        self.assertEqual(self.err.count("\n"), 1)
        self.check('game = "tests.service.games:Field"\nlimits.max_connections = 5')
        self.assertIn("at most 5 players", self.out)

    def test_certificate(self) -> None:
        """The files that a listen string names have to be there."""
        status = self.check(
            'game = "tests.service.games:Field"\n'
            'listen = ["tls:1:certificate=none.pem:key=none.pem"]'
        )
        self.assertEqual(status, 1)
        self.assertIn("there is no file none.pem", self.err)


class CertificateTests(CommandCase):
    """gamenet certificate."""

    def test_written(self) -> None:
        """Two files are written, the key for nobody else, and how to use them."""
        folder = Path(self.mktemp())
        self.assertEqual(self.command("certificate", "--out", str(folder)), 0)
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        self.assertIn("BEGIN CERTIFICATE", certificate.read_text())
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        option = self.out.split()[-1]
        self.assertEqual(parse_listen(option).certificate, str(certificate))

    def test_not_replaced(self) -> None:
        """A key that is there is never written over."""
        folder = str(self.mktemp())
        self.command("certificate", "--out", folder, "--host", "a.example", "b.example")
        before = (Path(folder) / "key.pem").read_bytes()
        self.assertEqual(self.command("certificate", "--out", folder), 1)
        self.assertIn("gamenet certificate: ", self.err)
        self.assertEqual((Path(folder) / "key.pem").read_bytes(), before)
