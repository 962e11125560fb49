# SPDX-License-Identifier: MIT
"""Tests of observers."""

from __future__ import annotations

from typing import Any

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.game.observing import HOOKS, Observer, Observers
from gamenet.world import World
from tests.game.games import Marker, Place


class Everything(Observer):
    """Hears all of it."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def spawned(self, entity):
        self.heard.append(("spawned", entity))

    def despawned(self, entity):
        self.heard.append(("despawned", entity))

    def left(self, entity):
        self.heard.append(("left", entity))

    def component_added(self, entity, component):
        self.heard.append(("component_added", entity, component))

    def component_removed(self, entity, component):
        self.heard.append(("component_removed", entity, component))

    def component_changed(self, component, rows):
        self.heard.append(("component_changed", component, rows.tolist()))

    def owner_changed(self, entity, owner):
        self.heard.append(("owner_changed", entity, owner))

    def ticked(self, tick):
        self.heard.append(("ticked", tick))

    def stage(self, name, seconds):
        self.heard.append(("stage", name, seconds))


class Scene(Observer):
    """Hears of one thing only."""

    def __init__(self) -> None:
        self.shown: list[int] = []

    def spawned(self, entity):
        self.shown.append(entity)


class ObserversTests(SynchronousTestCase):
    """Each observer hears what it overrides, in order."""

    def setUp(self) -> None:
        self.world = World([Place, Marker], 16)
        self.names: list[str] = []
        self.errors: list[Exception] = []
        self.observers = Observers(self.call, self.world)
        self.everything = Everything()

    def call(self, name: str, function: Any, *arguments: Any) -> None:
        """Call, and survive it."""
        self.names.append(name)
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001 - an author's code raises anything
            self.errors.append(error)

    def tell(self, left: tuple[int, ...] = ()) -> list[tuple[Any, ...]]:
        """Tell what the world's journal has; return what is heard."""
        self.everything.heard.clear()
        self.observers.tell_changes(self.world, self.world.drain_changes(), left)
        return list(self.everything.heard)

    def test_every_hook(self) -> None:
        """Every hook can be heard, and is nothing if it is not overridden."""
        self.observers.attach(self.everything)
        plain = Observer()
        for hook in HOOKS:
            self.assertTrue(self.observers.wants(hook))
            arguments = [1, 2] if hook in ("owner_changed", "stage") else [1]
            if hook.startswith("component"):
                arguments = [Place, np.array([3])]
            self.everything.heard.clear()
            self.observers.tell(hook, *arguments)
            self.assertEqual(self.everything.heard[0][0], hook)
            getattr(plain, hook)(*arguments)

    def test_only_what_is_overridden(self) -> None:
        """Nothing is called that nobody overrides, and nobody is asked twice."""
        scene = Scene()
        self.observers.attach(Observer())
        self.observers.attach(scene)
        self.observers.attach(scene)
        self.assertEqual(len(self.observers), 2)
        wanted = [hook for hook in HOOKS if self.observers.wants(hook)]
        self.assertEqual(wanted, ["spawned"])
        entity = self.world.spawn(Place())
        self.observers.tell("ticked", 1)
        self.observers.tell_values({Place: (np.array([0]), {})})
        self.tell()
        self.assertEqual((self.names, scene.shown), (["Scene.spawned"], [entity]))

    def test_assigned_hooks(self) -> None:
        """A hook may also be assigned to an instance."""
        observer, ticks = Observer(), []
        observer.ticked = ticks.append
        self.observers.attach(observer)
        self.observers.tell("ticked", 5)
        self.assertEqual(ticks, [5])

    def test_who_came_and_went(self) -> None:
        """Spawned, despawned and left are told, first those who went."""
        self.observers.attach(self.everything)
        a, b = self.world.spawn(Place()), self.world.spawn(Place(), Marker())
        self.assertEqual(self.tell(), [("spawned", a), ("spawned", b)])
        self.world.despawn(a)
        self.world.despawn(b)
        c = self.world.spawn(Marker())
        expected = [("left", a), ("despawned", b), ("spawned", c)]
        self.assertEqual(self.tell(left=(a,)), expected)
        self.assertEqual(self.tell(), [])

    def test_shapes(self) -> None:
        """Components that come and go are told, those of new entities are not."""
        a = self.world.spawn(Place())
        self.world.drain_changes()
        self.observers.attach(self.everything)
        self.world.add(a, Marker())
        b = self.world.spawn(Marker())
        expected = [("spawned", b), ("component_added", a, Marker)]
        self.assertEqual(self.tell(), expected)
        self.world.remove(a, Place)
        self.world.remove(b, Marker)
        self.world.add(b, Marker())
        self.assertEqual(self.tell(), [("component_removed", a, Place)])
        self.world.despawn(a)
        self.tell()
        c = self.world.spawn(Marker(), Place())
        self.world.remove(c, Marker)
        self.assertEqual(self.tell(), [("spawned", c)])
        self.world.add(c, Marker())
        self.assertEqual(self.tell(), [("component_added", c, Marker)])

    def test_what_a_hook_removes(self) -> None:
        """An entity that a hook despawns is told of no more, until it is gone."""
        a, b = self.world.spawn(Place(), owner=1), self.world.spawn(Place())
        self.world.drain_changes()
        self.observers.attach(self.everything)
        self.everything.spawned = lambda entity: self.world.despawn_rows(
            self.world.query()
        )
        self.observers.detach(self.everything)
        self.observers.attach(self.everything)
        self.world.add(a, Marker())
        self.world.set_owner(a, 2)
        c, d = self.world.spawn(Place()), self.world.spawn(Place())
        self.assertEqual(self.tell(), [])
        self.assertEqual(self.tell(), [("despawned", each) for each in (a, b, c, d)])

    def test_owners(self) -> None:
        """A new owner is told, by number."""
        a = self.world.spawn(Place())
        self.world.drain_changes()
        self.observers.attach(self.everything)
        self.world.set_owner(a, 7)
        found = self.tell()
        self.assertEqual(found, [("owner_changed", a, 7)])
        self.assertIs(type(found[0][2]), int)

    def test_values(self) -> None:
        """Rows whose values changed are told for each component that has any."""
        self.world.spawn_rows(3, Place())
        self.observers.attach(self.everything)
        changed = {
            Place: (np.array([1, 2, 3]), {"x": np.array([True, False])}),
            Marker: (np.array([], np.intp), {}),
        }
        self.observers.tell_values(changed)
        self.assertEqual(self.everything.heard, [("component_changed", Place, [1, 2])])

    def test_errors(self) -> None:
        """What an observer raises stops neither it nor the others."""

        class Broken(Observer):
            def ticked(self, tick):
                msg = "broken"
                raise RuntimeError(msg)

        self.observers.attach(Broken())
        self.observers.attach(self.everything)
        self.observers.tell("ticked", 1)
        self.assertEqual(self.everything.heard, [("ticked", 1)])
        self.assertEqual(self.names, ["Broken.ticked", "Everything.ticked"])
        self.assertEqual(len(self.errors), 1)

    def test_detach(self) -> None:
        """Who is detached hears nothing, not even of what is being told."""

        class Jealous(Observer):
            def ticked(inner, tick):  # noqa: N805 - the test is the other self
                self.observers.detach(inner)
                self.observers.detach(self.everything)

        scene = Everything()
        self.observers.attach(Jealous())
        self.observers.attach(self.everything)
        self.observers.attach(scene)
        self.observers.tell("ticked", 1)
        self.assertEqual(self.everything.heard, [])
        self.assertEqual(scene.heard, [("ticked", 1)])
        self.observers.detach(Observer())
        self.assertEqual(len(self.observers), 1)

    def test_world_comes_later(self) -> None:
        """A client's observers may be there before its world is."""
        self.observers = Observers(self.call)
        self.observers.attach(self.everything)
        a = self.world.spawn(Place())
        self.world.drain_changes()
        self.observers.follow(self.world)
        self.world.add(a, Marker())
        self.assertEqual(self.tell(), [("component_added", a, Marker)])
        self.observers.detach(self.everything)
        self.assertEqual(self.tell(), [])

    def test_no_components(self) -> None:
        """A world of entities without components can be followed, too."""
        self.world = World([], 4)
        self.observers = Observers(self.call, self.world)
        self.observers.attach(self.everything)
        a = self.world.spawn()
        self.assertEqual(self.tell(), [("spawned", a)])

    def test_no_observer(self) -> None:
        """What is no observer cannot be attached."""
        for thing in (Everything, None, "sounds"):
            with self.assertRaisesRegex(LocalProtocolError, "attach an instance"):
                self.observers.attach(thing)
