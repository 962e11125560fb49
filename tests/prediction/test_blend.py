# SPDX-License-Identifier: MIT
"""Tests of how values slide."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction.blend import Kind, blend, distance, kind_of, slides, way
from tests.world.shapes import Dead, Everything, Health, Position

numbers = st.floats(-1e6, 1e6, width=32)
angles = st.floats(-math.pi, math.pi, exclude_max=True)
fractions = st.floats(0.0, 1.0)
parts = st.floats(-1.0, 1.0).filter(lambda each: each == 0.0 or abs(each) > 1e-6)
quaternions = (
    hnp.arrays(float, 4, elements=parts)
    .filter(np.any)
    .map(lambda each: each / np.linalg.norm(each))
)


def turned(one: np.ndarray, other: np.ndarray) -> float:
    """Return the angle between two rotations."""
    return float(distance(Kind.QUATERNION, one[:, None], other[:, None])[0])


class KindTests(SynchronousTestCase):
    """Each kind of field slides in its own way."""

    def test_kinds(self) -> None:
        """Floats slide straight, angles and quaternions round, all else steps."""
        kinds = {field.name: kind_of(field) for field in Everything.schema_fields}
        straight = {name for name, kind in kinds.items() if kind is Kind.LINEAR}
        self.assertEqual(straight, {"half", "single", "bounded"})
        self.assertIs(kinds["heading"], Kind.ANGLE)
        self.assertIs(kinds["turn"], Kind.QUATERNION)
        steps = {name for name, kind in kinds.items() if kind is Kind.STEP}
        self.assertEqual(steps, {"tiny", "signed", "huge", "is_on", "level", "team"})

    def test_components(self) -> None:
        """A component slides if one of its fields does."""
        self.assertTrue(slides(Position))
        self.assertTrue(slides(Everything))
        self.assertFalse(slides(Health))
        self.assertFalse(slides(Dead))


class BlendTests(SynchronousTestCase):
    """What is drawn is never beyond its two samples."""

    @given(numbers, numbers, fractions)
    def test_linear(self, one: float, other: float, share: float) -> None:
        """A number is between the two, up to what a float64 rounds."""
        a, b = np.array([one]), np.array([other])
        value = blend(Kind.LINEAR, a, b, share)[0]
        slack = 1e-15 * max(abs(one), abs(other))
        self.assertTrue(min(one, other) - slack <= value <= max(one, other) + slack)
        self.assertEqual(blend(Kind.LINEAR, a, b, 0.0)[0], one)

    @given(angles, angles, fractions)
    def test_angle(self, one: float, other: float, share: float) -> None:
        """An angle is on the short arc between the two, and in [-pi, pi)."""
        a, b = np.array([one]), np.array([other])
        value = blend(Kind.ANGLE, a, b, share)
        self.assertTrue(-math.pi - 1e-9 <= value[0] < math.pi + 1e-9)
        arc = abs(way(Kind.ANGLE, a, b)[0])
        self.assertLessEqual(arc, math.pi + 1e-9)
        before = abs(way(Kind.ANGLE, a, value)[0])
        after = abs(way(Kind.ANGLE, value, b)[0])
        self.assertAlmostEqual(before + after, arc, places=9)
        self.assertAlmostEqual(before, share * arc, places=9)

    @given(quaternions, quaternions, fractions)
    def test_quaternion(self, one, other, share: float) -> None:
        """A rotation is unit and on the shorter arc between the two."""
        value = blend(Kind.QUATERNION, one[:, None], other[:, None], share)[:, 0]
        self.assertAlmostEqual(float(np.linalg.norm(value)), 1.0, places=12)
        arc = turned(one, other)
        self.assertLessEqual(arc, math.pi + 1e-9)
        sum_of_arcs = turned(one, value) + turned(value, other)
        self.assertAlmostEqual(sum_of_arcs, arc, places=5)

    @given(quaternions, quaternions, fractions)
    def test_sign(self, one, other, share: float) -> None:
        """A quaternion and its negative are one rotation, also on the way."""
        value = blend(Kind.QUATERNION, one[:, None], other[:, None], share)[:, 0]
        same = blend(Kind.QUATERNION, one[:, None], -other[:, None], share)[:, 0]
        if abs(float(one @ other)) > 1e-9:  # else both ways are equally short
            self.assertAlmostEqual(turned(value, same), 0.0, places=5)

    def test_step(self) -> None:
        """What steps is the older one until the newer one is reached."""
        one, other = np.array([3, 3, 3]), np.array([5, 5, 5])
        share = np.array([0.0, 0.999, 1.0])
        self.assertEqual(blend(Kind.STEP, one, other, share).tolist(), [3, 3, 5])
        self.assertEqual(way(Kind.STEP, one, other).tolist(), [0, 0, 0])

    def test_fraction_of_each(self) -> None:
        """Each row may have a fraction of its own."""
        one, other = np.zeros((2, 2)), np.full((2, 2), 8.0)
        out = np.empty((2, 2))
        value = blend(Kind.LINEAR, one, other, np.array([0.25, 0.5]), out)
        self.assertIs(value, out)
        self.assertEqual(out.tolist(), [[2.0, 4.0], [2.0, 4.0]])

    def test_distance(self) -> None:
        """Planes of one kind are a vector; angles are measured round."""
        one, other = np.array([[0.0], [0.0]]), np.array([[3.0], [4.0]])
        self.assertEqual(distance(Kind.LINEAR, one, other).tolist(), [5.0])
        apart = distance(Kind.ANGLE, np.array([[3.0]]), np.array([[-3.0]]))
        self.assertAlmostEqual(float(apart[0]), 2 * math.pi - 6.0)
