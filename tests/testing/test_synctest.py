# SPDX-License-Identifier: MIT
"""Tests of making every tick again: good games pass, broken ones are told how."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from random import Random
from typing import Any, ClassVar

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from examples.arena.game import Arena
from examples.drift import Drift
from gamenet.errors import ConfigError
from gamenet.game import (
    Component,
    EntityId,
    Event,
    Game,
    Input,
    Player,
    fixed,
    flag,
    float32,
    int8,
    predicted,
    uint8,
    uint32,
)
from gamenet.testing import synctest


class Place(Component):
    """Where something is."""

    x: float = fixed(-100, 100, step=1 / 64)
    y: float = fixed(-100, 100, step=1 / 64)


class Speed(Component):
    """How fast it moves."""

    x: float = float32()
    y: float = float32()


class Spark(Component):
    """Something that goes out."""

    hue: int = uint8()


class Push(Input):
    """What a player does."""

    x: int = int8()
    y: int = int8()
    fires: bool = flag()


class Flash(Event):
    """A spark has gone out."""

    row: int = uint32()


class Sparks(Game):
    """Players who move and let sparks fly: a game with state in all of its places."""

    max_entities = 64
    components = [Place, Speed, Spark]
    inputs = [Push]
    events = [Flash]
    kept: ClassVar[list[str]] = ["ends", "score", "loose"]

    def prepare(self) -> None:
        """Take columns, and make an array beside them."""
        self.place, self.speed = self.world.columns(Place), self.world.columns(Speed)
        self.ends = np.zeros(self.world.capacity, [("at", "i8"), ("by", "i4")])
        self.ends_at = self.ends["at"]

    def started(self) -> None:
        """Begin with nothing."""
        self.score: dict[int, int] = {}
        self.loose: list[EntityId] = []

    def player_joined(self, player: Player) -> None:
        """Give the player something that moves."""
        player.avatar = self.world.spawn(Place(), Speed(), owner=player)

    def input_received(self, player: Player, push: Push) -> None:
        """Speed up, and let a spark fly."""
        assert player.avatar is not None
        speed = self.world[player.avatar, Speed]
        speed.x, speed.y = push.x / 100, push.y / 100
        if push.fires and len(self.loose) < 20:
            spark = self.world.spawn(Place(), Speed(), Spark(), owner=player)
            row = self.world.row_of(spark)
            self.speed.x[row], self.speed.y[row] = self.random.normal(size=2)
            self.ends[row] = self.tick + int(self.random.integers(3, 30)), player.id
            self.score[player.id] = self.score.get(player.id, 0) + 1
            self.loose.append(spark)
            self.after(0.2, self.fade, spark)

    def fade(self, spark: EntityId) -> None:
        """Slow a spark down."""
        if spark in self.world:
            self.world[spark, Speed].x *= 0.5

    @predicted(Place, having=[Speed])
    def move(self, rows: Any, dt: float) -> None:
        """Move all."""
        self.place.x[rows] = np.clip(self.place.x[rows] + self.speed.x[rows], -99, 99)
        self.place.y[rows] = np.clip(self.place.y[rows] + self.speed.y[rows], -99, 99)

    def step(self, dt: float) -> None:
        """Move all, and let sparks go out."""
        self.move(dt)
        rows = self.world.query(Spark)
        for row in rows[self.ends_at[rows] <= self.tick].tolist():
            self.emit(Flash(row))
            self.loose.remove(self.world.id_of(row))
            self.world.despawn(self.world.id_of(row))


def broken(**changes: Any) -> type[Game]:
    """Return the game with something changed."""
    return type("Broken", (Sparks,), changes)


def failure(game: Any, **options: Any) -> str:
    """Return what the sync test says of a game that does not replay alike."""
    try:
        synctest(game, **{"ticks": 120, "seed": 11, **options})
    except AssertionError as error:
        return str(error)
    msg = "it passed"
    raise RuntimeError(msg)


class GoodGameTests(SynchronousTestCase):
    """Games that keep their state where it is saved pass."""

    def test_passes(self) -> None:
        """Columns, chance, kept attributes, a schedule, events, who comes and goes."""
        for seed in range(3):
            synctest(Sparks, n_players=3, ticks=100, seed=seed)
        synctest(Drift, ticks=50)

    def test_arena(self) -> None:
        """The arena replays alike, with what it keeps beside its world."""

        class Kept(Arena):
            kept = ("body", "scores", "respawn_at", "steering")

        synctest(Kept, n_players=4, ticks=60)

    def test_same_seed(self) -> None:
        """The same seed ends with the same world, however far each tick goes back."""
        checksums = [
            synctest(Sparks, ticks=60, seed=4, check_distance=distance)
            for distance in (1, 2, 8, 60)
        ]
        self.assertEqual(len(set(checksums)), 1)
        self.assertNotEqual(synctest(Sparks, ticks=60, seed=5), checksums[0])

    def test_script(self) -> None:
        """Inputs can be given: each player's of each tick is asked for once."""
        asked, taken = [], []

        def script(tick: int, number: int, chance: Random) -> Iterator[Input]:
            asked.append((tick, number))
            yield Push(x=number, y=tick)

        class Noting(Sparks):
            def input_received(self, player: Player, push: Push) -> None:
                taken.append((push.y, self.tick, push.x, player.id))

        synctest(Noting, inputs=script, ticks=5, check_distance=2)
        self.assertEqual(asked, [(tick, n) for tick in range(1, 6) for n in (1, 2)])
        for y, tick, x, number in taken:
            self.assertEqual((y, x), (tick, number))
        # A tick is made once, and again after itself and after the next.
        self.assertEqual(sum(tick == 3 for _, tick, _, _ in taken), 2 * 3)

    def test_factory(self) -> None:
        """What makes a game can stand for its class."""

        def made() -> Game:
            return Sparks()

        self.assertEqual(synctest(made, ticks=9), synctest(Sparks, ticks=9))

    def test_numbers(self) -> None:
        """No ticks, or none made again, would test nothing."""
        for options in ({"ticks": 0}, {"check_distance": 0}, {"n_players": -1}):
            self.assertRaises(ConfigError, synctest, Sparks, **options)


class BrokenGameTests(SynchronousTestCase):
    """What is not alike is named: tick, entity, component, field, values, seed."""

    def test_state_elsewhere(self) -> None:
        """A counter that nobody saves, once it shows in a column."""

        def step(self: Any, dt: float) -> None:
            self.n_steps = getattr(self, "n_steps", 0) + 1
            Sparks.step(self, dt)
            self.place.x[0] = self.n_steps

        # In tick 1 it is 1; after going back to 0 it is 2.
        said = failure(broken(step=step))
        for part in (
            "Broken does not replay alike (seed 11)",
            "tick 1, made again from tick 0",
            "Place.x of entity 4294967296 (row 0, generation 1)",
            "was 1.0 at first, and then 2.0",
            "Game.kept",
        ):
            self.assertIn(part, said)

    def test_not_listed(self) -> None:
        """Each attribute of a good game, when it is left out of `kept`."""
        for name in Sparks.kept:
            kept = [each for each in Sparks.kept if each != name]
            if name != "score":  # which nothing depends on
                self.assertIn("seed 11", failure(broken(kept=kept)), name)
        kept = [each for each in Sparks.kept if each != "score"]
        synctest(broken(kept=kept), ticks=60)

    def test_kept_differs(self) -> None:
        """An attribute that is saved and comes out otherwise, by its path."""
        ticks = count()

        def step(self: Any, dt: float) -> None:
            Sparks.step(self, dt)
            self.ends["at"][9] = next(ticks)

        said = failure(broken(step=step))
        self.assertIn("self.ends['at'][9] was", said)

    def test_chance_of_its_own(self) -> None:
        """Chance that is not the game's."""
        chance = Random(1)

        def step(self: Any, dt: float) -> None:
            Sparks.step(self, dt)
            self.place.y[1] = chance.random()

        self.assertIn("Place.y of entity", failure(broken(step=step)))

    def test_chance_drawn_unevenly(self) -> None:
        """The game's own chance, drawn another number of times."""
        ticks = count()

        def step(self: Any, dt: float) -> None:
            Sparks.step(self, dt)
            if next(ticks) % 3 == 0:
                self.random.random()

        said = failure(broken(step=step), n_players=0)
        self.assertIn("random['state']['state'] was", said)

    def test_error_in_replay(self) -> None:
        """What was right at first and raises the second time, with what it raised."""

        def step(self: Any, dt: float) -> None:
            Sparks.step(self, dt)
            if self.tick == 5:
                self.marked = self.world.spawn(Place())
            if self.tick == 4 and hasattr(self, "marked"):
                self.world.row_of(self.marked)

        said = failure(broken(step=step), n_players=1)
        self.assertIn("tick 4, made again from tick 0", said)
        self.assertIn("raised StaleEntityError", said)

    def test_events(self) -> None:
        """Events that are others, though the state is the same."""
        ticks = count()

        def step(self: Any, dt: float) -> None:
            Sparks.step(self, dt)
            self.emit(Flash(next(ticks)))

        said = failure(broken(step=step), n_players=0)
        self.assertIn(
            "the events was [(Flash(", said.replace("events were", "events was")
        )

    def test_who_lives(self) -> None:
        """An entity that is there in one of the two."""

        def step(self: Any, dt: float) -> None:
            Sparks.step(self, dt)
            if not hasattr(self, "rock"):
                self.rock = self.world.spawn(Place(), owner=9)

        said = failure(broken(step=step), n_players=0)
        self.assertIn("id of entity 4294967296 (row 0, generation 1) was", said)
        self.assertIn("and then None", said)
