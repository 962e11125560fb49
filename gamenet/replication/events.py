# SPDX-License-Identifier: MIT
"""Tell clients what happened in a tick: a shot, an explosion, a goal.

An event is not state. It happens once, nobody who comes later hears of it, and nothing
makes it undone; so it does not live in a column but travels reliably beside the
snapshots. Each event is encoded once, and clients that hear the same events of a tick
share the bytes of the whole message:

    tick u32 | (kind varint | [origin varint] | length varint | body)*

`kind` is twice the event's number, and one more where the row of the entity that caused
it follows: a client that has predicted the event knows it by that.

Events may overtake the snapshot of their tick. A client holds them back until its world
has come so far, so that the explosion is not seen before the ship that it hit.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.sequence import distance32
from gamenet.wire import Schema, read_varint, varint_bytes

__all__ = [
    "MAX_BATCH",
    "MAX_EVENT",
    "MAX_EVENTS",
    "MAX_HELD",
    "Event",
    "EventCodec",
    "EventOutbox",
    "EventQueue",
]

MAX_EVENT = 1024
"""Bytes of one event."""
MAX_EVENTS = 1024
"""Events of one tick, and of one message."""
MAX_BATCH = 16384
"""Bytes of one message: every connection of a game takes so many."""
MAX_HELD = 256
"""Events that a client holds back."""
MAX_ROWS = 1 << 24
"""Rows of the largest world."""

Happened = tuple["Event", int | None]
"""An event, and the row of the entity that caused it, or None."""
Due = tuple[int, "Event", int | None]
"""A tick, an event of it, and the row of the entity that caused it, or None."""

_TICK = struct.Struct("<I")
_HAS_ORIGIN = 1
_NOWHERE = -1


class Event(Schema):
    """Base of a game's events: what happens once, at a tick, and is not state.

    Example:
        class Explosion(Event):
            x: float = fixed(-512, 512, step=1 / 64)
            y: float = fixed(-512, 512, step=1 / 64)
    """


class EventCodec:
    """Number a game's events, write them and read them.

    Args:
        events: the event classes, in the order of their numbers.
    """

    def __init__(self, events: Sequence[type[Event]]) -> None:
        self._by_id = tuple(events)
        self._numbers = {kind: i for i, kind in enumerate(events)}
        self.n_unknown = 0
        """Events skipped because a newer server has them and we do not."""

    def encode(self, event: Event, origin: int | None = None) -> bytes:
        """Return kind, origin, length and body of an event.

        Args:
            event: of one of the classes.
            origin: row of the entity that caused it; None is none.

        Raises:
            LocalProtocolError: its class is not listed, a value cannot be sent, or it
                is too large.
        """
        number = self._numbers.get(type(event))
        if number is None:
            known = ", ".join(kind.__name__ for kind in self._by_id) or "none"
            msg = (
                f"{type(event).__name__} is no event of this game, which has {known}: "
                "list its class in the game's events"
            )
            raise LocalProtocolError(msg)
        body = event.encode()
        if len(body) > MAX_EVENT:
            msg = (
                f"{type(event).__name__} of {len(body)} bytes: an event has at most "
                f"{MAX_EVENT}; shorten it, or send a message"
            )
            raise LocalProtocolError(msg)
        prefix = varint_bytes(number << 1)
        if origin is not None:
            prefix = varint_bytes(number << 1 | _HAS_ORIGIN) + varint_bytes(origin)
        return prefix + varint_bytes(len(body)) + body

    def decode(self, payload: bytes) -> tuple[int, list[Happened]]:
        """Return the tick of a message and its events, each with its origin.

        Unknown events are counted.

        Raises:
            RemoteProtocolError: the message is malformed, or beyond a limit.
        """
        if not _TICK.size <= len(payload) <= MAX_BATCH:
            msg = (
                f"a message of events of {len(payload)} bytes: allowed are "
                f"{_TICK.size} to {MAX_BATCH}"
            )
            raise RemoteProtocolError(msg)
        (tick,) = _TICK.unpack_from(payload)
        records = list(_records(payload))
        events: list[Happened] = [
            (self._by_id[number].decode(body), origin)
            for number, origin, body in records
            if number < len(self._by_id)
        ]
        self.n_unknown += len(records) - len(events)
        return tick, events


def _records(payload: bytes) -> Iterator[tuple[int, int | None, bytes]]:
    """Yield number, origin and body of each event of a message."""
    at, n_events = _TICK.size, 0
    while at < len(payload):
        try:
            kind, at = read_varint(payload, at)
            origin: int | None = None
            if kind & _HAS_ORIGIN:
                origin, at = read_varint(payload, at)
            length, at = read_varint(payload, at)
        except IndexError:
            msg = f"the {len(payload)} bytes of events end within a number"
            raise RemoteProtocolError(msg) from None
        n_events += 1
        if length > min(MAX_EVENT, len(payload) - at) or n_events > MAX_EVENTS:
            msg = (
                f"event {n_events} of {length} bytes where {len(payload) - at} are "
                f"left: allowed are {MAX_EVENTS} events of {MAX_EVENT} bytes"
            )
            raise RemoteProtocolError(msg)
        if origin is not None and origin >= MAX_ROWS:
            msg = f"event {n_events} of row {origin}: rows are less than {MAX_ROWS}"
            raise RemoteProtocolError(msg)
        yield kind >> 1, origin, payload[at : at + length]
        at += length


class EventOutbox:
    """Collect the events of a tick, and give each client those that it should hear.

    Args:
        codec: writes the events.
        capacity: rows of the world.
    """

    def __init__(self, codec: EventCodec, capacity: int) -> None:
        self._codec = codec
        self._capacity = capacity
        self._records: list[tuple[int, bytes]] = []
        self._is_for_all = np.zeros(MAX_EVENTS, np.bool_)
        self._rows = np.full(MAX_EVENTS, _NOWHERE, np.intp)
        self._named: dict[int, list[int]] = {}
        self._shared: dict[bytes, tuple[bytes, ...]] = {}

    def __len__(self) -> int:
        return len(self._records)

    def emit(
        self,
        event: Event,
        tick: int,
        *,
        to: Any = None,
        seen: int | None = None,
        origin: int | None = None,
    ) -> None:
        """Take an event; its values are those of now, whatever becomes of it.

        Args:
            event: an instance of one of the game's event classes.
            tick: when it happens.
            to: who is told: a player, a player id, or several of them; None is all.
            seen: row that a client must see in order to be told; None is no matter.
            origin: row of the entity that caused it; None is none.

        Raises:
            LocalProtocolError: the event cannot be sent, there were too many in this
                tick, who is told is no player, or the row is none. Nothing is taken.
        """
        number = len(self._records)
        if number >= MAX_EVENTS:
            msg = (
                f"{type(event).__name__} would be event {number + 1} of tick {tick}: "
                f"the limit is {MAX_EVENTS}; tell of many things by one event"
            )
            raise LocalProtocolError(msg)
        for name, row in (("seen", seen), ("origin", origin)):
            if row is not None and not 0 <= row < self._capacity:
                msg = f"{name} = {row}: rows go from 0 to {self._capacity - 1}"
                raise LocalProtocolError(msg)
        record = self._codec.encode(event, origin)
        for player_id in () if to is None else _player_ids(to):
            self._named.setdefault(player_id, []).append(number)
        self._is_for_all[number] = to is None
        self._rows[number] = _NOWHERE if seen is None else seen
        self._records.append((tick & 0xFFFFFFFF, record))

    def messages(self, player_id: int, level: NDArray[np.uint8]) -> tuple[bytes, ...]:
        """Return the messages of what one client should hear; none if it is nothing.

        Args:
            player_id: whose client it is.
            level: what the client may see of each row. An entity that went in this
                tick is seen by nobody: give the greater of this level and the last one
                so that its end is heard.

        Shapes:
            level: (capacity,) uint8, 0 = does not see it.
        """
        n_events = len(self._records)
        if not n_events:
            return ()
        heard = self._is_for_all[:n_events].copy()
        heard[self._named.get(player_id, [])] = True
        rows = self._rows[:n_events]
        heard &= (rows == _NOWHERE) | (level[rows] > 0)
        key = heard.tobytes()
        messages = self._shared.get(key)
        if messages is None:
            chosen = [self._records[i] for i in np.flatnonzero(heard).tolist()]
            messages = self._shared[key] = tuple(_joined(chosen))
        return messages

    @property
    def rows(self) -> NDArray[np.intp]:
        """Return the rows of the entities that the tick's events are about."""
        rows = self._rows[: len(self._records)]
        return np.unique(rows[rows != _NOWHERE])

    def clear(self) -> None:
        """Forget the tick's events, once every client was told."""
        self._records.clear()
        self._named.clear()
        self._shared.clear()


def _joined(records: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Yield messages of records: of one tick each, and none too large."""
    parts: list[bytes] = []
    size, begun = 0, _NOWHERE
    for tick, record in records:
        if tick != begun or size + len(record) > MAX_BATCH:
            if parts:
                yield b"".join(parts)
            parts, size, begun = [_TICK.pack(tick)], _TICK.size, tick
        parts.append(record)
        size += len(record)
    if parts:
        yield b"".join(parts)


def _player_ids(to: Any) -> Iterable[int]:
    listed = list(to) if isinstance(to, Iterable) else [to]
    numbers = [getattr(each, "id", each) for each in listed]
    if not all(isinstance(number, int | np.integer) for number in numbers):
        msg = f"to = {to!r:.200}: give a player, a player id, or several of them"
        raise LocalProtocolError(msg)
    return dict.fromkeys(map(int, numbers))


class EventQueue:
    """Hold events back until the world's tick has reached theirs.

    Of more than `MAX_HELD` the oldest are let go early, so that a server that runs far
    ahead of its snapshots costs no memory.
    """

    def __init__(self) -> None:
        # Ticks are counted on beyond 32 bits here, so that they can be sorted.
        self._held: list[tuple[int, int, Event, int | None]] = []
        self._n_added = 0
        self._newest = 0
        self._has_world = False
        self.n_early = 0
        """Events that were let go before the world had reached their tick."""

    def __len__(self) -> int:
        return len(self._held)

    def add(self, tick: int, events: Iterable[Happened]) -> list[Due]:
        """Take the events of a tick; return those to be told now, oldest first."""
        when = self._counted_on(tick)
        for event, origin in events:
            self._n_added += 1
            heappush(self._held, (when, self._n_added, event, origin))
        return self._due()

    def advance(self, tick: int) -> list[Due]:
        """Learn the world's tick; return the events to be told now, oldest first.

        An older tick than the world had before changes nothing.
        """
        if not self._has_world:
            self._begin(tick)
        self._newest = max(self._newest, self._counted_on(tick))
        return self._due()

    def _begin(self, tick: int) -> None:
        """Count the ticks of what came before the world anew, from the world's."""
        self._has_world = True
        self._newest = tick
        self._held = [
            (self._counted_on(when), number, event, origin)
            for when, number, event, origin in self._held
        ]
        heapify(self._held)

    def _counted_on(self, tick: int) -> int:
        return self._newest + distance32(tick, self._newest)

    def _due(self) -> list[Due]:
        """Take out, by tick and then by arrival, what need not be held any more."""
        due: list[Due] = []
        held = self._held
        while held:
            is_early = not self._has_world or held[0][0] > self._newest
            if is_early and len(held) <= MAX_HELD:
                break
            self.n_early += is_early
            when, _, event, origin = heappop(held)
            due.append((when & 0xFFFFFFFF, event, origin))
        return due
