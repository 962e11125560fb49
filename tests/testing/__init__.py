# SPDX-License-Identifier: MIT
"""Tests of `gamenet.testing`."""

from __future__ import annotations
