# SPDX-License-Identifier: MIT
"""Tests of saving a whole game, and of going back to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.game import (
    Component,
    Event,
    Game,
    Input,
    Message,
    NetworkIdentity,
    Player,
    Serverless,
    fixed,
    game_difference,
    int8,
    predicted,
    text,
    uint8,
)


class Place(Component):
    """Where something is."""

    x: float = fixed(-100, 100, step=1 / 4)


class Move(Input):
    """What a player does."""

    x: int = int8()


class Bang(Event):
    """Something loud."""

    size: int = uint8()


class Chat(Message):
    """Something said."""

    words: str = text(64)


class Keeper(Game):
    """A game that keeps a bit of everything."""

    max_entities = 8
    components = [Place, NetworkIdentity]
    inputs = [Move]
    events = [Bang]
    messages = [Chat]
    kept = ["table", "names", "shared", "fans"]

    def prepare(self) -> None:
        """Make an array and a view of it."""
        self.table = np.zeros((4, 2))
        self.corner = self.table[2:]
        self.calls: list[Any] = []

    def started(self) -> None:
        """Fill in what is kept."""
        self.names: dict[str, Any] = {"a": [1, 2]}
        self.shared = self.names["a"]
        self.fans: set[Player] = set()

    def player_joined(self, player: Player) -> None:
        """Give the player an entity."""
        player.avatar = self.world.spawn(Place(), NetworkIdentity(), owner=player)
        self.fans.add(player)

    def input_received(self, player: Player, move: Move) -> None:
        """Note who did what, and move."""
        self.calls.append((self.tick, player.id, move.x))
        assert player.avatar is not None
        self.world[player.avatar, Place].x += move.x / 8

    @predicted(Place)
    def rest(self, rows: Any, dt: float) -> None:
        """Mark what is predicted."""
        self.calls.append((self.tick, "step", rows.tolist()))

    def step(self, dt: float) -> None:
        """Do what is predicted."""
        self.rest(dt)

    def call(self, what: str) -> None:
        """Note a scheduled call."""
        self.calls.append((self.tick, what))


class SavedGameTests(SynchronousTestCase):
    """A game goes back to what it was, wholly."""

    def setUp(self) -> None:
        self.match = Serverless(Keeper, seed=3)
        self.game: Any = self.match.game
        self.player = self.match.join(1)

    def test_world_tick_and_chance(self) -> None:
        """World, tick and chance go on as they did."""
        saved = self.match.save()
        first = self.run_on()
        self.match.load(saved)
        self.assertEqual(self.game.tick, 0)
        self.assertEqual(self.run_on(), first)
        self.match.load(saved)
        self.assertEqual(self.run_on(), first)

    def run_on(self) -> Any:
        """Make two ticks, and return what they came to."""
        for x in (3, 8):
            self.match.advance({1: [Move(x)]})
        drawn = self.game.random.random()
        return self.game.tick, drawn, self.match.world.checksum()

    def test_arrays(self) -> None:
        """An array stays the same array, so that views of it stay right."""
        table = self.game.table
        saved = self.match.save()
        self.game.corner[0, 0] = 7.0
        later = self.match.save()
        self.match.load(saved)
        self.assertIs(self.game.table, table)
        self.assertEqual(self.game.corner[0, 0], 0.0)
        self.match.load(later)
        self.assertEqual(self.game.corner[0, 0], 7.0)
        self.game.table = np.zeros(3)
        self.match.load(later)
        self.assertEqual(self.game.table.shape, (4, 2))
        self.game.table[2, 0] = 9.0
        self.match.load(later)
        self.assertEqual(self.game.table[2, 0], 7.0)

    def test_containers(self) -> None:
        """Containers come back, and share what they shared."""
        saved = self.match.save()
        for _ in range(2):
            self.game.names["a"].append(3)
            self.game.names["b"] = 1
            self.match.load(saved)
            self.assertEqual(self.game.names, {"a": [1, 2]})
            self.assertIs(self.game.names["a"], self.game.shared)

    def test_players(self) -> None:
        """Players are not copied; what the game set of them goes back."""
        avatar, saved = self.player.avatar, self.match.save()
        self.player.avatar, self.player.rooms = None, frozenset({"hall"})
        self.game.fans.clear()
        self.match.load(saved)
        self.assertEqual(self.game.fans, {self.player})
        self.assertEqual((self.player.avatar, self.player.rooms), (avatar, frozenset()))
        self.match.leave(1)
        self.match.load(saved)
        self.assertEqual(self.match.players, {})

    def test_schedule(self) -> None:
        """A call that was made is made again, one that was scheduled later is not."""
        self.game.at(2, self.game.call, "early")
        saved = self.match.save()
        self.game.at(2, self.game.call, "late")
        for expected in (["early", "late"], ["early"], ["early"]):
            self.game.calls.clear()
            self.match.advance()
            self.match.advance()
            made = [call[1] for call in self.game.calls if isinstance(call[1], str)]
            self.assertEqual([each for each in made if each != "step"], expected)
            self.match.load(saved)

    def test_save_over(self) -> None:
        """Memory is used again, and holds the new state alone."""
        saved = self.match.save()
        world = saved.world
        self.match.advance({1: [Move(8)]})
        self.assertIs(self.match.save(saved), saved)
        self.assertIs(saved.world, world)
        checksum = self.match.world.checksum()
        self.match.advance({1: [Move(8)]})
        self.match.load(saved)
        self.assertEqual((self.game.tick, self.match.world.checksum()), (1, checksum))

    def test_missing_attribute(self) -> None:
        """A name in `kept` that the game does not have is told."""
        del self.game.names
        error = self.assertRaises(LocalProtocolError, self.match.save)
        self.assertIn("Keeper.kept names 'names'", str(error))

    def test_difference(self) -> None:
        """Each part that differs is named, the world first."""
        before = self.match.save()
        self.assertIsNone(game_difference(before, self.match.save()))

        def said() -> tuple[str, Any, Any]:
            found = game_difference(before, self.match.save())
            self.match.load(before)
            assert found is not None
            return found

        self.game.tick = 9
        self.assertEqual(said(), ("tick", 0, 9))
        self.game.random.random()
        self.assertIn("random['state']", said()[0])
        self.player.avatar = None
        place, one, other = said()
        self.assertEqual((place, other), ("players[1]['avatar']", None))
        self.game.names["a"][1] = 5
        self.assertEqual(said(), ("self.names['a'][1]", 2, 5))
        self.game.tick, self.match.world[one, Place].x = 9, 2.0
        self.assertIn("Place.x of entity", said()[0])

    def test_no_chance(self) -> None:
        """A game whose chance is no generator, as on a client, is saved without it."""
        chance = self.game.random = object()
        saved = self.match.save()
        self.assertIsNone(saved.random)
        self.match.load(saved)
        self.assertIs(self.game.random, chance)
