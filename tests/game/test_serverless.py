# SPDX-License-Identifier: MIT
"""Tests of running the rules of a game without a server."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.game import NetworkIdentity, Serverless
from tests.game.test_savedgame import Bang, Chat, Keeper, Move, Place


class ServerlessTests(SynchronousTestCase):
    """The rules run as on a server."""

    def setUp(self) -> None:
        self.match = Serverless(Keeper)
        self.game: Any = self.match.game

    def test_order(self) -> None:
        """Scheduled calls, inputs in the order of the players' ids, then the step."""
        for number in (2, 1):
            self.match.join(number)
        self.game.at(1, self.game.call, "due")
        self.match.advance({2: [Move(5)], 1: [Move(6), Move(7)], 3: [Move(8)]})
        self.assertEqual(
            self.game.calls,
            [(1, "due"), (1, 1, 6), (1, 1, 7), (1, 2, 5), (1, "step", [0, 1])],
        )
        self.assertEqual((self.game.tick, self.match.world.tick), (1, 2))

    def test_rounded(self) -> None:
        """What players predict is rounded after the step to what the wire can say."""
        player = self.match.join(1)
        self.match.advance({1: [Move(1)]})
        x = self.match.world[player.avatar, Place].x
        self.assertNotEqual(x, 0.125)
        self.assertEqual(x % 0.25, 0.0)

    def test_identity(self) -> None:
        """Components that the server fills are filled."""
        player = self.match.join(4)
        self.match.advance()
        self.assertEqual(self.match.world[player.avatar, NetworkIdentity].owner, 4)

    def test_what_is_told(self) -> None:
        """Events of the tick are there to be looked at; messages go nowhere."""
        player = self.match.join(1)
        self.game.emit(Bang(3), to=player, seen=player.avatar, by=player.avatar)
        self.assertEqual(self.match.emitted, [(Bang(3), player, 0, 0)])
        self.game.broadcast(Chat("hello"))
        player.send(Chat("hello"))
        player.kick()
        self.match.advance()
        self.assertEqual(self.match.emitted, [])
        self.assertIn("player 1", repr(player))

    def test_come_and_go(self) -> None:
        """Players join once, and leave once."""
        self.match.join(1)
        self.assertRaises(LocalProtocolError, self.match.join, 1)
        self.assertEqual(len(self.match.world), 1)
        self.match.leave(1)
        self.assertEqual(len(self.match.world), 0)
        self.assertRaises(LocalProtocolError, self.match.leave, 1)
