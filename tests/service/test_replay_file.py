# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.replay_file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.game import Arrival, Packet, Protocol, Recorder
from gamenet.game.recording import MAGIC, missing_record
from gamenet.prediction import Feedback, Frame, InputCodec
from gamenet.service.replay_file import ReplayFile, Trips
from tests.game.playing import RATE, Crafts
from tests.service.games import Field
from tests.service.recorded import recorded

PROTOCOL = Protocol.of(Crafts)
INPUTS = 2


class Slower(Crafts):
    """The same words, at another rate."""

    tick_rate = RATE / 2


class FileTests(SynchronousTestCase):
    """A file is played, or it is said why not."""

    def setUp(self) -> None:
        self.path = recorded().file(self.mktemp())

    def write(self, *records: Packet | Arrival) -> None:
        """Make another recording, of these records."""
        self.path = str(Path(self.mktemp()).absolute())
        recorder = Recorder(self.path, PROTOCOL, 64, RATE)
        for record in records:
            (recorder.sent if isinstance(record, Packet) else recorder.heard)(record)  # type: ignore[arg-type]
        recorder.stop()

    def refused(self, *words: Any) -> str:
        """Return why the file is not played."""
        with self.assertRaises(ConfigError) as caught:
            list(ReplayFile(self.path, *words).ticks())
        text = str(caught.exception)
        self.assertNotIn("\n", text)
        return text

    def test_first_player(self) -> None:
        """Without a choice it is the first player's match."""
        file = ReplayFile(self.path)
        self.assertEqual((file.players, file.player_id), ([1, 2], 1))
        self.assertEqual((file.tick_rate, file.trip), (RATE, 0.0))
        self.assertGreater(len(list(file.ticks())), 6 * RATE)
        self.assertEqual(file.warnings, [])

    def test_game(self) -> None:
        """With the game it is predicted, and inputs are of the game's classes."""
        made = recorded()
        file = ReplayFile(self.path, made.pushed, Crafts)
        corrected = [each.tick for each in file.ticks() if each.n_corrections]
        self.assertIn(made.tick + 1, corrected)
        self.assertEqual(file.warnings, [])

    def test_trip(self) -> None:
        """The trip is about what the network takes, there and back."""
        for rtt in (0.0, 0.1, 0.3):
            self.path = recorded(rtt, 0.0, 0.0).file(self.mktemp())
            trip = ReplayFile(self.path, 1, Crafts).trip / RATE
            # An answer leaves with the next tick of the client.
            self.assertTrue(rtt <= trip <= rtt + 2 / RATE, (rtt, trip))

    def test_no_recording(self) -> None:
        """What is none, or is not there, is told apart."""
        self.path = __file__
        self.assertIn("is no recording of gamenet", self.refused())
        self.path = self.mktemp()
        self.assertIn("cannot be read: No such file", self.refused())

    def test_no_inputs(self) -> None:
        """A file of the first format has nothing to replay."""
        data = Path(self.path).read_bytes()
        old = MAGIC + b"\1\0" + data[len(MAGIC) + 2 :]
        Path(self.path).write_bytes(old)
        self.assertIn("is of format 1, which has no inputs", self.refused())

    def test_unknown_player(self) -> None:
        """The players that there are, are named."""
        text = f"--player 9: is not in {self.path}; there are: 1, 2"
        self.assertEqual(self.refused(9), text)

    def test_nobody(self) -> None:
        """A match without players has nothing to show."""
        self.write()
        self.assertEqual(self.refused(), f"{self.path}: nobody is in this recording")

    def test_other_game(self) -> None:
        """A game that speaks otherwise is refused, with what differs."""

        class Wider(Crafts):
            inputs = ()

        text = self.refused(1, Wider)
        self.assertIn("is of crafts, which speaks otherwise", text)
        self.assertIn("unknown here: input Steer", text)

    def test_nothing_predicted(self) -> None:
        """A game without predicted functions cannot show any."""
        self.path = str(Path(self.mktemp()).absolute())
        Recorder(self.path, Protocol.of(Field), 64, RATE).stop()
        text = "--game tests.service.games:Field: predicts nothing; leave --game out"
        self.assertEqual(self.refused(None, Field), text)

    def test_no_welcome(self) -> None:
        """Who was there before the recording cannot be predicted, but shown."""
        self.write(Packet(7, 10, INPUTS, b""), Packet(7, 12, INPUTS, b""))
        self.assertEqual(len(list(ReplayFile(self.path).ticks())), 2)
        text = "does not say how player 7 joined"
        self.assertIn(text, self.refused(7, Crafts))

    def test_other_rate(self) -> None:
        """A server may have another rate than the game; its clients have the game's."""
        file = ReplayFile(self.path, 1, Slower)
        (warning,) = file.warnings
        self.assertIn("it has 30 ticks a second and the game 15", warning)

    def test_no_rate(self) -> None:
        """A rate that is none is refused."""
        for rate in (0.0, -1.0, float("nan"), float("inf")):
            self.path = str(Path(self.mktemp()).absolute())
            Recorder(self.path, PROTOCOL, 64, rate).stop()
            self.assertIn("ticks a second", self.refused())

    def test_cut_off(self) -> None:
        """What is before the damage is played, and the damage is said."""
        data = Path(self.path).read_bytes()
        Path(self.path).write_bytes(data[: len(data) // 2])
        file = ReplayFile(self.path, 1, Crafts)
        self.assertGreater(len(list(file.ticks())), 2 * RATE)
        (warning,) = file.warnings
        self.assertIn("is cut off: nothing behind it was read", warning)

    def test_cut_everywhere(self) -> None:
        """Wherever a file is cut, it is played or refused."""
        data = Path(self.path).read_bytes()
        n_refused = n_played = 0
        for end in (*range(0, 400, 20), *range(400, 6000, 101)):
            Path(self.path).write_bytes(data[:end])
            try:
                n_played += bool(list(ReplayFile(self.path, None, Crafts).ticks()))
            except ConfigError as error:
                self.assertNotIn("\n", str(error))
                n_refused += 1
        self.assertGreater(n_refused, 10)
        self.assertGreater(n_played, 10)

    def test_warnings(self) -> None:
        """What is missing, malformed or silent is said."""
        self.write(Packet(7, 10, INPUTS, b""), Arrival(7, 10, 10.5, b"nonsense"))
        with Path(self.path).open("ab") as file:
            file.write(missing_record(12))
        played = ReplayFile(self.path)
        list(played.ticks())
        missing, malformed = played.warnings
        self.assertTrue(missing.startswith("12 packets of any player are missing"))
        self.assertIn("malformed: 1 packets", malformed)
        self.write(Packet(7, 10, INPUTS, b""))
        silent = ReplayFile(self.path)
        list(silent.ticks())
        self.assertEqual(silent.warnings, ["player 7 has sent no inputs"])

    def test_raising(self) -> None:
        """Errors of the game are said by hook."""

        class Broken(Crafts):
            def predict(self, dt: float) -> None:
                raise ZeroDivisionError

        file = ReplayFile(self.path, 1, Broken)
        list(file.ticks())
        (warning,) = file.warnings
        self.assertIn("the game has raised in its predictions: predict ", warning)


class TripTests(SynchronousTestCase):
    """How long answers take."""

    def setUp(self) -> None:
        self.trips = Trips(PROTOCOL)
        self.codec = InputCodec(PROTOCOL.inputs)

    def say(self, at: float, acked: int) -> None:
        """Have the server say what it has."""
        told = Feedback(0, 0.0, at, acked, 0.0, 1.0)
        self.trips.take(Packet(7, int(at), INPUTS, told.encode()))

    def hear(self, at: float, *ticks: int) -> None:
        """Have frames come, newest first."""
        frames = [Frame(tick) for tick in ticks]
        self.trips.take(Arrival(7, int(at), at, self.codec.encode(frames, 1)))

    def test_answer(self) -> None:
        """The first packet without what the server has is the answer."""
        self.assertEqual(self.trips.middle, 0.0)
        self.say(10.25, 14)
        self.hear(11.0, 16, 15, 14)
        self.hear(14.5, 18, 17, 16, 15)
        self.hear(15.5, 19, 18)
        self.assertEqual(self.trips.middle, 4.25)

    def test_lost(self) -> None:
        """What answers two was sent after the later one."""
        self.say(10.0, 14)
        self.say(13.0, 17)
        self.hear(17.0, 20, 19, 18)
        self.assertEqual(self.trips.middle, 4.0)

    def test_middle(self) -> None:
        """One long one among many counts for little."""
        for start, way in ((10, 2.0), (30, 3.0), (50, 60.0)):
            self.say(float(start), start)
            self.hear(start + way, start + 1)
        self.assertEqual(self.trips.middle, 3.0)
