# SPDX-License-Identifier: MIT
"""Tests of what is remembered of a client."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.ids import MessageId
from gamenet.replication import Part, Viewer
from gamenet.replication.viewer import MAX_FLIGHTS

CAPACITY = 6


def part(tick: int, **levels: int) -> Part:
    """Return a part that tells rows: r3=1 is row 3, as everybody may see it."""
    rows = np.array([int(name[1:]) for name in levels], np.intp)
    values = np.array(list(levels.values()), np.uint8)
    ages = np.zeros(len(rows), np.int64)
    return Part(b"", tick, rows, values, ages, has_gone=bool((values == 0).any()))


class ViewerTests(SynchronousTestCase):
    """The server knows what a client holds, and what it may hold."""

    def setUp(self) -> None:
        self.viewer = Viewer(7, CAPACITY)

    def send(self, number: int, tick: int, **levels: int) -> None:
        """Send a part."""
        self.viewer.sent(part(tick, **levels), MessageId(number))

    def row(self, row: int) -> tuple[Any, ...]:
        """Return what is known of a row."""
        viewer = self.viewer
        numbers = [viewer.base[row], viewer.base_level[row], viewer.told[row]]
        return (*map(int, numbers), bool(viewer.held[row]))

    def test_sent_and_acknowledged(self) -> None:
        """What was sent may be there; what was acknowledged is."""
        self.send(1, 5, r2=1, r3=3)
        self.assertEqual(self.row(3), (0, 0, 5, True))
        self.assertEqual(self.viewer.n_flights, 1)
        self.viewer.acknowledge(MessageId(1))
        self.assertEqual(self.row(3), (5, 3, 5, True))
        self.assertEqual(self.row(4), (0, 0, 0, False))
        self.assertEqual((self.viewer.acked, self.viewer.n_flights), (5, 0))

    def test_late_receipts(self) -> None:
        """A receipt of an older tick than one before takes nothing back."""
        self.send(1, 5, r1=1, r2=1)
        self.send(2, 6, r2=3)
        self.viewer.acknowledge(MessageId(2))
        self.viewer.acknowledge(MessageId(1))
        self.assertEqual(self.row(1), (5, 1, 5, True))
        self.assertEqual(self.row(2), (6, 3, 6, True))
        self.assertEqual(self.viewer.acked, 6)

    def test_lost(self) -> None:
        """What was lost is due again, unless it was told anew since."""
        self.send(1, 5, r1=1, r2=1)
        self.viewer.acknowledge(MessageId(1))
        self.send(2, 6, r1=1, r2=1)
        self.send(3, 7, r2=1)
        self.viewer.has_backlog = False
        self.viewer.lose(MessageId(2))
        self.assertEqual(self.row(1), (5, 1, 5, True))
        self.assertEqual(self.row(2), (5, 1, 7, True))
        self.assertTrue(self.viewer.has_backlog)
        self.assertEqual(self.viewer.n_lost, 1)

    def test_receipt_after_loss(self) -> None:
        """What was reported lost is not known to be there, whatever comes later."""
        self.send(1, 5, r1=1)
        self.viewer.lose(MessageId(1))
        self.assertIsNone(self.viewer.acknowledge(MessageId(1)))
        self.assertEqual(self.row(1), (0, 0, 0, True))
        self.assertEqual(self.viewer.acked, 0)

    def test_gone(self) -> None:
        """What is gone is not held once that is acknowledged, unless told again."""
        self.send(1, 5, r1=1, r2=1)
        self.send(2, 6, r1=0, r2=0)
        self.send(3, 7, r2=1)
        self.viewer.acknowledge(MessageId(2))
        self.assertEqual(self.row(1), (6, 0, 6, False))
        self.assertEqual(self.row(2), (6, 0, 7, True))

    def test_nonsense(self) -> None:
        """Receipts of messages that were never sent say nothing."""
        self.send(1, 5, r1=1)
        for number in (0, 2, 2**64):
            self.assertIsNone(self.viewer.acknowledge(MessageId(number)))
            self.assertIsNone(self.viewer.lose(MessageId(number)))
        self.assertEqual(self.row(1), (0, 0, 5, True))
        self.assertEqual((self.viewer.n_lost, self.viewer.n_flights), (0, 1))

    def test_settled(self) -> None:
        """On a link that loses nothing, what is sent is there."""
        told = part(5, r1=1)
        self.viewer.sent(told, MessageId(1))
        self.viewer.settle(told)
        self.assertEqual(self.row(1), (5, 1, 5, True))

    def test_flights_are_bounded(self) -> None:
        """Of a client that never answers the oldest messages count as lost."""
        for number in range(MAX_FLIGHTS + 10):
            self.send(number, 5 + number, r1=1, r2=1)
        self.assertEqual(self.viewer.n_flights, MAX_FLIGHTS)
        self.assertEqual(self.viewer.n_lost, 10)
        self.assertIsNone(self.viewer.acknowledge(MessageId(9)))
        self.assertIsNotNone(self.viewer.acknowledge(MessageId(10)))

    def test_reset(self) -> None:
        """All is told anew, and receipts of what went before say nothing."""
        self.send(1, 5, r1=1, r2=1)
        self.viewer.acknowledge(MessageId(1))
        self.send(2, 6, r1=1)
        self.viewer.has_backlog = False
        self.viewer.reset()
        self.assertIsNone(self.viewer.acknowledge(MessageId(2)))
        self.assertEqual(self.row(1), (0, 0, 0, True))
        self.assertEqual((self.viewer.acked, self.viewer.n_flights), (0, 0))
        self.assertTrue(self.viewer.has_backlog)

    def test_insist(self) -> None:
        """What is insisted on is due with every snapshot until it is acknowledged."""
        changed_at = np.full(CAPACITY, 5, np.uint32)
        self.viewer.insist(np.array([1, 2]))
        self.send(1, 5, r1=1, r2=1)
        self.viewer.has_backlog = False
        self.viewer.repeat_insisted(changed_at)
        self.assertEqual((self.row(1)[2], self.row(2)[2]), (0, 0))
        self.assertTrue(self.viewer.has_backlog)
        self.send(2, 6, r1=1, r2=1)
        self.viewer.acknowledge(MessageId(1))
        self.viewer.has_backlog = False
        self.viewer.repeat_insisted(changed_at)
        self.assertEqual(self.row(1)[2], 6)
        self.assertFalse(self.viewer.has_backlog)

    def test_forget(self) -> None:
        """Some rows are told anew; the others stay as they are."""
        self.send(1, 5, r1=1, r2=1)
        self.viewer.acknowledge(MessageId(1))
        self.viewer.has_backlog = False
        self.viewer.forget(np.array([2]))
        self.assertEqual(self.row(1), (5, 1, 5, True))
        self.assertEqual(self.row(2), (0, 0, 0, True))
        self.assertTrue(self.viewer.has_backlog)

    def test_reset_after_end(self) -> None:
        """The end of a row is told again: its message may have come too late."""
        self.send(1, 5, r1=1, r2=1)
        self.send(2, 6, r1=0)
        self.viewer.acknowledge(MessageId(2))
        self.assertFalse(self.viewer.held[1])
        self.viewer.reset()
        self.assertTrue(self.viewer.held[1])
        self.assertFalse(self.viewer.held[3])

    def test_see(self) -> None:
        """Rows whose level changed are looked at again."""
        self.viewer.has_backlog = False
        self.viewer.see(np.array([2, 3]), 9)
        self.assertEqual(self.viewer.touched.tolist(), [0, 0, 9, 9, 0, 0])
        self.assertTrue(self.viewer.has_backlog)
        self.assertTrue(self.viewer.has_touched)

    def test_see_nothing(self) -> None:
        """That nothing is seen is seen, too: levels count from then on."""
        self.viewer.see(np.empty(0, np.intp), 9)
        self.assertTrue(self.viewer.has_touched)


class LastToldTests(SynchronousTestCase):
    """The tick is known at which the client was last told of a row."""

    def setUp(self) -> None:
        self.viewer = Viewer(7, CAPACITY)
        self.viewer.sent(part(5, r1=1), MessageId(1))

    def last(self) -> int:
        """Return the tick for row 1."""
        return int(self.viewer.last_told(np.array([1]))[0])

    def test_told(self) -> None:
        """It is that of the last message."""
        self.assertEqual(self.last(), 5)

    def test_lost(self) -> None:
        """A message that was lost counts where nothing else can be there."""
        self.viewer.lose(MessageId(1))
        self.assertEqual(self.last(), 5)
        self.viewer.sent(part(6, r1=1), MessageId(2))
        self.viewer.acknowledge(MessageId(2))
        self.viewer.sent(part(7, r1=1), MessageId(3))
        self.viewer.lose(MessageId(3))
        self.assertEqual(self.last(), 6)

    def test_acknowledged_after_loss(self) -> None:
        """What is acknowledged was told, though a later message was lost."""
        self.viewer.sent(part(6, r1=1), MessageId(2))
        self.viewer.lose(MessageId(2))
        self.viewer.acknowledge(MessageId(1))
        self.assertEqual(self.last(), 5)

    def test_reset(self) -> None:
        """It is not forgotten with the rest."""
        self.viewer.reset()
        self.assertEqual(self.last(), 5)
