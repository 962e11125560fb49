# SPDX-License-Identifier: MIT
"""How a value goes from one sample to the next, by the kind of its field.

Floats and fixed-point numbers go straight. Angles take the short way round. Quaternions
go along the chord of the shorter arc and are made unit again (nlerp), which stays on
the arc and is within 0.5 % of its even speed for turns up to 60 degrees. All else
steps: it has the older value until the newer one is reached.

Arrays here have rows last: (n,) or (k, n), and (4, n) for quaternions, because each
operation then runs along memory. Give the transpose of a quaternion's column.

Source: "nlerp" is described in Jonathan Blow's "Understanding Slerp, Then Not Using
It".
"""

from __future__ import annotations

import math
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.world import Component

__all__ = [
    "Kind",
    "along",
    "blend",
    "distance",
    "kind_of",
    "settle",
    "slides",
    "way",
]

TAU = 2.0 * math.pi

Values = NDArray[Any]
Fraction = float | NDArray[Any]


class Kind(Enum):
    """How the values of a field go from one sample to the next."""

    LINEAR = "linear"
    ANGLE = "angle"
    QUATERNION = "quaternion"
    STEP = "step"


_KINDS = {
    "float16": Kind.LINEAR,
    "float32": Kind.LINEAR,
    "float64": Kind.LINEAR,
    "fixed": Kind.LINEAR,
    "angle": Kind.ANGLE,
    "quaternion": Kind.QUATERNION,
}


def kind_of(field: Any) -> Kind:
    """Return how the values of a component's field slide."""
    return _KINDS.get(field.kind, Kind.STEP)


def slides(component: type[Component]) -> bool:
    """Return whether a component has a field that can slide."""
    return any(kind_of(field) is not Kind.STEP for field in component.schema_fields)


def way(kind: Kind, older: Values, newer: Values, out: Values | None = None) -> Values:
    """Return what has to be added to one sample to come to the next.

    Shapes:
        older, newer, out: (..., n); of quaternions (4, n).
    """
    if kind is Kind.STEP:
        out = np.zeros_like(older) if out is None else out
        out[...] = 0
    elif kind is Kind.QUATERNION:
        # A quaternion and its negative are one rotation: take the nearer of the two.
        dot = np.einsum("in,in->n", older, newer)
        out = np.multiply(newer, np.copysign(1.0, dot), out=out)
        out -= older
    else:
        out = np.subtract(newer, older, out=out)
        if kind is Kind.ANGLE:
            _wrap(out)
    return out


def along(
    kind: Kind,
    older: Values,
    to_newer: Values,
    fraction: Fraction,
    out: Values | None = None,
) -> Values:
    """Return where a value is that has gone a fraction of its `way`.

    Args:
        kind: of the field.
        older: where it began.
        to_newer: what `way` returned.
        fraction: 0 at the older sample, 1 at the newer one; more goes beyond. A number,
            or one for each row.
        out: where to write; not `older`.

    Shapes:
        older, to_newer, out: (..., n); of quaternions (4, n). fraction: () or (n,).
    """
    out = np.multiply(to_newer, fraction, out=out)
    out += older
    settle(kind, out)
    return out


def settle(kind: Kind, values: Values) -> None:
    """Make sums of values legal again: angles in [-pi, pi), quaternions unit."""
    if kind is Kind.ANGLE:
        _wrap(values)
    elif kind is Kind.QUATERNION:
        values /= np.sqrt(np.einsum("in,in->n", values, values))


def blend(
    kind: Kind,
    older: Values,
    newer: Values,
    fraction: Fraction,
    out: Values | None = None,
) -> Values:
    """Return the values between two samples.

    Args:
        kind: of the field.
        older: the sample at fraction 0.
        newer: the sample at fraction 1.
        fraction: from 0 to 1, a number or one for each row.
        out: where to write; neither of the samples.

    Shapes:
        older, newer, out: (..., n); of quaternions (4, n). fraction: () or (n,).
    """
    if kind is Kind.STEP:
        out = np.empty_like(older) if out is None else out
        out[...] = np.where(np.asarray(fraction) >= 1.0, newer, older)
        return out
    return along(kind, older, way(kind, older, newer), fraction, out)


def distance(kind: Kind, one: Values, other: Values) -> NDArray[np.float64]:
    """Return how far samples are apart: in their unit, or as an angle in radians.

    Shapes:
        one, other: (k, n) of k fields that are one vector; of quaternions (4, n).
            Returned: (n,).
    """
    if kind is Kind.QUATERNION:
        dot = np.abs(np.einsum("in,in->n", one, other))
        return np.asarray(2.0 * np.arccos(np.minimum(dot, 1.0)))
    apart = way(kind, one, other)
    return np.asarray(np.sqrt(np.einsum("in,in->n", apart, apart)))


def _wrap(angles: Values) -> None:
    """Bring angles into [-pi, pi), in place."""
    turns = angles * (1.0 / TAU)
    turns += 0.5
    np.floor(turns, out=turns)
    turns *= TAU
    angles -= turns
