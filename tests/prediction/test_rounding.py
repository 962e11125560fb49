# SPDX-License-Identifier: MIT
"""Tests of rounding: state that the wire can say, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.prediction import Rounding
from gamenet.wire import quaternion
from gamenet.world import Component, World
from tests.world.shapes import Dead, Everything, Health, Position, Velocity

COMPONENTS = [Position, Velocity, Health, Dead, Everything]
ROWS = np.arange(4)


class Coarse(Component):
    """Rotations of which many are hard to round."""

    turn: tuple[float, ...] = quaternion(bits=3)


class Fine(Component):
    """Rotations as a game has them."""

    turn: tuple[float, ...] = quaternion(bits=9)


def columns_of(world: World, rows: np.ndarray[Any, Any]) -> list[list[Any]]:
    """Return all values of rows, bit for bit."""
    return [
        [column[rows].tobytes() for column in world.columns(each).arrays.values()]
        for each in world.components
    ]


class RoundingTests(SynchronousTestCase):
    """What is rounded is said exactly, and is what was said."""

    def setUp(self) -> None:
        self.world = World(COMPONENTS, 8)
        self.world.spawn_rows(3, *(each() for each in COMPONENTS))
        self.world.spawn(Position(x=0.3), Health())
        self.rounding = Rounding(self.world, COMPONENTS)

    def test_restored(self) -> None:
        """Words bring back the columns, bit for bit."""
        for seed in range(20):
            chance = np.random.default_rng(seed)
            for component in (Position, Velocity, Everything):
                for name, column in self.world.columns(component).arrays.items():
                    if column.dtype.kind == "f":
                        noise = chance.normal(size=column.shape) * 3
                        column[:] = noise.astype(column.dtype)
                    elif name not in ("team", "is_on"):
                        column[:] = chance.integers(0, 8, column.shape)
            words = self.rounding.round(ROWS)
            rounded = columns_of(self.world, ROWS[:3])
            np.testing.assert_array_equal(self.rounding.words(ROWS), words)
            np.testing.assert_array_equal(self.rounding.round(ROWS), words)
            self.assertEqual(columns_of(self.world, ROWS[:3]), rounded)
            for component in (Position, Velocity, Everything):
                for column in self.world.columns(component).arrays.values():
                    column[:] = 1
            self.rounding.put(ROWS, words)
            self.assertEqual(columns_of(self.world, ROWS[:3]), rounded)

    def test_is_rounded(self) -> None:
        """Values become the nearest that the wire can say."""
        x = self.world.columns(Position).x
        x[:4] = [0.3, 1.0, 600.0, -0.01]
        self.rounding.round(ROWS)
        self.assertEqual(x[:4].tolist(), [19 / 64, 1.0, 512.0, -1 / 64])

    def test_only_these_rows(self) -> None:
        """Other rows, and components that a row does not have, are left alone."""
        bounded = self.world.columns(Everything).bounded
        bounded[:] = 0.3
        words = self.rounding.round(np.array([3, 1]))
        self.assertEqual(bounded[:4].tolist(), [0.3, 0.5, 0.3, 0.3])
        bounded[:] = 0.1
        self.rounding.put(np.array([3, 1]), words)
        self.assertEqual(bounded[:4].tolist(), [0.1, 0.5, 0.1, 0.1])

    def test_presence(self) -> None:
        """A block says which components a row has; the rest stands on defaults."""
        words = self.rounding.words(ROWS)
        self.assertEqual(
            words[: len(COMPONENTS)].tolist(),
            [[1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 1], [1, 1, 1, 0], [1, 1, 1, 0]],
        )
        values = self.rounding.all_values(words)
        self.assertEqual(values[Everything]["level"].tolist(), [2, 2, 2, 2])
        self.assertEqual(values[Dead], {})

    def test_not_there_any_more(self) -> None:
        """What a row has lost since is not written."""
        words = self.rounding.words(ROWS)
        self.world.remove(self.world.id_of(1), Position)
        self.world.columns(Position).x[:] = 9.0
        self.rounding.put(ROWS, words)
        self.assertEqual(
            self.world.columns(Position).x[:4].tolist(), [0.0, 9.0, 0.0, 0.296875]
        )

    def test_joined(self) -> None:
        """Lanes of components make a block, with defaults where they are absent."""
        words = self.rounding.words(ROWS)
        lanes = [words[part] for part in self.rounding.parts]
        np.testing.assert_array_equal(self.rounding.joined(lanes, None, ROWS), words)
        lanes = [np.full_like(each, 3) for each in lanes]
        nowhere = [np.zeros(4, np.bool_)] * len(COMPONENTS)
        np.testing.assert_array_equal(
            self.rounding.joined(lanes, nowhere, ROWS), self.rounding.blank(4)
        )

    def test_no_rows(self) -> None:
        """None is as good as many."""
        none = np.empty(0, np.intp)
        self.assertEqual(self.rounding.round(none).shape, (self.rounding.n_lines, 0))
        self.rounding.put(none, self.rounding.words(none))

    def test_illegal_column(self) -> None:
        """A number that is no member becomes one, on this side as on the other."""
        team = self.world.columns(Everything).team
        team[:3] = [7, 3, 1]
        words = self.rounding.round(ROWS)
        self.assertEqual(team[:3].tolist(), [7, 1, 1])
        np.testing.assert_array_equal(self.rounding.words(ROWS), words)

    def test_unknown_component(self) -> None:
        """A component must be one of the world's."""
        self.assertRaises(LocalProtocolError, Rounding, self.world, [Fine])


class RotationTests(SynchronousTestCase):
    """Rotations come to rest, also where two components are as large as each other."""

    @given(
        st.lists(
            st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: max(map(abs, q)) > 0.1),
            min_size=1,
            max_size=8,
        )
    )
    @example([(0.5, 0.5, 0.5, 0.5), (0.7, 0.7, 0.1, 0.0), (-0.6, 0.6, 0.4, -0.3)])
    def test_at_rest(self, rotations: list[tuple[float, ...]]) -> None:
        """Once rounded, rounding changes nothing more, and they are near."""
        rows = np.arange(len(rotations))
        for component, farthest in ((Coarse, 0.9), (Fine, 0.012)):
            world = World([component], 8)
            world.spawn_rows(len(rows), component())
            turn = world.columns(component).turn
            turn[rows] = rotations
            exact = turn[rows] / np.linalg.norm(turn[rows], axis=1)[:, None]
            rounding = Rounding(world, [component])
            words = rounding.round(rows)
            rounded = turn[rows].copy()
            np.testing.assert_array_equal(rounding.words(rows), words)
            rounding.put(rows, words)
            np.testing.assert_array_equal(turn[rows], rounded)
            cosine = np.abs((exact * rounded).sum(axis=1)).min()
            self.assertGreater(cosine, np.cos(farthest / 2))

    def test_many(self) -> None:
        """Of many that are hard, all come to rest, in any order the same."""
        n = 4096
        world = World([Coarse, Fine], n)
        rows = world.spawn_rows(n, Coarse(), Fine())
        chance = np.random.default_rng(5)
        near = 2.0 ** -chance.uniform(1, 20, size=(n, 1))
        turns = np.copysign(0.5, chance.normal(size=(n, 4)))
        turns += chance.normal(size=(n, 4)) * near
        turns[: n // 2, :2] *= 0.2
        for component in (Coarse, Fine):
            world.columns(component).turn[:] = turns
        rounding = Rounding(world, [Coarse, Fine])
        words = rounding.round(rows)
        np.testing.assert_array_equal(rounding.words(rows), words)
        for component in (Coarse, Fine):
            world.columns(component).turn[:] = turns
        one_by_one = [rounding.round(rows[[i]]) for i in range(0, n, 16)]
        np.testing.assert_array_equal(np.hstack(one_by_one), words[:, ::16])
