# SPDX-License-Identifier: MIT
"""Find what a shot, a blast or a body meets, over columns, in two or three dimensions.

Targets are columns, one for each axis, as a world has them: `(at.x, at.y)` and the rows
of a query. One call tests all of them. Where something has no finite place, or a size
that is negative or not finite, nothing meets it.

A ray that begins within a target meets it at distance 0, and touching is meeting. A
segment is a ray with a `max_distance`. Without a direction, (0, 0), a ray is a point.

Source: Christer Ericson, "Real-Time Collision Detection" (2005), section 5.3; Duff et
al., "Building an Orthonormal Basis, Revisited" (2017).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError

__all__ = [
    "FirstHit",
    "Hits",
    "boxes_touching",
    "first_hit",
    "ray_boxes",
    "ray_spheres",
    "spheres_touching",
]

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]
Point = Sequence[float] | NDArray[Any]
"""Two or three coordinates."""
Axes = Sequence[NDArray[Any]] | NDArray[Any]
"""For each axis a column."""
Sizes = float | NDArray[Any]
"""One number for all targets, or a column."""

LARGEST = 1e150
"""What is larger has no square."""
FEW = 32
"""So many are judged faster one by one."""


class Hits(NamedTuple):
    """What was met: the nearest first, and of equally near ones the lowest row.

    Shapes:
        rows, distances: (n_hits,).
    """

    rows: Rows
    """Rows of the targets, or their places where no rows were given."""
    distances: Floats
    """Metres: along a ray, or from center to center."""


class FirstHit(NamedTuple):
    """What was met before everything else."""

    which: int
    """The number of the argument that it is in."""
    row: int
    distance: float


def ray_spheres(
    origin: Point,
    direction: Point,
    centers: Axes,
    radii: Sizes,
    *,
    rows: Rows | None = None,
    max_distance: float = math.inf,
) -> Hits:
    """Return which spheres (circles) a ray meets, and how far away.

    Args:
        origin: where it begins.
        direction: where it goes; its length is of no account.
        centers: of the targets.
        radii: of the targets.
        rows: which of the targets, ascending as a query gives them; None is all.
        max_distance: metres that it goes.

    Raises:
        LocalProtocolError: the ray or a single size is not finite, or negative, or the
            number of axes is not the same.
    """
    begin = _point(origin, "origin")
    unit = _unit(direction, len(begin))
    _expect_size(max_distance, "max_distance", math.inf)
    targets, rows = _targets(centers, len(begin), rows)
    squares = _squares(radii, rows)
    # Seen along the ray a sphere is a circle, and the ray is a point.
    turn = np.array(_axes_of(unit))
    starts = np.einsum("ij,j->i", turn, begin).tolist()
    with np.errstate(over="ignore", invalid="ignore"):
        # Not by `@`: for so few axes its threads cost more than they bring.
        turned = np.einsum("ij,jn->in", turn, targets)
        gaps = _square_from(turned[0], starts[0])
        for k in range(1, len(turn) - any(unit)):
            gaps += _square_from(turned[k], starts[k])
        found = (gaps <= squares).nonzero()[0]
        if not len(found):
            return Hits(found, np.empty(0))
        if not any(unit):
            return _sorted(found, np.zeros(len(found)), rows)
        room = (squares if isinstance(squares, float) else squares[found]) - gaps[found]
        half = np.sqrt(room)
        along = turned[-1][found] - starts[-1]
        enter = np.maximum(along - half, 0.0)
        is_met = (along + half >= 0.0) & (enter <= max_distance)
    return _sorted(found[is_met], enter[is_met], rows)


def ray_boxes(
    origin: Point,
    direction: Point,
    centers: Axes,
    halves: Point | Axes,
    *,
    rows: Rows | None = None,
    max_distance: float = math.inf,
) -> Hits:
    """Return which boxes a ray meets, and how far away; their edges are axis-aligned.

    Args:
        origin: where it begins.
        direction: where it goes; its length is of no account.
        centers: of the targets.
        halves: of their lengths: for each axis a number for all, or a column.
        rows: which of the targets, ascending as a query gives them; None is all.
        max_distance: metres that it goes.

    Raises:
        LocalProtocolError: the ray or a single size is not finite, or negative, or the
            number of axes is not the same.
    """
    begin = _point(origin, "origin")
    unit = _unit(direction, len(begin))
    _expect_size(max_distance, "max_distance", math.inf)
    targets, rows = _targets(centers, len(begin), rows)
    sizes, is_met = _halves(halves, targets, rows)
    enter = np.zeros(targets.shape[1])
    leave = np.full(targets.shape[1], float(max_distance))
    with np.errstate(all="ignore"):
        for start, step, center, half in zip(begin, unit, targets, sizes, strict=True):
            if step == 0.0:
                is_met &= np.abs(center - start) <= half
            else:
                # Between these two distances it is within the slab of this axis.
                reach = half if step > 0.0 else -half
                np.maximum(enter, (center - reach - start) / step, out=enter)
                np.minimum(leave, (center + reach - start) / step, out=leave)
        is_met &= enter <= leave
    found = is_met.nonzero()[0]
    return _sorted(found, enter[found], rows)


def spheres_touching(
    center: Point,
    radius: float,
    centers: Axes,
    radii: Sizes,
    *,
    rows: Rows | None = None,
) -> Hits:
    """Return which spheres (circles) another one touches: a blast, a body.

    Args:
        center: of the one.
        radius: of the one.
        centers: of the targets.
        radii: of the targets.
        rows: which of the targets, ascending as a query gives them; None is all.

    Returns:
        Those, with the distances of their centers.

    Raises:
        LocalProtocolError: the sphere or a single size is not finite, or negative, or
            the number of axes is not the same.
    """
    middle = _point(center, "center")
    _expect_size(radius, "radius")
    targets, rows = _targets(centers, len(middle), rows)
    reaches = _reaches(radii, rows, radius)
    # Who is too far off along one axis needs no look along the others.
    first, place = targets[0], np.float64(middle[0])
    is_near = first >= place - reaches
    is_near &= first <= place + reaches
    near = is_near.nonzero()[0]
    judge = _few_touching if len(near) <= FEW else _many_touching
    return judge(middle, targets, reaches, near, rows)


def boxes_touching(
    center: Point,
    half: Point,
    centers: Axes,
    halves: Point | Axes,
    *,
    rows: Rows | None = None,
) -> Hits:
    """Return which boxes another one touches; the edges of all are axis-aligned.

    Args:
        center: of the one.
        half: of its lengths, for each axis.
        centers: of the targets.
        halves: of their lengths: for each axis a number for all, or a column.
        rows: which of the targets, ascending as a query gives them; None is all.

    Returns:
        Those, with the distances of their centers.

    Raises:
        LocalProtocolError: the box or a single size is not finite, or negative, or the
            number of axes is not the same.
    """
    middle = _point(center, "center")
    own = _point(half, "half", len(middle))
    targets, rows = _targets(centers, len(middle), rows)
    sizes, is_met = _halves(halves, targets, rows)
    with np.errstate(over="ignore", invalid="ignore"):
        gaps = targets - np.array(middle)[:, None]
        for gap, reach, size in zip(gaps, own, sizes, strict=True):
            _expect_size(reach, "half")
            is_met &= np.abs(gap) <= size + reach
        found = is_met.nonzero()[0]
        near = gaps[:, found]
        distances = np.sqrt(np.add.reduce(near * near, axis=0))
    return _sorted(found, distances, rows)


def first_hit(*hits: Hits) -> FirstHit | None:
    """Return what is nearest in several results, or None where there is nothing.

    Of equally near ones it is that of the argument that comes first: give the walls
    before the players, and nobody is hit through one.

    Example:
        hit = first_hit(ray_boxes(*ray, *walls), ray_spheres(*ray, *players))
    """
    nearest = [
        FirstHit(which, int(each.rows[0]), float(each.distances[0]))
        for which, each in enumerate(hits)
        if len(each.rows)
    ]
    return min(nearest, key=lambda each: each.distance, default=None)


# -- what is given ------------------------------------------------------------------


def _point(given: Point, name: str, n_axes: int | None = None) -> list[float]:
    point = [float(each) for each in given]
    if len(point) not in ((2, 3) if n_axes is None else (n_axes,)):
        allowed = "2 or 3" if n_axes is None else f"{n_axes}, as elsewhere"
        msg = f"{name} has {len(point)} axes: allowed are {allowed}"
        raise LocalProtocolError(msg)
    if not all(map(math.isfinite, point)):
        msg = f"{name} = {point} is not finite: judge no shot that is nowhere"
        raise LocalProtocolError(msg)
    return point


def _unit(direction: Point, n_axes: int) -> list[float]:
    """Return a direction of length 1, or of length 0."""
    steps = _point(direction, "direction", n_axes)
    largest = max(map(abs, steps))
    if largest == 0.0:
        return [0.0] * n_axes
    if not 1e-100 < largest < 1e100:
        steps = [step / largest for step in steps]  # or a length might not be exact
    length = math.hypot(*steps)
    return [step / length for step in steps]


def _expect_size(size: float, name: str, most: float = LARGEST) -> None:
    if not 0.0 <= size <= most:
        msg = f"{name} = {size}: allowed are 0 to {most:g}"
        raise LocalProtocolError(msg)


def _targets(
    axes: Axes, n_axes: int, rows: Rows | None
) -> tuple[NDArray[Any], Rows | None]:
    """Return places as (axes, n), and the rows that they are of, if some are chosen."""
    if len(axes) != n_axes:
        msg = f"centers have {len(axes)} axes: the other points have {n_axes}"
        raise LocalProtocolError(msg)
    if rows is None:
        return np.asarray(axes), None
    chosen = _chosen(rows)
    if isinstance(axes, np.ndarray):
        return axes[:, chosen], rows
    return np.array([axis[chosen] for axis in axes]), rows


def _chosen(rows: Rows) -> Rows | slice:
    """Return ascending rows as a slice if none is left out, as then nothing is copied.

    A world fills its lowest rows first, so that most often none is.
    """
    if len(rows):
        first, last = rows.item(0), rows.item(-1)
        if last - first == len(rows) - 1:
            return slice(first, last + 1)
    return rows


def _squares(radii: Sizes, rows: Rows | None) -> Any:
    """Return the squares of radii; -1 for a radius that nothing meets."""
    if not isinstance(radii, np.ndarray):
        _expect_size(radii, "radii")
        return float(radii) ** 2
    radii = radii if rows is None else radii[_chosen(rows)]
    squares = np.square(radii, dtype=np.float64)
    squares[~((radii >= 0.0) & (squares < math.inf))] = -1.0
    return squares


def _reaches(radii: Sizes, rows: Rows | None, more: float) -> Any:
    """Return radii and as much more: one or a column; -1 where nothing may be met."""
    if not isinstance(radii, np.ndarray):
        _expect_size(radii, "radii")
        return float(radii) + float(more)
    radii = radii if rows is None else radii[_chosen(rows)]
    reaches = np.add(radii, more, dtype=np.float64)
    reaches[~((radii >= 0.0) & (reaches <= LARGEST))] = -1.0
    return reaches


def _halves(
    halves: Point | Axes, targets: NDArray[Any], rows: Rows | None
) -> tuple[list[Any], NDArray[np.bool_]]:
    """Return half lengths by axis, and which targets have a place and a size."""
    if len(halves) != len(targets):
        msg = f"halves have {len(halves)} axes: the other points have {len(targets)}"
        raise LocalProtocolError(msg)
    has_size = np.isfinite(targets).all(axis=0)
    sizes: list[Any] = []
    for half in halves:
        if isinstance(half, np.ndarray) and half.ndim:
            column = half if rows is None else half[_chosen(rows)]
            has_size &= (column >= 0.0) & (column < math.inf)
            sizes.append(column)
        else:
            _expect_size(float(half), "halves")
            sizes.append(float(half))
    return sizes, has_size


def _few_touching(
    middle: list[float],
    targets: NDArray[Any],
    reaches: Any,
    near: Rows,
    rows: Rows | None,
) -> Hits:
    """Return which of some have their centers near enough, one by one."""
    is_one = isinstance(reaches, float)
    most = reaches if is_one else max(reaches[near].tolist(), default=0.0)
    low, high = middle[1] - most, middle[1] + most
    met = []
    for n, there in enumerate(targets[1].take(near).tolist()):
        if low <= there <= high:
            target = near.item(n)
            square = 0.0
            for end, start in zip(targets[:, target].tolist(), middle, strict=True):
                square += (end - start) * (end - start)
            reach = reaches if is_one else reaches.item(target)
            if square <= reach * reach:
                met.append((math.sqrt(square), target))
    met.sort()
    found = np.array([target for _, target in met], np.intp)
    distances = np.array([distance for distance, _ in met], np.float64)
    return Hits(found if rows is None else rows[found], distances)


def _many_touching(
    middle: list[float],
    targets: NDArray[Any],
    reaches: Any,
    near: Rows,
    rows: Rows | None,
) -> Hits:
    """Return which of some have their centers near enough, to the same last bit."""
    limits = reaches if isinstance(reaches, float) else reaches[near]
    squares = np.zeros(len(near))
    with np.errstate(over="ignore"):
        for column, start in zip(targets, middle, strict=True):
            gaps = np.subtract(column[near], start, dtype=np.float64)
            gaps *= gaps
            squares += gaps
        is_met = squares <= limits * limits
    return _sorted(near[is_met], np.sqrt(squares[is_met]), rows)


def _axes_of(unit: list[float]) -> list[list[float]]:
    """Return axes at right angles, the last of them along a ray; of a point, any."""
    if len(unit) == 2:
        return [[-unit[1], unit[0]], unit] if any(unit) else [[1.0, 0.0], [0.0, 1.0]]
    x, y, z = unit
    sign = math.copysign(1.0, z)
    a = -1.0 / (sign + z)
    b = x * y * a
    one = [1.0 + sign * x * x * a, sign * b, -sign * x]
    return [one, [b, sign + y * y * a, -y], unit if any(unit) else [0.0, 0.0, 1.0]]


def _square_from(values: Floats, start: float) -> Floats:
    """Return the squares of distances from a number, in the same memory."""
    values -= start
    values *= values
    return values


def _sorted(found: Rows, distances: Floats, rows: Rows | None) -> Hits:
    if len(found) > 1:
        order = distances.argsort(kind="stable")
        found, distances = found[order], distances[order]
    return Hits(found if rows is None else rows[found], distances)
