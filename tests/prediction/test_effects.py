# SPDX-License-Identifier: MIT
"""Tests of the ledger of effects: each is played once."""

from __future__ import annotations

from collections import Counter
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.prediction import EffectLedger
from gamenet.wire import Schema, uint8


class Shot(Schema):
    """Something that happens."""

    power: int = uint8()


class Bang(Schema):
    """Something else."""


class EffectTests(SynchronousTestCase):
    """One event is played once, by whichever way it is known first."""

    def setUp(self) -> None:
        self.ledger = EffectLedger()

    def replay(self, after: int, *made: tuple[int, Schema, int]) -> list[bool]:
        """Compute ticks again in which these are made; return which to play."""
        self.ledger.begin_replay(after)
        played = [self.ledger.make(*each) for each in made]
        self.cancelled = self.ledger.end_replay()
        return played

    def test_made_then_heard(self) -> None:
        """What we made is not played again when the server says it."""
        self.assertTrue(self.ledger.make(5, Shot(), 1))
        self.assertFalse(self.ledger.heard(5, Shot(power=3), 1))

    def test_heard_then_made(self) -> None:
        """What the server said is not played again when we make it."""
        self.assertTrue(self.ledger.heard(5, Shot(), 1))
        self.assertFalse(self.ledger.make(5, Shot(), 1))

    def test_not_made(self) -> None:
        """What we had not made is played when the server says it."""
        self.ledger.make(5, Shot(), 1)
        for tick, event, row in ((6, Shot(), 1), (5, Bang(), 1), (5, Shot(), 2)):
            self.assertTrue(self.ledger.heard(tick, event, row))
        self.assertTrue(self.ledger.heard(5, Shot(), None))

    def test_dropped(self) -> None:
        """What a row made after its end is taken back, unless the server told it."""
        for tick in (4, 5, 6, 7):
            self.ledger.make(tick, Shot(tick), 1)
            self.ledger.make(tick, Bang(), 2)
        self.ledger.heard(6, Shot(6), 1)
        dropped = self.ledger.drop([1], 4)
        self.assertEqual([tick for _, tick in dropped], [5, 7])
        self.assertEqual(self.ledger.n_events, 6)
        self.assertTrue(self.ledger.heard(7, Shot(7), 1))
        self.assertFalse(self.ledger.heard(4, Shot(4), 1))
        self.assertEqual(self.ledger.drop([], 0), [])

    def test_twice_in_a_tick(self) -> None:
        """Two of a class by one row in one tick are two."""
        self.assertTrue(self.ledger.make(5, Shot(), 1))
        self.assertTrue(self.ledger.make(5, Shot(), 1))
        for expected in (False, False, True):
            self.assertEqual(self.ledger.heard(5, Shot(), 1), expected)

    def test_kept(self) -> None:
        """What replay makes again goes on; no word of it."""
        self.ledger.make(5, Shot(), 1)
        self.assertEqual(self.replay(4, (5, Shot(), 1)), [False])
        self.assertEqual(self.cancelled, [])
        self.assertFalse(self.ledger.heard(5, Shot(), 1))

    def test_cancelled(self) -> None:
        """What replay does not make again is named, once, and can be heard later."""
        shot = Shot(power=9)
        self.ledger.make(5, shot, 1)
        self.ledger.make(5, Bang(), 1)
        self.assertEqual(self.replay(4, (5, Bang(), 1)), [False])
        ((event, tick),) = self.cancelled
        self.assertIs(event, shot)
        self.assertEqual(tick, 5)
        self.replay(4, (5, Bang(), 1))
        self.assertEqual(self.cancelled, [])
        self.assertTrue(self.ledger.heard(5, Shot(), 1))

    def test_one_of_two(self) -> None:
        """Of two in a tick the last is cancelled when replay makes but one."""
        self.ledger.make(5, Shot(power=1), 1)
        self.ledger.make(5, Shot(power=2), 1)
        self.assertEqual(self.replay(4, (5, Shot(), 1)), [False])
        self.assertEqual([event.power for event, _ in self.cancelled], [2])  # type: ignore[attr-defined]

    def test_new_in_replay(self) -> None:
        """What only replay makes is played, late."""
        self.assertEqual(self.replay(4, (5, Shot(), 1)), [True])
        self.assertFalse(self.ledger.heard(5, Shot(), 1))

    def test_before_the_replay(self) -> None:
        """Ticks that are not computed again keep what they made."""
        self.ledger.make(4, Shot(), 1)
        self.ledger.make(5, Shot(), 1)
        self.replay(4)
        self.assertEqual([tick for _, tick in self.cancelled], [5])
        self.assertFalse(self.ledger.heard(4, Shot(), 1))

    def test_heard_is_not_cancelled(self) -> None:
        """What the server has said happened, whatever replay makes."""
        self.ledger.make(5, Shot(), 1)
        self.ledger.heard(5, Shot(), 1)
        self.ledger.heard(6, Shot(), 1)
        self.replay(4)
        self.assertEqual(self.cancelled, [])
        self.assertEqual(self.ledger.n_cancelled, 0)

    def test_counters(self) -> None:
        """It counts what it decides."""
        self.ledger.make(5, Shot(), 1)
        self.ledger.make(6, Shot(), 1)
        self.replay(4, (5, Shot(), 1))
        ledger = self.ledger
        self.assertEqual((ledger.n_played, ledger.n_kept), (2, 1))
        self.assertEqual((ledger.n_cancelled, ledger.n_events), (1, 1))

    def test_forget(self) -> None:
        """What is forgotten is new again."""
        for tick in range(10):
            self.ledger.make(tick, Shot(), 1)
        self.ledger.forget(6)
        self.assertEqual(self.ledger.n_events, 4)
        self.assertTrue(self.ledger.heard(5, Shot(), 1))
        self.assertFalse(self.ledger.heard(6, Shot(), 1))

    def test_bounded(self) -> None:
        """However much is made, only the newest is remembered."""
        ledger = EffectLedger(limit=10)
        for tick in range(1000):
            for _ in range(3):
                self.assertTrue(ledger.make(tick, Shot(), 1))
            self.assertLessEqual(ledger.n_events, 10)
        self.assertFalse(ledger.heard(998, Shot(), 1))
        for _ in range(100):
            ledger.make(5000, Shot(), 1)
            self.assertLessEqual(ledger.n_events, 10)

    def test_replays_are_not_nested(self) -> None:
        """A replay begins after the one before has ended."""
        self.assertRaises(LocalProtocolError, self.ledger.end_replay)
        self.ledger.begin_replay(3)
        error = self.assertRaises(LocalProtocolError, self.ledger.begin_replay, 4)
        self.assertIn("from tick 3", str(error))
        self.ledger.end_replay()
        self.ledger.begin_replay(4)

    def test_any_order(self) -> None:
        """In any match, what is heard in the end was played, and was played once."""
        for seed in range(60):
            with self.subTest(seed=seed):
                self.check_match(Random(seed))

    def check_match(self, chance: Random) -> None:
        """Play a match in which predictions differ from what happens."""
        ledger, playing = EffectLedger(), Counter[tuple[int, int]]()
        truth = {tick: chance.choice((0, 0, 1, 2)) for tick in range(1, 41)}
        guess = {tick: chance.choice((n, n, n, 0, 1, 3)) for tick, n in truth.items()}
        unheard = [tick for tick, n in truth.items() for _ in range(n)]
        now = 0
        while now < 40 or unheard:
            if now < 40:
                now += 1
                self.compute(ledger, playing, {now: guess[now]})
            if chance.random() < 0.3:
                after = chance.randint(max(0, now - 15), now)
                guess[max(after, 1)] = truth[max(after, 1)]
                ledger.begin_replay(after)
                again = {tick: guess[tick] for tick in range(after + 1, now + 1)}
                self.compute(ledger, playing, again)
                for event, tick in ledger.end_replay():
                    assert isinstance(event, Shot)
                    playing[tick, 0] -= 1
            if unheard and chance.random() < 0.7:
                tick = unheard.pop(chance.randrange(min(len(unheard), 12)))
                playing[tick, 0] += ledger.heard(tick, Shot(), 1)
            self.assertTrue(all(n >= 0 for n in playing.values()))
        # All ticks once more, as they were: what is not true is gone then.
        ledger.begin_replay(0)
        self.compute(ledger, playing, truth)
        for _, tick in ledger.end_replay():
            playing[tick, 0] -= 1
        self.assertEqual({tick: playing[tick, 0] for tick in truth}, truth)

    def compute(
        self,
        ledger: EffectLedger,
        playing: Counter[tuple[int, int]],
        made: dict[int, int],
    ) -> None:
        """Make so many shots in ticks."""
        for tick, n_shots in made.items():
            for _ in range(n_shots):
                playing[tick, 0] += ledger.make(tick, Shot(), 1)
