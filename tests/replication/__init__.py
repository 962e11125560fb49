# SPDX-License-Identifier: MIT
"""Tests of `gamenet.replication`."""

from __future__ import annotations
