# SPDX-License-Identifier: MIT
"""Tests of row blocks."""

from __future__ import annotations

import struct
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import RemoteProtocolError
from gamenet.replication.blocks import BlockCodec
from gamenet.world import World, entity_id
from tests.replication.worlds import (
    COMPONENTS,
    Condition,
    Ghost,
    Position,
    Stamp,
    random_world,
)

CAPACITY = 40
seeds = st.integers(0, 2**32)
row_sets = st.lists(st.integers(0, CAPACITY - 1), min_size=1, unique=True).map(sorted)


def written(world: World, rows: list[int], *, with_identity: bool) -> bytes:
    """Return a block of rows."""
    codec = BlockCodec(world)
    buffer = bytearray(20000)
    end = codec.write(buffer, 0, np.array(rows, np.intp), with_identity=with_identity)
    assert len(buffer) == 20000
    return bytes(buffer[:end])


def block_bytes(
    *components: bytes, base: int = 3, bits: int = 1, span: int = 1, n_rows: int = 1
) -> bytes:
    """Return a block without identity made by hand."""
    head = struct.pack("<IH", base, span) + bits.to_bytes((span + 7) // 8, "little")
    generations = struct.pack("<H", 1) * n_rows
    return head + generations + bytes((len(components),)) + b"".join(components)


def part_bytes(number: int, body: bytes, length: int | None = None) -> bytes:
    """Return one component of a block."""
    return struct.pack("<BI", number, len(body) if length is None else length) + body


class WritingTests(SynchronousTestCase):
    """Blocks are as the standard says, and never larger than they are reckoned."""

    def test_bytes(self) -> None:
        """The bytes are those of the standard."""
        world = World([Stamp, Condition, Ghost], CAPACITY)
        world.restore(entity_id(2, 5), [Stamp, Ghost], 9)
        world.restore(entity_id(11, 0x10007), [Stamp, Condition], 0)
        world.columns(Stamp).tick[[2, 11]] = [0x0A0B0C0D, 7]
        for name, value in (("is_shielded", True), ("level", 5), ("points", 200)):
            getattr(world.columns(Condition), name)[11] = value
        head = "020000000a000102"
        components = (
            "03"
            "00" "09000000" "03" "0d0c0b0a" "07000000"
            "01" "03000000" "02" "0b" "c8"
            "02" "01000000" "01"
        )  # fmt: skip
        self.assertEqual(
            written(world, [2, 11], with_identity=False).hex(),
            head + "05000700" + components,
        )
        self.assertEqual(
            written(world, [2, 11], with_identity=True).hex(),
            head + "0500000007000100" + "0900000000000000" + components,
        )

    @given(seeds, row_sets, st.booleans())
    def test_reckoned(self, seed: int, rows: list[int], with_identity: bool) -> None:
        """A block is at most as large as overhead, row sizes and row bits say."""
        world = random_world(Random(seed), rows, CAPACITY)
        codec = BlockCodec(world)
        sizes = codec.sizes(np.array(rows, np.intp))
        identity = 6 * len(rows) if with_identity else 0
        span = rows[-1] - rows[0]
        reckoned = codec.overhead + sizes.sum() + identity + span / 8
        size = len(written(world, rows, with_identity=with_identity))
        self.assertLessEqual(size, reckoned)
        self.assertLessEqual(sizes.max(), codec.largest_row)


class ReadingTests(SynchronousTestCase):
    """A block is read whole, or refused."""

    def setUp(self) -> None:
        self.codec = BlockCodec(World(COMPONENTS, CAPACITY))

    def refused(self, data: bytes, *, with_identity: bool = False) -> str:
        """Return why a block is refused."""
        error = self.assertRaises(
            RemoteProtocolError, self.codec.read, data, 0, with_identity=with_identity
        )
        return str(error)

    @given(seeds, row_sets, st.booleans(), st.binary(max_size=9))
    def test_round_trip(
        self, seed: int, rows: list[int], with_identity: bool, head: bytes
    ) -> None:
        """Rows, identities and values are read back, from any position."""
        world = random_world(Random(seed), rows, CAPACITY)
        data = head + written(world, rows, with_identity=with_identity)
        block = BlockCodec(world).read(data, len(head), with_identity=with_identity)
        self.assertEqual(block.rows.tolist(), rows)
        mask = 0xFFFFFFFF if with_identity else 0xFFFF
        generations = (world.generation[rows] & mask).tolist()
        self.assertEqual(block.generations.tolist(), generations)
        if block.owners is not None:
            self.assertEqual(block.owners.tolist(), world.owner[rows].tolist())
        self.assertEqual(block.owners is not None, with_identity)
        for part in block.parts:
            columns = world.columns(COMPONENTS[part.component])
            self.assertEqual(part.mask.tolist(), columns.present[rows].tolist())
            for name, values in part.fields.items():
                written_values = getattr(columns, name)[block.rows[part.mask]]
                np.testing.assert_allclose(values, written_values, atol=1 / 128)

    @given(seeds, row_sets, st.booleans(), st.data())
    @settings(max_examples=50)
    def test_truncated(
        self, seed: int, rows: list[int], with_identity: bool, data
    ) -> None:
        """A block cut short anywhere, or with bytes after it, is refused."""
        world = random_world(Random(seed), rows, CAPACITY)
        whole = written(world, rows, with_identity=with_identity)
        length = data.draw(st.integers(0, len(whole) - 1))
        self.refused(whole[:length], with_identity=with_identity)
        self.refused(whole + b"\0", with_identity=with_identity)

    def test_rows_beyond_capacity(self) -> None:
        """Rows that the world does not have are refused before anything is made."""
        for base, span in ((CAPACITY, 1), (0, CAPACITY + 1), (2**32 - 1, 65535)):
            message = self.refused(struct.pack("<IH", base, span) + b"\xff" * 9000)
            self.assertIn(f"allowed are 0 to {CAPACITY - 1}", message)
        self.refused(struct.pack("<IH", 3, 0) + b"\0")

    def test_last_row(self) -> None:
        """The last row of the world is a row."""
        block = self.codec.read(block_bytes(base=CAPACITY - 1), 0, with_identity=False)
        self.assertEqual(block.rows.tolist(), [CAPACITY - 1])

    def test_bitmap_edges(self) -> None:
        """The first and last bit of the bitmap are set, those behind it are not."""
        for bits, n_rows in ((0b10, 1), (0b01, 1), (0, 0), (0b1111, 2)):
            self.refused(block_bytes(bits=bits, span=2, n_rows=n_rows))

    def test_component_order(self) -> None:
        """Components come in ascending order, each once."""
        ghost = part_bytes(4, b"\1")
        stamp = part_bytes(0, b"\1" + bytes(4))
        for parts in ((ghost, ghost), (ghost, stamp)):
            self.refused(block_bytes(*parts))
        self.codec.read(block_bytes(stamp, ghost), 0, with_identity=False)

    def test_component_length(self) -> None:
        """A component has exactly the bytes that it says and that its rows need."""
        body = b"\1" + bytes(4)
        for length, data in ((4, body), (6, body + b"\0"), (2**32 - 1, body)):
            self.refused(block_bytes(part_bytes(0, data, length)))
        # Borrowed bytes of the next component do not help.
        self.refused(block_bytes(part_bytes(0, body[:3]), part_bytes(4, b"\1\1")))

    def test_unknown_component(self) -> None:
        """A component that we do not know is skipped, in between no further one."""
        parts = part_bytes(4, b"\1"), part_bytes(9, b"whatever"), part_bytes(255, b"")
        block = self.codec.read(block_bytes(*parts), 0, with_identity=False)
        self.assertEqual([part.component for part in block.parts], [4])

    def test_no_components(self) -> None:
        """Entities without components are entities."""
        block = self.codec.read(block_bytes(), 0, with_identity=False)
        self.assertEqual((block.rows.tolist(), block.parts), ([3], []))

    @given(st.binary(max_size=80), st.booleans())
    def test_any_bytes(self, data: bytes, with_identity: bool) -> None:
        """Arbitrary bytes are a block or a RemoteProtocolError."""
        for head in (b"", struct.pack("<IHB", 3, 1, 1)):
            try:
                self.codec.read(head + data, 0, with_identity=with_identity)
            except RemoteProtocolError:
                continue

    def test_bits_unused(self) -> None:
        """A bit word with unused bits set is refused."""
        good = part_bytes(3, b"\1" + b"\x0f" + b"\0")
        bad = part_bytes(3, b"\1" + b"\x1f" + b"\0")
        self.codec.read(block_bytes(good), 0, with_identity=False)
        self.refused(block_bytes(bad))

    def test_quantized_out_of_range(self) -> None:
        """A quantized number above its last step is refused."""
        steps = 1024 * 64
        good = part_bytes(1, b"\1" + struct.pack("<II", steps, 0))
        bad = part_bytes(1, b"\1" + struct.pack("<II", steps + 1, 0))
        block = self.codec.read(block_bytes(good), 0, with_identity=False)
        self.assertEqual(block.parts[0].fields["x"].tolist(), [512.0])
        self.refused(block_bytes(bad))
        self.assertEqual(COMPONENTS[1], Position)
