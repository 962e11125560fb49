# SPDX-License-Identifier: MIT
"""Tests of marking what clients predict, and of a game that a client runs."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.game import (
    Audience,
    Component,
    Game,
    GameServer,
    Input,
    Missing,
    PredictedWorld,
    Protocol,
    Sync,
    World,
    float32,
    predicted,
    quaternion,
    uint32,
)
from gamenet.game.own_player import OwnPlayer
from gamenet.game.predicted import predicted_functions
from gamenet.testing import Clock
from tests.game.flying import Charge, Flash, Kites, Pull, Speed, Spot


class Slow(Component):
    """Told of now and then."""

    sync = Sync(rate=5)
    x: float = float32()


class Hidden(Component):
    """Never told of."""

    sync = Sync(audience=Audience.SERVER)
    x: float = float32()


class Theirs(Component):
    """Written by its owner."""

    sync = Sync(owner_writes=True)
    x: float = float32()


class Turned(Component):
    """A rotation, and all kinds of numbers."""

    turn: tuple[float, ...] = quaternion()
    x: float = float32()
    count: int = uint32()


class Trying(Kites):
    """A game that predicts what a test wants."""

    attempt: Any = None

    @predicted(Spot)
    def fly(self, rows: Any, dt: float) -> None:
        """Do it."""
        self.attempt()


def game_of(component: type[Component], *listed: type[Component]) -> type[Game]:
    """Return a game that predicts a component."""

    class Little(Game):
        components = listed or [component]

        @predicted(component)
        def move(self, rows: Any, dt: float) -> None:
            """Do nothing."""

    return Little


class MarkingTests(SynchronousTestCase):
    """What is marked can be predicted."""

    def test_components(self) -> None:
        """A game knows what is predicted, in the order of the wire."""
        self.assertEqual(Kites.predicted_components(), (Spot, Speed, Charge))
        self.assertEqual(Game.predicted_components(), ())

    def test_order_of_definition(self) -> None:
        """Functions keep their order when a subclass overrides and adds some."""

        class More(Kites):
            @predicted(Spot)
            def land(self, rows: Any, dt: float) -> None:
                """Come down."""

            @predicted(Spot, Speed)
            def fly(self, rows: Any, dt: float) -> None:
                """Fly otherwise."""

        self.assertEqual(list(predicted_functions(More)), ["fly", "flash", "land"])

    def test_not_marked_any_more(self) -> None:
        """What a subclass overrides without the mark is not predicted."""

        class Fewer(Kites):
            def flash(self, dt: float) -> None:  # type: ignore[override]
                """Do it on the server alone."""

        self.assertEqual(Fewer.predicted_components(), (Spot, Speed))

    def test_what_can_be_predicted(self) -> None:
        """Numbers and rotations of all kinds come back from the wire as they went."""
        Protocol.of(game_of(Turned))
        Protocol.of(Kites)

    def test_what_cannot(self) -> None:
        """What a client could not predict is refused, with the reason."""
        for component, reason in (
            (Slow, "rate"),
            (Hidden, "audience"),
            (Theirs, "owner_writes"),
        ):
            error = self.assertRaises(ConfigError, Protocol.of, game_of(component))
            self.assertIn(component.__name__, str(error))
            self.assertIn(reason, str(error))
            self.assertIn("Little.move", str(error))
        error = self.assertRaises(ConfigError, GameServer, game_of(Slow), Clock())
        self.assertIn("rate", str(error))

    def test_not_listed(self) -> None:
        """What is predicted is among the game's components."""
        error = self.assertRaises(ConfigError, Protocol.of, game_of(Spot, Speed))
        self.assertIn("Spot, which is not among Little.components", str(error))

    def test_bad_marks(self) -> None:
        """Nothing, or something else than components, cannot be predicted."""
        self.assertRaises(ConfigError, predicted)
        self.assertRaises(ConfigError, predicted, "Spot")
        self.assertRaises(ConfigError, predicted, Spot, having=[Pull])


class ServerSideTests(SynchronousTestCase):
    """On the server a predicted function works on all rows."""

    def setUp(self) -> None:
        """Bind a game with three kites of two players."""
        self.world = World(Kites.components, 64)
        self.game = Kites()
        self.game.bind(self.world, np.random.default_rng(1))
        self.game.prepare()
        for owner in (1, 2, 1, 0):
            self.world.spawn(Spot(), Speed(x=8), Charge(), owner=owner)
        self.world.spawn(Spot(), owner=1)

    def test_all_rows(self) -> None:
        """Everybody's kites fly; who lacks a component does not."""
        self.game.fly(0.5)
        spots = self.world.columns(Spot).x[:5].tolist()
        self.assertEqual(spots, [4.0, 4.0, 4.0, 4.0, 0.0])

    def test_rows(self) -> None:
        """Only what somebody owns is predicted by somebody."""
        rows = self.game.predicted_rows().tolist()
        self.assertEqual(rows, [0, 1, 2])
        self.assertEqual(self.game.owned_rows(1, Spot).tolist(), [0, 2, 4])
        self.assertEqual(self.game.owned_rows(OwnPlayer(2)).tolist(), [1])

    def test_nobody_there(self) -> None:
        """Where there are no rows the function is not called."""
        self.world.despawn_rows(self.world.query())
        self.game.fly(0.5)
        self.assertEqual(len(self.game.predicted_rows()), 0)

    def test_missing(self) -> None:
        """Without a rule of its own a game takes that of the input's class."""

        class Neutral(Input):
            missing = Missing.NEUTRAL
            x: float = float32()

        class Nothing(Input):
            missing = Missing.NOTHING
            x: float = float32()

        game, player = self.game, OwnPlayer(1)
        self.assertEqual(game.input_missing(player, Pull, Pull(x=3)), Pull(x=3))
        self.assertIsNone(game.input_missing(player, Pull, None))
        self.assertEqual(game.input_missing(player, Neutral, Neutral(2)), Neutral(0))
        self.assertIsNone(game.input_missing(player, Nothing, Nothing(2)))


class ClientSideTests(SynchronousTestCase):
    """On a client it works on what is the player's own, and on nothing else."""

    def setUp(self) -> None:
        """Bind a game as the client of player 2 does."""
        self.world = PredictedWorld(Kites.components, 64)
        for owner in (1, 2, 2):
            self.world.spawn(Spot(), Speed(x=8), Charge(), owner=owner)
        self.game = Kites()
        self.made: list[Any] = []
        player = OwnPlayer(2, "me", self.world.id_of(1))
        self.game.begin_predicting(
            self.world, player, lambda event, row: self.made.append((event, row))
        )
        self.player = player

    def test_own_rows(self) -> None:
        """Others stay where they are."""
        self.assertTrue(self.game.is_predicting)
        self.assertEqual(self.game.player_id, 2)
        self.assertEqual(self.game.predicted_rows().tolist(), [1, 2])
        self.game.input_received(self.player, Pull(x=16))
        self.game.predict(0.5)
        self.assertEqual(self.world.columns(Spot).x[:3].tolist(), [0.0, 8.0, 4.0])

    def test_events(self) -> None:
        """Events go to the client, with the row that caused them."""
        game = self.game
        game.flashing[1] = True
        game.predict(0.5)
        self.assertEqual(self.made, [(Flash(x=4.0), 1)])
        game.emit(Flash(x=1))
        game.emit(Flash(x=2), to=[1], by=self.world.id_of(1))
        self.assertEqual(len(self.made), 1)
        game.emit(Flash(x=3), to=self.player, by=self.world.id_of(2))
        self.assertEqual(self.made[1:], [(Flash(x=3), 2)])

    def test_what_a_prediction_cannot_do(self) -> None:
        """Chance, births, deaths and later calls are errors that say why."""
        world, game = self.world, Trying()
        game.begin_predicting(world, self.player, lambda event, row: None)
        mine = world.id_of(1)
        for attempt in (
            lambda: game.random.integers(3),
            lambda: world.spawn(Spot()),
            lambda: world.despawn(mine),
            lambda: world.despawn_rows([1]),
            lambda: world.add(mine, Spot()),
            lambda: world.remove(mine, Speed),
            lambda: world.set_owner(mine, 1),
            lambda: game.at(9, print),
            lambda: game.after(1.0, print),
        ):
            game.attempt = attempt
            error = self.assertRaises(LocalProtocolError, game.predict, 0.5)
            self.assertIn("a prediction cannot", str(error))
        self.assertEqual(len(world), 3)

    def test_whoever_follows_the_server_can(self) -> None:
        """Outside of what is predicted the world takes what the server says."""
        self.world.set_owner(self.world.id_of(0), 2)
        self.assertEqual(self.game.predicted_rows().tolist(), [0, 1, 2])
        self.world.despawn_rows([0, 1])
        self.assertEqual(self.game.predicted_rows().tolist(), [2])
