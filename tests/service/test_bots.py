# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.bots."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import Game, GameClient, GameServer, Protocol
from gamenet.service.bots import Squad, known
from gamenet.testing import Clock
from gamenet.transport import Impairment, Limits, MemoryNetwork, listen
from tests.service.games import Field, Silent


class SquadTests(SynchronousTestCase):
    """Bots join a server in simulated time, play, and tell what they saw."""

    def setUp(self) -> None:
        self.clock = Clock()
        link = Impairment(latency=0.02)
        self.network = MemoryNetwork(self.clock, link, link)

    def serve(self, game: type[Field] = Field, **limits: Any) -> GameServer:
        """Return a server that runs."""
        server = GameServer(game, self.clock, limits=Limits(**limits), seed=1)
        self.successResultOf(
            listen(self.clock, "memory:a", server.factory, memory=self.network)
        )
        server.start()
        self.addCleanup(server.stop)
        return server

    def squad(
        self,
        n: int,
        seed: int = 1,
        address: str = "memory:a",
        game: type[Game] | None = None,
    ) -> Squad:
        """Return bots, two seconds after they began to join."""

        def join(client: GameClient) -> Deferred[GameClient]:
            return client.connect(address, memory=self.network)

        squad = Squad(self.clock, known(join), seed, game)
        self.gathering = squad.gather(n)
        self.pass_time(2)
        self.addCleanup(self.pass_time, 1)
        self.addCleanup(squad.leave)
        return squad

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps of a hundredth."""
        for _ in range(round(seconds * 100)):
            self.clock.advance(0.01)

    def test_report(self) -> None:
        """The figures are those of the network that they play over."""
        server = self.serve()
        squad = self.squad(3)
        self.successResultOf(self.gathering)
        self.pass_time(5)
        self.assertEqual(len(server.players), 3)
        squad.leave()
        report = squad.report("memory")
        self.assertTrue(report.is_complete)
        self.assertEqual((report.connected, report.refused, report.errors), (3, 0, 0))
        self.assertTrue(29 <= report.snapshots_per_s <= 31)
        self.assertTrue(40 <= report.rtt_ms_p50 <= 80, report.rtt_ms_p50)
        self.assertTrue(report.rtt_ms_p50 <= report.rtt_ms_p99)
        # Two round trips of 40 ms: a cookie before the welcome.
        self.assertTrue(80 <= report.connect_ms_p50 <= 130, report.connect_ms_p50)
        self.assertGreater(report.bytes_down_per_s, 30 * 20)
        self.assertGreater(report.bytes_up_per_s, 30 * 20)
        self.assertTrue(6.9 <= report.seconds <= 7.1)

    def test_round_trips(self) -> None:
        """Round trips count as they were measured, not smoothed, and are bounded."""
        self.serve()
        squad = self.squad(1)
        (bot,) = squad.bots
        self.pass_time(60)
        squad.leave()
        self.assertEqual(bot.rtts, bot.client.rtts)
        self.assertEqual(len(bot.rtts), 1024)
        slow = [1.0] * 11
        bot.rtts[-11:] = slow
        report = squad.report("memory")
        self.assertLess(report.rtt_ms_p50, 80)
        self.assertEqual(report.rtt_ms_p99, 1000)

    def test_game(self) -> None:
        """Bots that are given the game compile nothing from a description."""
        self.serve()
        self.patch(Protocol, "from_description", None)
        squad = self.squad(2, game=Field)
        squad.leave()
        self.assertTrue(squad.report("memory").is_complete)

    def test_leave(self) -> None:
        """Bots that leave say so: the server is empty at once, not after a time-out."""
        server = self.serve()
        squad = self.squad(3)
        squad.leave()
        self.pass_time(0.2)
        self.assertEqual(len(server.players), 0)

    def test_refused(self) -> None:
        """A server without a place for all refuses some, which is no error."""
        self.serve(max_per_address=2)
        squad = self.squad(5)
        squad.leave()
        report = squad.report("memory")
        self.assertEqual((report.connected, report.refused, report.errors), (2, 3, 0))
        self.assertFalse(report.is_complete)
        (text,) = squad.complaints
        self.assertIn("TOO_MANY_FROM_ADDRESS", text)
        self.assertEqual(squad.complaints[text], 3)

    def test_unreachable(self) -> None:
        """Where nobody listens, every bot is an error."""
        squad = self.squad(2, address="memory:nobody")
        report = squad.report("memory")
        self.assertEqual((report.connected, report.refused, report.errors), (0, 0, 2))
        self.assertEqual(report.rtt_ms_p99, 0.0)

    def test_lost(self) -> None:
        """A connection that ends before its bot does is an error."""
        server = self.serve()
        squad = self.squad(2)
        next(iter(server.players.values())).kick("enough")
        self.pass_time(1)
        n_playing = squad.n_playing
        squad.leave()
        self.assertEqual((squad.report("memory").errors, n_playing), (1, 1))
        self.assertIn("KICKED", next(iter(squad.complaints)))

    def test_inputs(self) -> None:
        """Each bot plays differently, and the same again with the same seed."""
        heard = []
        for seed in (1, 1, 2):
            self.setUp()
            server = self.serve()
            self.squad(2, seed).leave()
            heard.append(server.game.heard)
        first, second, third = heard
        self.assertTrue(first)
        self.assertEqual(first, second)
        self.assertNotEqual(first, third)
        by_player = [
            [item for number, item in first if number == player] for player in (1, 2)
        ]
        self.assertNotEqual(*by_player)

    def test_no_inputs(self) -> None:
        """A game that takes no inputs is watched."""
        server = self.serve(Silent)
        squad = self.squad(1)
        squad.leave()
        self.assertEqual(server.game.heard, [])
        self.assertGreater(squad.report("memory").snapshots_per_s, 25)

    def test_cancelled(self) -> None:
        """Bots that were not let in yet can be called back."""
        squad = self.squad(2, address="memory:nobody")
        self.network = MemoryNetwork(self.clock, Impairment(loss=1), Impairment(loss=1))
        self.serve()
        squad = self.squad(2)
        self.gathering.cancel()
        self.pass_time(1)
        self.failureResultOf(self.gathering)
        self.assertEqual(squad.report("memory").errors, 0)
