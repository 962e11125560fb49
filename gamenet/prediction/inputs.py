# SPDX-License-Identifier: MIT
"""What a player does, on its way from the client to the server's tick.

Inputs are small and a lost one hurts, so they travel unreliably and each packet repeats
the last few; a reliable channel would hold new inputs back behind a lost old one. The
server takes each once, in order, and at most one of a kind in a tick: who sends more
does not move faster.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Sequence

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.sequence import is_newer32
from gamenet.wire import Schema

__all__ = ["Input", "InputBuffer", "InputQueue"]

_HEAD = struct.Struct("<IIB")
_ENTRY = struct.Struct("<BH")
REPEATS_PER_CLASS = 3
MAX_BODY = 0xFFFF
MAX_REPEATED = 512  # bytes: what is repeated must fit the smallest packet_size, 576
MAX_PER_PACKET = 16
MAX_QUEUED = 4  # of each class
BACKLOG_TICKS = 30  # so long inputs may wait behind others before one is dropped


class Input(Schema):
    """Base of a game's inputs: one thing a player can do in a tick."""


class InputBuffer:
    """The client's side: number inputs, and repeat the last ones while they are small.

    Args:
        inputs: the game's input classes, in wire order.
    """

    def __init__(self, inputs: Sequence[type[Input]]) -> None:
        self._ids = {schema: number for number, schema in enumerate(inputs)}
        n_repeats = min(REPEATS_PER_CLASS * len(self._ids), MAX_PER_PACKET)
        self._recent: deque[bytes] = deque(maxlen=max(n_repeats, 1))
        self.sequence = 0
        """Number of the newest input; 0 before the first."""

    def add(self, item: Input, *, snapshot_tick: int) -> bytes:
        """Return the packet that carries an input and the ones before it.

        Args:
            item: an instance of one of the classes.
            snapshot_tick: newest tick that the player has seen.

        Raises:
            LocalProtocolError: not one of the classes, or a value cannot be sent.
        """
        number = self._ids.get(type(item))
        if number is None:
            names = ", ".join(schema.__name__ for schema in self._ids) or "none"
            msg = f"{type(item).__name__} is no input of this game: it has {names}"
            raise LocalProtocolError(msg)
        body = item.encode()
        if len(body) > MAX_BODY:
            msg = f"an input of {len(body)} bytes: the limit is {MAX_BODY}; shorten it"
            raise LocalProtocolError(msg)
        self._recent.appendleft(_ENTRY.pack(number, len(body)) + body)
        while len(self._recent) > 1 and sum(map(len, self._recent)) > MAX_REPEATED:
            self._recent.pop()
        self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        head = _HEAD.pack(self.sequence, snapshot_tick & 0xFFFFFFFF, len(self._recent))
        return head + b"".join(self._recent)


class InputQueue:
    """The server's side for one player: each input once, in order, bounded.

    Args:
        inputs: the game's input classes, in wire order.
    """

    def __init__(self, inputs: Sequence[type[Input]]) -> None:
        self._inputs = list(inputs)
        self._queue: deque[Input] = deque()
        self._n_ticks_behind = 0
        self.sequence = 0
        """Number of the newest input received; 0 before the first."""
        self.snapshot_tick = 0
        """Newest tick that the player had seen when sending it."""
        self.n_missing = 0
        """Inputs that never came."""
        self.n_overflowed = 0
        """Inputs dropped because more came than ticks passed."""

    def receive(self, data: bytes) -> None:
        """Take a packet of inputs.

        Raises:
            RemoteProtocolError: malformed; nothing of it was taken.
        """
        sequence, snapshot_tick, entries = self._split(data)
        if not is_newer32(sequence, self.sequence):
            return
        n_new = (sequence - self.sequence) & 0xFFFFFFFF
        fresh = [
            self._inputs[number].decode(body)
            for number, body in reversed(entries[:n_new])
        ]
        self.n_missing += n_new - len(fresh)
        self.sequence = sequence
        self.snapshot_tick = snapshot_tick
        for item in fresh:
            self._queue.append(item)
            alike = [other for other in self._queue if type(other) is type(item)]
            if len(alike) > MAX_QUEUED:
                self._drop(alike[0])

    def take(self) -> list[Input]:
        """Return the inputs of this tick: the oldest, at most one of each class.

        What a burst has left behind would delay all that follows. So when something
        was left in every tick for a second, the oldest input is dropped.
        """
        taken: list[Input] = []
        kinds: set[type[Input]] = set()
        while self._queue and type(self._queue[0]) not in kinds:
            kinds.add(type(self._queue[0]))
            taken.append(self._queue.popleft())
        self._n_ticks_behind = self._n_ticks_behind + 1 if self._queue else 0
        if self._n_ticks_behind >= BACKLOG_TICKS:
            self._n_ticks_behind = 0
            self._drop(self._queue[0])
        return taken

    def _drop(self, item: Input) -> None:
        self._queue = deque(other for other in self._queue if other is not item)
        self.n_overflowed += 1

    def _split(self, data: bytes) -> tuple[int, int, list[tuple[int, bytes]]]:
        entries = []
        try:
            sequence, snapshot_tick, count = _HEAD.unpack_from(data)
            at = _HEAD.size
            for _ in range(min(count, MAX_PER_PACKET)):
                number, length = _ENTRY.unpack_from(data, at)
                at += _ENTRY.size
                entries.append((number, data[at : at + length]))
                at += length
        except struct.error as error:
            msg = f"an input packet of {len(data)} bytes is cut short: {error}"
            raise RemoteProtocolError(msg) from error
        if not 0 < count <= MAX_PER_PACKET or at != len(data):
            msg = (
                f"an input packet of {len(data)} bytes with {count} inputs that end at "
                f"{at}: allowed are 1 to {MAX_PER_PACKET}, nothing after them"
            )
            raise RemoteProtocolError(msg)
        if any(number >= len(self._inputs) for number, _ in entries):
            msg = f"an input of an unknown class: there are {len(self._inputs)}"
            raise RemoteProtocolError(msg)
        return sequence, snapshot_tick, entries
