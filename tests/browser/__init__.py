# SPDX-License-Identifier: MIT
"""Tests of the browser client, run in Node or in Chromium."""
