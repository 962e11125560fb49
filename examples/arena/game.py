# SPDX-License-Identifier: MIT
"""The rules of the arena: asteroids, projectiles, beams, and who gets the points.

How ships fly is in `flight.py`: that part clients run, too. Read that first, then this
one from top to bottom; `Arena.step` lists the rules in their order. Rules work on whole
columns; loops run only over what happened in a tick: a shot, a hit, a death. Chance
comes from `self.random` and time from `self.tick`: the same inputs give the same match.
"""

from __future__ import annotations

from math import pi

import numpy as np
from numpy.typing import NDArray

from gamenet.game import (
    CloseReason,
    Component,
    EntityId,
    Event,
    Player,
    fixed,
    ray_spheres,
    uint8,
    uint16,
    uint32,
)

from .flight import (
    HEIGHT,
    SHIP_BOUNCE,
    SHIP_RADIUS,
    WALLS,
    WIDTH,
    Beam,
    Flight,
    Gun,
    Heading,
    Pilot,
    Point,
    Position,
    Ship,
    Velocity,
)

__all__ = ["Arena"]

# ---- Numbers to tune -----------------------------------------------------------------

RESPAWN_TICKS, SHIELD_TICKS = 90, 60

PROJECTILE_RADIUS = 0.25
PROJECTILE_SPEED = 32.0  # added to the ship's own
PROJECTILE_DAMAGE = 20
LIFE_TICKS, COOLDOWN_TICKS = 36, 8
BEAM_DAMAGE = 30

ASTEROIDS = 10  # while there are fewer, one drifts in every half second
ASTEROID_RADIUS = (0.0, 0.8, 1.6, 3.0)  # by size: none, 1 small, 2 medium, 3 large
ASTEROID_SPEED = (0.0, 8.0, 5.5, 3.5)
ASTEROID_DAMAGE = (0, 10, 20, 35)
ASTEROID_POINTS = (0, 10, 20, 50)

KILL_POINTS, DEATH_POINTS = 100, -50

# ---- What the players see ------------------------------------------------------------


class Health(Component):
    points: int = uint8()


class Score(Component):  # on an entity of its own, since it outlives the ships
    points: int = uint16()


class Asteroid(Component):
    size: int = uint8()  # 1 small, 2 medium, 3 large


class Projectile(Component):  # whose entity belongs to the player who fired it
    hue: int = uint8()


class Wall(Component):  # a rectangle around its position
    half_width: float = fixed(0, 63.75, step=1 / 4)
    half_height: float = fixed(0, 63.75, step=1 / 4)


class Explosion(Event):
    x: float = fixed(-64, 64, step=1 / 32)
    y: float = fixed(-64, 64, step=1 / 32)
    size: int = uint8()  # 1 to 3 as for asteroids, 4 a ship
    hue: int = uint8()


class Kill(Event):
    killer: int = uint32()  # player ids; 0 when an asteroid did it
    victim: int = uint32()


# ---- The game ------------------------------------------------------------------------

# What only the server knows of an entity, in arrays beside the world's columns and
# indexed by row like them. A component would travel to every player; this does not.
BODY = np.dtype([("radius", "f8"), ("bounce", "f8"), ("until", "i8"), ("ready", "i8")])
# `bounce` is the share of its speed that a body keeps when it hits a wall; `until` the
# tick at which a projectile or a shield ends; `ready` the tick at which a gun is cool.


class Arena(Flight):
    """Turn, thrust, shoot, and mind the rocks."""

    title = "Arena"
    tick_rate = 30
    max_entities = 1024
    page = "page"
    components = [
        *(Position, Velocity, Heading, Ship, Health),
        *(Score, Asteroid, Projectile, Wall, Gun),
    ]
    inputs = [Pilot]
    events = [Explosion, Kill, Beam]
    rewindable = [Position]  # a beam hits what its shooter saw it hit

    def started(self) -> None:
        """Build the walls and let the first asteroids drift in."""
        columns = self.world.columns
        self.health, self.asteroid = columns(Health), columns(Asteroid)
        self.body = np.zeros(self.world.capacity, BODY)
        self.scores: dict[int, EntityId] = {}  # by player id
        self.respawn_at: dict[int, int] = {}  # tick by player id
        for x, y, half_width, half_height in WALLS:
            self.world.spawn(Position(x, y), Wall(half_width, half_height))
        for _ in range(ASTEROIDS):
            self.drift_in()

    def player_joined(self, player: Player) -> None:
        """Give the player a line on the scoreboard and a ship."""
        self.scores[player.id] = self.world.spawn(Score(), owner=player)
        self.launch(player)

    def player_left(self, player: Player, reason: CloseReason) -> None:
        """Take away what the player had; shots in flight fly on."""
        self.world.despawn(self.scores.pop(player.id))
        self.respawn_at.pop(player.id, None)
        if player.avatar is not None:
            self.world.despawn(player.avatar)

    def step(self, dt: float) -> None:
        """Apply the rules, in this order."""
        self.launch_waiting()
        if len(self.world.query(Asteroid)) < ASTEROIDS and self.tick % 15 == 0:
            self.drift_in()
        self.fly(dt)
        self.fire_beams(dt)
        self.show_ships()
        self.shoot()
        self.drift(dt)
        self.hit_with_projectiles()
        self.hit_ships_with_asteroids()

    def launch_waiting(self) -> None:
        """Give a new ship to those who have waited for long enough."""
        for player_id, tick in list(self.respawn_at.items()):
            if tick <= self.tick:
                del self.respawn_at[player_id]
                self.launch(self.players[player_id])

    def launch(self, player: Player) -> None:
        """Place a ship, shielded for a moment, where there is most room."""
        x, y = self.random.uniform(-0.5, 0.5, (2, 16))
        x, y = self.roomiest(x * WIDTH, y * HEIGHT)
        player.avatar = self.world.spawn(
            *(Position(x, y), Velocity(), Heading(self.random.uniform(-pi, pi))),
            *(Ship(hue=player.id * 97 % 256, shielded=True), Health(100), Gun()),
            owner=player,
        )
        row = self.world.row_of(player.avatar)
        self.steering[row] = 0
        self.body[row] = (SHIP_RADIUS, SHIP_BOUNCE, self.tick + SHIELD_TICKS, 0)

    def drift_in(self) -> None:
        """Send a large asteroid inwards from somewhere along the edge."""
        x, y = self.random.uniform(-0.5, 0.5, (2, 8))
        to_edge = 0.5 / np.maximum(np.abs(x), np.abs(y))  # moves it onto a square
        width, height = WIDTH - 6, HEIGHT - 6  # by its diameter inside the walls
        x, y = self.roomiest(x * to_edge * width, y * to_edge * height)
        inwards = np.arctan2(-y, -x) + self.random.uniform(-1, 1)
        self.add_asteroid(3, x, y, inwards)

    def add_asteroid(self, size: int, x: float, y: float, course: float) -> None:
        """Place an asteroid that drifts along `course`."""
        speed = ASTEROID_SPEED[size] * self.random.uniform(0.6, 1.2)
        velocity = Velocity(speed * np.cos(course), speed * np.sin(course))
        rock = self.world.spawn(Position(x, y), velocity, Asteroid(size))
        self.body[self.world.row_of(rock)] = (ASTEROID_RADIUS[size], 1, 0, 0)

    def roomiest(self, x: NDArray, y: NDArray) -> tuple[float, float]:
        """Return that one of the places (x, y) which is farthest from everything."""
        room = np.hypot(*self.gap_to_walls(x, y)).min(axis=1)
        rows = self.world.query(Velocity)[:, np.newaxis]
        away = np.hypot(x - self.position.x[rows], y - self.position.y[rows])
        away = (away - self.body["radius"][rows]).min(axis=0, initial=WIDTH)
        best = np.argmax(np.minimum(room, away))
        return x[best], y[best]

    def show_ships(self) -> None:
        """Let everybody see which ships thrust, and which are shielded."""
        ships = self.world.query(Ship)
        self.ship.thrusting[ships] = self.steering["thrust"][ships]
        self.ship.shielded[ships] = self.body["until"][ships] > self.tick
        self.ship.changed(ships)

    def shoot(self) -> None:
        """Let the ships shoot whose pilots want to and whose guns have cooled down."""
        ships = self.world.query(Ship)
        cool = self.body["ready"][ships] <= self.tick
        for ship in ships[self.steering["shoot"][ships] & cool].tolist():
            self.body["ready"][ship] = self.tick + COOLDOWN_TICKS
            self.body["until"][ship] = self.tick  # who shoots gives up the shield
            nose, owner = self.heading.angle[ship], int(self.world.owner[ship])
            x = self.velocity.x[ship] + PROJECTILE_SPEED * np.cos(nose)
            y = self.velocity.y[ship] + PROJECTILE_SPEED * np.sin(nose)
            # It starts in the middle of the ship and leaves it within this very tick.
            place = Position(self.position.x[ship], self.position.y[ship])
            parts = place, Velocity(x, y), Projectile(self.ship.hue[ship])
            shot = self.world.spawn(*parts, owner=owner)
            expires = self.tick + LIFE_TICKS
            self.body[self.world.row_of(shot)] = (PROJECTILE_RADIUS, 0, expires, 0)

    def drift(self, dt: float) -> None:
        """Move asteroids and projectiles, of which those end that expire or hit."""
        shots = self.world.query(Projectile)
        self.world.despawn_rows(shots[self.body["until"][shots] <= self.tick])
        rows = self.world.query(Velocity, without=[Ship])
        self.move(rows, dt)
        body = self.body[rows]
        hit = self.hit_walls(rows, body["radius"], body["bounce"])
        self.world.despawn_rows(hit[self.body["bounce"][hit] == 0])

    def touching(self, some: NDArray, others: NDArray) -> list[list[int]]:
        """Return the pairs of rows whose circles overlap."""
        away_x = self.position.x[some, np.newaxis] - self.position.x[others]
        away_y = self.position.y[some, np.newaxis] - self.position.y[others]
        reach = self.body["radius"][some, np.newaxis] + self.body["radius"][others]
        pairs = np.nonzero(away_x * away_x + away_y * away_y < reach * reach)
        return np.stack((some[pairs[0]], others[pairs[1]]), axis=1).tolist()

    def hit_with_projectiles(self) -> None:
        """Let each projectile hit one ship, not its own, or else one asteroid."""
        shots, owner = self.world.query(Projectile), self.world.owner
        spent: set[int] = set()
        for shot, ship in self.touching(shots, self.world.query(Ship)):
            own = owner[shot] == owner[ship]
            if shot not in spent and self.world.alive[ship] and not own:
                spent.add(shot)
                self.hurt(ship, PROJECTILE_DAMAGE, by=int(owner[shot]))
        broken: dict[int, int] = {}  # shooter by asteroid
        for shot, rock in self.touching(shots, self.world.query(Asteroid)):
            if shot not in spent and rock not in broken:
                spent.add(shot)
                broken[rock] = int(owner[shot])
        for rock, shooter in broken.items():
            self.split(rock, by=shooter)
        self.world.despawn_rows(list(spent))

    def strike(self, ship: int, place: Point, way: Point, length: float) -> float:
        """Let a beam hit the first ship or asteroid where its shooter saw it."""
        owner, radii = int(self.world.owner[ship]), self.body["radius"]
        self.body["until"][ship] = self.tick  # who shoots gives up the shield
        with self.rewound(owner) as seen:
            # Who was not there yet when the shooter aimed is out of the way.
            targets = np.union1d(seen.query(Ship), seen.query(Asteroid))
            targets = targets[targets != ship]
            at = self.position.x, self.position.y
            hits = ray_spheres(place, way, at, radii, rows=targets, max_distance=length)
        if not len(hits.rows):
            return length
        first = int(hits.rows[0])
        if self.asteroid.present[first]:
            self.split(first, by=owner)
        else:
            self.hurt(first, BEAM_DAMAGE, by=owner)
        return float(hits.distances[0])

    def hit_ships_with_asteroids(self) -> None:
        """Throw back and hurt the ships that an asteroid runs into."""
        at, speed = self.position, self.velocity
        ships, rocks = self.world.query(Ship), self.world.query(Asteroid)
        for ship, rock in self.touching(ships, rocks):
            bearing = np.arctan2(at.y[ship] - at.y[rock], at.x[ship] - at.x[rock])
            x, y = np.cos(bearing), np.sin(bearing)
            approach_x = speed.x[rock] - speed.x[ship]
            approach_y = speed.y[rock] - speed.y[ship]
            closing = approach_x * x + approach_y * y
            if closing > 0 and self.world.alive[ship]:
                speed.x[ship] += (1 + SHIP_BOUNCE) * closing * x
                speed.y[ship] += (1 + SHIP_BOUNCE) * closing * y
                self.hurt(ship, ASTEROID_DAMAGE[self.asteroid.size[rock]], by=0)

    def split(self, rock: int, by: int) -> None:
        """Break an asteroid into two of the next smaller size."""
        size = int(self.asteroid.size[rock])
        x, y = self.position.x[rock], self.position.y[rock]
        course = np.arctan2(self.velocity.y[rock], self.velocity.x[rock])
        self.world.despawn(self.world.id_of(rock))
        self.emit(Explosion(x, y, size))
        self.award(by, ASTEROID_POINTS[size])
        if size > 1:
            self.add_asteroid(size - 1, x, y, course - self.random.uniform(0.4, 1.2))
            self.add_asteroid(size - 1, x, y, course + self.random.uniform(0.4, 1.2))

    def hurt(self, ship: int, damage: int, by: int) -> None:
        """Take hit points from a ship, unless its shield is up."""
        if self.body["until"][ship] > self.tick:
            return
        left = int(self.health.points[ship]) - damage
        if left > 0:
            self.health.points[ship] = left
            self.health.changed(ship)
        else:
            self.destroy(ship, by)

    def destroy(self, ship: int, by: int) -> None:
        """Blow up a ship; its player waits for the next one."""
        victim = int(self.world.owner[ship])
        x, y = self.position.x[ship], self.position.y[ship]
        self.emit(Explosion(x, y, size=4, hue=self.ship.hue[ship]))
        self.emit(Kill(killer=by, victim=victim))
        self.award(by, KILL_POINTS)
        self.award(victim, DEATH_POINTS)
        self.world.despawn(self.world.id_of(ship))
        self.players[victim].avatar = None
        self.respawn_at[victim] = self.tick + RESPAWN_TICKS

    def award(self, player_id: int, points: int) -> None:
        """Change the score of a player who is still here; never below nothing."""
        if player_id in self.scores:
            score = self.world[self.scores[player_id], Score]
            score.points = max(0, min(65535, score.points + points))
