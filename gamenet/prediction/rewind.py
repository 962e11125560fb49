# SPDX-License-Identifier: MIT
"""See the world as a player saw it: the past, interpolated as their client did it.

A player shoots at what they see, and what they see is old: it was on its way, and then
waited in the buffer that motion is interpolated in. So the server keeps what the wire
has said of some components for some ticks, and can show it again for as long as a shot
is judged. Every frame of inputs tells which moment its player saw.

Source: Yahn Bernier, "Latency Compensating Methods in Client/Server In-game Protocol
Design and Optimization" (2001).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.prediction.frames import Sight
from gamenet.prediction.past_world import PastWorld
from gamenet.prediction.rewound import Rewound
from gamenet.replication import Mirror
from gamenet.world import Component

__all__ = ["MAX_SPAN", "Rewind"]

MAX_SPAN = 15
"""Most ticks between the two snapshots that a client interpolates between."""
MAX_LINES = 4096


class Rewind:
    """Keep the history of components, and show the world as it was.

    Args:
        mirror: of the world to rewind; its words are what clients are told.
        components: what is rewound; of all others the values of now are seen.
        tick_rate: ticks a second.
        max_rewind: seconds that anybody may look back, at most.

    Raises:
        ConfigError: a component is not replicated, or twice there, or a figure is out
            of bounds.
    """

    def __init__(
        self,
        mirror: Mirror,
        components: Collection[type[Component]],
        tick_rate: float,
        max_rewind: float = 0.25,
    ) -> None:
        # The oldest sight is between two lines, and its snapshots may lie far apart.
        back = max_rewind * tick_rate
        n_lines = math.ceil(back) + MAX_SPAN + 2 if 0 <= back < MAX_LINES else 0
        if not n_lines:
            msg = (
                f"max_rewind = {max_rewind} s at {tick_rate} ticks a second: allowed "
                f"are 0 to {MAX_LINES / tick_rate:g} s; 0.25 is usual"
            )
            raise ConfigError(msg)
        for component in components:
            if component not in mirror.components:
                msg = (
                    f"{component.__name__} cannot be rewound: it is no component that "
                    "players are told of; name it in `components`, with an audience"
                )
                raise ConfigError(msg)
        if len(set(components)) < len(components):
            names = ", ".join(component.__name__ for component in components)
            msg = f"each component is rewound once, but got {names}"
            raise ConfigError(msg)
        self.tick_rate = tick_rate
        self.max_rewind = max_rewind
        self.n_clamped = 0
        """Sights that were too old, or of the future, and were taken for nearer."""
        self.n_views = 0
        """How often the past was asked for."""
        self._past = PastWorld(mirror, list(components), n_lines)

    @property
    def tick(self) -> int:
        """Return the newest tick that was recorded; 0 before any."""
        return self._past.tick

    def record(self, tick: int) -> None:
        """Keep the state of a tick, right after the mirror has taken it.

        Ticks that were left out are not remembered, nor is what was before them.

        Raises:
            LocalProtocolError: the tick is not that of the mirror, or not newer than
                the last one, or the world is rewound at this time.
        """
        self._past.record(tick)

    def at(
        self,
        sight: Sight | None,
        keep_rows: Iterable[int] | NDArray[np.intp] = (),
        limit: float | None = None,
    ) -> Rewound:
        """Return the world as it was seen; to be used before the next tick.

        A sight older than the limit is taken for the oldest that is allowed, and one
        of the future for the newest tick; both are counted.

        Args:
            sight: what the player saw; None is the newest tick.
            keep_rows: rows that are shown as they are now: the player's own, which
                they do not see in the past.
            limit: seconds to look back at most, where `max_rewind` is too many.

        Raises:
            LocalProtocolError: the limit is negative or none, or a row is none.
        """
        back = self.max_rewind if limit is None else min(limit, self.max_rewind)
        if not back >= 0.0:
            msg = f"limit = {limit}: give seconds, 0 or more, or None"
            raise LocalProtocolError(msg)
        self.n_views += 1
        newest = self._past.tick
        older = newest
        if sight is not None:
            earliest = max(newest - back * self.tick_rate, self._past.oldest)
            tick = sight.tick
            if not earliest <= tick <= newest:
                self.n_clamped += 1
                tick = earliest if tick < earliest else newest
            older, newer = sight.older, sight.newer
            if not self._is_span(older, tick, newer):
                older, newer = math.floor(tick), math.ceil(tick)
            if older < tick < newer:
                share = (tick - older) / (newer - older)
                return Rewound(self._past, older, newer, share, keep_rows)
            older = int(tick)
        return Rewound(self._past, older, older, 0.0, keep_rows)

    def _is_span(self, older: int, tick: float, newer: int) -> bool:
        """Return whether the view can have been between these two snapshots.

        A client only says so: what cannot be is not believed.
        """
        return (
            self._past.oldest <= older <= tick <= newer <= self._past.tick
            and newer - older <= MAX_SPAN
        )
