# SPDX-License-Identifier: MIT
"""How a player's screen shows a component: predicted, interpolated or as it comes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from gamenet.errors import ConfigError

__all__ = ["Show", "Shown"]


class Show(Enum):
    """Where the values that a player sees come from."""

    PREDICTED = "predicted"
    """Computed ahead of the server from the player's own inputs."""
    INTERPOLATED = "interpolated"
    """Between the two newest values that surround a moment in the past."""
    SNAPPED = "snapped"
    """As the newest snapshot says."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The settings of a component, the same for every entity that has it.

    Raises:
        ConfigError: a setting that makes no sense.

    Example:
        class Position(Component):
            shown = Shown(tolerance=0.05, snap=8.0)
            x: float = fixed(-64, 64, step=1 / 32)
            y: float = fixed(-64, 64, step=1 / 32)
    """

    own: Show | None = None
    """Of entities that the player owns; None: predicted if a predicted function of the
    game changes it, else as it is for others."""
    others: Show | None = None
    """Of all other entities; None: interpolated if it has fields that can slide, which
    are floats, fixed-point numbers, angles and quaternions, else snapped."""
    tolerance: float = 0.0
    """Difference up to which a prediction counts as right, in units of the values."""
    snap: float = math.inf
    """Distance of two samples, or size of a correction, from which it jumps instead of
    sliding, in units of the values."""
    half_life: float = 0.04
    """Seconds in which what a correction leaves in the view halves; 0: it jumps."""
    extrapolate: float = 0.1
    """Seconds for which others go on at most while nothing is heard of them."""

    def __post_init__(self) -> None:
        chosen: dict[str, object] = {"own": self.own, "others": self.others}
        for name, show in chosen.items():
            if not (show is None or isinstance(show, Show)):
                msg = f"Shown({name}={show!r}): give a member of Show, or None"
                raise ConfigError(msg)
        if self.others is Show.PREDICTED:
            msg = (
                "Shown(others=Show.PREDICTED): nobody has the inputs of other players; "
                "give Show.INTERPOLATED or Show.SNAPPED"
            )
            raise ConfigError(msg)
        for name in ("tolerance", "half_life", "extrapolate"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                msg = f"Shown({name}={value}): give a finite number, 0 or more"
                raise ConfigError(msg)
        if not self.snap > 0:
            msg = f"Shown(snap={self.snap}): give a number above 0, or inf for never"
            raise ConfigError(msg)
