# SPDX-License-Identifier: MIT
"""The game of the tutorial, one module for each chapter."""

from __future__ import annotations
