# SPDX-License-Identifier: MIT
"""Tests of what stands in for an input that did not come."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import SchemaError
from gamenet.prediction import Input, InputCodec, Missing, missing_input
from gamenet.wire import uint8
from tests.prediction.pilots import Aim, Fire, Steer


class MissingTests(SynchronousTestCase):
    """Each class says what a tick without it gets."""

    def test_rules(self) -> None:
        """The last one, an instance of the defaults, or nothing."""
        self.assertEqual(missing_input(Steer, Steer(3)), Steer(3))
        self.assertIsNone(missing_input(Steer, None))
        self.assertEqual(missing_input(Aim, Aim(1.0)), Aim())
        self.assertIsNone(missing_input(Fire, Fire(3)))

    def test_default(self) -> None:
        """A stick stays where it was."""
        self.assertIs(Input.missing, Missing.REPEAT)

    def test_hidden(self) -> None:
        """A field that hides the rule is refused with its name."""

        class Bad(Input):
            missing: int = uint8()  # type: ignore[assignment, misc]

        error = self.assertRaises(SchemaError, InputCodec, [Bad])
        self.assertIn("Bad.missing", str(error))
