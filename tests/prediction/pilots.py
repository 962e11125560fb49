# SPDX-License-Identifier: MIT
"""Input classes of tests."""

from __future__ import annotations

from typing import ClassVar

from gamenet.prediction import Input, Missing
from gamenet.wire import array, blob, float32, int8, optional, uint32

__all__ = ["INPUTS", "Aim", "Fire", "Paint", "Steer", "Stranger"]


class Steer(Input):
    """Numbered, so that each can be told from all others."""

    number: int = uint32()


class Fire(Input):
    """A button."""

    missing: ClassVar[Missing] = Missing.NOTHING
    number: int = uint32()


class Aim(Input):
    """Has floats everywhere."""

    missing: ClassVar[Missing] = Missing.NEUTRAL
    yaw: float = float32()
    path: list[float] = array(float32(), limit=4)
    zoom: float | None = optional(float32())


class Paint(Input):
    """May be large."""

    pixels: bytes = blob(1000)


class Stranger(Input):
    """Of another game."""

    x: int = int8()


INPUTS = [Steer, Fire, Aim, Paint]
