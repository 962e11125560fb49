# SPDX-License-Identifier: MIT
"""`gamenet bots` against real servers, over real sockets."""

from __future__ import annotations

import json
import signal
import socket
import time
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.service.running import (
    GAMENET,
    PATIENCE,
    RunningServer,
    gamenet,
    shared_server,
    start,
)

KEY = "ab" * 32
SECRET = "correct-horse-battery"
FIGURES = {
    "connected",
    "refused",
    "snapshots_per_s",
    "rtt_ms_p50",
    "rtt_ms_p99",
    "bytes_down_per_s",
    "bytes_up_per_s",
    "errors",
    "connect_ms_p50",
}


def last_object(out: str) -> dict[str, Any]:
    """Return the JSON object of the last line."""
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


class BotsTests(SynchronousTestCase):
    """Bots join, play and report."""

    def setUp(self) -> None:
        self.server = shared_server("--max-players", "20")

    def wait_for_players(self, n: int) -> None:
        """Wait until a number of players is in the game."""
        while self.server.json("/health")["players"] != n:
            time.sleep(0.05)

    def test_transports(self) -> None:
        """They play over each transport at once, with every figure above 0."""
        running = {
            transport: start(
                GAMENET,
                *("bots", "--server", self.server.url, "--transport", transport),
                *("--n", "3", "--seconds", "1.5", "--json"),
            )
            for transport in ("udp", "tcp", "ws")
        }
        for transport, process in running.items():
            with process:
                out, err = process.communicate(timeout=PATIENCE)
            self.assertEqual((process.returncode, err), (0, ""), transport)
            figures = last_object(out)
            self.assertLessEqual(FIGURES, set(figures))
            self.assertEqual(figures["connected"], 3)
            self.assertEqual((figures["refused"], figures["errors"]), (0, 0))
            for name in FIGURES - {"refused", "errors"}:
                self.assertGreater(figures[name], 0, f"{transport} {name}")

    def test_interrupted(self) -> None:
        """Ctrl-C ends them early and cleanly, with a report."""
        self.wait_for_players(0)
        words = ("--server", self.server.url, "--n", "1", "--seconds", "900", "--json")
        process = start(GAMENET, "bots", *words)
        self.wait_for_players(1)
        with process:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, err), (130, ""))
        self.assertEqual(last_object(out)["errors"], 0)


class KeyTests(SynchronousTestCase):
    """Bots join a server that does not let in everybody."""

    def setUp(self) -> None:
        self.server = shared_server(
            "--protocol-id", "16", GAMENET_KEY=KEY, GAMENET_CONNECT_SECRET=SECRET
        )

    def bots(self, *words: str, **variables: str) -> tuple[int, str, str]:
        """Run two bots for a moment."""
        return gamenet("bots", *words, "--n", "2", "--seconds", "0.3", **variables)

    def test_connect(self) -> None:
        """A listener is joined with the key alone; people get a table."""
        for transport in ("udp", "tcp"):
            where = f"{transport}:127.0.0.1:{self.server.ports[transport]}"
            words = ("--connect", where, "--protocol-id", "0x10")
            status, out, err = self.bots(*words, GAMENET_KEY=KEY)
            self.assertEqual((status, err), (0, ""))
            self.assertIn(f"2 of 2 ({transport})", out)
            self.assertIn("/s each", out)

    def test_other_key(self) -> None:
        """Tokens of another key, or for another game, let nobody in."""
        where = f"tcp:127.0.0.1:{self.server.ports['tcp']}"
        for words, text in (
            (("--key", "cd" * 32, "--protocol-id", "16"), "TOKEN_INVALID"),
            (("--key", KEY, "--protocol-id", "17"), "is for another protocol id"),
        ):
            status, out, err = self.bots("--connect", where, *words, "--json")
            figures = last_object(out)
            self.assertEqual((status, figures["connected"]), (1, 0))
            self.assertEqual(figures["refused"], 2)
            self.assertIn(text, err)
            self.assertEqual(err.count("\n"), 1)

    def test_secret(self) -> None:
        """The web address gives tokens to those who show the secret."""
        words = ("--server", self.server.url)
        status, out, err = self.bots(*words, "--secret", SECRET)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("2 of 2 (udp)", out)
        status, out, err = self.bots(*words, GAMENET_CONNECT_SECRET=SECRET)
        self.assertEqual((status, err), (0, ""))

    def test_wrong_secret(self) -> None:
        """Those who do not are told what is missing, in one line."""
        for words in ((), ("--secret", "guess")):
            status, out, err = self.bots("--server", self.server.url, *words)
            self.assertEqual(status, 1)
            self.assertIn("needs Authorization: Bearer", err)
            self.assertEqual(err.count("\n"), 1)
            self.assertIn("0 of 2", out)


class UnluckyTests(SynchronousTestCase):
    """Bots that do not all get in."""

    def test_full(self) -> None:
        """Those for whom there is no place are refused, and the status is 1."""
        server = RunningServer("--max-players", "2", transports=("udp", "ws"))
        self.addCleanup(server.stop)
        status, out, err = gamenet(
            *("bots", "--server", server.url, "--n", "5", "--seconds", "0.3", "--json")
        )
        figures = last_object(out)
        self.assertEqual((figures["connected"], figures["refused"]), (2, 3))
        self.assertEqual((figures["errors"], status), (0, 1))
        self.assertIn("SERVER_FULL", err)
        self.assertIn("(3 times)", err)

    def test_interrupted(self) -> None:
        """Ctrl-C while the web address is silent is an interruption, not an error."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            server = f"http://127.0.0.1:{silent.getsockname()[1]}"
            process = start(GAMENET, "bots", "--server", server, "--n", "2", "--json")
            connection, _ = silent.accept()
            with process, connection:
                connection.recv(1)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, err), (130, ""))
        figures = last_object(out)
        self.assertEqual((figures["connected"], figures["errors"]), (0, 0))

    def test_nobody(self) -> None:
        """Where nothing answers, one line says so, and there is a report."""
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            server = f"http://127.0.0.1:{unused.getsockname()[1]}"
            status, out, err = gamenet("bots", "--server", server, "--n", "2", "--json")
        self.assertEqual(status, 1)
        self.assertIn(f"{server}/connect does not answer", err)
        self.assertEqual(err.count("\n"), 1)
        figures = last_object(out)
        self.assertEqual((figures["connected"], figures["errors"]), (0, 2))
