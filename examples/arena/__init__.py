# SPDX-License-Identifier: MIT
"""A top-down space arena: turn, thrust, shoot, and mind the asteroids."""

from .game import Arena

__all__ = ["Arena"]
