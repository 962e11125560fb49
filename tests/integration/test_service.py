# SPDX-License-Identifier: MIT
"""`twistd -n gamenet` as a user runs it: it serves, it stops, it says what is wrong."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import Closed
from gamenet.errors import CloseReason
from gamenet.game import PolledClient
from tests.service.games import Field
from tests.service.running import (
    FIELD,
    PATIENCE,
    ROOT,
    TWISTD,
    RunningServer,
    run,
    shared_server,
)


class ServingTests(SynchronousTestCase):
    """One server answers everything that it should."""

    def setUp(self) -> None:
        self.server = shared_server("--bots", "2", "--name", "Here")
        if "2 bots joined" not in self.server.lines[-1]:
            self.server.wait_for("2 bots joined")

    def test_log(self) -> None:
        """One line for each listener, one warning, and then where to play."""
        port = self.server.ports["ws"]
        log = "\n".join(self.server.lines)
        self.assertRegex(
            log,
            rf"ws listening on \S+:{port}\n.*#warn\] no key is configured.*\n"
            r".*\bopen http://\S+ to play\n",
        )
        self.assertEqual(log.count("#warn"), 1)
        self.assertIn(f" open http://127.0.0.1:{port}/ to play\n", log)
        self.assertEqual(len(set(self.server.ports.values())), 3)

    def test_page(self) -> None:
        """The page is there, with its protection, and so are gamenet's modules."""
        status, headers, body = self.server.ask("/")
        self.assertEqual((status, body[:15].lower()), (200, b"<!doctype html>"))
        self.assertIn("default-src 'self'", headers["content-security-policy"])
        status, headers, _ = self.server.ask("/gamenet/gamenet.js")
        self.assertEqual(status, 200)
        self.assertEqual(headers["content-type"], "text/javascript; charset=utf-8")
        self.assertEqual(self.server.ask("/nothing")[0], 404)

    def test_connect(self) -> None:
        """POST /connect says how to join, and the codec is where it says."""
        answer = self.server.json("/connect", "POST")
        ports = self.server.ports
        self.assertEqual((answer["game"], answer["name"]), ("field", "Here"))
        self.assertEqual(answer["players"], 2)
        self.assertEqual(
            (len(b64decode(answer["token"])), answer["expires_in"]), (2048, 30)
        )
        self.assertTrue(answer["client_id"].isdecimal())
        self.assertEqual(
            answer["transports"],
            [
                {"transport": "udp", "host": "127.0.0.1", "port": ports["udp"]},
                {"transport": "tcp", "host": "127.0.0.1", "port": ports["tcp"]},
                {"transport": "ws", "url": f"ws://127.0.0.1:{ports['ws']}/ws"},
            ],
        )
        status, headers, body = self.server.ask(answer["codec"])
        self.assertEqual(status, 200)
        self.assertIn("immutable", headers["cache-control"])
        self.assertIn(answer["protocol_hash"].encode(), body)
        described = self.server.json("/connect")
        self.assertEqual(described["codec"], answer["codec"])
        self.assertNotIn("token", described)

    def test_socket(self) -> None:
        """The socket stands beside the page, on the same port."""
        self.assertEqual(self.server.ask("/ws")[0], 426)

    def test_health(self) -> None:
        """The server is well, and its game goes on."""
        first = self.server.json("/health")
        second = self.server.json("/health")
        self.assertEqual((first["status"], first["players"]), ("ok", 2))
        self.assertLessEqual(first["tick"], second["tick"])

    def test_stats(self) -> None:
        """The figures of server, transports and players are there."""
        stats = self.server.json("/stats")
        self.assertEqual(len(stats["players"]), 2)
        self.assertGreater(stats["players"][0]["packets_received"], 0)
        self.assertGreaterEqual(stats["transports"]["accepted"], 2)
        self.assertEqual(stats["listening"][0]["transport"], "udp")
        self.assertNotIn("address", stats["players"][0])
        self.assertEqual(stats["players"][0]["state"], "playing")
        lanes = [lane["name"] for lane in stats["players"][0]["lanes"]]
        self.assertIn("snapshots", lanes)
        self.assertEqual(stats["tokens"]["mode"], "open")
        number = stats["players"][0]["id"]
        self.assertEqual(
            self.server.json(f"/history?player={number}")["player"], number
        )
        self.assertEqual(self.server.ask("/history?player=999")[0], 404)


class StoppingTests(SynchronousTestCase):
    """A signal drains a server, which is a success."""

    def test_signals(self) -> None:
        """After Ctrl-C or SIGTERM the players are told, and the status is 0."""
        servers = [RunningServer(transports=("udp", "ws")) for _ in range(2)]
        for server in servers:
            self.addCleanup(server.stop)
        for server, number in zip(
            servers, (signal.SIGINT, signal.SIGTERM), strict=True
        ):
            client = PolledClient(Field, name="ada")
            client.connect(server.url)
            self.wait(client, lambda client=client: client.is_joined)
            server.process.send_signal(number)
            self.wait(client, lambda client=client: client.is_closed)
            self.assertIs(self.closed.reason, CloseReason.SERVER_SHUTDOWN)
            server.wait_for("drained")
            self.assertEqual(server.stop(None), 0)

    def test_second_signal(self) -> None:
        """A hook that never ends holds the process only until the second signal."""
        server = RunningServer(transports=("ws",), game="tests.service.games:Endless")
        self.addCleanup(server.stop)
        server.process.send_signal(signal.SIGINT)
        server.wait_for("the hook begins")
        server.process.send_signal(signal.SIGINT)
        _, err = server.process.communicate(timeout=PATIENCE)
        self.assertEqual(server.process.returncode, 1)
        self.assertEqual(
            err,
            "twistd gamenet: SIGINT again: ended at once, the players were not all "
            "told\n",
        )

    def wait(self, client: PolledClient, has_happened: Any) -> None:
        """Poll a client until something has happened."""
        while not has_happened():
            time.sleep(0.01)
            for event in client.poll():
                if isinstance(event, Closed):
                    self.closed = event

    def test_json_log(self) -> None:
        """With --log-format json, every line of the log is an object."""
        server = RunningServer("--log-format", "json", transports=("ws",))
        self.addCleanup(server.stop)
        records = [json.loads(line) for line in server.lines]
        record = records[-1]
        self.assertEqual((record["level"], record["transport"]), ("info", "ws"))
        self.assertEqual(record["port"], server.ports["ws"])
        self.assertEqual(record["namespace"], "gamenet.service")


class MistakeTests(SynchronousTestCase):
    """What is wrong is one line, and exit status 1."""

    def mistake(self, *words: str, before: tuple[str, ...] = ()) -> str:
        """Return the one line that a wrong command line prints."""
        status, _, err = run(TWISTD, "-n", "--pidfile=", *before, "gamenet", *words)
        self.assertEqual(status, 1, err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("twistd gamenet: "), err)
        return err

    def test_udp_port_in_use(self) -> None:
        """A UDP port that is taken is named, with the option."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            self.port_in_use(taken, "udp")

    def test_tcp_port_in_use(self) -> None:
        """A TCP port that is taken is named, with the option."""
        with socket.socket() as taken:
            self.port_in_use(taken, "ws")

    def port_in_use(self, taken: socket.socket, transport: str) -> None:
        """Listen where somebody else does."""
        taken.bind(("127.0.0.1", 0))
        if transport != "udp":
            taken.listen()
        port = taken.getsockname()[1]
        spec = f"{transport}:{port}:interface=127.0.0.1"
        line = self.mistake("--game", FIELD, "--listen", "tcp:0", "--listen", spec)
        self.assertIn(f"port {port}", line)
        self.assertIn(spec, line)

    def test_no_game(self) -> None:
        """Without a game, the line says what to give."""
        self.assertIn("give --game module:Class", self.mistake())

    def test_bots(self) -> None:
        """Bots that would leave no place for a person are refused."""
        line = self.mistake("--game", FIELD, "--bots", "8", "--listen", "udp:0")
        self.assertIn("bots = 8 leaves no place for a person", line)

    def test_key(self) -> None:
        """A key that is none is named, and not shown."""
        words = ("--game", FIELD, "--listen", "udp:0", "--key", "hush")
        line = self.mistake(*words)
        self.assertIn("--key (hidden) is not understood: it has 4 characters", line)
        self.assertNotIn("hush", line)

    def test_impair(self) -> None:
        """A bad network that makes no sense is named."""
        line = self.mistake("--game", FIELD, "--impair", "lag=1")
        self.assertIn("--impair lag=1 is not understood", line)

    def test_file(self) -> None:
        """What is wrong in a file is named with file, key and value."""
        path = Path(self.mktemp()).absolute().with_suffix(".toml")
        path.write_text(f'game = "{FIELD}"\nbots = "8"\n')
        line = self.mistake("--config", str(path))
        self.assertIn(f'{path}: bots = "8" is a string; allowed: an integer', line)

    def test_reactor(self) -> None:
        """Another reactor than gamenet's is refused."""
        line = self.mistake("--game", FIELD, before=("--reactor", "select"))
        self.assertIn("leave out twistd's --reactor", line)


class DaemonTests(SynchronousTestCase):
    """Without -n, twistd makes a daemon."""

    if not hasattr(os, "fork"):
        skip = "twistd makes daemons on POSIX only"

    def test_daemon(self) -> None:
        """A daemon serves, logs to its file, and ends by SIGTERM; its pid file goes."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir(parents=True)
        words = ("gamenet", "--game", FIELD, "--listen", "udp:0:interface=127.0.0.1")
        status, _, err = run(TWISTD, "--rundir", str(ROOT), *self.files(folder), *words)
        self.assertEqual((status, err), (0, ""))
        pid = int((folder / "pid").read_text())
        os.kill(pid, signal.SIGTERM)
        while (folder / "pid").exists():
            time.sleep(0.02)
        self.assertIn("drained", (folder / "log").read_text())

    def files(self, folder: Path) -> tuple[str, ...]:
        """Return twistd's options for the files of a daemon."""
        return "--pidfile", str(folder / "pid"), "--logfile", str(folder / "log")
