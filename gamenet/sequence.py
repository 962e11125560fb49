# SPDX-License-Identifier: MIT
"""Serial arithmetic on numbers that wrap around.

Packet and message sequences are 16 bits, ticks on the wire are 32 bits. Of two such
numbers the newer is the one less than half the circle ahead.

Source: RFC 1982, section 3.2.
"""

from __future__ import annotations

__all__ = ["distance16", "distance32", "is_newer16", "is_newer32"]


def distance16(newer: int, older: int) -> int:
    """Return how far `newer` is ahead of `older`, from -32768 to 32767."""
    return ((newer - older + 0x8000) & 0xFFFF) - 0x8000


def is_newer16(candidate: int, reference: int) -> bool:
    """Return whether a 16-bit sequence comes after another."""
    return 0 < ((candidate - reference) & 0xFFFF) < 0x8000


def distance32(newer: int, older: int) -> int:
    """Return how far `newer` is ahead of `older`, from -2**31 to 2**31 - 1."""
    return ((newer - older + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def is_newer32(candidate: int, reference: int) -> bool:
    """Return whether a 32-bit sequence comes after another."""
    return 0 < ((candidate - reference) & 0xFFFFFFFF) < 0x80000000
