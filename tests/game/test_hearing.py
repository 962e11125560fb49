# SPDX-License-Identifier: MIT
"""Tests of how the server takes inputs: each in its tick, whoever sends them."""

from __future__ import annotations

import math
import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Game, Input, Player
from gamenet.prediction import Frame, Sight
from gamenet.testing import Stepper
from tests.game.flying import INPUTS, Flashing, Kites, Pull, RawPlayer, Spot


class HearingTestCase(SynchronousTestCase):
    """A match with one player whose packets we write."""

    game_class: type[Game] = Kites

    def setUp(self) -> None:
        """Let the player join."""
        self.stepper = Stepper.of(self.game_class, seed=1)
        self.server = self.stepper.server
        self.game: Any = self.server.game
        self.one = RawPlayer(self.stepper)

    @property
    def tick(self) -> int:
        """Return the newest tick."""
        return self.server.game.tick

    def pulls(self) -> list[tuple[int, int]]:
        """Return in which ticks the player pulled, and how much."""
        return [(t, i.x) for t, _, i in self.game.heard if isinstance(i, Pull)]

    def stat(self, name: str) -> int:
        """Return a counter of the server's."""
        return self.server.stats()[name]


class InTimeTests(HearingTestCase):
    """A frame belongs to a tick."""

    def test_each_in_its_tick(self) -> None:
        """Frames are used in the ticks that they name, whenever they came."""
        at = self.tick
        frames = [Frame(at + n, (Pull(x=n),), None) for n in (7, 5, 3)]
        self.one.send(*frames, is_steady=False)
        self.stepper.tick(9)
        self.assertEqual(self.pulls(), [(at + n, n) for n in (3, 5, 7)])

    def test_missing_frames(self) -> None:
        """What stands in for a missing frame is what the class of input says."""
        at = self.tick
        both = Pull(x=4), Flashing(bright=True)
        self.one.send(Frame(at + 2, both, None), Frame(at + 1, both, None))
        self.stepper.tick(4)
        self.assertEqual(self.pulls(), [(at + n, 4) for n in (1, 2, 3, 4)])
        flashed = [t for t, _, i in self.game.heard if isinstance(i, Flashing)]
        self.assertEqual(flashed, [at + 1, at + 2])
        self.assertEqual(self.stat("inputs_missing"), 2)

    def test_late(self) -> None:
        """What came too late is used at once, and counted."""
        at = self.tick
        late = Frame(at - 1, (Pull(x=5),), None)
        self.one.send(late, is_steady=False)
        self.stepper.tick(2)
        self.assertEqual(self.pulls(), [(at + 1, 5)])
        self.assertEqual(self.stat("inputs_late"), 1)

    def test_repeated(self) -> None:
        """Frames that packets repeat are used once."""
        frame = Frame(self.tick + 3, (Pull(x=5),), None)
        for _ in range(3):
            self.one.send(frame, is_steady=False)
        self.stepper.tick(5)
        self.assertEqual(len(self.pulls()), 1)
        self.assertEqual(self.stat("inputs_duplicate"), 2)

    def test_feedback(self) -> None:
        """Who sends hears ten times a second how it arrives, and the server's time."""
        for _ in range(20):
            newest = Frame(self.tick + 3, (Pull(x=1),), None)
            self.one.send(newest)
            self.stepper.tick()
        heard = self.one.feedback()
        self.assertIn(len(heard), (9, 10, 11))
        last = heard[-1]
        self.assertLessEqual(abs(last.server_tick - self.tick), 2.0)
        self.assertEqual((last.late, last.missing), (0, 0))
        self.assertGreater(last.slack, 2.0)
        self.assertEqual(last.acked, round(last.server_tick) + 2)
        self.stepper.tick(4)
        n_heard = len(self.one.feedback())
        self.stepper.tick(20)
        self.assertEqual(len(self.one.feedback()), n_heard)

    def test_a_probe(self) -> None:
        """Who sends nothing but asks is answered, too."""
        self.one.send(is_steady=False)
        self.stepper.tick(4)
        (answer,) = self.one.feedback()
        self.assertEqual(answer.acked, 0)


class RuleTests(HearingTestCase):
    """The game may say what a missing input means."""

    class Careful(Kites):
        """Kites that are let go when nothing is heard."""

        def input_missing(
            self, player: Player, kind: type[Input], last: Input | None
        ) -> Input | None:
            if kind is Flashing:
                msg = "never mind"
                raise ValueError(msg)
            assert isinstance(last, Pull)
            return Pull(x=last.x - 1)

    game_class = Careful

    def test_own_rule(self) -> None:
        """The game is asked; what it raises is logged, and nothing stands in."""
        at = self.tick
        self.one.send(Frame(at + 1, (Pull(x=9), Flashing()), None))
        self.stepper.tick(3)
        self.assertEqual(self.pulls(), [(at + 1, 9), (at + 2, 8), (at + 3, 8)])
        self.assertEqual(self.stat("hook_errors"), 2)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class HostileTests(HearingTestCase):
    """What players send is refused where it cannot be, counted, and harmless."""

    def hear(self, payload: bytes) -> None:
        """Let the server hear a packet of inputs."""
        self.server.hearing.hear(self.one.player, INPUTS, payload)

    def packet(self, item: Input) -> bytes:
        """Return a packet with one input, for a tick that comes soon."""
        return self.one.codec.encode([Frame(self.tick + 2, (item,), None)], 1)

    def test_from_the_future(self) -> None:
        """Frames far ahead are refused, and neither kept nor used."""
        at = self.tick
        for ahead in (65, 1000, 10**6, 2**30):
            self.one.send(Frame(at + ahead, (Pull(x=1),), None), is_steady=False)
        self.stepper.tick(70)
        self.assertEqual(self.stat("inputs_early"), 4)
        self.assertEqual((self.pulls(), self.one.player.inputs.depth), ([], 0))

    def test_from_the_past(self) -> None:
        """Old frames give no more than one input of a class in a tick."""
        self.stepper.tick(100)
        at = self.tick
        frames = [Frame(at - n, (Pull(x=n),), None) for n in range(50)]
        for frame in frames:
            self.one.send(frame, is_steady=False)
        self.stepper.tick(60)
        ticks = [tick for tick, _ in self.pulls()]
        self.assertEqual(len(set(ticks)), len(ticks))
        self.assertLess(len(ticks), 10)
        self.assertEqual(self.stat("inputs_late"), 50)

    def test_flood(self) -> None:
        """A thousand packets in a tick move nobody faster, and cost little."""
        for n in range(1000):
            frame = Frame(self.tick + 1 + n % 60, (Pull(x=1),), None)
            self.hear(self.one.codec.encode([frame], n + 1))
        self.assertLessEqual(self.one.player.inputs.depth, 64)
        self.stepper.tick(80)
        ticks = [tick for tick, _ in self.pulls()]
        self.assertEqual(len(set(ticks)), len(ticks))
        self.assertGreater(self.stat("rate_limited"), 800)
        self.assertIn(self.one.id, self.server.players)

    def test_honest_packets(self) -> None:
        """At no tick rate an honest player's packets are too many, nor after a pause.

        A pause of two seconds brings all of its packets at once; a slow network does
        so again and again.
        """
        for rate in (10, 30, 60, 120):
            game = type("Quick", (Kites,), {"tick_rate": rate})
            stepper = Stepper.of(game, seed=1)
            raw = RawPlayer(stepper)
            player = raw.player
            hearing = stepper.server.hearing
            clock = 0
            for n_at_once in [1] * rate + [2 * rate] + [1] * rate + [rate // 5] * 60:
                for _ in range(n_at_once):
                    clock += 1_000_000 // rate
                    hearing.hear(player, INPUTS, raw.codec.encode([], clock))
                player.pass_time(n_at_once / rate if n_at_once < 2 * rate else 1 / rate)
            self.assertEqual(hearing.n_rate_limited, 0, rate)

    def test_too_many_packets(self) -> None:
        """Who sends six for each tick is not listened to in full."""
        for n in range(400):
            self.stepper.tick()
            for _ in range(6):
                self.hear(self.one.codec.encode([], n + 1))
        # A burst more than 90 in each of the 20 seconds.
        self.assertGreater(self.stat("rate_limited"), 2400 - 21 * 90 - 10)

    def test_not_finite(self) -> None:
        """Numbers that are none are malformed, and nothing of the packet is used."""
        good = self.packet(Pull(1, 0.5))
        self.assertIn(struct.pack("<f", 0.5), good)
        for bad in (math.nan, math.inf, -math.inf):
            self.hear(good.replace(struct.pack("<f", 0.5), struct.pack("<f", bad)))
        self.stepper.tick(4)
        self.assertEqual((self.stat("malformed"), self.pulls()), (3, []))

    def test_unknown(self) -> None:
        """An input of a class that there is not is malformed."""
        good = self.packet(Flashing())
        body = bytes((1, 1))  # number and length
        self.assertIn(body, good)
        self.hear(good.replace(body, bytes((9, 1))))
        self.hear(good[:-1])
        self.hear(good + b"x")
        self.stepper.tick(4)
        self.assertEqual((self.stat("malformed"), self.game.heard), (3, []))

    def test_many_mistakes(self) -> None:
        """Who goes on sending nonsense is sent away."""
        for _ in range(40):
            self.one.link.sendMessage(INPUTS, b"nonsense")
        self.stepper.tick(4)
        self.assertNotIn(self.one.id, self.server.players)

    def test_nobody_acts_for_another(self) -> None:
        """Whatever a packet says, it is what its sender does."""
        two = RawPlayer(self.stepper, 2)
        self.one.send(Frame(self.tick + 2, (Pull(x=1),), None))
        two.send(Frame(self.tick + 2, (Pull(x=-1),), None))
        self.stepper.tick(4)
        said = {(player, item.x) for _, player, item in self.game.heard}
        self.assertEqual(said, {(self.one.id, 1), (two.id, -1)})

    def test_impossible_sights(self) -> None:
        """Who says to have seen what nobody can is shown what is allowed."""
        at = self.tick
        for n, seen in enumerate((0.0, at + 50.0, at - 3.0)):
            sight = Sight(seen, 0, 0)
            self.one.send(Frame(at + n + 1, (Pull(x=1),), sight), is_steady=False)
            self.stepper.tick(n + 1)
            with self.game.rewound(self.one.player) as view:
                self.assertTrue(self.tick - 5 <= view.tick <= self.tick)
        self.assertEqual(self.game.world.query(Spot).tolist(), [0])
