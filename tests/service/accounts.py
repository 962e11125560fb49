# SPDX-License-Identifier: MIT
"""A server that keeps accounts, without the server."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from gamenet.replication import Ledger, shapes_of
from gamenet.world import World
from tests.replication.snapshots import (
    COMPONENTS,
    Life,
    Place,
    entered,
    folded,
    gone,
    message,
    told,
)

CAPACITY = 64
MOVED = folded({(0, 2, 0): 5, (1, 2, 1): 600, (0, 3, 1): 3}, 2)
MESSAGES = (
    message(40, entered([0, 1], 3), entered([2], 4)),
    message(41, told([0, 1], 1, MOVED)),
    message(42, told([0, 1], [2, 1], MOVED), gone([2], [True])),
)


@dataclass
class Part:
    """One part of a snapshot."""

    payload: bytes
    rows: Any = field(default_factory=lambda: np.array([0, 1, 2]))
    levels: Any = field(default_factory=lambda: np.array([3, 1, 1], np.uint8))


@dataclass
class Player:
    """Somebody who plays."""

    name: str


class Watched:
    """What is asked of a server to look into it."""

    def __init__(self) -> None:
        world = World(COMPONENTS, CAPACITY)
        for _ in range(2):
            world.spawn(Place(), Life())
        self.inspection = Ledger(COMPONENTS, CAPACITY, shapes_of(world, COMPONENTS))
        self.players = {7: Player("ada"), 12: Player("<b>")}
        self.game = SimpleNamespace(tick=42, tick_rate=30.0)

    def send(self, player_id: int = 7) -> int:
        """Send a player some ticks; return the bytes."""
        for tick, payload in enumerate(MESSAGES, 40):
            decided = (500.0, 2, np.array([0.5, 2.0, 1.0]))
            self.inspection.sent(player_id, tick, Part(payload), *decided)
        return sum(map(len, MESSAGES))
