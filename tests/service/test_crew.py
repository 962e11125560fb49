# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.crew."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import GameServer
from gamenet.service.crew import ADDRESS, Crew
from gamenet.testing import Clock
from gamenet.transport import Impairment, Limits, Listening, MemoryNetwork, listen
from tests.service.games import Field


class Strict(Field):
    """A game that sends everybody away at once."""

    def player_joined(self, player: Any) -> None:
        self.heard.append((player.id, self.tick))
        player.kick("no bots")


class CrewCase(SynchronousTestCase):
    """A case with a server, and bots in it, in simulated time."""

    game: type[Field] = Field
    n = 2
    limits = Limits()

    def setUp(self) -> None:
        self.clock = Clock()
        self.network = MemoryNetwork(self.clock)
        self.server = GameServer(self.game, self.clock, limits=self.limits, seed=1)
        self.listening = self.open()
        self.server.start()
        self.crew = Crew(self.clock, self.network, self.n, 1, self.game)
        self.crew.startService()
        self.addCleanup(self.stop)
        self.pass_time(0.5)

    def open(self) -> Listening:
        """Let the bots in."""
        listening: Listening = self.successResultOf(
            listen(self.clock, ADDRESS, self.server.factory, memory=self.network)
        )
        return listening

    def stop(self) -> None:
        """Stop everything; nothing may be left to be done."""
        if self.crew.running:
            self.crew.stopService()
        self.server.stop()
        self.pass_time(3)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def pass_time(self, seconds: float) -> None:
        """Let time pass in steps of a hundredth."""
        for _ in range(round(seconds * 100)):
            self.clock.advance(0.01)

    def names(self) -> set[str]:
        """Return the names of those who play."""
        return {player.name for player in self.server.players.values()}

    def kick(self, name: str) -> None:
        """Send one away."""
        for player in list(self.server.players.values()):
            if player.name == name:
                player.kick("enough")


class ReturnTests(CrewCase):
    """A bot that is gone comes back."""

    def test_kicked(self) -> None:
        """One that was kicked is back after a second, by its name, and plays."""
        self.kick("bot 1")
        self.pass_time(0.9)
        self.assertEqual(self.names(), {"bot 2"})
        self.pass_time(0.5)
        self.assertEqual(self.names(), {"bot 1", "bot 2"})
        newest = max(self.server.players)
        self.assertEqual(self.server.players[newest].name, "bot 1")
        self.pass_time(2)
        self.assertIn(newest, {number for number, _ in self.server.game.heard})

    def test_doubled(self) -> None:
        """One that is kicked again waits twice as long; one that stayed does not."""
        self.kick("bot 1")
        self.pass_time(1.5)
        self.kick("bot 1")
        self.pass_time(1.8)
        self.assertEqual(self.names(), {"bot 2"})
        self.pass_time(0.5)
        self.assertEqual(self.names(), {"bot 1", "bot 2"})
        self.pass_time(35)
        self.kick("bot 1")
        self.pass_time(1.5)
        self.assertEqual(self.names(), {"bot 1", "bot 2"})

    def test_timed_out(self) -> None:
        """All come back to a server that could not be reached for a while."""
        self.successResultOf(self.listening.stop())
        self.pass_time(15)
        self.assertEqual(self.names(), set())
        self.open()
        self.pass_time(31)
        self.assertEqual(self.names(), {"bot 1", "bot 2"})

    def test_stopped(self) -> None:
        """None comes back to a server that goes away."""
        self.kick("bot 1")
        self.pass_time(0.5)
        self.crew.stopService()
        self.pass_time(5)
        self.assertEqual(self.names(), set())

    def test_stopped_amidst(self) -> None:
        """One that is about to come back is called off, too."""
        self.network._up = Impairment(latency=0.1)
        self.kick("bot 1")
        self.pass_time(1.05)
        self.crew.stopService()
        self.pass_time(5)
        self.assertEqual(self.names(), set())

    def test_memory(self) -> None:
        """Nothing is kept of those that are gone."""
        squad = self.crew._squad
        for seconds in (1.5, 2.5, 4.5):
            self.kick("bot 1")
            self.pass_time(seconds)
        self.assertEqual(len(squad.bots), 2)
        self.assertLessEqual(len(squad.complaints), 1)
        self.assertEqual(squad.n_playing, 2)


class StrictTests(CrewCase):
    """A game that wants no bots is left alone by and by."""

    game = Strict
    n = 1

    def test_delays(self) -> None:
        """The time between two attempts doubles from 1 second to 30, and stays."""
        self.pass_time(130)
        ticks = [tick for _, tick in self.server.game.heard]
        waits = [
            round((later - before) / self.server.game.tick_rate)
            for before, later in pairwise(ticks)
        ]
        self.assertEqual(waits, [1, 2, 4, 8, 16, 30, 30, 30])


class FullTests(CrewCase):
    """Bots for whom there was no place find one later."""

    n = 3
    limits = Limits(max_per_address=2)

    def test_place(self) -> None:
        """When one is free, the next one comes."""
        self.assertEqual(self.names(), {"bot 1", "bot 2"})
        self.pass_time(1)
        self.kick("bot 1")
        self.pass_time(0.5)
        self.assertEqual(self.names(), {"bot 2"})
        self.pass_time(40)
        self.assertEqual(len(self.names()), 2)
