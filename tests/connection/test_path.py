# SPDX-License-Identifier: MIT
"""Tests of following a peer whose address changes, without being led astray."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.path import Path

HOME, AWAY, THIRD = ("home", 1), ("away", 2), ("third", 3)


class PathTests(SynchronousTestCase):
    """Another address is believed for the moment, and for good when proved."""

    def setUp(self) -> None:
        self.path = Path(HOME, Random(1).randbytes)

    def heard(
        self,
        where: object,
        size: int = 100,
        *,
        is_newest: bool = True,
        response: bytes = b"",
    ) -> bool:
        """Take note of a packet."""
        return self.path.heard(where, size, is_newest=is_newest, response=response)

    def test_at_home(self) -> None:
        """Where nothing changes nothing is asked."""
        self.assertEqual((self.path.current, self.path.is_unproved), (HOME, False))
        self.assertIsNone(self.path.deadline)

    def test_moves(self) -> None:
        """From another address comes another path, to be proved by eight bytes."""
        self.assertTrue(self.heard(AWAY))
        self.assertEqual((self.path.current, self.path.is_unproved), (AWAY, True))
        self.assertEqual((len(self.path.challenge), self.path.n_moves), (8, 1))
        self.assertFalse(self.heard(AWAY, response=b"wrong ones"))
        self.assertTrue(self.path.is_unproved)
        self.assertFalse(self.heard(AWAY, response=self.path.challenge))
        self.assertEqual((self.path.current, self.path.is_unproved), (AWAY, False))

    def test_old_packets(self) -> None:
        """A packet that was overtaken does not move the path."""
        self.assertFalse(self.heard(AWAY, is_newest=False))
        self.assertEqual(self.path.current, HOME)

    def test_answer_from_elsewhere(self) -> None:
        """The answer must come from the place that it proves."""
        self.heard(AWAY)
        challenge = self.path.challenge
        self.assertTrue(self.heard(THIRD, response=challenge))
        self.assertEqual((self.path.current, self.path.is_unproved), (THIRD, True))
        self.assertNotEqual(self.path.challenge, challenge)

    def test_back_home(self) -> None:
        """The place that was proved before needs no proof."""
        self.heard(AWAY)
        self.assertFalse(self.heard(HOME))
        self.assertEqual((self.path.current, self.path.is_unproved), (HOME, False))

    def test_asks_again(self) -> None:
        """The question is asked four times; then the old place holds again."""
        self.heard(AWAY)
        now, asked = 5.0, 1
        self.path.asked(0.2, now)
        while self.path.deadline is not None:
            self.assertFalse(self.path.handle_timeout(self.path.deadline - 0.001))
            now = self.path.deadline
            if self.path.handle_timeout(now):
                self.path.asked(0.2, now)
                asked += 1
        self.assertEqual((asked, self.path.current), (4, HOME))
        self.assertAlmostEqual(now, 5.0 + 4 * 0.4)

    def test_patience(self) -> None:
        """An answer has two round trips, at least a tenth and at most a second."""
        self.heard(AWAY)
        for rtt, wait in ((0.0, 0.1), (0.01, 0.1), (0.3, 0.6), (5.0, 1.0)):
            self.path.asked(rtt, 7.0)
            self.assertAlmostEqual(self.path.deadline or 0.0, 7.0 + wait)

    @given(st.lists(st.integers(1, 1500), max_size=20), st.integers(1, 1500))
    def test_credit(self, further: list[int], first: int) -> None:
        """To a place that is not proved go three bytes for each that came, at most."""
        path = Path(HOME, Random(2).randbytes)
        path.heard(AWAY, first, is_newest=True, response=b"")
        for size in further:
            path.heard(AWAY, size, is_newest=False, response=b"")
        self.assertEqual(path.credit, 3 * (first + sum(further)))
        path.charge(500)
        self.assertEqual(path.credit, 3 * (first + sum(further)) - 500)

    def test_afford(self) -> None:
        """Of last words those go that may, the last of them first."""
        packets = [b"a" * 200, b"b" * 100, b"c" * 150]
        self.assertEqual(self.path.afford(packets), packets)
        self.heard(AWAY, 100)
        self.assertEqual(self.path.afford(packets), packets[1:])
        self.path.charge(200)
        self.assertEqual(self.path.afford(packets), [])
        self.path.move(AWAY)
        self.assertEqual(self.path.afford(packets), packets)

    def test_fixed(self) -> None:
        """Without randomness, as on streams and for clients, the path never changes."""
        path = Path("here")
        self.assertFalse(path.heard("there", 9, is_newest=True, response=b""))
        self.assertEqual(path.current, "here")

    def test_handshake_moves(self) -> None:
        """A handshake is a proof: another link is believed at once."""
        self.heard(AWAY)
        self.path.move(THIRD)
        self.assertEqual((self.path.current, self.path.is_unproved), (THIRD, False))
        self.assertIsNone(self.path.deadline)
