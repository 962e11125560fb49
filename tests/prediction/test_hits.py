# SPDX-License-Identifier: MIT
"""Tests of hits: what is met, how far away, and in which order."""

from __future__ import annotations

import math
import warnings
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.prediction.hits import (
    FEW,
    FirstHit,
    Hits,
    boxes_touching,
    first_hit,
    ray_boxes,
    ray_spheres,
    spheres_touching,
)

INF, NAN = math.inf, math.nan
NEAR = 1e-9
whole = st.integers(-6, 6)
"""Small whole numbers: exact oracles, and many ties, touches and inside starts."""


def points(n_axes: int):
    """Return a strategy of points."""
    return st.tuples(*[whole] * n_axes)


@st.composite
def scenes(draw, n_points: int):
    """Draw points of one number of axes, targets with a size, and which of them."""
    n_axes = draw(st.sampled_from((2, 3)))
    given_points = [draw(points(n_axes)) for _ in range(n_points)]
    sizes = st.tuples(*[st.integers(0, 3)] * n_axes)
    targets = draw(st.lists(st.tuples(points(n_axes), sizes), max_size=12))
    rows = None
    if targets and draw(st.booleans()):
        rows = draw(st.sets(st.sampled_from(range(len(targets)))).map(sorted))
    limit = draw(st.sampled_from((INF, 0, 3, 7)))
    return given_points, targets, rows, limit


def columns(vectors, n_axes: int):
    """Return vectors as a tuple of float columns."""
    array = np.array(vectors, float).reshape(-1, n_axes).T
    return tuple(np.ascontiguousarray(axis) for axis in array)


def found(hits: Hits) -> dict[int, float]:
    """Return the distances by row, after a look at their order."""
    pairs = list(zip(hits.distances.tolist(), hits.rows.tolist(), strict=True))
    assert pairs == sorted(pairs), pairs
    return {row: distance for distance, row in pairs}


def ray_sphere(origin, direction, center, radius) -> float | None:
    """Return the distance to a sphere, NaN where it only touches, None for a miss."""
    apart = [o - c for o, c in zip(origin, center, strict=True)]
    a = sum(d * d for d in direction)
    b = sum(m * d for m, d in zip(apart, direction, strict=True))
    c = sum(m * m for m in apart) - radius * radius
    room = b * b - a * c
    if c < 0 or (c == 0 and a == 0):
        return 0.0
    if c == 0 or (a and room == 0 and b <= 0):
        return NAN  # either answer is right: rounding decides
    if a == 0 or b > 0 or room < 0:
        return None
    return (-b - math.sqrt(room)) / math.sqrt(a)


def ray_box(origin, direction, center, half) -> float | None:
    """Return the distance to a box, by exact fractions; None if it is missed."""
    enter, leave = Fraction(0), None
    for o, d, c, h in zip(origin, direction, center, half, strict=True):
        low, high = Fraction(c - h - o), Fraction(c + h - o)
        if d == 0:
            if not low <= 0 <= high:
                return None
            continue
        one, other = sorted((low / d, high / d))
        enter = max(enter, one)
        leave = other if leave is None else min(leave, other)
    if leave is not None and enter > leave:
        return None
    return float(enter) * math.hypot(*direction)


def chosen(rows: list[int] | None):
    """Return rows as an array."""
    return None if rows is None else np.array(rows, np.intp)


class RayTests(SynchronousTestCase):
    """A ray meets what a slow and exact search finds."""

    def agree(self, hits: Hits, exact: dict[int, float | None], limit: float) -> None:
        """Fail unless what is met is what is exactly met, at the same distance."""
        hit = found(hits)
        for row, distance in exact.items():
            if distance is None:
                self.assertNotIn(row, hit)
            elif not math.isnan(distance) and abs(distance - limit) > NEAR:
                self.assertEqual(row in hit, distance <= limit, (row, distance))
            if row in hit and not math.isnan(distance):
                self.assertAlmostEqual(hit[row], distance, delta=NEAR)
        self.assertLessEqual(set(hit), set(exact))

    @given(scenes(2))
    def test_spheres(self, scene) -> None:
        """Spheres are met at the distance of the exact solution."""
        (origin, direction), targets, rows, limit = scene
        centers = columns([center for center, _ in targets], len(origin))
        radii = np.array([size[0] for _, size in targets], float)
        hits = ray_spheres(
            origin, direction, centers, radii, rows=chosen(rows), max_distance=limit
        )
        exact = {
            row: ray_sphere(origin, direction, center, size[0])
            for row, (center, size) in enumerate(targets)
            if rows is None or row in rows
        }
        self.agree(hits, exact, limit)

    @given(scenes(2))
    def test_boxes(self, scene) -> None:
        """Boxes are met at the distance of the exact solution."""
        (origin, direction), targets, rows, limit = scene
        centers = columns([center for center, _ in targets], len(origin))
        halves = columns([size for _, size in targets], len(origin))
        hits = ray_boxes(
            origin, direction, centers, halves, rows=chosen(rows), max_distance=limit
        )
        exact = {
            row: ray_box(origin, direction, center, size)
            for row, (center, size) in enumerate(targets)
            if rows is None or row in rows
        }
        hit = found(hits)
        for row in list(exact):
            if (row in hit) != (exact[row] is not None) and _is_edge(
                origin, direction, *targets[row]
            ):
                exact[row] = NAN
        self.agree(hits, exact, limit)

    def test_one_radius(self) -> None:
        """One size may be that of all, and columns may be one array."""
        centers = np.array([[5.0, 9.0, 5.0], [0.0, 0.0, 3.0]])
        hits = ray_spheres((0, 0), (2, 0), centers, 1.0)
        self.assertEqual(found(hits), {0: 4.0, 1: 8.0})
        hits = ray_boxes((0, 0), (2, 0), centers, (1.0, 3.0), max_distance=7)
        self.assertEqual(found(hits), {0: 4.0, 2: 4.0})

    def test_within(self) -> None:
        """Who begins within a target meets it at once; what is behind is not met."""
        centers = np.array([[0.5, -5.0], [0.0, 0.0], [0.0, 0.0]])
        for meets in (
            ray_spheres((0, 0, 0), (1, 0, 0), centers, 1.0),
            ray_boxes((0, 0, 0), (1, 0, 0), centers, (1, 1, 1)),
            ray_spheres((0, 0, 0), (0, 0, 0), centers, 1.0),
            ray_boxes((0, 0, 0), (0, 0, 0), centers, (1, 1, 1)),
            ray_spheres((0, 0, 0), (0, 0, 1), centers, 1.0, max_distance=0),
        ):
            self.assertEqual(found(meets), {0: 0.0})

    def test_ties(self) -> None:
        """Of what is equally near the lowest row comes first."""
        centers = np.array([[9.0, 5.0, 5.0, 9.0, 5.0], [0.0] * 5])
        rows = np.array([0, 1, 3, 4])
        for hits in (
            ray_spheres((0, 0), (1, 0), centers, 1.0, rows=rows),
            ray_boxes((0, 0), (1, 0), centers, (1, 1), rows=rows),
            spheres_touching((0, 0), 50.0, centers, 1.0, rows=rows),
            boxes_touching((0, 0), (50, 50), centers, (1, 1), rows=rows),
        ):
            self.assertEqual(hits.rows.tolist(), [1, 4, 0, 3])

    def test_small_and_large_directions(self) -> None:
        """Only where a direction goes matters, not how long it is."""
        centers = np.array([[3.0], [4.0]])
        for length in (1e-300, 1e-9, 1.0, 1e150):
            hits = ray_spheres((0, 0), (3 * length, 4 * length), centers, 1.0)
            self.assertAlmostEqual(found(hits)[0], 4.0)
            hits = ray_boxes((0, 0), (3 * length, 4 * length), centers, (0.6, 0.8))
            self.assertAlmostEqual(found(hits)[0], 4.0)


class TouchTests(SynchronousTestCase):
    """A body touches what a slow and exact search finds."""

    @given(scenes(1), st.integers(0, 4))
    def test_spheres(self, scene, radius: int) -> None:
        """Spheres touch when their centers are near enough."""
        (center,), targets, rows, _ = scene
        centers = columns([each for each, _ in targets], len(center))
        radii = np.array([size[0] for _, size in targets], float)
        hits = spheres_touching(center, radius, centers, radii, rows=chosen(rows))
        exact = {
            row: math.dist(center, each)
            for row, (each, size) in enumerate(targets)
            if (rows is None or row in rows)
            and sum((c - e) ** 2 for c, e in zip(center, each, strict=True))
            <= (radius + size[0]) ** 2
        }
        self.assertEqual(found(hits), exact)

    @given(scenes(2))
    def test_boxes(self, scene) -> None:
        """Boxes touch when they overlap on every axis."""
        (center, half), targets, rows, _ = scene
        half = tuple(map(abs, half))
        centers = columns([each for each, _ in targets], len(center))
        halves = columns([size for _, size in targets], len(center))
        hits = boxes_touching(center, half, centers, halves, rows=chosen(rows))
        exact = {
            row: math.dist(center, each)
            for row, (each, size) in enumerate(targets)
            if (rows is None or row in rows)
            and all(
                abs(c - e) <= h + s
                for c, e, h, s in zip(center, each, half, size, strict=True)
            )
        }
        self.assertEqual(found(hits), exact)

    def test_few_and_many(self) -> None:
        """Who is touched, and how far away, does not depend on who else is near."""
        random = np.random.default_rng(3)
        for n_axes in (2, 3):
            centers = random.uniform(-1.0, 1.0, (n_axes, 400))
            middle = random.uniform(-0.1, 0.1, n_axes)
            for radii in (0.3, random.uniform(0.0, 0.5, 400)):
                many = found(spheres_touching(middle, 0.5, centers, radii))
                self.assertGreater(len(many), FEW)
                few = {}
                for row in range(400):
                    row_of = np.array([row])
                    few |= found(
                        spheres_touching(middle, 0.5, centers, radii, rows=row_of)
                    )
                self.assertEqual(many, few)

    def test_far_apart(self) -> None:
        """What is far too far off is not touched, however many are near on one axis."""
        for n in (2 * FEW, 3):
            for dtype in (np.float32, np.float64):
                most = float(np.finfo(dtype).max)
                centers = np.zeros((2, n), dtype)
                centers[1, :-1] = most
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    for radii in (1.0, np.ones(n), np.ones(n, np.float32)):
                        hits = spheres_touching((0, -most), 1.0, centers, radii)
                        self.assertEqual(found(hits), {})
                        hits = spheres_touching((0, 0), 1.0, centers, radii)
                        self.assertEqual(found(hits), {n - 1: 0.0})


class EdgeTests(SynchronousTestCase):
    """What is not finite, negative, or does not fit."""

    def test_targets_without_a_place(self) -> None:
        """What has no finite place or size, or a negative one, is never met."""
        bad = [INF, -INF, NAN, 5.0, 5.0, 5.0, 5.0, 1e300]
        sizes = np.array([9.0, 9.0, 9.0, NAN, INF, -INF, -9.0, 9.0])
        for n_axes in (2, 3):
            origin, aim = (0.0,) * n_axes, (1.0,) + (0.0,) * (n_axes - 1)
            for axis in range(n_axes):
                centers = np.zeros((n_axes, len(bad)))
                centers[axis] = bad
                halves = [sizes] * n_axes
                for direction in (aim, origin):
                    for hits in (
                        ray_spheres(origin, direction, centers, sizes, max_distance=99),
                        ray_boxes(origin, direction, centers, halves, max_distance=99),
                        spheres_touching(origin, 9.0, centers, sizes),
                        boxes_touching(origin, (9.0,) * n_axes, centers, halves),
                    ):
                        self.assertEqual(found(hits), {}, (axis, direction))
            far = np.full((n_axes, 1), INF)
            self.assertEqual(found(ray_boxes(origin, aim, far, aim)), {})

    def test_no_targets(self) -> None:
        """Of no targets none is met."""
        nothing = np.empty((2, 0))
        some, no_rows = np.zeros((2, 3)), np.empty(0, np.intp)
        for centers, rows in ((nothing, None), (some, no_rows), (nothing, no_rows)):
            for hits in (
                ray_spheres((0, 0), (1, 0), centers, 1.0, rows=rows),
                ray_boxes((0, 0), (1, 0), centers, (1, 1), rows=rows),
                spheres_touching((0, 0), 1.0, centers, 1.0, rows=rows),
                boxes_touching((0, 0), (1, 1), centers, (1, 1), rows=rows),
            ):
                self.assertEqual((len(hits.rows), len(hits.distances)), (0, 0))

    def test_refused(self) -> None:
        """What asks must be finite, and of one number of axes."""
        at = np.zeros((2, 3))
        for call, words in (
            (lambda: ray_spheres((NAN, 0), (1, 0), at, 1.0), "origin = .*not finite"),
            (lambda: ray_spheres((0, 0), (INF, 0), at, 1.0), "direction"),
            (lambda: ray_boxes((0, 0), (0, -INF), at, (1, 1)), "direction"),
            (lambda: ray_spheres((0, 0), (1, 0), at, NAN), "radii = nan"),
            (lambda: ray_spheres((0, 0), (1, 0), at, -1.0), "radii = -1"),
            (lambda: ray_spheres((0, 0), (1, 0), at, 1.0, max_distance=NAN), "max_d"),
            (lambda: ray_boxes((0, 0), (1, 0), at, (1, 1), max_distance=-1), "max_d"),
            (lambda: ray_boxes((0, 0), (1, 0), at, (1, INF)), "halves = inf"),
            (lambda: ray_boxes((0, 0), (1, 0), at, (1,)), "halves have 1 axes"),
            (lambda: ray_spheres((0,), (1,), at, 1.0), "allowed are 2 or 3"),
            (lambda: ray_spheres((0, 0), (1, 0, 0), at, 1.0), "allowed are 2, as"),
            (lambda: ray_spheres((0, 0, 0), (1, 0, 0), at, 1.0), "centers have 2"),
            (lambda: spheres_touching((0, NAN), 1.0, at, 1.0), "center"),
            (lambda: spheres_touching((0, 0), INF, at, 1.0), "radius = inf"),
            (lambda: boxes_touching((0, 0), (1, -1), at, (1, 1)), "half = -1"),
            (lambda: boxes_touching((0, 0), (1, NAN), at, (1, 1)), "half"),
        ):
            with self.assertRaisesRegex(LocalProtocolError, words):
                call()


class FirstTests(SynchronousTestCase):
    """The nearest of several results."""

    def test_first(self) -> None:
        """The nearest comes first; of equally near ones that of the first argument."""
        walls = Hits(np.array([4, 2]), np.array([3.0, 5.0]))
        ships = Hits(np.array([7]), np.array([3.0]))
        near = Hits(np.array([1]), np.array([2.5]))
        nothing = Hits(np.empty(0, np.intp), np.empty(0))
        self.assertEqual(first_hit(walls, ships), FirstHit(0, 4, 3.0))
        self.assertEqual(first_hit(ships, walls), FirstHit(0, 7, 3.0))
        self.assertEqual(first_hit(nothing, ships, near), FirstHit(2, 1, 2.5))
        self.assertIsNone(first_hit(nothing))
        self.assertIsNone(first_hit())


def _is_edge(origin, direction, center, half) -> bool:
    """Return whether a ray meets no inner point of a box that is a hair smaller."""
    hair = Fraction(1, 10**9)
    smaller = [size - hair for size in half]
    larger = [size + hair for size in half]
    return (ray_box(origin, direction, center, smaller) is None) and (
        ray_box(origin, direction, center, larger) is not None
    )
