# SPDX-License-Identifier: MIT
"""The server's inputs of one player: each frame once, in its tick if it came in time.

How early a frame comes is its slack. Clients run so far ahead that the slack is what
the server wants of them; what it wants follows the link, see `Margin`. So the queue is
as deep as the link needs, and it is the client that keeps it there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gamenet.prediction.feedback import Feedback
from gamenet.prediction.frames import Frame, Sight
from gamenet.prediction.input_packets import InputCodec, InputPacket
from gamenet.prediction.inputs import Input, Missing
from gamenet.prediction.late_inputs import LateInputs
from gamenet.prediction.margin import Margin
from gamenet.sequence import distance32, is_newer32

__all__ = ["InputQueue", "MissingRule", "missing_input"]

MAX_AHEAD = 64  # ticks
MAX_BEHIND = 1024  # ticks; what is older may have been used, nobody knows
SILENCE = 1.0  # seconds without a frame, after which a player is taken as away

MissingRule = Callable[[type[Input], Input | None], Input | None]
"""What stands in for an input: of the class, and of the last one of it."""


def missing_input(kind: type[Input], last: Input | None) -> Input | None:
    """Return what `kind.missing` says of an input that did not come in time."""
    if kind.missing is Missing.REPEAT:
        return last
    return kind() if kind.missing is Missing.NEUTRAL else None


class InputQueue:
    """Take the input packets of a player, and give each tick what is its own.

    Every frame that comes is a duplicate, early, late, waits, or was taken:
    `n_duplicate + n_early + n_late + n_taken + depth` are all.

    Args:
        inputs: the game's input classes, in wire order.
        tick_rate: ticks a second.
    """

    def __init__(self, inputs: Sequence[type[Input]], tick_rate: float) -> None:
        self._codec = InputCodec(inputs)
        self._tick_rate = tick_rate
        self._margin = Margin(tick_rate)
        self._waiting: dict[int, Frame] = {}
        self._late = LateInputs()
        self._last: dict[type[Input], Input] = {}
        self._done = -1
        # Bit n: the frame of tick `_done - MAX_BEHIND + n` has come.
        self._known = 0
        self._clock: int | None = None
        self._echo: int | None = None
        self._restart_clock: int | None = None
        self._heard_at = 0.0
        self._is_answered = True
        self._steady_from: int | None = None
        self._n_silent = 0
        self.newest = 0
        """Tick of the newest frame that was not refused; 0 before the first."""
        self.sight: Sight | None = None
        """What the player saw in the frame last taken, or in the newest before it."""
        self.n_taken = 0
        """Frames taken in their tick."""
        self.n_late = 0
        """Frames that came after their tick, or whose tick was skipped."""
        self.n_missing = 0
        """Ticks made without the frame that was to come."""
        self.n_duplicate = 0
        """Frames that had come before: what packets repeat."""
        self.n_early = 0
        """Frames refused because they were too far ahead."""

    @property
    def depth(self) -> int:
        """Return how many frames wait for their tick."""
        return len(self._waiting)

    @property
    def n_dropped(self) -> int:
        """Return how many late inputs found no tick without one of their class."""
        return self._late.n_dropped

    @property
    def slack(self) -> float:
        """Return how many ticks before their use frames came of late, on average."""
        return self._margin.slack

    @property
    def wanted(self) -> float:
        """Return what `slack` should be on this link, in ticks."""
        return self._margin.wanted

    @property
    def is_steady(self) -> bool:
        """Return whether the player sends a frame for every tick."""
        return self._steady_from is not None

    def receive(self, data: bytes, *, tick: int, at: float) -> None:
        """Take a packet of frames.

        Args:
            data: the packet.
            tick: the game's tick, the newest that was made.
            at: server time, in ticks.

        Raises:
            RemoteProtocolError: malformed; nothing of it was taken.
        """
        packet = self._codec.decode(data)
        self._pass(tick)
        if packet.frames:
            low = tick & 0xFFFFFFFF
            shift = tick + distance32(packet.newest, low) - packet.newest
        else:
            shift = 0
        if packet.clock != self._echo:
            # The newest by its clock would do as well, but is mostly one that was
            # fast: the last one to come is a fair sample of the way here.
            self._echo, self._heard_at, self._is_answered = packet.clock, at, False
        if self._clock is None or is_newer32(packet.clock, self._clock):
            self._clock = packet.clock
            self._hear(packet, shift)
        elif self._is_before_restart(packet):
            self.n_duplicate += len(packet.frames)
            return
        for frame in reversed(packet.frames):
            self._sort(frame, frame.tick + shift, at)

    def take(self, tick: int, missing: MissingRule | None = None) -> list[Input]:
        """Return the inputs of a tick, at most one of each class.

        Those of its frame come first, then for each class that it lacks one that came
        too late for its own tick. Of a player who sends a frame for every tick, a late
        one gives way to newer ones.

        Args:
            tick: the tick that is being made.
            missing: what stands in for inputs whose frame did not come; what their
                class says if None.
        """
        self._pass(tick - 1)
        frame = self._waiting.pop(tick, None)
        self._pass(tick)
        taken: dict[type[Input], Input] = {}
        if frame is not None:
            self.n_taken += 1
            self._n_silent = 0
            self.sight = frame.sight or self.sight
            taken = {type(item): item for item in frame.inputs}
        is_missing = frame is None and self._is_due(tick)
        for kind in self._codec.inputs:
            if kind in taken:
                self._late.used(kind, tick)
                continue
            late, item = self._late.take(kind, newest_only=self.is_steady)
            if item is not None:
                taken[kind] = item
            if late is not None and frame is None:
                self.sight = late.sight or self.sight
        if is_missing:
            self._miss(taken, missing or missing_input)
        else:
            self._last = dict(taken)
        return list(taken.values())

    def feedback(self, at: float) -> Feedback | None:
        """Return what the player should know; None if nothing came since the last.

        Args:
            at: server time, in ticks.
        """
        if self._echo is None or self._is_answered:
            return None
        self._is_answered = True
        return Feedback(
            echo=self._echo,
            held=(at - self._heard_at) / self._tick_rate,
            server_tick=at,
            acked=self.newest,
            slack=self.slack,
            wanted=self.wanted,
            late=self.n_late & 0xFF,
            missing=self.n_missing & 0xFF,
            depth=min(self.depth, 0xFF),
        )

    def _hear(self, packet: InputPacket, shift: int) -> None:
        """Note a packet that is newer than all before."""
        newest = packet.newest + shift
        if not packet.frames:
            return
        if packet.is_steady and self.is_steady and newest < self.newest:
            self._restart(packet, shift)
        if not packet.is_steady:
            self._steady_from = None
        elif self._steady_from is None:
            self._steady_from = packet.frames[-1].tick + shift
        self._margin.heard(newest, packet.clock)

    def _restart(self, packet: InputPacket, shift: int) -> None:
        """Forget what waits: the player's own time went back, and says it anew."""
        first = packet.frames[-1].tick + shift
        for tick in [tick for tick in self._waiting if tick >= first]:
            del self._waiting[tick]
            self.n_duplicate += 1
        self._known &= (1 << max(first - self._done + MAX_BEHIND, 0)) - 1
        self._restart_clock = packet.clock
        self.newest = 0
        self._steady_from = None

    def _is_before_restart(self, packet: InputPacket) -> bool:
        clock = self._restart_clock
        return clock is not None and is_newer32(clock, packet.clock)

    def _sort(self, frame: Frame, tick: int, at: float) -> None:
        """Put a frame where it belongs."""
        place = tick - self._done + MAX_BEHIND
        if place < 0:
            self.n_late += 1
            return
        if self._known >> place & 1:
            self.n_duplicate += 1
            return
        if tick > self._done + MAX_AHEAD:
            self.n_early += 1
            if self.newest < tick <= self._done + MAX_BEHIND:
                # The player has to learn how far ahead they are, or they stay there.
                self.newest = tick
                self._margin.arrived(tick, at)
            return
        self._known |= 1 << place
        self.newest = max(self.newest, tick)
        self._margin.arrived(tick, at)
        if tick != frame.tick:
            frame = _moved(frame, tick)
        if tick > self._done:
            self._waiting[tick] = frame
        else:
            self._keep_late(frame)

    def _pass(self, tick: int) -> None:
        """Note that the ticks up to one are over."""
        if tick <= self._done:
            return
        for skipped in sorted(each for each in self._waiting if each <= tick):
            self._keep_late(self._waiting.pop(skipped))
        self._known >>= tick - self._done
        self._done = tick

    def _keep_late(self, frame: Frame) -> None:
        self.n_late += 1
        self._n_silent = 0
        self._late.keep(frame)

    def _is_due(self, tick: int) -> bool:
        """Return whether the frame of a tick was to come."""
        return (
            self._steady_from is not None
            and tick >= self._steady_from
            and self._n_silent < SILENCE * self._tick_rate
        )

    def _miss(self, taken: dict[type[Input], Input], missing: MissingRule) -> None:
        """Count a frame that did not come, and let something stand in for it."""
        self.n_missing += 1
        self._n_silent += 1
        self._last |= taken
        for kind in self._codec.inputs:
            if kind not in taken:
                item = missing(kind, self._last.get(kind))
                if item is not None:
                    taken[kind] = item


def _moved(frame: Frame, tick: int) -> Frame:
    """Return a frame whose tick was cut to 32 bits as of the tick that it is."""
    sight, shift = frame.sight, tick - frame.tick
    if sight is not None:
        is_between = sight.newer > sight.older
        ends = (shift if is_between else 0,) * 2
        sight = Sight(sight.tick + shift, sight.older + ends[0], sight.newer + ends[1])
    return Frame(tick, frame.inputs, sight)
