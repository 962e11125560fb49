# SPDX-License-Identifier: MIT
"""Tests of making ticks, of going back, and of checkpoints."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.prediction import ChangeKind, InputCodec
from gamenet.prediction.checkpoints import Checkpoint, Checkpoints
from gamenet.prediction.rollback_line import KnownInputs
from gamenet.prediction.rollback_roster import Roster, known_inputs
from gamenet.prediction.timeline import Timeline
from tests.prediction.rollback_net import Bodies, Fire, Stick

CODEC = InputCodec([Stick, Fire])


def known(*items) -> KnownInputs:
    """Return inputs as they are kept."""
    return KnownInputs(CODEC.part(items), items)


class TimelineTests(SynchronousTestCase):
    """Ticks made again are like those made once."""

    def setUp(self) -> None:
        self.roster, self.rules, self.told = Roster(CODEC), Bodies(), []
        self.timeline = self.make(self.rules, self.told)
        self.roster.change(1, 4, ChangeKind.JOINS, b"ada")
        self.line = self.roster.lines[4]

    def make(self, rules: Bodies, told: list) -> Timeline:
        timeline = Timeline(
            rules, self.roster, lambda player, last: known(*last), 5, told.append
        )
        timeline.begin(0)
        return timeline

    def arrive(self, *items) -> None:
        """Let the inputs of the next tick come."""
        inputs = known(*items)
        self.timeline.arrived(4, self.line.add(inputs), inputs.part)

    def test_right_guess(self) -> None:
        """A guess that was right costs nothing."""
        self.arrive(Stick(5))
        for _ in range(5):
            self.timeline.advance()
        for _ in range(4):
            self.arrive(Stick(5))
        self.assertFalse(self.timeline.is_wrong)
        self.timeline.correct()
        self.assertEqual((self.timeline.n_remade, self.timeline.n_predicted), (0, 4))

    def test_wrong_guess(self) -> None:
        """After a correction the state is that of the straight run, bit for bit."""
        self.arrive(Stick(5))
        for _ in range(10):
            self.timeline.advance()
        for n in range(9):
            self.arrive(Stick(n * 7), Fire(3))
        self.assertTrue(self.timeline.is_wrong)
        self.timeline.correct()
        self.assertEqual((self.timeline.n_rollbacks, self.timeline.n_remade), (1, 9))
        straight = self.make(Bodies(), [])
        for _ in range(10):
            straight.advance()
        self.assertEqual(straight.n_predicted, 0)
        sums = [
            self.rules.checksum(each.state(tick))
            for tick in range(11)
            for each in (self.timeline, straight)
        ]
        self.assertEqual(sums[::2], sums[1::2])

    def test_confirm(self) -> None:
        """What is confirmed cannot be gone back to; its checkpoints are kept."""
        for n in range(12):
            self.arrive(Stick(n))
            self.timeline.advance()
        self.timeline.confirm(11)
        self.assertEqual((self.timeline.confirmed, self.timeline.n_states), (11, 2))
        checkpoints = self.timeline.checkpoints
        self.assertEqual([each.tick for each in checkpoints.after(0)], [5, 10])
        kept = checkpoints.at(5)
        self.assertEqual(self.rules.checksum(kept.saved), kept.checksum)
        self.timeline.confirm(100)
        self.assertEqual(self.timeline.confirmed, 12)


class CheckpointsTests(SynchronousTestCase):
    """The last are kept."""

    def test_bounded(self) -> None:
        """There are a few at least, for long enough, and no more."""
        for every, limit in ((1, 65), (10, 7), (100, 4)):
            checkpoints = Checkpoints(every)
            over = [
                checkpoints.add(Checkpoint(tick, tick, None))
                for tick in range(every, every * 200, every)
                if checkpoints.is_due(tick)
            ]
            self.assertEqual(len(checkpoints), limit)
            self.assertEqual(over.count(None), limit)
            self.assertTrue(checkpoints.is_over(every))
            self.assertFalse(checkpoints.is_over(every * 199))
            self.assertFalse(checkpoints.is_over(every * 500))


class RosterTests(SynchronousTestCase):
    """Who plays is the same everywhere."""

    def setUp(self) -> None:
        self.roster = Roster(CODEC)

    def test_order(self) -> None:
        """Changes that make no sense are refused, on either side."""
        change = self.roster.change
        change(5, 1, ChangeKind.JOINS, b"ada")
        for tick, player, kind in (
            (9, 1, ChangeKind.JOINS),
            (9, 2, ChangeKind.LEAVES),
            (9, 1, ChangeKind.IS_BACK),
            (4, 1, ChangeKind.LEAVES),
        ):
            self.assertRaises(LocalProtocolError, change, tick, player, kind)
        other = Roster(CODEC)
        other.take(self.roster.changes[0])
        self.assertRaises(RemoteProtocolError, other.take, self.roster.changes[0])
        change(9, 1, ChangeKind.LEAVES, b"\7")
        self.assertRaises(LocalProtocolError, change, 9, 1, ChangeKind.LEAVES)
        self.assertFalse(self.roster.may_come(1))

    def test_bytes(self) -> None:
        """A roster of a confirmed tick comes out as it went in."""
        change = self.roster.change
        for player, name in ((1, b"ada"), (2, b"bob"), (3, b"eve")):
            change(5, player, ChangeKind.JOINS, name)
        for number in range(20):
            for line in self.roster.lines.values():
                line.add(known(Stick(number)))
        change(22, 2, ChangeKind.IS_AWAY)
        change(30, 3, ChangeKind.LEAVES, b"\7")
        other = Roster(CODEC)
        tick, rest = other.take_bytes(self.roster.to_bytes(20) + b"more")
        self.assertEqual((tick, rest, other.n_changes), (20, b"more", 5))
        for player, line in self.roster.lines.items():
            copy = other.lines[player]
            self.assertEqual(
                (copy.about, copy.first, copy.gone_from, copy.reason, copy.away),
                (line.about, line.first, line.gone_from, line.reason, line.away),
            )
            self.assertEqual(copy.newest, 20)
            self.assertEqual(copy.newest_before(21), line.known(20))

    def test_hostile_bytes(self) -> None:
        """What is cut off, or makes no sense, is refused."""
        self.roster.change(5, 1, ChangeKind.JOINS, b"ada")
        good = self.roster.to_bytes(9)
        for n in range(len(good)):
            self.assertRaises(RemoteProtocolError, Roster(CODEC).take_bytes, good[:n])
        twice = good[:8] + b"\2" + good[9:] + good[9:]
        self.assertRaises(RemoteProtocolError, Roster(CODEC).take_bytes, twice)
        self.roster.lines[1].gone_from = 12
        gone = self.roster.to_bytes(9)
        late = (20).to_bytes(4, "little") + gone[4:]
        self.assertRaises(RemoteProtocolError, Roster(CODEC).take_bytes, late)

    def test_one_form(self) -> None:
        """The same inputs are always the same bytes: others are refused."""
        part = CODEC.part((Stick(4), Fire(2)))
        self.assertEqual(known_inputs(CODEC, part), known(Stick(4), Fire(2)))
        for bad in (b"", b"\0" + part[1:], part + b"\0", part[:-1], b"\1\5\0"):
            self.assertRaises(RemoteProtocolError, known_inputs, CODEC, bad)
