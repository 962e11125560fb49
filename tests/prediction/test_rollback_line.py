# SPDX-License-Identifier: MIT
"""Tests of the inputs of one player in a rollback match."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.prediction.rollback_line import EVER, KnownInputs, PlayerLine


def known(number: int) -> KnownInputs:
    """Return inputs that can be told apart."""
    return KnownInputs(bytes((number,)), (number,))


def same(_player, last):
    """Guess that a player goes on."""
    return KnownInputs(b"guess", last)


class PlayerLineTests(SynchronousTestCase):
    """What is known, and what stands in for it."""

    def setUp(self) -> None:
        self.line = PlayerLine(1, b"ada", 10)
        for number in range(5):
            self.assertEqual(self.line.add(known(number)), 10 + number)

    def inputs(self, tick: int) -> tuple:
        return self.line.inputs(tick, same).inputs

    def test_known_and_guessed(self) -> None:
        """What is known is taken, else the newest before it is guessed on."""
        self.assertEqual((self.line.complete, self.inputs(13)), (14, (3,)))
        self.assertEqual(self.inputs(20), (4,))
        self.assertTrue(self.line.plays(10))
        self.assertFalse(self.line.plays(9))

    def test_forgotten(self) -> None:
        """The newest that was forgotten still stands in for what comes."""
        self.line.forget(14)
        self.assertEqual((len(self.line), self.inputs(15)), (0, (4,)))
        self.assertEqual(self.line.after(9), [])

    def test_after(self) -> None:
        """What a peer does not have is told, oldest first."""
        self.assertEqual(list(self.line.after(12)), [(13, b"\3"), (14, b"\4")])

    def test_away(self) -> None:
        """Who is away is not waited for; all take the same for them."""
        self.line.leave_alone(13)
        self.assertEqual((self.line.complete, self.line.newest), (EVER, 12))
        self.assertEqual((self.inputs(13), self.inputs(30)), ((2,), (2,)))
        self.line.come_back(20)
        self.assertEqual((self.line.complete, self.line.newest), (19, 19))
        self.assertEqual(self.line.add(known(9)), 20)
        self.assertEqual(
            (self.inputs(19), self.inputs(20), self.inputs(21)), ((2,), (9,), (9,))
        )
        self.line.forget(21)
        self.assertEqual(self.line.away, [])

    def test_away_before_all_is_known(self) -> None:
        """What was done before is still waited for."""
        self.line.leave_alone(17)
        self.assertEqual(self.line.complete, 14)
        self.line.come_back(25)
        self.line.add(known(5))
        self.assertEqual(self.line.complete, 15)
        self.line.add(known(6))
        self.assertEqual(self.line.complete, 24)

    def test_gone(self) -> None:
        """Who leaves has no inputs from then on."""
        self.line.end(13, 7)
        self.assertEqual((self.line.complete, self.line.reason), (EVER, 7))
        self.assertFalse(self.line.plays(13))
        self.assertIsNone(self.line.known(13))

    def test_begin_after(self) -> None:
        """Who comes late takes what was as known, spans of absence included."""
        late = PlayerLine(1, b"", 3)
        late.away.append([8, EVER])
        late.begin_after(20)
        self.assertEqual((late.newest, late.complete), (7, EVER))
        late.come_back(30)
        self.assertEqual(late.newest, 29)
