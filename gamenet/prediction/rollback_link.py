# SPDX-License-Identifier: MIT
"""What a rollback session knows of one peer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

from gamenet.prediction.checkpoints import Checkpoints
from gamenet.prediction.desync import Divergence
from gamenet.prediction.frame_advantage import FrameAdvantage
from gamenet.prediction.rollback_line import PlayerLine
from gamenet.prediction.snapshot_parts import OutgoingSnapshot

__all__ = ["RollbackLink"]

Item = TypeVar("Item")

MAX_SUMS = 128
"""Checksums of a peer that wait for our own."""


class RollbackLink:
    """What one peer has said, and has been told.

    Args:
        peer: what the peer is called.
    """

    def __init__(self, peer: Hashable) -> None:
        self.peer = peer
        self.players: set[int] = set()
        """Whose inputs come from it."""
        self.is_started = False
        """Whether both sides have the match."""
        self.is_ready = False
        """Whether it has caught up with the match."""
        self.snapshot: OutgoingSnapshot | None = None
        """The match on its way to it."""
        self.since = 0
        """The tick of that."""
        self.changes_acked = 0
        """Up to which change it knows who plays."""
        self.newest = 0
        """Its newest tick."""
        self.settled = 0
        """What it says is settled; of a peer that is no host, what it has confirmed."""
        self.agreed = 0
        """The newest tick in which its checksum was ours."""
        self.agreed_there = 0
        """The newest tick in which ours was its own."""
        self.advantage = FrameAdvantage()
        self.divergence: Divergence | None = None
        """The search for where it has gone another way."""
        self.is_diverged = False
        """Whether it has: then its checksums are compared no more."""
        self.outbox: list[bytes] = []
        """Messages to be sent reliably."""
        self.n_packets = 0
        """Packets taken."""
        self.n_refused = 0
        """Packets and messages refused."""
        self._acked: dict[int, int] = {}
        self._sums: dict[int, int] = {}
        self._turn = 0

    def acked(self, line: PlayerLine) -> int:
        """Return up to which tick the peer has a player's inputs."""
        return self._acked.get(line.player, max(self.since, line.first - 1))

    def ack(self, player: int, tick: int) -> None:
        """Note that the peer has a player's inputs up to a tick."""
        self._acked[player] = max(tick, self._acked.get(player, 0))

    def forget_player(self, player: int) -> None:
        """Forget what the peer has of a player who is gone."""
        self._acked.pop(player, None)
        self.players.discard(player)

    def inputs(
        self, lines: Iterable[PlayerLine]
    ) -> list[tuple[int, list[tuple[int, bytes]]]]:
        """Return what the peer has not acknowledged, each time of another one first."""
        waiting = [(line.player, list(line.after(self.acked(line)))) for line in lines]
        self._turn += 1
        return self.in_turn([each for each in waiting if each[1]])

    def in_turn(self, items: list[Item]) -> list[Item]:
        """Return items with another one first in each packet: not all may fit."""
        turn = self._turn % len(items) if items else 0
        return items[turn:] + items[:turn]

    def hear_checks(self, checks: Iterable[tuple[int, int]]) -> None:
        """Take the peer's checksums."""
        for tick, checksum in checks:
            if tick > self.agreed and len(self._sums) < MAX_SUMS:
                self._sums[tick] = checksum

    def compare(self, checkpoints: Checkpoints) -> int | None:
        """Compare checksums where there are two; return a tick in which they differ."""
        for tick in sorted(self._sums):
            ours = checkpoints.at(tick)
            if ours is None and not checkpoints.is_over(tick):
                break
            if ours is not None and ours.checksum != self._sums[tick]:
                return tick
            del self._sums[tick]
            self.agreed = tick
        return None
