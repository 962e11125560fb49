# SPDX-License-Identifier: MIT
"""The tests of gamenet, one folder a package; they run under pytest and under trial.

Hypothesis is set up here, because this is the one file that both runners import: the
same code always sees the same examples, and a failure prints what reproduces it.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("gamenet", derandomize=True, print_blob=True, deadline=None)
settings.load_profile("gamenet")
