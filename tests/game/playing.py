# SPDX-License-Identifier: MIT
"""A small game of crafts that fly, its players, and whole matches of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.connection import ConnectionConfig
from gamenet.game import (
    Component,
    EntityId,
    Event,
    Game,
    GameClient,
    Input,
    Player,
    Sync,
    fixed,
    int8,
    predicted,
    uint8,
)
from gamenet.prediction import Correction
from gamenet.testing import Clock, Stepper
from gamenet.transport import Impairment

PATIENT = ConnectionConfig(handshake_timeout=60.0, timeout=60.0)
RATE = 30
THRUST = 20.0
DRAG = 1.0
SPEED_STEP = 1 / 64
BUOYS = 8.0
"""Metres between two buoys."""


class Position(Component):
    """Where a craft is, in metres."""

    x: float = fixed(-512, 512, step=1 / 128)
    y: float = fixed(-512, 512, step=1 / 128)


class Velocity(Component):
    """How fast it is, in metres a second."""

    x: float = fixed(-64, 64, step=SPEED_STEP)
    y: float = fixed(-64, 64, step=SPEED_STEP)


class Paint(Component):
    """What its player has painted on a craft."""

    sync = Sync(owner_writes=True)
    hue: int = uint8()


class Steer(Input):
    """Push in a direction; 127 is as hard as can be."""

    x: int = int8()
    y: int = int8()


class Ping(Event):
    """What a craft makes that is pushed to the right as hard as can be."""

    x: float = fixed(-512, 512, step=1 / 128)


class Buoy(Event):
    """A craft has passed a buoy."""

    number: int = int8()


class Crafts(Game):
    """Everybody flies, and the server may push."""

    tick_rate = RATE
    components = (Position, Velocity, Paint)
    inputs = (Steer,)
    events = (Ping, Buoy)

    def __init__(self) -> None:
        self.passed: list[int] = []
        """The ticks in which a craft has passed a buoy."""

    def prepare(self) -> None:
        """Keep columns, and what the inputs hold."""
        self.position: Any = self.world.columns(Position)
        self.velocity: Any = self.world.columns(Velocity)
        self.held = np.zeros((self.world.capacity, 2))

    def player_joined(self, player: Player) -> None:
        """Give the player a craft."""
        parts = Position(), Velocity(), Paint()
        player.avatar = self.world.spawn(*parts, owner=player)

    def input_received(self, player: Player, steer: Input) -> None:
        """Hold the stick."""
        assert isinstance(steer, Steer)
        if player.avatar is not None:
            row = self.world.row_of(player.avatar)
            self.held[row] = steer.x / 127, steer.y / 127

    @predicted(Position, Velocity)
    def fly(self, rows: NDArray[np.intp], dt: float) -> None:
        """Push, drag, move."""
        at, speed, held = self.position, self.velocity, self.held
        for axis, push in ((speed.x, held[rows, 0]), (speed.y, held[rows, 1])):
            axis[rows] += (push * THRUST - DRAG * axis[rows]) * dt
            # What is slower than rounding can slow down would drift for ever.
            axis[rows] *= (np.abs(axis[rows]) > 0.5) | (push != 0)
        before = at.x[rows] // BUOYS
        at.x[rows] += speed.x[rows] * dt
        at.y[rows] += speed.y[rows] * dt
        at.changed(rows)
        speed.changed(rows)
        for row in rows[held[rows, 0] == 1].tolist():
            self.emit(Ping(at.x[row]), by=self.world.id_of(row))
        for row in rows[at.x[rows] // BUOYS > before].tolist():
            self.passed.append(self.tick)
            self.emit(Buoy(int(at.x[row] // BUOYS)), by=self.world.id_of(row))

    def step(self, dt: float) -> None:
        """Fly."""
        self.fly(dt)


class Pilot(GameClient):
    """Holds the stick somewhere for a while, then elsewhere."""

    chance: random.Random
    stick: tuple[int, int] | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.ticks: list[int] = []
        self.corrections: list[Correction] = []
        self.pings: list[int] = []
        self.buoys: list[int] = []
        self.cancelled: list[int] = []
        self.told: list[Any] = []
        self.n_resynced = 0
        self._held = Steer()

    def on_tick(self, tick: int) -> None:
        """Hold the stick."""
        self.ticks.append(tick)
        if self.stick is not None:
            self._held = Steer(*self.stick)
        elif self.chance.random() < 0.1:
            x, y = self.chance.randrange(-126, 127), self.chance.randrange(-126, 127)
            self._held = Steer(x, y)
        self.send_input(self._held)

    def on_corrected(self, correction: Correction) -> None:
        """Keep it."""
        self.corrections.append(correction)

    def on_event(self, event: Event, tick: int) -> None:
        """Keep its tick."""
        (self.pings if isinstance(event, Ping) else self.buoys).append(tick)

    def on_event_cancelled(self, event: Event, tick: int) -> None:
        """Keep its tick."""
        self.cancelled.append(tick)

    def on_resynced(self, tick: int) -> None:
        """Count."""
        self.n_resynced += 1

    def on_dropped(self, reason: Any) -> None:
        """Keep it."""
        self.told.append("dropped")

    def on_resumed(self) -> None:
        """Keep it."""
        self.told.append("resumed")

    def on_closed(self, reason: Any, detail: str) -> None:
        """Keep it."""
        self.told.append(("closed", reason, detail))


class Drowsy:
    """The reactor of a process that may be suspended: what is due then comes late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []
        self.is_asleep = False
        self.seconds = clock.seconds

    def callLater(self, delay: float, call: Callable[..., Any], *args: Any) -> Any:
        """Arrange a call for later."""
        return self._clock.callLater(delay, self.run, call, *args)

    def run(self, call: Callable[..., Any], *args: Any) -> None:
        """Call, or wait for that."""
        if self.is_asleep:
            self._waiting.append((call, args))
        else:
            call(*args)

    def hold(self, carrier: Any) -> None:
        """Have what comes on a carrier wait, too."""
        carrier.receiver = _Held(self, carrier.receiver)

    def wake(self) -> None:
        """Do all that was due, in one burst."""
        self.is_asleep = False
        waiting, self._waiting = self._waiting, []
        for call, args in waiting:
            call(*args)


class _Held:
    """Takes what comes to a process that may be suspended."""

    def __init__(self, reactor: Drowsy, receiver: Any) -> None:
        self._reactor = reactor
        self._receiver = receiver

    def receive(self, packet: bytes) -> None:
        """Take a packet."""
        self._reactor.run(self._receiver.receive, packet)


class Match:
    """Some pilots over a network.

    Args:
        rtt: seconds there and back.
        jitter: seconds that a packet takes longer at most, each way.
        loss: share of packets, each way.
        seed: of everything.
        n_pilots: how many.
        game: what they play.
        connection: settings of every connection.
    """

    def __init__(
        self,
        rtt: float = 0.0,
        jitter: float = 0.0,
        loss: float = 0.0,
        *,
        seed: int = 1,
        n_pilots: int = 2,
        game: type[Crafts] = Crafts,
        connection: ConnectionConfig = PATIENT,
        **options: Any,
    ) -> None:
        down, up = (
            Impairment(
                latency=rtt / 2, jitter=jitter, loss=loss, seed=2 * seed + number
            )
            for number in range(2)
        )
        self._config = connection
        self.seed = seed
        self.stepper = Stepper.of(
            game, seed=seed, down=down, up=up, connection=connection
        )
        self.server = self.stepper.server
        self.pilots: list[Pilot] = []
        for _ in range(n_pilots):
            self.join(**options)
        if n_pilots:
            self.until_joined()

    def join(self, reactor: Any = None, **options: Any) -> Pilot:
        """Let a further pilot begin to join."""
        stepper, number = self.stepper, len(self.pilots)
        pilot = Pilot(
            stepper.clock if reactor is None else reactor,
            type(self.server.game),
            f"pilot {number}",
            connection=self._config,
            random=random.Random(10 * self.seed + number),
            **options,
        )
        pilot.chance = random.Random(100 * self.seed + number)
        pilot.connect("memory:match", memory=stepper.network)
        stepper.clients.append(pilot)
        self.pilots.append(pilot)
        return pilot

    def until_joined(self) -> None:
        """Play until all know their crafts."""
        self.stepper.until(
            lambda: all(each.player_id and len(each.world) for each in self.pilots),
            3000,
        )
        self.one = self.pilots[0]

    def play(self, seconds: float) -> None:
        """Let time pass, and have the first pilot look once a tick."""
        for _ in range(round(seconds * RATE)):
            self.stepper.clock.advance(1 / RATE)
            self.one.look()

    def next_tick(self, pilot: Pilot) -> int:
        """Play until a pilot has begun a further tick, and not longer; return it."""
        before = len(pilot.ticks)
        while len(pilot.ticks) == before:
            self.stepper.clock.advance(1 / 1000)
        return pilot.ticks[-1]

    def avatar(self, pilot: Pilot) -> EntityId:
        """Return a pilot's craft."""
        avatar = self.server.players[pilot.player_id].avatar
        assert avatar is not None
        return avatar

    def row(self, pilot: Pilot) -> int:
        """Return the row of a pilot's craft."""
        return self.server.world.row_of(self.avatar(pilot))

    def push(self, pilot: Pilot, x: float) -> None:
        """Move a pilot's craft, as the server's game may do."""
        row = self.row(pilot)
        at: Any = self.server.world.columns(Position)
        at.x[row] += x
        at.changed(np.array([row]))

    def stats(self, pilot: Pilot) -> dict[str, Any]:
        """Return how it goes for a pilot."""
        return pilot.foresight.stats(self.stepper.clock.seconds())
