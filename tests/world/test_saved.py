# SPDX-License-Identifier: MIT
"""Whatever happened before and after, a world that is loaded is the one saved."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis.stateful import precondition, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.world import Component, EntityId, SavedWorld, World, first_difference
from gamenet.world.memory import Layout
from tests.world.shapes import Dead, Everything, Health, Position, Velocity
from tests.world.test_model import CAPACITY, SHAPES, Values, WorldMachine, picks

Model = dict[EntityId, dict[type[Component], Values]]


def copied(model: Model) -> Model:
    """Return a model that does not follow another one."""
    return {
        entity: {kind: dict(values) for kind, values in shape.items()}
        for entity, shape in model.items()
    }


class Moment:
    """What was so when a world was saved."""

    def __init__(self, machine: RollbackMachine, saved: SavedWorld) -> None:
        self.saved = saved
        self.model = copied(machine.model)
        self.owners = dict(machine.owners)
        self.stale = list(machine.stale)
        self.changed = set(machine.changed)
        self.tick = machine.world.tick
        self.checksum = machine.world.checksum()
        self.bytes = saved.to_bytes()
        self.present = [machine.world.columns(kind).present.copy() for kind in SHAPES]

    def next_id(self, world: World) -> EntityId | None:
        """Return the id of the next entity, spawned in a world that was loaded."""
        return None if len(world) == CAPACITY else world.spawn()


class RollbackMachine(WorldMachine):
    """The commands of a game, and going back to moments before them."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Moment] = []
        self.held = [self.world.columns(kind) for kind in SHAPES]
        self.arrays = [dict(columns.arrays) for columns in self.held]

    @rule()
    def save(self) -> None:
        """Save into new memory."""
        self.moments.append(Moment(self, self.world.save()))

    @precondition(lambda self: self.moments)
    @rule(number=picks)
    def save_over(self, number: int) -> None:
        """Save over what was saved before."""
        i = number % len(self.moments)
        saved = self.moments[i].saved
        assert self.world.save(saved) is saved
        self.moments[i] = Moment(self, saved)

    @precondition(lambda self: self.moments)
    @rule(number=picks)
    def load(self, number: int) -> None:
        """Go back, or forth again."""
        moment = self.moments[number % len(self.moments)]
        self.world.load(moment.saved)
        self.arrive(moment)

    @precondition(lambda self: self.moments)
    @rule(number=picks)
    def load_portable(self, number: int) -> None:
        """Go to what came as bytes."""
        moment = self.moments[number % len(self.moments)]
        self.world.load(SavedWorld.from_bytes(moment.bytes, SHAPES, CAPACITY))
        self.arrive(moment)

    def arrive(self, moment: Moment) -> None:
        """Check that the world is what it was, and let the model follow."""
        world = self.world
        assert world.tick == moment.tick
        assert world.checksum() == moment.checksum == moment.saved.checksum()
        assert first_difference(world, moment.saved) is None
        for kind, present in zip(SHAPES, moment.present, strict=True):
            assert world.columns(kind).present.tolist() == present.tolist()
        for entity in {*self.model, *self.stale} - set(moment.model):
            assert entity not in world
        self.model = copied(moment.model)
        self.owners, self.stale = dict(moment.owners), list(moment.stale)
        self.changed = set(moment.changed)
        self.check_next(moment)
        for columns, arrays in zip(self.held, self.arrays, strict=True):
            assert world.columns(columns.component) is columns
            assert all(columns.arrays[name] is each for name, each in arrays.items())

    def check_next(self, moment: Moment) -> None:
        """Check that worlds that were loaded give the next entity the same id."""
        one, other = World(SHAPES, CAPACITY), World(SHAPES, CAPACITY)
        one.load(self.world.save())
        other.load(SavedWorld.from_bytes(moment.bytes, SHAPES, CAPACITY))
        entity = moment.next_id(one)
        assert entity == moment.next_id(other)
        assert entity not in self.stale


class SavedTests(SynchronousTestCase):
    """Saving and loading."""

    def setUp(self) -> None:
        self.world = World([Position, Velocity, Health, Dead], capacity=6)
        self.ship = self.world.spawn(Position(1, 2), Velocity(3, 4), owner=7)

    def test_any_history(self) -> None:
        """Any history, save, more history, load: the state is that of the save."""
        run_state_machine_as_test(
            RollbackMachine,
            settings=settings(max_examples=120, stateful_step_count=40),
        )

    def test_arrays_stay(self) -> None:
        """Columns, row views and other references that are held show the old state."""
        columns = self.world.columns(Position)
        x, view = columns.x, self.world[self.ship, Position]
        alive, table = self.world.alive, columns.table
        saved = self.world.save()
        view.x = 9.0
        self.world.despawn(self.ship)
        self.world.load(saved)
        self.assertEqual((x[0], view.x, alive[0], table[0, 0]), (1.0, 1.0, True, 1.0))
        self.assertEqual(self.world[self.ship, Position].x, 1.0)

    def test_saved_is_apart(self) -> None:
        """What is saved does not follow the world, and can be loaded repeatedly."""
        saved = self.world.save()
        for x in (5.0, 6.0):
            self.world[self.ship, Position].x = x
            self.world.spawn(Health())
            self.world.load(saved)
            self.assertEqual(self.world[self.ship, Position].x, 1.0)
            self.assertEqual(len(self.world), 1)
            self.assertEqual(len(saved), 1)

    def test_same_generation_again(self) -> None:
        """After going back the next spawn is the one that followed the save."""
        saved = self.world.save()
        first = self.world.spawn(Health())
        self.world.despawn(first)
        second = self.world.spawn(Health())
        self.world.load(saved)
        self.assertNotIn(first, self.world)
        self.assertNotIn(second, self.world)
        self.assertEqual(self.world.spawn(Health()), first)
        self.assertNotIn(second, self.world)

    def test_owner_alone(self) -> None:
        """A change of nothing but the owner is taken back, too."""
        saved = self.world.save()
        self.world.set_owner(self.ship, 8)
        later = self.world.save()
        self.world.load(saved)
        self.assertEqual(self.world.owner[0], 7)
        self.world.load(later)
        self.assertEqual(self.world.owner[0], 8)

    def test_held_answers(self) -> None:
        """The answer of a query that is held stays; a new one fits the new state."""
        saved = self.world.save()
        self.world.spawn(Position())
        rows = self.world.query(Position)
        self.world.load(saved)
        self.assertEqual(rows.tolist(), [0, 1])
        self.assertEqual(self.world.query(Position).tolist(), [0])

    def test_journal(self) -> None:
        """The changes tell the net effect: who is another, gone, reshaped, reowned."""
        world = self.world
        gone, shaped = world.spawn(Health()), world.spawn(Position())
        saved = world.save()
        world.drain_changes()
        world.despawn(gone)
        world.remove(shaped, Position)
        world.set_owner(self.ship, 3)
        new = world.spawn(Dead())
        world.drain_changes()
        world.load(saved)
        changes = world.drain_changes()
        self.assertEqual(changes.spawned, [gone])
        self.assertEqual(changes.despawned, [new])
        self.assertEqual(changes.reshaped, [shaped])
        self.assertEqual(changes.reowned, [self.ship])
        world.load(saved)
        self.assertEqual(world.drain_changes(), type(changes)([], [], []))

    def test_journal_of_ids_given_again(self) -> None:
        """An id that is given again after going back stands for what was reshaped."""
        for again in (
            lambda: self.world.spawn(Dead()),
            lambda: self.world.id_of(int(self.world.spawn_rows(1, Dead())[0])),
        ):
            saved = self.world.save()
            first = self.world.spawn(Health())
            self.world.drain_changes()
            self.world.load(saved)
            self.assertEqual(again(), first)
            changes = self.world.drain_changes()
            self.assertEqual((changes.spawned, changes.despawned), ([], []))
            self.assertEqual((changes.reshaped, changes.reowned), ([first], [first]))
            self.world.load(saved)
            self.assertEqual(self.world.drain_changes().despawned, [first])

    def test_another_world(self) -> None:
        """A world of the same shape takes the state over, and goes on alike."""
        other = World([Position, Velocity, Health, Dead], capacity=6)
        other.spawn(Dead())
        other.load(self.world.save())
        self.assertIsNone(first_difference(self.world, other))
        self.assertEqual(other.spawn(), self.world.spawn())

    def test_refused(self) -> None:
        """A state of another shape, or none at all, is refused with both shapes."""
        for world in (World([Position], 6), World([Position, Velocity, Health, Dead])):
            before = world.checksum()
            for refused in (
                lambda world=world: world.load(self.world.save()),
                lambda world=world: world.save(self.world.save()),
                lambda world=world: first_difference(world, self.world),
            ):
                error = self.assertRaises(LocalProtocolError, refused)
                self.assertIn("6 rows of Position, Velocity, Health, Dead", str(error))
                self.assertIn(f"{world.capacity} rows of Position", str(error))
            self.assertEqual(world.checksum(), before)
        empty = SavedWorld(Layout(self.world.components, 6))
        error = self.assertRaises(LocalProtocolError, self.world.load, empty)
        self.assertIn("nothing was saved", str(error))

    def test_all_kinds(self) -> None:
        """Columns of every kind of field are saved and loaded."""
        world = World([Everything], capacity=3)
        entity = world.spawn(Everything())
        saved = world.save()
        columns = world.columns(Everything)
        for array in columns.arrays.values():
            array[:] = np.ones_like(array)
        self.assertNotEqual(world.checksum(), saved.checksum())
        world.load(saved)
        self.assertEqual(world.checksum(), saved.checksum())
        self.assertEqual(world[entity, Everything].turn, (0.0, 0.0, 0.0, 1.0))

    def test_table(self) -> None:
        """Fields that are scalars of one kind are one array; others have none."""
        columns: Any = self.world.columns(Velocity)
        self.assertEqual(columns.table.shape, (2, 6))
        columns.table[1] = 8.0
        self.assertEqual(columns.y.tolist(), [8.0] * 6)
        self.assertIsNone(World([Everything]).columns(Everything).table)
        self.assertIsNone(self.world.columns(Dead).table)
