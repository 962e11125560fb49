# SPDX-License-Identifier: MIT
"""Turn rotations into rotation vectors and back, many at a time.

A rotation is a unit quaternion (x, y, z, w). A rotation vector points along the axis
and is as long as the angle, so half of it is half the turn.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["conjugate", "product", "to_quaternions", "to_vectors"]

Floats = NDArray[np.float64]


def product(one: NDArray[Any], other: NDArray[Any]) -> Floats:
    """Return the rotations that turn by `other` first, then by `one`.

    Shapes:
        one, other, returned: (n, 4).
    """
    ax, ay, az, aw = one.T
    bx, by, bz, bw = other.T
    return np.stack(
        [
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
            aw * bw - ax * bx - ay * by - az * bz,
        ],
        axis=1,
    )


def conjugate(rotations: NDArray[Any]) -> Floats:
    """Return the rotations that undo these.

    Shapes:
        rotations, returned: (n, 4).
    """
    undone: Floats = rotations * np.array([-1.0, -1.0, -1.0, 1.0])
    return undone


def to_vectors(rotations: NDArray[Any]) -> Floats:
    """Return rotation vectors, the short way round: at most pi long.

    Shapes:
        rotations: (n, 4); returned: (n, 3).
    """
    axes, cosines = rotations[:, :3], rotations[:, 3:]
    sines = np.sqrt(np.add.reduce(axes * axes, axis=1, keepdims=True))
    # A quaternion and its negative are the same rotation: take the one with w >= 0.
    angles = 2.0 * np.arctan2(sines, np.abs(cosines))
    scale = np.divide(angles, sines, out=np.full_like(sines, 2.0), where=sines > 0.0)
    vectors: Floats = axes * scale * np.where(cosines < 0.0, -1.0, 1.0)
    return vectors


def to_quaternions(vectors: NDArray[Any]) -> Floats:
    """Return the rotations of rotation vectors.

    Shapes:
        vectors: (n, 3); returned: (n, 4).
    """
    angles = np.sqrt(np.add.reduce(vectors * vectors, axis=1, keepdims=True))
    sines = np.sin(angles * 0.5)
    scale = np.divide(sines, angles, out=np.full_like(angles, 0.5), where=angles > 0.0)
    return np.concatenate([vectors * scale, np.cos(angles * 0.5)], axis=1)
