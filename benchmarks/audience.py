# SPDX-License-Identifier: MIT
"""A sender of the swarm, and clients that acknowledge what it says some ticks later.

Nothing travels and nothing is lost: this is the work of the server in a steady match,
the parts of it one after another, so that each can be timed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from benchmarks.swarm import COMPONENTS, Moves, Rows, Swarm
from gamenet.replication import Sender
from gamenet.world import World

__all__ = ["PART_SIZE", "Audience"]

PART_SIZE = 1136
"""Bytes of a message that fits a datagram."""
EVERYONE = 1
"""The level of who may see what everybody may."""


class Audience:
    """Viewers of one sender.

    Args:
        n_bodies: of the swarm.
        delays: of each viewer: how many ticks before the present one is the newest that
            it has acknowledged.
        share: of the bodies that moves in a tick.
        seed: of the swarm.
        is_steady: whether the same bodies move in every tick.
        n_seen: how many bodies each viewer sees, those that are nearest to the body of
            its own number; None shows it all of them.
        part_size: bytes of a message.
    """

    def __init__(
        self,
        n_bodies: int,
        delays: Sequence[int],
        *,
        share: float = 0.1,
        seed: int = 1,
        is_steady: bool = False,
        n_seen: int | None = None,
        part_size: int = PART_SIZE,
    ) -> None:
        self.tick = 0
        self.world = World(COMPONENTS, n_bodies)
        self.swarm = Swarm(self.world, share=share, seed=seed, is_steady=is_steady)
        self.start = self.swarm.everything()
        self.sender = Sender(self.world, part_size=part_size)
        self.viewers = [self.sender.admit(i + 1) for i in range(len(delays))]
        self.views: list[Rows] = []
        self._delays = delays
        self._under_way: defaultdict[int, list[tuple[Any, int]]] = defaultdict(list)
        self._n_messages = 0
        if n_seen is not None:
            self.views = [self.swarm.near(i, n_seen) for i in range(len(delays))]
            for viewer, rows in zip(self.viewers, self.views, strict=True):
                viewer.level.fill(0)
                viewer.level[rows] = EVERYONE
                viewer.see(self.world.query(), 1)

    def move(self) -> Moves:
        """Begin a tick; return what moves in it, not written yet."""
        self.tick += 1
        self.world.tick = self.tick
        return self.swarm.move()

    def write(self, moves: Moves) -> None:
        """Write what moves into the world."""
        self.swarm.write(moves)

    def encode(self) -> list[list[Any]]:
        """Return what each viewer is told in this tick."""
        self.sender.begin(self.tick)
        return self.tell()

    def tell(self) -> list[list[Any]]:
        """Return what each viewer is told, once the sender has begun the tick."""
        parts = self.sender.parts
        return [parts(viewer) for viewer in self.viewers]

    def send(self, told: list[list[Any]]) -> None:
        """Note that it was sent."""
        for viewer, delay, parts in zip(self.viewers, self._delays, told, strict=True):
            due = self._under_way[self.tick + delay - 1]
            for part in parts:
                self._n_messages += 1
                viewer.sent(part, self._n_messages)
                due.append((viewer, self._n_messages))

    def acknowledge(self) -> None:
        """Let the acknowledgements come that come before the next tick."""
        for viewer, message in self._under_way.pop(self.tick, ()):
            viewer.acknowledge(message)

    def pass_ticks(self, n_ticks: int) -> None:
        """Let ticks pass that are not measured."""
        for _ in range(n_ticks):
            self.write(self.move())
            self.send(self.encode())
            self.acknowledge()
