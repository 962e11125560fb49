# SPDX-License-Identifier: MIT
"""Tests of gamenet.wire, one module for each of its own."""
