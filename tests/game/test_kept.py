# SPDX-License-Identifier: MIT
"""Tests of what a game holds beside its world, and a rollback brings back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.game import Input, Player, predicted
from gamenet.game.kept import KeptState
from tests.game.playing import Crafts, Match, Steer, Velocity


class Board:
    """Something with attributes."""

    kept = ("heat", "names", "table")

    def __init__(self) -> None:
        self.heat = np.zeros(8)
        self.names: dict[str, list[int]] = {"one": [1]}
        self.table = np.zeros((3, 3))


class KeptStateTests(SynchronousTestCase):
    """Attributes are at each tick what they were."""

    def setUp(self) -> None:
        """Keep three ticks."""
        self.board = Board()
        self.kept = KeptState(self.board, 8, 3)
        self.rows = np.array([2, 5])

    def test_own_rows(self) -> None:
        """Of an array with a place for each row only those of the player go back."""
        self.board.heat[:] = 1.0
        self.kept.save(10, self.rows)
        self.board.heat[:] = 9.0
        self.assertTrue(self.kept.load(10))
        self.assertEqual(self.board.heat.tolist(), [9, 9, 1, 9, 9, 1, 9, 9])

    def test_all_else(self) -> None:
        """Other arrays and objects go back as a whole, as often as is asked."""
        self.kept.save(10, self.rows)
        for _ in range(2):
            self.board.names["one"].append(2)
            self.board.table += 1
            self.assertTrue(self.kept.load(10))
            self.assertEqual(self.board.names, {"one": [1]})
            self.assertEqual(self.board.table.sum(), 0)

    def test_again(self) -> None:
        """What is saved of a tick once more is what counts."""
        self.kept.save(10, self.rows)
        self.board.heat[:] = 4.0
        self.kept.save(10, self.rows)
        self.board.heat[:] = 9.0
        self.kept.load(10)
        self.assertEqual(self.board.heat[2], 4.0)

    def test_bounded(self) -> None:
        """Only so many ticks are remembered, and none after `clear`."""
        for tick in range(10, 20):
            self.kept.save(tick, self.rows)
        known = [tick for tick in range(10, 20) if self.kept.load(tick)]
        self.assertEqual(known, [17, 18, 19])
        self.kept.clear()
        self.assertFalse(self.kept.load(19))

    def test_unknown(self) -> None:
        """A name that is no attribute is told of at once."""
        del self.board.table
        error = self.assertRaises(ConfigError, KeptState, self.board, 8, 3)
        self.assertIn("table", str(error))


class Boosted(Crafts):
    """Who has pushed for long pushes harder: that is in an array beside the world."""

    kept = ("boost",)

    def prepare(self) -> None:
        """Make the array, too."""
        super().prepare()
        self.boost = np.zeros(self.world.capacity)

    def input_received(self, player: Player, steer: Input) -> None:
        """Collect what is pushed."""
        super().input_received(player, steer)
        assert isinstance(steer, Steer)
        if player.avatar is not None and steer.x > 0:
            self.boost[self.world.row_of(player.avatar)] += 0.25

    @predicted(Velocity)
    def hurry(self, rows: NDArray[np.intp], dt: float) -> None:
        """Use the boost up."""
        speed: Any = self.velocity
        self.boost[rows] *= 0.95
        speed.x[rows] += self.boost[rows] * dt
        speed.changed(rows)

    def step(self, dt: float) -> None:
        """Fly, then hurry."""
        super().step(dt)
        self.hurry(dt)


class Forgetful(Boosted):
    """The same, and the array is not kept."""

    kept = ()


class RollbackTests(SynchronousTestCase):
    """A replay finds the attributes as they were when the ticks were made first."""

    def _pushed(self, game: type[Crafts]) -> int:
        match = Match(0.2, seed=31, n_pilots=1, game=game)
        one = match.one
        match.play(5)
        before = len(one.corrections)
        for _ in range(4):
            match.push(one, 2.0)
            match.play(1.5)
        return len(one.corrections) - before

    def test_kept(self) -> None:
        """Each push is corrected once, and nothing is wrong after that."""
        self.assertEqual(self._pushed(Boosted), 4)

    def test_not_kept(self) -> None:
        """Without it, replays begin with the boost of the present, and go wrong."""
        self.assertGreater(self._pushed(Forgetful), 8)
