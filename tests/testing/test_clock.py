# SPDX-License-Identifier: MIT
"""Tests of the clock that stands still."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.base import DelayedCall
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from gamenet.testing import Clock


class ClockTests(SynchronousTestCase):
    """Every call is made at its own moment, in order."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.made: list[tuple[object, float]] = []

    def note(self, name: object) -> None:
        """Note that a call was made, and when."""
        self.made.append((name, self.clock.seconds()))

    def test_interface(self) -> None:
        """It is a reactor's time."""
        verifyObject(IReactorTime, self.clock)

    def test_own_moment(self) -> None:
        """A call sees the moment for which it was made, not the end of the step."""
        for delay in (0.5, 0.1, 0.3):
            self.clock.callLater(delay, self.note, delay)
        self.clock.advance(0.4)
        self.assertEqual(self.made, [(0.1, 0.1), (0.3, 0.3)])
        self.assertEqual(self.clock.seconds(), 0.4)
        self.clock.advance(0.1)
        self.assertEqual(self.made[2:], [(0.5, 0.5)])

    def test_same_moment(self) -> None:
        """Calls for one moment are made in the order of their making."""
        for name in "abc":
            self.clock.callLater(1, self.note, name)
        self.clock.advance(1)
        self.assertEqual([name for name, _ in self.made], ["a", "b", "c"])

    def test_calls_of_calls(self) -> None:
        """What a call arranges within the step is made within the step, in time."""

        def again() -> None:
            self.note("again")
            self.clock.callLater(0.25, again)

        self.clock.callLater(0.25, again)
        self.clock.advance(1.0)
        self.assertEqual([moment for _, moment in self.made], [0.25, 0.5, 0.75, 1.0])
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_cancelled_and_reset(self) -> None:
        """Calls can be cancelled, put off and called earlier, as on a reactor."""
        gone = self.clock.callLater(1, self.note, "gone")
        late = self.clock.callLater(1, self.note, "late")
        early = self.clock.callLater(5, self.note, "early")
        gone.cancel()
        late.delay(1)
        early.reset(0.5)
        self.clock.advance(3)
        self.assertEqual(self.made, [("early", 0.5), ("late", 2.0)])
        self.assertRaises(AlreadyCancelled, gone.cancel)
        self.assertRaises(AlreadyCalled, late.cancel)
        self.assertFalse(late.active())

    def test_cancelled_by_another(self) -> None:
        """A call may cancel one that is due at the same moment."""
        victims: list[DelayedCall] = []

        def cancel() -> None:
            victims[0].cancel()

        self.clock.callLater(1, cancel)
        victims.append(self.clock.callLater(1, self.note, "victim"))
        self.clock.advance(2)
        self.assertEqual(self.made, [])

    def test_raises(self) -> None:
        """What a call raises reaches the test, and the other calls are still there."""
        self.clock.callLater(1, lambda: 1 / 0)
        self.clock.callLater(1, self.note, "other")
        self.assertRaises(ZeroDivisionError, self.clock.advance, 2)
        self.clock.advance(1)
        self.assertEqual([name for name, _ in self.made], ["other"])

    def test_looping_call(self) -> None:
        """Twisted's own loops run on it."""
        loop = LoopingCall(self.note, "loop")
        loop.clock = self.clock
        loop.start(0.5)
        self.clock.advance(2)
        loop.stop()
        moments = [moment for _, moment in self.made]
        self.assertEqual(moments, [0.0, 0.5, 1.0, 1.5, 2.0])

    @given(st.lists(st.floats(0, 10)), st.lists(st.floats(0, 3)))
    def test_steps_make_no_difference(
        self, delays: list[float], steps: list[float]
    ) -> None:
        """However time is cut into steps, the same calls see the same moments."""
        runs = []
        for cuts in ([11.0], [*steps, 11.0]):
            self.clock, self.made = Clock(), []
            for number, delay in enumerate(delays):
                self.clock.callLater(delay, self.note, number)
            for step in cuts:
                self.clock.advance(step)
            runs.append(self.made)
        self.assertEqual(runs[0], runs[1])
        self.assertEqual([moment for _, moment in runs[0]], sorted(delays))
