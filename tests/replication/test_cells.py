# SPDX-License-Identifier: MIT
"""Tests of cells, against a slow encoder that says what the standard says."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication.cells import (
    Cells,
    add_differences,
    differences,
    read_cells,
)
from gamenet.replication.layout import RowLayout
from gamenet.wire import uint8
from gamenet.world import Component
from tests.replication.worlds import OPEN, PRIVATE
from tests.strategies import WORDS
from tests.world.shapes import Everything


def component(drawn: Any) -> type[Component]:
    """Return a component of drawn fields."""
    fields = [field for part in drawn for field in part]
    body = {f"f{i}": field for i, field in enumerate(fields)}
    return type(Component)("Drawn", (Component,), body)


layouts = st.one_of(
    st.sampled_from([(), OPEN, PRIVATE, (Everything,)]).map(RowLayout),
    st.lists(WORDS.map(component), max_size=3).map(RowLayout),
)
seeds = st.integers(0, 2**32)


def words(layout: RowLayout, random: Random, n_rows: int) -> tuple[Any, Any]:
    """Return old words of rows, and new ones that mostly differ a little."""
    old = np.zeros((3, layout.n_groups, n_rows), np.uint32)
    new = old.copy()
    likely = random.random()
    for g, group in enumerate(layout.groups):
        for k, width in enumerate(group):
            for row in range(n_rows):
                old[k, g, row] = word = random.randrange(1 << width)
                if random.random() < likely:
                    most = 1 << random.randrange(width + 1)
                    word += random.randrange(-most, most + 1)
                new[k, g, row] = word % (1 << width)
    return old, new


def fold(new: int, old: int, width: int) -> int:
    """Return the difference of two words of so many bits, folded."""
    d = (new - old) % (1 << width)
    s = d - (1 << width) if d >= 1 << (width - 1) else d
    return 2 * s if s >= 0 else -2 * s - 1


def room(group: Any, size: int) -> int:
    """Return how many bits each lane may take in so many bytes."""
    if size == (sum(group) + 7) // 8:
        return 32
    return max(
        bits for bits in range(33) if sum(min(b, bits) for b in group) <= 8 * size
    )


def needed(group: Any, cell: Any) -> int:
    """Return the smallest size that holds a cell; 0 for one that is unchanged."""
    if not any(cell):
        return 0
    size = 1
    while any(
        z >= 1 << min(width, room(group, size))
        for z, width in zip(cell, group, strict=True)
    ):
        size += 1
    return size


def bitmap(bits: Any) -> bytes:
    """Return bits as bytes, lowest first."""
    number = sum(1 << i for i, bit in enumerate(bits) if bit)
    return number.to_bytes((len(bits) + 7) // 8, "little")


def reference(layout: RowLayout, old: Any, new: Any, pick_sizes: Any) -> bytes:
    """Return the cells of rows, as the standard says.

    Args:
        layout: of the rows.
        old: words before.
        new: words now.
        pick_sizes: says the small and the medium size of each group with changes.
    """
    n_rows = new.shape[2]
    cells = [
        [
            tuple(
                fold(int(new[k, g, row]), int(old[k, g, row]), width)
                for k, width in enumerate(group)
            )
            for row in range(n_rows)
        ]
        for g, group in enumerate(layout.groups)
    ]
    has_changed = [any(map(any, row_cells)) for row_cells in cells]
    sizes, changed, large, full, payload = b"", [], [], [], b""
    for g, group in enumerate(layout.groups):
        if not has_changed[g]:
            continue
        in_full = (sum(group) + 7) // 8
        small, medium = pick_sizes(len(sizes), in_full)
        sizes += bytes([small - 1 | (medium - 1) << 3])
        for cell in cells[g]:
            size = needed(group, cell)
            changed.append(size > 0)
            if not size:
                continue
            large.append(size > small)
            if size > small:
                full.append(size > medium)
            size = small if size <= small else medium if size <= medium else in_full
            number, taken = 0, 0
            for z, width in zip(cell, group, strict=True):
                number |= z << taken
                taken += min(width, room(group, size))
            payload += number.to_bytes(size, "little")
    planes = bitmap(changed), bitmap(large), bitmap(full)
    return bitmap(has_changed) + sizes + b"".join(planes) + payload


class ReferenceTests(SynchronousTestCase):
    """Cells are what the standard says, in both directions."""

    @settings(max_examples=60)
    @given(layouts, seeds, st.integers(1, 12))
    def test_written(self, layout: RowLayout, seed: int, n_rows: int) -> None:
        """With the same sizes the bytes are those of the slow encoder."""
        old, new = words(layout, Random(seed), n_rows)
        data = Cells(layout, differences(layout, new, old)).write()
        head = (layout.n_groups + 7) // 8

        def pick(i: int, _full: int) -> tuple[int, int]:
            packed = data[head + i]
            return (packed & 7) + 1, (packed >> 3) + 1

        self.assertEqual(data.hex(), reference(layout, old, new, pick).hex())

    @settings(max_examples=60)
    @given(layouts, seeds, st.integers(1, 12))
    def test_read(self, layout: RowLayout, seed: int, n_rows: int) -> None:
        """What the slow encoder wrote with any legal sizes is read."""
        random = Random(seed)
        old, new = words(layout, random, n_rows)

        def pick(_i: int, full: int) -> tuple[int, int]:
            medium = random.randint(1, full)
            return random.randint(1, medium), medium

        data = reference(layout, old, new, pick)
        folded, end = read_cells(layout, b"???" + data + b"!", 3, n_rows)
        self.assertEqual(end, 3 + len(data))
        self.assertEqual(add_differences(layout, old, folded).tolist(), new.tolist())

    @settings(max_examples=40)
    @given(layouts, seeds, st.integers(1, 12), st.data())
    def test_some_rows(self, layout: RowLayout, seed: int, n_rows: int, data) -> None:
        """The cells of some of the rows are those of these rows alone."""
        old, new = words(layout, Random(seed), n_rows)
        picked = np.array(
            sorted(data.draw(st.sets(st.integers(0, n_rows - 1), min_size=1))), np.intp
        )
        cells = Cells(layout, differences(layout, new, old)).write(picked)
        folded, end = read_cells(layout, cells, 0, len(picked))
        self.assertEqual(end, len(cells))
        again = add_differences(layout, old[:, :, picked], folded)
        self.assertEqual(again.tolist(), new[:, :, picked].tolist())


class FoldingTests(SynchronousTestCase):
    """Differences are folded: small ones in both directions are small numbers."""

    layout = RowLayout([Everything])

    @given(seeds)
    def test_undone(self, seed: int) -> None:
        """What is folded is unfolded, and is the number that the standard says."""
        old, new = words(self.layout, Random(seed), 3)
        folded = differences(self.layout, new, old)
        again = add_differences(self.layout, old, folded)
        self.assertEqual(again.tolist(), new.tolist())
        for g, group in enumerate(self.layout.groups):
            for k, width in enumerate(group):
                expected = fold(int(new[k, g, 0]), int(old[k, g, 0]), width)
                self.assertEqual(int(folded[k, g, 0]), expected)

    def test_around(self) -> None:
        """The difference goes the short way round: from the last word to the first."""
        old = np.zeros((3, self.layout.n_groups, 1), np.uint32)
        new = old.copy()
        for g, group in enumerate(self.layout.groups):
            for k, width in enumerate(group):
                new[k, g, 0] = (1 << width) - 1
        there = differences(self.layout, new, old)
        back = differences(self.layout, old, new)
        for g, group in enumerate(self.layout.groups):
            for k, width in enumerate(group):
                # Of one bit, the only difference there is has to be -1.
                self.assertEqual(int(there[k, g, 0]), 1)
                self.assertEqual(int(back[k, g, 0]), 1 if width == 1 else 2)


class MalformedTests(SynchronousTestCase):
    """What is not as the standard says is refused."""

    def setUp(self) -> None:
        class Small(Component):
            points: int = uint8()

        self.layout = RowLayout([Small])
        self.good = bytes([0b100, 0, 0b1, 0b0, 5])

    def refused(self, data: bytes, n_rows: int = 1) -> str:
        """Return why cells are refused."""
        error = self.assertRaises(
            RemoteProtocolError, read_cells, self.layout, data, 0, n_rows
        )
        return str(error)

    def test_good(self) -> None:
        """One byte of one group of one row."""
        folded, end = read_cells(self.layout, self.good, 0, 1)
        self.assertEqual((int(folded[0, 2, 0]), end), (5, 5))

    def test_cut(self) -> None:
        """Cells that are cut short at any byte are refused."""
        for length in range(len(self.good)):
            self.refused(self.good[:length])

    def test_sizes(self) -> None:
        """The small size is at most the medium one, and that at most the full one."""
        for packed in (1, 1 << 3, 1 | 1 << 3, 0xC0, 0x3F):
            message = self.refused(bytes([0b100, packed, 0b1, 0b0, 5, 5]))
            self.assertIn("must not fall", message)

    def test_unused_bits(self) -> None:
        """Bits that stand for nothing are zero."""
        self.refused(bytes([0b1000, 0, 0b1, 0b0, 5]))
        self.refused(bytes([0b100, 0, 0b10, 0b0, 5]))
        self.refused(bytes([0b100, 0, 0b1, 0b10, 5]))

    def test_nothing(self) -> None:
        """Rows without any change take the bits of the groups, and no more."""
        folded, end = read_cells(self.layout, b"\0", 0, 9)
        self.assertEqual((folded.any(), end), (False, 1))
        layout = self.layout
        nothing = np.zeros((3, layout.n_groups, 9), np.uint32)
        self.assertEqual(Cells(layout, nothing).write(), b"\0")
        self.assertEqual(Cells(layout, nothing).write(np.arange(3)), b"\0")

    @given(layouts, st.binary(max_size=60), st.integers(1, 40))
    def test_any_bytes(self, layout: RowLayout, data: bytes, n_rows: int) -> None:
        """Arbitrary bytes are cells or a RemoteProtocolError."""
        try:
            folded, _end = read_cells(layout, data, 0, n_rows)
        except RemoteProtocolError:
            return
        self.assertTrue((folded <= layout.masks[:, :, None]).all())
