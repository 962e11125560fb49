# SPDX-License-Identifier: MIT
"""Give pytest what trial has: the reactor of gamenet, and a place for scratch files.

pytest reads this file first, so the reactor is installed before a test module can
import another. trial does not read it: there the reactor is the one of
`trial --reactor=asyncio tests`.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

import pytest
from twisted.internet import asyncioreactor

if "twisted.internet.reactor" not in sys.modules:
    asyncioreactor.install()

import tests  # noqa: F401 - loads the Hypothesis profile, after the reactor


@pytest.fixture(scope="session", autouse=True)
def _scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run the tests in a temporary directory, where `mktemp` makes its files."""
    with contextlib.chdir(tmp_path_factory.mktemp("scratch")):
        yield
