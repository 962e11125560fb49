# SPDX-License-Identifier: MIT
"""Tests of what is due for a client, and against which ticks."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.replication import HISTORY, Sender
from gamenet.replication.due import MAX_AGE, find_due, is_held
from gamenet.world import EntityId, World
from tests.replication.worlds import (
    EVERYONE,
    OWNER,
    Client,
    Hand,
    Position,
    Stamp,
    client_of,
    state_of,
)

CAPACITY = 8


class DueCase(SynchronousTestCase):
    """A sender with one client."""

    components: tuple[Any, ...] = (Stamp, Position)

    def setUp(self) -> None:
        self.world = World(self.components, CAPACITY)
        self.sender = Sender(self.world, part_size=300)
        self.client = client_of(self.sender, self.world)

    def begin(self, *changed: EntityId, count: int = 1) -> int:
        """Begin so many ticks, the last one with changes."""
        for i in range(count):
            tick = self.sender.mirror.tick + 1
            self.world.tick = tick
            if i == count - 1:
                for entity in changed:
                    self.world[entity, Stamp].tick = tick
            self.sender.begin(tick)
        return self.sender.mirror.tick

    def due(self, client: Client | None = None) -> tuple[list[int], ...]:
        """Return the rows that are due: shared, own and gone."""
        due = find_due(self.sender.mirror, (client or self.client).viewer)
        return due.shared.tolist(), due.own.tolist(), due.gone.tolist()

    def assert_follows(self) -> None:
        """Check that the client has what it may see."""
        self.assertEqual(self.client.wrong_bases(), [])
        expected = state_of(self.world, self.client.viewer.level)
        self.assertEqual(state_of(self.client.world), expected)


class DueTests(DueCase):
    """Rows are due that changed since they were told."""

    def test_new(self) -> None:
        """To a new client everything is told, against nothing."""
        self.world.spawn_rows(3, Stamp())
        self.begin()
        self.assertEqual(self.due(), ([], [0, 1, 2], []))
        (message,) = self.client.exchange()
        self.assertEqual(message.part.ages.tolist(), [0, 0, 0])
        self.assertEqual(self.due(), ([], [], []))

    def test_changed(self) -> None:
        """Then only what changed is due, against what was acknowledged."""
        one, two = (self.world.spawn(Stamp()) for _ in range(2))
        self.begin()
        self.client.exchange()
        self.begin(two)
        self.assertEqual(self.due(), ([1], [], []))
        (message,) = self.client.exchange()
        self.assertEqual(message.part.ages.tolist(), [1])
        self.begin(one)
        self.assertEqual(self.due(), ([0], [], []))

    def test_missed(self) -> None:
        """Who missed a message holds an older state of its rows than of others."""
        one, two = (self.world.spawn(Stamp()) for _ in range(2))
        self.begin()
        self.client.exchange()
        self.begin(one)
        (message,) = self.client.send()
        self.begin(two)
        self.client.viewer.lose(message.id)
        self.client.exchange()
        self.begin(one, two)
        self.client.exchange()
        self.assert_follows()
        self.begin(one)
        (message,) = self.client.send()
        self.begin(two)
        (later,) = self.client.send()
        self.client.deliver(later)
        self.client.acknowledge(later)
        self.begin(one, two)
        self.assertEqual(self.due(), ([1], [0], []))
        (again,) = self.client.exchange()
        self.assertEqual(again.part.ages.tolist(), [1, 3])
        self.assert_follows()

    def test_lost_but_arrives(self) -> None:
        """What was reported lost is told again, and may arrive before or after."""
        entity = self.world.spawn(Stamp())
        self.begin()
        self.client.exchange()
        self.begin(entity)
        (lost,) = self.client.send()
        self.client.viewer.lose(lost.id)
        self.begin()
        self.assertEqual(self.due(), ([0], [], []))
        (again,) = self.client.send()
        self.client.deliver(again)
        self.client.deliver(lost)
        self.client.acknowledge(lost)
        self.client.acknowledge(again)
        self.assert_follows()
        self.begin(entity)
        self.client.exchange()
        self.assert_follows()

    def test_nothing(self) -> None:
        """Of a tick without changes nothing is due, and it can be acknowledged."""
        entity = self.world.spawn(Stamp())
        self.begin()
        self.client.exchange()
        self.begin()
        (empty,) = self.client.exchange()
        self.assertEqual(len(empty.part.payload), 6)
        self.assertEqual(self.client.viewer.acked, 2)
        self.begin(entity)
        (message,) = self.client.exchange()
        self.assertEqual(message.part.ages.tolist(), [1])
        self.assert_follows()

    def test_old_base(self) -> None:
        """A base that is too old is not used: the row is told against nothing."""
        entity = self.world.spawn(Stamp())
        for gap in (MAX_AGE, MAX_AGE + 1, HISTORY, HISTORY + 1, 2 * HISTORY):
            self.begin(entity)
            self.client.exchange()
            self.begin(entity, count=gap)
            (message,) = self.client.exchange()
            expected = gap if gap <= MAX_AGE else 0
            self.assertEqual(message.part.ages.tolist(), [expected], f"gap {gap}")
            self.assert_follows()

    def test_old_row(self) -> None:
        """A row that did not change for long is held as of the newest tick."""
        entity, other = (self.world.spawn(Stamp()) for _ in range(2))
        self.begin()
        self.client.exchange()
        for _ in range(3 * HISTORY):
            self.begin(other)
            self.client.exchange()
        self.begin(entity)
        self.assertEqual(self.due(), ([0], [], []))
        self.client.exchange()
        self.assert_follows()

    def test_never_told(self) -> None:
        """A row that lived and died untold is nothing, and no base of what follows."""
        first = self.world.spawn(Stamp(1))
        self.begin()
        self.client.exchange()
        self.begin()
        self.world.despawn(first)
        self.begin()
        self.client.exchange()
        # An entity that there was no room for, at a tick that was acknowledged.
        late = self.world.spawn(Stamp(5))
        tick = self.begin()
        for message in self.client.send(budget=0):
            self.client.deliver(message)
            self.client.acknowledge(message)
        self.assertEqual(self.client.viewer.acked, tick)
        self.world.despawn(late)
        self.begin()
        kept = self.client.send()
        self.world.spawn(Stamp(6))
        self.begin()
        self.assertEqual(self.due(), ([], [0], []))
        self.client.exchange()
        self.assert_follows()
        self.assertEqual(sum(len(message.part.rows) for message in kept), 0)


class GoneTests(DueCase):
    """What is seen no more is told as gone, to who may hold it."""

    def test_despawned(self) -> None:
        """The end is told until it is acknowledged, then never again."""
        self.world.spawn(Stamp())
        self.begin()
        self.client.exchange()
        self.world.despawn(self.world.id_of(0))
        self.begin()
        self.assertEqual(self.due(), ([], [], [0]))
        (lost,) = self.client.send()
        self.begin()
        self.assertEqual(self.due(), ([], [], []))
        self.client.viewer.lose(lost.id)
        self.assertEqual(self.due(), ([], [], [0]))
        self.client.exchange()
        self.client.look([0], 0)
        self.assertEqual(self.due(), ([], [], []))
        self.assert_follows()

    def test_never_seen(self) -> None:
        """Who never saw it is not told of its end."""
        self.world.spawn(Stamp())
        self.begin()
        self.client.look([0], 0)
        self.assertEqual(self.due(), ([], [], []))
        self.world.despawn(self.world.id_of(0))
        self.begin()
        self.assertEqual(self.due(), ([], [], []))

    def test_nothing_seen(self) -> None:
        """Who sees nothing from the first tick on is told nothing."""
        self.client.viewer.level.fill(0)
        self.world.spawn(Stamp())
        self.begin()
        self.client.look([], 0)
        self.assertEqual(self.due(), ([], [], []))
        self.client.exchange()
        self.assertEqual(len(self.client.world), 0)

    def test_returns(self) -> None:
        """What comes back is told whole; what never quite left, by its difference."""
        self.world.spawn(Stamp())
        self.begin()
        self.client.exchange()
        self.begin()
        self.client.look([0], 0)
        (left,) = self.client.exchange()
        self.assertEqual(left.part.levels.tolist(), [0])
        self.assert_follows()
        self.begin()
        self.client.look([0], EVERYONE)
        (back,) = self.client.exchange()
        self.assertEqual(back.part.ages.tolist(), [0])
        self.assert_follows()
        self.begin()
        self.client.look([0], 0)
        self.client.send()
        self.begin()
        self.client.look([0], EVERYONE)
        (back,) = self.client.exchange()
        self.assertEqual(back.part.ages.tolist(), [2])
        self.assert_follows()

    def test_told_apart(self) -> None:
        """The client knows who left its view, and who is no more."""
        kept, left, gone, replaced = (self.world.spawn(Stamp()) for _ in range(4))
        self.begin()
        self.client.exchange()
        self.client.receiver.take_followed()
        self.world.despawn(gone)
        self.world.despawn(replaced)
        self.world.spawn(Stamp())
        self.world.spawn(Stamp())
        self.begin()
        self.client.look([1, 2, 3], 0)
        self.client.exchange()
        followed = self.client.receiver.take_followed()
        self.assertEqual(followed.left, [left])
        self.assertEqual(followed.despawned, [gone, replaced])
        self.assertIn(kept, self.client.world)

    def test_told_apart_after_loss(self) -> None:
        """Who was told of once, in a message that was lost, has left when it leaves."""
        entity = self.world.spawn(Stamp())
        self.begin()
        (lost,) = self.client.send()
        self.client.viewer.lose(lost.id)
        self.begin()
        self.client.look([0], 0)
        (gone,) = self.client.send()
        self.client.deliver(lost)
        self.client.deliver(gone)
        self.assertEqual(self.client.receiver.take_followed().spawned, [])
        self.begin()
        self.client.look([0], EVERYONE)
        self.client.exchange()
        self.client.receiver.take_followed()
        self.client.viewer.reset()
        self.begin()
        self.client.look([0], 0)
        self.client.exchange()
        self.assertEqual(self.client.receiver.take_followed().left, [entity])

    def test_successor_lost(self) -> None:
        """Who is held is no more, though its successor was told of, and lost."""
        old = self.world.spawn(Stamp())
        self.begin()
        self.client.exchange()
        self.client.receiver.take_followed()
        self.world.despawn(old)
        self.world.spawn(Stamp())
        self.begin()
        (lost,) = self.client.send()
        self.client.viewer.lose(lost.id)
        self.begin()
        self.client.look([0], 0)
        self.client.exchange()
        self.assertEqual(self.client.receiver.take_followed().despawned, [old])

    def test_end_came_too_late(self) -> None:
        """The end that was refused as too late is told again after a reset."""
        entity = self.world.spawn(Stamp())
        self.world.spawn(Stamp())
        self.begin()
        self.client.exchange()
        self.world.despawn(entity)
        self.begin()
        (late,) = self.client.send()
        self.begin(count=HISTORY)
        self.client.exchange()
        self.client.deliver(late)
        self.client.acknowledge(late)
        self.assertTrue(self.client.receiver.needs_everything)
        self.assertIn(entity, self.client.world)
        self.client.viewer.reset()
        self.begin()
        self.client.exchange()
        self.assert_follows()


class LevelTests(DueCase):
    """What a client may see of a row can change."""

    components = (Stamp, Hand)

    def test_levels(self) -> None:
        """More or less of a row is told by its difference, to this client alone."""
        other = client_of(self.sender, self.world)
        self.world.spawn(Stamp(1), Hand(5))
        self.begin()
        for client in (self.client, other):
            client.exchange()
        for level in (OWNER, EVERYONE, OWNER):
            self.begin()
            self.client.look([0], level)
            self.assertEqual(self.due(), ([], [0], []))
            self.assertEqual(self.due(other), ([], [], []))
            (message,) = self.client.exchange()
            self.assertEqual(message.part.ages.tolist(), [1])
            self.assert_follows()
            has_hand = self.client.world.has(self.client.world.id_of(0), Hand)
            self.assertEqual(has_hand, level == OWNER)

    def test_own_rows(self) -> None:
        """What is told of all of a row is not what others are told."""
        entity = self.world.spawn(Stamp(1), Hand(5))
        self.world.spawn(Stamp(1))
        self.begin()
        self.client.look([0], OWNER)
        self.client.exchange()
        self.begin(entity, self.world.id_of(1))
        self.assertEqual(self.due(), ([1], [0], []))
        self.client.exchange()
        self.assert_follows()


class HeldTests(DueCase):
    """It is known whether a client holds all of a tick."""

    def test_held(self) -> None:
        """It does once everything that it sees was acknowledged."""
        viewer, mirror = self.client.viewer, self.sender.mirror
        entity = self.world.spawn(Stamp())
        first = self.begin()
        self.assertFalse(is_held(mirror, viewer, first))
        (message,) = self.client.send()
        self.assertFalse(is_held(mirror, viewer, first))
        self.client.deliver(message)
        self.client.acknowledge(message)
        self.assertTrue(is_held(mirror, viewer, first))
        second = self.begin(entity)
        self.assertTrue(is_held(mirror, viewer, first))
        self.assertFalse(is_held(mirror, viewer, second))
        self.client.exchange()
        self.assertTrue(is_held(mirror, viewer, second))

    def test_gone(self) -> None:
        """Ends count, too; what it never saw does not."""
        viewer, mirror = self.client.viewer, self.sender.mirror
        self.world.spawn(Stamp())
        self.begin()
        self.client.exchange()
        self.world.despawn(self.world.id_of(0))
        tick = self.begin()
        self.client.look([], 0)
        self.assertFalse(is_held(mirror, viewer, tick))
        self.client.exchange()
        self.assertTrue(is_held(mirror, viewer, tick))
