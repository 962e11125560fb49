# SPDX-License-Identifier: MIT
"""Tests of the search for where two peers differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.prediction.desync import Divergence
from gamenet.wire import float32
from gamenet.world import Component, World, first_difference

CAPACITY = 300


class Place(Component):
    """Where something is."""

    x: float = float32()
    y: float = float32()


def search(one: Divergence, other: Divergence) -> int:
    """Let two sides talk until both are through; return how many bytes they said."""
    to_other, to_one = [one.opening()], [other.opening()]
    n_bytes = 0
    while to_other or to_one:
        for queue, side, back in ((to_other, other, to_one), (to_one, one, to_other)):
            if queue:
                message = queue.pop(0)
                n_bytes += len(message)
                answer = side.receive(message)
                if answer is not None:
                    back.append(answer)
    return n_bytes


class DivergenceTests(SynchronousTestCase):
    """Both sides come to the first difference."""

    def setUp(self) -> None:
        self.worlds = [World([Place], CAPACITY) for _ in range(2)]
        for world in self.worlds:
            for n in range(CAPACITY - 10):
                world.spawn(Place(x=n, y=-n), owner=n % 3)

    def both(self, **extras) -> tuple[Divergence, Divergence]:
        texts = [{name: each[i] for name, each in extras.items()} for i in (0, 1)]
        one, other = (
            Divergence(9, world.save(), text)
            for world, text in zip(self.worlds, texts, strict=True)
        )
        return one, other

    @given(
        st.lists(
            st.tuples(
                st.integers(0, CAPACITY - 11),
                st.sampled_from(["x", "y", "gone", "taken", "bare"]),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def test_like_first_difference(self, changes):
        """What is found is what `first_difference` finds with both at hand."""
        self.setUp()
        world = self.worlds[1]
        for row, what in changes:
            if not world.alive[row]:
                continue
            entity = world.id_of(row)
            if what == "gone":
                world.despawn(entity)
            elif what == "taken":
                world.set_owner(entity, 99)
            elif what == "bare":
                if world.has(entity, Place):
                    world.remove(entity, Place)
            elif world.has(entity, Place):
                setattr(world[entity, Place], what, 1000.0)
        one, other = self.both()
        n_bytes = search(one, other)
        expected = first_difference(*self.worlds)
        found = one.found
        self.assertEqual(
            (found.entity, found.component, found.field, found.ours, found.theirs),
            (
                expected.entity,
                expected.component,
                expected.field,
                expected.one,
                expected.other,
            ),
        )
        theirs = other.found
        self.assertEqual((found.ours, found.theirs), (theirs.theirs, theirs.ours))
        self.assertLess(n_bytes, 1000)

    def test_extras(self) -> None:
        """What is beside the world is named, with both values."""
        one, other = self.both(**{"self.a": ("1", "1"), "self.b": ("2", "3")})
        search(one, other)
        self.assertEqual(str(one.found), "tick 9: self.b is '2' here and '3' there")
        self.assertIsNone(other.found.entity)

    def test_nothing(self) -> None:
        """A peer whose state is ours after all is refused."""
        one, other = self.both()
        self.assertRaises(RemoteProtocolError, one.receive, other.opening())

    def test_hostile(self) -> None:
        """Whatever comes, out of turn, cut off or from elsewhere, is refused."""
        self.worlds[1][self.worlds[1].id_of(7), Place].x = 5.5
        one, other = self.both()
        good = other.opening()
        for bad in (b"", good[:-1], good + b"\0", b"\0" + good[1:], bytes(len(good))):
            self.assertRaises(RemoteProtocolError, one.receive, bad)
        one.receive(good)
        self.assertRaises(RemoteProtocolError, one.receive, good)
