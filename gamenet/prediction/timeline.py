# SPDX-License-Identifier: MIT
"""The ticks of a rollback match: made at once, and made again where inputs were wrong.

All ticks after the newest confirmed one are kept as states to go back to. A tick whose
inputs turn out to be others than those it was made with is wrong, and so is all that
follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from gamenet.prediction.checkpoints import Checkpoint, Checkpoints
from gamenet.prediction.effects import EffectLedger
from gamenet.prediction.inputs import Input
from gamenet.prediction.rollback_events import EffectCancelled, EffectPlayed, RolledBack
from gamenet.prediction.rollback_line import EVER, Guess
from gamenet.prediction.rollback_roster import Roster
from gamenet.wire import Schema
from gamenet.world import SavedWorld

__all__ = ["RollbackRules", "Timeline"]

MAX_SPARE = 16
"""States kept to be written over."""


class RollbackRules(Protocol):
    """What a session wants of the game that it runs.

    The same state and the same inputs must give the same state, bit for bit, on every
    peer; `gamenet.testing.synctest` finds out.
    """

    def save(self, into: Any) -> Any:
        """Return the present state; write over `into` if it is not None."""

    def load(self, saved: Any) -> None:
        """Go back to a state, which stays as it is."""

    def advance(
        self,
        tick: int,
        inputs: Mapping[int, Sequence[Input]],
        joined: Sequence[tuple[int, bytes]],
        left: Sequence[tuple[int, int]],
    ) -> Iterable[tuple[Schema, int | None]]:
        """Make a tick.

        Args:
            tick: which one; the one before it was made or loaded last.
            inputs: of all players in the match, by id.
            joined: who joins before it, in order: id, and what is told of them.
            left: who leaves before it: id, and the reason's number.

        Returns:
            The one-shot events of the tick, with the rows that they come from.
        """

    def checksum(self, saved: Any) -> int:
        """Return 32 bits that are the same for equal states on any machine."""

    def world(self, saved: Any) -> SavedWorld:
        """Return the world of a state."""

    def extras(self, saved: Any) -> Mapping[str, str]:
        """Return what else is in a state: names, and values as text."""

    def to_bytes(self, saved: Any) -> bytes | None:
        """Return a state for a peer; None if it has to be a later one."""

    def from_bytes(self, tick: int, data: bytes) -> None:
        """Go to a state that a peer sent, of a tick.

        Raises:
            RemoteProtocolError: the bytes are none; the present state stays.
        """

    def missing(
        self, player: int, kind: type[Input], last: Input | None
    ) -> Input | None:
        """Return what stands in for an input that is not known."""


class Timeline:
    """Make ticks, and make them again.

    Args:
        rules: of the game.
        roster: who plays, and what they do.
        guess: what stands in for inputs that are not known.
        every: ticks between two checkpoints.
        tell: takes events.
    """

    def __init__(
        self,
        rules: RollbackRules,
        roster: Roster,
        guess: Guess,
        every: int,
        tell: Callable[[Any], None],
    ) -> None:
        self._rules, self._roster, self._guess = rules, roster, guess
        self._tell = tell
        self._states: dict[int, Any] = {}
        self._spare: list[Any] = []
        self._used: dict[int, dict[int, bytes]] = {}
        self._wrong = EVER
        self.checkpoints = Checkpoints(every)
        """Checksums of confirmed ticks."""
        self.effects = EffectLedger()
        """What was played already."""
        self.tick = 0
        """The newest tick that was made."""
        self.confirmed = 0
        """The newest tick that nothing can change any more."""
        self.n_made = 0
        """Ticks made for the first time."""
        self.n_remade = 0
        """Ticks made again."""
        self.n_rollbacks = 0
        """How often ticks were made again."""
        self.n_predicted = 0
        """Inputs of players that were guessed when a tick was made."""

    @property
    def n_states(self) -> int:
        """Return how many states are kept to go back to."""
        return len(self._states)

    @property
    def is_wrong(self) -> bool:
        """Return whether there are ticks to be made again."""
        return self._wrong <= self.tick

    def begin(self, tick: int) -> None:
        """Start from the present state of the game, as that of a confirmed tick."""
        self.tick = self.confirmed = tick
        self._states = {tick: self._rules.save(None)}
        self._used.clear()
        self._wrong = EVER

    def state(self, tick: int) -> Any:
        """Return the state of a tick that is not older than the confirmed one."""
        return self._states[tick]

    def arrived(self, player: int, tick: int, part: bytes) -> None:
        """Note what a player did in a tick; it may have been made with a guess."""
        if tick <= self.tick and self._used[tick].get(player) != part:
            self.doubt(tick)

    def doubt(self, tick: int) -> None:
        """Take a tick and all after it as wrong, as far as they were made."""
        if tick <= self.tick:
            self._wrong = min(self._wrong, tick)

    def advance(self) -> None:
        """Make the next tick."""
        self.tick += 1
        self.n_made += 1
        self._make(self.tick)

    def correct(self) -> None:
        """Go back to the first wrong tick, if there is one, and make all again."""
        if not self.is_wrong:
            return
        wrong, self._wrong = self._wrong, EVER
        self._rules.load(self._states[wrong - 1])
        self.effects.begin_replay(wrong - 1)
        for tick in range(wrong, self.tick + 1):
            self._make(tick)
        for event, tick in self.effects.end_replay():
            self._tell(EffectCancelled(tick, event))
        n_ticks = self.tick + 1 - wrong
        self.n_rollbacks += 1
        self.n_remade += n_ticks
        self._tell(RolledBack(wrong, n_ticks))

    def confirm(self, through: int) -> None:
        """Take ticks as confirmed, up to one; call it when none of them is wrong."""
        for tick in range(self.confirmed + 1, min(through, self.tick) + 1):
            self._drop(tick - 1)
            self.confirmed = tick
            if self.checkpoints.is_due(tick):
                saved = self._states[tick]
                checkpoint = Checkpoint(tick, self._rules.checksum(saved), saved)
                over = self.checkpoints.add(checkpoint)
                if over is not None:
                    self._reuse(over.saved)
        self.effects.forget(self.confirmed + 1)

    def _make(self, tick: int) -> None:
        lines = self._roster.lines.values()
        playing = [line for line in lines if line.plays(tick)]
        known = {line.player: line.inputs(tick, self._guess) for line in playing}
        self._used[tick] = {player: each.part for player, each in known.items()}
        self.n_predicted += sum(tick > line.complete for line in playing)
        joined = [(each.player, each.about) for each in playing if each.first == tick]
        left = [
            (line.player, line.reason)
            for line in lines
            if line.gone_from == tick > line.first
        ]
        inputs = {player: known[player].inputs for player in sorted(known)}
        happened = self._rules.advance(tick, inputs, sorted(joined), sorted(left))
        for event, row in happened:
            if self.effects.make(tick, event, row):
                self._tell(EffectPlayed(tick, event, row))
        before = self._states.get(tick)
        if before is None and self._spare:
            before = self._spare.pop()
        self._states[tick] = self._rules.save(before)

    def _drop(self, tick: int) -> None:
        self._used.pop(tick, None)
        saved = self._states.pop(tick, None)
        if saved is not None and self.checkpoints.at(tick) is None:
            self._reuse(saved)

    def _reuse(self, saved: Any) -> None:
        if len(self._spare) < MAX_SPARE:
            self._spare.append(saved)
