# SPDX-License-Identifier: MIT
"""Tests of offsets: what a correction leaves in the view, and for how long."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction import Offsets
from gamenet.prediction.corrections import Values
from gamenet.wire import angle, fixed, float32, quaternion, uint8
from gamenet.world import Component, Shown
from tests.prediction.crafts import COMPONENTS, Authority, Client, Place

ROWS = np.array([2, 5])


class Spot(Component):
    """Where something is."""

    shown = Shown(snap=5.0)
    x: float = fixed(-64, 64, step=1 / 32)
    y: float = float32()
    hue: int = uint8()


class Nose(Component):
    """Where something points."""

    nose: float = angle()


class Turn(Component):
    """How something is turned."""

    turn: tuple[float, ...] = quaternion()


class Sudden(Component):
    """What is never smoothed."""

    shown = Shown(half_life=0.0)
    x: float = float32()


def spot(*x: float) -> Values:
    """Return columns of a spot."""
    n = len(x)
    return {"x": np.array(x), "y": np.zeros(n, "f4"), "hue": np.ones(n, "u1")}


def about(axis: int, turned: float) -> list[float]:
    """Return the rotation about an axis."""
    rotation = [0.0, 0.0, 0.0, math.cos(turned / 2)]
    rotation[axis] = math.sin(turned / 2)
    return rotation


class OffsetTests(SynchronousTestCase):
    """The state is right at once, the view soon."""

    def setUp(self) -> None:
        self.offsets = Offsets([Spot, Nose, Turn, Sudden], 8)

    def shown(self, *x: float) -> list[float]:
        """Return where spots are shown that are at x."""
        values = spot(*x)
        self.offsets.apply(Spot, ROWS[: len(x)], values)
        return [float(each) for each in values["x"]]

    def test_continuous(self) -> None:
        """In the moment of a correction nothing is seen of it."""
        self.offsets.add(Spot, ROWS, spot(1.0, 2.0), spot(3.0, -1.0))
        self.assertEqual(self.shown(3.0, -1.0), [1.0, 2.0])
        np.testing.assert_array_equal(self.offsets.sizes(Spot, ROWS), [2.0, 3.0])

    def test_two_metres(self) -> None:
        """After 200 ms less than 0.1 m is left of 2 m, with the default half-life."""
        self.offsets.add(Spot, ROWS, spot(0.0, 0.0), spot(2.0, 2.0))
        for _ in range(12):
            self.offsets.decay(1 / 60)
        self.assertAlmostEqual(2.0 - self.shown(2.0)[0], 2.0 / 32)
        self.assertLess(self.offsets.sizes(Spot, ROWS)[0], 0.1)

    @given(st.lists(st.floats(0.0, 0.1), min_size=1, max_size=12))
    def test_time_only(self, steps: list[float]) -> None:
        """How much is left depends on the time that passed, not on the frames."""
        one, other = (Offsets([Spot, Turn], 8) for _ in range(2))
        turns = [np.array([about(2, each)] * 2) for each in (1.0, 0.2)]
        for offsets in (one, other):
            offsets.add(Spot, ROWS, spot(4.0, 1.0), spot(0.0, 0.0))
            offsets.add(Turn, ROWS, {"turn": turns[0]}, {"turn": turns[1]})
        for step in steps:
            one.decay(step)
        other.decay(sum(steps))
        for component in (Spot, Turn):
            np.testing.assert_allclose(
                one.sizes(component, ROWS), other.sizes(component, ROWS), atol=1e-5
            )
        left = 4.0 * 0.5 ** (sum(steps) / 0.04)
        self.assertLess(abs(one.sizes(Spot, ROWS)[0] - left), 1e-5)

    def test_adds_up(self) -> None:
        """A correction while another is hidden starts from what is seen."""
        self.offsets.add(Spot, ROWS, spot(0.0, 0.0), spot(2.0, 0.0))
        self.offsets.decay(0.04)
        self.assertEqual(self.shown(2.0), [1.0])
        self.offsets.add(Spot, ROWS[:1], spot(2.0), spot(3.0))
        self.assertEqual(self.shown(3.0), [1.0])

    def test_snaps(self) -> None:
        """What is too far is a jump; the other rows go on."""
        self.offsets.add(Spot, ROWS, spot(0.0, 0.0), spot(5.0, 4.9))
        self.assertEqual(self.shown(5.0, 4.9), [5.0, 0.0])
        self.offsets.add(Spot, ROWS[1:], spot(4.9), spot(5.1))
        self.assertEqual(self.shown(5.0, 5.1), [5.0, 5.1])

    def test_not_finite(self) -> None:
        """What is nowhere has no way from there."""
        self.offsets.add(Spot, ROWS, spot(math.nan, -math.inf), spot(1.0, 2.0))
        self.assertEqual(self.shown(1.0, 2.0), [1.0, 2.0])

    def test_ends(self) -> None:
        """In the end nothing at all is left."""
        self.offsets.add(Spot, ROWS, spot(0.0, 0.0), spot(2.0, 2.0))
        self.offsets.decay(0.79)
        self.assertTrue((self.offsets.sizes(Spot, ROWS) > 0.0).all())
        self.offsets.decay(0.02)
        np.testing.assert_array_equal(self.offsets.sizes(Spot, ROWS), [0.0, 0.0])
        self.assertEqual(self.shown(2.0), [2.0])

    def test_drop(self) -> None:
        """A row can be shown where it is at once."""
        self.offsets.add(Spot, ROWS, spot(0.0, 0.0), spot(2.0, 2.0))
        self.offsets.drop(ROWS[:1])
        self.assertEqual(self.shown(2.0, 2.0), [2.0, 0.0])

    def test_steps_do_not_slide(self) -> None:
        """Fields that cannot slide are shown as they are."""
        after = spot(2.0, 2.0)
        self.offsets.add(Spot, ROWS, spot(0.0, 0.0), after)
        after["hue"][:] = 9
        self.offsets.apply(Spot, ROWS, after)
        self.assertEqual(after["hue"].tolist(), [9, 9])
        self.assertEqual(after["y"].dtype, np.float32)

    def test_no_half_life(self) -> None:
        """Without a half-life there is no offset."""
        values = {"x": np.zeros(2, "f4")}
        self.offsets.add(Sudden, ROWS, {"x": np.ones(2, "f4")}, values)
        self.offsets.decay(0.01)
        self.offsets.apply(Sudden, ROWS, values)
        self.assertEqual(values["x"].tolist(), [0.0, 0.0])

    def test_angles(self) -> None:
        """Angles go the short way round."""
        before, after = np.array([3.1, 0.0]), np.array([-3.1, 1.0])
        self.offsets.add(Nose, ROWS, {"nose": before}, {"nose": after})
        sizes = self.offsets.sizes(Nose, ROWS)
        np.testing.assert_allclose(sizes, [2 * math.pi - 6.2, 1.0])
        values = {"nose": after.copy()}
        self.offsets.apply(Nose, ROWS, values)
        np.testing.assert_allclose(values["nose"], before)
        self.offsets.decay(0.04)
        values = {"nose": after.copy()}
        self.offsets.apply(Nose, ROWS, values)
        np.testing.assert_allclose(np.abs(values["nose"]), [math.pi, 0.5], 1e-6)

    def test_rotations(self) -> None:
        """Rotations turn back about one axis, by half the angle in a half-life."""
        before = np.array([about(2, 1.0), about(0, -0.5)])
        after = np.array([about(2, 0.2), about(0, 0.5)])
        after[1] *= -1.0
        self.offsets.add(Turn, ROWS, {"turn": before}, {"turn": after})
        values = {"turn": after.copy()}
        self.offsets.apply(Turn, ROWS, values)
        dots = np.abs((values["turn"] * before).sum(axis=1))
        np.testing.assert_allclose(dots, 1.0)
        np.testing.assert_allclose(self.offsets.sizes(Turn, ROWS), [0.8, 1.0])
        self.offsets.decay(0.04)
        values = {"turn": after.copy()}
        self.offsets.apply(Turn, ROWS, values)
        half = np.array([about(2, 0.6), about(0, 0.0)])
        dots = np.abs((values["turn"] * half).sum(axis=1))
        np.testing.assert_allclose(dots, 1.0)

    def test_correction(self) -> None:
        """Corrections of a predictor are taken as they are."""
        authority = Authority()
        client = Client(authority)
        client.advance(10)
        authority.step(5)
        authority.push(0, 2.0)
        before = client.world.columns(Place).x[0]
        correction = client.confirm(5)
        assert correction is not None
        offsets = Offsets(COMPONENTS, client.world.capacity)
        offsets.correct(correction)
        state = client.predictor.state(10)
        assert state is not None
        offsets.apply(Place, client.predictor.rows, state[Place])
        self.assertEqual(state[Place]["x"][0], before)
        self.assertEqual(client.world.columns(Place).x[0], before + 2.0)
