# SPDX-License-Identifier: MIT
"""Tests of `gamenet.connection`."""

from __future__ import annotations
