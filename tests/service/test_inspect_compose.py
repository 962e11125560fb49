# SPDX-License-Identifier: MIT
"""A composed server records, and can be looked into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from gamenet.errors import ConfigError, RemoteProtocolError
from gamenet.game import Recording
from gamenet.service.compose import build
from gamenet.service.inspect_access import inspection_pass
from gamenet.service.inspect_file import file_report
from gamenet.service.options import Options
from tests.service.browsing import Answer, ask
from tests.service.test_compose import CONFIG, ServerCase

KEY = bytes(range(32))


class InspectedCase(ServerCase):
    """A case with a server, somebody who plays, and the server's site."""

    def play(self, **changes: Any) -> None:
        """Have somebody play for a second."""
        self.started(listen=("udp:7777", "ws:8080"), **changes)
        (web,) = (each for each in self.server if "ws:" in str(each.name))
        self.site = web._web
        self.joined()
        self.pass_time(1)

    def ask(self, path: str, **headers: str) -> Answer:
        """Return what the server answers to who asks from the same machine."""
        return ask(
            self.site, path, peer="127.0.0.1", **{"host": "localhost", **headers}
        )


class InspectTests(InspectedCase):
    """The addresses of a server."""

    def test_page(self) -> None:
        """The page and its parts are there, with a policy of their own."""
        self.play()
        for path in ("/inspect", "/gamenet/inspect.js", "/gamenet/inspect.css"):
            self.assertEqual(self.ask(path).code, 200, path)
        policy = self.ask("/inspect").headers["content-security-policy"]
        self.assertTrue(policy.startswith("default-src 'none'"), policy)

    def test_account(self) -> None:
        """What a player is sent can be asked for, and costs nothing until it is."""
        self.play()
        replication = self.server.game_server.replication
        self.assertIsNone(replication.on_sent)
        self.assertEqual(self.ask("/inspect.json?player=1").json["ticks"], 0)
        self.assertIsNotNone(replication.on_sent)
        self.pass_time(1)
        found = self.ask("/inspect.json?player=1").json
        self.assertGreater(found["ticks"], 20)
        self.assertEqual(sum(e["bytes"] for e in found["components"]), found["bytes"])

    def test_closes(self) -> None:
        """When nobody asks any more, it costs nothing again."""
        self.play()
        self.ask("/inspect.json?player=1")
        self.pass_time(25)
        self.assertIsNone(self.server.game_server.replication.on_sent)

    def test_mistake(self) -> None:
        """An account that cannot be kept is given up; the game goes on."""
        self.play()
        self.ask("/inspect.json?player=1")
        inspection = self.server.game_server.inspection

        def fail(*_: Any) -> None:
            raise RemoteProtocolError("a mistake")

        self.patch(inspection._ledger, "sent", fail)
        tick = self.server.game_server.game.tick
        self.pass_time(1)
        self.assertFalse(inspection.is_on)
        self.assertGreater(self.server.game_server.game.tick, tick + 20)

    def test_key(self) -> None:
        """A server with a key wants to see that one has it."""
        self.play(key=KEY.hex())
        self.assertEqual(self.ask("/inspect.json").code, 401)
        shown = f"Bearer {inspection_pass(KEY)}"
        self.assertEqual(self.ask("/inspect.json", authorization=shown).code, 200)
        self.assertEqual(self.ask("/profile").code, 401)


class RecordTests(InspectedCase):
    """The option to record."""

    def setUp(self) -> None:
        super().setUp()
        self.path = str(Path(self.mktemp()).absolute())

    def test_record(self) -> None:
        """What was sent is in the file when the server stops, and can be shown."""
        self.play(record=self.path)
        self.stop(self.server)
        found = file_report(self.path)
        self.assertEqual((found["player"], found["warnings"]), (1, []))
        self.assertGreater(found["ticks"], 20)
        self.assertIn("Position", {each["name"] for each in found["types"]})
        self.assertEqual(list(found["beside"]), ["control"])
        recording = Recording(self.path)
        self.addCleanup(recording.close)
        protocol = self.server.game_server.protocol
        self.assertEqual(recording.protocol.hash, protocol.hash)

    def test_both(self) -> None:
        """An account that closes does not end the recording."""
        self.play(record=self.path)
        self.ask("/inspect.json?player=1")
        self.pass_time(25)
        self.assertIsNotNone(self.server.game_server.replication.on_sent)

    def test_unusable(self) -> None:
        """A file that cannot be made is one line, before a port opens."""
        Path(self.path).write_bytes(b"precious")
        config = replace(CONFIG, record=self.path)
        error = self.assertRaises(ConfigError, build, config, self.reactor)
        self.assertIn(f"record = {self.path!r}: the file is there already", str(error))

    def test_option(self) -> None:
        """The option is a key of the configuration."""
        options = Options()
        options.parseOptions(["--game", CONFIG.game, "--record", self.path])
        self.assertEqual(options.checked.record, self.path)
