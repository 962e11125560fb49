# SPDX-License-Identifier: MIT
"""Tests of worlds as bytes, from friends and from others."""

from __future__ import annotations

from random import Random
from struct import pack_into

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.wire import uint16
from gamenet.world import Component, SavedWorld, World, first_difference
from tests.world.shapes import Dead, Everything, Health, Position

SHAPES: list[type[Component]] = [Position, Health, Dead, Everything]
CAPACITY = 12


class Wider(Component):
    """A `Health` with another kind of points."""

    points: int = uint16(5)


Wider.__name__ = "Health"


def history(seed: int, n_commands: int = 30) -> World:
    """Return a world in which a lot happened."""
    random, world = Random(seed), World(SHAPES, CAPACITY)
    for _ in range(n_commands):
        world.tick += 1
        living = world.ids_of(world.query()).tolist()
        if living and random.random() < 0.4:
            world.despawn(random.choice(living))
        elif len(living) < CAPACITY:
            kinds = random.sample(SHAPES, random.randint(0, 3))
            owner = random.randint(0, 3)
            world.spawn(*(kind.sample(random) for kind in kinds), owner=owner)
    return world


def received(data: bytes) -> SavedWorld:
    """Return what bytes say."""
    return SavedWorld.from_bytes(data, SHAPES, CAPACITY)


class PortableTests(SynchronousTestCase):
    """A state that travels as bytes."""

    @given(st.integers(0, 10_000))
    def test_round_trip(self, seed: int) -> None:
        """A world that loads the bytes is the same, and goes on alike."""
        world, other = history(seed), history(seed + 1)
        data = world.save().to_bytes()
        other.load(received(data))
        self.assertIsNone(first_difference(world, other), f"seed {seed}")
        self.assertEqual(world.checksum(), other.checksum())
        self.assertEqual((world.tick, len(world)), (other.tick, len(other)))
        self.assertEqual(other.save().to_bytes(), data)
        for kind in SHAPES:
            rows = world.query(kind)
            self.assertEqual(rows.tolist(), other.query(kind).tolist())
            ticks = [each.columns(kind).changed_tick[rows] for each in (world, other)]
            self.assertEqual(ticks[0].tolist(), ticks[1].tolist())
        while len(world) < CAPACITY:
            self.assertEqual(world.spawn(), other.spawn(), f"seed {seed}")

    def test_legal_elsewhere(self) -> None:
        """Rows that the bytes say nothing about hold defaults, not old values."""
        world = World(SHAPES, CAPACITY)
        world.load(received(World(SHAPES, CAPACITY).save().to_bytes()))
        self.assertEqual(world.columns(Everything).turn[3].tolist(), [0, 0, 0, 1])
        self.assertEqual(world.columns(Health).points.tolist(), [5] * CAPACITY)

    def test_small(self) -> None:
        """Only what lives is sent: an empty world is a few bytes, however large."""
        data = World(SHAPES, 4096).save().to_bytes()
        self.assertEqual(len(data), 13)

    @given(st.integers(0, 50), st.data())
    def test_cut(self, seed: int, chosen: st.DataObject) -> None:
        """Bytes that end too early, or too late, are refused."""
        data = history(seed).save().to_bytes()
        end = chosen.draw(st.integers(0, len(data) - 1))
        for wrong in (data[:end], data + b"\0", data + data):
            self.assertRaises(RemoteProtocolError, received, wrong)

    @given(st.integers(0, 50), st.data())
    def test_changed_bytes(self, seed: int, chosen: st.DataObject) -> None:
        """Any change gives an error or a legal world, and never anything else."""
        data = bytearray(history(seed).save().to_bytes())
        for _ in range(chosen.draw(st.integers(1, 4))):
            i = chosen.draw(st.integers(0, len(data) - 1))
            data[i] = chosen.draw(st.integers(0, 255))
        self.assert_harmless(bytes(data))

    @given(st.binary(max_size=200))
    def test_any_bytes(self, data: bytes) -> None:
        """Whatever follows a right beginning gives an error or a legal world."""
        head = World(SHAPES, CAPACITY).save().to_bytes()
        self.assert_harmless(head[:9] + data)
        self.assertRaises(RemoteProtocolError, received, data)

    def assert_harmless(self, data: bytes) -> None:
        """Check that a world takes the bytes, and works, or they are refused."""
        try:
            saved = received(data)
        except RemoteProtocolError:
            return
        world = World(SHAPES, CAPACITY)
        world.load(saved)
        for entity in world.ids_of(world.query()).tolist():
            for kind in SHAPES:
                if world.has(entity, kind):
                    repr(world[entity, kind])
        self.assertEqual(world.save().to_bytes(), data)
        world.despawn_rows(world.query())
        world.spawn_rows(CAPACITY, Health())

    def test_too_many_rows(self) -> None:
        """More rows than there are is refused before any of them is read."""
        data = bytearray(World(SHAPES, CAPACITY).save().to_bytes())
        for n_rows in (CAPACITY + 1, 0xFFFFFFFF):
            pack_into("<I", data, 9, n_rows)
            error = self.assertRaises(RemoteProtocolError, received, bytes(data))
            self.assertIn(f"{n_rows} rows: the limit is {CAPACITY}", str(error))

    def test_generation(self) -> None:
        """Nobody lives in generation 0."""
        world = World(SHAPES, CAPACITY)
        world.spawn()
        data = bytearray(world.save().to_bytes())
        pack_into("<I", data, 13, 0)
        error = self.assertRaises(RemoteProtocolError, received, bytes(data))
        self.assertIn("generation 0", str(error))

    def test_illegal_values(self) -> None:
        """A flag, a number of some bits and an Enum hold what a write would take."""
        for name, value in (("is_on", 2), ("level", 8), ("team", 3)):
            world = World([Everything], 1)
            world.spawn(Everything())
            world.columns(Everything).arrays[name].view("u1")[0] = value
            data = world.save().to_bytes()
            error = self.assertRaises(
                RemoteProtocolError, SavedWorld.from_bytes, data, [Everything], 1
            )
            self.assertIn(f"Everything.{name}", str(error))

    def test_other_shape(self) -> None:
        """A world of other components, fields or capacity is named as such."""
        data = history(3).save().to_bytes()
        for components, capacity in (
            (SHAPES[:3], CAPACITY),
            (SHAPES, CAPACITY + 1),
            ([Position, Wider, Dead, Everything], CAPACITY),
        ):
            error = self.assertRaises(
                RemoteProtocolError, SavedWorld.from_bytes, data, components, capacity
            )
            self.assertIn("shape", str(error))
        self.assertRaises(RemoteProtocolError, received, b"\2" + data[1:])
