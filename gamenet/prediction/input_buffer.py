# SPDX-License-Identifier: MIT
"""The client's inputs: a frame for each tick, sent until the server has it.

A frame changes until it is closed or has left: what the server may have cannot be taken
back. It is sent a number of times at most: on a long way more would be of no use by the
time the first is acknowledged, and would fill the way. The inputs are kept as the wire
says them, so that a client which predicts with them does what the server will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gamenet.prediction.frames import Frame, Sight
from gamenet.prediction.input_packets import MAX_PART, InputCodec, pack
from gamenet.prediction.inputs import Input
from gamenet.sequence import distance32

__all__ = ["InputBuffer"]

MAX_KEPT = 1024  # frames: 17 seconds at 60 ticks a second
MAX_AHEAD = 4  # ticks that an input may wait because another of its class came before
MAX_SENT = 16  # times: of 16 packets one arrives, or the link is down


@dataclass(slots=True)
class _Kept:
    """A frame, and its inputs encoded."""

    tick: int
    inputs: dict[type[Input], Input] = field(default_factory=dict)
    part: bytes = b"\0"
    sight: Sight | None = None
    is_closed: bool = False
    n_sent: int = 0

    @property
    def has_left(self) -> bool:
        """Return whether the server may have it."""
        return self.n_sent > 0

    @property
    def as_packed(self) -> tuple[Frame, bytes]:
        """Return the frame with its bytes."""
        inputs = tuple(self.inputs.values())
        return Frame(self.tick, inputs, self.sight), self.part


def _tick_of(kept: _Kept) -> int:
    return kept.tick


class InputBuffer:
    """Keep the frames of a client, and pack those that the server does not have.

    Args:
        inputs: the game's input classes, in wire order.
    """

    def __init__(self, inputs: Sequence[type[Input]]) -> None:
        self._codec = InputCodec(inputs)
        self._frames: dict[int, _Kept] = {}
        self._acked: int
        self._closed: int
        self._left: int
        self.is_steady = False
        """Whether there is a frame for every tick: one was closed."""
        self.n_replaced = 0
        """Inputs that gave way to a newer one of their class, or found no tick."""
        self.restart()

    def hold(self, item: Input, tick: int) -> int:
        """Put an input into the frame of a tick, or of the next that can take it.

        A later one, at most 4 ahead, is used if the frame has one of its class or has
        left; if all have, it takes the place of that in the last.

        Args:
            item: an instance of one of the classes.
            tick: the tick that it is meant for.

        Returns:
            The tick of the frame that has it.

        Raises:
            LocalProtocolError: no input of this game, or it cannot be sent.
        """
        part = self._codec.part((item,))
        as_sent = self._codec.inputs_of(part)[0]
        first = max(tick, self._closed + 1)
        last = first + MAX_AHEAD
        for at in range(max(first, self._left + 1), last + 1):
            kept = self._frames.get(at) or _Kept(at)
            has_room = len(kept.part) + len(part) - 1 <= MAX_PART
            if type(item) not in kept.inputs and has_room:
                self._put(kept, as_sent)
                return at
        self.n_replaced += 1
        kept = self._frames.get(last) or _Kept(last)
        if last > self._left and type(item) in kept.inputs:
            self._put(kept, as_sent)
        return last

    def close(self, tick: int, sight: Sight | None = None) -> None:
        """End the frame of a tick; it is empty if nothing was held for it.

        Args:
            tick: the client's own tick.
            sight: what the player saw of the others when deciding.
        """
        if tick <= self._closed:
            return
        kept = self._frames.setdefault(tick, _Kept(tick))
        kept.is_closed = True
        if not kept.has_left:
            kept.sight = sight
        self._closed, self.is_steady = tick, True
        self._bound()

    def see(self, tick: int, sight: Sight) -> None:
        """Say what the player saw when deciding a tick that nobody will close."""
        kept = self._frames.get(tick)
        if kept is not None and not kept.has_left:
            kept.sight = sight

    def packet(self, clock: int) -> bytes:
        """Return the packet of the frames that the server does not have yet.

        The newest come first, as many as fit; what has never left goes before what is
        repeated. Frames that wait to be closed are left out once a frame was closed;
        before that all that is held leaves at once.

        Args:
            clock: microseconds modulo 2**32, see `wire_clock`.
        """
        waiting = [kept for kept in self._unacked() if self._may_leave(kept)]
        n_new = sum(not kept.has_left for kept in waiting)
        while True:
            frames = (kept.as_packed for kept in waiting)
            data, n_packed = pack(frames, clock, is_steady=self.is_steady)
            if n_packed >= n_new:
                break
            # The newest wait for the next packet: the oldest would never leave.
            del waiting[0]
            n_new -= 1
        for kept in waiting[:n_packed]:
            kept.n_sent += 1
            self._left = max(self._left, kept.tick)
        return data

    def acked(self, tick: int) -> None:
        """Stop repeating the frames up to one that the server has.

        Args:
            tick: as `Feedback.acked` has it, modulo 2**32.
        """
        if self._left < 0:
            return
        tick = self._left + distance32(tick & 0xFFFFFFFF, self._left & 0xFFFFFFFF)
        # What is newer than all that has left is of the time before a restart.
        if tick <= self._left:
            self._acked = max(self._acked, tick)

    def at(self, tick: int) -> tuple[Input, ...]:
        """Return the inputs of a tick, as the server decodes them."""
        kept = self._frames.get(tick)
        return () if kept is None else tuple(kept.inputs.values())

    def forget(self, before_tick: int) -> None:
        """Drop the frames before a tick that the server has: they are settled."""
        end = min(before_tick, self._acked + 1)
        for tick in [tick for tick in self._frames if tick < end]:
            del self._frames[tick]

    def restart(self) -> None:
        """Begin anew, after the client's own time has jumped."""
        self._frames.clear()
        self._acked = self._closed = self._left = -1

    @property
    def n_unacked(self) -> int:
        """Return how many frames the server is not known to have, and may still get."""
        return len(self._unacked())

    def _unacked(self) -> list[_Kept]:
        """Return the frames that are to be sent, newest first."""
        unacked = []
        for tick in reversed(self._frames):
            # They stand in the order of their making: a tick's comes a few ticks before
            # or after its neighbours' at most.
            if tick < self._acked - MAX_AHEAD:
                break
            kept = self._frames[tick]
            if tick > self._acked and kept.n_sent < MAX_SENT:
                unacked.append(kept)
        return sorted(unacked, key=_tick_of, reverse=True)

    def _may_leave(self, kept: _Kept) -> bool:
        return kept.is_closed or kept.has_left or not self.is_steady

    def _put(self, kept: _Kept, item: Input) -> None:
        kept.inputs[type(item)] = item
        kept.part = self._codec.part(kept.inputs.values())
        self._frames[kept.tick] = kept
        self._bound()

    def _bound(self) -> None:
        while len(self._frames) > MAX_KEPT:
            del self._frames[min(self._frames)]
