# SPDX-License-Identifier: MIT
"""Predict once more what a recorded player's client had predicted.

The client itself is not in a recording, but all that it predicted with is: what it was
sent, and what it did in each tick. So another client is made of that, which has the
same game. It differs from the real one in what that one lost on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import RemoteProtocolError
from gamenet.game import Corrected, Game, Match, Packet, Protocol
from gamenet.prediction import Correction, Input, InputPacket
from gamenet.sequence import is_newer32

__all__ = ["Ghost", "Mistake", "RecordedInputs"]

LONGEST_GAP = 64
"""Ticks without any frame, from which on the player's time was set anew."""

Values = dict[str, Any]
"""Of a component, by field."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was predicted of a component for a confirmed tick, and what it was."""

    row: int
    component: str
    size: float
    """In units of the component's values, in the row where that is most."""
    predicted: Values | None
    """None where that is not known any more."""
    confirmed: Values


@dataclass(slots=True)
class Answer:
    """What came of something that the client was sent."""

    n_corrections: int = 0
    size: float = 0.0
    n_resimulated: int = 0
    mistakes: list[Mistake] = field(default_factory=list)


class RecordedInputs:
    """Hold the frames of a recording, in place of the buffer of a client."""

    def __init__(self) -> None:
        self._frames: dict[int, tuple[Input, ...]] = {}

    def put(self, tick: int, inputs: tuple[Input, ...]) -> None:
        """Keep the inputs of a tick; what packets repeat is known already."""
        self._frames.setdefault(tick, inputs)

    def at(self, tick: int) -> Sequence[Input]:
        """Return the inputs of a tick; none if its frame has never come."""
        return self._frames.get(tick, ())

    def forget(self, before_tick: int) -> None:
        """Drop the frames before a tick."""
        for tick in [tick for tick in self._frames if tick < before_tick]:
            del self._frames[tick]

    def drop_from(self, tick: int) -> None:
        """Drop the frames from a tick on: the player does them anew."""
        for later in [each for each in self._frames if each >= tick]:
            del self._frames[later]


class Ghost:
    """Be the client of a recorded player.

    Args:
        protocol: what the game speaks.
        game: the player's own instance.
        tick_rate: ticks a second.
    """

    def __init__(self, protocol: Protocol, game: Game, tick_rate: float) -> None:
        self.inputs = RecordedInputs()
        """What the player did."""
        self.n_malformed = 0
        """Messages that could not be understood."""
        self.raised: dict[str, int] = {}
        """How often a hook of the game has raised, by its name."""
        self._tick_rate = tick_rate
        self._match = Match(protocol, game, report=self._raised, inputs=self.inputs)
        self._newest = 0
        self._clock: int | None = None

    @property
    def has_joined(self) -> bool:
        """Return whether the beginning of the player's match was there."""
        return self._match.world is not None

    @property
    def tick(self) -> int | None:
        """Return the newest tick that is predicted; None before any."""
        predicting = self._predicting
        return None if predicting is None else predicting.predictor.tick

    @property
    def confirmed(self) -> int | None:
        """Return the newest tick that was compared; None before any."""
        predicting = self._predicting
        return None if predicting is None else predicting.predictor.confirmed

    @property
    def _predicting(self) -> Any:
        foresight = self._match.foresight
        return None if foresight is None else foresight.predicting

    def heard(self, packet: InputPacket, shift: int) -> None:
        """Predict the ticks that the client had predicted when it sent a packet.

        Args:
            packet: of inputs, with a frame at least.
            shift: added to its ticks gives those that they are.
        """
        newest, oldest = packet.newest + shift, packet.frames[-1].tick + shift
        is_newer = self._clock is None or is_newer32(packet.clock, self._clock)
        predicting = self._predicting
        has_jumped = False
        if is_newer:
            self._clock = packet.clock
            if packet.is_steady and newest < self._newest:
                self.inputs.drop_from(oldest)
                has_jumped = True
            self._newest = newest
        for frame in packet.frames:
            self.inputs.put(frame.tick + shift, frame.inputs)
        if predicting is None or not is_newer:
            return
        tick = predicting.predictor.tick
        if has_jumped or tick is None or oldest > tick + LONGEST_GAP:
            predicting.restart(oldest - 1)
            tick = oldest - 1
        for each in range(tick + 1, newest + 1):
            predicting.advance(each)

    def told(self, packet: Packet) -> Answer:
        """Take what the client was sent; return what came of it."""
        predicting = self._predicting
        ghost = {} if predicting is None else _rows_at(predicting, packet.tick)
        n_before = 0 if predicting is None else predicting.predictor.n_resimulated
        now = packet.tick / self._tick_rate
        try:
            self._match.receive(packet.channel, packet.payload, now=now)
        except RemoteProtocolError:
            self.n_malformed += 1
        answer = Answer()
        for event in self._match.events:
            if isinstance(event, Corrected) and len(event.correction.mispredicted):
                answer.n_corrections += 1
                answer.size = max(answer.size, event.correction.size)
                answer.mistakes += self._mistakes(event.correction, ghost)
        self._match.events.clear()
        self._match.take_followed()
        if predicting is not None:
            answer.n_resimulated = predicting.predictor.n_resimulated - n_before
        return answer

    def _mistakes(
        self, correction: Correction, ghost: dict[int, dict[str, Values]]
    ) -> list[Mistake]:
        """Return what was wrong in the rows of a correction, the worst first."""
        predictor = self._predicting.predictor
        told = predictor.told()
        places = {row: place for place, row in enumerate(predictor.rows.tolist())}
        found = []
        by_size = sorted(correction.sizes.items(), key=lambda each: -each[1])
        for row in correction.mispredicted.tolist():
            known = ghost.get(row, {})
            for component, size in by_size if row in places else ():
                confirmed = _row(told[component], places[row])
                predicted = known.get(component.__name__)
                if predicted != confirmed:
                    name = component.__name__
                    found.append(Mistake(row, name, size, predicted, confirmed))
        return found

    def _raised(self, hook: str) -> None:
        self.raised[hook] = self.raised.get(hook, 0) + 1


def _rows_at(predicting: Any, tick: int) -> dict[int, dict[str, Values]]:
    """Return what is predicted for a tick: by row, component and field."""
    state = predicting.predictor.state(tick)
    if state is None:
        return {}
    return {
        row: {kind.__name__: _row(columns, i) for kind, columns in state.items()}
        for i, row in enumerate(predicting.rows.tolist())
    }


def _row(columns: dict[str, NDArray[Any]], i: int) -> Values:
    """Return the values of one row as JSON has them; None for what is not finite."""
    return {name: _plain(column[i]) for name, column in columns.items()}


def _plain(value: Any) -> Any:
    array: NDArray[Any] = np.asarray(value)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        return None
    return array.tolist()
