# SPDX-License-Identifier: MIT
"""Tests of distances of values, in the units of their fields."""

from __future__ import annotations

import math

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction import Distance
from tests.world.shapes import Dead, Everything, Velocity


class DistanceTests(SynchronousTestCase):
    """What can slide has a distance; the rest is the same or not."""

    def test_kinds(self) -> None:
        """Each kind of field is measured in its way."""
        distance = Distance(Everything)
        self.assertEqual(distance.linear, ["half", "single", "bounded"])
        self.assertEqual(distance.angles, ["heading"])
        self.assertEqual(distance.rotations, ["turn"])
        self.assertEqual(
            distance.steps, ["tiny", "signed", "huge", "is_on", "level", "team"]
        )

    def test_linear(self) -> None:
        """Numbers make the length of the difference, in double precision."""
        one = {"x": np.array([3.0, 3e38], "f4"), "y": np.array([0.0, 0.0], "f4")}
        other = {"x": np.array([0.0, -3e38], "f4"), "y": np.array([4.0, 0.0], "f4")}
        sizes = Distance(Velocity).between(one, other)
        np.testing.assert_allclose(sizes, [5.0, 6e38])

    def test_angles_and_rotations(self) -> None:
        """Both go the short way; a quaternion and its negative are the same."""
        distance = Distance(Everything)
        zero = {name: np.zeros(3) for name in distance.linear}
        identity = np.tile([0.0, 0.0, 0.0, 1.0], (3, 1))
        turned = identity.copy()
        turned[1] *= -1.0
        turned[2] = [math.sin(0.15), 0.0, 0.0, math.cos(0.15)]
        one = {**zero, "heading": np.array([3.0, 0.5, 0.0]), "turn": identity}
        other = {**zero, "heading": np.array([-3.0, 0.0, 0.0]), "turn": turned}
        np.testing.assert_allclose(
            distance.between(one, other), [2 * math.pi - 6.0, 0.5, 0.3]
        )

    def test_steps(self) -> None:
        """One field that cannot slide makes two values different."""
        distance = Distance(Everything)
        one = {name: np.array([1, 1]) for name in distance.steps}
        other = {**one, "level": np.array([1, 2])}
        self.assertEqual(distance.is_same(one, one).tolist(), [True, True])
        self.assertEqual(distance.is_same(one, other).tolist(), [True, False])

    def test_tags(self) -> None:
        """A component without fields is nowhere else."""
        self.assertEqual(len(Distance(Dead).between({}, {})), 0)
