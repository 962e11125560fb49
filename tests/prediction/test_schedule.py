# SPDX-License-Identifier: MIT
"""Tests of calls that wait for a tick."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.prediction import Schedule


class ScheduleTests(SynchronousTestCase):
    """Calls are due at their tick, once, in a stable order."""

    @given(st.lists(st.integers(0, 20)), st.lists(st.integers(0, 20)))
    def test_order(self, ticks: list[int], asked: list[int]) -> None:
        """By tick, then as they were scheduled; none is lost or made twice."""
        schedule = Schedule()
        made: list[int] = []
        for number, tick in enumerate(ticks):
            schedule.at(tick, made.append, number)
        expected: list[int] = []
        for until in [*sorted(asked), 20]:
            for call in schedule.due(until):
                self.assertLessEqual(call.tick, until)
                call()
        expected = sorted(range(len(ticks)), key=lambda n: (ticks[n], n))
        self.assertEqual(made, expected)
        self.assertEqual(len(schedule), 0)

    def test_cancel(self) -> None:
        """What was cancelled is not made."""
        schedule = Schedule()
        made: list[str] = []
        first = schedule.at(5, made.append, "first")
        schedule.at(5, made.append, "second")
        first.cancel()
        self.assertEqual(len(schedule), 1)
        for call in schedule.due(9):
            call()
        self.assertEqual(made, ["second"])

    def test_cancel_in_its_tick(self) -> None:
        """What a call cancels that is due in the same tick is not made."""
        schedule = Schedule()
        made: list[str] = []

        def cancel() -> None:
            second.cancel()

        schedule.at(5, cancel)
        second = schedule.at(5, made.append, "second")
        schedule.at(5, made.append, "third")
        for call in schedule.due(5):
            call()
        self.assertEqual(made, ["third"])

    def test_again(self) -> None:
        """A call that schedules itself for its own tick does not hold the tick up."""
        schedule = Schedule()

        def again() -> None:
            schedule.at(5, again)

        again()
        for _ in range(3):
            (call,) = schedule.due(5)
            call()

    def test_bounded(self) -> None:
        """Too many are refused; cancelled ones make room."""
        schedule = Schedule()
        calls = [schedule.at(n, print) for n in range(65_536)]
        error = self.assertRaises(LocalProtocolError, schedule.at, 1, print)
        self.assertIn("65536", str(error))
        calls[7].cancel()
        schedule.at(1, print)
        self.assertEqual(len(schedule), 65_536)
