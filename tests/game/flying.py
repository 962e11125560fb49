# SPDX-License-Identifier: MIT
"""A small game of which clients predict a part, and a player whose bytes we write."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.game import (
    Audience,
    Component,
    Event,
    Game,
    Input,
    Missing,
    Player,
    Sync,
    fixed,
    flag,
    float32,
    int8,
    predicted,
    uint32,
)
from gamenet.prediction import Feedback, Frame, InputCodec
from gamenet.testing import Stepper
from gamenet.transport import connect
from tests.transport.recorders import ClientFactory

CONTROL, SNAPSHOTS, INPUTS, EVENTS = 0, 1, 2, 3


class Spot(Component):
    """Where a kite is; coarse, so that rounding shows."""

    x: float = fixed(-512, 512, step=1 / 8)


class Speed(Component):
    """How fast it is."""

    x: float = fixed(-64, 64, step=1 / 8)


class Charge(Component):
    """When it may flash again; only its owner knows."""

    sync = Sync(audience=Audience.OWNER)
    ready: int = uint32()


class Cloud(Component):
    """What nobody predicts."""

    size: float = float32()


class Pull(Input):
    """Change the speed."""

    x: int = int8()
    force: float = float32()


class Flashing(Input):
    """Flash; what is not said is not done."""

    missing = Missing.NOTHING
    bright: bool = flag()


class Flash(Event):
    """Somebody has flashed."""

    x: float = fixed(-512, 512, step=1 / 8)


class Kites(Game):
    """Kites that fly as their players pull."""

    tick_rate = 20
    max_entities = 64
    components = [Spot, Speed, Cloud, Charge]
    inputs = [Pull, Flashing]
    events = [Flash]
    rewindable = [Spot]

    def __init__(self) -> None:
        self.heard: list[tuple[int, int, Input]] = []
        """Tick, player and input, of all that was received."""
        self.seen: list[Any] = []

    def prepare(self) -> None:
        """Keep columns, and room for what is pulled."""
        columns = self.world.columns
        self.spot, self.speed = columns(Spot), columns(Speed)
        self.charge = columns(Charge)
        self.pull = np.zeros(self.world.capacity)
        self.flashing = np.zeros(self.world.capacity, np.bool_)

    def player_joined(self, player: Player) -> None:
        """Give the player a kite."""
        parts = Spot(), Speed(), Charge()
        player.avatar = self.world.spawn(*parts, owner=player)

    def input_received(self, player: Player, input: Input) -> None:
        """Remember what the player does."""
        self.heard.append((self.tick, player.id, input))
        assert player.avatar is not None
        row = self.world.row_of(player.avatar)
        if isinstance(input, Pull):
            self.pull[row] = input.x
        else:
            self.flashing[row] = True

    @predicted(Spot, Speed)
    def fly(self, rows: NDArray[np.intp], dt: float) -> None:
        """Pull and move kites."""
        self.speed.x[rows] += self.pull[rows] * dt
        self.spot.x[rows] += self.speed.x[rows] * dt
        self.speed.changed(rows)
        self.spot.changed(rows)

    @predicted(Charge, having=[Spot])
    def flash(self, rows: NDArray[np.intp], dt: float) -> None:
        """Flash once a second."""
        for row in rows[self.flashing[rows]].tolist():
            if self.charge.ready[row] <= self.tick:
                self.charge.ready[row] = self.tick + 20
                self.charge.changed(row)
                self.emit(Flash(self.spot.x[row]), by=self.world.id_of(row))
        self.flashing[rows] = False

    def step(self, dt: float) -> None:
        """Fly, then flash."""
        self.fly(dt)
        self.flash(dt)


class RawPlayer:
    """Somebody who joins a match, and whose packets a test writes."""

    def __init__(self, stepper: Stepper, number: int = 1) -> None:
        server = stepper.server
        self._stepper = stepper
        self.codec = InputCodec(server.protocol.inputs)
        factory = ClientFactory(
            stepper.clock,
            server.protocol.hash,
            config=server.config,
            random=random.Random(number),
        )
        before = set(server.players)
        made = connect(stepper.clock, "memory:match", factory, memory=stepper.network)
        stepper.until(lambda: set(server.players) != before)
        (self.id,) = set(server.players) - before
        self.player = server.players[self.id]
        made.addCallback(self._take)

    def _take(self, protocol: Any) -> None:
        self.link = protocol

    def send(self, *frames: Frame, clock: int = 0, is_steady: bool = True) -> None:
        """Send a packet of inputs, newest frame first."""
        clock = clock or int(self._stepper.clock.seconds() * 1e6)
        packet = self.codec.encode(frames, clock, is_steady=is_steady)
        self.link.sendMessage(INPUTS, packet)

    def feedback(self) -> list[Feedback]:
        """Return what the server has told of inputs so far."""
        return [Feedback.decode(payload) for payload in self.heard(INPUTS)]

    def heard(self, channel: int) -> list[bytes]:
        """Return the messages of a channel so far."""
        return [
            event[2]
            for event in self.link.happened
            if event[0] == "message" and event[1] == channel
        ]
