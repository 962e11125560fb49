# SPDX-License-Identifier: MIT
"""The commands around a server, against real ones, as a user runs them."""

from __future__ import annotations

import json
import signal
import time
from base64 import b64decode
from pathlib import Path
from xml.etree import ElementTree as ET

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectToken
from gamenet.game import PolledClient
from tests.service.games import Field
from tests.service.running import (
    GAMENET,
    PATIENCE,
    RunningServer,
    gamenet,
    shared_server,
    start,
)


def leave(client: PolledClient) -> None:
    """Close a client's connection, and its socket."""
    client.close()
    client.poll()


def play(client: PolledClient, seconds: float = 5.0) -> bool:
    """Poll a client until it has joined; return whether it did in time."""
    deadline = time.monotonic() + seconds
    while not client.is_joined and not client.is_closed:
        if time.monotonic() > deadline:
            return False
        client.poll()
        time.sleep(0.01)
    return client.is_joined


class TokenTests(SynchronousTestCase):
    """A key, a server that has it, a token, and a player who joins with it."""

    def test_whole_way(self) -> None:
        """What the commands make is what the server takes, once."""
        name = str(Path(self.mktemp()).absolute())
        self.assertEqual(gamenet("keygen", "--out", name)[0], 0)
        key = Path(name).read_text().strip()
        server = RunningServer(transports=("udp", "ws"), GAMENET_KEY=key)
        self.addCleanup(server.stop)
        port = server.ports["udp"]
        words = ("--client-id", "7", "--server", f"localhost:{port}")
        words = ("token", *words, "--user-data", b"ada".hex())
        status, out, err = gamenet(*words, GAMENET_KEY=key)
        self.assertEqual((status, err), (0, ""))
        token = ConnectToken.decode(b64decode(out))
        client = PolledClient(Field)
        client.connect(f"udp:{token.addresses[0]}", token=token)
        self.addCleanup(leave, client)
        self.assertTrue(play(client))
        (player,) = server.json("/stats")["players"]
        self.assertEqual((player["name"], player["transport"]), ("ada", "udp"))
        again = PolledClient(Field)
        again.connect(f"udp:{token.addresses[0]}", token=token)
        self.addCleanup(leave, again)
        self.assertFalse(play(again, 1.0))

    def test_closed(self) -> None:
        """A server with a key gives no tokens, and its log does not say "play"."""
        server = RunningServer(transports=("ws",), GAMENET_KEY="ab" * 32)
        self.addCleanup(server.stop)
        line = server.wait_for("the page is at")
        self.assertIn("gives no tokens", line)
        status, _, body = server.ask("/connect", "POST")
        self.assertEqual(status, 403)
        self.assertIn("connect_secret", json.loads(body)["error"])
        log = "\n".join(server.lines)
        self.assertNotIn("#warn", log)
        self.assertNotIn("ab" * 32, log)


class StatsTests(SynchronousTestCase):
    """gamenet stats."""

    def setUp(self) -> None:
        self.server = shared_server("--bots", "2", "--name", "Here")
        while len(self.server.json("/stats")["players"]) < 2:
            time.sleep(0.05)

    def test_table(self) -> None:
        """The server and its players are shown."""
        status, out, err = gamenet("stats", self.server.url)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("Here (field): ok, tick ", out)
        self.assertIn(f"ws 127.0.0.1:{self.server.ports['ws']}", out)
        self.assertIn("tokens     open, ", out)
        rows = [line.split() for line in out.splitlines()[-2:]]
        self.assertEqual([row[3] for row in rows], ["memory"] * 2)
        self.assertEqual({row[1] + row[2] for row in rows}, {"bot1", "bot2"})

    def test_player(self) -> None:
        """One player is shown with its lanes."""
        number = self.server.json("/stats")["players"][0]["id"]
        words = ("stats", self.server.url, "--player", str(number))
        status, out, err = gamenet(*words)
        self.assertEqual((status, err), (0, ""))
        for text in ("snapshots", "inputs", "reliable-ordered", "dropped "):
            self.assertIn(text, out)
        status, out, err = gamenet(*words, "--json")
        self.assertEqual(json.loads(out)["id"], number)
        self.assertIn("history", json.loads(out))

    def test_watch(self) -> None:
        """A watch goes on until Ctrl-C."""
        words = ("stats", self.server.url, "--watch", "0.05", "--json")
        process = start(GAMENET, *words)
        assert process.stdout is not None
        for _ in range(3):
            self.assertEqual(len(json.loads(process.stdout.readline())["players"]), 2)
        with process:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual((process.returncode, err), (130, ""))

    def test_not_there(self) -> None:
        """An address that is no game server's is one line."""
        status, out, err = gamenet("stats", f"{self.server.url}:")
        self.assertEqual((status, out, err.count("\n")), (1, "", 1))


class CompareTests(SynchronousTestCase):
    """gamenet compare-transports."""

    def test_measured(self) -> None:
        """Each transport is measured and drawn; every figure is above 0."""
        plot = Path(self.mktemp()).absolute().with_suffix(".svg")
        words = ("compare-transports", "--seconds", "0.4", "--plot", str(plot))
        status, out, err = gamenet(*words, "--json")
        self.assertEqual((status, err), (0, ""))
        found = {each.pop("transport"): each for each in json.loads(out)["transports"]}
        self.assertEqual(set(found), {"udp", "tcp", "tls", "ws", "wss"})
        for transport, figures in found.items():
            for name, value in figures.items():
                self.assertGreater(value, 0, f"{transport} {name}")
            self.assertLessEqual(figures["rtt_us_p50"], figures["rtt_us_p99"])
        ET.fromstring(plot.read_text(encoding="utf-8"))
