# SPDX-License-Identifier: MIT
"""The inputs of one player, tick by tick: what is known, and what stands in for it.

A line begins with the tick in which its player joins and ends with the one in which
they leave. Between the two there may be spans of ticks in which the player is away:
nobody waits for their inputs then, and all peers take the same in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gamenet.prediction.inputs import Input

__all__ = ["EVER", "KnownInputs", "PlayerLine"]

EVER = 1 << 60
"""A tick after all others."""
MAX_TOLD = 256
"""Ticks' inputs that are looked at for one packet."""


class KnownInputs(NamedTuple):
    """What a player does in a tick, and the same as bytes."""

    part: bytes
    inputs: tuple[Input, ...]


NOTHING = KnownInputs(b"\0", ())

Guess = Callable[[int, tuple[Input, ...]], KnownInputs]
"""What stands in for the inputs of a player, given the last that are known."""


class PlayerLine:
    """Keep the inputs of a player.

    Args:
        player: the player's id.
        about: what everybody is told of the player, such as a name.
        first: the tick in which the player joins.
    """

    def __init__(self, player: int, about: bytes, first: int) -> None:
        self.player = player
        self.about = about
        self.first = first
        self.newest = first - 1
        """Up to this tick all inputs are known that there will ever be."""
        self.away: list[list[int]] = []
        """Spans of ticks, [from, before), in which the player is away."""
        self.gone_from = EVER
        """The tick in which the player leaves."""
        self.reason = 0
        """Why the player leaves."""
        self.base = NOTHING
        """The newest inputs that were forgotten."""
        self._known: dict[int, KnownInputs] = {}

    def __len__(self) -> int:
        """Return how many ticks' inputs are kept."""
        return len(self._known)

    @property
    def is_away(self) -> bool:
        """Return whether the player is away, or will be, until further notice."""
        return bool(self.away) and self.away[-1][1] == EVER

    @property
    def complete(self) -> int:
        """Return up to which tick nothing is missing any more."""
        ends = min(self.gone_from, self.away[-1][0] if self.is_away else EVER)
        return EVER if self.newest >= ends - 1 else self.newest

    def plays(self, tick: int) -> bool:
        """Return whether the player is in the match in a tick."""
        return self.first <= tick < self.gone_from

    def known(self, tick: int) -> KnownInputs | None:
        """Return the inputs of a tick if they are there."""
        return self._known.get(tick)

    def add(self, known: KnownInputs) -> int:
        """Take the inputs of the tick after the newest; return that tick."""
        self.newest += 1
        self._known[self.newest] = known
        tick = self.newest
        self._skip_away()
        return tick

    def inputs(self, tick: int, guess: Guess) -> KnownInputs:
        """Return what the player does in a tick, as far as anybody can tell.

        Args:
            tick: in which they play.
            guess: what to take where it is not known.
        """
        return self._known.get(tick) or guess(
            self.player, self.newest_before(tick).inputs
        )

    def leave_alone(self, tick: int) -> None:
        """Let the player be away from a tick on, until `come_back`."""
        self.away.append([tick, EVER])
        self._drop_from(tick)

    def come_back(self, tick: int) -> None:
        """Wait for the player's inputs again, from a tick on."""
        self.away[-1][1] = tick
        self._skip_away()

    def end(self, tick: int, reason: int) -> None:
        """Let the player leave in a tick."""
        self.gone_from, self.reason = tick, reason
        self._drop_from(tick)

    def begin_after(self, tick: int) -> None:
        """Take everything up to a tick as known: a snapshot was made there."""
        self.newest = max(self.newest, tick)
        for begin, end in self.away:
            if begin <= tick < end:
                self.newest = begin - 1
        self._skip_away()

    def forget(self, through: int) -> None:
        """Forget the inputs of all ticks up to one."""
        known = self._known
        while known:
            tick = next(iter(known))
            if tick > through:
                break
            self.base = known.pop(tick)
        while self.away and self.away[0][1] <= through:
            self.away.pop(0)

    def after(self, tick: int) -> Sequence[tuple[int, bytes]]:
        """Return known inputs after a tick as bytes, oldest first: the first few."""
        begin = max(tick + 1, self._oldest())
        end = min(self.newest + 1, begin + MAX_TOLD)
        return [
            (each, self._known[each].part)
            for each in range(begin, end)
            if each in self._known
        ]

    def _oldest(self) -> int:
        return next(iter(self._known), self.newest + 1)

    def newest_before(self, tick: int) -> KnownInputs:
        """Return the newest inputs that are known and older than a tick."""
        before = min(tick - 1, self.newest)
        for begin, end in reversed(self.away):
            if begin <= before < end:
                before = begin - 1
        return self._known.get(before, self.base)

    def _skip_away(self) -> None:
        for begin, end in self.away:
            if end != EVER and begin - 1 <= self.newest < end - 1:
                self.newest = end - 1

    def _drop_from(self, tick: int) -> None:
        for each in [each for each in self._known if each >= tick]:
            del self._known[each]
        self.newest = min(self.newest, tick - 1)
