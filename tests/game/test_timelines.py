# SPDX-License-Identifier: MIT
"""Tests of the time lines of one client, without a network."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.game.timelines import Timelines
from gamenet.prediction import Feedback, InputCodec, Sight, wire_clock
from tests.game.playing import Steer

RATE = 30.0


class TimelinesTests(SynchronousTestCase):
    """Own ticks run ahead, and inputs go with them until they are acknowledged."""

    def setUp(self) -> None:
        """Hear a welcome of tick 1000, 100 ms away."""
        self.lines = Timelines([Steer], RATE, tick=1000, now=50.0, rtt=0.1)
        self.codec = InputCodec([Steer])

    def feedback(self, now: float, **values: object) -> bytes:
        """Return what the server says, the round trip being 100 ms."""
        answer = {
            "echo": wire_clock(now - 0.1),
            "held": 0.0,
            "server_tick": 1001.5 + (now - 50.05) * RATE,
            "acked": 0,
            "slack": 2.0,
            "wanted": 2.0,
            "late": 0,
            "missing": 0,
            "depth": 1,
        } | values
        return Feedback(**answer).encode()  # type: ignore[arg-type]

    def test_ahead(self) -> None:
        """An input that leaves in its tick is there in time."""
        (tick,) = self.lines.begin(50.0)
        # The server's time is 1001.5, and will be 1003 when what leaves now arrives.
        self.assertGreaterEqual(tick, 1004)
        self.assertLess(tick, 1008)
        ticks = [t for n in range(1, 31) for t in self.lines.begin(50 + n / 30)]
        self.assertTrue(29 <= len(ticks) <= 31)
        self.assertEqual(ticks, list(range(tick + 1, tick + 1 + len(ticks))))

    def test_sampling(self) -> None:
        """In a tick an input is for that tick, between two for the next."""
        (tick,) = self.lines.begin(50.0)
        self.lines.sampling = tick
        self.assertEqual(self.lines.hold(Steer(1, 0), 50.0), tick)
        self.lines.close(tick, Sight(990.0))
        self.assertEqual(self.lines.hold(Steer(2, 0), 50.01), tick + 1)
        packet = self.codec.decode(self.lines.packet(50.02))
        # What may still change does not leave.
        (frame,) = packet.frames
        self.assertEqual((frame.tick, frame.inputs), (tick, (Steer(1, 0),)))
        self.assertEqual(packet.clock, wire_clock(50.02))

    def test_without_ticks(self) -> None:
        """Who asks for no ticks gets an input into one that the server has to come."""
        for n in range(90):
            now = 50.0 + n / 5
            tick = self.lines.hold(Steer(n, 0), now)
            packet = self.codec.decode(self.lines.packet(now))
            self.assertFalse(packet.is_steady)
            slack = tick - (1003 + (now - 50.0) * RATE)
            self.assertTrue(0.0 < slack < 5.0, (n, slack))
            answer = self.feedback(now + 0.1, acked=tick, slack=slack)
            self.lines.hear(answer, now + 0.1)
        self.assertEqual(self.lines.inputs.n_unacked, 0)

    def test_feedback(self) -> None:
        """Counts that wrap at 256 are added up, and what is acknowledged goes."""
        (tick,) = self.lines.begin(50.0)
        self.lines.sampling = tick
        self.lines.hold(Steer(1, 0), 50.0)
        self.lines.close(tick, None)
        self.lines.packet(50.0)
        self.assertEqual(self.lines.inputs.n_unacked, 1)
        for late, missing in ((250, 3), (255, 3), (4, 9)):
            answer = self.feedback(50.1, acked=tick, late=late, missing=missing)
            self.lines.hear(answer, 50.1)
        self.assertEqual((self.lines.n_late, self.lines.n_missing), (10, 6))
        self.assertEqual(self.lines.inputs.n_unacked, 0)

    def test_kept_for_a_prediction(self) -> None:
        """A prediction may want what the server has already."""
        self.lines.keeps_inputs = True
        (tick,) = self.lines.begin(50.0)
        self.lines.sampling = tick
        self.lines.hold(Steer(1, 0), 50.0)
        self.lines.close(tick, None)
        self.lines.packet(50.0)
        self.lines.hear(self.feedback(50.1, acked=tick), 50.1)
        self.assertEqual(self.lines.inputs.at(tick), (Steer(1, 0),))

    def test_malformed(self) -> None:
        """Feedback that is none changes nothing."""
        before = self.lines.stats(50.0)
        for bad in (b"", b"x", self.feedback(50.0)[:-1], self.feedback(50.0) + b"\0"):
            self.assertRaises(RemoteProtocolError, self.lines.hear, bad, 50.0)
        self.assertEqual(self.lines.stats(50.0), before)

    def test_schedule(self) -> None:
        """What is to be done at a tick is due when the server makes it."""
        done: list[int] = []
        for tick in (1010, 1005, 1005):
            self.lines.at(tick, done.append, tick)
        self.assertRaises(LocalProtocolError, self.lines.at, -1, done.append, 0)
        # Half the round trip has passed since the welcome was sent.
        for now in (50.0, 50.05, 50.12, 50.5):
            for call in self.lines.due(now):
                call()
            done.append(0)
        self.assertEqual(done, [0, 0, 1005, 1005, 0, 1010, 0])

    def test_patience(self) -> None:
        """Inputs go once more when an answer should have come, and not all the time."""
        self.assertGreater(self.lines.patience, 0.1 + 1 / 10)
        near = Timelines([Steer], RATE, tick=1, now=0.0)
        self.assertGreaterEqual(near.patience, 0.1)

    def test_stats(self) -> None:
        """The figures are ready for JSON, before anything was heard and after."""
        json.dumps(self.lines.stats(50.0))
        self.lines.begin(50.0)
        self.lines.arrived(1000, 50.0)
        self.lines.hear(self.feedback(50.1), 50.1)
        stats = json.loads(json.dumps(self.lines.stats(50.1)))
        self.assertEqual((stats["slack"], stats["queued"]), (2.0, 1))
        self.assertAlmostEqual(stats["rtt_ms"], 100.0, places=3)
