# SPDX-License-Identifier: MIT
"""Whole matches of players who predict, from a loopback to five seconds there and back.

Whatever the way is like: what is one's own answers in the tick of the key press, what
is confirmed converges, and nothing that waits grows without end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from examples.arena import Arena
from examples.arena.flight import Heading
from examples.arena.flight import Pilot as Keys
from gamenet.connection import ConnectionConfig
from gamenet.errors import LocalProtocolError
from gamenet.game import Component, GameClient, Input, Player
from gamenet.testing import Stepper
from gamenet.transport import Impairment
from tests.game.playing import (
    DRAG,
    RATE,
    SPEED_STEP,
    THRUST,
    Crafts,
    Drowsy,
    Match,
    Paint,
    Pilot,
    Position,
    Velocity,
)
from tests.transport.recorders import go_dark, light_up

WAYS = {
    "a loopback": (0.0, 0.0, 0.0),
    "50 ms": (0.05, 0.01, 0.1),
    "200 ms": (0.2, 0.02, 0.1),
    "1,000 ms": (1.0, 0.05, 0.1),
    "5,000 ms": (5.0, 0.1, 0.1),
}
"""Round trip, jitter and loss."""


class LatencyTests(SynchronousTestCase):
    """A match is playable, and stays consistent, at any latency."""

    def _check(self, way: str) -> None:
        rtt = WAYS[way][0]
        match = Match(*WAYS[way], seed=len(way))
        match.play(4 + 4 * rtt)
        waiting = self._waiting(match)
        self._answers_at_once(match, way)
        one = match.one
        n_before = len(one.corrections)
        match.play(7)
        # One key press in a hundred ticks may be late where so much is lost.
        self.assertLessEqual(len(one.corrections) - n_before, 3, way)
        for name, depth in self._waiting(match).items():
            self.assertLessEqual(depth, waiting[name] + 16, (way, name))
        ticks = one.ticks[-200:]
        self.assertEqual(ticks, list(range(ticks[0], ticks[0] + 200)), way)
        self._converges(match, way)

    def _waiting(self, match: Match) -> dict[str, int]:
        """Return the depth of every queue."""
        one, foresight = match.one, match.one.foresight
        assert foresight.predicting is not None
        stats = match.stats(one)
        return {
            "inputs_unacked": stats["inputs_unacked"],
            "queued": stats["queued"],
            "server": match.server.stats()["inputs_depth"],
            "ahead": round(stats["ahead"]),
            "events": len(one.match.events),
            "played": len(foresight.predicting.played),
            "corrections": len(foresight.predicting.corrections),
            "cancelled": len(foresight.predicting.predictor.cancelled),
            "followed": len(one.match.followed),
        }

    def _answers_at_once(self, match: Match, way: str) -> None:
        """The tick of the press is other than it would be without, and the view too."""
        one, row = match.one, match.row(match.one)
        one.stick = (0, 0)
        match.play(0.5)
        speed: Any = one.predicted.columns(Velocity)
        at: Any = one.predicted.columns(Position)
        was, place = float(speed.x[row]), float(at.x[row])
        one.stick = (100, 0)
        pressed = match.next_tick(one)
        without = was - was * DRAG / RATE
        expected = without + 100 / 127 * THRUST / RATE
        self.assertGreater(expected - without, 30 * SPEED_STEP)
        self.assertLess(abs(speed.x[row] - expected), SPEED_STEP, way)
        moved = float(speed.x[row]) / RATE
        self.assertLess(abs(at.x[row] - place - moved), 1 / 128, way)
        match.stepper.clock.advance(1 / RATE / 2)
        self.assertEqual(one.ticks[-1], pressed, way)
        shown: Any = one.look().columns(Velocity)
        self.assertGreater(shown.x[row], was + (expected - was) / 4, way)
        one.stick = None

    def _converges(self, match: Match, way: str) -> None:
        """When nobody steers any more, everybody sees the same."""
        for pilot in match.pilots:
            pilot.stick = (0, 0)
        match.play(6 + 2 * WAYS[way][0])
        server: Any = match.server.world.columns(Position)
        for pilot in match.pilots:
            for other in match.pilots:
                row = match.row(other)
                known: Any = pilot.world.columns(Position)
                view: Any = pilot.look().columns(Position)
                self.assertEqual(known.x[row], server.x[row], way)
                self.assertAlmostEqual(view.x[row], server.x[row], 6, way)
            row = match.row(pilot)
            ahead: Any = pilot.predicted.columns(Position)
            self.assertEqual(ahead.x[row], server.x[row], way)
            self.assertEqual(ahead.y[row], server.y[row], way)

    def test_loopback(self) -> None:
        """On a loopback."""
        self._check("a loopback")

    def test_near(self) -> None:
        """At 50 ms there and back."""
        self._check("50 ms")

    def test_far(self) -> None:
        """At 200 ms."""
        self._check("200 ms")

    def test_farther(self) -> None:
        """At a second."""
        self._check("1,000 ms")

    def test_out_there(self) -> None:
        """At five seconds."""
        self._check("5,000 ms")

    def test_the_same_again(self) -> None:
        """The same seed plays the same match."""
        known = []
        for _ in range(2):
            match = Match(0.1, 0.02, 0.1, seed=3)
            match.play(4)
            stats = match.stats(match.one)
            known.append((stats, match.one.ticks, match.server.world.checksum()))
        self.assertEqual(*known)


class ArenaTests(SynchronousTestCase):
    """The arena plays at 200 ms, with 20 ms of jitter and 5 % loss."""

    def test_arena(self) -> None:
        """A ship turns in the tick of the key, and where it is comes to be agreed."""
        down, up = (
            Impairment(latency=0.1, jitter=0.02, loss=0.05, seed=n) for n in range(2)
        )
        stepper = Stepper.of(Arena, n_clients=2, seed=4, down=down, up=up)
        one = stepper.clients[0]
        held = Keys()
        one.on_tick = lambda tick: one.send_input(held)  # type: ignore[method-assign]
        stepper.tick(120)
        avatar = stepper.server.players[one.player_id].avatar
        assert avatar is not None
        row = stepper.server.world.row_of(avatar)
        nose: Any = one.predicted.columns(Heading)
        for turn in (127, -127):
            before, tick = float(nose.angle[row]), one.own_tick
            held = Keys(turn=turn)
            while one.own_tick == tick:
                stepper.clock.advance(1 / 1000)
            turned = (nose.angle[row] - before + np.pi) % (2 * np.pi) - np.pi
            self.assertLess(abs(turned - np.sign(turn) * 4 / 30), 0.01)
            stepper.tick(10)
        held = Keys(thrust=True)
        stepper.tick(90)
        held = Keys()
        stepper.tick(60)
        server: Any = stepper.server.world.columns(Heading)
        if avatar in stepper.server.world:  # no asteroid has come in between
            self.assertEqual(nose.angle[row], server.angle[row])
        stats = one.foresight.stats(stepper.clock.seconds())
        self.assertLess(stats["inputs_unacked"], 20)
        self.assertEqual(stepper.server.stats()["hook_errors"], 0)


class CorrectionTests(SynchronousTestCase):
    """Predictions are corrected when they were wrong, and never else."""

    def test_no_correction(self) -> None:
        """Half a minute of play in which nobody interferes is never corrected."""
        match = Match(0.1, 0.02, 0.05, seed=5)
        match.play(8)
        before = [len(pilot.corrections) for pilot in match.pilots]
        match.play(30)
        after = [len(pilot.corrections) for pilot in match.pilots]
        self.assertEqual(after, before, f"seed 5: {match.server.stats()}")

    def test_forced(self) -> None:
        """What the server moves by 2 m is corrected, and the view slides there."""
        match = Match(0.1, 0.02, 0.05, seed=6)
        one = match.one
        one.stick = (0, 0)
        match.play(6)
        before = len(one.corrections)
        match.push(one, 2.0)
        match.stepper.until(lambda: len(one.corrections) > before, 30)
        self.assertAlmostEqual(one.corrections[-1].size, 2.0, places=2)
        row = match.row(one)
        position: Any = match.server.world.columns(Position)
        ahead: Any = one.predicted.columns(Position)
        self.assertEqual(ahead.x[row], position.x[row])
        view: Any = one.look().columns(Position)
        self.assertGreater(position.x[row] - view.x[row], 1.0)
        match.play(0.2)
        view = one.look().columns(Position)
        self.assertLess(abs(position.x[row] - view.x[row]), 0.1)
        self.assertEqual(len(one.corrections), before + 1)

    def test_events_are_played_once(self) -> None:
        """An event of one's own is heard in its tick, and not again from the server."""
        match = Match(0.2, 0.02, 0.1, seed=7)
        match.play(4)
        one, two = match.pilots
        one.stick = (127, 0)
        before = len(one.ticks)
        match.next_tick(one)
        self.assertEqual(one.pings[-1], one.ticks[-1])
        match.play(2)
        one.stick = (0, 0)
        match.play(2)
        mine = [tick for tick in one.pings if tick >= one.ticks[before]]
        self.assertGreater(len(mine), 50)
        self.assertEqual(len(set(mine)), len(mine))
        self.assertEqual(one.cancelled, [])
        heard = [tick for tick in two.pings if tick >= mine[0]]
        self.assertEqual(sorted(heard), sorted(mine))

    def test_events_are_cancelled(self) -> None:
        """What was played and has not happened is taken back: the rest is the truth."""
        match = Match(0.3, 0.01, 0.0, seed=9, n_pilots=1)
        one, game = match.one, match.server.game
        assert isinstance(game, Crafts)
        one.stick = (60, 0)
        match.play(3)
        for _ in range(12):
            match.push(one, -3.0)
            match.play(0.7)
        one.stick = (0, 0)
        match.play(4)
        self.assertGreater(len(one.cancelled), 2)
        played = list(one.buoys)
        for tick in one.cancelled:
            played.remove(tick)
        self.assertEqual(sorted(played), sorted(game.passed))
        self.assertEqual(len(set(played)), len(played))


class Clumsy(Crafts):
    """A game whose predicted functions raise now and then."""

    def input_received(self, player: Player, steer: Input) -> None:
        """Raise in every tenth tick of a prediction, after the work."""
        super().input_received(player, steer)
        if self.is_predicting and self.tick % 10 == 0:
            raise ValueError(self.tick)


class AuthorTests(SynchronousTestCase):
    """What authors do, and what they get wrong."""

    def test_exceptions(self) -> None:
        """What a prediction raises is logged, and harms nothing."""
        match = Match(0.1, seed=11, n_pilots=1, game=Clumsy)
        match.play(5)
        errors = self.flushLoggedErrors(ValueError)
        self.assertGreater(len(errors), 0)
        one = match.one
        self.assertEqual(
            one.ticks[-60:], list(range(one.ticks[-60], one.ticks[-1] + 1))
        )
        before = len(one.corrections)
        match.play(3)
        self.flushLoggedErrors(ValueError)
        self.assertEqual(len(one.corrections), before)
        self.assertEqual(match.server.stats()["hook_errors"], 0)

    def test_nothing_predicted(self) -> None:
        """With predict=False all is as the server says, and ticks come as ever."""
        match = Match(0.1, 0.01, 0.05, seed=12, predict=False)
        match.play(4)
        one, row = match.one, match.row(match.one)
        self.assertRaises(LocalProtocolError, getattr, one, "predicted")
        one.stick = (0, 0)
        match.play(5)
        one.stick = (100, 0)
        speed: Any = one.world.columns(Velocity)
        match.next_tick(one)
        self.assertEqual(speed.x[row], 0.0)
        match.play(0.5)
        self.assertGreater(speed.x[row], 1.0)
        self.assertEqual(one.corrections, [])
        self.assertLess(match.stats(one)["inputs_unacked"], 20)
        self.assertEqual(match.server.stats()["inputs_depth"] < 10, True)

    def test_writes(self) -> None:
        """What a player writes shows in the predicted world at once, and stays."""
        match = Match(0.4, 0.02, 0.05, seed=13)
        match.play(2)
        one, two = match.pilots
        avatar, row = match.avatar(one), match.row(one)
        worlds = (one.world, one.predicted)
        paints: list[Any] = [world.columns(Paint) for world in worlds]
        for hue in range(1, 40):
            one.write(avatar, Paint(hue=hue))
            self.assertEqual([int(each.hue[row]) for each in paints], [hue, hue])
            match.stepper.tick()
            self.assertEqual([int(each.hue[row]) for each in paints], [hue, hue])
        match.play(1)
        self.assertEqual([int(each.hue[row]) for each in paints], [39, 39])
        self.assertEqual(two.world[avatar, Paint].hue, 39)
        self.assertEqual(match.server.world[avatar, Paint].hue, 39)
        match.server.world[avatar, Paint].hue = 77
        match.play(1)
        self.assertEqual([int(each.hue[row]) for each in paints], [77, 77])

    def test_scheduled(self) -> None:
        """What is to be done at a tick is done when the server makes that."""
        match = Match(0.2, seed=14)
        match.play(3)
        done: list[tuple[int, float]] = []
        tick = match.server.game.tick + 20

        def note() -> None:
            done.append((match.server.game.tick, match.stepper.clock.seconds()))

        match.one.at(tick, note)
        match.play(1)
        ((server_tick, _),) = done
        self.assertLessEqual(abs(server_tick - tick), 1)


class ComingTests(SynchronousTestCase):
    """Whoever comes later, or comes back, predicts as well."""

    def _steady(self, match: Match, pilot: Pilot) -> None:
        """The pilot flies, is never corrected, and the server has what they do."""
        before = len(pilot.corrections)
        late = match.server.stats()["inputs_late"]
        match.play(3)
        self.assertEqual(len(pilot.corrections), before)
        self.assertEqual(match.server.stats()["inputs_late"], late)
        ticks = pilot.ticks[-80:]
        self.assertEqual(ticks, list(range(ticks[0], ticks[0] + 80)))
        pilot.stick = (0, 0)
        match.play(6)
        row = match.row(pilot)
        server: Any = match.server.world.columns(Position)
        ahead: Any = pilot.predicted.columns(Position)
        self.assertEqual(ahead.x[row], server.x[row])

    def test_joins_later(self) -> None:
        """Who joins a match that is under way predicts like those before."""
        match = Match(0.1, 0.01, seed=15, n_pilots=1)
        match.play(5)
        late = match.join()
        match.until_joined()
        match.play(4)
        self.assertEqual(len(late.foresight.predicting.rows), 1)  # type: ignore[union-attr]
        self._steady(match, late)
        row = match.row(late)
        self.assertTrue(match.one.world.alive[row])

    def test_resumes(self) -> None:
        """After the link was lost and found, prediction goes on."""
        quick = ConnectionConfig(timeout=1.0, resume_window=20.0)
        match = Match(0.05, seed=16, n_pilots=1, connection=quick)
        one = match.one
        match.play(4)
        row = match.row(one)
        go_dark(match.stepper.network)
        match.play(2)
        self.assertEqual(one.told, ["dropped"])
        before: Any = one.predicted.columns(Position).x[row]
        one.stick = (127, 0)
        match.play(0.5)
        self.assertNotEqual(one.predicted.columns(Position).x[row], before)
        light_up(match.stepper.network)
        match.stepper.until(lambda: "resumed" in one.told, 300)
        one.stick = None
        match.play(5)
        self.assertEqual(one.told, ["dropped", "resumed"])
        self._steady(match, one)


class StallTests(SynchronousTestCase):
    """Who was held up comes back by an explicit resync."""

    def test_a_server_that_stood_still(self) -> None:
        """After two seconds in which the server made no tick, play goes on."""
        match = Match(0.05, 0.005, seed=8)
        match.play(4)
        one, two, server = *match.pilots, match.server
        server.ticker.stop()
        match.play(2)
        server.ticker.start()
        match.play(4)
        self.assertGreaterEqual(one.n_resynced, 1)
        stats = match.stats(one)
        self.assertLess(stats["ahead"], 6)
        self.assertGreater(stats["ahead"], 1)
        # The others are seen to move again.
        self.assertLess(stats["view_tick"], server.game.tick)
        before, n_corrections = server.stats()["inputs_late"], len(one.corrections)
        match.play(4)
        self.assertLessEqual(server.stats()["inputs_late"] - before, 2)
        self.assertLessEqual(len(one.corrections) - n_corrections, 1)
        self.assertLess(abs(match.stats(two)["ahead"] - stats["ahead"]), 3)

    def test_a_client_that_was_suspended(self) -> None:
        """What was due in three seconds comes in one burst, and play goes on."""
        match = Match(0.05, 0.005, seed=18, n_pilots=1)
        reactor = Drowsy(match.stepper.clock)
        sleeper = match.join(reactor)
        match.until_joined()
        (*_, carrier) = match.stepper.network._clients.values()
        reactor.hold(carrier)
        match.play(4)
        n_ticks, n_resynced = len(sleeper.ticks), sleeper.n_resynced
        reactor.is_asleep = True
        match.play(3)
        self.assertEqual(len(sleeper.ticks), n_ticks)
        reactor.wake()
        # It does not make up for what it has slept through.
        self.assertLess(len(sleeper.ticks) - n_ticks, 4)
        self.assertEqual(sleeper.n_resynced, n_resynced + 1)
        match.play(4)
        self.assertLess(match.stats(sleeper)["ahead"], 6)
        self.assertLess(sleeper.n_resynced, n_resynced + 3)
        before, n_corrections = match.server.stats(), len(sleeper.corrections)
        match.play(3)
        after = match.server.stats()
        self.assertLessEqual(after["inputs_late"] - before["inputs_late"], 1)
        self.assertLessEqual(after["inputs_missing"] - before["inputs_missing"], 1)
        self.assertLessEqual(len(sleeper.corrections) - n_corrections, 1)


class NoGame(SynchronousTestCase):
    """A client that has learned the game from the server predicts nothing."""

    def test_learned(self) -> None:
        """It has ticks and a view all the same."""
        match = Match(0.05, seed=19, n_pilots=1)
        client = GameClient(match.stepper.clock, None, "nobody")
        client.connect("memory:match", memory=match.stepper.network)
        ticks: list[int] = []
        client.on_tick = ticks.append  # type: ignore[method-assign,assignment]
        match.play(3)
        self.assertGreater(len(ticks), 50)
        self.assertIsNone(client.foresight.predicting)
        kinds: dict[str, type[Component]] = {
            each.__name__: each for each in client.world.components
        }
        view = client.look()
        rows = view.rows(kinds["Position"])
        self.assertIn(match.row(match.one), rows.tolist())
