# SPDX-License-Identifier: MIT
"""Tests of waiting once for what ticks bring."""

from __future__ import annotations

from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred, inlineCallbacks
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason, ConnectError, LocalProtocolError
from gamenet.game.waiting import MAX_WAITS, Waiting, first_entity
from gamenet.testing import Clock
from gamenet.world import World
from tests.game.games import Marker, Place

GONE = ConnectError("the player has left", CloseReason.NORMAL)


class WaitingTests(SynchronousTestCase):
    """Every wait ends once, and leaves nothing behind."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.waiting = Waiting(self.clock)
        self.tick = 0

    def tearDown(self) -> None:
        """Nothing is left that could still fire."""
        self.assertEqual(len(self.waiting), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def reached(self, tick: int) -> int | None:
        """Hold once so many ticks were made."""
        return self.tick if self.tick >= tick else None

    def until(self, tick: int, timeout: float | None = None) -> Deferred[int]:
        """Wait for a tick."""
        return self.waiting.wait(lambda: self.reached(tick), f"tick {tick}", timeout)

    def advance(self, n_ticks: int = 1) -> None:
        """Make ticks."""
        for _ in range(n_ticks):
            self.tick += 1
            self.waiting.check()

    def test_fires(self) -> None:
        """A wait gives what its condition gives, as soon as that holds."""
        second, first = self.until(2), self.until(1)
        self.advance()
        self.assertEqual(self.successResultOf(first), 1)
        self.assertNoResult(second)
        self.advance()
        self.assertEqual(self.successResultOf(second), 2)
        self.advance()

    def test_at_once(self) -> None:
        """What holds already is not waited for, not even with a timeout."""
        self.assertEqual(self.successResultOf(self.until(0, timeout=1)), 0)

    def test_values_that_are_false(self) -> None:
        """Only None means not yet."""
        for value in (0, False, "", []):
            found = self.waiting.wait(lambda value=value: value, "it")
            self.assertEqual(self.successResultOf(found), value)

    def test_cancel(self) -> None:
        """A wait that is cancelled is asked no more, and its timeout is gone."""
        waits = [self.until(1), self.until(1, timeout=5)]
        for each in waits:
            each.cancel()
            self.failureResultOf(each, CancelledError)
        self.assertEqual(len(self.waiting), 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.advance()

    def test_timeout(self) -> None:
        """When time is up a wait fails, and says what did not happen."""
        early, late = self.until(1, timeout=0.5), self.until(1, timeout=2)
        self.clock.advance(0.5)
        failure = self.failureResultOf(early, defer.TimeoutError)
        self.assertIn("tick 1: it did not happen within 0.5 s", str(failure.value))
        self.advance()
        self.assertEqual(self.successResultOf(late), 1)

    def test_no_time_at_all(self) -> None:
        """With a timeout of 0 it has to hold at once, or before the reactor turns."""
        found = self.until(1, timeout=0)
        self.clock.advance(0)
        self.failureResultOf(found, defer.TimeoutError)

    def test_timeouts_refused(self) -> None:
        """A timeout that is no number of seconds is the author's mistake."""
        for timeout in (-1, float("nan"), float("inf")):
            with self.assertRaisesRegex(LocalProtocolError, "tick 1: timeout = "):
                self.until(1, timeout)

    def test_end(self) -> None:
        """When the player is gone, all who wait and all who would are told."""
        waits = [self.until(1), self.until(2, timeout=9)]
        self.waiting.end(GONE)
        waits += [self.until(0), self.until(3, timeout=9)]
        self.waiting.end(LocalProtocolError("too late to say so"))
        for each in waits:
            self.assertIs(self.failureResultOf(each, ConnectError).value, GONE)
        self.advance()

    def test_condition_raises(self) -> None:
        """What a condition raises is for who waits, and for nobody else."""

        def breaks() -> None:
            if self.tick:
                raise ZeroDivisionError

        broken, fine = self.waiting.wait(breaks, "it"), self.until(1)
        self.advance()
        self.failureResultOf(broken, ZeroDivisionError)
        self.assertEqual(self.successResultOf(fine), 1)
        self.assertRaises(ZeroDivisionError, self.waiting.wait, breaks, "it")

    def test_callback_raises(self) -> None:
        """What a callback raises stays in its own Deferred."""
        first, second = self.until(1), self.until(1)
        first.addCallback(lambda _: 1 / 0)
        self.advance()
        self.failureResultOf(first, ZeroDivisionError)
        self.assertEqual(self.successResultOf(second), 1)

    def test_waits_again(self) -> None:
        """A callback may wait again, for now or for later."""
        seen: list[int] = []

        @inlineCallbacks
        def follow():
            for tick in (1, 1, 2, 5):
                reached = yield self.until(tick, timeout=100)
                seen.append(reached)

        done = follow()
        self.advance()
        self.assertEqual((seen, len(self.waiting)), ([1, 1], 1))
        self.advance(4)
        self.assertEqual(seen, [1, 1, 2, 5])
        self.successResultOf(done)

    def test_cancels_another(self) -> None:
        """A callback may cancel a wait that was to be asked next."""
        first, second = self.until(1), self.until(1)
        first.addCallback(lambda _: second.cancel())
        self.advance()
        self.successResultOf(first)
        self.failureResultOf(second, CancelledError)

    def test_checks_within(self) -> None:
        """A callback may have everything asked again; each fires once."""
        waits = [self.until(1) for _ in range(5)]
        for each in waits:
            each.addCallback(lambda tick: self.waiting.check() or tick)
        self.advance()
        self.assertEqual([self.successResultOf(each) for each in waits], [1] * 5)

    def test_ends_within(self) -> None:
        """A callback may end all, and an errback may cancel and wait."""
        first, second, third = self.until(1), self.until(1), self.until(1)
        first.addCallback(lambda _: self.waiting.end(GONE))
        again: list[Deferred[int]] = []

        def give_up(failure):
            third.cancel()
            again.append(self.until(1))
            return failure

        second.addErrback(give_up)
        self.advance()
        self.successResultOf(first)
        self.failureResultOf(second, ConnectError)
        self.failureResultOf(third, CancelledError)
        self.failureResultOf(again[0], ConnectError)

    def test_condition_ends_its_own_wait(self) -> None:
        """A condition that cancels its own wait, and then holds, fires nothing."""
        waits: list[Deferred[int]] = []

        def gives_up() -> int | None:
            for each in waits:
                each.cancel()
            return self.tick or None

        waits.append(self.waiting.wait(gives_up, "it"))
        self.advance()
        self.failureResultOf(waits[0], CancelledError)

    def test_condition_ends_all(self) -> None:
        """A condition that ends all, its own wait too, leaves no wait behind."""
        found = self.waiting.wait(lambda: self.waiting.end(GONE), "it", timeout=1)
        self.failureResultOf(found, ConnectError)

    def test_many(self) -> None:
        """Very many may wait at once, but not any number."""
        waits = [self.until(i + 1, timeout=60) for i in range(MAX_WAITS)]
        with self.assertRaisesRegex(LocalProtocolError, "1024 waits at once"):
            self.until(9)
        self.assertEqual(self.successResultOf(self.until(0)), 0)
        self.advance(MAX_WAITS)
        found = [self.successResultOf(each) for each in waits]
        self.assertEqual(found, list(range(1, MAX_WAITS + 1)))

    def test_limit(self) -> None:
        """The limit can be chosen; what ends makes room."""
        self.waiting = Waiting(self.clock, limit=1)
        first = self.until(1)
        self.assertRaises(LocalProtocolError, self.until, 1)
        first.cancel()
        self.failureResultOf(first, CancelledError)
        second = self.until(1)
        self.advance()
        self.successResultOf(second)


class FirstEntityTests(SynchronousTestCase):
    """An entity with a component is waited for by looking at the world."""

    def test_appears(self) -> None:
        """The wait gives the entity, at once if it is there."""
        clock, world = Clock(), World([Place, Marker], 8)
        waiting = Waiting(clock)
        found = waiting.wait(lambda: first_entity(world, Marker), "Marker", 5)
        world.spawn(Place())
        waiting.check()
        self.assertNoResult(found)
        marker = world.spawn(Marker())
        world.spawn(Marker())
        waiting.check()
        self.assertEqual(self.successResultOf(found), marker)
        again = waiting.wait(lambda: first_entity(world, Marker), "Marker")
        self.assertEqual(self.successResultOf(again), marker)
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_no_world(self) -> None:
        """Before the match is joined nothing is there."""
        self.assertIsNone(first_entity(None, Marker))

    def test_no_such_component(self) -> None:
        """A component that the world has not will never come: that is an error."""
        with self.assertRaises(LocalProtocolError):
            first_entity(World([Place], 8), Marker)
