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
from gamenet.prediction.input_packets import InputCodec, OpenedPacket
from gamenet.prediction.inputs import Input, Missing
from gamenet.prediction.last_frames import LastFrames
from gamenet.prediction.late_inputs import LateInputs
from gamenet.prediction.margin import Margin
from gamenet.sequence import distance32, is_newer32

__all__ = ["InputQueue", "MissingRule", "missing_input"]

MAX_AHEAD = 64  # ticks
MAX_BEHIND = 1024  # ticks; what is older may have been used, nobody knows
SILENCE = 1.0  # seconds without a frame, after which a player is taken as away

MissingRule = Callable[[type[Input], Input | None], Input | None]
"""What stands in for an input: of the class, and of the last one of it, which may be
long ago; None before the first."""


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
        self._last = LastFrames()
        self._done = -1
        # Bit n: the frame of tick `_done - MAX_BEHIND + n` has come.
        self._known = 0
        self._clock: int | None = None
        self._came_at = 0.0
        self._echo: int | None = None
        self._restart_clock: int | None = None
        self._heard_at = 0.0
        self._is_answered = True
        self._steady_from: int | None = None
        self._n_silent = 0
        self.newest = 0
        """Tick of the newest frame that was not refused; 0 before the first."""
        self.sight: Sight | None = None
        """What the player saw who did what is done in the tick last taken.

        Where a late input is among it, this is what was seen in the frame that had it;
        while something stands in for frames, it moves on as the player's view did.
        """
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
            RemoteProtocolError: malformed; nothing of it was taken. What it repeats is
                not looked at again.
        """
        packet = self._codec.open(data)
        self._pass(tick)
        shift = 0
        if packet.frames:
            low = tick & 0xFFFFFFFF
            shift = tick + distance32(packet.newest, low) - packet.newest
        is_newest = self._is_newest(packet, at)
        is_restart = is_newest and self._goes_back(packet, shift)
        frames = self._decoded(packet, shift, is_restart=is_restart)
        self._came_at = at
        if packet.clock != self._echo:
            # The newest by its clock would do as well, but is mostly one that was
            # fast: the last one to come is a fair sample of the way here.
            self._echo, self._heard_at, self._is_answered = packet.clock, at, False
        if is_newest:
            self._tell_clock(packet.clock)
            if is_restart:
                self._restart(packet, shift)
            self._hear(packet, shift)
        elif self._is_before_restart(packet):
            self.n_duplicate += len(packet.frames)
            return
        self.n_duplicate += len(packet.frames) - len(frames)
        for number, frame in frames:
            self._sort(frame, number, at)

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
            self._last.note(frame)
            self.sight = frame.sight or self.sight
            taken = {type(item): item for item in frame.inputs}
        is_missing = frame is None and self._is_due(tick)
        if is_missing:
            self.sight = self._last.sight_at(tick) or self.sight
        self._take_late(taken, tick)
        if is_missing:
            self._miss(taken, tick, missing)
        return list(taken.values())

    def _take_late(self, taken: dict[type[Input], Input], tick: int) -> None:
        """Take late inputs of the classes that a tick lacks."""
        sights: list[Sight] = []
        for kind in self._codec.inputs:
            if kind in taken:
                self._late.used(kind, tick)
                continue
            late, item = self._late.take(kind, newest_only=self.is_steady)
            if item is not None:
                taken[kind] = item
            if late is not None and late.sight is not None:
                sights.append(late.sight)
        if sights:
            # Nobody is judged by what they had not seen yet.
            self.sight = min(sights, key=lambda sight: sight.tick)

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

    def _is_newest(self, packet: OpenedPacket, at: float) -> bool:
        """Return whether a packet was sent after all that came before."""
        if self._clock is None or is_newer32(packet.clock, self._clock):
            return True
        # No packet is on its way for so long: the player's clock is another one.
        return at - self._came_at > SILENCE * self._tick_rate

    def _tell_clock(self, clock: int) -> None:
        """Note the clock of the newest packet."""
        if self._clock is not None and not is_newer32(clock, self._clock):
            self._margin.restart()
            self._restart_clock = None
        self._clock = clock

    def _goes_back(self, packet: OpenedPacket, shift: int) -> bool:
        """Return whether a packet says ticks anew that were said before."""
        is_steady = packet.is_steady and self.is_steady and bool(packet.frames)
        return is_steady and packet.newest + shift < self.newest

    def _decoded(
        self, packet: OpenedPacket, shift: int, *, is_restart: bool
    ) -> list[tuple[int, Frame | None]]:
        """Return the frames that had not come, oldest first, each after its tick.

        None stands for what is too old or too early to be of use.

        Raises:
            RemoteProtocolError: one is malformed.
        """
        first = self._done - MAX_BEHIND
        known = 0 if is_restart else self._known
        frames: list[tuple[int, Frame | None]] = []
        for said in reversed(packet.frames):
            tick = said[0] + shift
            place = tick - first
            if place < 0 or place > MAX_BEHIND + MAX_AHEAD:
                frames.append((tick, None))
            elif not known >> place & 1:
                frames.append((tick, self._codec.frame(said, tick)))
        return frames

    def _hear(self, packet: OpenedPacket, shift: int) -> None:
        """Note a packet that is newer than all before."""
        if not packet.frames:
            return
        if not packet.is_steady:
            self._steady_from = None
        elif self._steady_from is None:
            self._steady_from = packet.frames[-1][0] + shift
        self._margin.heard(packet.newest + shift, packet.clock)

    def _restart(self, packet: OpenedPacket, shift: int) -> None:
        """Forget what waits: the player's own time went back, and says it anew."""
        first = packet.frames[-1][0] + shift
        for tick in [tick for tick in self._waiting if tick >= first]:
            del self._waiting[tick]
            self.n_duplicate += 1
        self._known &= (1 << max(first - self._done + MAX_BEHIND, 0)) - 1
        self._restart_clock = packet.clock
        self.newest = 0
        self._steady_from = None

    def _is_before_restart(self, packet: OpenedPacket) -> bool:
        clock = self._restart_clock
        return clock is not None and is_newer32(clock, packet.clock)

    def _sort(self, frame: Frame | None, tick: int, at: float) -> None:
        """Put a frame where it belongs."""
        place = tick - self._done + MAX_BEHIND
        if place < 0:
            self.n_late += 1
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
        assert frame is not None, "what is new was decoded"
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
        self._last.note(frame)
        self._late.keep(frame)

    def _is_due(self, tick: int) -> bool:
        """Return whether the frame of a tick was to come."""
        return (
            self._steady_from is not None
            and tick >= self._steady_from
            and self._n_silent < SILENCE * self._tick_rate
        )

    def _miss(
        self, taken: dict[type[Input], Input], tick: int, rule: MissingRule | None
    ) -> None:
        """Count a frame that did not come, and let something stand in for it."""
        self.n_missing += 1
        self._n_silent += 1
        # What was let go is not repeated.
        held = self._last.held()
        for kind in self._codec.inputs:
            if kind in taken:
                continue
            if rule is None:
                item = missing_input(kind, held.get(kind))
            else:
                item = rule(kind, self._last.last(kind))
            if item is not None:
                taken[kind] = item
                self._late.replaced(kind, tick)
