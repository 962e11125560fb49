# SPDX-License-Identifier: MIT
"""Tests of who sees what, against a model that looks at each row alone."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.replication.interest import Eye, Interest
from gamenet.replication.rooms import Rooms
from gamenet.replication.teams import Teams
from gamenet.replication.visibility import Rule, Visibility
from gamenet.wire import float32, uint8
from gamenet.world import Audience, Component, EntityId, Sync, World


class Place(Component):
    """Not quantized, and wide."""

    x: float = float32()
    y: float = float32()
    z: float = float32()


class Score(Component):
    """Seen by all."""

    points: int = uint8()


class Orders(Component):
    """Told to the team."""

    sync = Sync(audience=Audience.TEAM)
    number: int = uint8()


class Ammunition(Component):
    """Told to the owner."""

    sync = Sync(audience=Audience.OWNER)
    rounds: int = uint8()


PLAIN: list[type[Component]] = [Place, Score]
CAPACITY = 14
N_PLAYERS = 3
FLAT = Interest((Place, "x", "y"), radius=10, hysteresis=4, always=[Score])
SPATIAL = Interest((Place, "x", "z", "y"), radius=6, hysteresis=0, owned=False)
ALLIED = Interest((Place, "y", "x"), radius=3, hysteresis=9, cell=100, teams=True)
SPARSE = Interest(always=[Score])
INTERESTS = (None, FLAT, SPATIAL, ALLIED, SPARSE)
AUDIENCES: tuple[list[type[Component]], ...] = (
    PLAIN,
    [*PLAIN, Ammunition],
    [*PLAIN, Orders],
    [*PLAIN, Orders, Ammunition],
)
ODD_NUMBERS = (math.nan, math.inf, -math.inf, 3e38, -3e38)

Levels = NDArray[np.uint8]


class Model:
    """Know what one viewer sees, from looking at each row by itself."""

    def __init__(self, match: Match) -> None:
        self.match = match
        self.levels = [0] * CAPACITY
        self.tenants: list[int] = [0] * CAPACITY

    def look(self, eye: Eye) -> list[int]:
        """Return the rows whose level changes."""
        changed = []
        for row in range(CAPACITY):
            tenant = self.match.tenant(row)
            is_other = tenant != self.tenants[row]
            level = self.level(
                eye, row, was_seen=bool(self.levels[row]) and not is_other
            )
            if level != self.levels[row] or (is_other and level):
                changed.append(row)
            self.levels[row], self.tenants[row] = level, tenant
        return changed

    def level(self, eye: Eye, row: int, *, was_seen: bool) -> int:
        """Return how much a viewer sees of a row."""
        match = self.match
        if not match.world.alive[row]:
            return 0
        owner = int(match.world.owner[row])
        team = match.teams.of(eye.player) if eye.team is None else eye.team
        is_own = owner == eye.player != 0
        is_allied = team != 0 and owner != 0 and match.teams.of(owner) == team
        interest = match.interest or Interest()
        is_seen = self.is_near(eye, row, was_seen=was_seen)
        is_seen |= interest.teams and is_allied
        rooms = match.rooms.rooms_of(match.world.id_of(row))
        is_seen &= not rooms or bool(rooms & set(eye.rooms))
        is_seen &= match.rule is None or (row + eye.player) % 3 != 0
        is_seen |= interest.owned and is_own
        audiences = {each.sync.audience for each in match.world.components}
        if is_seen and is_own and len(audiences) > 1:
            return 7
        return is_seen * (3 if is_allied and Audience.TEAM in audiences else 1)

    def is_near(self, eye: Eye, row: int, *, was_seen: bool) -> bool:
        """Return whether a row is seen if nothing but distance matters."""
        match = self.match
        interest, place = match.interest, match.world.columns(Place)
        if interest is None or interest.position is None or not place.present[row]:
            return True
        if any(match.world.columns(kind).present[row] for kind in interest.always):
            return True
        axes = [place.arrays[name] for name in interest.position[1:]]
        point: Any = eye.where
        if isinstance(point, int):
            if point not in match.world or not match.world.has(EntityId(point), Place):
                return False
            centre = match.world.row_of(EntityId(point))
            point = [float(axis[centre]) for axis in axes]
        if point is None:
            return False
        here = [float(axis[row]) for axis in axes]
        if not all(abs(number) <= 1e15 for number in [*point, *here]):
            return False
        radius = interest.radius if eye.radius is None else eye.radius
        reach = radius + (interest.hysteresis if was_seen else 0)
        differences = [a - b for a, b in zip(here, point, strict=True)]
        return sum(each * each for each in differences) <= reach * reach


class Match:
    """A small world in which anything may happen, and some who look at it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.interest = random.choice(INTERESTS)
        self.world = World(random.choice(AUDIENCES), CAPACITY)
        self.rooms = Rooms(self.world)
        self.teams = Teams()
        self.rule: Rule | None = None
        if random.random() < 0.3:
            self.rule = lambda player, rows: (rows + player) % 3 != 0
        self.visibility = Visibility(
            self.world, self.interest, self.rooms, self.teams, self.rule
        )
        self.eyes = [Eye(player) for player in (*range(N_PLAYERS), 2)]
        self.levels = [np.zeros(CAPACITY, np.uint8) for _ in self.eyes]
        self.models = [Model(self) for _ in self.eyes]

    def tenant(self, row: int) -> int:
        """Return who lives in a row."""
        return self.world.id_of(row) if self.world.alive[row] else 0

    def stir(self) -> None:
        """Let something happen."""
        random, world = self.random, self.world
        alive = world.query().tolist()
        what = random.randrange(9)
        if what < 3 and len(alive) < CAPACITY:
            shape = [kind() for kind in world.components if random.random() < 0.7]
            world.spawn(*shape, owner=random.randrange(N_PLAYERS))
        elif what == 3 or not alive:
            world.despawn_rows(random.sample(alive, len(alive) // 3))
        elif what == 4:
            entity = world.id_of(random.choice(alive))
            kind = random.choice(world.components)
            if world.has(entity, kind):
                world.remove(entity, kind)
            else:
                world.add(entity, kind())
        elif what == 5:
            entity = world.id_of(random.choice(alive))
            world.set_owner(entity, random.randrange(N_PLAYERS))
        elif what == 6:
            self.teams.join(random.randrange(1, N_PLAYERS), random.randrange(1, 3))
        elif what == 7:
            rows = random.sample(alive, (len(alive) + 2) // 3)
            if random.random() < 0.6:
                self.rooms.enter(rows, random.randrange(3))
            else:
                self.rooms.leave_all(rows)
        else:
            self.turn(random.choice(self.eyes))

    def turn(self, eye: Eye) -> None:
        """Let a viewer look from elsewhere, or otherwise."""
        random = self.random
        alive = self.world.query().tolist()
        n_axes = len((self.interest or Interest()).position or "123") - 1
        point = tuple(self.number() for _ in range(n_axes))
        wheres: list[Any] = [None, point, list(point), 1 << 32]
        wheres += [self.world.id_of(random.choice(alive))] * 6 if alive else []
        eye.where = random.choice(wheres)
        eye.radius = random.choice((None, None, None, 0.0, 5.0, 500.0, math.inf))
        eye.rooms = random.sample(range(3), random.randrange(3))
        eye.team = random.choice((None, None, 0, 1, 2))

    def number(self) -> float:
        """Return a coordinate: few different ones, so that rims are met exactly."""
        if self.random.random() < 0.04:
            return self.random.choice(ODD_NUMBERS)
        return float(self.random.randint(-6, 6)) * self.random.choice((1, 2, 2.5))

    def move(self) -> None:
        """Let some rows be elsewhere."""
        place = self.world.columns(Place)
        for row in range(CAPACITY):
            if self.random.random() < 0.5:
                place.x[row], place.y[row] = self.number(), self.number()
                place.z[row] = self.number()


class ModelTests(SynchronousTestCase):
    """Whatever happened, levels are those of the model, and so are the changes."""

    @settings(max_examples=60)
    @given(st.integers(0, 2**32))
    def test_model(self, seed: int) -> None:
        """Levels, changed rows and distances agree at every look, made or left out."""
        random = Random(seed)
        match = Match(random)
        for eye in match.eyes:
            match.turn(eye)
        for tick in range(0, 40, random.choice((1, 3))):
            for _ in range(random.randrange(5)):
                match.stir()
            match.move()
            match.visibility.refresh(tick)
            for eye, level, model in zip(
                match.eyes, match.levels, match.models, strict=True
            ):
                if random.random() < 0.2:
                    continue
                if random.random() < 0.2:
                    match.turn(eye)
                changed = match.visibility.look(eye, level)
                self.assertEqual(changed.tolist(), model.look(eye))
                self.assertEqual(level.tolist(), model.levels)
                self.check_distances(match, eye, level)

    def check_distances(self, match: Match, eye: Eye, level: Levels) -> None:
        """Assert that rows that are seen have their squared distance, or 0."""
        found = match.visibility.distances(eye)
        interest = match.interest
        if interest is None or interest.position is None:
            self.assertFalse(found.any())
            return
        place = match.world.columns(Place)
        point: Any = eye.where
        if isinstance(point, int) and point in match.world:
            row = match.world.row_of(EntityId(point))
            point = [place.arrays[name][row] for name in interest.position[1:]]
        for row in np.flatnonzero(level).tolist():
            if found[row]:
                here = [place.arrays[name][row] for name in interest.position[1:]]
                pairs = zip(here, point, strict=True)
                self.assertEqual(
                    found[row], sum((float(a) - float(b)) ** 2 for a, b in pairs)
                )


class LookTests(SynchronousTestCase):
    """What a viewer sees, case by case."""

    def setUp(self) -> None:
        self.world = World(PLAIN, CAPACITY)
        self.level = np.zeros(CAPACITY, np.uint8)
        self.tick = 0

    def look(self, visibility: Visibility, eye: Eye) -> list[int]:
        """Pass a tick, and return which rows changed."""
        self.tick += 1
        visibility.refresh(self.tick)
        return visibility.look(eye, self.level).tolist()

    def test_everything(self) -> None:
        """Without an interest all that lives is seen, and told once."""
        visibility, eye = Visibility(self.world), Eye(1)
        self.assertEqual(self.look(visibility, eye), [])
        self.world.spawn_rows(3)
        self.assertEqual(self.look(visibility, eye), [0, 1, 2])
        self.assertEqual(self.look(visibility, eye), [])
        self.world.despawn_rows([1])
        self.assertEqual(self.look(visibility, eye), [1])
        self.assertEqual(self.level.tolist()[:4], [1, 0, 1, 0])
        self.assertFalse(visibility.distances(eye).any())

    def test_full(self) -> None:
        """The last row of a full world is seen like any other."""
        self.world.spawn_rows(CAPACITY, Place())
        visibility, eye = Visibility(self.world, FLAT), Eye(1, where=(0.0, 0.0))
        self.assertEqual(self.look(visibility, eye), list(range(CAPACITY)))

    def test_hysteresis(self) -> None:
        """A row is seen from the radius on, until it is beyond the hysteresis."""
        ship = self.world.spawn(Place(x=10.5))
        visibility, eye = Visibility(self.world, FLAT), Eye(1, where=(0.0, 0.0))
        seen = []
        for x in (10.5, 14.0, 10.0, 10.5, 14.0, 14.25, 14.0, 10.25, 10.0):
            self.world[ship, Place].x = x
            self.look(visibility, eye)
            seen.append(int(self.level[0]))
        self.assertEqual(seen, [0, 0, 1, 1, 1, 0, 0, 0, 1])

    def test_other_entity_at_the_rim(self) -> None:
        """Who takes over a row that was seen has to come near by themselves."""
        old = self.world.spawn(Place(x=9.0))
        visibility, eye = Visibility(self.world, FLAT), Eye(1, where=(0.0, 0.0))
        self.assertEqual(self.look(visibility, eye), [0])
        self.world.despawn(old)
        new = self.world.spawn(Place(x=12.0))
        self.assertEqual(self.look(visibility, eye), [0])
        self.assertEqual(self.level[0], 0)
        self.world[new, Place].x = 9.0
        self.assertEqual(self.look(visibility, eye), [0])
        self.world.despawn(new)
        self.world.spawn(Place(x=9.0))
        self.assertEqual(self.look(visibility, eye), [0])
        self.assertEqual(self.level[0], 1)

    def test_other_entity_between_looks(self) -> None:
        """That a row changed hands is told to who did not look every tick, too."""
        old = self.world.spawn()
        visibility, eye = Visibility(self.world), Eye(1)
        self.look(visibility, eye)
        self.world.despawn(old)
        self.world.spawn()
        visibility.refresh(10)
        visibility.refresh(11)
        self.tick = 11
        self.assertEqual(self.look(visibility, eye), [0])
        self.assertEqual(self.look(visibility, eye), [])

    def test_known_at_first(self) -> None:
        """A first look goes on from the levels that it is given, at any tick."""
        visibility = Visibility(self.world)
        self.world.spawn_rows(2)
        visibility.refresh(1)
        visibility.refresh(2)
        self.world.spawn()
        self.level[:2] = 1
        self.tick = 2
        self.assertEqual(self.look(visibility, Eye(1)), [2])

    def test_turned_after_refresh(self) -> None:
        """A viewer sees from where they look, though they turn after the refresh."""
        for x in (0.0, 30.0, 70.0):
            self.world.spawn(Place(x=x))
        visibility, eye = (
            Visibility(self.world, FLAT),
            Eye(1, where=self.world.id_of(0)),
        )
        self.look(visibility, eye)
        visibility.refresh(2)
        eye.where = self.world.id_of(1)
        self.assertEqual(visibility.look(eye, self.level).tolist(), [0, 1])
        visibility.refresh(3)
        eye.radius = 50.0
        self.assertEqual(visibility.look(eye, self.level).tolist(), [0, 2])

    def test_rule(self) -> None:
        """A rule is asked about what would be seen, and the own is not its business."""
        asked: list[tuple[int, list[int]]] = []

        def odd(player: int, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
            asked.append((player, rows.tolist()))
            return rows % 2 == 1

        self.world.spawn_rows(4, Place())
        self.world.spawn(Place(x=99.0), owner=6)
        visibility = Visibility(self.world, FLAT, rule=odd)
        eye = Eye(6, where=(0.0, 0.0))
        self.assertEqual(self.look(visibility, eye), [1, 3, 4])
        self.assertEqual(asked, [(6, [0, 1, 2, 3])])

    def test_wrong_rule(self) -> None:
        """An answer that is no mask of the rows is refused, and changes no level."""
        self.world.spawn_rows(3)
        answers: list[Any] = [None, [True] * 3, np.ones(3), np.ones(2, np.bool_), True]
        for answer in answers:
            visibility = Visibility(self.world, rule=lambda *_, it=answer: it)
            visibility.refresh(1)
            error = self.assertRaises(
                LocalProtocolError, visibility.look, Eye(1), self.level
            )
            self.assertIn("3 rows", str(error))
        self.assertFalse(self.level.any())

    def test_failing_look(self) -> None:
        """A look that failed can be made again, and leaves nothing out."""
        first = self.world.spawn()
        visibility, eye = Visibility(self.world), Eye(1)
        self.look(visibility, eye)
        self.world.despawn(first)
        self.world.spawn_rows(2)
        self.rooms_are_wrong(visibility, eye)
        self.rooms_are_wrong(visibility, eye)
        eye.rooms = ["cellar"]
        self.assertEqual(self.look(visibility, eye), [0, 1])

    def rooms_are_wrong(self, visibility: Visibility, eye: Eye) -> None:
        """Look with a text for rooms."""
        eye.rooms = "cellar"
        self.assertRaises(LocalProtocolError, self.look, visibility, eye)
        self.assertEqual(self.level.tolist(), [1] + [0] * (CAPACITY - 1))

    def test_wrong_eyes(self) -> None:
        """Coordinates and radius have to make sense; others still can look."""
        self.world.spawn(Place())
        visibility, other = Visibility(self.world, FLAT), Eye(2, where=(0.0, 0.0))
        wheres: list[Any] = [
            (0.0,),
            (0.0, 0.0, 0.0),
            "ab",
            3.0,
            (None, 0.0),
            (10**400, 0),
        ]
        for where in wheres:
            wrong = Eye(1, where=where)
            for _ in range(2):
                error = self.assertRaises(
                    LocalProtocolError, self.look, visibility, wrong
                )
                self.assertIn("2 coordinates", str(error))
                visibility.look(other, self.level)
        for radius in (-1.0, math.nan):
            wrong = Eye(1, where=(0.0, 0.0), radius=radius)
            for _ in range(2):
                self.assertRaises(LocalProtocolError, self.look, visibility, wrong)
        self.assertEqual(self.level[0], 1)

    def test_order_of_ticks(self) -> None:
        """A tick is refreshed once, and ticks go on."""
        visibility = Visibility(self.world)
        visibility.refresh(5)
        for tick in (5, 4):
            self.assertRaises(LocalProtocolError, visibility.refresh, tick)
        visibility.refresh(9)
        self.assertEqual(visibility.tick, 9)

    def test_foreign_components(self) -> None:
        """An interest in what the world does not have is refused."""
        world = World([Score])
        error = self.assertRaises(ConfigError, Visibility, world, FLAT)
        self.assertIn("Place", str(error))
        self.assertRaises(
            ConfigError, Visibility, World([Place]), Interest(always=[Score])
        )

    def test_crowd(self) -> None:
        """More rows around a viewer than are served together are seen all the same."""
        world = World(PLAIN, 3000)
        world.spawn_rows(3000, Place(x=1.0))
        visibility, eye = Visibility(world, FLAT), Eye(1, where=world.id_of(2999))
        level = np.zeros(3000, np.uint8)
        for tick in range(3):
            visibility.refresh(tick)
            self.assertEqual(len(visibility.look(eye, level)), 0 if tick else 3000)
        self.assertTrue(level.all())
