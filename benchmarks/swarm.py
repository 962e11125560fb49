# SPDX-License-Identifier: MIT
"""The world that replication is measured on: bodies that move as bodies do.

Each has a place (2 mm), a rotation (smallest three of 10 bits) and a velocity (4 mm/s).
In each tick of a thirtieth of a second a fresh random share of them moves, 10 % unless
said otherwise: by velocity times time, while the velocity makes a bounded random walk
and the rotation follows an angular velocity that does the same. So the values of a body
that moves change in all ten numbers and by small amounts, and which bodies move cannot
be guessed. The same seed gives the same world.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.wire import fixed, quaternion
from gamenet.world import Component, World

__all__ = ["COMPONENTS", "DT", "Moves", "Position", "Rotation", "Swarm", "Velocity"]

DT = 1 / 30
FIELD = np.array([200.0, 200.0, 20.0])
"""Half of the length, the width and the height of where they are, in metres."""
MAX_SPEED, PUSH = 8.0, 8.0
"""Limit of the velocity on each axis, and the deviation of the acceleration: people who
run and cars in a yard, in metres and seconds."""
MAX_SPIN, TWIST = 3.0, 10.0
"""The same of the angular velocity, in radians and seconds."""

Floats = NDArray[np.float64]
Rows = NDArray[np.intp]


class Position(Component):
    """Where a body is."""

    x: float = fixed(-512, 512, step=0.002)
    y: float = fixed(-512, 512, step=0.002)
    z: float = fixed(-512, 512, step=0.002)


class Rotation(Component):
    """How it is turned."""

    turned: tuple[float, ...] = quaternion(10)


class Velocity(Component):
    """How fast it moves."""

    x: float = fixed(-64, 64, step=0.004)
    y: float = fixed(-64, 64, step=0.004)
    z: float = fixed(-64, 64, step=0.004)


COMPONENTS = (Position, Rotation, Velocity)


@dataclass(slots=True)
class Moves:
    """What changes in one tick.

    Shapes:
        rows: (n,). position, velocity: (n, 3). rotation: (n, 4), of unit length.
    """

    rows: Rows
    position: Floats
    rotation: Floats
    velocity: Floats


class Swarm:
    """Bodies in a world, as many as it has rows unless said otherwise.

    Args:
        world: with COMPONENTS, empty; the bodies take its first rows.
        n_bodies: how many.
        share: of them that moves in a tick.
        seed: of all chance.
        is_steady: whether the same bodies move in every tick, instead of fresh ones.
    """

    def __init__(
        self,
        world: World,
        n_bodies: int | None = None,
        *,
        share: float = 0.1,
        seed: int = 1,
        is_steady: bool = False,
    ) -> None:
        n = world.capacity if n_bodies is None else n_bodies
        self.n_bodies = n
        self.n_moving = round(n * share)
        self._random = np.random.default_rng(seed)
        self._movers = self._draw() if is_steady else None
        self.position = self._random.uniform(-FIELD, FIELD, (n, 3))
        self.velocity = self._random.uniform(-MAX_SPEED, MAX_SPEED, (n, 3))
        self.rotation = _unit(self._random.normal(size=(n, 4)))
        self.spin = self._random.uniform(-MAX_SPIN, MAX_SPIN, (n, 3))
        self._columns = [world.columns(component) for component in COMPONENTS]
        world.spawn_rows(n, *(component() for component in COMPONENTS))
        self.write(self.everything())

    def everything(self) -> Moves:
        """Return the state of all bodies, as if all of them had moved."""
        state = (self.position, self.rotation, self.velocity)
        return Moves(np.arange(self.n_bodies), *(values.copy() for values in state))

    def move(self, always: Rows | None = None) -> Moves:
        """Let a tick pass for those who move in it, and return what that changes.

        Args:
            always: rows that move in this tick, whether or not they are drawn.
        """
        rows = self._draw() if self._movers is None else self._movers
        if always is not None:
            rows = np.union1d(rows, always)
        shape = (len(rows), 3)
        push = self._random.normal(0, PUSH * DT, shape)
        twist = self._random.normal(0, TWIST * DT, shape)
        velocity = np.clip(self.velocity[rows] + push, -MAX_SPEED, MAX_SPEED)
        spin = np.clip(self.spin[rows] + twist, -MAX_SPIN, MAX_SPIN)
        position = self.position[rows] + velocity * DT
        # Who has left the field turns back.
        outside = np.abs(position) > FIELD
        velocity = np.where(outside, -np.sign(position) * np.abs(velocity), velocity)
        self.spin[rows] = spin
        self.velocity[rows] = velocity
        self.position[rows] = position
        self.rotation[rows] = _turned(self.rotation[rows], spin * DT)
        return Moves(rows, position, self.rotation[rows], velocity)

    def write(self, moves: Moves) -> None:
        """Write moves into the world."""
        rows = moves.rows
        position, rotation, velocity = self._columns
        for columns, values in ((position, moves.position), (velocity, moves.velocity)):
            columns.x[rows] = values[:, 0]
            columns.y[rows] = values[:, 1]
            columns.z[rows] = values[:, 2]
        rotation.turned[rows] = moves.rotation
        for columns in self._columns:
            columns.changed(rows)

    def near(self, body: int, n: int) -> Rows:
        """Return the rows of those n bodies that are nearest to one, ascending."""
        away = np.hypot(*(self.position - self.position[body])[:, :2].T)
        nearest: Rows = np.sort(np.argpartition(away, n - 1)[:n])
        return nearest

    def _draw(self) -> Rows:
        if self.n_moving == self.n_bodies:
            return np.arange(self.n_bodies)
        drawn = self._random.choice(self.n_bodies, self.n_moving, replace=False)
        rows: Rows = np.sort(drawn)
        return rows


def _turned(rotation: Floats, by: Floats) -> Floats:
    """Return quaternions (x, y, z, w), each turned a little by a rotation vector."""
    x, y, z, w = rotation.T
    i, j, k = by.T / 2
    turned = np.stack(
        (
            x + i * w + j * z - k * y,
            y + j * w + k * x - i * z,
            z + k * w + i * y - j * x,
            w - i * x - j * y - k * z,
        ),
        axis=1,
    )
    return _unit(turned)


def _unit(vectors: Floats) -> Any:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
