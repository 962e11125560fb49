# SPDX-License-Identifier: MIT
"""What both sides of the arena run: how ships fly, and when a beam leaves them.

A player's client runs the functions that are marked `@predicted` at once, for the own
ship, and the server runs them for all. So they depend on nothing but columns, what the
player holds down, constants and the tick. Units are metres, seconds and radians; y
grows downwards as on a screen, so a positive turn is clockwise.
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from gamenet.game import (
    Component,
    Event,
    Game,
    Input,
    Player,
    Shown,
    angle,
    fixed,
    flag,
    int8,
    predicted,
    ray_boxes,
    uint8,
    uint32,
)

# ---- Numbers to tune -----------------------------------------------------------------

WIDTH, HEIGHT = 96, 64
WALLS = (  # centre x, centre y, half width, half height
    *((0, -33, 50, 1), (0, 33, 50, 1), (-49, 0, 1, 32), (49, 0, 1, 32)),  # around
    *((-24, 0, 1.5, 9), (24, 0, 1.5, 9), (0, -16, 10, 1.5), (0, 16, 10, 1.5)),
    *((-33, -20, 5, 1.5), (33, -20, 5, 1.5), (-33, 20, 5, 1.5), (33, 20, 5, 1.5)),
)

SHIP_RADIUS = 1.0
TURN_RATE = 4.0  # radians a second
THRUST = 20.0  # metres a second, every second
DRAG = 0.5  # share of its speed a ship loses in a second
MAX_SPEED = 14.0
SHIP_BOUNCE = 0.8  # share of its speed a ship keeps when it hits a wall

BEAM_RANGE = 45.0
BEAM_TICKS = 60  # from one beam to the next

# ---- What the players see ------------------------------------------------------------
# After each tick the server rounds what clients predict to these steps, and so do they:
# see `dither`. The tolerances are one step, as a browser's cosine may differ by a bit.

PLACE_STEP, SPEED_STEP, ANGLE_BITS = 1 / 64, 1 / 8, 10


class Position(Component):
    shown = Shown(tolerance=PLACE_STEP, snap=8.0)
    x: float = fixed(-64, 64, step=PLACE_STEP)
    y: float = fixed(-64, 64, step=PLACE_STEP)


class Velocity(Component):
    shown = Shown(tolerance=SPEED_STEP)
    x: float = fixed(-64, 64, step=SPEED_STEP)
    y: float = fixed(-64, 64, step=SPEED_STEP)


class Heading(Component):
    shown = Shown(tolerance=2 * pi / 2**ANGLE_BITS)
    angle: float = angle(bits=ANGLE_BITS)  # where the nose of a ship points


class Ship(Component):  # exists only while its player lives
    hue: int = uint8()
    thrusting: bool = flag()
    shielded: bool = flag()


class Gun(Component):
    beam_ready: int = uint32()  # tick from which it can fire the next beam


class Pilot(Input):  # what a player holds down
    turn: int = int8()  # -127 to 127, as a share of the turn rate
    thrust: bool = flag()
    shoot: bool = flag()
    aiming: bool = flag()  # turn towards `aim` instead, as mouse and touch want it
    beam: bool = flag()
    aim: float = angle()


class Beam(Event):  # its shooter sees it in the tick of the key, all others soon after
    x: float = fixed(-64, 64, step=PLACE_STEP)  # where it begins
    y: float = fixed(-64, 64, step=PLACE_STEP)
    angle: float = angle(bits=ANGLE_BITS)
    length: float = fixed(0, 63.75, step=1 / 4)
    hue: int = uint8()


# ---- The flight ----------------------------------------------------------------------

# What a player holds, by row of the ship. Clients send it with every tick, so it is
# written anew before each; a component would travel to every player.
STEERING = np.dtype(
    [
        *(("turn", "f8"), ("aim", "f8"), ("aiming", "?")),
        *(("thrust", "?"), ("shoot", "?"), ("beam", "?")),
    ]
)


Point = tuple[float, float]


class Flight(Game):
    """The part of the arena that clients predict."""

    def prepare(self) -> None:
        """Keep the columns at hand."""
        columns = self.world.columns
        self.position, self.velocity = columns(Position), columns(Velocity)
        self.heading, self.ship = columns(Heading), columns(Ship)
        self.gun = columns(Gun)
        self.steering = np.zeros(self.world.capacity, STEERING)
        self.walls = np.array(WALLS).T

    def input_received(self, player: Player, pilot: Pilot) -> None:
        """Remember what the player holds; the next steps act on it."""
        if player.avatar is not None:
            turn = max(-127, pilot.turn) / 127  # an int8 reaches down to -128
            keys = pilot.thrust, pilot.shoot, pilot.beam
            held = (turn, pilot.aim, pilot.aiming, *keys)
            self.steering[self.world.row_of(player.avatar)] = held

    @predicted(Position, Velocity, Heading, having=[Ship])
    def fly(self, ships: NDArray[np.intp], dt: float) -> None:
        """Turn and push ships as their pilots want, and move them within the walls."""
        held, most = self.steering[ships], TURN_RATE * dt
        nose = self.heading.angle[ships]
        to_aim = (held["aim"] - nose + pi) % (2 * pi) - pi  # the short way round
        to_aim = np.clip(to_aim, -most, most)
        nose = nose + np.where(held["aiming"], to_aim, held["turn"] * most)
        speed_up, keep = held["thrust"] * THRUST * dt, 1 - DRAG * dt
        x = self.velocity.x[ships] * keep + speed_up * np.cos(nose)
        y = self.velocity.y[ships] * keep + speed_up * np.sin(nose)
        allowed = MAX_SPEED / np.maximum(np.hypot(x, y), MAX_SPEED)
        self.velocity.x[ships] = x * allowed
        self.velocity.y[ships] = y * allowed
        self.heading.angle[ships] = nose
        self.velocity.changed(ships)
        self.heading.changed(ships)
        self.move(ships, dt)
        self.hit_walls(ships, SHIP_RADIUS, SHIP_BOUNCE)
        self.dither(ships)

    def dither(self, ships: NDArray[np.intp]) -> None:
        """Add less than half a step, more or less, another part of it in each tick.

        What is rounded after each tick would lose every change that is smaller than
        half a step: a slow ship would stand still, or never drift to a halt. So it is
        rounded up in as many ticks as it should be. What does not change stays.
        """
        part = ((self.tick * 39 & 63) - 31.5) / 64
        self.position.x[ships] += part * PLACE_STEP
        self.position.y[ships] += part * PLACE_STEP
        self.velocity.x[ships] += part * SPEED_STEP
        self.velocity.y[ships] += part * SPEED_STEP

    @predicted(Gun, having=[Position, Heading, Ship])
    def fire_beams(self, ships: NDArray[np.intp], dt: float) -> None:
        """Let the ships shine whose pilots want to and whose beams have cooled down."""
        cool = self.gun.beam_ready[ships] <= self.tick
        for ship in ships[self.steering["beam"][ships] & cool].tolist():
            if self.world.alive[ship]:  # no other beam has just ended it
                self.gun.beam_ready[ship] = self.tick + BEAM_TICKS
                self.gun.changed(ship)
                self.shine(ship)

    def shine(self, ship: int) -> None:
        """Send a beam from a ship, until something stops it."""
        place = float(self.position.x[ship]), float(self.position.y[ship])
        nose = float(self.heading.angle[ship])
        way = np.cos(nose), np.sin(nose)
        walls = self.walls[:2], self.walls[2:]
        hits = ray_boxes(place, way, *walls, max_distance=BEAM_RANGE)
        length = float(min(hits.distances, default=BEAM_RANGE))
        # Where the others are only the server knows.
        if not self.is_predicting:
            length = self.strike(ship, place, way, length)
        beam = Beam(*place, nose, length, int(self.ship.hue[ship]))
        self.emit(beam, by=self.world.id_of(ship))

    def strike(self, ship: int, place: Point, way: Point, length: float) -> float:
        """Override me: harm what a beam meets, and return how far it gets."""
        return length

    # ---- How things move -------------------------------------------------------------

    def move(self, rows: NDArray[np.intp], dt: float) -> None:
        """Move what flies."""
        self.position.x[rows] += self.velocity.x[rows] * dt
        self.position.y[rows] += self.velocity.y[rows] * dt
        self.position.changed(rows)

    def hit_walls(
        self, rows: NDArray[np.intp], radius: NDArray | float, bounce: NDArray | float
    ) -> NDArray[np.intp]:
        """Throw circles back from walls, and return the rows of those that hit one."""
        x, y = self.gap_to_walls(self.position.x[rows], self.position.y[rows])
        gap = np.hypot(x, y)
        radius = np.broadcast_to(radius, len(rows))
        bounce = np.broadcast_to(bounce, len(rows))
        hits = np.nonzero(gap < radius[:, np.newaxis])
        which, row, gap = hits[0], rows[hits[0]], np.maximum(gap[hits], 1e-6)
        normal_x, normal_y = x[hits] / gap, y[hits] / gap
        deep = radius[which] - gap
        inwards = self.velocity.x[row] * normal_x + self.velocity.y[row] * normal_y
        kick = -(1 + bounce[which]) * np.minimum(inwards, 0)
        # A row that hits two walls at once stands here twice: `add.at` adds up both.
        np.add.at(self.position.x, row, deep * normal_x)
        np.add.at(self.position.y, row, deep * normal_y)
        np.add.at(self.velocity.x, row, kick * normal_x)
        np.add.at(self.velocity.y, row, kick * normal_y)
        self.velocity.changed(row)
        return row

    def gap_to_walls(self, x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Return the way to each place (a row) from the nearest bit of each wall."""
        x, y = x[:, np.newaxis] - self.walls[0], y[:, np.newaxis] - self.walls[1]
        x = np.copysign(np.maximum(np.abs(x) - self.walls[2], 0), x)
        y = np.copysign(np.maximum(np.abs(y) - self.walls[3], 0), y)
        return x, y
