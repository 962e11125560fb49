# SPDX-License-Identifier: MIT
"""Hold what happens to both directions of a link, as one value of one option.

Every place that takes an impairment takes the same things: a text, one `Impairment` for
both ways, two of them, or the `Impairments` that all of these become.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gamenet.transport.conditions import read_conditions
from gamenet.transport.impairment import Impairment

__all__ = ["AnyImpairment", "Impairments"]


@dataclass(frozen=True, slots=True)
class Impairments:
    """What happens to the packets of a link, each way.

    Both are models to copy: `link` makes those that packets go through.

    Example:
        >>> slow = Impairments.from_text("3g; up: loss=10%")
        >>> slow.down.loss, slow.up.loss
        (0.01, 0.1)
    """

    down: Impairment = field(default_factory=Impairment)
    """From the server to the client."""
    up: Impairment = field(default_factory=Impairment)
    """From the client to the server."""

    @classmethod
    def from_text(cls, text: str) -> Impairments:
        """Read a text such as "lte", "latency=80ms loss=5%" or "lte; up: rate=1mbit".

        Raises:
            ConfigError: an unknown key or profile, or a value that is not of its kind.
        """
        conditions = read_conditions(text)
        return cls(
            Impairment(**conditions["down"]),  # type: ignore[arg-type]
            Impairment(**conditions["up"]),  # type: ignore[arg-type]
        )

    @classmethod
    def of(cls, value: AnyImpairment) -> Impairments:
        """Return what was given as the impairment of both ways.

        Raises:
            ConfigError: it is a text that cannot be read.
        """
        if isinstance(value, Impairments):
            return value
        if isinstance(value, str):
            return cls.from_text(value)
        if isinstance(value, Impairment):
            return cls(value, value)
        return cls(*value)

    def reseeded(self, seed: int) -> Impairments:
        """Return fresh models with the same settings and another seed."""
        return Impairments(self.down.reseeded(seed), self.up.reseeded(seed))

    def link(self, number: int) -> Impairments:
        """Return fresh models for one link of many: its chance is its own.

        That one player is hit by a burst of loss does not mean that the next one is.
        """
        return Impairments(
            self.down.reseeded(self.down.seed + 2 * number),
            self.up.reseeded(self.up.seed + 2 * number + 1),
        )


AnyImpairment = str | Impairment | tuple[Impairment, Impairment] | Impairments
"""Whatever an option takes: a text, one for both ways, or down and up."""
