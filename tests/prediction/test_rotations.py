# SPDX-License-Identifier: MIT
"""Tests of rotations and rotation vectors."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction.rotations import (
    conjugate,
    product,
    to_quaternions,
    to_vectors,
)

vectors = st.tuples(*[st.floats(-1.7, 1.7)] * 3)


class RotationTests(SynchronousTestCase):
    """A rotation vector says what its quaternion says."""

    @given(vectors)
    def test_round_trip(self, vector: tuple[float, ...]) -> None:
        """Vectors become rotations of length one, and come back."""
        rotations = to_quaternions(np.array([vector]))
        np.testing.assert_allclose(np.linalg.norm(rotations, axis=1), 1.0)
        for same in (rotations, -rotations):
            np.testing.assert_allclose(to_vectors(same), [vector], atol=1e-12)

    @given(vectors, vectors)
    def test_product(self, one: tuple[float, ...], other: tuple[float, ...]) -> None:
        """What is turned and turned back is where it was."""
        first, second = to_quaternions(np.array([one, other]))[:, None]
        back = product(product(first, second), conjugate(second))
        np.testing.assert_allclose(back, first, atol=1e-12)

    def test_order(self) -> None:
        """The right one turns first: x to y, then y to z."""
        about_z = to_quaternions(np.array([[0.0, 0.0, math.pi / 2]]))
        about_x = to_quaternions(np.array([[math.pi / 2, 0.0, 0.0]]))
        both = product(about_x, about_z)
        x = np.array([[1.0, 0.0, 0.0, 0.0]])
        turned = product(product(both, x), conjugate(both))
        np.testing.assert_allclose(turned, [[0.0, 0.0, 1.0, 0.0]], atol=1e-12)
