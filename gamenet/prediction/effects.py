# SPDX-License-Identifier: MIT
"""Play what happens once, however often the tick in which it happens is computed.

A shot is heard the moment it is fired on the player's own machine; then a correction
has that tick computed again, and later the server says that there was a shot. All three
are one event: the n-th of its class that an entity made in a tick. The ledger plays it
when it is first known, by whichever way, and says so when replay does not make it
again, so that a sound can be stopped or a flash taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from gamenet.errors import LocalProtocolError
from gamenet.wire import Schema

__all__ = ["EffectLedger"]

Maker = tuple[type[Schema], int | None]
"""Class of an event, and the row of the entity that made it."""
Key = tuple[type[Schema], int | None, int]
"""Maker, and which of its events in the tick."""


class _Tick:
    """What is known of the events of one tick."""

    __slots__ = ("events", "heard", "made", "n_heard", "n_made")

    def __init__(self) -> None:
        self.events: dict[Key, Schema] = {}
        # Which of them the newest computation of the tick made, which the server told.
        self.made: set[Key] = set()
        self.heard: set[Key] = set()
        self.n_made: Counter[Maker] = Counter()
        self.n_heard: Counter[Maker] = Counter()


class EffectLedger:
    """Know which events were played already.

    Args:
        limit: how many events are remembered; beyond it the oldest ticks are forgotten.
    """

    def __init__(self, limit: int = 4096) -> None:
        self.limit = limit
        self._ticks: dict[int, _Tick] = {}
        self._replaying_from: int | None = None
        self.n_events = 0
        """Events that are remembered now."""
        self.n_played = 0
        """Events that were to be played."""
        self.n_kept = 0
        """Events that were made or told again, and not played a second time."""
        self.n_cancelled = 0
        """Events that were played, and that replay did not make again."""

    def make(self, tick: int, event: Schema, row: int | None) -> bool:
        """Take an event that a predicted function made; return whether to play it now.

        Args:
            tick: in which it was made.
            event: what happened.
            row: of the entity that made it, or None.
        """
        known = self._tick(tick)
        maker = type(event), row
        key = *maker, known.n_made[maker]
        known.n_made[maker] += 1
        known.made.add(key)
        return self._is_new(known, key, event)

    def heard(self, tick: int, event: Schema, row: int | None) -> bool:
        """Take the server's word for an event; return whether to play it now.

        Args:
            tick: in which it happened.
            event: what happened.
            row: of the entity that made it, or None.
        """
        known = self._tick(tick)
        maker = type(event), row
        key = *maker, known.n_heard[maker]
        known.n_heard[maker] += 1
        known.heard.add(key)
        return self._is_new(known, key, event)

    def begin_replay(self, tick: int) -> None:
        """Prepare for all ticks after this one to be computed again.

        Raises:
            LocalProtocolError: if a replay is under way.
        """
        if self._replaying_from is not None:
            msg = f"a replay from tick {self._replaying_from} is under way: end it"
            raise LocalProtocolError(msg)
        self._replaying_from = tick
        for number, known in self._ticks.items():
            if number > tick:
                known.n_made.clear()
                known.made.clear()

    def end_replay(self) -> list[tuple[Schema, int]]:
        """Return the events that replay did not make again, each with its tick.

        They are forgotten, so that the server can still say that they happened. What
        the server told is none of them.

        Raises:
            LocalProtocolError: if no replay is under way.
        """
        if self._replaying_from is None:
            msg = "there is no replay to end: begin_replay comes first"
            raise LocalProtocolError(msg)
        replayed_from, self._replaying_from = self._replaying_from, None
        cancelled = []
        for number in sorted(self._ticks):
            if number > replayed_from:
                known = self._ticks[number]
                gone = [
                    key
                    for key in known.events
                    if key not in known.made and key not in known.heard
                ]
                cancelled += [(known.events.pop(key), number) for key in gone]
                if not known.events:
                    del self._ticks[number]
        self.n_events -= len(cancelled)
        self.n_cancelled += len(cancelled)
        return cancelled

    def drop(self, rows: Collection[int], after: int) -> list[tuple[Schema, int]]:
        """Return the events that rows made after a tick, which nothing will make again.

        Their entities have ended then, or are not predicted any more. What the server
        told is none of them.

        Args:
            rows: that made them.
            after: the last tick in which they could.
        """
        dropped = []
        for number in sorted(number for number in self._ticks if number > after):
            known = self._ticks[number]
            gone = [
                key for key in known.events if key[1] in rows and key not in known.heard
            ]
            dropped += [(known.events.pop(key), number) for key in gone]
            known.made.difference_update(gone)
        self.n_events -= len(dropped)
        self.n_cancelled += len(dropped)
        return dropped

    def forget(self, before: int) -> None:
        """Forget the events of all ticks before one.

        What the server says of them later is new: forget only what it must have said.
        """
        for number in [number for number in self._ticks if number < before]:
            self.n_events -= len(self._ticks.pop(number).events)

    def _tick(self, tick: int) -> _Tick:
        known = self._ticks.get(tick)
        if known is None:
            known = self._ticks[tick] = _Tick()
        return known

    def _is_new(self, known: _Tick, key: Key, event: Schema) -> bool:
        if key in known.events:
            self.n_kept += 1
            return False
        known.events[key] = event
        self.n_events += 1
        self.n_played += 1
        while self.n_events > self.limit:
            self.n_events -= len(self._ticks.pop(min(self._ticks)).events)
        return True
