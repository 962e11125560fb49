# SPDX-License-Identifier: MIT
"""Snapshots from whoever means harm: a counted error, and the world stays as it is."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication import Receiver, Sender
from gamenet.replication.blocks import SNAPSHOT_HEAD, gone_block, row_block
from gamenet.replication.cells import Cells, differences
from gamenet.wire import enum, fixed, quaternion, uint8
from gamenet.world import Component, World
from tests.connection.strategies import edited, edits
from tests.replication.worlds import (
    PRIVATE,
    Client,
    client_of,
    everything_in,
    random_world,
    same,
    state_of,
)
from tests.strategies import Colour

CAPACITY = 24


class Illegal(Component):
    """Fields that not every word is a value of."""

    place: float = fixed(0, 10, step=1)
    turn: tuple[float, ...] = quaternion(6)
    colour: Colour = enum(Colour)
    points: int = uint8()


def followed(seed: int, components: Any = PRIVATE) -> Client:
    """Return a client that has followed a random world for three ticks."""
    random = Random(seed)
    rows = sorted(random.sample(range(CAPACITY), 10))
    world = random_world(random, rows, CAPACITY, components)
    sender = Sender(world, part_size=1136)
    client = client_of(sender, world)
    for tick in range(1, 4):
        sender.begin(tick)
        client.exchange()
        world.tick = tick + 1
        change(world, random)
    client.receiver.take_followed()
    return client


def change(world: World, random: Random) -> None:
    """Change much of a world."""
    for row in world.query().tolist():
        for kind in world.components:
            if world.columns(kind).present[row] and random.random() < 0.6:
                world.add(world.id_of(row), kind.sample(random))
    if random.random() < 0.5:
        world.despawn_rows(world.query()[:2])
        world.spawn()


def history_of(client: Client) -> Any:
    """Return all that a client remembers of the last ticks."""
    rows = np.arange(CAPACITY)
    newest = client.receiver.tick or 0
    return [client.held(rows, np.full(CAPACITY, newest - i)) for i in range(32)]


class HostileCase(SynchronousTestCase):
    """Attacks on a client, which are refused whole or mean something."""

    def attack(self, client: Client, data: bytes) -> bool:
        """Return whether a message was refused, and then changed nothing."""
        before, remembered = everything_in(client.world), history_of(client)
        receiver = client.receiver
        counts = receiver.tick, receiver.n_late, receiver.n_baselines_missing
        try:
            receiver.receive(data)
        except RemoteProtocolError:
            self.assertTrue(same(before, everything_in(client.world)))
            self.assertTrue(same(remembered, history_of(client)))
            now = receiver.tick, receiver.n_late, receiver.n_baselines_missing
            self.assertEqual(now, counts)
            told = receiver.take_followed()
            self.assertEqual(told.spawned + told.despawned + told.left, [])
            self.assertEqual(told.written, [])
            return True
        return False

    def assert_heals(self, client: Client) -> None:
        """Check that a reset brings the client back to the server's world."""
        client.receiver.needs_everything = False
        client.viewer.reset()
        sender = client.sender
        tick = max(sender.mirror.tick, client.receiver.tick or 0) + 1
        if tick > sender.mirror.tick + 1000:  # it was told of a tick far ahead
            return
        world = sender.mirror.world
        for _ in range(4):
            world.tick = tick
            for kind in world.components:
                world.columns(kind).changed(slice(None))
            sender.begin(tick)
            client.exchange()
            tick += 1
        expected = state_of(world, client.viewer.level)
        shown = state_of(client.world)
        self.assertEqual({key: shown[key] for key in expected}, expected)


class FuzzTests(HostileCase):
    """Bytes that were changed, cut or made up."""

    @settings(max_examples=40)
    @given(st.integers(0, 40), edits, st.integers(0, 2000), st.booleans())
    def test_mutated(
        self, seed: int, changes: Any, length: int, is_whole: bool
    ) -> None:
        """A changed or truncated message is refused whole, or taken as what it says."""
        client = followed(seed)
        client.sender.begin(4)
        (message,) = client.send()
        payload = message.part.payload
        data = edited(payload, changes, len(payload) if is_whole else length)
        is_refused = self.attack(client, data)
        if len(data) not in (6, len(payload)) and payload.startswith(data):
            self.assertTrue(is_refused)
        self.assert_heals(client)

    def test_cut_everywhere(self) -> None:
        """A message that is cut at any byte is refused."""
        client = followed(3)
        client.sender.begin(4)
        (message,) = client.send()
        payload = message.part.payload
        self.assertGreater(len(payload), 50)
        for length in range(len(payload)):
            if length != 6:
                self.assertTrue(self.attack(client, payload[:length]))
        client.deliver(message)
        client.acknowledge(message)
        self.assertEqual(client.wrong_bases(), [])

    @settings(max_examples=40)
    @given(st.binary(max_size=120), st.integers(0, 2))
    def test_any_bytes(self, data: bytes, n_heads: int) -> None:
        """Arbitrary bytes are refused, or mean something."""
        client = followed(1)
        heads = b"", SNAPSHOT_HEAD.pack(4, 0, 1), SNAPSHOT_HEAD.pack(4, 0, 1) + b"\1"
        self.attack(client, heads[n_heads] + data)
        self.assert_heals(client)


class ForgedTests(HostileCase):
    """Messages that are well made, and lie."""

    def setUp(self) -> None:
        world = World([Illegal], CAPACITY)
        self.sender = Sender(world, part_size=400)
        self.client = client_of(self.sender, world)
        self.layout = self.sender.mirror.layout
        world.spawn(Illegal())
        self.sender.begin(1)
        self.client.exchange()
        self.client.receiver.take_followed()

    def message(self, *blocks: bytes, tick: int = 2) -> bytes:
        """Return a message of blocks."""
        return SNAPSHOT_HEAD.pack(tick, 0, 1) + b"".join(blocks)

    def told(self, rows: list[int], age: int = 0, **lanes: int) -> bytes:
        """Return a block that tells rows the same: l3=5 is 5 in the fourth lane."""
        layout = self.layout
        words = np.zeros((layout.n_words, len(rows)), np.uint32)
        places = [layout.generation_position, *layout.shape_positions]
        words[places] = 1
        for name, word in lanes.items():
            if name == "generation":
                words[layout.generation_position] = word
            elif name == "shape":
                words[layout.shape_positions[0]] = word
            else:
                words[layout.positions[0][int(name[1:])]] = word
        shape = (3, layout.n_groups, len(rows))
        folded = differences(layout, words.reshape(shape), np.zeros(shape, np.uint32))
        return row_block(np.array(rows, np.intp), age, Cells(layout, folded).write())

    def assert_refused(self, *blocks: bytes, why: str) -> None:
        """Check that a message is refused, and why."""
        data = self.message(*blocks)
        self.assertTrue(self.attack(self.client, data))
        receive = self.client.receiver.receive
        error = self.assertRaises(RemoteProtocolError, receive, data)
        self.assertIn(why, str(error))

    def test_honest(self) -> None:
        """What these messages are made of is taken."""
        self.assertFalse(
            self.attack(self.client, self.message(self.told([3, 5], l0=10)))
        )
        self.assertEqual(len(self.client.world), 3)

    def test_generation_zero(self) -> None:
        """There is no entity of generation 0."""
        self.assert_refused(self.told([3], generation=0), why="generation 0")
        self.assert_refused(
            self.told([3]), self.told([4], generation=0), why="generation 0"
        )

    def test_illegal_words(self) -> None:
        """A word that no value has, in any row of any block."""
        self.assert_refused(self.told([3], l0=11), why="above its limit 10")
        self.assert_refused(self.told([3], l2=63), why="above its limit 62")
        self.assert_refused(self.told([3], l1=63 << 2 | 1), why="above its limit 62")
        self.assert_refused(self.told([3], l4=6), why="6")
        self.assert_refused(self.told([3]), self.told([9], l0=11), why="limit 10")

    def test_doubted(self) -> None:
        """What was refused is no base: the server thinks that we have it."""
        receiver = self.client.receiver
        self.assert_refused(self.told([3]), self.told([9], l0=11), why="limit 10")
        self.assertTrue(receiver.needs_everything)
        receiver.receive(self.message(self.told([3], age=1, l0=4), tick=3))
        self.assertEqual(receiver.n_baselines_missing, 1)
        self.assertEqual(len(self.client.world), 1)
        receiver.receive(self.message(self.told([3], l0=4), tick=4))
        self.assertEqual(len(self.client.world), 2)

    def test_illegal_later(self) -> None:
        """An illegal word of what is not there is no value when that comes."""
        hidden = self.message(self.told([3], shape=0, l0=11))
        self.attack(self.client, hidden)
        self.client.receiver.take_followed()
        layout = self.layout
        folded = np.zeros((3, layout.n_groups, 1), np.uint32)
        folded[0, 1] = 1  # the one bit of the shape flips
        block = row_block(np.array([3], np.intp), 1, Cells(layout, folded).write())
        self.assertTrue(self.attack(self.client, self.message(block, tick=3)))

    def test_doubled(self) -> None:
        """A row is told once."""
        for other in (
            self.told([3]),
            self.told([2, 3]),
            gone_block(np.array([3]), np.array([True])),
        ):
            self.assert_refused(self.told([3]), other, why="twice")

    def test_beyond_capacity(self) -> None:
        """Rows are those of the world."""
        self.assert_refused(self.told([CAPACITY]), why=f"0 to {CAPACITY - 1}")
        self.assert_refused(self.told([(1 << 24) - 1]), why=f"0 to {CAPACITY - 1}")
        far = gone_block(np.array([CAPACITY]), np.array([False]))
        self.assert_refused(far, why=f"0 to {CAPACITY - 1}")

    def test_unknown_rows(self) -> None:
        """The end of what was never here, and a change of it, harm nothing."""
        rows = np.array([2, 3, 9], np.intp)
        end = gone_block(rows, np.array([True, False, True]))
        self.assertFalse(self.attack(self.client, self.message(end)))
        self.assertEqual(len(self.client.world), 1)
        followed = self.client.receiver.take_followed()
        self.assertEqual(followed.left + followed.despawned, [])
        self.assertFalse(self.attack(self.client, self.message(self.told([6], age=1))))
        self.assert_heals(self.client)

    def test_base_never_sent(self) -> None:
        """What is told against a tick of which nothing came is told against before."""
        world = World([Illegal], CAPACITY)
        receiver = Receiver(world)
        receiver.receive(self.message(self.told([3], age=5, l0=7), tick=40))
        self.assertEqual(world.columns(Illegal).place[3], 7)
        self.assertEqual(receiver.n_baselines_missing, 0)
        receiver.receive(self.message(self.told([3], age=31), tick=39))
        self.assertEqual(receiver.n_baselines_missing, 1)
        self.assertTrue(receiver.needs_everything)

    def test_values_of_what_is_not_there(self) -> None:
        """Values of a component that an entity lacks are not reported."""
        self.client.receiver.receive(self.message(self.told([3], shape=0)))
        self.client.receiver.take_followed()
        layout = self.layout
        folded = np.zeros((3, layout.n_groups, 1), np.uint32)
        folded[0, 2] = 2
        block = row_block(np.array([3], np.intp), 1, Cells(layout, folded).write())
        self.client.receiver.receive(self.message(block, tick=3))
        for written in self.client.receiver.take_followed().written:
            present = self.client.world.columns(Illegal).present[written.rows]
            self.assertTrue(present.all())


class MemoryTests(SynchronousTestCase):
    """A message takes no more than the world that the client made room for."""

    def test_ten_thousand_spawns(self) -> None:
        """Ten thousand entities in one message are ten thousand entities."""
        world = World([Illegal], 20_000)
        layout = Sender(world, part_size=400).mirror.layout
        rows = np.arange(10_000)
        words = np.zeros((3, layout.n_groups, len(rows)), np.uint32)
        words[0, :2] = 1
        cells = Cells(layout, differences(layout, words, np.zeros_like(words))).write()
        data = SNAPSHOT_HEAD.pack(1, 0, 1) + row_block(rows, 0, cells)
        receiver = Receiver(world)
        receiver.receive(data)
        self.assertEqual(len(world), 10_000)
        # With a word that is illegal in the last of them, none is there.
        words[0, 2, -1] = 11
        cells = Cells(layout, differences(layout, words, np.zeros_like(words))).write()
        data = SNAPSHOT_HEAD.pack(1, 0, 1) + row_block(rows, 0, cells)
        world = World([Illegal], 20_000)
        receiver = Receiver(world)
        self.assertRaises(RemoteProtocolError, receiver.receive, data)
        self.assertEqual(len(world), 0)

    def test_one_far_row(self) -> None:
        """A row for which there is no room is refused, however few bytes say it."""
        body = {f"f{i}": uint8() for i in range(60)}
        large = type(Component)("Large", (Component,), body)
        world = World([large], 1 << 20)
        layout = Sender(world, part_size=400).mirror.layout
        words = np.zeros((3, layout.n_groups, 1), np.uint32)
        words[0, :2] = 1
        cells = Cells(layout, differences(layout, words, np.zeros_like(words))).write()
        rows = np.array([(1 << 20) - 1], np.intp)
        data = SNAPSHOT_HEAD.pack(1, 0, 1) + row_block(rows, 0, cells)
        self.assertLess(len(data), 40)
        receiver = Receiver(world)
        error = self.assertRaises(RemoteProtocolError, receiver.receive, data)
        self.assertIn("MiB of history", str(error))
        self.assertEqual(len(world), 0)
