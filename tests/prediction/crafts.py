# SPDX-License-Identifier: MIT
"""A small game whose crafts are predicted, and an authority that tells of them late."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.prediction import Correction, EffectLedger, Predictor, Rounding
from gamenet.wire import angle, fixed, flag, float32, quaternion, uint8
from gamenet.world import Component, EntityId, Shown, World

CAPACITY = 16

Rows = NDArray[np.intp]
Words = NDArray[np.uint32]


class Place(Component):
    """Where a craft is."""

    x: float = fixed(-64, 64, step=1 / 32)
    y: float = fixed(-64, 64, step=1 / 32)


class Speed(Component):
    """How fast it goes."""

    x: float = float32()
    y: float = float32()


class Attitude(Component):
    """Where it points, in two ways that round differently."""

    nose: float = angle(bits=10)
    turn: tuple[float, ...] = quaternion(bits=9)


class Gun(Component):
    """What cannot slide."""

    heat: int = uint8()
    is_open: bool = flag()


class Loose(Component):
    """A place that may be a little off."""

    shown = Shown(tolerance=0.25)
    x: float = fixed(-64, 64, step=1 / 32)
    shots: int = uint8()


class Shield(Component):
    """What is there or is not."""


COMPONENTS = [Place, Speed, Attitude, Gun, Loose, Shield]


class Shot(Gun):
    """Something that happens once."""


@lru_cache(4096)
def steer(row: int, tick: int) -> tuple[float, float, bool]:
    """Return what a player does with a craft in a tick: turn, thrust, shoot."""
    chance = Random(row * 1_000_003 + tick // 5)
    return chance.uniform(-1, 1), chance.random(), chance.random() < 0.3


def fly(world: World, rows: Rows, tick: int, dt: float = 1 / 30) -> list[int]:
    """Compute a tick of crafts; return the rows that have shot."""
    steering = np.array([steer(row, tick) for row in rows.tolist()]).reshape(-1, 3)
    turn, thrust, shoot = steering.T
    place, speed, loose = (world.columns(each) for each in (Place, Speed, Loose))
    attitude, gun = world.columns(Attitude), world.columns(Gun)
    nose = attitude.nose[rows] + turn * 4.0 * dt
    attitude.nose[rows] = nose
    spin = np.stack([turn, thrust, shoot, np.full(len(rows), 9.0)], axis=1)
    attitude.turn[rows] += 0.05 * spin
    speed.x[rows] += thrust * np.cos(nose) * 20.0 * dt
    speed.y[rows] += thrust * np.sin(nose) * 20.0 * dt
    speed.x[rows] *= 0.97
    speed.y[rows] *= 0.97
    for axis in ("x", "y"):
        values = place.arrays[axis][rows] + speed.arrays[axis][rows] * dt
        place.arrays[axis][rows] = values - 60 * (np.abs(values) > 60) * np.sign(values)
    loose.x[rows] = np.clip(loose.x[rows] + 0.3 * turn * dt, -60, 60)
    shooting = rows[(shoot > 0) & (gun.heat[rows] == 0) & gun.present[rows]]
    gun.heat[rows] -= (gun.heat[rows] > 0).astype(np.uint8)
    gun.heat[shooting] = 5
    gun.is_open[rows] = thrust > 0.5
    loose.shots[shooting] += 1
    return [int(row) for row in shooting]


def crafts(n_crafts: int = 2) -> tuple[World, list[EntityId]]:
    """Return a world with some crafts in its first rows."""
    world = World(COMPONENTS, CAPACITY)
    return world, [
        world.spawn(
            Place(x=3.0 * i), Speed(), Attitude(nose=0.5 * i), Gun(), Loose(), owner=7
        )
        for i in range(n_crafts)
    ]


class Authority:
    """The world that is right: it computes every tick once, and remembers it."""

    def __init__(self, n_crafts: int = 2) -> None:
        self.world, self.crafts = crafts(n_crafts)
        self.rounding = Rounding(self.world, COMPONENTS)
        self.tick = 0
        self.rows: Rows = np.arange(n_crafts)
        self.past: dict[int, Words] = {0: self.rounding.round(self.rows)}
        """What the rows were: (n_lines, n_rows) by tick."""

    def step(self, n_ticks: int = 1) -> None:
        """Compute ticks."""
        for _ in range(n_ticks):
            self.tick += 1
            fly(self.world, self.rows, self.tick)
            self.remember()

    def remember(self) -> None:
        """Take the world as it is for what this tick has made of it."""
        self.past[self.tick] = self.rounding.round(self.rows)

    def push(self, row: int, by: float) -> None:
        """Do what no client can foresee."""
        self.world.columns(Place).x[row] += by
        self.remember()


@dataclass
class Client:
    """A world that predicts some crafts, and what it takes from the authority."""

    authority: Authority
    rows: list[int] = field(default_factory=lambda: [0, 1])
    depth: int = 1024
    effects: EffectLedger | None = None

    def __post_init__(self) -> None:
        self.world, self.crafts = crafts(len(self.authority.crafts))
        self.computed: list[int] = []
        self.played: list[tuple[int, int]] = []
        """Shots that were to be played: row and tick."""
        self.predictor = Predictor(
            self.world,
            COMPONENTS,
            self.compute,
            depth=self.depth,
            effects=self.effects,
        )
        self.predictor.follow(np.array(self.rows, np.intp))
        self.predictor.reset(0)

    def compute(self, tick: int) -> None:
        """Compute a tick of all crafts that are predicted, as the game would."""
        self.computed.append(tick)
        for row in fly(self.world, self.predictor.rows, tick):
            if self.effects is not None and self.effects.make(tick, Shot(), row):
                self.played.append((row, tick))

    def advance(self, to: int) -> None:
        """Compute all ticks up to one."""
        assert self.predictor.tick is not None
        for tick in range(self.predictor.tick + 1, to + 1):
            self.predictor.advance(tick)

    def confirm(self, tick: int, rows: list[int] | None = None) -> Correction | None:
        """Hear what rows were at a tick: those that are followed, if none is said."""
        heard = np.array(self.predictor.rows if rows is None else rows, np.intp)
        block = self.authority.past[tick][:, heard]
        return self.predictor.confirm(tick, heard, *self.parts(block))

    def parts(self, block: Words) -> tuple[list[Words], list[NDArray[np.bool_]]]:
        """Return the lanes of each component, and which rows have it."""
        rounding = self.authority.rounding
        lanes = [block[part] for part in rounding.parts]
        return lanes, [line != 0 for line in block[: len(COMPONENTS)]]

    def words(self) -> Words:
        """Return what the rows are now."""
        return Rounding(self.world, COMPONENTS).words(self.predictor.rows)

    def is_right(self, rows: list[int] | None = None) -> bool:
        """Return whether rows are what the authority makes of them in the same tick."""
        predictor, authority = self.predictor, self.authority
        assert predictor.tick is not None
        if authority.tick < predictor.tick:
            authority.step(predictor.tick - authority.tick)
        ours = np.array(predictor.rows if rows is None else rows, np.intp)
        there = authority.past[predictor.tick][:, ours]
        places = np.searchsorted(predictor.rows, ours)
        return np.array_equal(self.words()[:, places], there)


@dataclass
class Stream:
    """Confirmed ticks on their way: late, lost, doubled, in parts, out of order."""

    client: Client
    chance: Random
    delay: int = 6
    jitter: int = 4
    loss: float = 0.1
    waiting: list[tuple[int, int, list[int]]] = field(default_factory=list)

    def send(self, tick: int) -> None:
        """Send a tick, in one part or in two."""
        rows = self.client.predictor.rows.tolist()
        parts = [rows] if self.chance.random() < 0.6 else [rows[:1], rows[1:]]
        for part in parts:
            for _ in range(1 + (self.chance.random() < 0.1)):
                if part and self.chance.random() >= self.loss:
                    due = tick + self.delay + self.chance.randint(0, self.jitter)
                    self.waiting.append((due, tick, part))

    def deliver(self, now: int) -> list[Any]:
        """Hand over what has arrived; return the corrections."""
        arrived = [each for each in self.waiting if each[0] <= now]
        self.waiting = [each for each in self.waiting if each[0] > now]
        self.chance.shuffle(arrived)
        corrections = [self.client.confirm(tick, part) for _, tick, part in arrived]
        return [each for each in corrections if each is not None]
