# SPDX-License-Identifier: MIT
"""Tests of gamenet.game.recording, gamenet.game.recorder and gamenet.game.stages."""

from __future__ import annotations

import errno
import io
import os
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.game import Component, Protocol, fixed, recorder
from gamenet.game.recorder import Recorder
from gamenet.game.recording import (
    MAGIC,
    Arrival,
    Packet,
    Recording,
    _record,
    head_of,
    missing_record,
    packet_record,
)
from gamenet.game.stages import StageTimes
from gamenet.testing import Clock


class Position(Component):
    """Where something is."""

    x: float = fixed(-512, 512, step=1 / 64)


PROTOCOL = Protocol("rec", [Position], [], [])
HEAD = head_of(PROTOCOL, 64, 30.0, 1e9)
DECIDED = Packet(
    7,
    40,
    1,
    b"snapshot",
    budget=900.5,
    n_left_out=2,
    rows=np.array([3, 60], np.intp),
    priorities=np.array([0.5, 2.0]),
    levels=np.array([1, 7], np.uint8),
)


def plain(packet: Packet) -> tuple[Any, ...]:
    """Return a packet as something that compares."""
    return (
        *(packet.player_id, packet.tick, packet.channel, packet.payload),
        *(packet.budget, packet.n_left_out, packet.time),
        *(each.tolist() for each in (packet.rows, packet.priorities, packet.levels)),
    )


class FullDisk(io.BytesIO):
    """A file that takes so much and no more."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: Any) -> int:
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


class FileCase(SynchronousTestCase):
    """A case with a file."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp()).absolute()
        self.clock = Clock()

    def recorder(self, **options: Any) -> Recorder:
        """Return a recorder that is stopped at the end."""
        seconds = self.clock.seconds
        made = Recorder(self.path, PROTOCOL, 64, 30.0, seconds, **options)
        self.addCleanup(made.stop)
        return made

    def read(self, data: bytes | None = None) -> tuple[Recording, list[Packet]]:
        """Return a recording that was read, and what is in it."""
        if data is not None:
            self.path.write_bytes(data)
        recording = Recording(self.path)
        self.addCleanup(recording.close)
        return recording, list(recording.packets())

    def refused(self) -> str:
        """Return why the file is no recording."""
        error = self.assertRaises(ConfigError, Recording, self.path)
        return str(error).removeprefix(f"{self.path}: ")


class RecorderTests(FileCase):
    """What was sent is in the file."""

    def test_round_trip(self) -> None:
        """A packet comes back with its time and with what it was decided by."""
        writing = self.recorder()
        self.clock.advance(1.5)
        writing.sent(DECIDED)
        writing.sent(Packet(8, 41, 3, b""))
        writing.stop()
        recording, (one, other) = self.read()
        wanted = (7, 40, 1, b"snapshot", 900.5, 2, 1.5, [3, 60], [0.5, 2.0], [1, 7])
        self.assertEqual(plain(one), wanted)
        self.assertEqual(plain(other), (8, 41, 3, b"", 0.0, 0, 1.5, [], [], []))
        self.assertEqual((recording.damage, recording.n_missing), ("", 0))
        self.assertEqual((writing.n_packets, writing.is_open), (2, False))

    def test_arrivals(self) -> None:
        """What players sent comes back in its place among what they were sent."""
        writing = self.recorder()
        writing.sent(DECIDED)
        self.clock.advance(0.5)
        writing.heard(Arrival(7, 40, 40.25, b"inputs"))
        writing.sent(DECIDED)
        writing.stop()
        with closing(Recording(self.path)) as recording:
            _, arrival, _ = recording.records()
            self.assertTrue(recording.has_inputs)
        self.assertEqual(arrival, Arrival(7, 40, 40.25, b"inputs", 0.5))
        self.assertEqual(len(self.read()[1]), 2)

    def test_head(self) -> None:
        """The file says what the game speaks, without the game's code."""
        self.recorder().stop()
        recording, packets = self.read()
        self.assertEqual((recording.capacity, recording.tick_rate), (64, 30.0))
        self.assertEqual(recording.protocol.hash, PROTOCOL.hash)
        (component,) = recording.protocol.components
        self.assertEqual(component.__name__, "Position")
        self.assertEqual(packets, [])

    def test_written_in_time(self) -> None:
        """What was sent is written once a second, not only at the end."""
        self.patch(recorder, "INTERVAL", 0.001)
        has_written = threading.Event()

        class Watched(io.BytesIO):
            def flush(self) -> None:
                if len(self.getvalue()) > len(HEAD):
                    has_written.set()

        writing = self.recorder(opener=lambda path: Watched())
        writing.sent(DECIDED)
        self.assertTrue(has_written.wait(10))

    def test_no_priorities(self) -> None:
        """Where there was room for all, no priority was asked for."""
        writing = self.recorder()
        plain_levels = np.array([1, 0], np.uint8)
        for levels in (DECIDED.levels, plain_levels):
            given = {"rows": DECIDED.rows, "levels": levels}
            writing.sent(Packet(7, 40, 1, b"snapshot", **given))
        writing.stop()
        _, (packet, plainer) = self.read()
        self.assertEqual(packet.rows.tolist(), [3, 60])
        self.assertTrue(np.isnan(packet.priorities).all())
        self.assertEqual(plainer.rows.tolist(), [])

    def test_unusable(self) -> None:
        """A file that cannot be made is an error at once."""
        self.path.mkdir()
        path = self.path / "none" / "file"
        error = self.assertRaises(ConfigError, Recorder, path, PROTOCOL, 64, 30.0)
        wanted = f"record = '{path}': the file cannot be written: No such file"
        self.assertTrue(str(error).startswith(wanted), str(error))

    def test_no_room(self) -> None:
        """So is a disk that is full from the start."""
        error = self.assertRaises(
            ConfigError, self.recorder, opener=lambda _: FullDisk(9)
        )
        self.assertIn("No space left on device", str(error))

    def test_never_overwrites(self) -> None:
        """What was recorded before is not lost to a second start."""
        self.path.write_bytes(b"precious")
        error = self.assertRaises(ConfigError, self.recorder)
        self.assertIn("never written over", str(error))
        self.assertEqual(self.path.read_bytes(), b"precious")

    def test_disk_full(self) -> None:
        """A disk that fills up ends the recording, is said once, and hurts nobody."""
        writing = self.recorder(opener=lambda _: FullDisk(len(HEAD) + 200))
        for _ in range(9):
            writing.sent(DECIDED)
        writing.stop()
        self.assertEqual(writing.failure, "No space left on device")
        writing.sent(DECIDED)
        writing.stop()
        self.assertFalse(writing.is_open)

    def test_failure_is_logged(self) -> None:
        """The log says that there is no more recording, and why."""
        lines: list[str] = []
        log = type(
            "Log",
            (),
            {"error": lambda _, text, **all: lines.append(text.format(**all))},
        )()
        self.patch(Recorder, "log", log)
        writing = self.recorder(opener=lambda _: FullDisk(len(HEAD)))
        writing.sent(DECIDED)
        thread = writing._thread
        writing._wake.set()
        assert thread is not None
        thread.join(10)
        for _ in range(3):
            writing.sent(DECIDED)
        (line,) = lines
        self.assertIn("ends here: No space left on device; the game goes on", line)

    def test_slow_disk(self) -> None:
        """What a disk cannot keep up with is left out, and the file says how much."""
        self.patch(recorder, "MOST_WAITING", 150)
        self.patch(Recorder, "_start", lambda _: None)
        writing = self.recorder()
        for _ in range(5):
            writing.sent(DECIDED)
        self.assertEqual((writing.n_packets, writing.n_missing), (2, 3))
        writing._write()
        writing.sent(DECIDED)
        self.patch(recorder, "MOST_WAITING", 0)
        writing.sent(DECIDED)
        writing._wake.set()
        writing.stop()
        writing._run()
        recording, packets = self.read()
        self.assertEqual((len(packets), recording.n_missing), (3, 4))


class RecordingTests(FileCase):
    """Files are read as far as they are good."""

    def setUp(self) -> None:
        super().setUp()
        self.record = packet_record(DECIDED, 1.0)

    def test_no_recording(self) -> None:
        """What is no recording is told apart."""
        self.assertIn("cannot be read: No such file", self.refused())
        for data in (b"", b"hello", MAGIC, MAGIC[:-1] + b"x" + HEAD[len(MAGIC) :]):
            self.path.write_bytes(data)
            self.assertEqual(self.refused(), "is no recording of gamenet")

    def test_version(self) -> None:
        """A format of later days is not guessed at."""
        self.path.write_bytes(MAGIC + b"\7\0" + HEAD)
        self.assertEqual(self.refused(), "has the format 7; this gamenet reads 1 and 2")

    def test_first_version(self) -> None:
        """A file of the first format is read, and says that it has no inputs."""
        data = MAGIC + b"\1\0" + HEAD[len(MAGIC) + 2 :] + self.record
        recording, packets = self.read(data)
        self.assertEqual((len(packets), recording.has_inputs), (1, False))

    def test_damaged_head(self) -> None:
        """Without its header a recording says nothing."""
        begin = MAGIC + b"\1\0"
        for data, text in (
            (begin, "kind -1"),
            (HEAD[:-1], "is cut off"),
            (HEAD[:-1] + b"\0", "is damaged"),
            (begin + self.record, "record of kind 1"),
        ):
            self.path.write_bytes(data)
            found = self.refused()
            self.assertTrue(found.startswith("the header of the recording is damaged"))
            self.assertIn(text if text != "kind -1" else "unpack", found)

    def test_hostile_head(self) -> None:
        """A header that promises too large a world is refused."""
        self.path.write_bytes(head_of(PROTOCOL, 0, 30.0, 0.0))
        self.assertIn("a world of 0 rows", self.refused())

    def test_cut_off(self) -> None:
        """A tail that is cut off is left, and said to be."""
        whole = HEAD + self.record
        for n in range(1, len(self.record)):
            recording, packets = self.read(whole + self.record[:n])
            self.assertEqual(len(packets), 1)
            text = f"the record at byte {len(whole)} is cut off: nothing behind it"
            self.assertTrue(recording.damage.startswith(text), recording.damage)

    def test_damaged(self) -> None:
        """Nothing behind the damage is believed."""
        broken = bytearray(self.record)
        broken[20] ^= 1
        for bad in (bytes(broken), b"\xff" * 9 + self.record[9:]):
            recording, packets = self.read(HEAD + self.record + bad + self.record)
            self.assertEqual(len(packets), 1)
            self.assertIn("is damaged: nothing behind it was read", recording.damage)

    def test_missing(self) -> None:
        """What the recorder left out is counted."""
        recording, packets = self.read(HEAD + missing_record(3) + self.record)
        self.assertEqual((len(packets), recording.n_missing), (1, 3))

    def test_unknown(self) -> None:
        """A record of a kind that we do not know is passed over."""
        data = HEAD + _record(9, b"of later days") + self.record
        recording, packets = self.read(data)
        self.assertEqual((len(packets), recording.damage), (1, ""))

    @settings(max_examples=60)
    @given(st.binary(max_size=80), st.integers(1, 3))
    def test_hostile_records(self, body: bytes, kind: int) -> None:
        """A record of any content, however well it is summed, is no crash."""
        packet = _record(kind, body)
        recording, _ = self.read(HEAD + packet + self.record)
        self.assertIsInstance(recording.damage, str)


class StageTests(SynchronousTestCase):
    """The stages of ticks."""

    def setUp(self) -> None:
        self.now = 0.0
        self.times = StageTimes(("input", "step"), lambda: self.now, keep=4)

    def tick(self, *marks: tuple[str, float], rest: float = 0.0) -> float:
        """Make a tick whose stages take so many milliseconds."""
        self.times.begin()
        for name, ms in marks:
            self.now += ms / 1000
            self.times.mark(name)
        self.now += rest / 1000
        return self.times.end()

    def test_none(self) -> None:
        """Before the first tick all is zero."""
        found = self.times.figures()
        self.assertEqual((found["ticks"], found["tick"]["max_ms"]), (0, 0.0))

    def test_figures(self) -> None:
        """Each stage has its times and its share; what is not marked is the rest."""
        self.assertAlmostEqual(self.tick(("input", 1), ("step", 2), rest=1), 0.004)
        self.tick(("input", 1), ("step", 2), ("input", 2), rest=1)
        found = self.times.figures()
        self.assertEqual(found["ticks"], 2)
        self.assertAlmostEqual(found["tick"]["max_ms"], 6)
        by_name = {each["name"]: each for each in found["stages"]}
        self.assertEqual(list(by_name), ["input", "step", "rest"])
        self.assertAlmostEqual(by_name["input"]["p50_ms"], 1)
        self.assertAlmostEqual(by_name["input"]["p99_ms"], 3)
        self.assertAlmostEqual(by_name["input"]["share"], 0.4)
        self.assertAlmostEqual(by_name["rest"]["share"], 0.2)

    def test_ring(self) -> None:
        """Old ticks make place for new ones."""
        for ms in range(1, 7):
            self.tick(("step", ms))
        found = self.times.figures()
        self.assertEqual(found["ticks"], 4)
        self.assertAlmostEqual(found["tick"]["p50_ms"], 4)
        self.assertAlmostEqual(found["stages"][0]["max_ms"], 0)

    def test_since(self) -> None:
        """One may ask for the ticks of the last seconds only."""
        for ms in (9, 9, 1):
            self.tick(("step", ms))
        found = self.times.figures(since=2)
        self.assertEqual(found["ticks"], 1)
        self.assertAlmostEqual(found["tick"]["max_ms"], 1)
