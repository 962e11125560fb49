# SPDX-License-Identifier: MIT
"""A missing component must be seen: as a skip with a reason, or as a failure."""

from __future__ import annotations

import sys
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.requirements import VARIABLE, RequirementMissingError, require

MISSING = ("gamenet-no-such-command",)


class RequireTests(SynchronousTestCase):
    """What `require` answers for present and for missing components."""

    def test_present(self) -> None:
        """A component that is there is answered with its path."""
        path = require("python", (*MISSING, sys.executable), "python3")
        self.assertEqual(path, sys.executable)

    def test_missing_is_skipped(self) -> None:
        """A missing component skips the test and names the package to install."""
        self.patch(sys.modules["os"], "environ", {})
        with self.assertRaises(SkipTest) as caught:
            require("chromium", MISSING, "some-package")
        reason = str(caught.exception)
        self.assertIn("install the Debian package `some-package`", reason)

    def test_another_is_demanded(self) -> None:
        """A demand for one component does not turn the skip of another into failure."""
        self.patch(sys.modules["os"], "environ", {VARIABLE: "node"})
        self.assertRaises(SkipTest, require, "chromium", MISSING, "chromium")

    def test_demanded_is_a_failure(self) -> None:
        """A missing component that GAMENET_REQUIRE names fails the test."""
        self.patch(sys.modules["os"], "environ", {VARIABLE: "node, chromium"})
        self.assertRaises(
            RequirementMissingError, require, "chromium", MISSING, "chromium"
        )
