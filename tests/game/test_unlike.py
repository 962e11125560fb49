# SPDX-License-Identifier: MIT
"""Tests of finding where two values differ."""

from __future__ import annotations

import copy
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game.unlike import first_unlike


class UnlikeTests(SynchronousTestCase):
    """Where two values differ."""

    def test_same(self) -> None:
        """Copies are alike, NaN too, and whatever refers to itself."""
        loop: list[Any] = [1]
        loop.append(loop)
        value = {
            "nan": float("nan"),
            "array": np.array([1.0, np.nan]),
            "deque": deque([1, (2, 3)]),
            "text": "words",
            "bytes": b"bytes",
            "set": {1, 2},
            "object": SimpleNamespace(a=[1]),
            "loop": loop,
            "objects": np.array([[1, "a"], [None, (2,)]], object),
            "records": np.array([(1, [2])], [("a", "i4"), ("b", object)]),
            "nothing": None,
        }
        self.assertIsNone(first_unlike(value, copy.deepcopy(value), "it"))

    def test_different(self) -> None:
        """The path to the first difference is told, with both values."""

        class Plain:
            def __init__(self, **values: Any) -> None:
                vars(self).update(values)

        pairs = np.zeros(2, [("a", "i4"), ("b", "f8")])
        other = pairs.copy()
        objects = np.array([1, "a"], object)
        other["b"][1] = 5
        for one, two, expected in (
            (1, 2, ("it", 1, 2)),
            (1, 1.0, ("it", 1, 1.0)),
            (0.0, -0.0, ("it", 0.0, -0.0)),
            ([1, [2]], [1, [3]], ("it[1][0]", 2, 3)),
            ([1], [1, 2], ("length of it", 1, 2)),
            ({1}, {2}, ("it", {1}, {2})),
            (deque([1]), deque([2]), ("it[0]", 1, 2)),
            ({"k": 1}, {"k": 2}, ("it['k']", 1, 2)),
            ({1: 0, 2: 0}, {2: 0, 1: 0}, ("keys of it", [1, 2], [2, 1])),
            (Plain(a=1), Plain(a=2), ("it.a", 1, 2)),
            (Plain(a=1), Plain(), ("it.a", 1, "nothing")),
            (np.zeros(2), np.array([0.0, 1.0]), ("it[1]", 0.0, 1.0)),
            (np.zeros(2), np.zeros(3), ("it.shape", (2,), (3,))),
            (np.zeros(1, "i4"), np.zeros(1, "i8"), ("it.dtype", "int32", "int64")),
            (pairs, other, ("it['b'][1]", 0.0, 5.0)),
            (objects, np.array([1, "b"], object), ("it[1]", "a", "b")),
            (np.float32(1), np.float32(2), ("it", 1.0, 2.0)),
        ):
            self.assertEqual(first_unlike(one, two, "it"), expected)
