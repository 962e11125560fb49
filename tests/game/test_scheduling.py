# SPDX-License-Identifier: MIT
"""What is to happen at a tick or at a time happens on both sides at that moment."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.game import Game, GameClient
from gamenet.testing import Clock, Stepper
from gamenet.transport import Impairment


class Race(Game):
    """A race, which begins when both sides say so."""

    tick_rate = 20


class SchedulingTests(SynchronousTestCase):
    """By tick and by time, on the server and on a client."""

    def setUp(self) -> None:
        """Connect a player who is 80 ms away."""
        way = Impairment(latency=0.08, seed=1)
        self.stepper = Stepper.of(Race, 1, seed=1, down=way, up=way)
        self.game = self.stepper.server.game
        (self.client,) = self.stepper.clients
        self.told: list[tuple[str, int]] = []

    def _note(self, what: str) -> None:
        self.told.append((what, self.game.tick))

    def test_both_sides(self) -> None:
        """The client's call comes in the tick of the server's, or the next."""
        self.client.begin_ticks()
        self.stepper.tick(60)
        begin = self.game.tick + 40
        seconds = (begin + 10) / Race.tick_rate
        for side, name in ((self.game, "server"), (self.client, "client")):
            side.at(begin, self._note, f"{name} tick")
            side.at_time(seconds, self._note, f"{name} time")
        self.stepper.tick(80)
        made = dict(self.told)
        self.assertEqual(len(self.told), 4)
        self.assertEqual(made["server tick"], begin)
        self.assertEqual(made["server time"], begin + 10)
        self.assertLessEqual(abs(made["client tick"] - begin), 1)
        self.assertLessEqual(abs(made["client time"] - begin - 10), 1)

    def test_a_fraction(self) -> None:
        """A time between two ticks means the later one, and rounding means none."""
        now = self.game.tick / Race.tick_rate
        self.game.at_time(now + 0.1, self._note, "two ticks")
        self.game.at_time(now + 0.11, self._note, "three")
        first = self.game.tick
        self.stepper.tick(5)
        self.assertEqual(self.told, [("two ticks", first + 2), ("three", first + 3)])

    def test_taken_back(self) -> None:
        """What was cancelled is not called."""
        for side in (self.game, self.client):
            side.at_time(10.0, self._note, "never").cancel()
        self.stepper.tick(240)
        self.assertEqual(self.told, [])

    def test_before_joining(self) -> None:
        """There is no time of the server's before the match is joined."""
        client = GameClient(Clock(), Race)
        self.assertRaises(LocalProtocolError, client.at_time, 1.0, print)
