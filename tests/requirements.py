# SPDX-License-Identifier: MIT
"""What some tests need beside Python, and what happens where it is missing.

A test asks for its component here. If the machine lacks it the test is skipped with a
reason that names the package to install; where the environment variable
GAMENET_REQUIRE names the component (`GAMENET_REQUIRE=chromium,node`) the same lack is a
failure, so that a continuous integration run cannot pass by skipping.
"""

from __future__ import annotations

import os
import re
import shutil
from unittest import SkipTest

VARIABLE = "GAMENET_REQUIRE"


class RequirementMissingError(AssertionError):
    """Report that a component is missing which GAMENET_REQUIRE demands."""


def require(component: str, commands: tuple[str, ...], package: str) -> str:
    """Return the path of the first of `commands` that is installed.

    Raises:
        SkipTest: If none is, naming the Debian package to install.
        RequirementMissingError: If none is and GAMENET_REQUIRE names the component.
    """
    for command in commands:
        path = shutil.which(command)
        if path is not None:
            return path
    reason = (
        f"{component} is not installed (looked for {', '.join(commands)}): "
        f"install the Debian package `{package}`"
    )
    if component in re.split(r"[,\s]+", os.environ.get(VARIABLE, "")):
        message = f"{reason}; {VARIABLE} names it, so this is no skip"
        raise RequirementMissingError(message)
    raise SkipTest(reason)


def chromium_path() -> str:
    """Return the path of Chromium, or skip (or fail) the calling test."""
    return require("chromium", ("chromium", "chromium-browser"), "chromium")


def node_path() -> str:
    """Return the path of Node, or skip (or fail) the calling test."""
    return require("node", ("node", "nodejs"), "nodejs")
