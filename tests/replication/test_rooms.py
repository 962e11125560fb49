# SPDX-License-Identifier: MIT
"""Tests of rooms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError, StaleEntityError
from gamenet.replication.rooms import Rooms
from gamenet.world import EntityId, World
from tests.replication.worlds import Ghost

CAPACITY = 6


def open_rows(rooms: Rooms, *names: Any) -> list[int]:
    """Return which rows of six a viewer in rooms may see."""
    found = rooms.open_to(names)
    return list(range(CAPACITY)) if found is None else np.flatnonzero(found).tolist()


class RoomsTests(SynchronousTestCase):
    """Who is in a room is seen from there only."""

    def setUp(self) -> None:
        self.world = World([Ghost], CAPACITY)
        self.world.spawn_rows(4)
        self.rooms = Rooms(self.world)
        self.ids = [self.world.id_of(row) for row in range(4)]

    def test_nobody_in_rooms(self) -> None:
        """While nothing is in a room, everything is everywhere."""
        self.assertIsNone(self.rooms.open_to(["cellar"]))
        self.rooms.enter([], "cellar")
        self.assertIsNone(self.rooms.open_to([]))

    def test_seen_from(self) -> None:
        """A row in rooms is open to viewers in one of them, others to all."""
        self.rooms.enter(self.ids[0], "cellar")
        self.rooms.enter([0, 1], "attic")
        self.assertEqual(open_rows(self.rooms), [2, 3, 4, 5])
        self.assertEqual(open_rows(self.rooms, "cellar"), [0, 2, 3, 4, 5])
        self.assertEqual(open_rows(self.rooms, "attic"), [0, 1, 2, 3, 4, 5])
        self.assertEqual(open_rows(self.rooms, "garden"), [2, 3, 4, 5])
        self.assertEqual(self.rooms.rooms_of(self.ids[0]), {"cellar", "attic"})
        self.assertEqual(self.rooms.rows_in("attic").tolist(), [0, 1])
        self.assertEqual(self.rooms.rows_in("garden").tolist(), [])

    def test_leaving(self) -> None:
        """A row that left its last room is everywhere again."""
        self.rooms.enter([0, 1], "cellar")
        self.rooms.enter([1], "attic")
        self.rooms.leave([0, 1, 2], "cellar")
        self.rooms.leave([0], "garden")
        self.assertEqual(open_rows(self.rooms), [0, 2, 3, 4, 5])
        self.rooms.leave_all(np.array([0, 1]))
        self.assertIsNone(self.rooms.open_to([]))
        self.assertEqual(self.rooms.rooms_of(self.ids[1]), frozenset())

    def test_ways_to_say_who(self) -> None:
        """Entities, rows in lists or arrays, and a bool a row all do."""
        mask = np.zeros(CAPACITY, np.bool_)
        mask[3] = True
        for who in (self.ids[0], np.uint64(self.ids[1]), np.array([2], np.uint8), mask):
            known: Any = who
            self.rooms.enter(known, 5)
        self.assertEqual(self.rooms.rows_in(5).tolist(), [0, 1, 2, 3])

    def test_gone(self) -> None:
        """A room forgets who is gone; the row's next entity is in no room."""
        self.rooms.enter([0, 1], "cellar")
        self.world.despawn_rows([0, 1])
        new = self.world.spawn()
        self.assertEqual(self.rooms.rooms_of(new), frozenset())
        self.assertEqual(self.rooms.rows_in("cellar").tolist(), [])
        self.assertIsNone(self.rooms.open_to([]))
        self.rooms.enter(new, "cellar")
        self.assertEqual(self.rooms.rows_in("cellar").tolist(), [0])

    def test_taken_over(self) -> None:
        """A new entity that enters a room does not inherit those of its row."""
        self.rooms.enter([0], "cellar")
        self.world.despawn(self.ids[0])
        new = self.world.spawn()
        self.rooms.enter(new, "attic")
        self.assertEqual(self.rooms.rooms_of(new), {"attic"})

    def test_stale(self) -> None:
        """Who is gone cannot enter or leave."""
        self.world.despawn(self.ids[3])
        for who in (self.ids[3], [3], [2, 3]):
            stale: Any = who
            self.assertRaises(StaleEntityError, self.rooms.enter, stale, "cellar")
            self.assertRaises(StaleEntityError, self.rooms.leave, stale, "cellar")
            self.assertRaises(StaleEntityError, self.rooms.leave_all, stale)
        self.assertRaises(StaleEntityError, self.rooms.rooms_of, self.ids[3])
        self.assertRaises(LocalProtocolError, self.rooms.enter, [CAPACITY], "cellar")
        self.assertIsNone(self.rooms.open_to([]))

    def test_limit(self) -> None:
        """There are as many rooms as were asked for; an empty one makes way."""
        rooms = Rooms(self.world, limit=70)
        for name in range(70):
            rooms.enter([name % 4], name)
        error = self.assertRaises(LocalProtocolError, rooms.enter, [0], "late")
        self.assertIn("70", str(error))
        self.assertEqual(open_rows(rooms, 0, 69), [0, 1, 4, 5])
        rooms.leave([1], 69)
        rooms.enter([2], "late")
        self.assertEqual(rooms.rows_in("late").tolist(), [2])
        self.assertEqual(rooms.rooms_of(self.ids[2]), {*range(2, 70, 4), "late"})
        for limit in (0, -1, 5000):
            self.assertRaises(ConfigError, Rooms, self.world, limit)

    def test_text(self) -> None:
        """A text is not taken for a list of letters."""
        error = self.assertRaises(LocalProtocolError, self.rooms.open_to, "cellar")
        self.assertIn("['cellar']", str(error))

    def test_shared(self) -> None:
        """Viewers in the same rooms share an answer; few answers are kept."""
        self.rooms.enter([0], "cellar")
        self.assertIs(self.rooms.open_to(["cellar"]), self.rooms.open_to(("cellar",)))
        for i in range(600):
            self.rooms.open_to([i])
        self.assertLessEqual(len(self.rooms._open), 256)

    def test_version(self) -> None:
        """The version tells of changes, also of those who are gone."""
        self.rooms.enter([0], "cellar")
        version = self.rooms.version
        self.rooms.refresh()
        self.assertEqual(self.rooms.version, version)
        self.world.despawn(self.ids[0])
        self.rooms.refresh()
        self.assertGreater(self.rooms.version, version)


class RoomsMachine(RuleBasedStateMachine):
    """Rooms do what a dict of sets does."""

    names = st.integers(0, 4)

    def __init__(self) -> None:
        super().__init__()
        self.world = World([Ghost], CAPACITY)
        self.rooms = Rooms(self.world, limit=4)
        self.model: dict[EntityId, set[int]] = {}

    def some(self, data: Any) -> list[EntityId]:
        """Draw some living entities."""
        chosen: list[EntityId] = data.draw(
            st.lists(st.sampled_from(sorted(self.model)), unique=True)
        )
        return chosen

    def occupied(self, others: Iterable[int]) -> set[int]:
        """Return the rooms with entities in them, and others."""
        return {*others}.union(*self.model.values())

    @precondition(lambda self: len(self.model) < CAPACITY)
    @rule()
    def spawn(self) -> None:
        """Spawn one."""
        self.model[self.world.spawn()] = set()

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def despawn(self, data: Any) -> None:
        """Despawn some."""
        for entity in self.some(data):
            self.world.despawn(entity)
            del self.model[entity]

    @precondition(lambda self: self.model)
    @rule(data=st.data(), name=names)
    def enter(self, data: Any, name: int) -> None:
        """Put some into a room, if there is one for them."""
        chosen = self.some(data)
        rows = [self.world.row_of(entity) for entity in chosen]
        try:
            self.rooms.enter(rows, name)
        except LocalProtocolError:
            assert len(self.occupied([name])) > 4
            return
        for entity in chosen:
            self.model[entity].add(name)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), name=names)
    def leave(self, data: Any, name: int) -> None:
        """Take some out of a room, or all."""
        for entity in self.some(data):
            if name:
                self.rooms.leave(entity, name)
                self.model[entity].discard(name)
            else:
                self.rooms.leave_all(entity)
                self.model[entity].clear()

    @rule(viewer=st.frozensets(names))
    def look(self, viewer: frozenset[int]) -> None:
        """Look from some rooms."""
        self.rooms.refresh()
        found = open_rows(self.rooms, *viewer)
        for entity, rooms in self.model.items():
            is_open = not rooms or bool(rooms & viewer)
            assert (self.world.row_of(entity) in found) == is_open

    @invariant()
    def rooms_agree(self) -> None:
        """Each entity is in the rooms that it entered."""
        for entity, rooms in self.model.items():
            assert self.rooms.rooms_of(entity) == rooms


class ModelTests(SynchronousTestCase):
    """Rooms are a dictionary of sets, only faster."""

    def test_same_as_dictionary(self) -> None:
        """No sequence of commands tells rooms from the model."""
        run_state_machine_as_test(
            RoomsMachine, settings=settings(max_examples=40, stateful_step_count=30)
        )
