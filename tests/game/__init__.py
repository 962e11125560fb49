# SPDX-License-Identifier: MIT
"""Tests of `gamenet.game`."""
