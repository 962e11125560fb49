# SPDX-License-Identifier: MIT
"""Tests of the predicted world: a copy of the confirmed one, but for what is ours."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.predicting import Predicting
from gamenet.testing import Stepper
from gamenet.world import World, entity_row
from tests.game.playing import Crafts, Match, Paint, Position, Velocity


class PredictingTests(SynchronousTestCase):
    """The predicted world follows what becomes of entities."""

    def setUp(self) -> None:
        """Play for a moment."""
        self.match = Match(0.1, seed=41)
        self.match.play(3)
        self.one, self.two = self.match.pilots
        for pilot in self.match.pilots:
            pilot.stick = (0, 0)
        self.match.play(5)
        self.server = self.match.server
        self.world: World = self.server.world

    @property
    def predicting(self) -> Predicting:
        """Return what predicts for the first pilot."""
        predicting = self.one.foresight.predicting
        assert predicting is not None
        return predicting

    def same(self) -> None:
        """Both worlds have the same entities and, at rest, the same values."""
        ours, theirs = self.one.predicted, self.one.world
        self.assertEqual(ours.alive.tolist(), theirs.alive.tolist())
        self.assertEqual(ours.generation.tolist(), theirs.generation.tolist())
        rows = theirs.alive.nonzero()[0]
        self.assertEqual(ours.owner[rows].tolist(), theirs.owner[rows].tolist())
        for component in ours.components:
            one: Any = ours.columns(component)
            other: Any = theirs.columns(component)
            self.assertEqual(one.present.tolist(), other.present.tolist())
            there = other.present.nonzero()[0]
            for name in one.arrays:
                values = one.arrays[name][there], other.arrays[name][there]
                self.assertEqual(values[0].tolist(), values[1].tolist(), component)

    def test_others(self) -> None:
        """What others have is as it is confirmed."""
        self.assertEqual(self.predicting.rows.tolist(), [self.match.row(self.one)])
        self.same()
        rock = self.world.spawn(Position(3, 4), Paint(5))
        self.match.play(1)
        self.same()
        self.assertEqual(self.one.predicted[rock, Paint].hue, 5)
        self.world.add(rock, Velocity(1, 1))
        self.world.remove(rock, Paint)
        self.match.play(1)
        self.same()
        self.world.despawn(rock)
        self.match.play(1)
        self.assertNotIn(rock, self.one.predicted)
        self.same()

    def test_another_one_in_its_row(self) -> None:
        """A row that is used again is another entity's."""
        for _ in range(6):
            rock = self.world.spawn(Position(1, 1))
            self.match.stepper.tick(2)
            self.world.despawn(rock)
            self.match.stepper.tick(2)
        self.match.play(1)
        self.same()

    def test_another_pace(self) -> None:
        """A server that runs faster than the class says is predicted at its pace."""

        class Hurried(Crafts):
            """The same, as the server's configuration has it."""

        stepper = Stepper.of(Hurried, seed=3)
        setattr(stepper.server.game, "tick_rate", 50.0)  # noqa: B010 - a class variable
        client = stepper.join("hurried")
        predicting = client.foresight.predicting
        assert predicting is not None
        self.assertEqual(predicting.game.tick_rate, 50.0)
        self.assertEqual(Hurried.tick_rate, Crafts.tick_rate)

    def test_let_go(self) -> None:
        """What was ours is as the server says once it is not ours any more."""
        for take in (
            lambda ship: self.world.set_owner(ship, None),
            lambda ship: self.world.remove(ship, Velocity),
        ):
            match = Match(0.2, seed=42)
            match.play(2)
            one, self.one, self.world = match.one, match.one, match.server.world
            one.stick = (120, 0)
            match.play(2)
            ship, row = match.avatar(one), match.row(one)
            match.server.game.held[row] = 0
            match.server.players[one.player_id].avatar = None
            velocity: Any = self.world.columns(Velocity)
            velocity.x[row] = 0.0
            velocity.changed([row])
            take(ship)
            match.play(3)
            self.assertEqual(self.predicting.rows.tolist(), [])
            self.same()

    def test_what_the_dead_did(self) -> None:
        """Events that were predicted beyond the end of an own entity are taken back."""
        match = Match(0.3, seed=43)
        match.play(3)
        one = match.one
        one.stick = (127, 0)
        match.play(2)
        ended = match.server.game.tick
        match.server.world.despawn(match.avatar(one))
        match.server.players[one.player_id].avatar = None
        match.play(2)
        # In the first tick without it, it might have done that before it ended.
        late = [tick for tick in one.pings if tick > ended + 1]
        self.assertGreater(len(late), 4)
        self.assertEqual(set(one.cancelled), set(late))
        self.assertEqual(len(one.pings), len(set(one.pings)))

    def test_time_goes_back(self) -> None:
        """Events of ticks that are made anew are not played as further ones."""
        one = self.one
        one.stick = (127, 0)
        self.match.play(1)
        server = self.server
        server.ticker.stop()
        self.match.play(2)
        server.ticker.start()
        self.match.play(4)
        self.assertGreaterEqual(one.n_resynced, 1)
        left = list(one.pings)
        for tick in one.cancelled:
            left.remove(tick)
        self.assertEqual(len(left), len(set(left)))

    def test_given_and_taken(self) -> None:
        """What becomes ours is predicted, and what is not ours any more is not."""
        first, second = (self.match.avatar(each) for each in self.match.pilots)
        self.world.set_owner(second, self.one.player_id)
        self.match.play(1)
        rows = sorted(entity_row(each) for each in (first, second))
        self.assertEqual(self.predicting.rows.tolist(), rows)
        self.assertEqual(self.two.foresight.predicting.rows.tolist(), [])  # type: ignore[union-attr]
        self.world.set_owner(first, self.two.player_id)
        self.match.play(1)
        self.assertEqual(self.predicting.rows.tolist(), [entity_row(second)])
        self.assertEqual(self.predicting.player.avatar, second)
        self.same()

    def test_not_whole(self) -> None:
        """Without a component that it needs, an entity is not predicted."""
        ship = self.match.avatar(self.one)
        self.world.remove(ship, Velocity)
        self.match.play(1)
        self.assertEqual(self.predicting.rows.tolist(), [])
        self.same()
        self.world.add(ship, Velocity())
        self.match.play(1)
        self.assertEqual(self.predicting.rows.tolist(), [entity_row(ship)])
        self.same()

    def test_a_new_ship(self) -> None:
        """After the end of a ship the next one is predicted from where it begins."""
        player = self.server.players[self.one.player_id]
        ship = self.match.avatar(self.one)
        player.avatar = None
        self.world.despawn(ship)
        self.match.play(1)
        self.assertEqual(self.predicting.rows.tolist(), [])
        self.assertIsNone(self.predicting.player.avatar)
        before = len(self.one.corrections)
        player.avatar = self.world.spawn(
            Position(100, 50), Velocity(), Paint(), owner=player
        )
        self.match.play(1)
        self.same()
        self.assertEqual(len(self.one.corrections), before)
        row = self.match.row(self.one)
        view: Any = self.one.look().columns(Position)
        self.assertEqual((view.x[row], view.y[row]), (100, 50))
        self.one.stick = (100, 0)
        match_tick = self.match.next_tick(self.one)
        self.assertEqual(self.predicting.predictor.tick, match_tick)
        speed: Any = self.one.predicted.columns(Velocity)
        self.assertGreater(speed.x[row], 0.0)


class ForesightTests(SynchronousTestCase):
    """Ticks, what is seen, and the view."""

    def test_what_was_seen(self) -> None:
        """The server is told what the player saw: the view, or the newest snapshot."""
        match = Match(0.2, seed=42)
        one, two = match.pilots  # the first one looks
        match.play(4)
        players = match.server.players
        seen = [players[each.player_id].inputs.sight for each in (one, two)]
        assert seen[0] is not None
        assert seen[1] is not None
        tick = match.server.game.tick
        self.assertEqual(seen[0].newer - seen[0].older, 1)
        self.assertTrue(seen[0].older <= seen[0].tick <= seen[0].newer)
        self.assertLess(seen[0].tick, seen[1].tick)
        self.assertEqual((seen[1].older, seen[1].newer), (0, 0))
        self.assertTrue(tick - 15 < seen[1].tick < tick)

    def test_view_between_ticks(self) -> None:
        """One's own moves evenly between two of its ticks."""
        match = Match(0.1, seed=43, n_pilots=1)
        one = match.one
        one.stick = (126, 0)
        match.play(8)
        row, places = match.row(one), []
        for _ in range(60):
            match.stepper.clock.advance(1 / 240)
            view: Any = one.look().columns(Position)
            places.append(float(view.x[row]))
        steps = [b - a for a, b in pairwise(places)]
        self.assertGreater(min(steps), 0.5 * max(steps))
        self.assertGreater(min(steps), 0.0)

    def test_left_early(self) -> None:
        """Who leaves the loop over the ticks early loses no time line."""
        match = Match(0.1, seed=44, n_pilots=1)
        match.play(3)
        one = match.one
        one._own_ticks.stop()
        for _ in range(20):
            match.stepper.clock.advance(0.1)
            for _tick in one.foresight.ticks(match.stepper.clock.seconds()):
                break
        before = one.own_tick
        one._own_ticks.wake_in(0.0)
        match.play(2)
        self.assertTrue(54 <= one.own_tick - before <= 66, one.own_tick - before)
        self.assertLess(len(one.foresight.resyncs), 2)
