# SPDX-License-Identifier: MIT
"""Tests of a server whose clients predict, seen from what it tells and remembers."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.game import GameServer
from gamenet.prediction import Frame, Sight
from gamenet.replication import EventCodec, RowLayout, SyncSettings
from gamenet.replication.blocks import read_snapshot
from gamenet.testing import Clock, Stepper
from tests.game.flying import (
    EVENTS,
    SNAPSHOTS,
    Charge,
    Cloud,
    Flash,
    Flashing,
    Kites,
    Pull,
    RawPlayer,
    Speed,
    Spot,
)
from tests.game.playing import Crafts, Match


class Watching(Kites):
    """Kites that look back in every step."""

    looks_at: int | None = None
    limit: float | None = None

    def step(self, dt: float) -> None:
        """Look where the player saw a row, then fly."""
        if self.looks_at is not None:
            with self.rewound(1, self.limit) as view:
                seen = float(self.spot.x[self.looks_at]), float(self.spot.x[0])
            self.seen.append((self.tick, view.tick, *seen))
        super().step(dt)


class SettlingTestCase(SynchronousTestCase):
    """A match with one player whose packets we write."""

    def setUp(self) -> None:
        """Let the player join."""
        self.stepper = Stepper.of(Watching, seed=1)
        self.server = self.stepper.server
        self.game: Any = self.server.game
        self.world = self.server.world
        self.one = RawPlayer(self.stepper)

    @property
    def tick(self) -> int:
        """Return the newest tick."""
        return self.server.game.tick


class RoundingTests(SettlingTestCase):
    """What is predicted is what the wire can say."""

    def test_predicted_values(self) -> None:
        """After each tick own predicted values are whole steps, others are as fine."""
        self.world.spawn(Spot(), Speed(x=0.001), Cloud(), Charge(), owner=None)
        self.one.send(Frame(self.tick + 1, (Pull(x=13),), None))
        for _ in range(20):
            self.stepper.tick()
            for columns in (self.game.spot, self.game.speed):
                self.assertEqual(columns.x[0] * 8 % 1, 0)
        self.assertGreater(self.game.speed.x[0], 5)
        self.assertNotEqual(self.game.spot.x[1] * 8 % 1, 0)


class InsistingTests(SettlingTestCase):
    """Each snapshot tells what is predicted."""

    def rows_told(self) -> list[tuple[int, set[int]]]:
        """Return tick and rows of each snapshot so far."""
        layout = RowLayout(self.server.protocol.components)
        told = []
        for payload in self.one.heard(SNAPSHOTS):
            snapshot = read_snapshot(layout, payload, self.world.capacity)
            rows = {int(row) for block in snapshot.blocks for row in block.rows}
            told.append((snapshot.tick, rows))
        return told

    def test_at_rest(self) -> None:
        """A kite at rest is told in every tick; nothing else is."""
        self.world.spawn(Cloud(size=3))
        two = RawPlayer(self.stepper, 2)
        self.stepper.tick(5)
        n_before = len(self.rows_told())
        self.stepper.tick(40)
        told = self.rows_told()[n_before:]
        self.assertGreaterEqual(len(told), 39)
        own = self.world.row_of(self.one.player.avatar)
        other = self.world.row_of(two.player.avatar)
        self.assertNotEqual(own, other)
        for _, rows in told:
            self.assertEqual(rows, {own})

    def test_the_dead_are_told_of_no_more(self) -> None:
        """A kite that is gone is told to be gone, and that is all."""
        self.world.despawn(self.one.player.avatar)
        self.stepper.tick(5)
        n_before = len(self.rows_told())
        self.stepper.tick(5)
        self.assertEqual([rows for _, rows in self.rows_told()[n_before:]], [set()] * 5)


class EventTests(SettlingTestCase):
    """A predicted event says who made it."""

    def test_origin(self) -> None:
        """The event is told with its row in the tick of the input."""
        at = self.tick + 2
        self.one.send(Frame(at, (Flashing(bright=True),), None))
        self.stepper.tick(4)
        codec = EventCodec(self.server.protocol.events)
        (message,) = self.one.heard(EVENTS)
        self.assertEqual(codec.decode(message), (at, [(Flash(x=0), 0)]))


class RewindingTests(SettlingTestCase):
    """The game sees what a player saw."""

    def setUp(self) -> None:
        """Let a cloud pass by at known places: at tick t it is at t."""
        super().setUp()
        self.target = self.world.row_of(self.world.spawn(Spot(x=0.0), owner=None))
        self.game.fly = self.pass_by
        self.stepper.tick(20)
        self.game.looks_at = self.target

    def pass_by(self, dt: float) -> None:
        """Move the target one metre a tick, and the player's own ten."""
        for row, x in ((self.target, self.tick), (0, 10 * self.tick % 500)):
            self.game.spot.x[row] = x
            self.game.spot.changed(row)

    def act(self, sight: Sight | None) -> tuple[float, float, float, float]:
        """Return what the game saw when the player acted, having seen that."""
        self.one.send(Frame(self.tick + 1, (Pull(x=1),), sight), is_steady=False)
        self.stepper.tick()
        return self.game.seen[-1]

    def test_as_it_was_seen(self) -> None:
        """Others are where the player saw them, the own kite is where it is."""
        seen_at = self.tick - 2.5
        tick, view, other, own = self.act(Sight(seen_at, self.tick - 3, self.tick - 2))
        self.assertAlmostEqual(view, seen_at, places=2)
        self.assertAlmostEqual(other, seen_at, places=2)
        self.assertEqual(own, 10 * (tick - 1) % 500)
        self.assertEqual(self.game.spot.x[self.target], tick)

    def test_limits(self) -> None:
        """Nobody looks back farther than the game lets them."""
        tick, view, other, _ = self.act(Sight(self.tick - 15.0, 0, 0))
        self.assertEqual(view, tick - 1 - 0.25 * 20)
        self.assertEqual(other, view)
        self.game.limit = 0.1
        tick, view, _, _ = self.act(Sight(self.tick - 15.0, 0, 0))
        self.assertEqual(view, tick - 1 - 0.1 * 20)
        stats = self.server.stats()
        self.assertGreaterEqual(stats["rewinds_clamped"], 2)
        self.assertGreaterEqual(stats["rewinds"], stats["rewinds_clamped"])

    def test_nothing_known(self) -> None:
        """Of who said nothing, and of who is gone, the world is seen as it is."""
        self.stepper.tick()
        tick, view, other, _ = self.game.seen[-1]
        self.assertEqual((view, other), (tick - 1, tick - 1))
        with self.game.rewound(99):
            self.assertEqual(self.game.spot.x[self.target], tick)

    def test_nothing_named(self) -> None:
        """A game that names nothing to rewind is told so."""
        stepper = Stepper.of(type("Plain", (Kites,), {"rewindable": ()}), seed=1)
        game = stepper.server.game
        self.assertRaises(LocalProtocolError, game.rewound, 1)

    def test_bad_names(self) -> None:
        """What players are not told of cannot be rewound."""
        for attributes in ({"rewindable": [Pull]}, {"max_rewind": -1}):
            bad = type("Bad", (Kites,), attributes)
            self.assertRaises(ConfigError, GameServer, bad, Clock())


class ScheduleTests(SettlingTestCase):
    """A game may have functions called in later ticks."""

    def test_at_and_after(self) -> None:
        """Calls come in their ticks, before inputs, in order; errors are logged."""
        calls: list[tuple[str, int]] = []

        def note(name: str) -> None:
            calls.append((name, self.tick))
            if name == "broken":
                raise ValueError(name)

        at, game = self.tick, self.game
        game.at(at + 3, note, "third")
        game.after(0.1, note, "broken")
        game.at(at - 5, note, "next")
        never = game.at(at + 2, note, "never")
        game.at(at + 2, never.cancel)
        never.cancel()
        self.stepper.tick(6)
        expected = [("next", at + 1), ("broken", at + 2), ("third", at + 3)]
        self.assertEqual(calls, expected)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_cancelled_in_the_same_tick(self) -> None:
        """A call may take back one that is due with it."""
        calls: list[int] = []
        later: list[Any] = []

        def cancel() -> None:
            later[0].cancel()

        self.game.at(self.tick + 2, cancel)
        later.append(self.game.at(self.tick + 2, calls.append, 1))
        self.stepper.tick(4)
        self.assertEqual(calls, [])


class ServerTimeTests(SynchronousTestCase):
    """Server time is the tick's number, and how much of it has passed."""

    def test_between_ticks(self) -> None:
        """It rises steadily, and is whole where a tick is made."""
        made: list[float] = []

        class Timed(Kites):
            def step(self, dt: float) -> None:
                made.append(server.server_time())

        clock = Clock()
        server = GameServer(Timed, clock, seed=1)
        self.assertEqual(server.server_time(), 0.0)
        server.start()
        for n in range(1, 40):
            clock.advance(0.01)
            self.assertAlmostEqual(server.server_time(), n * 0.2, places=3)
        np.testing.assert_allclose(made, range(1, len(made) + 1), atol=1e-3)

    def test_late_ticks(self) -> None:
        """Ticks that are made up for lie behind; a tick begins when it is made."""
        made: list[float] = []

        class Timed(Kites):
            def step(self, dt: float) -> None:
                made.append(server.server_time())

        clock = Clock()
        server = GameServer(Timed, clock, seed=1)
        server.start()
        clock.advance(0.05)
        clock.rightNow = clock.seconds() + 0.12
        before = server.server_time()
        self.assertTrue(1.99 < before < 2.0)
        clock.advance(0.0)
        self.assertEqual(server.game.tick, 3)
        self.assertTrue(2.99 < made[1] < 3.0)
        self.assertAlmostEqual(server.server_time(), 3.4, places=3)


class SeldomCrafts(Crafts):
    """Crafts of which others may be told seldom."""

    components = (*Crafts.components, SyncSettings)


class SeldomTests(SynchronousTestCase):
    """What a player predicts is told as it is, however seldom others need it."""

    def test_frequency(self) -> None:
        """A frequency of an own, predicted entity makes no corrections."""
        match = Match(0.1, seed=3, game=SeldomCrafts, n_pilots=1)
        match.play(4)
        settings = SyncSettings(frequency=5.0)
        match.server.world.add(match.avatar(match.one), settings)
        match.play(1)
        before = len(match.one.corrections)
        match.one.stick = (100, 0)
        match.play(3)
        self.assertEqual(len(match.one.corrections), before)
