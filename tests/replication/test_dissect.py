# SPDX-License-Identifier: MIT
"""Tests of gamenet.replication.dissect, celltable, shapehistory and tally."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.ids import MessageId
from gamenet.replication import Sender, shapes_of
from gamenet.replication.celltable import cell_table
from gamenet.replication.dissect import (
    BEHIND,
    DELTA,
    DESPAWNED,
    ENTERED,
    LEFT,
    Dissection,
    dissect,
)
from gamenet.replication.shapehistory import ShapeHistory
from gamenet.replication.tally import Tally
from gamenet.world import World
from tests.replication.snapshots import (
    COMPONENTS,
    LAYOUT,
    Life,
    Marked,
    Place,
    entered,
    folded,
    gone,
    message,
    told,
)

CAPACITY = 70_000
PLACE, LIFE = 2, 3
NOTHING = np.zeros((2, len(COMPONENTS)), np.bool_)
MOVED = folded({(0, PLACE, 0): 5, (1, PLACE, 1): 600, (0, LIFE, 1): 3}, 2)


def cut(payload: bytes) -> Dissection:
    """Return a message taken apart."""
    return dissect(payload, COMPONENTS, CAPACITY)


def bits_of(dissection: Dissection) -> int:
    """Return the sum of everything that a dissection accounts for."""
    total = dissection.overhead
    for block in dissection.blocks:
        total += int(block.row_bits.sum() + block.cell_bits.sum())
        total += block.group_bits * len(block.groups)
    return total


@st.composite
def messages(draw: Any) -> bytes:
    """Return any message of known rows, ages and differences."""
    blocks = []
    for _ in range(draw(st.integers(0, 3))):
        rows = sorted(draw(st.sets(st.integers(0, 900), min_size=1, max_size=20)))
        n_rows = len(rows)
        if draw(st.booleans()):
            blocks.append(
                gone(
                    rows,
                    draw(st.lists(st.booleans(), min_size=n_rows, max_size=n_rows)),
                )
            )
            continue
        ages = st.integers(0, 31)
        given_ages = draw(ages | st.lists(ages, min_size=n_rows, max_size=n_rows))
        words = np.zeros((3, LAYOUT.n_groups, n_rows), np.uint32)
        random = np.random.default_rng(draw(st.integers(0, 99)))
        for group, widths in enumerate(LAYOUT.groups):
            for lane, width in enumerate(widths):
                high = 1 << draw(st.integers(0, width))
                is_moved = random.random(n_rows) < 0.5
                words[lane, group] = is_moved * random.integers(0, high, n_rows)
        blocks.append(told(rows, given_ages, words))
    return message(draw(st.integers(32, 99)), *blocks)


class DissectTests(SynchronousTestCase):
    """Every bit of a message has an owner."""

    def test_head(self) -> None:
        """A message without blocks is headers."""
        found = cut(message(77, part=1, n_parts=3))
        self.assertEqual((found.tick, found.part, found.n_parts), (77, 1, 3))
        self.assertEqual((found.size, found.overhead, found.blocks), (6, 48, ()))
        self.assertEqual(found.rows.tolist(), [])

    def test_uniform(self) -> None:
        """Rows against the base of many are differences, or against nothing."""
        found = cut(message(77, told([3, 5], 4, MOVED), entered([9], 3)))
        block, fresh = found.blocks
        self.assertEqual(block.rows.tolist(), [3, 5])
        self.assertEqual(block.ages.tolist(), [4, 4])
        self.assertEqual(block.reasons.tolist(), [DELTA, DELTA])
        self.assertEqual(block.groups.tolist(), [PLACE, LIFE])
        self.assertEqual(fresh.reasons.tolist(), [ENTERED])
        self.assertEqual(found.rows.tolist(), [3, 5, 9])

    def test_mixed(self) -> None:
        """Rows with a base of their own each pay a byte for it."""
        (one,) = cut(message(77, told([3, 5], 4, MOVED))).blocks
        (other,) = cut(message(77, told([3, 5], [4, 0], MOVED))).blocks
        self.assertEqual(other.reasons.tolist(), [BEHIND, ENTERED])
        self.assertEqual((other.row_bits - one.row_bits).tolist(), [8, 8])
        self.assertEqual(other.overhead, one.overhead - 8)

    def test_another_entity(self) -> None:
        """A row that holds another entity than the base did is one that enters."""
        words = folded({(0, 0, 0): 2, (1, 0, 1): 6, (0, PLACE, 2): 5}, 3)
        for ages in (4, [4, 5, 6]):
            (block,) = cut(message(77, told([3, 5, 7], ages, words))).blocks
            moved = DELTA if ages == 4 else BEHIND
            self.assertEqual(block.reasons.tolist(), [ENTERED, moved, moved])

    def test_gone(self) -> None:
        """Rows that are gone cost a bit for how, beside what names them."""
        (block,) = cut(message(77, gone([8, 9, 11], [True, False, False]))).blocks
        self.assertEqual(block.reasons.tolist(), [LEFT, DESPAWNED, DESPAWNED])
        self.assertEqual(block.row_bits.tolist(), [2, 2, 2])
        self.assertEqual(block.overhead, 8 + 40 + 5 + 5)

    def test_rows_far_apart(self) -> None:
        """A row pays for the gap before it; the head of the list names the first."""
        for rows, width in (([0, 255], 8), ([0, 60_000], 16)):
            (block,) = cut(message(1, gone(rows, [True, True]))).blocks
            self.assertEqual(block.rows.tolist(), rows)
            self.assertEqual(block.row_bits.tolist(), [1, 1 + width])

    def test_cells(self) -> None:
        """A cell takes its bytes, and a bit for each question about it."""
        (block,) = cut(message(77, told([3, 5], 4, MOVED))).blocks
        sizes, bits = block.sizes.tolist(), block.cell_bits.tolist()
        self.assertEqual(sizes[1], [0, 1])
        self.assertEqual(bits[1], [1, 1 + 1 + 8])
        self.assertTrue(sizes[0][0] <= sizes[0][1])
        self.assertEqual(block.group_bits, 9)

    @settings(max_examples=60)
    @given(messages())
    def test_sum(self, payload: bytes) -> None:
        """The bits of everything are the message, whatever is in it."""
        self.assertEqual(bits_of(cut(payload)), 8 * len(payload))

    @settings(max_examples=60)
    @given(messages(), st.integers(0, 2**31), st.integers(0, 255))
    def test_damage(self, payload: bytes, at: int, byte: int) -> None:
        """Damaged bytes are understood to the last bit, or refused; nothing else."""
        damaged = bytearray(payload)
        damaged[at % len(damaged)] = byte
        for data in (bytes(damaged), payload[: at % len(payload)]):
            try:
                found = cut(data)
            except RemoteProtocolError:
                continue
            self.assertEqual(bits_of(found), 8 * len(data))

    def test_malformed(self) -> None:
        """What the format does not allow is refused, with what was wrong."""
        block = told([3, 5], 4, MOVED)
        for payload, text in (
            (b"\1\0\0", "cut short"),
            (message(1, part=1), "part 1 of a snapshot of 1"),
            (message(1, b"\3" + block[1:]), "flags 0x03"),
            (message(1, b"\x0c" + block[1:]), "flags 0x0c"),
            (message(1, b"\x10" + block[1:]), "flags 0x10"),
            (message(1, block[:7] + b"\x20" + block[8:]), "32 ticks before"),
            (message(1, block[:9] + b"\x3f" + block[10:]), "cells of"),
            (message(1, block[:-1]), "the data"),
            (message(1, gone([70_000], [True])), "row 70000"),
        ):
            error = self.assertRaises(RemoteProtocolError, cut, payload)
            self.assertIn(text, str(error))


class ShapeTests(SynchronousTestCase):
    """What entities are made of, from the messages alone."""

    def setUp(self) -> None:
        self.history = ShapeHistory(COMPONENTS)

    def follow(self, payload: bytes) -> list[list[list[int]]]:
        """Return the numbers of the components of each row of each block."""
        masks = self.history.follow(payload, cut(payload))
        return [[np.flatnonzero(row).tolist() for row in block] for block in masks]

    def test_entered(self) -> None:
        """The shape of a row that enters is in the message."""
        found = self.follow(message(40, entered([3, 5], 3), entered([9], 6)))
        self.assertEqual(found, [[[0, 1], [0, 1]], [[1, 2]]])

    def test_delta(self) -> None:
        """A row that moved is made of what it was made of."""
        self.follow(message(40, entered([3, 5], 3)))
        self.assertEqual(
            self.follow(message(44, told([3, 5], 4, MOVED))), [[[0, 1]] * 2]
        )

    def test_reshaped(self) -> None:
        """A change of shape is one against the base, not against the newest."""
        self.follow(message(40, entered([3], 1)))
        more = folded({(0, 1, 0): 4}, 1)  # 2 more than before
        self.assertEqual(self.follow(message(41, told([3], 1, more))), [[[0, 1]]])
        self.assertEqual(self.follow(message(42, told([3], 2, more))), [[[0, 1]]])

    def test_gone(self) -> None:
        """What is gone was something; what comes in its place is something else."""
        self.follow(message(40, entered([3], 3)))
        self.assertEqual(self.follow(message(41, gone([3], [False]))), [[[0, 1]]])
        self.assertEqual(self.follow(message(42, told([3], 1, folded({}, 1)))), [[[]]])
        self.assertEqual(self.follow(message(43, entered([3], 2))), [[[1]]])

    def test_forgets(self) -> None:
        """Of each row no more is kept than a base may be old."""
        for tick in range(100):
            self.follow(message(tick, entered([3], 1 + tick % 3)))
        self.assertLessEqual(len(self.history._told[3]), 33)


class SenderTests(SynchronousTestCase):
    """What a sender writes, under any loss, is understood from the bytes alone."""

    def setUp(self) -> None:
        self.world = World(COMPONENTS, 48)
        self.sender = Sender(self.world, part_size=200)
        self.viewer = self.sender.admit(1)
        self.entities: list[Any] = []

    def change(self, random: Any) -> None:
        """Have entities come, go, move and change their shape."""
        for _ in range(random.integers(0, 4)):
            if len(self.entities) < 40:
                made = [Place(), Life(), Marked()]
                shape = [each for each in made if random.random() < 0.6]
                self.entities.append(self.world.spawn(*shape))
        random.shuffle(self.entities)
        for _ in range(min(random.integers(0, 3), len(self.entities))):
            self.world.despawn(self.entities.pop())
        for entity in self.entities[:8]:
            if random.random() < 0.3:
                self.world.add(entity, Life(points=int(random.integers(0, 255))))
            elif self.world.has(entity, Marked) and random.random() < 0.5:
                self.world.remove(entity, Marked)
            elif self.world.has(entity, Place):
                self.world[entity, Place].x = random.random()

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 2**32), st.floats(0, 0.6))
    def test_any_history(self, seed: int, loss: float) -> None:
        """Every bit has an owner, and every row the shape that the world has."""
        self.setUp()
        random = np.random.default_rng(seed)
        history = ShapeHistory(COMPONENTS)
        live = shapes_of(self.world, COMPONENTS)
        flights: list[tuple[int, int]] = []
        for tick in range(1, 70):
            self.world.tick = tick
            self.change(random)
            self.sender.begin(tick)
            for part in self.sender.parts(self.viewer):
                found = dissect(part.payload, COMPONENTS, 48)
                self.assertEqual(bits_of(found), 8 * len(part.payload))
                self.assertEqual(sorted(found.rows), sorted(part.rows))
                told_, true = history.follow(part.payload, found), live(b"", found)
                for block, ours, theirs in zip(found.blocks, told_, true, strict=True):
                    is_here = block.reasons < LEFT
                    np.testing.assert_array_equal(ours[is_here], theirs[is_here])
                self.viewer.sent(part, MessageId(len(flights)))
                flights.append((tick + int(random.integers(1, 9)), len(flights)))
            for due, number in flights:
                if due == tick:
                    settle = self.viewer.acknowledge
                    if random.random() < loss:
                        settle = self.viewer.lose
                    settle(MessageId(number))


class TallyTests(SynchronousTestCase):
    """Sums by type, component and reason."""

    def setUp(self) -> None:
        self.history = ShapeHistory(COMPONENTS)
        self.tally = Tally(cell_table(COMPONENTS))

    def add(self, payload: bytes) -> None:
        """Add a message."""
        dissection = cut(payload)
        self.tally.add(dissection, self.history.follow(payload, dissection))

    def test_sums(self) -> None:
        """Each way to add up gives the bytes that were sent."""
        payloads = [
            message(40, entered([3, 5], 3), entered([9], 4)),
            message(44, told([3, 5], 4, MOVED), gone([9], [False])),
        ]
        for payload in payloads:
            self.add(payload)
        sums = self.tally.sums(10)
        self.assertEqual(sums["bytes"], sum(map(len, payloads)))
        for name in ("types", "components", "reasons"):
            total = sum(each["bytes"] for each in sums[name])
            self.assertEqual(total, sums["bytes"], name)
        told_ = {each["name"]: each["told"] for each in sums["types"]}
        self.assertEqual(told_, {"(no entity)": 0, "Place+Life": 4, "Marked": 2})
        reasons = {each["name"]: each["told"] for each in sums["reasons"]}
        wanted = {"overhead": 0, "entered": 3, "delta": 2, "despawned": 1}
        self.assertEqual(reasons, wanted)
        types = {row["row"]: row["type"] for row in sums["rows"]}
        self.assertEqual(types, {3: "Place+Life", 5: "Place+Life", 9: "Marked"})

    def test_ratio(self) -> None:
        """Raw is every component of what was told, whole; gone rows are nothing."""
        self.add(message(40, entered([3, 5], 3), gone([9], [True])))
        raw = 2 * int(LAYOUT.full[2:].sum())
        self.assertEqual(self.tally.raw, raw)
        self.assertEqual(self.tally.sums()["ratio"], round(raw / self.tally.n_bytes, 3))

    def test_gone(self) -> None:
        """A row that is gone is remembered as what it was, if that was ever known."""
        self.add(message(40, entered([3], 3)))
        self.tally.add(cut(message(41, gone([3, 5], [True, True]))), [NOTHING])
        self.assertEqual(self.tally.row_types, {3: "Place+Life", 5: "(gone)"})
        other = Tally(cell_table(COMPONENTS))
        other.merge(self.tally)
        self.tally.add(cut(message(42, gone([3], [True]))), [NOTHING[:1]])
        other.merge(self.tally)
        self.assertEqual(other.row_types, {3: "Place+Life", 5: "(gone)"})

    def test_merge(self) -> None:
        """Two tallies together are one of all their messages."""
        self.add(message(40, entered([3, 5], 3)))
        other, self.tally = self.tally, Tally(cell_table(COMPONENTS))
        self.add(message(41, told([3, 5], 1, MOVED)))
        self.tally.merge(other)
        both, self.tally = self.tally, Tally(cell_table(COMPONENTS))
        self.history = ShapeHistory(COMPONENTS)
        self.add(message(40, entered([3, 5], 3)))
        self.add(message(41, told([3, 5], 1, MOVED)))
        self.assertEqual(both.sums(9), self.tally.sums(9))

    def test_many_types(self) -> None:
        """There is an end to the types that are told apart."""
        self.tally.told.update(f"type {i}" for i in range(300))
        self.add(message(40, entered([3], 3)))
        self.assertEqual(self.tally.told["(others)"], 1)

    def test_no_components(self) -> None:
        """A game whose entities have no components can be looked at, too."""
        table = cell_table(())
        tally = Tally(table)
        payload = message(1, gone([3], [True]))
        found = dissect(payload, (), 8)
        tally.add(found, [np.zeros((1, 0), np.bool_)])
        self.assertEqual(tally.told, {"(gone)": 1})
