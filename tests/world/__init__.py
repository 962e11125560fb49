# SPDX-License-Identifier: MIT
"""Tests of `gamenet.world`."""

from __future__ import annotations
