# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.inspect_file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.game import Packet, Protocol, Recorder
from gamenet.game.recording import missing_record
from gamenet.service.inspect_file import file_report
from tests.replication.snapshots import COMPONENTS, entered, message
from tests.service.accounts import MESSAGES

SNAPSHOTS, EVENTS = 1, 3


class FileTests(SynchronousTestCase):
    """A recording is looked into as a server is."""

    def setUp(self) -> None:
        self.path = str(Path(self.mktemp()).absolute())

    def write(self, *packets: Packet, cut: int = 0) -> None:
        """Record packets, and cut bytes off the end."""
        recorder = Recorder(self.path, Protocol("r", COMPONENTS, [], []), 64, 30.0)
        for packet in packets:
            recorder.sent(packet)
        recorder.stop()
        if cut:
            data = Path(self.path).read_bytes()
            Path(self.path).write_bytes(data[:-cut])

    def match(self, *players: int) -> list[Packet]:
        """Return the packets of a match that players watch."""
        return [
            Packet(player, tick, SNAPSHOTS, payload, 500.0, 2)
            for tick, payload in enumerate(MESSAGES, 40)
            for player in players
        ]

    def report(self, *words: Any) -> dict[str, Any]:
        """Return what the file says."""
        return file_report(self.path, *words)

    def refused(self, *words: Any) -> str:
        """Return why the file does not say it."""
        return str(self.assertRaises(ConfigError, self.report, *words))

    def test_only_player(self) -> None:
        """The only player need not be named."""
        self.write(*self.match(7))
        found = self.report()
        self.assertEqual((found["player"], found["ticks"]), (7, 3))
        self.assertEqual(found["bytes"], sum(map(len, MESSAGES)))
        self.assertEqual((found["tick_rate"], found["warnings"]), (30.0, []))

    def test_types(self) -> None:
        """Entities are of the types that the messages say."""
        self.write(*self.match(7))
        found = self.report()
        types = {each["name"]: each["told"] for each in found["types"]}
        self.assertEqual(types["Place+Life"], 6)
        rows = {row["row"]: row for row in found["detail"]["rows"]}
        self.assertEqual((rows[0]["type"], rows[0]["age"]), ("Place+Life", 2))
        self.assertEqual((rows[0]["level"], rows[0]["priority"]), (1, None))
        self.assertEqual((rows[2]["reason"], rows[2]["level"]), ("left", 0))

    def test_decided(self) -> None:
        """What the server decided by is there again."""
        decided = {
            "rows": np.array([1, 0]),
            "priorities": np.array([0.25, 4.0]),
            "levels": np.array([1, 7], np.uint8),
        }
        payload = message(40, entered([0, 1], 3))
        self.write(Packet(7, 40, SNAPSHOTS, payload, 500.0, 9, **decided))
        detail = self.report()["detail"]
        self.assertEqual((detail["wanted"], detail["left_out"]), (11, 9))
        rows = {row["row"]: (row["priority"], row["level"]) for row in detail["rows"]}
        self.assertEqual(rows, {0: (4.0, 7), 1: (0.25, 1)})

    def test_players(self) -> None:
        """Of several players there is a list; any of them can be chosen."""
        self.write(*self.match(7, 9), Packet(12, 40, EVENTS, b"bang"))
        found = self.report()
        size = sum(map(len, MESSAGES))
        line = {"id": 7, "first": 40, "last": 42, "messages": 3, "bytes": size}
        line["beside"] = {}
        self.assertEqual(found["players"], [line, {**line, "id": 9}])
        self.assertNotIn("player", found)
        self.assertEqual(self.report(9)["bytes"], size)
        self.assertEqual(
            self.refused(8), f"--player 8: is not in {self.path}; there are: 7, 9"
        )

    def test_tick(self) -> None:
        """What counts is up to the tick that was asked for."""
        self.write(*self.match(7))
        found = self.report(7, 41)
        self.assertEqual((found["detail"]["tick"], found["ticks"]), (41, 2))
        for tick in (39, 43):
            text = f"--tick {tick}: player 7 has ticks from 40 to 42 in {self.path}"
            self.assertEqual(self.refused(7, tick), text)

    def test_missing_tick(self) -> None:
        """A tick in which the player was sent nothing is told from the others."""
        packets = self.match(7)
        self.write(packets[0], packets[2])
        self.assertIn("--tick 41: tick 41 is not kept", self.refused(7, 41))

    def test_beside(self) -> None:
        """What was sent on other channels is counted by their names."""
        others = [Packet(7, 40, EVENTS, b"bang"), Packet(7, 41, 0, b"word")]
        self.write(*self.match(7), *others, *others, Packet(7, 42, 30, b"?"))
        found = self.report()
        self.assertEqual(found["beside"], {"events": 8, "control": 8, "channel 30": 1})
        self.assertEqual(found["bytes"], sum(map(len, MESSAGES)))

    def test_nobody(self) -> None:
        """A recording in which nobody played has nobody to choose."""
        self.write()
        self.assertEqual(self.report()["players"], [])
        self.assertIn("there are: none", self.refused(7))

    def test_warnings(self) -> None:
        """What is missing or wrong is said, and the rest is shown."""
        bad = Packet(7, 43, SNAPSHOTS, b"nonsense")
        self.write(*self.match(7), bad, *self.match(7)[2:], cut=5)
        found = self.report()
        self.assertEqual(found["ticks"], 3)
        damage, malformed = found["warnings"]
        self.assertIn("is cut off: nothing behind it was read", damage)
        self.assertEqual(malformed, "left out, because they are malformed: 1 packets")

    def test_slow_disk(self) -> None:
        """What the disk was too slow for is said to be missing."""
        self.write(*self.match(7))
        with Path(self.path).open("ab") as file:
            file.write(missing_record(12))
        (warning,) = self.report()["warnings"]
        self.assertTrue(warning.startswith("12 packets of any player are missing"))

    def test_no_recording(self) -> None:
        """Another file is told apart."""
        Path(self.path).write_bytes(b"hello")
        self.assertEqual(self.refused(), f"{self.path}: is no recording of gamenet")
