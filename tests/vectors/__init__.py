# SPDX-License-Identifier: MIT
"""Bytes that the wire must have, made without gamenet."""
