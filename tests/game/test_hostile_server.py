# SPDX-License-Identifier: MIT
"""Tests of clients whose server is hostile, broken or whimsical.

Nothing raises past the connection, nothing grows without end, and when the server comes
to its senses the client plays on.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet import game
from gamenet.errors import RemoteProtocolError
from gamenet.game import Input, Player, Protocol
from gamenet.game.messages import Welcome
from gamenet.game.protocol import CONTROL, INPUTS, SNAPSHOTS
from gamenet.prediction import Feedback
from tests.game.playing import Crafts, Match, Paint, Position, Steer, Velocity


def absurd(chance: random.Random, now: float) -> bytes:
    """Return feedback that is well formed, and makes no sense."""
    return Feedback(
        echo=chance.choice((0, int(now * 1e6) & 0xFFFFFFFF, chance.getrandbits(32))),
        held=chance.choice((None, 0.0, 0.6)),
        server_tick=chance.choice((0.0, 2**32 - 1.0, chance.random() * 2**32)),
        acked=chance.choice((0, 2**32 - 1, chance.getrandbits(32))),
        slack=chance.choice((-256.0, 0.0, 255.0)),
        wanted=chance.choice((0.0, 511.0)),
        late=chance.randrange(256),
        missing=chance.randrange(256),
        depth=chance.randrange(256),
    ).encode()


class FeedbackTests(SynchronousTestCase):
    """Feedback that lies costs play, and no more."""

    def setUp(self) -> None:
        """Play for a moment."""
        self.match = Match(0.1, 0.01, seed=51, n_pilots=1)
        self.match.play(3)
        self.one = self.match.one
        self.player = self.match.server.players[self.one.player_id]

    def bounded(self) -> None:
        """What the client keeps is no more than it may be."""
        lines, predicting = self.one.foresight.lines, self.one.foresight.predicting
        assert predicting is not None
        self.assertLessEqual(len(lines.inputs._frames), 1024)
        self.assertLessEqual(len(lines.lead._begun), 2048)
        self.assertLessEqual(predicting.effects.n_events, predicting.effects.limit)
        # Ten seconds, and what passes for jitter.
        self.assertLess(abs(lines.lead.ahead), (10 + 2.5) * 30)
        self.assertTrue(np.isfinite(list(self.numbers())).all())

    def numbers(self) -> list[float]:
        """Return the figures of the time lines."""
        stats = self.match.stats(self.one)
        return [float(value) for value in stats.values() if value is not None]

    def recovers(self) -> None:
        """The client is in time again, and is not corrected any more."""
        self.match.play(12)
        before = self.match.server.stats()
        n_corrections = len(self.one.corrections)
        self.match.play(3)
        after = self.match.server.stats()
        self.assertLessEqual(after["inputs_late"] - before["inputs_late"], 1)
        self.assertLessEqual(after["inputs_early"] - before["inputs_early"], 1)
        self.assertLessEqual(len(self.one.corrections) - n_corrections, 1)
        self.assertLess(self.match.stats(self.one)["ahead"], 12)

    def test_malformed(self) -> None:
        """What is no feedback is counted, and nothing else happens."""
        chance = random.Random(1)
        for n in range(90):
            self.player.send_bytes(INPUTS, chance.randbytes(n % 19))
            self.match.stepper.tick()
        self.assertGreater(self.one.errors, 60)
        self.assertTrue(self.one.is_connected)
        self.recovers()

    def test_absurd(self) -> None:
        """Whatever ticks, slack and clocks it says: bounded, finite, and over soon."""
        for seed in range(4):
            chance = random.Random(seed)
            for _ in range(90):
                now = self.match.stepper.clock.seconds()
                self.player.send_bytes(INPUTS, absurd(chance, now))
                self.match.stepper.tick()
                self.one.look()
                self.bounded()
            self.assertTrue(self.one.is_connected, f"{seed=}")
        self.recovers()

    def test_none(self) -> None:
        """A server that never answers is played with, on what the welcome said."""
        self.player.inputs.feedback = lambda at: None  # type: ignore[method-assign]
        self.match.play(60)
        self.bounded()
        self.assertLess(self.match.stats(self.one)["inputs_unacked"], 600)

    def test_snapshots(self) -> None:
        """Snapshots that are none are counted; what is asked for again helps."""
        chance = random.Random(2)
        for n in range(60):
            tick = chance.choice((0, self.one.tick + 1, 2**32 - 1))
            body = tick.to_bytes(4, "little") + chance.randbytes(n)
            self.player.send_bytes(SNAPSHOTS, body)
            self.match.stepper.tick()
            self.one.look()
            self.bounded()
        self.assertGreater(self.one.errors, 10)
        self.assertTrue(self.one.is_connected)

    def test_leaps(self) -> None:
        """A server whose ticks leap ahead is followed."""
        game = self.match.server.game
        for leap in (100, 5_000, 1_000_000):
            game.tick += leap
            self.match.play(4)
            self.bounded()
        self.recovers()


class Whimsical(Crafts):
    """A game in which nothing lasts."""

    chance = random.Random(0)
    is_calm = False

    def input_received(self, player: Player, steer: Input) -> None:
        """Steer all that the player has."""
        assert isinstance(steer, Steer)
        self.held[self.owned_rows(player)] = steer.x / 127, steer.y / 127

    def step(self, dt: float) -> None:
        """Do something strange to somebody, then fly."""
        for player in list(self.players.values()):
            if not self.is_calm and self.chance.random() < 0.3:
                self.annoy(player)
        self.fly(dt)

    def annoy(self, player: Player) -> None:
        """Change what a client counts on."""
        world, chance = self.world, self.chance
        ship, whim = player.avatar, chance.randrange(7)
        if ship is None or ship not in world:
            parts = Position(chance.uniform(-512, 511)), Velocity(), Paint()
            player.avatar = world.spawn(*parts, owner=player)
        elif whim == 0:
            world.despawn(ship)
            player.avatar = None
        elif whim == 1 and world.has(ship, Velocity):
            world.remove(ship, Velocity)
        elif whim == 2:
            world.add(ship, Velocity(63.9, -64))
        elif whim == 3:
            world.set_owner(ship, chance.choice((0, player.id)))
        elif whim == 4:
            world.add(ship, Position(chance.uniform(-512, 511), 511))
        elif len(world) < 40:
            world.spawn(Position(), Velocity(60, 60), owner=player)
        else:
            for entity in world.ids_of(world.query(Position)).tolist()[:30]:
                world.despawn(entity)


class WhimTests(SynchronousTestCase):
    """Own entities come, go, change hands and parts: the client follows."""

    def test_whims(self) -> None:
        """Nothing is logged, and in the end both worlds are the same."""
        for seed in range(3):
            match = Match(0.15, 0.03, 0.1, seed=seed, n_pilots=0, game=Whimsical)
            game: Any = match.server.game
            game.chance = random.Random(seed)
            one = match.join()
            match.stepper.until(lambda one=one: one.player_id != 0, 300)
            match.one = one
            match.play(10)
            self.assertEqual(self.flushLoggedErrors(), [], f"{seed=}")
            game.is_calm = True
            one.stick = (0, 0)
            match.play(8)
            server = match.server.world
            for world in (one.world, one.predicted):
                rows = server.query(Position, Velocity)
                self.assertEqual(
                    world.query(Position, Velocity).tolist(), rows.tolist()
                )
                theirs: Any = server.columns(Position)
                ours: Any = world.columns(Position)
                # What nobody predicts the server does not round.
                away = np.abs(ours.x[rows] - theirs.x[rows])
                self.assertLess(away.max(), 1 / 128, f"{seed=}")
                self.assertEqual(
                    world.owner[rows].tolist(), server.owner[rows].tolist()
                )
            self.assertEqual(match.server.stats()["hook_errors"], 0)


class WelcomeTests(SynchronousTestCase):
    """A world that nobody could play in is refused."""

    def test_absurd(self) -> None:
        """Rates and sizes beyond the limits are malformed."""
        for rate, capacity in (
            *((math.inf, 16), (math.nan, 16), (0.0, 16), (-1.0, 16), (3e6, 16)),
            *((30.0, 0), (30.0, 1 << 30)),
        ):
            protocol = Protocol.of(Crafts)
            match = game.Match(protocol)
            welcome = Welcome(player_id=1, tick=0, tick_rate=rate, capacity=capacity)
            data = protocol.registry.encode(welcome)
            self.assertRaises(
                RemoteProtocolError, match.receive, CONTROL, data, now=0.0
            )
            self.assertIsNone(match.world)
