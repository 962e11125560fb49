# SPDX-License-Identifier: MIT
"""Drive an arena by hand, on a world without any network.

`Match` stands in for the server: it binds a game to a world and a seed, lets players
join and steps the ticks. Ships are put where a test wants them by writing columns.
"""

from __future__ import annotations

import hashlib
from math import pi
from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from examples.arena import Arena, flight, game
from examples.arena.flight import Heading, Pilot, Position, Ship, Velocity
from examples.arena.game import Asteroid, Health, Score
from gamenet.game import CloseReason, Event, World

DT = 1 / Arena.tick_rate
MIDDLE = (0.0, 0.0)
SLACK = flight.PLACE_STEP  # metres by which rounding may leave a body inside a wall


class Guest:
    """Be what the rules need of a player."""

    def __init__(self, player_id: int) -> None:
        self.id = player_id
        self.name = f"guest {player_id}"
        self.avatar: int | None = None


class Match:
    """Drive an arena by hand, and write down what it tells of."""

    def __init__(self, seed: int = 1) -> None:
        self.world = World(Arena.components, Arena.max_entities)
        self.game = Arena()
        self.told: list[Any] = []
        self.joined = 0
        self.game.bind(self.world, np.random.default_rng(seed))
        self.game.emit = self.hear
        self.game.prepare()
        self.game.started()

    def hear(self, event: Event, *, by: int | None = None) -> None:
        """Keep an event as a client gets it, through its bytes."""
        self.told.append(type(event).decode(event.encode()))

    def join(self, *, shielded: bool = False) -> Guest:
        """Let one more player in, without the shield of a new ship."""
        self.joined += 1
        guest = Guest(self.joined)
        self.game.players[guest.id] = guest
        self.game.player_joined(guest)
        if not shielded:
            self.game.body["until"][self.row(guest)] = 0
        return guest

    def leave(self, guest: Guest) -> None:
        """Let a player go."""
        self.game.player_left(guest, CloseReason.NORMAL)
        del self.game.players[guest.id]

    def tick(self, n_ticks: int = 1) -> None:
        """Step the game, as the server does."""
        for _ in range(n_ticks):
            self.world.tick = self.game.tick = self.game.tick + 1
            self.game.step(DT)

    def hold(self, guest: Guest, **held: Any) -> None:
        """Let a player hold down something from now on."""
        self.game.input_received(guest, Pilot(**held))

    def row(self, guest: Guest) -> int:
        """Return the row of a player's ship."""
        assert guest.avatar is not None
        return int(self.world.row_of(guest.avatar))

    def place(
        self,
        row: int,
        at: tuple[float, float],
        speed: tuple[float, float] = (0, 0),
        nose: float | None = None,
    ) -> None:
        """Put a ship or an asteroid somewhere."""
        position, velocity = self.columns(Position), self.columns(Velocity)
        position.x[row], position.y[row] = at
        velocity.x[row], velocity.y[row] = speed
        if nose is not None:
            self.columns(Heading).angle[row] = nose

    def duel(self, gap: float = 5.0) -> tuple[Guest, Guest]:
        """Let two players in, the first looking at the second in the middle."""
        first, second = self.join(), self.join()
        self.place(self.row(first), (-gap, 0), nose=0)
        self.place(self.row(second), MIDDLE, nose=pi / 2)
        return first, second

    def rock(
        self, size: int, at: tuple[float, float], speed: tuple[float, float] = (0, 0)
    ) -> int:
        """Put one more asteroid somewhere, and return its row."""
        before = set(self.rows(Asteroid))
        self.game.add_asteroid(size, *at, 0.0)
        (row,) = set(self.rows(Asteroid)) - before
        self.place(row, at, speed)
        return row

    def columns(self, component: type) -> Any:
        """Return the columns of a component."""
        return self.world.columns(component)

    def rows(self, component: type) -> list[int]:
        """Return the rows that have a component."""
        return self.world.query(component).tolist()

    def at(self, guest: Guest) -> tuple[float, float]:
        """Return where a player's ship is."""
        position, row = self.columns(Position), self.row(guest)
        return float(position.x[row]), float(position.y[row])

    def velocity(self, row: int) -> tuple[float, float]:
        """Return how fast a thing moves."""
        columns = self.columns(Velocity)
        return float(columns.x[row]), float(columns.y[row])

    def nose(self, guest: Guest) -> float:
        """Return where a player's ship points."""
        return float(self.columns(Heading).angle[self.row(guest)])

    def health(self, guest: Guest) -> int:
        """Return a player's hit points."""
        return int(self.columns(Health).points[self.row(guest)])

    def set_health(self, guest: Guest, points: int) -> None:
        """Change a player's hit points."""
        self.columns(Health).points[self.row(guest)] = points

    def score(self, guest: Guest) -> int:
        """Return a player's line on the scoreboard."""
        (row,) = (row for row in self.rows(Score) if self.world.owner[row] == guest.id)
        return int(self.columns(Score).points[row])

    def set_score(self, guest: Guest, points: int) -> None:
        """Change a player's score."""
        self.world[self.game.scores[guest.id], Score].points = points

    def heard(self, kind: type) -> list[Any]:
        """Return the events of one kind so far."""
        return [event for event in self.told if isinstance(event, kind)]

    def digest(self) -> str:
        """Return a hash over all that a client could learn of the world."""
        digest = hashlib.sha256()
        for array in (self.world.alive, self.world.generation, self.world.owner):
            digest.update(np.ascontiguousarray(array).tobytes())
        for component in Arena.components:
            rows, columns = self.world.query(component), self.columns(component)
            for field in component.schema_fields:
                digest.update(getattr(columns, field.name)[rows].tobytes())
        return digest.hexdigest()


def press_anything(match: Match, random: np.random.Generator) -> None:
    """Let every player hold down something else."""
    for guest in match.game.players.values():
        turn, thrust, shoot, aiming = random.integers(-128, 128, 4).tolist()
        match.hold(
            guest,
            turn=turn,
            thrust=thrust > -64,
            shoot=shoot > 0,
            aiming=aiming > 64,
            aim=random.uniform(-pi, pi),
        )


def assert_inside(test: SynchronousTestCase, match: Match) -> None:
    """Check that all ships and asteroids are within the walls and clear of them."""
    rows = np.array(match.rows(Ship) + match.rows(Asteroid), dtype=np.intp)
    position, radius = match.columns(Position), match.game.body["radius"][rows]
    x, y = position.x[rows], position.y[rows]
    test.assertTrue(np.isfinite(x).all() and np.isfinite(y).all())
    test.assertTrue((np.abs(x) <= flight.WIDTH / 2 - radius + SLACK).all())
    test.assertTrue((np.abs(y) <= flight.HEIGHT / 2 - radius + SLACK).all())
    gap = np.hypot(*match.game.gap_to_walls(x, y)).min(axis=1, initial=np.inf)
    test.assertTrue((gap >= radius - SLACK).all())


def assert_near(
    test: SynchronousTestCase, value: float, expected: float, by: float
) -> None:
    """Check that a value is as expected, by so much more or less."""
    test.assertLessEqual(abs(value - expected), by, f"{value} instead of {expected}")


class QuietTests(SynchronousTestCase):
    """Share a match without asteroids, where only what a test does happens."""

    def setUp(self) -> None:
        """Start the match."""
        self.patch(game, "ASTEROIDS", 0)
        self.match = Match()
        self.match.tick()
