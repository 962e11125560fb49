# SPDX-License-Identifier: MIT
"""Tests of how components say that they are shown."""

from __future__ import annotations

import dataclasses
import math

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, SchemaError
from gamenet.wire import uint8
from gamenet.world import Component, Show, Shown
from tests.world.shapes import Health


class ShownTests(SynchronousTestCase):
    """A component says how it is shown, and which differences matter."""

    def test_default(self) -> None:
        """Without a word, the game and the kinds of the fields decide."""
        self.assertEqual(Health.shown, Shown())
        self.assertEqual((Shown().own, Shown().others), (None, None))
        self.assertEqual(Shown().tolerance, 0.0)
        self.assertEqual(Shown().snap, math.inf)
        self.assertEqual((Shown().half_life, Shown().extrapolate), (0.04, 0.1))

    def test_declared(self) -> None:
        """What a class says is its own, and that of those derived from it."""

        class Hidden(Component):
            shown = Shown(own=Show.SNAPPED, others=Show.INTERPOLATED, snap=3)
            rounds: int = uint8()

        class MoreHidden(Hidden):
            more: int = uint8()

        self.assertIs(Hidden.shown.own, Show.SNAPPED)
        self.assertIs(MoreHidden.shown, Hidden.shown)
        self.assertEqual([f.name for f in Hidden.schema_fields], ["rounds"])
        self.assertEqual(Health.shown, Shown())

    def test_frozen(self) -> None:
        """It does not change: both sides go by it."""
        with self.assertRaises(dataclasses.FrozenInstanceError):
            Health.shown.snap = 3  # type: ignore[misc]

    def test_shows(self) -> None:
        """Both ways of showing are members of Show, if they are given."""
        for name in ("own", "others"):
            error = self.assertRaises(ConfigError, Shown, **{name: "predicted"})
            self.assertIn(f"{name}='predicted'", str(error))
        for show in (None, *Show):
            self.assertIs(Shown(own=show).own, show)

    def test_others_are_not_predicted(self) -> None:
        """Nobody knows what other players are doing now."""
        error = self.assertRaises(ConfigError, Shown, others=Show.PREDICTED)
        self.assertIn("others=Show.PREDICTED", str(error))

    def test_limits(self) -> None:
        """Distances and times are finite and not negative."""
        Shown(tolerance=0, half_life=0, extrapolate=0)
        for name in ("tolerance", "half_life", "extrapolate"):
            for value in (-0.1, math.inf, math.nan):
                error = self.assertRaises(ConfigError, Shown, **{name: value})
                self.assertIn(f"{name}={value}", str(error))

    def test_snap(self) -> None:
        """A jump is longer than nothing; none at all is one without a limit."""
        Shown(snap=1e-9)
        for value in (-1.0, 0.0, math.nan):
            error = self.assertRaises(ConfigError, Shown, snap=value)
            self.assertIn(f"snap={value}", str(error))

    def test_something_else(self) -> None:
        """Anything else under that name is refused when the class is made."""

        def declare() -> None:
            class Broken(Component):
                shown = 3  # type: ignore[assignment]

        error = self.assertRaises(SchemaError, declare)
        self.assertIn("Broken.shown is 3", str(error))
