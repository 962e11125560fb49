# SPDX-License-Identifier: MIT
"""The two reference messages, byte for byte, against `struct`."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.wire import (
    ComponentUpdate,
    InputCommand,
    StateUpdate,
    StateUpdateBatch,
)

HEADER = struct.pack("<QQBIH", 0x1122334455667788, 9, 5, 0xA1B2C3D4, 2)
POSITION = struct.pack("<H8sI12s", 8, b"position", 12, struct.pack("<3f", 1, 2, 3))
MARK = struct.pack("<H4sI", 4, b"mark", 0)
UPDATE = StateUpdate(
    timestamp=0x1122334455667788,
    entity_id=9,
    priority=5,
    sequence=0xA1B2C3D4,
    components=[
        ComponentUpdate("position", struct.pack("<3f", 1, 2, 3)),
        ComponentUpdate("mark", b""),
    ],
)
INPUT = struct.pack("<QQIH4sI3s", 7, 1 << 40, 3, 4, b"jump", 3, b"abc")


class StateUpdateTests(SynchronousTestCase):
    """Header, count, and for each component type and data behind their lengths."""

    def test_bytes(self) -> None:
        """The bytes are those of the specification, one by one."""
        for _ in range(2):  # once by the general codec, once by the known layout
            self.assertEqual(UPDATE.encode(), HEADER + POSITION + MARK)
            self.assertEqual(StateUpdate.decode(HEADER + POSITION + MARK), UPDATE)

    def test_construct(self) -> None:
        """Construct's declaration has the same bytes."""
        declaration = StateUpdate.declaration()
        self.assertEqual(declaration.build(UPDATE), HEADER + POSITION + MARK)
        self.assertEqual(declaration.parse(HEADER + POSITION + MARK), UPDATE)

    def test_no_components(self) -> None:
        """Without components it is 23 bytes."""
        encoded = struct.pack("<QQBIH", 1, 2, 3, 4, 0)
        self.assertEqual(StateUpdate(1, 2, 3, 4).encode(), encoded)
        self.assertEqual(StateUpdate.decode(encoded), StateUpdate(1, 2, 3, 4))

    def test_empty_data(self) -> None:
        """A component may have no data, and its type no letters."""
        update = StateUpdate(1, 2, 3, 4, [ComponentUpdate("", b"")])
        encoded = struct.pack("<QQBIHHI", 1, 2, 3, 4, 1, 0, 0)
        self.assertEqual(update.encode(), encoded)
        self.assertEqual(StateUpdate.decode(encoded), update)

    def test_nine_components(self) -> None:
        """Nine components, more than known layouts have, are the same format."""
        parts = [(f"type{i}", bytes(i)) for i in range(9)]
        update = StateUpdate(1, 2, 3, 4, [ComponentUpdate(*part) for part in parts])
        encoded = struct.pack("<QQBIH", 1, 2, 3, 4, 9) + b"".join(
            struct.pack(f"<H5sI{i}s", 5, name.encode(), i, data)
            for i, (name, data) in enumerate(parts)
        )
        for _ in range(2):
            self.assertEqual(update.encode(), encoded)
            self.assertEqual(StateUpdate.decode(encoded), update)

    def test_cut_short(self) -> None:
        """Bytes that end early are refused wherever they end, known layout or not."""
        encoded = HEADER + POSITION + MARK
        for _ in range(2):
            for end in range(len(encoded)):
                with self.assertRaises(RemoteProtocolError):
                    StateUpdate.decode(encoded[:end])
            self.assertEqual(StateUpdate.decode(encoded), UPDATE)
        with self.assertRaises(RemoteProtocolError):
            StateUpdate.decode(encoded + b"\0")

    def test_overlong(self) -> None:
        """Counts and lengths above the limits are refused before they are read."""
        head = struct.pack("<QQBI", 1, 2, 3, 4)
        for bad, limit in (
            (struct.pack("<H", 65), 64),
            (struct.pack("<H", 65535), 64),
            (struct.pack("<HH", 1, 65) + bytes(100), 64),
            (struct.pack("<HHI", 1, 0, 65537) + bytes(70000), 65536),
            (struct.pack("<HHI", 1, 0, 0xFFFFFFFF), 65536),
        ):
            with self.assertRaisesRegex(RemoteProtocolError, f"above limit {limit}"):
                StateUpdate.decode(head + bad)

    def test_no_utf8(self) -> None:
        """A type that is no UTF-8 is refused."""
        bad = struct.pack("<QQBIHH2sI", 1, 2, 3, 4, 1, 2, b"\xc3\x28", 0)
        with self.assertRaises(RemoteProtocolError):
            StateUpdate.decode(bad)

    @given(st.binary(max_size=80))
    def test_hostile(self, data: bytes) -> None:
        """Any bytes give an update of just these bytes, or RemoteProtocolError."""
        try:
            update = StateUpdate.decode(data)
        except RemoteProtocolError:
            return
        self.assertEqual(update.encode(), data)


class InputCommandTests(SynchronousTestCase):
    """Player, time, sequence, and type and data behind their lengths."""

    COMMAND = InputCommand(7, 1 << 40, 3, "jump", b"abc")

    def test_bytes(self) -> None:
        """The bytes are those of the specification, one by one."""
        self.assertEqual(self.COMMAND.encode(), INPUT)
        self.assertEqual(InputCommand.decode(INPUT), self.COMMAND)
        self.assertEqual(InputCommand.declaration().build(self.COMMAND), INPUT)
        self.assertEqual(InputCommand.declaration().parse(INPUT), self.COMMAND)

    def test_empty(self) -> None:
        """Type and data may be empty: 26 bytes."""
        encoded = struct.pack("<QQIHI", 1, 2, 3, 0, 0)
        self.assertEqual(InputCommand(1, 2, 3).encode(), encoded)
        self.assertEqual(InputCommand.decode(encoded), InputCommand(1, 2, 3))

    def test_cut_short(self) -> None:
        """Bytes that end early, or too late, are refused."""
        for end in range(len(INPUT)):
            with self.assertRaises(RemoteProtocolError):
                InputCommand.decode(INPUT[:end])
        with self.assertRaises(RemoteProtocolError):
            InputCommand.decode(INPUT + b"\0")

    def test_overlong(self) -> None:
        """Lengths above the limits are refused before they are read."""
        head = struct.pack("<QQI", 1, 2, 3)
        for bad, limit in (
            (struct.pack("<H", 65) + bytes(100), 64),
            (struct.pack("<HI", 0, 65537), 65536),
            (struct.pack("<HI", 0, 0xFFFFFFFF), 65536),
        ):
            with self.assertRaisesRegex(RemoteProtocolError, f"above limit {limit}"):
                InputCommand.decode(head + bad)

    def test_illegal(self) -> None:
        """A value that cannot be sent is refused, with field and value."""
        for bad, words in (
            (InputCommand(-1), r"InputCommand\.player_id = -1"),
            (InputCommand(sequence=1 << 32), r"InputCommand\.sequence = 4294967296"),
            (InputCommand(type="x" * 65), r"InputCommand\.type = .*limit 64"),
            (InputCommand(data=bytes(65537)), r"InputCommand\.data = .*limit 65536"),
        ):
            with self.assertRaisesRegex(LocalProtocolError, words):
                bad.encode()


class StateUpdateBatchTests(SynchronousTestCase):
    """Many updates of one layout by numpy."""

    LAYOUT = (("position", "(3,)<f4"), ("health", "<u2"), ("mark", "V0"))

    def setUp(self) -> None:
        self.batch = StateUpdateBatch(self.LAYOUT)

    def singles(self) -> list[StateUpdate]:
        """Return three updates, made one by one."""
        return [
            StateUpdate(
                timestamp=1000 + n,
                entity_id=(1 << 40) + n,
                priority=n,
                sequence=7 * n,
                components=[
                    ComponentUpdate("position", struct.pack("<3f", n, 0.5, -n)),
                    ComponentUpdate("health", struct.pack("<H", 100 + n)),
                    ComponentUpdate("mark", b""),
                ],
            )
            for n in range(3)
        ]

    def rows(self) -> np.ndarray:
        """Return the same three as rows."""
        rows = self.batch.rows(3)
        numbers = np.arange(3)
        rows["timestamp"] = 1000 + numbers
        rows["entity_id"] = (1 << 40) + numbers
        rows["priority"] = numbers
        rows["sequence"] = 7 * numbers
        rows["position"] = np.stack([numbers, np.full(3, 0.5), -numbers], axis=1)
        rows["health"] = 100 + numbers
        return rows

    def test_equal_to_singles(self) -> None:
        """A batch is the bytes of its updates, one after another."""
        encoded = [update.encode() for update in self.singles()]
        self.assertEqual(self.batch.encode(self.rows()), b"".join(encoded))
        self.assertEqual({len(data) for data in encoded}, {self.batch.size})

    def test_decode(self) -> None:
        """What comes back are columns over the bytes."""
        data = b"".join(update.encode() for update in self.singles())
        for held in (data, bytearray(data), memoryview(data)):
            rows = self.batch.decode(held)
            self.assertEqual(
                rows["entity_id"].tolist(), [(1 << 40) + n for n in range(3)]
            )
            self.assertEqual(rows["position"][2].tolist(), [2.0, 0.5, -2.0])
            self.assertEqual(rows["health"].tolist(), [100, 101, 102])
            self.assertTrue((rows == self.rows()).all())

    def test_nothing(self) -> None:
        """No updates are no bytes; an update may have no components."""
        self.assertEqual(self.batch.encode(self.batch.rows(0)), b"")
        self.assertEqual(len(self.batch.decode(b"")), 0)
        bare = StateUpdateBatch([])
        self.assertEqual(bare.encode(bare.rows(1)), StateUpdate().encode())

    def test_other_layouts(self) -> None:
        """Updates of another layout are refused, wherever they differ."""
        data = self.batch.encode(self.rows())
        free = set()
        for at in range(len(data)):
            changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            try:
                self.batch.decode(changed)
            except RemoteProtocolError as error:
                self.assertIn("differs", str(error))
            else:
                free.add(at % self.batch.size)
        # The header without the count, and the payloads of 12 and 2 bytes.
        position, health = 23 + 2 + 8 + 4, 23 + 14 + 12 + 2 + 6 + 4
        wanted = [*range(21), *range(position, position + 12), health, health + 1]
        self.assertEqual(sorted(free), wanted)

    def test_part_of_an_update(self) -> None:
        """Bytes that are no whole number of updates are refused."""
        data = self.batch.encode(self.rows())
        for end in range(1, self.batch.size):
            with self.assertRaisesRegex(RemoteProtocolError, "no whole number"):
                self.batch.decode(data[:end])

    def test_foreign_rows(self) -> None:
        """Rows of another layout cannot be encoded."""
        other = StateUpdateBatch([("health", "<u4")])
        with self.assertRaisesRegex(LocalProtocolError, r"rows\(\)"):
            self.batch.encode(other.rows(1))

    def test_illegal_layouts(self) -> None:
        """A layout whose updates could not be sent is refused."""
        for layout in (
            [("a", "<f4")] * 65,
            [("a", "<f4"), ("a", "<f4")],
            [("timestamp", "<f4")],
            [("type_length_1", "<f4"), ("b", "<f4")],
            [("", "<f4")],
            [("x" * 65, "<f4")],
            [("\ud800", "<f4")],
            [("a", "no dtype")],
            [("a", "O")],
            [("a", "V65537")],
        ):
            with self.assertRaises(LocalProtocolError):
                StateUpdateBatch(layout)
        self.assertEqual(StateUpdateBatch([("a", "V65536")]).size, 23 + 7 + 65536)
