# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.replay_run and gamenet.service.replay_ghost."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Arrival, Packet, Protocol, Recording
from gamenet.prediction import Feedback, Frame, InputCodec, InputPacket
from gamenet.service.replay_ghost import Ghost, RecordedInputs
from gamenet.service.replay_run import Replay, ReplayedTick
from tests.game.playing import RATE, Crafts, Steer
from tests.service.recorded import PUSHED, Recorded, counted, recorded

PROTOCOL = Protocol.of(Crafts)
SNAPSHOTS, INPUTS = 1, 2


class MatchCase(SynchronousTestCase):
    """A case with a match that was recorded by a server with all its parts."""

    def setUp(self) -> None:
        self.made: Recorded = recorded()
        self.records = self.read(self.made)

    def read(self, made: Recorded) -> list[Packet | Arrival]:
        """Return the records of a recording."""
        with closing(Recording(made.file(self.mktemp()))) as recording:
            records = list(recording.records())
            self.assertEqual((recording.damage, recording.n_missing), ("", 0))
        return records

    def replay(
        self, player: int, trip: float = 4.0
    ) -> tuple[Replay, Ghost, list[ReplayedTick]]:
        """Play the match of a player, with the game."""
        ghost = Ghost(PROTOCOL, Crafts(), RATE)
        replay = Replay(PROTOCOL, RATE, player, ghost, trip)
        return replay, ghost, list(replay.ticks(self.records))


class QueueTests(MatchCase):
    """What came is recorded as it came, and counted as the server counted it."""

    def test_chain(self) -> None:
        """The queue of the replay is, at the end, the queue of the server."""
        for player, known in self.made.queues.items():
            replay, _, lines = self.replay(player)
            self.assertEqual(counted(replay._queue), known)
            self.assertEqual(replay.n_malformed, 0)
            self.assertEqual(sum(each.taken for each in lines), known[0])
            self.assertEqual(sum(each.late for each in lines), known[1])
            self.assertEqual(sum(each.missing for each in lines), known[2])
            self.assertGreater(known[1], 0)  # the network is bad enough to show it

    def test_told(self) -> None:
        """In each tick it is what the server has told the player of it."""
        for player in self.made.queues:
            lines = {each.tick: each for each in self.replay(player)[2]}
            told = [
                (each.tick, Feedback.decode(each.payload))
                for each in self.records
                if isinstance(each, Packet)
                and (each.player_id, each.channel) == (player, INPUTS)
            ]
            self.assertGreater(len(told), 50)
            for tick, feedback in told:
                line = lines[tick]
                self.assertEqual(
                    (line.depth, line.newest), (feedback.depth, feedback.acked)
                )
                self.assertLess(abs(line.slack - feedback.slack), 1 / 128)
                self.assertLess(abs(line.wanted - feedback.wanted), 1 / 128)

    def test_every_tick(self) -> None:
        """There is a line for every tick, in order, with the bytes of its snapshot."""
        for player in self.made.queues:
            lines = self.replay(player)[2]
            self.assertTrue(all(b.tick == a.tick + 1 for a, b in pairwise(lines)))
            mine = [each for each in self.records if each.player_id == player]
            self.assertEqual(
                (lines[0].tick, lines[-1].tick), (mine[0].tick + 1, mine[-1].tick)
            )
            told = sum(
                len(each.payload)
                for each in mine
                if isinstance(each, Packet) and each.is_snapshot
            )
            self.assertEqual(sum(each.n_bytes for each in lines), told)


class GhostTests(MatchCase):
    """What the client had predicted is predicted once more."""

    def test_push(self) -> None:
        """What the server alone has done is a correction of its tick and size."""
        _, ghost, lines = self.replay(self.made.pushed)
        self.assertEqual((ghost.n_malformed, ghost.raised), (0, {}))
        (line,) = [each for each in lines if abs(each.size - PUSHED) < 0.01]
        self.assertEqual(line.tick, self.made.tick + 1)
        real = next(
            each
            for each in self.made.match.one.corrections
            if abs(each.size - PUSHED) < 0.01
        )
        self.assertEqual(line.tick, real.tick)
        self.assertLessEqual(abs(line.resimulated - real.n_ticks), 2)
        mistake = next(each for each in line.mistakes if each.component == "Position")
        assert mistake.predicted is not None
        moved = mistake.confirmed["x"] - mistake.predicted["x"]
        self.assertAlmostEqual(moved, PUSHED)

    def test_no_cause(self) -> None:
        """Once inputs come in time, nothing but that push is ever corrected."""
        for player in self.made.queues:
            lines = self.replay(player)[2]
            late = [each.tick for each in lines if each.missing or each.late]
            corrected = [each.tick for each in lines if each.n_corrections]
            caused = {self.made.tick + 1} if player == self.made.pushed else set()
            begun = lines[0].tick + 10
            for tick in corrected:
                known = tick in caused or tick <= begun or tick in late
                self.assertTrue(known, (player, tick))

    def test_good_network(self) -> None:
        """Over a network without delay nothing is late, and only the push is seen."""
        self.made = recorded(0.0, 0.0, 0.0)
        self.records = self.read(self.made)
        for player in self.made.queues:
            lines = self.replay(player, 0.0)[2][RATE:]
            self.assertEqual(sum(each.late + each.missing for each in lines), 0)
            expected = [self.made.tick + 1] if player == self.made.pushed else []
            corrected = [each.tick for each in lines if each.n_corrections]
            self.assertEqual(corrected, expected)

    def test_ahead(self) -> None:
        """The client is ahead of what it is told by at least the trip."""
        for trip in (0.0, 4.0, 9.0):
            lines = self.replay(self.made.pushed, trip)[2][2 * RATE : -2 * RATE]
            for line in lines:
                assert line.own is not None
                self.assertGreaterEqual(line.own - line.tick, trip)
                self.assertEqual(line.confirmed, line.tick)

    def test_time_set_anew(self) -> None:
        """A player's own time may jump, on or back; old packets do not move it."""
        _, ghost, lines = self.replay(self.made.pushed)
        newest, clock = lines[-1].newest, ghost._clock
        assert clock is not None
        for tick, passed, expected in (
            (newest - 20, -1, newest),
            (newest + 5, -1, newest),
            (newest - 20, 1, newest - 20),
            (newest - 19, 2, newest - 19),
            (newest + 300, 3, newest + 300),
        ):
            frames = [Frame(tick, (Steer(1, 2),)), Frame(tick - 1)]
            ghost.heard(InputPacket(tick, clock + passed, True, frames), 0)
            self.assertEqual(ghost.tick, expected)
        self.assertEqual(ghost.inputs.at(newest + 300), (Steer(1, 2),))

    def test_before_restart(self) -> None:
        """What a player does anew in a tick counts in place of what they did before."""
        _, ghost, lines = self.replay(self.made.pushed)
        newest, clock = lines[-1].newest, ghost._clock
        assert clock is not None
        again = (Steer(-101, 99),)
        frames = [Frame(newest - 8, again), Frame(newest - 9, again)]
        ghost.heard(InputPacket(newest - 8, clock + 1, True, frames), 0)
        self.assertEqual(ghost.inputs.at(newest - 8), again)
        self.assertEqual(ghost.inputs.at(newest - 7), ())

    def test_own(self) -> None:
        """When it is told of a tick, it has predicted what came within the trip."""
        codec = InputCodec(PROTOCOL.inputs)
        came = [
            (each.at, codec.decode(each.payload).newest)
            for each in self.records
            if isinstance(each, Arrival) and each.player_id == self.made.pushed
        ]
        for trip in (0.5, 4.25):
            for line in self.replay(self.made.pushed, trip)[2][2 * RATE :]:
                before = [tick for at, tick in came if at < line.tick + trip]
                self.assertEqual(line.own, max(before[-99:]))

    def test_raising(self) -> None:
        """What the game raises is counted, and ends nothing."""

        class Broken(Crafts):
            def predict(self, dt: float) -> None:
                raise ZeroDivisionError

        ghost = Ghost(PROTOCOL, Broken(), RATE)
        lines = Replay(PROTOCOL, RATE, 1, ghost, 4.0).ticks(self.records)
        self.assertGreater(len(list(lines)), 6 * RATE)
        self.assertEqual(list(ghost.raised), ["predict"])


class HostileTests(SynchronousTestCase):
    """A file may hold anything."""

    def ticks(self, *records: Packet | Arrival) -> tuple[Replay, list[ReplayedTick]]:
        """Play some records."""
        replay = Replay(PROTOCOL, RATE, 7, Ghost(PROTOCOL, Crafts(), RATE))
        return replay, list(replay.ticks(records))

    def test_nonsense(self) -> None:
        """What cannot be understood is counted, and the rest is played."""
        frame = InputCodec(PROTOCOL.inputs).encode([Frame(12, (Steer(1, 2),))], 5)
        replay, lines = self.ticks(
            Packet(7, 10, 0, b"\xff"),
            Arrival(7, 10, 10.5, b"nonsense"),
            Arrival(7, 10, float("nan"), frame),
            Arrival(7, 10, 1e300, frame),
            Arrival(8, 10, 10.5, frame),
            Arrival(7, 11, 11.5, frame),
            Packet(7, 13, SNAPSHOTS, b"\xff"),
        )
        self.assertEqual(replay.n_malformed, 3)
        self.assertEqual([each.taken for each in lines], [0, 1, 0])

    def test_far_tick(self) -> None:
        """A tick in a far future does not take for ever, nor does one of the past."""
        _, lines = self.ticks(
            Packet(7, 10, INPUTS, b""),
            Packet(7, 2**32 - 1, INPUTS, b""),
            Packet(7, 11, INPUTS, b""),
        )
        self.assertEqual(len(lines), (1 << 14) + 1)
        self.assertEqual(lines[-1].tick, 2**32 - 1)


class InputsTests(SynchronousTestCase):
    """The frames of a recording."""

    def test_frames(self) -> None:
        """The first frame of a tick counts; what is dropped is gone."""
        inputs = RecordedInputs()
        for tick in (3, 4, 5):
            inputs.put(tick, (Steer(tick, 0),))
        inputs.put(4, ())
        self.assertEqual(inputs.at(4), (Steer(4, 0),))
        inputs.forget(4)
        inputs.drop_from(5)
        self.assertEqual([len(inputs.at(tick)) for tick in (3, 4, 5)], [0, 1, 0])
