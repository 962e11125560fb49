# SPDX-License-Identifier: MIT
"""Tests of players whose link is lost: they are away, come back, or are gone."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection import ConnectionConfig
from gamenet.errors import CloseReason
from gamenet.game import GameClient
from gamenet.testing import Stepper
from tests.game.games import Meadow, Place, Push, Say
from tests.transport.recorders import go_dark, light_up

QUICK = ConnectionConfig(timeout=1.0, resume_window=4.0)
RATE = 30


class SessionTests(SynchronousTestCase):
    """A session outlives its links."""

    def setUp(self) -> None:
        """Play a match of two whose links break soon, and are missed for long."""
        self.stepper = Stepper.of(Meadow, n_clients=2, seed=5, connection=QUICK)
        self.stepper.tick(5)
        self.server = self.stepper.server
        self.game = self.server.game
        self.one, self.two = self.stepper.clients
        self.told: list[object] = []
        self.one.on_dropped = lambda reason: self.told.append(("dropped", reason))
        self.one.on_resumed = lambda: self.told.append("resumed")
        self.one.on_closed = lambda reason, _: self.told.append(("closed", reason))
        self.one.on_message = self.told.append

    def lose_links(self) -> None:
        """Let all links be lost, and noticed."""
        go_dark(self.stepper.network)
        self.stepper.tick(RATE + 5)

    def find_links(self) -> None:
        """Let packets through again, until both players are back."""
        light_up(self.stepper.network)
        self.stepper.until(
            lambda: len(self.game.heard("player_resumed")) >= 2, limit=4 * RATE
        )
        self.stepper.tick(5)

    def test_away_and_back(self) -> None:
        """The game is told that a player is away, and back; nobody has left."""
        self.lose_links()
        self.assertEqual(
            sorted(self.game.heard("player_dropped")),
            [("player_dropped", 1), ("player_dropped", 2)],
        )
        self.assertEqual(self.told, [("dropped", CloseReason.TIMED_OUT)])
        self.assertTrue(self.server.players[1].is_dropped)
        self.assertTrue(self.server.players[1].is_connected)
        self.assertEqual(self.server.stats()["players_dropped"], 2)
        self.assertEqual(self.server.stats()["players"], 2)
        self.find_links()
        self.assertEqual(
            sorted(self.game.heard("player_resumed")),
            [("player_resumed", 1), ("player_resumed", 2)],
        )
        self.assertEqual(self.told[1:], ["resumed"])
        self.assertFalse(self.server.players[1].is_dropped)
        self.assertEqual(self.server.stats()["players_dropped"], 0)
        self.assertEqual(self.game.heard("player_left"), [])
        self.assertEqual(len(self.game.heard("player_joined")), 2)

    def test_what_was_said_meanwhile(self) -> None:
        """Messages that are sent while the link is lost arrive once, in order."""
        self.lose_links()
        for number in range(5):
            self.one.send(Say(words=f"up {number}"))
            self.server.players[1].send(Say(words=f"down {number}"))
            self.stepper.tick()
        self.find_links()
        heard = [each.words for each in self.told if isinstance(each, Say)]
        self.assertEqual(
            [words for words in heard if words.startswith("down")],
            [f"down {number}" for number in range(5)],
        )
        said = [call[2].words for call in self.game.heard("message_received")]
        self.assertEqual(said, [f"up {number}" for number in range(5)])

    def test_what_waited_comes_at_once(self) -> None:
        """Who kept to the rate while away is not sent away for the burst."""
        go_dark(self.stepper.network)
        for _ in range(3 * RATE):
            for _ in range(4):
                self.one.send(Say(words="waiting"))
            self.stepper.tick()
        self.find_links()
        self.assertEqual(self.game.heard("player_left"), [])
        self.assertEqual(self.server.stats()["rate_limited"], 0)

    def test_coming_and_going_grants_nothing(self) -> None:
        """Who loses the link on purpose may not say more for it."""
        player = self.server.players[1]
        while player.messages.take():
            pass
        for _ in range(100):
            self.server.drop(player, CloseReason.LINK_LOST)
            self.server.resume(player)
        self.assertFalse(player.messages.take())

    def test_the_world_goes_on(self) -> None:
        """Who is back sees what came and went, and is steered as before."""
        self.lose_links()
        old = self.server.players[2].avatar
        new = self.game.world.spawn(Place(x=77))
        self.game.world.despawn(old)
        self.stepper.tick(10)
        self.find_links()
        self.assertIn(new, self.one.world)
        self.assertEqual(self.one.world[new, Place].x, 77)
        self.assertNotIn(old, self.one.world)
        avatar = self.server.players[1].avatar
        before = self.server.world[avatar, Place].x
        self.one.send_input(Push(x=5))
        self.stepper.tick(3)
        self.assertEqual(self.one.world[avatar, Place].x, before + 5)

    def test_gone(self) -> None:
        """Who is away for too long is gone, for both sides, once."""
        self.lose_links()
        self.stepper.tick(RATE * 5)
        self.assertEqual(
            sorted(self.game.heard("player_left")),
            [
                ("player_left", 1, CloseReason.TIMED_OUT),
                ("player_left", 2, CloseReason.TIMED_OUT),
            ],
        )
        self.assertEqual(self.told[1:], [("closed", CloseReason.TIMED_OUT)])
        self.assertEqual(self.server.players, {})
        self.assertEqual(self.game.heard("player_resumed"), [])
        self.assertFalse(self.one.is_connected)

    def test_kicked_while_away(self) -> None:
        """Who was kicked meanwhile is told so on coming back."""
        self.lose_links()
        self.server.players[1].kick("manners")
        self.stepper.tick()
        self.assertEqual(
            self.game.heard("player_left"), [("player_left", 1, CloseReason.KICKED)]
        )
        light_up(self.stepper.network)
        self.stepper.tick(4 * RATE)
        self.assertEqual(self.told[1:], [("closed", CloseReason.KICKED)])
        self.assertEqual(self.game.heard("player_resumed"), [("player_resumed", 2)])

    def test_leaving_while_away(self) -> None:
        """A player may leave while the link is lost; the server learns it in time."""
        self.lose_links()
        left = self.one.close()
        self.stepper.tick()
        self.assertIsNone(self.successResultOf(left))
        self.assertEqual(self.told[1:], [("closed", CloseReason.NORMAL)])
        light_up(self.stepper.network)
        self.stepper.tick(RATE * 5)
        self.assertEqual(list(self.server.players), [2])
        self.assertEqual(self.game.heard("player_resumed"), [("player_resumed", 2)])

    def test_the_place_is_kept(self) -> None:
        """Nobody takes the place of who is away; on a full server one comes back."""
        for name in ("three", "four"):
            self.stepper.begin_joining(name, QUICK)
        self.stepper.tick(10)
        self.assertEqual(len(self.server.players), 4)
        self.lose_links()
        light_up(self.stepper.network)
        late = GameClient(self.stepper.clock, Meadow, "late", connection=QUICK)
        joined = late.connect("memory:match", memory=self.stepper.network)
        self.stepper.tick(4 * RATE)
        error = self.failureResultOf(joined).value
        self.assertEqual(error.reason, CloseReason.SERVER_FULL)
        self.assertEqual(len(self.game.heard("player_resumed")), 4)
        self.assertEqual(len(self.server.players), 4)

    def test_again_and_again(self) -> None:
        """Each resumption brings another ticket for the next."""
        for n_times in range(1, 7):
            go_dark(self.stepper.network)
            self.stepper.tick(RATE + 5)
            light_up(self.stepper.network)
            self.stepper.until(
                lambda n=n_times: len(self.game.heard("player_resumed")) >= 2 * n,
                limit=4 * RATE,
            )
            self.stepper.tick(15)
        self.assertEqual(self.told.count("resumed"), 6)

    def test_server_stops(self) -> None:
        """A server that stops is over for those who are away, too."""
        self.lose_links()
        stopped = self.server.stop()
        self.stepper.clock.advance(0.1)
        self.assertIsNone(self.successResultOf(stopped))
        self.assertEqual(
            [call[2] for call in self.game.heard("player_left")],
            [CloseReason.SERVER_SHUTDOWN] * 2,
        )

    def test_no_window(self) -> None:
        """With no time to come back, a lost link is the end."""
        config = ConnectionConfig(timeout=1.0, resume_window=0.0)
        stepper = Stepper.of(Meadow, n_clients=1, seed=6, connection=config)
        go_dark(stepper.network)
        stepper.tick(RATE + 5)
        game = stepper.server.game
        self.assertEqual(game.heard("player_dropped"), [])
        self.assertEqual(
            game.heard("player_left"), [("player_left", 1, CloseReason.TIMED_OUT)]
        )
        self.assertFalse(stepper.clients[0].is_connected)

    def test_nothing_is_left(self) -> None:
        """When the last has gone nothing of a session is left behind."""
        self.lose_links()
        self.find_links()
        self.lose_links()
        self.stepper.tick(RATE * 5)
        factory = self.server.factory
        self.assertEqual(factory.sessions, {})
        self.assertEqual(len(factory.admission), 0)
        self.assertEqual(list(factory.peers), [])
        self.server.stop()
        self.stepper.clock.advance(1)
        self.assertEqual(self.stepper.clock.getDelayedCalls(), [])
