# SPDX-License-Identifier: MIT
"""Tests of `gamenet.prediction`."""

from __future__ import annotations
